/* Routes: a method and a path pattern lead to a handler. Patterns are made of literal segments and `{name}`, which
 * takes one whole segment. */
#ifndef OBSCURA_HTTP_ROUTER_H
#define OBSCURA_HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "http/request.h"
#include "http/response.h"

/* A route that takes a body. begin comes once the headers are read; data for each piece; then the route's handle;
 * destroy always comes last and undoes what handle has not completed. A negative code from any becomes the answer
 * through http_settings.problem. */
struct http_body {
    int (*begin)(void *opaque, struct http_request *rq, void **ret_state,
        struct error *err); /* on failure *ret_state stays NULL */
    int (*data)(void *state, const uint8_t *data, size_t len, struct error *err);
    void (*destroy)(void *state);
};

struct http_route {
    const char *method; /* "GET" serves HEAD as well */
    const char *pattern;
    /* `opaque` is the settings'; for a route with a body it is the state that begin returned. */
    int (*handle)(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
    const struct http_body *body; /* NULL: a small body is read and ignored */
    /* Names of its query parameters, NULL at the end. With another one, DELETE is refused (its limits may be what is
     * misspelt, and it cannot be taken back); other methods go on, and a Warning header names it. NULL: any will do. */
    const char *const *query;
};

/* Finds the route. Returns 0; or 404 or 405, then `allow` (of size bytes) lists the methods that the path has ("" for
 * 404). A trailing slash is ignored. The capture is written into rq->capture; one longer than its room does not match.
 */
int http_route_find(const struct http_route *routes, size_t count, struct http_request *rq,
    const struct http_route **ret_route, char *allow, size_t size);

/* Whether the route has this query parameter; where it has not, `text` (of size bytes) says so and suggests one. */
bool http_route_takes(const struct http_route *route, const char *name, char *text, size_t size);

#endif
