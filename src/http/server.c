/* See server.h. The bridge between libmicrohttpd's callbacks and an exchange.
 *
 * libmicrohttpd calls on_request once for a head, then for each piece of the body, then once more. It takes an answer
 * only in the first and the last of those calls; what is refused in between is answered by hand (send_early).
 */
#include "http/server.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/exchange.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECTION_MEMORY (256 << 10) /* head and receive buffer of a connection, bytes */
#define SWALLOW_MAX (256 << 10) /* the rest of a refused body that is read so that the connection lives on, bytes */

struct http_server {
    struct http_settings settings;
    struct clients clients;
    struct MHD_Daemon *daemon;
    atomic_llong requests;
};

static void on_connection(
    void *opaque, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = opaque;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = client_create(
            &s->clients, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    } else {
        client_destroy(*context);
        *context = NULL;
    }
}

static void *on_uri(void *opaque, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *s = opaque;
    struct client *client = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (!client)
        return NULL;
    client_adopt(client);
    client_enter(client, CLIENT_HEAD);
    return exchange_create(&s->settings, client, uri);
}

/* A refused request whose body is still coming: swallow a short rest, answer at once before a long one. */
static enum MHD_Result refuse(struct exchange *x)
{
    const int64_t rest = x->rq.content_length < 0 ? INT64_MAX : x->rq.content_length - x->body_bytes;
    if (rest <= SWALLOW_MAX)
        return MHD_YES;
    client_enter(x->client, CLIENT_ANSWER);
    send_early(x->rq.fd, &x->rs);
    return MHD_NO;
}

static enum MHD_Result on_head(
    struct exchange *x, struct MHD_Connection *connection, const char *path, const char *method)
{
    exchange_begin(x, connection, path, method);
    client_enter(x->client, CLIENT_BODY);
    if (!x->answered)
        return MHD_YES;
    const char *expect = http_request_header(&x->rq, "Expect");
    if (expect && !strcasecmp(expect, "100-continue") && x->rq.content_length) {
        client_enter(x->client, CLIENT_ANSWER);
        return exchange_send(x); /* the client waits with its body */
    }
    return refuse(x);
}

static enum MHD_Result on_request(void *opaque, struct MHD_Connection *connection, const char *path, const char *method,
    const char *version, const char *data, size_t *size, void **context)
{
    struct exchange *x = *context;
    if (!x)
        return MHD_NO; /* out of memory */
    if (!x->begun)
        return on_head(x, connection, path, method);
    if (*size) {
        client_received(x->client, (int64_t)*size);
        exchange_data(x, (const uint8_t *)data, *size);
        *size = 0;
        return x->answered ? refuse(x) : MHD_YES;
    }
    client_enter(x->client, CLIENT_ANSWER);
    exchange_end(x);
    return exchange_send(x);
}

static void on_completed(
    void *opaque, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
    struct http_server *s = opaque;
    struct exchange *x = *context;
    if (!x)
        return;
    *context = NULL;
    if (x->answered)
        log_info("%s %s %.300s %d %lld bytes %lld ms", x->rq.peer, x->rq.method, x->rq.path, x->rs.status,
            (long long)x->rs.size, (long long)((clock_mono_ns() - x->begun_ns) / 1000000));
    else
        log_info(
            "%s: the request was not completed (%lld bytes of its body came)", x->rq.peer, (long long)x->body_bytes);
    atomic_fetch_add(&s->requests, 1);
    client_enter(x->client, CLIENT_IDLE);
    exchange_destroy(x);
}

/* libmicrohttpd answers what it cannot read with a page of HTML of its own, and the one sign of it is this log message,
 * from the connection's thread and just before the page is sent. Our clients are promised JSON: so the answer is given
 * here and the sending side shut, which leaves the page nowhere to go. Should the message read differently one day,
 * the page is what clients get; so do those whose first request line cannot be read while that of another is still
 * coming (clients_own_fd). */
static void answer_malformed(struct http_server *s, va_list args)
{
    const unsigned status = va_arg(args, unsigned);
    struct http_response rs;
    int fd = clients_own_fd(&s->clients);
    if (fd < 0)
        return;
    http_response_init(&rs);
    http_respond_detail(&rs, (int)status, "the request cannot be read: %s", http_status_text((int)status));
    send_early(fd, &rs);
    http_response_finish(&rs);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *opaque, const char *format, va_list args)
{
    char text[512];
    va_list again;
    va_copy(again, args);
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = 0;
    log_debug("libmicrohttpd: %s", text);
    if (!strncmp(format, "Error processing request (HTTP response code is %u", 50))
        answer_malformed(opaque, again);
    va_end(again);
}

int http_server_start(const struct http_settings *settings, struct http_server **ret_server, struct error *err)
{
    struct http_server *s = calloc(1, sizeof *s);
    if (!s || clients_start(&s->clients)) {
        free(s);
        return error_set(err, -ENOMEM, "cannot start the server's watchdog");
    }
    s->settings = *settings;
    s->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                                     MHD_USE_ITC | MHD_USE_ERROR_LOG,
        0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log,
        s, /* first, so that it hears about the others */
        MHD_OPTION_LISTEN_SOCKET, settings->listen_fd, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
        settings->max_connections ? (unsigned)settings->max_connections : 100000u, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)settings->max_connections_per_client, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)65536, MHD_OPTION_END);
    if (!s->daemon) {
        int code = errno ? -errno : -EIO;
        clients_stop(&s->clients);
        free(s);
        return error_set(err, code, "cannot start the HTTP server: %s", strerror(-code));
    }
    *ret_server = s;
    return 0;
}

void http_server_stop(struct http_server *s)
{
    if (!s)
        return;
    http_server_retire(s);
    MHD_stop_daemon(s->daemon);
    clients_stop(&s->clients);
    free(s);
}

void http_server_retire(struct http_server *s)
{
    if (!atomic_exchange(&s->clients.retiring, true))
        MHD_quiesce_daemon(s->daemon); /* leaves the listening socket to us */
}

int http_server_busy(struct http_server *s)
{
    return clients_busy(&s->clients);
}

int64_t http_server_requests(const struct http_server *s)
{
    return atomic_load(&s->requests);
}
