/* See exchange.h. From a request's head to its answer, without the network. */
#include "http/exchange.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define URI_MAX 65536
#define IGNORED_BODY_MAX 65536 /* bytes that a route without a body swallows */

struct exchange *exchange_create(const struct http_settings *settings, struct client *client, const char *uri)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->settings = settings;
    x->client = client;
    x->uri_length = strlen(uri);
    const char *nul = strstr(uri, "%00"), *query = strchr(uri, '?');
    x->path_has_nul = nul && (!query || nul < query);
    x->begun_ns = clock_mono_ns();
    x->rq.query = x->query;
    http_response_init(&x->rs);
    return x;
}

/* Ends the route's state: before the answer is sent, so that a client that has its answer finds nothing half undone. */
static void end_state(struct exchange *x)
{
    if (x->state)
        x->route->body->destroy(x->state);
    x->state = NULL;
}

void exchange_destroy(struct exchange *x)
{
    if (!x)
        return;
    end_state(x);
    http_response_finish(&x->rs);
    free(x);
}

static void fail(struct exchange *x, const struct error *err)
{
    x->settings->problem(err, &x->rs);
    x->answered = true;
    end_state(x);
}

static enum MHD_Result collect_query(
    void *opaque, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value, size_t value_size)
{
    struct exchange *x = opaque;
    if (x->answered)
        return MHD_NO;
    if (x->rq.query_count == HTTP_MAX_QUERY) {
        http_respond_detail(&x->rs, 422, "over %d query parameters", HTTP_MAX_QUERY);
        x->answered = true;
    } else if (strlen(name) != name_size || (value && strlen(value) != value_size)) {
        http_respond_detail(&x->rs, 422, "%.100s: a query parameter holds a NUL byte", name);
        x->answered = true;
    } else {
        x->query[x->rq.query_count++] = (struct http_pair){name, value ? value : ""};
    }
    return MHD_YES;
}

/* The path of a request target; the absolute form, "http://host/path", is to be taken as well (RFC 9112, 3.2.2). */
static const char *behind_authority(const char *target)
{
    if (strncasecmp(target, "http://", 7) && strncasecmp(target, "https://", 8))
        return target;
    const char *path = strchr(strstr(target, "://") + 3, '/');
    return path ? path : "/";
}

/* Fills rq from what libmicrohttpd has read. */
static void describe(struct exchange *x, struct MHD_Connection *connection, const char *path, const char *method)
{
    struct http_request *rq = &x->rq;
    rq->connection = connection;
    rq->method = method;
    rq->path = behind_authority(path);
    rq->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const struct sockaddr *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    socklen_t length = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(address, length, rq->peer, sizeof rq->peer, NULL, 0, NI_NUMERICHOST))
        snprintf(rq->peer, sizeof rq->peer, "?");
    const char *size = http_request_header(rq, MHD_HTTP_HEADER_CONTENT_LENGTH);
    rq->content_length = http_request_header(rq, MHD_HTTP_HEADER_TRANSFER_ENCODING) ? -1 : 0;
    if (!rq->content_length && size && text_int(size, &rq->content_length))
        rq->content_length = INT64_MAX;
}

static void find_route(struct exchange *x)
{
    char allow[64];
    const struct http_settings *s = x->settings;
    int status =
        x->path_has_nul ? 404 : http_route_find(s->routes, s->route_count, &x->rq, &x->route, allow, sizeof allow);
    if (!status)
        return;
    x->answered = true;
    if (status == 405) {
        http_respond_detail(
            &x->rs, 405, "%.20s is not a method of %.200s; allowed: %s", x->rq.method, x->rq.path, allow);
        http_response_header(&x->rs, "Allow", "%s", allow);
    } else {
        http_respond_detail(
            &x->rs, 404, "%.200s: there is no such resource; /docs describes those that exist", x->rq.path);
    }
}

static enum MHD_Result count_header(void *opaque, enum MHD_ValueKind kind, const char *name, const char *value)
{
    int *counts = opaque;
    counts[0] += !strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH);
    counts[1] += !strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    return MHD_YES;
}

/* Whoever forwards requests to us must agree with us about where a body ends: what could be read in two ways is refused
 * (RFC 9112, 6.3 and 11.2). */
static bool framing_is_clear(struct exchange *x)
{
    int counts[2] = {0, 0};
    const char *encoding = http_request_header(&x->rq, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    MHD_get_connection_values(x->rq.connection, MHD_HEADER_KIND, count_header, counts);
    if (counts[0] + counts[1] <= 1 && (!encoding || !strcasecmp(encoding, "chunked")))
        return true;
    http_respond_detail(&x->rs, 400,
        "the request cannot be read: its content-length and transfer-encoding headers contradict each other or are "
        "unknown");
    x->rq.content_length = -1; /* nobody knows: the connection ends with the answer */
    return false;
}

/* Parameters that the route does not have; one of them is named. */
static void check_query(struct exchange *x)
{
    char text[160];
    for (size_t i = 0; i < x->rq.query_count; i++) {
        if (http_route_takes(x->route, x->query[i].name, text, sizeof text))
            continue;
        if (!strcmp(x->rq.method, MHD_HTTP_METHOD_DELETE)) {
            http_respond_detail(&x->rs, 422, "%s (nothing is deleted)", text);
            x->answered = true;
        } else {
            for (char *c = text; *c; c++)
                if (*c == '"' || *c == '\\' || (unsigned char)*c >= 0x7f)
                    *c = '?';
            http_response_header(&x->rs, "Warning", "299 - \"%s\"", text);
        }
        return;
    }
}

void exchange_begin(struct exchange *x, struct MHD_Connection *connection, const char *path, const char *method)
{
    x->begun = true;
    describe(x, connection, path, method);
    if (!framing_is_clear(x)) {
        x->answered = true;
        return;
    }
    if (x->uri_length > URI_MAX) {
        http_respond_detail(
            &x->rs, 414, "the request's address is %zu bytes long; allowed are %d", x->uri_length, URI_MAX);
        x->answered = true;
        return;
    }
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, collect_query, x);
    if (!x->answered)
        find_route(x);
    if (!x->answered)
        check_query(x);
    if (x->answered)
        return;
    const int64_t most = x->route->body ? x->settings->max_body : IGNORED_BODY_MAX;
    if (x->rq.content_length > most) {
        http_respond_detail(&x->rs, 413, "the request's body has %lld bytes; allowed are %lld",
            (long long)x->rq.content_length, (long long)most);
        x->answered = true;
        return;
    }
    struct error err = {0};
    if (x->route->body && x->route->body->begin(x->settings->opaque, &x->rq, &x->state, &err))
        fail(x, &err);
}

void exchange_data(struct exchange *x, const uint8_t *data, size_t len)
{
    x->body_bytes += (int64_t)len;
    if (x->answered)
        return;
    const int64_t most = x->route->body ? x->settings->max_body : IGNORED_BODY_MAX;
    if (x->body_bytes > most) {
        http_respond_detail(&x->rs, 413, "the request's body is too large; allowed are %lld bytes", (long long)most);
        x->answered = true;
        return;
    }
    struct error err = {0};
    if (x->route->body && x->route->body->data(x->state, data, len, &err))
        fail(x, &err);
}

void exchange_end(struct exchange *x)
{
    if (x->answered)
        return;
    struct error err = {0};
    void *opaque = x->route->body ? x->state : x->settings->opaque;
    if (x->route->handle(opaque, &x->rq, &x->rs, &err))
        fail(x, &err);
    x->answered = true;
    end_state(x);
}
