/* See supervisor.h. The end comes in stages: DRAIN (workers finish what they have, until the drain time-out), HALT
 * (workers give back what they still have), STOP (services end), KILL. The front outlives the workers, so that clients
 * who wait get their answers.
 */
#include "worker/supervisor.h"

#include "artefact/artefact.h"
#include "base/clock.h"
#include "base/log.h"
#include "worker/child.h"
#include "worker/recovery.h"
#include "worker/slot.h"

#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS 1000000LL
#define LOCK_WAIT_MS 2000 /* for the last children of a server that was killed */
#define HALT_MS 6000      /* longer than a worker waits for its engine's answer to a cancel */
#define STOP_MS 10000

enum phase { RUN, DRAIN, HALT, STOP, KILL };

struct state {
    const struct supervisor *options;
    struct slots slots;
    struct artefact_store *folder; /* held open for its lock */
    int signals;
    enum phase phase;
    int64_t deadline_ns; /* of the phase, monotonic */
    bool fatal;
};

static int become_user(const char *name, struct error *err)
{
    if (!name || geteuid() != 0)
        return 0;
    errno = 0;
    struct passwd *user = getpwnam(name);
    if (!user)
        return error_set(err, -EINVAL, "user: there is no account %s", name);
    if (initgroups(name, user->pw_gid) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
        return error_set(err, -errno, "cannot become %s: %s", name, strerror(errno));
    return 0;
}

/* In a process of its own, because it opens the database. */
static int recover(struct state *s, struct error *err)
{
    const struct config *c = s->options->config;
    int status, alone, r = artefact_store_open(c->input, c->output, &s->folder, err);
    if (r < 0)
        return r;
    alone = artefact_store_lock(s->folder, LOCK_WAIT_MS);
    pid_t pid = child_fork();
    if (pid < 0)
        return error_set(err, (int)pid, "cannot fork: %s", strerror(-(int)pid));
    if (pid == 0) {
        struct error why = {0};
        if (recovery_run(c, alone, &why) == 0)
            _exit(0);
        log_error("%s", why.text);
        _exit(1);
    }
    pid_t ended;
    while ((ended = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    artefact_store_share(s->folder);
    return ended == pid && status == 0 ? 0 : error_set(err, -EIO, "cannot open the stores of tasks and files");
}

static int open_signals(int *ret_fd, struct error *err)
{
    sigset_t set;
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored, no end of a child would be told */
    signal(SIGPIPE, SIG_IGN); /* a child may have ended, unnoticed as yet, when it is told something */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || (*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return error_set(err, -errno, "cannot take signals: %s", strerror(errno));
    return 0;
}

static void tell_all(struct state *s, char command, bool workers_only)
{
    for (int i = 0; i < s->slots.count; i++)
        if (!workers_only || s->slots.slots[i].kind == SLOT_WORKER)
            slot_tell(&s->slots.slots[i], command);
}

static int alive(const struct state *s, bool workers_only)
{
    int count = 0;
    for (int i = 0; i < s->slots.count; i++) {
        const struct slot *slot = &s->slots.slots[i];
        if (!workers_only || slot->kind == SLOT_WORKER)
            count += (slot->pid > 0) + (slot->retired > 0);
    }
    return count;
}

static void enter(struct state *s, enum phase phase, int64_t limit_ms)
{
    s->phase = phase;
    s->deadline_ns = clock_mono_ns() + limit_ms * MS;
    if (phase == DRAIN)
        tell_all(s, CONTROL_DRAIN, false);
    else if (phase == HALT)
        tell_all(s, CONTROL_STOP, true);
    else if (phase == STOP)
        tell_all(s, CONTROL_STOP, false);
    for (int i = 0; phase == KILL && i < s->slots.count; i++) {
        if (s->slots.slots[i].pid > 0)
            kill(s->slots.slots[i].pid, SIGKILL);
        if (s->slots.slots[i].retired > 0)
            kill(s->slots.slots[i].retired, SIGKILL);
    }
}

static void advance(struct state *s)
{
    bool late = clock_mono_ns() >= s->deadline_ns;
    if (s->phase == DRAIN && late)
        enter(s, HALT, HALT_MS);
    if ((s->phase == DRAIN && !alive(s, true)) || (s->phase == HALT && (late || !alive(s, true))))
        enter(s, STOP, STOP_MS);
    else if (s->phase == STOP && late)
        enter(s, KILL, STOP_MS);
}

static void reload(struct state *s)
{
    struct error err = {0};
    if (s->options->reload && s->options->reload(s->options->opaque, &err) < 0) {
        log_error("not reloaded: %s", err.text);
        return;
    }
    log_info("reloading: workers are replaced once they are idle");
    for (int i = 0; i < s->slots.count; i++) {
        struct slot *slot = &s->slots.slots[i];
        if (slot->kind != SLOT_SERVICE)
            slot_tell(slot, CONTROL_DRAIN);
        else if (slot->service->on_reload == SERVICE_RESTARTS)
            slot_tell(slot, CONTROL_STOP);
        else if (slot->service->on_reload == SERVICE_RETIRES)
            slot_retire(slot);
    }
}

static void reap(struct state *s)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (int i = 0; i < s->slots.count; i++)
            if (!slot_retired_ended(&s->slots.slots[i], pid) && s->slots.slots[i].pid == pid &&
                slot_ended(&s->slots.slots[i], status))
                s->fatal = true;
}

static void take_signals(struct state *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(s);
        } else if (info.ssi_signo == SIGHUP && s->phase == RUN) {
            reload(s);
        } else if (info.ssi_signo != SIGHUP && s->phase == RUN) {
            log_info("draining");
            enter(s, DRAIN, s->options->config->drain_timeout_s * 1000);
        } else if (info.ssi_signo != SIGHUP && s->phase == DRAIN) {
            enter(s, HALT, HALT_MS);
        }
    }
}

/* Fills what is empty and due. Returns how long to sleep, ms. */
static int fill(struct state *s)
{
    int64_t now = clock_mono_ns(), next = now + 1000 * MS;
    for (int i = 0; s->phase == RUN && i < s->slots.count; i++) {
        struct slot *slot = &s->slots.slots[i];
        if (slot->pid > 0)
            continue;
        if (slot->due_ns <= now) {
            int r = slot_fill(&s->slots, slot);
            if (r < 0) {
                log_error("cannot start %s: %s", slot->label, strerror(-r));
                slot->due_ns = now + 1000 * MS;
            }
        } else if (slot->due_ns < next) {
            next = slot->due_ns;
        }
    }
    if (s->phase != RUN && s->deadline_ns < next)
        next = s->deadline_ns > now ? s->deadline_ns : now;
    return (int)((next - now) / MS) + 1;
}

static void loop(struct state *s)
{
    for (;;) {
        int timeout_ms = fill(s);
        struct pollfd p = {.fd = s->signals, .events = POLLIN};
        poll(&p, 1, timeout_ms);
        take_signals(s);
        if (s->fatal && s->phase == RUN) {
            log_error("a worker cannot start: stopping");
            enter(s, HALT, HALT_MS);
        }
        if (s->phase != RUN) {
            if (!alive(s, false))
                return;
            advance(s);
        }
    }
}

int supervisor_run(const struct supervisor *options, struct error *err)
{
    struct state s = {.options = options, .signals = -1};
    int r = become_user(options->config->user, err);
    if (r < 0 || (r = open_signals(&s.signals, err)) < 0 || (r = recover(&s, err)) < 0)
        goto out;
    if ((r = slots_create(options, s.signals, &s.slots)) < 0) {
        r = error_set(err, r, "out of memory");
        goto out;
    }
    loop(&s);
    if (s.fatal)
        r = error_set(err, -EIO, "the workers could not start");
out:
    slots_destroy(&s.slots);
    artefact_store_close(s.folder);
    if (s.signals >= 0)
        close(s.signals);
    return r;
}
