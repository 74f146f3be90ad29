/* One task on its way through the engine, as the worker sees it. */
#ifndef OBSCURA_WORKER_JOB_H
#define OBSCURA_WORKER_JOB_H

#include <sys/types.h>

#include "artefact/artefact.h"
#include "task/store.h"
#include "worker/worker.h"

#define WORKER_LEASE_MS 30000
#define WORKER_HEARTBEAT_MS 1000 /* also how soon a deleted task stops */
#define WORKER_CANCEL_MS 3000    /* an engine that has not answered a cancel by then is killed */

struct worker {
    const struct worker_options *options;
    struct task_store *tasks;
    struct artefact_store *artefacts;
    int channel; /* to the engine */
    pid_t engine;
    bool draining, stopping;       /* told by the supervisor */
    struct channel_report *report; /* room for one */
    struct channel_job *job;       /* room for one */
};

/* Carries the claimed task to its end and writes that down. 0: the engine is fit for the next one; -EPIPE: it is dead.
 * Other codes: the store failed, the lease will run out. Client-visible failures are no failure here. */
int job_run(struct worker *w, struct task *t, struct error *err);

/* Reads the control descriptor if there is something on it. */
void worker_read_control(struct worker *w);

#endif
