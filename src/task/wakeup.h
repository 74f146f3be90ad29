/* Local wake-ups between the front and the workers. They only save waiting: every waiter also looks at the store when
 * its time-out ends. Made by the supervisor before it forks; all processes share the descriptors. */
#ifndef OBSCURA_TASK_WAKEUP_H
#define OBSCURA_TASK_WAKEUP_H

#include "base/uuid.h"

struct wakeup {
    int queued;  /* eventfd (semaphore): a task was queued */
    int done[2]; /* datagram pair: ids of ended tasks, workers write [1], the front reads [0] */
};

int wakeup_create(struct wakeup *w);
void wakeup_destroy(struct wakeup *w);
void wakeup_queued(const struct wakeup *w);
int wakeup_take_queued(const struct wakeup *w); /* 1 where there was a wake-up to take; for those who poll `queued` */
void wakeup_done(const struct wakeup *w, const char *id);
int wakeup_wait_done(const struct wakeup *w, char ret_id[UUID_SIZE], int timeout_ms); /* 1, 0, negative errno */

#endif
