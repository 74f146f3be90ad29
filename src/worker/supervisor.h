/* The supervisor: the process that the operator starts. It has one thread and uses no library that does not survive a
 * fork, so that every other process can be forked from it, again whenever one dies:
 *
 *   services     given by main: the front, the webhook sender
 *   keeper       retention, expired leases, sweeping (keeper.h)
 *   worker 0..   a claim loop each, with a sandboxed engine (worker.h)
 *
 * Before them it runs the start-up recovery once. SIGTERM and SIGINT drain (a second one stops at once), SIGHUP
 * reloads. When the supervisor is killed, all its children are.
 */
#ifndef OBSCURA_WORKER_SUPERVISOR_H
#define OBSCURA_WORKER_SUPERVISOR_H

#include <stdbool.h>

#include "base/control.h"
#include "base/error.h"
#include "config.h"
#include "task/wakeup.h"

struct supervisor_service {
    const char *name; /* in the log */
    /* Runs in a process of its own until it is told to stop; 0 where that was in order. Terminal signals are blocked
     * there: control_fd alone decides. */
    int (*run)(void *opaque, int control_fd);
    void *opaque;
    enum {
        SERVICE_STAYS,
        SERVICE_RESTARTS, /* on SIGHUP it is told to stop and started anew, to see the reloaded configuration */
        SERVICE_RETIRES,  /* its successor is started at once, while it ends what it has begun */
    } on_reload;
};

struct supervisor {
    const struct config *config; /* borrowed, like all the rest */
    const struct wakeup *wakeup;
    const struct supervisor_service *services;
    int service_count;
    int (*reload)(void *opaque, struct error *err); /* reads the configuration again into *config; may be NULL */
    void *opaque;
};

/* Becomes config->user where that is set, starts everything and returns once everything has ended: 0 after an orderly
 * end, a negative code where the server could not start (`err` says why). */
int supervisor_run(const struct supervisor *s, struct error *err);

#endif
