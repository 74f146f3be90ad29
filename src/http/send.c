/* The sending half of exchange.h. */
#include "http/conditional.h"
#include "http/exchange.h"
#include "base/clock.h"
#include "base/log.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define LINGER_MS 5000
#define LINGER_BYTES (INT64_C(64) << 20)

static const struct {
    const char *name, *value;
} common_headers[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

/* Narrows a 200 answer with an ETag by the request's conditions. Sets the part of the body that is to be sent. */
static void apply_conditions(struct exchange *x, int64_t *first, int64_t *length)
{
    struct http_response *rs = &x->rs;
    *first = 0;
    *length = rs->size;
    if (rs->status != 200 || !rs->etag[0])
        return;
    http_response_header(rs, "ETag", "%s", rs->etag);
    if (rs->kind != HTTP_BODY_STREAM)
        http_response_header(rs, "Accept-Ranges", "bytes");
    const char *condition = http_request_header(&x->rq, "If-None-Match");
    if (condition && http_etag_listed(condition, rs->etag)) {
        rs->status = 304;
        *length = 0;
        return;
    }
    const char *range = http_request_header(&x->rq, "Range"), *if_range = http_request_header(&x->rq, "If-Range");
    if (!range || rs->kind == HTTP_BODY_STREAM || strcmp(x->rq.method, "GET") ||
        (if_range && strcmp(if_range, rs->etag)))
        return;
    const int64_t size = rs->size;
    switch (http_range_parse(range, size, first, length)) {
    case HTTP_RANGE_WHOLE:
        break;
    case HTTP_RANGE_PART:
        rs->status = 206;
        http_response_header(rs, "Content-Range", "bytes %lld-%lld/%lld", (long long)*first,
            (long long)(*first + *length - 1), (long long)size);
        break;
    case HTTP_RANGE_UNSATISFIABLE:
        http_respond_detail(rs, 416, "range: %.100s lies outside of the file's %lld bytes", range, (long long)size);
        http_response_header(rs, "Content-Range", "bytes */%lld", (long long)size);
        *first = 0;
        *length = rs->size;
    }
}

#define STREAM_BLOCK 65536
#define PIECE_MAX ((size_t)1 << 30)

/* A streamed body on its way: what of the current piece is not sent yet. */
struct sending {
    struct http_stream stream;
    struct buffer piece;
    size_t at;
};

static ssize_t read_stream(void *opaque, uint64_t position, char *out, size_t max)
{
    struct sending *s = opaque;
    struct error err = {0};
    if (s->at == s->piece.len) {
        s->at = 0;
        if (s->stream.next(s->stream.opaque, &s->piece, &err)) {
            log_error("an answer breaks off: %s", err.text);
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        if (!s->piece.len)
            return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t n = s->piece.len - s->at < max ? s->piece.len - s->at : max;
    memcpy(out, s->piece.data + s->at, n);
    s->at += n;
    return (ssize_t)n;
}

static void free_stream(void *opaque)
{
    struct sending *s = opaque;
    s->stream.destroy(s->stream.opaque);
    buffer_finish(&s->piece);
    free(s);
}

static struct MHD_Response *make_stream_response(struct http_response *rs)
{
    struct sending *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->stream = rs->stream;
    s->piece.max = PIECE_MAX;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, s, free_stream);
    if (response)
        rs->stream = (struct http_stream){0};
    else
        free(s);
    return response;
}

/* Passes the body's ownership on. NULL: out of memory. */
static struct MHD_Response *make_response(struct http_response *rs, int64_t first, int64_t length)
{
    struct MHD_Response *response = NULL;
    if (rs->kind == HTTP_BODY_STREAM && rs->status != 304)
        return make_stream_response(rs);
    if (rs->kind == HTTP_BODY_FD && length) {
        response = MHD_create_response_from_fd_at_offset64((uint64_t)length, rs->fd, (uint64_t)first);
        if (response)
            rs->fd = -1;
        return response;
    }
    if (rs->kind == HTTP_BODY_OWNED && length && !first) {
        response = MHD_create_response_from_buffer((size_t)length, (void *)(uintptr_t)rs->data, MHD_RESPMEM_MUST_FREE);
        if (response)
            rs->data = NULL;
        return response;
    }
    const char *data = length ? (const char *)rs->data + first : "";
    return MHD_create_response_from_buffer((size_t)length, (void *)(uintptr_t)data,
        rs->kind == HTTP_BODY_OWNED && length ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result exchange_send(struct exchange *x)
{
    struct http_response *rs = &x->rs;
    struct MHD_Connection *connection = x->rq.connection;
    int64_t first, length;
    apply_conditions(x, &first, &length);
    struct MHD_Response *response = make_response(rs, first, length);
    if (!response)
        return MHD_NO;
    rs->size = length;
    for (size_t i = 0; i < sizeof common_headers / sizeof *common_headers; i++)
        MHD_add_response_header(response, common_headers[i].name, common_headers[i].value);
    if (rs->kind != HTTP_BODY_NONE && rs->status != 304)
        MHD_add_response_header(response, "Content-Type", rs->content_type);
    /* libmicrohttpd ends the body that HEAD leaves out with its last chunk, which a client would take for the next
     * answer; so no chunks there. */
    if (rs->kind == HTTP_BODY_STREAM && !strcmp(x->rq.method, MHD_HTTP_METHOD_HEAD))
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    if (atomic_load(&x->client->all->retiring))
        MHD_add_response_header(response, "Connection", "close");
    for (int i = 0; i < rs->header_count; i++)
        MHD_add_response_header(response, rs->headers[i].name, rs->headers[i].value);
    /* A handler may have taken longer than the idle time-out, which would end the connection before the answer is out:
     * switching it off and on again starts it anew. */
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, HTTP_IDLE_SECONDS);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)rs->status, response);
    MHD_destroy_response(response);
    return result;
}

static int send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
            continue;
        }
        struct pollfd p = {fd, POLLOUT, 0};
        if (n < 0 && errno == EINTR)
            continue;
        if ((n < 0 && errno != EAGAIN) || poll(&p, 1, LINGER_MS) <= 0)
            return -EIO;
    }
    return 0;
}

static void linger(int fd)
{
    char waste[16384];
    int64_t bytes = 0, until = clock_mono_ns() + LINGER_MS * INT64_C(1000000);
    shutdown(fd, SHUT_WR);
    while (bytes < LINGER_BYTES && clock_mono_ns() < until) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, 1000) <= 0)
            continue;
        ssize_t n = recv(fd, waste, sizeof waste, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return;
        bytes += n > 0 ? n : 0;
    }
}

void send_early(int fd, const struct http_response *rs)
{
    char head[4096], date[64];
    struct tm tm;
    const time_t now = time(NULL);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    size_t n = (size_t)snprintf(head, sizeof head,
        "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %lld\r\nConnection: close\r\n", rs->status,
        http_status_text(rs->status), date, rs->content_type, (long long)rs->size);
    for (int i = 0; i < rs->header_count && n < sizeof head; i++)
        n += (size_t)snprintf(head + n, sizeof head - n, "%s: %s\r\n", rs->headers[i].name, rs->headers[i].value);
    if (n < sizeof head)
        n += (size_t)snprintf(head + n, sizeof head - n, "\r\n");
    if (n >= sizeof head || rs->kind == HTTP_BODY_FD)
        return; /* errors are short and come from memory */
    if (!send_all(fd, head, n) && !send_all(fd, rs->data, (size_t)rs->size))
        linger(fd);
}
