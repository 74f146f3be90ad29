/* Task store handles for the server's threads: a handle serves one thread at a time, threads come and go with
 * connections. */
#ifndef OBSCURA_API_STORES_H
#define OBSCURA_API_STORES_H

#include <pthread.h>

#include "task/store.h"

#define STORES_KEPT 16

struct stores {
    const char *url; /* borrowed */
    pthread_mutex_t lock;
    struct task_store *idle[STORES_KEPT];
    int idle_count;
};

int stores_open(
    struct stores *s, const char *url, struct error *err); /* opens one handle, so that a bad url shows at once */
void stores_close(struct stores *s);                       /* every handle must have been given back */

int stores_take(struct stores *s, struct task_store **ret_store, struct error *err);
void stores_give(struct stores *s, struct task_store *store); /* NULL-safe */

#endif
