/* See slot.h. */
#include "worker/slot.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/uuid.h"
#include "worker/child.h"
#include "worker/cores.h"
#include "worker/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS 1000000LL
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS 2000
#define STEADY_MS 5000 /* a process that lived this long was not failing to start */

int slots_create(const struct supervisor *supervisor, int signals, struct slots *ret)
{
    int workers = (int)supervisor->config->workers;
    *ret = (struct slots){.supervisor = supervisor, .signals = signals, .threads = (int)supervisor->config->threads};
    cores_share(cores_available(), &workers, &ret->threads);
    char id[UUID_SIZE];
    uuid_make(id);
    snprintf(ret->instance, sizeof ret->instance, "%.8s", id);
    ret->count = supervisor->service_count + 1 + workers;
    ret->slots = calloc((size_t)ret->count, sizeof *ret->slots);
    if (!ret->slots)
        return -ENOMEM;
    for (int i = 0; i < ret->count; i++) {
        struct slot *slot = &ret->slots[i];
        slot->control = slot->retired_control = -1;
        slot->kind = i < supervisor->service_count    ? SLOT_SERVICE
                     : i == supervisor->service_count ? SLOT_KEEPER
                                                      : SLOT_WORKER;
        slot->service = slot->kind == SLOT_SERVICE ? &supervisor->services[i] : NULL;
        slot->index = i - supervisor->service_count - 1;
        if (slot->kind == SLOT_WORKER)
            snprintf(slot->label, sizeof slot->label, "worker %d", slot->index);
        else
            snprintf(slot->label, sizeof slot->label, "%s", slot->service ? slot->service->name : "keeper");
    }
    return 0;
}

static void close_controls(struct slots *s)
{
    for (int i = 0; s->slots && i < s->count; i++) {
        if (s->slots[i].control >= 0)
            close(s->slots[i].control);
        if (s->slots[i].retired_control >= 0)
            close(s->slots[i].retired_control);
    }
}

void slots_destroy(struct slots *s)
{
    close_controls(s);
    free(s->slots);
    s->slots = NULL;
}

static int run_worker(const struct slots *s, const struct slot *slot, int control)
{
    struct worker_options options = {.config = s->supervisor->config,
        .wakeup = s->supervisor->wakeup,
        .name = slot->name,
        .predecessor = *slot->predecessor ? slot->predecessor : NULL,
        .reason = slot->reason,
        .index = slot->index,
        .threads = s->threads,
        .control_fd = control,
        .first = slot->index == 0 && slot->generation == 1};
    return worker_run(&options);
}

/* In the child. Terminal signals stay blocked: the supervisor passes on what they mean. */
static int run(struct slots *s, const struct slot *slot, int control)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    close(s->signals);
    close_controls(s);
    prctl(PR_SET_NAME, slot->label);
    log_init((enum log_level)s->supervisor->config->log_level, slot->label);
    if (slot->kind == SLOT_WORKER)
        return run_worker(s, slot, control);
    if (slot->kind == SLOT_KEEPER)
        return keeper_run(s->supervisor->config, s->supervisor->wakeup, control) < 0;
    return slot->service->run(slot->service->opaque, control) < 0;
}

int slot_fill(struct slots *s, struct slot *slot)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    slot->generation++;
    if (slot->kind == SLOT_WORKER) {
        memcpy(slot->predecessor, slot->name, sizeof slot->predecessor);
        snprintf(slot->name, sizeof slot->name, "%s/%d/%u", s->instance, slot->index, slot->generation);
    }
    pid_t pid = child_fork();
    if (pid == 0) {
        close(pipe_fds[1]);
        exit(run(s, slot, pipe_fds[0]));
    }
    close(pipe_fds[0]);
    if (pid < 0) {
        close(pipe_fds[1]);
        return (int)pid;
    }
    slot->control = pipe_fds[1];
    slot->pid = pid;
    slot->started_ns = clock_mono_ns();
    return 0;
}

void slot_tell(struct slot *slot, char command)
{
    const int controls[] = {slot->control, slot->retired_control};
    for (int i = 0; i < 2; i++)
        if (controls[i] >= 0) {
            ssize_t n = write(controls[i], &command, 1);
            (void)n; /* it died: the next SIGCHLD says so */
        }
}

void slot_retire(struct slot *slot)
{
    if (slot->pid == 0)
        return;
    if (slot->retired_control >= 0)
        close(slot->retired_control); /* which it takes for CONTROL_STOP */
    slot->retired_control = -1;
    slot_tell(slot, CONTROL_RETIRE);
    slot->retired = slot->pid;
    slot->retired_control = slot->control;
    slot->pid = 0;
    slot->control = -1;
    slot->due_ns = 0;
}

bool slot_retired_ended(struct slot *slot, pid_t pid)
{
    if (slot->retired != pid)
        return false;
    close(slot->retired_control);
    slot->retired_control = -1;
    slot->retired = 0;
    return true;
}

bool slot_ended(struct slot *slot, int status)
{
    int64_t now = clock_mono_ns();
    bool orderly = WIFEXITED(status) &&
                   (WEXITSTATUS(status) == 0 || (slot->kind == SLOT_WORKER && WEXITSTATUS(status) == WORKER_ENGINE));
    bool fatal =
        slot->kind == SLOT_WORKER && slot->generation == 1 && WIFEXITED(status) && WEXITSTATUS(status) == WORKER_FATAL;
    bool steady = now - slot->started_ns >= STEADY_MS * MS;
    char how[64];
    close(slot->control);
    slot->control = -1;
    slot->pid = 0;
    child_describe(status, how, sizeof how);
    snprintf(slot->reason, sizeof slot->reason, "the worker %s", how);
    if (orderly || steady || slot->backoff_ms == 0)
        slot->backoff_ms = BACKOFF_FIRST_MS;
    else
        slot->backoff_ms = slot->backoff_ms * 2 < BACKOFF_MOST_MS ? slot->backoff_ms * 2 : BACKOFF_MOST_MS;
    slot->due_ns = now + (orderly ? 0 : slot->backoff_ms * MS);
    if (!orderly)
        log_warn("%s %s", slot->label, how);
    return fatal;
}
