/* An answer being made: status, a few headers, and a body from memory or from a file. */
#ifndef OBSCURA_HTTP_RESPONSE_H
#define OBSCURA_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"

#define HTTP_MAX_HEADERS 12
#define HTTP_JSON_DIGITS 10 /* of numbers: 0.4 as 0.4, not as the 0.40000000000000002 that it is */

enum http_body_kind { HTTP_BODY_NONE, HTTP_BODY_OWNED, HTTP_BODY_STATIC, HTTP_BODY_FD, HTTP_BODY_STREAM };

/* A body that is made while it is sent; its length is not known beforehand. */
struct http_stream {
    /* Empties `piece` and fills it anew; piece->len 0: the body has ended. On failure the connection is cut, so that
     * the client sees that the body is not whole. */
    int (*next)(void *opaque, struct buffer *piece, struct error *err);
    void (*destroy)(void *opaque); /* always called once */
    void *opaque;
};

struct http_response {
    int status;
    enum http_body_kind kind;
    const void *data; /* OWNED: malloc'd, freed by http_response_finish; STATIC: lives for ever */
    int fd;           /* FD: seekable, closed by http_response_finish */
    struct http_stream stream;
    int64_t size; /* bytes of the body; 0 for STREAM */
    char content_type[96];
    char etag[128]; /* strong, with its quotes; empty where there is none. With one, If-None-Match and Range are
                       honoured */
    struct {
        char name[40], value[1536];
    } headers[HTTP_MAX_HEADERS];
    int header_count;
};

void http_response_init(struct http_response *rs);
void http_response_finish(struct http_response *rs); /* frees the body; NULL-safe */

/* Each sets status and body, dropping a body that was set before. */
void http_respond_owned(
    struct http_response *rs, int status, const char *content_type, void *data, int64_t size); /* takes data */
void http_respond_static(
    struct http_response *rs, int status, const char *content_type, const void *data, int64_t size);
void http_respond_fd(
    struct http_response *rs, int status, const char *content_type, int fd, int64_t size); /* takes fd */
void http_respond_stream(struct http_response *rs, int status, const char *content_type,
    const struct http_stream *stream);                                      /* takes stream->opaque */
void http_respond_json(struct http_response *rs, int status, json_t *json); /* takes json; NULL: 500, out of memory */

/* {"detail": "..."} */
void http_respond_detail(struct http_response *rs, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a header, or replaces the one of that name. Values are cut at their field's size; control characters become
 * spaces. */
void http_response_header(struct http_response *rs, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const char *http_status_text(int status); /* "Not Found" */

#endif
