/* See watch.h. The engine is never trusted to end: the worker counts its processor time and the time since it last
 * reported progress.
 */
#include "worker/watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/channel.h"
#include "worker/child.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#define MS 1000000LL

struct watch {
    struct worker *worker;
    const char *id;
    double progress;
    int64_t heard_ns;     /* the engine's last sign of life */
    int64_t heartbeat_ns; /* the next one is due */
    int64_t cpu_ns;       /* the engine's processor time when the job began */
};

static int64_t cpu_time_ns(pid_t pid)
{
    clockid_t id;
    struct timespec t;
    if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) < 0)
        return 0;
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Kills the engine if it lives still, and waits for its end. */
static int bury(struct worker *w, bool kill_it)
{
    int status = 0;
    if (kill_it)
        kill(w->engine, SIGKILL);
    waitpid(w->engine, &status, 0);
    w->engine = 0;
    return status;
}

static int engine_died(struct worker *w, struct error *err)
{
    char how[64];
    int status = bury(w, false);
    return error_set(err, -EPIPE, "the engine %s", child_describe(status, how, sizeof how));
}

static int check_limits(struct watch *watch, int64_t now, struct error *err)
{
    struct worker *w = watch->worker;
    const struct config *c = w->options->config;
    int64_t cpu_s = (cpu_time_ns(w->engine) - watch->cpu_ns) / (1000 * MS);
    if (c->task_time_s > 0 && cpu_s >= c->task_time_s) {
        bury(w, true);
        return error_set(
            err, -ETIME, "over the limit of %lld s of processor time (task-time)", (long long)c->task_time_s);
    }
    if (c->task_stall_s > 0 && now - watch->heard_ns >= c->task_stall_s * 1000 * MS) {
        bury(w, true);
        return error_set(
            err, -EPIPE, "the engine made no progress for %lld s (task-stall)", (long long)c->task_stall_s);
    }
    return 0;
}

/* A store that fails for a moment is no reason to drop the work: the lease outlives many heartbeats. */
static int beat(struct watch *watch, int64_t now)
{
    struct worker *w = watch->worker;
    struct error err = {0};
    if (now < watch->heartbeat_ns)
        return 0;
    watch->heartbeat_ns = now + WORKER_HEARTBEAT_MS * MS;
    int r = task_store_heartbeat(w->tasks, watch->id, w->options->name, watch->progress, WORKER_LEASE_MS, &err);
    if (r < 0 && r != -ECANCELED)
        log_warn("%s: %s", watch->id, err.text);
    return r == -ECANCELED ? r : 0;
}

/* 1: the job's end is in w->report, 0: nothing or progress, -EPIPE */
static int listen_to_engine(struct watch *watch, struct error *err)
{
    struct worker *w = watch->worker;
    int r = channel_receive_report(w->channel, w->report);
    if (r == -EAGAIN)
        return 0;
    if (r == 0)
        return engine_died(w, err);
    if (r < 0) {
        bury(w, true);
        return error_set(err, -EPIPE, "the engine sent nonsense and was killed");
    }
    watch->heard_ns = clock_mono_ns();
    if (w->report->kind == CHANNEL_DONE || w->report->kind == CHANNEL_FAILED)
        return 1;
    watch->progress = w->report->progress;
    return 0;
}

static void wait_for_event(struct worker *w, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = w->channel, .events = POLLIN},
        {.fd = atomic_load(&w->stopping) ? -1 : w->options->control_fd, .events = POLLIN}};
    poll(fds, 2, timeout_ms);
    if (fds[1].revents)
        worker_read_control(w);
}

/* Asks for the end of the job and takes the answer, whatever it is. */
static void cancel(struct watch *watch, bool *ret_dead)
{
    struct worker *w = watch->worker;
    struct error ignored;
    int64_t until = clock_mono_ns() + WORKER_CANCEL_MS * MS;
    int r = channel_send_cancel(w->channel);
    while (r >= 0 && clock_mono_ns() < until) {
        wait_for_event(w, 50);
        if ((r = listen_to_engine(watch, &ignored)) > 0)
            return;
    }
    if (w->engine)
        bury(w, true);
    *ret_dead = true;
}

int watch_engine(struct worker *w, const char *id, bool *ret_dead, struct error *err)
{
    int64_t now = clock_mono_ns();
    struct watch watch = {.worker = w, .id = id, .heard_ns = now, .cpu_ns = cpu_time_ns(w->engine)};
    watch.heartbeat_ns = now + WORKER_HEARTBEAT_MS * MS;
    for (;;) {
        wait_for_event(w, WORKER_HEARTBEAT_MS / 4);
        int r = listen_to_engine(&watch, err);
        now = clock_mono_ns();
        if (r == 0)
            r = check_limits(&watch, now, err);
        if (r == -EPIPE || r == -ETIME)
            *ret_dead = true;
        if (r != 0)
            return r < 0 ? r : 0;
        r = atomic_load(&w->stopping) ? -EINTR : beat(&watch, now);
        if (r < 0) {
            cancel(&watch, ret_dead);
            return r;
        }
    }
}
