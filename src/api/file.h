/* What image and video downloads share (private to api/). */
#ifndef OBSCURA_API_FILE_H
#define OBSCURA_API_FILE_H

#include "api/context.h"

/* A file that is ready to be downloaded. */
struct file {
    struct task task;
    struct request_options request; /* what its upload asked for */
};

/* Finds the task of rq's path. -ENOENT unknown; -EINVAL it is of the other kind; -EBUSY not finished, or failed;
 * -ENODATA deleted. On success file_close must follow. */
int file_open_task(struct api *api, const struct http_request *rq, bool video, struct file *f, struct error *err);
void file_close(struct file *f);

/* -EINVAL where method=detect made none; -ENODATA where it is gone. */
int file_open_artefact(
    struct api *api, const struct file *f, enum artefact_kind kind, int *ret_fd, int64_t *ret_size, struct error *err);

/* Does the client hold this version already? Then rs is the 304. Sets Cache-Control either way. */
bool file_unchanged(const struct http_request *rq, struct http_response *rs, const char *etag);

/* The scale of the mask picture, percent: mask-scale of the download (or of the upload) of what --save-mask keeps.
 * -EINVAL where no such mask is kept, or the parameter is wrong. */
int file_read_scale(
    const struct http_request *rq, const struct file *f, bool instance, double *ret_scale, struct error *err);

#endif
