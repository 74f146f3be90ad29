/* Connections and how long they may take (private to http/). libmicrohttpd's own time-out starts again with every byte,
 * so a client that trickles could hold a thread for ever; a watchdog ends what is too slow. */
#ifndef OBSCURA_HTTP_CLIENT_H
#define OBSCURA_HTTP_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum client_phase {
    CLIENT_IDLE,   /* no request line yet */
    CLIENT_HEAD,   /* between request line and the head's end */
    CLIENT_BODY,   /* receiving the body */
    CLIENT_ANSWER, /* the handler runs, or the answer is being sent: no deadline of ours */
};

struct client {
    struct clients *all;
    struct client *next, *previous;
    int fd;
    pthread_t thread; /* that serves it; from its first request line on (has_thread) */
    bool has_thread;
    enum client_phase phase; /* these under all->lock */
    int64_t since_ns;        /* begin of the phase */
    int64_t bytes;           /* of the body */
    bool ended;
};

struct clients {
    pthread_mutex_t lock;
    pthread_cond_t stop_signal;
    pthread_t watchdog;
    struct client *first;
    bool stop;
    atomic_bool retiring; /* connections end with their next answer */
};

int clients_start(struct clients *all);
void clients_stop(struct clients *all); /* after the last client has gone */

struct client *client_create(struct clients *all, int fd); /* NULL: out of memory */
void client_destroy(struct client *c);                     /* before fd is closed; NULL-safe */
void client_adopt(struct client *c);                       /* the calling thread serves it */
void client_enter(struct client *c, enum client_phase phase);
/* The socket of the client whom the calling thread, one of a connection, serves; -1 where that cannot be told. */
int clients_own_fd(struct clients *all);

/* How many are between the begin of a connection and their first request's line, or between a request and the end of
 * its answer. */
int clients_busy(struct clients *all);

void client_received(struct client *c, int64_t bytes);

#endif
