/* See keeper.h. Every failure is logged and tried again: a database that is away for a minute stops nothing for good.
 */
#include "worker/keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/recovery.h"

#include <poll.h>

#define LEASES_S 5
#define SWEEP_S 3600

struct keeper {
    const struct config *config;
    const struct wakeup *wakeup;
    struct task_store *tasks;
    struct artefact_store *artefacts;
    int64_t retain_s, sweep_s; /* monotonic: when they are due */
};

static int64_t now_s(void)
{
    return clock_mono_ns() / 1000000000;
}

/* A short retention is looked at often, a long one once a minute. */
static int64_t retain_pause(const struct config *c)
{
    return c->retention_s > 0 && c->retention_s < 120 ? 1 + c->retention_s / 2 : 60;
}

static void complain(int r, const struct error *err)
{
    if (r < 0)
        log_error("%s", err->text);
}

static void look_once(struct keeper *k)
{
    struct error err = {0};
    int64_t now = now_s();
    int r = task_store_recover(k->tasks, "the worker stopped answering", &err);
    for (int i = 0; i < r; i++)
        wakeup_queued(k->wakeup);
    if (r > 0)
        log_warn("%d tasks were taken from workers that stopped answering", r);
    if (r > 0 && k->config->delete_originals) /* some may have used up their attempts */
        k->sweep_s = now;
    complain(r, &err);
    if (now >= k->retain_s) {
        k->retain_s = now + retain_pause(k->config);
        complain(r = recovery_retain(k->config, k->tasks, k->artefacts, &err), &err);
        if (r > 0)
            log_info("retention: %d tasks deleted", r);
    }
    if (now >= k->sweep_s) {
        k->sweep_s = now + SWEEP_S;
        complain(r = recovery_sweep(k->config, k->tasks, k->artefacts, false, &err), &err);
        if (r > 0)
            log_info("swept %d files", r);
    }
}

int keeper_run(const struct config *config, const struct wakeup *wakeup, int control_fd)
{
    struct keeper k = {.config = config, .wakeup = wakeup, .sweep_s = now_s() + SWEEP_S};
    struct error err = {0};
    int r = task_store_open(config->database, &k.tasks, &err);
    if (r == 0)
        r = artefact_store_open(config->input, config->output, &k.artefacts, &err);
    int64_t pause = retain_pause(config) < LEASES_S ? retain_pause(config) : LEASES_S;
    while (r == 0) {
        struct pollfd control = {.fd = control_fd, .events = POLLIN};
        if (poll(&control, 1, (int)pause * 1000) > 0)
            break; /* whatever the command is, nothing here needs time to end */
        look_once(&k);
    }
    if (r < 0)
        log_error("%s", err.text);
    artefact_store_close(k.artefacts);
    task_store_close(k.tasks);
    return r;
}
