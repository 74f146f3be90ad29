/* Synchronous clients waiting for their tasks. One thread reads the workers' wake-ups and passes each on to whoever
 * waits for that id. Wake-ups only save time: a waiter looks into the store whenever its time-out ends as well. */
#ifndef OBSCURA_API_WAITERS_H
#define OBSCURA_API_WAITERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/uuid.h"
#include "task/wakeup.h"

struct waiter {
    char id[UUID_SIZE];
    int event; /* eventfd: written when the task has ended or the server stops */
    struct waiter *next;
};

struct waiters {
    const struct wakeup *wakeup; /* borrowed */
    pthread_mutex_t lock;        /* guards the list */
    struct waiter *first;
    pthread_t thread;
    atomic_bool stopping;
};

int waiters_start(struct waiters *all, const struct wakeup *wakeup);
void waiters_release(struct waiters *all); /* the server stops: wakes all, waits from now on end at once */
void waiters_stop(struct waiters *all);    /* after the last waiter has left */

/* Enter before looking into the store, so that no wake-up is missed. The waiter's memory is the caller's. */
int waiters_enter(struct waiters *all, struct waiter *w, const char *id);
void waiters_leave(struct waiters *all, struct waiter *w);

/* 0: look into the store (woken, or the time-out ended). -ECONNRESET: the client behind the socket has gone.
 * -ESHUTDOWN: the server stops. */
int waiters_wait(struct waiters *all, struct waiter *w, int client_fd, int timeout_ms);

#endif
