/* Waiting for an engine that works on a job. */
#ifndef OBSCURA_WORKER_WATCH_H
#define OBSCURA_WORKER_WATCH_H

#include "worker/job.h"

/* Waits until the engine answers or has to be given up, keeping the lease of task `id`. w->report holds the answer.
 *   0           DONE or FAILED came
 *   -EPIPE      the engine died, or was killed because it made no progress; `err` has the reason and a code for the
 * record -ETIME      it was killed for the task's limit of processor time: another attempt would only take as long
 *   -ECANCELED  the task was deleted or the lease lost
 *   -EINTR      the worker has to stop: the task goes back to the queue
 * In the latter two the engine was told to cancel and has answered; where it did not answer, it is dead and *ret_dead
 * is true. */
int watch_engine(struct worker *w, const char *id, bool *ret_dead, struct error *err);

#endif
