/* An upload on its way in (private to api/): upload_query.c reads the parameters, upload_body.c stores the file,
 * upload.c queues the task and answers. */
#ifndef OBSCURA_API_UPLOAD_H
#define OBSCURA_API_UPLOAD_H

#include "api/context.h"
#include "api/names.h"
#include "api/sniff.h"
#include "base/buffer.h"
#include "base/sha256.h"
#include "http/multipart.h"

#define UPLOAD_WARNINGS_MAX 8192

struct upload {
    struct api *api;
    struct config_request request;
    struct task task; /* what will be queued */
    struct buffer warnings;
    bool unknown_parameter;
    struct multipart *multipart;
    struct artefact_writer writer;
    bool in_file, have_file; /* within the part `fileobject`; it has come */
    uint8_t head[SNIFF_SIZE];
    size_t head_len;
    int64_t checked_at; /* bytes of the file when the disk was last looked at */
    bool hashing;       /* an Idempotency-Key was given; digest is begun and not yet ended */
    struct sha256 digest;
};

/* Reads query parameters and headers into u->request and u->task. -EINVAL names the parameter, the value and what is
 * allowed. */
int upload_read_parameters(struct upload *u, const struct http_request *rq, struct error *err);

void upload_warn(struct upload *u, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* -ENOSPC where `more` bytes would leave less than the reserve free. */
int upload_check_disk(struct upload *u, int64_t more, struct error *err);

extern const struct multipart_handler upload_parts; /* opaque: struct upload */

#endif
