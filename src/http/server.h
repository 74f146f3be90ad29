/* The listener: one thread a connection, so that handlers may block. libmicrohttpd is known to this room only.
 *
 * It bounds what strangers can hold: connections in all and by address, the time in which a request must have come, the
 * size of its head and body.
 */
#ifndef OBSCURA_HTTP_SERVER_H
#define OBSCURA_HTTP_SERVER_H

#include "http/router.h"

#define HTTP_IDLE_SECONDS 60u /* without a byte, then a connection is closed */

struct http_settings {
    int listen_fd;                   /* borrowed: stays open */
    const struct http_route *routes; /* borrowed, like all below */
    size_t route_count;
    void *opaque;                                                       /* for the routes' functions */
    void (*problem)(const struct error *err, struct http_response *rs); /* turns a failure into an answer */
    int64_t max_connections, max_connections_per_client;                /* more are closed at once; 0: no bound */
    int64_t max_body; /* bytes of a request body, multipart framing and all */
};

struct http_server;

/* Serves at once, from threads of its own. SIGPIPE must be ignored by the process. */
int http_server_start(const struct http_settings *settings, struct http_server **ret_server, struct error *err);

/* Takes no new connections, waits for the handlers that run, ends; what is not sent by then is cut off, so retire first
 * and wait until nothing is busy. The handlers must have been told to hurry. NULL-safe. */
void http_server_stop(struct http_server *s);

/* Takes no new connections; those that are there end with their next answer; again: nothing. http_server_busy says how
 * many requests are still under way. */
void http_server_retire(struct http_server *s);
int http_server_busy(struct http_server *s);

int64_t http_server_requests(const struct http_server *s); /* answered so far */

#endif
