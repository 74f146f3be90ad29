/* A request as handlers see it. Everything is borrowed and lives until the answer is sent. */
#ifndef OBSCURA_HTTP_REQUEST_H
#define OBSCURA_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_CAPTURE_SIZE 128
#define HTTP_MAX_QUERY 256

struct http_pair {
    const char *name, *value; /* decoded; value "" where there is none */
};

struct http_request {
    const char *method;
    const char *path;                /* decoded, without the query */
    char capture[HTTP_CAPTURE_SIZE]; /* what `{name}` of the route's pattern stood for; "" */
    const struct http_pair *query;   /* in the order sent */
    size_t query_count;
    int64_t content_length; /* -1 where the length is not known beforehand */
    char peer[64];          /* the client's address */
    int fd;                 /* of the connection: to be looked at, never read or written */
    void *connection;       /* private to the server */
};

const char *http_request_header(
    const struct http_request *rq, const char *name); /* NULL where absent; name in any case */

/* Value of the query parameter, `-` and `_` alike; NULL where it is absent. The last one where it is repeated. */
const char *http_request_query(const struct http_request *rq, const char *name);

#endif
