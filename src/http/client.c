/* See client.h. */
#include "http/client.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define SECOND INT64_C(1000000000)
#define IDLE_LIMIT (75 * SECOND) /* a little over the server's own time-out, which comes first for a silent client */
#define HEAD_LIMIT (20 * SECOND)
#define BODY_GRACE (30 * SECOND)
#define FIRST_LINE_PATIENCE (2 * SECOND) /* of a server that wants to end */
#define BODY_RATE 2048                   /* bytes a second that a body must come with behind the grace, on average */

static bool overdue(const struct client *c, int64_t now)
{
    int64_t age = now - c->since_ns;
    switch (c->phase) {
    case CLIENT_IDLE:
        return age > IDLE_LIMIT;
    case CLIENT_HEAD:
        return age > HEAD_LIMIT;
    case CLIENT_BODY:
        return age > BODY_GRACE && c->bytes / BODY_RATE < (age - BODY_GRACE) / SECOND;
    case CLIENT_ANSWER:
        break;
    }
    return false;
}

static void *watch(void *opaque)
{
    struct clients *all = opaque;
    pthread_mutex_lock(&all->lock);
    while (!all->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&all->stop_signal, &all->lock, &until);
        int64_t now = clock_mono_ns();
        for (struct client *c = all->first; c; c = c->next) {
            if (c->ended || !overdue(c, now))
                continue;
            c->ended = true;
            log_info("connection closed: the client was too slow");
            shutdown(c->fd, SHUT_RDWR); /* its thread sees the end and closes */
        }
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

int clients_start(struct clients *all)
{
    *all = (struct clients){.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&all->stop_signal, &attributes);
    pthread_condattr_destroy(&attributes);
    return -pthread_create(&all->watchdog, NULL, watch, all);
}

void clients_stop(struct clients *all)
{
    pthread_mutex_lock(&all->lock);
    all->stop = true;
    pthread_cond_signal(&all->stop_signal);
    pthread_mutex_unlock(&all->lock);
    pthread_join(all->watchdog, NULL);
    pthread_cond_destroy(&all->stop_signal);
    pthread_mutex_destroy(&all->lock);
}

struct client *client_create(struct clients *all, int fd)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->all = all;
    c->fd = fd;
    c->since_ns = clock_mono_ns();
    pthread_mutex_lock(&all->lock);
    c->next = all->first;
    if (c->next)
        c->next->previous = c;
    all->first = c;
    pthread_mutex_unlock(&all->lock);
    return c;
}

void client_destroy(struct client *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->all->lock);
    if (c->previous)
        c->previous->next = c->next;
    else
        c->all->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    pthread_mutex_unlock(&c->all->lock);
    free(c);
}

/* With all->lock held. */
static void adopt(struct client *c)
{
    c->thread = pthread_self();
    c->has_thread = true;
}

void client_adopt(struct client *c)
{
    pthread_mutex_lock(&c->all->lock);
    adopt(c);
    pthread_mutex_unlock(&c->all->lock);
}

static bool has_sent(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) && info.tcpi_bytes_received > 0;
}

/* Before a client's first request line nothing says which thread serves it. Where a single one of those clients has
 * sent anything, it is the one whom a thread without a client has read. */
static struct client *only_sender_without_thread(const struct clients *all)
{
    struct client *found = NULL;
    for (struct client *c = all->first; c; c = c->next) {
        if (c->has_thread || !has_sent(c->fd))
            continue;
        if (found)
            return NULL;
        found = c;
    }
    return found;
}

int clients_own_fd(struct clients *all)
{
    pthread_mutex_lock(&all->lock);
    struct client *own = all->first;
    while (own && !(own->has_thread && pthread_equal(own->thread, pthread_self())))
        own = own->next;
    if (!own && (own = only_sender_without_thread(all)))
        adopt(own);
    int fd = own ? own->fd : -1;
    pthread_mutex_unlock(&all->lock);
    return fd;
}

int clients_busy(struct clients *all)
{
    int busy = 0;
    int64_t now = clock_mono_ns();
    pthread_mutex_lock(&all->lock);
    for (const struct client *c = all->first; c; c = c->next)
        busy += c->phase != CLIENT_IDLE || (!c->has_thread && now - c->since_ns < FIRST_LINE_PATIENCE);
    pthread_mutex_unlock(&all->lock);
    return busy;
}

void client_enter(struct client *c, enum client_phase phase)
{
    pthread_mutex_lock(&c->all->lock);
    c->phase = phase;
    c->since_ns = clock_mono_ns();
    c->bytes = 0;
    pthread_mutex_unlock(&c->all->lock);
}

void client_received(struct client *c, int64_t bytes)
{
    pthread_mutex_lock(&c->all->lock);
    c->bytes += bytes;
    pthread_mutex_unlock(&c->all->lock);
}
