/* See worker.h. */
#include "worker/worker.h"

#include "base/control.h"
#include "base/log.h"
#include "worker/channel.h"
#include "worker/child.h"
#include "worker/ending.h"
#include "worker/engine.h"
#include "worker/job.h"
#include "worker/recovery.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDLE_MS 500 /* between looks at the store: wake-ups may be lost, other machines queue tasks too */

void worker_read_control(struct worker *w)
{
    char command;
    ssize_t n = read(w->options->control_fd, &command, 1);
    if (n == 0 || (n == 1 && (command == CONTROL_STOP || command == CONTROL_DRAIN)))
        w->draining = true;
    if (n == 0 || (n == 1 && command == CONTROL_STOP))
        atomic_store(&w->stopping, true);
}

static int fork_engine(struct worker *w, struct error *err)
{
    const struct worker_options *o = w->options;
    int pair[2], r = channel_create(pair);
    if (r < 0)
        return error_set(err, r, "cannot make a socket pair: %s", strerror(-r));
    w->engine = child_fork();
    if (w->engine == 0) {
        char name[32];
        struct engine_options options = {.config = o->config, .threads = o->threads, .says_what_is_missing = o->first};
        snprintf(name, sizeof name, "engine %d", o->index);
        log_init((enum log_level)o->config->log_level, name);
        prctl(PR_SET_NAME, name);
        child_keep_fds(&pair[1], 1);
        config_forget_secrets(o->config);
        _exit(engine_run(&options, pair[1]));
    }
    close(pair[1]);
    w->channel = pair[0];
    if (w->engine < 0)
        return error_set(err, (int)w->engine, "cannot fork: %s", strerror(-(int)w->engine));
    return 0;
}

/* Codes for which the next engine would say the same. */
static bool is_fatal(int code)
{
    return code == -EINVAL || code == -ENOENT || code == -EOPNOTSUPP || code == -EBADMSG || code == -EACCES;
}

/* Waits for the engine's models to be loaded. */
static int await_engine(struct worker *w, struct error *err)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = w->channel, .events = POLLIN}, {.fd = w->options->control_fd, .events = POLLIN}};
        poll(fds, 2, -1);
        if (fds[1].revents)
            worker_read_control(w);
        if (w->draining)
            return 0;
        int r = channel_receive_report(w->channel, w->report);
        if (r == -EAGAIN)
            continue;
        if (r <= 0) {
            char how[64];
            int status = 0;
            waitpid(w->engine, &status, 0);
            w->engine = 0;
            return error_set(
                err, -EPIPE, "the engine %s while it was loading", child_describe(status, how, sizeof how));
        }
        if (w->report->kind == CHANNEL_READY)
            return 0;
        *err = w->report->error;
        return err->code;
    }
}

static int open_stores(struct worker *w, struct error *err)
{
    const struct worker_options *o = w->options;
    int r = task_store_open(o->config->database, &w->tasks, err);
    if (r == 0)
        r = artefact_store_open(o->config->input, o->config->output, &w->artefacts, err);
    if (r < 0 || !o->predecessor)
        return r;
    r = task_store_recover_worker(w->tasks, o->predecessor, o->reason, err);
    if (r >= 0 && o->config->delete_originals) /* it may have died between a task's end and this */
        r = recovery_sweep(o->config, w->tasks, w->artefacts, false, err);
    return r < 0 ? r : 0;
}

/* 0: waited; -EPIPE: the engine is dead */
static int wait_for_work(struct worker *w)
{
    struct pollfd fds[] = {{.fd = w->options->wakeup->queued, .events = POLLIN},
        {.fd = w->options->control_fd, .events = POLLIN}, {.fd = w->channel, .events = POLLIN}};
    poll(fds, 3, IDLE_MS);
    if (fds[0].revents)
        wakeup_take_queued(w->options->wakeup);
    if (fds[1].revents)
        worker_read_control(w);
    return fds[2].revents ? -EPIPE : 0; /* it speaks only when spoken to */
}

static int work(struct worker *w, struct error *err)
{
    int r = 0;
    bool complained = false; /* once is enough while a store stays away */
    while (!w->draining && r == 0) {
        struct task t;
        r = task_store_claim(w->tasks, w->options->name, WORKER_LEASE_MS, &t, err);
        bool claimed = r == 0;
        if (claimed) {
            wakeup_take_queued(w->options->wakeup);
            r = job_run(w, &t, err);
            task_finish(&t);
            struct pollfd control = {.fd = w->options->control_fd, .events = POLLIN};
            if (poll(&control, 1, 0) > 0)
                worker_read_control(w);
        } else if (r == -ENOENT) {
            r = wait_for_work(w);
        }
        if (r < 0 && r != -EPIPE) { /* the store: it may come back */
            if (!complained)
                log_error("%s", err->text);
            complained = true;
            r = wait_for_work(w);
        } else if (claimed) {
            complained = false;
        }
    }
    return r;
}

static void end_engine(struct worker *w)
{
    if (w->channel >= 0)
        close(w->channel);
    if (w->engine > 0) {
        kill(w->engine, SIGKILL);
        waitpid(w->engine, NULL, 0);
    }
}

int worker_run(const struct worker_options *options)
{
    struct worker w = {.options = options, .channel = -1};
    struct error err = {0};
    int status = WORKER_FAILED, r;
    if ((r = fork_engine(&w, &err)) < 0)
        goto out;
    w.report = calloc(1, sizeof *w.report);
    w.job = calloc(1, sizeof *w.job);
    if (!w.report || !w.job) {
        r = error_set(&err, -ENOMEM, "out of memory");
        goto out;
    }
    if ((r = open_stores(&w, &err)) < 0)
        goto out;
    if ((r = endings_create(&w, &w.endings)) < 0) {
        error_set(&err, r, "out of memory");
        goto out;
    }
    if ((r = await_engine(&w, &err)) < 0) {
        status = is_fatal(r) ? WORKER_FATAL : WORKER_FAILED;
        goto out;
    }
    if (!w.draining)
        log_info("ready (%d threads)", options->threads);
    r = work(&w, &err);
    status = r == -EPIPE ? WORKER_ENGINE : WORKER_ENDED;
    r = 0;
out:
    if (r < 0)
        log_error("cannot work: %s", err.text);
    endings_destroy(w.endings);
    end_engine(&w);
    artefact_store_close(w.artefacts);
    task_store_close(w.tasks);
    free(w.report);
    free(w.job);
    return status;
}
