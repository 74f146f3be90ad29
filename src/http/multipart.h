/* Streaming parser of multipart/form-data (RFC 7578, RFC 2046 5.1): bytes go in as they arrive, parts come out through
 * callbacks, and nothing but a part's headers is ever held back. Strict: what is not well-formed is an error, never a
 * guess, for a body cut short must not pass as a whole file.
 */
#ifndef OBSCURA_HTTP_MULTIPART_H
#define OBSCURA_HTTP_MULTIPART_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define MULTIPART_NAME_SIZE 256
#define MULTIPART_FILENAME_SIZE 1024

/* A part's headers; valid during the call. */
struct multipart_part {
    const char *name;
    const char
        *filename; /* as sent, NULL where there is none: untrusted, may hold folders and bytes that are not UTF-8 */
};

/* Each may answer a negative code with err filled, which ends the parse and is returned by multipart_feed. */
struct multipart_handler {
    int (*begin)(void *opaque, const struct multipart_part *part, struct error *err);
    int (*data)(void *opaque, const uint8_t *data, size_t len, struct error *err); /* len > 0 */
    int (*end)(void *opaque, struct error *err);
};

struct multipart;

/* `content_type`: the request's header, may be NULL; `handler` is borrowed. -EMEDIUMTYPE: not multipart/form-data;
 * -EINVAL: no usable boundary; -ENOMEM. */
int multipart_create(const char *content_type, const struct multipart_handler *handler, void *opaque,
    struct multipart **ret_multipart, struct error *err);

/* -EBADMSG: malformed. After an error only multipart_destroy may follow. */
int multipart_feed(struct multipart *m, const uint8_t *data, size_t len, struct error *err);

/* The body is over. -EBADMSG where the closing boundary has not come. */
int multipart_finish(struct multipart *m, struct error *err);

void multipart_destroy(struct multipart *m); /* NULL-safe; calls nothing */

#endif
