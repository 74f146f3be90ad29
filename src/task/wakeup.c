/* See wakeup.h. Everything here may be lost without harm, so full queues and interrupted calls are passed over. */
#include "task/wakeup.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

int wakeup_create(struct wakeup *w)
{
    w->queued = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->queued < 0)
        return -errno;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, w->done) < 0) {
        int r = -errno;
        close(w->queued);
        return r;
    }
    return 0;
}

void wakeup_destroy(struct wakeup *w)
{
    close(w->queued);
    close(w->done[0]);
    close(w->done[1]);
}

/* 1 readable, 0 time-out or interrupted, negative errno */
static int wait_readable(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int r = poll(&p, 1, timeout_ms);
    return r < 0 ? (errno == EINTR ? 0 : -errno) : r;
}

void wakeup_queued(const struct wakeup *w)
{
    uint64_t one = 1;
    ssize_t n = write(w->queued, &one, sizeof one);
    (void)n;
}

int wakeup_take_queued(const struct wakeup *w)
{
    uint64_t one;
    return read(w->queued, &one, sizeof one) == sizeof one;
}

void wakeup_done(const struct wakeup *w, const char *id)
{
    send(w->done[1], id, UUID_SIZE - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int wakeup_wait_done(const struct wakeup *w, char ret_id[UUID_SIZE], int timeout_ms)
{
    int r = wait_readable(w->done[0], timeout_ms);
    if (r <= 0)
        return r;
    ssize_t n = recv(w->done[0], ret_id, UUID_SIZE - 1, MSG_DONTWAIT);
    if (n != UUID_SIZE - 1)
        return n < 0 && errno != EAGAIN ? -errno : 0;
    ret_id[UUID_SIZE - 1] = '\0';
    return 1;
}
