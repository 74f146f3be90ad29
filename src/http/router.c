/* See router.h. */
#include "http/router.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static bool match(const char *pattern, const char *path, char *capture, size_t size)
{
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t n = strcspn(path, "/");
        if (!n || n >= size)
            return false;
        memcpy(capture, path, n);
        capture[n] = 0;
        path += n;
        pattern += strcspn(pattern, "}") + 1;
    }
    return !*path || (path[0] == '/' && !path[1]);
}

static bool method_serves(const struct http_route *route, const char *method)
{
    return !strcmp(route->method, method) || (!strcmp(method, "HEAD") && !strcmp(route->method, "GET"));
}

int http_route_find(const struct http_route *routes, size_t count, struct http_request *rq,
    const struct http_route **ret_route, char *allow, size_t size)
{
    size_t used = 0;
    allow[0] = 0;
    const char *found = NULL; /* the first pattern that fits decides: literal routes stand before captures */
    for (size_t i = 0; i < count; i++) {
        if (found ? strcmp(found, routes[i].pattern)
                  : !match(routes[i].pattern, rq->path, rq->capture, sizeof rq->capture))
            continue;
        found = routes[i].pattern;
        if (method_serves(&routes[i], rq->method)) {
            *ret_route = &routes[i];
            return 0;
        }
        used += (size_t)snprintf(allow + used, size - used, "%s%s%s", used ? ", " : "", routes[i].method,
            strcmp(routes[i].method, "GET") ? "" : ", HEAD");
        if (used >= size)
            used = size - 1;
    }
    return found ? 405 : 404;
}

bool http_route_takes(const struct http_route *route, const char *name, char *text, size_t size)
{
    const char *near = NULL;
    size_t nearest = 4; /* edits; further than three is another word */
    for (const char *const *known = route->query; known && *known; known++) {
        const size_t distance = text_distance(name, *known);
        if (text_name_equal(name, *known))
            return true;
        if (distance < nearest && distance * 2 < strlen(*known)) {
            nearest = distance;
            near = *known;
        }
    }
    if (near)
        snprintf(text, size, "unknown parameter '%.60s'; did you mean '%s'?", name, near);
    else
        snprintf(text, size, "unknown parameter '%.60s'", name);
    return !route->query;
}
