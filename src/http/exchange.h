/* One request and its answer (private to http/). */
#ifndef OBSCURA_HTTP_EXCHANGE_H
#define OBSCURA_HTTP_EXCHANGE_H

#include "http/client.h"
#include "http/server.h"

#include <microhttpd.h>

struct exchange {
    const struct http_settings *settings;
    struct client *client;
    struct http_request rq;
    struct http_response rs;
    struct http_pair query[HTTP_MAX_QUERY];
    const struct http_route *route;
    void *state;        /* of route->body */
    size_t uri_length;  /* as sent */
    bool path_has_nul;  /* an encoded one, at which the decoded path would end unseen */
    int64_t body_bytes; /* received */
    int64_t begun_ns;
    bool begun, answered; /* answered: rs is what will be sent, whatever else comes */
};

struct exchange *exchange_create(const struct http_settings *settings, struct client *client, const char *uri);
void exchange_destroy(struct exchange *x); /* ends the route's state; NULL-safe */

/* The head has come. */
void exchange_begin(struct exchange *x, struct MHD_Connection *connection, const char *path, const char *method);
void exchange_data(struct exchange *x, const uint8_t *data, size_t len);
void exchange_end(struct exchange *x); /* the body is complete: makes the answer */

/* Hands the answer to libmicrohttpd. */
enum MHD_Result exchange_send(struct exchange *x);

/* Sends an answer although the client is still sending: writes it by hand, says that nothing follows, and reads on for
 * a while, for closing with bytes unread would make the kernel reset the connection and the client lose the answer. The
 * connection is to be closed then. The answer must come from memory. */
void send_early(int fd, const struct http_response *rs);

#endif
