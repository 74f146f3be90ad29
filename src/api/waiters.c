/* See waiters.h. */
#include "api/waiters.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define POLL_MS 500 /* how soon the thread notices that the server stops */

static void wake(const struct waiter *w)
{
    eventfd_write(w->event, 1);
}

static void *pass_on(void *opaque)
{
    struct waiters *all = opaque;
    char id[UUID_SIZE];
    while (!atomic_load(&all->stopping)) {
        int rc = wakeup_wait_done(all->wakeup, id, POLL_MS);
        if (rc < 0 && rc != -EINTR)
            usleep(POLL_MS * 1000); /* a broken channel must not become a busy loop; the waiters' time-outs serve on */
        if (rc <= 0)
            continue;
        pthread_mutex_lock(&all->lock);
        for (struct waiter *w = all->first; w; w = w->next)
            if (!strcmp(w->id, id))
                wake(w);
        pthread_mutex_unlock(&all->lock);
    }
    return NULL;
}

int waiters_start(struct waiters *all, const struct wakeup *wakeup)
{
    all->wakeup = wakeup;
    all->first = NULL;
    atomic_init(&all->stopping, false);
    pthread_mutex_init(&all->lock, NULL);
    return -pthread_create(&all->thread, NULL, pass_on, all);
}

void waiters_release(struct waiters *all)
{
    atomic_store(&all->stopping, true);
    pthread_mutex_lock(&all->lock);
    for (struct waiter *w = all->first; w; w = w->next)
        wake(w);
    pthread_mutex_unlock(&all->lock);
}

void waiters_stop(struct waiters *all)
{
    waiters_release(all);
    pthread_join(all->thread, NULL);
    pthread_mutex_destroy(&all->lock);
}

int waiters_enter(struct waiters *all, struct waiter *w, const char *id)
{
    memset(w, 0, sizeof *w);
    memcpy(w->id, id, UUID_SIZE);
    w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->event < 0)
        return -errno;
    pthread_mutex_lock(&all->lock);
    w->next = all->first;
    all->first = w;
    pthread_mutex_unlock(&all->lock);
    return 0;
}

void waiters_leave(struct waiters *all, struct waiter *w)
{
    pthread_mutex_lock(&all->lock);
    struct waiter **at = &all->first;
    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
    pthread_mutex_unlock(&all->lock);
    close(w->event);
}

int waiters_wait(struct waiters *all, struct waiter *w, int client_fd, int timeout_ms)
{
    struct pollfd fds[] = {{w->event, POLLIN, 0}, {client_fd, POLLRDHUP, 0}};
    eventfd_t count;
    if (atomic_load(&all->stopping))
        return -ESHUTDOWN;
    if (poll(fds, 2, timeout_ms) > 0) {
        if (fds[0].revents)
            eventfd_read(w->event, &count);
        else if (fds[1].revents)
            return -ECONNRESET;
    }
    return atomic_load(&all->stopping) ? -ESHUTDOWN : 0;
}
