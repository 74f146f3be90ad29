/* One task on its way through the engine, as the worker sees it. */
#ifndef OBSCURA_WORKER_JOB_H
#define OBSCURA_WORKER_JOB_H

#include <stdatomic.h>
#include <sys/types.h>

#include "artefact/artefact.h"
#include "pipeline/pipeline.h"
#include "task/store.h"
#include "worker/worker.h"

#define WORKER_LEASE_MS 30000
#define WORKER_HEARTBEAT_MS 1000 /* also how soon a deleted task stops */
#define WORKER_CANCEL_MS 3000    /* an engine that has not answered a cancel by then is killed */

struct endings;

struct worker {
    const struct worker_options *options;
    struct task_store *tasks; /* of the claim loop */
    struct artefact_store *artefacts;
    struct endings *endings;
    int channel; /* to the engine */
    pid_t engine;
    bool draining;                 /* told by the supervisor */
    atomic_bool stopping;          /* the same; endings look at it too */
    struct channel_report *report; /* room for one */
    struct channel_job *job;       /* room for one */
};

struct job {
    struct task task; /* owned, like the files */
    int input;
    struct artefact_writer outputs[2]; /* anonymised, result */
    struct error why;                  /* code 0: the engine did it, `report` says what came out */
    struct pipeline_report report;
};

/* Carries the claimed task, whose strings it takes, through the engine and gives it to the endings. 0: the engine is
 * fit for the next one; -EPIPE: it is dead. Other codes: the store failed, the lease will run out. Client-visible
 * failures are no failure here. */
int job_run(struct worker *w, struct task *t, struct error *err);

void job_destroy(struct job *j); /* closes and removes what was not committed; NULL-safe */

/* The upload of a task that has ended goes, where that is wished. */
void job_drop_original(struct worker *w, const char *id);

/* The task is not this worker's any more. Where it was deleted its files go, where it has ended its upload may (the
 * store's answer to this worker's own end may have been lost), and where another worker has it nothing does. */
void job_drop_files(struct worker *w, struct task_store *tasks, const char *id);

/* Reads the control descriptor if there is something on it. */
void worker_read_control(struct worker *w);

#endif
