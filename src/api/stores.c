/* See stores.h. */
#include "api/stores.h"

int stores_open(struct stores *s, const char *url, struct error *err)
{
    *s = (struct stores){.url = url, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct task_store *store;
    int rc = stores_take(s, &store, err);
    if (!rc)
        stores_give(s, store);
    return rc;
}

void stores_close(struct stores *s)
{
    while (s->idle_count)
        task_store_close(s->idle[--s->idle_count]);
    pthread_mutex_destroy(&s->lock);
}

int stores_take(struct stores *s, struct task_store **ret_store, struct error *err)
{
    *ret_store = NULL;
    pthread_mutex_lock(&s->lock);
    if (s->idle_count)
        *ret_store = s->idle[--s->idle_count];
    pthread_mutex_unlock(&s->lock);
    return *ret_store ? 0 : task_store_open(s->url, ret_store, err);
}

void stores_give(struct stores *s, struct task_store *store)
{
    pthread_mutex_lock(&s->lock);
    if (store && s->idle_count < STORES_KEPT) {
        s->idle[s->idle_count++] = store;
        store = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    if (store)
        task_store_close(store);
}
