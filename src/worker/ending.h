/* The ends of jobs, beside the claim loop: while a job's files and record go to the disk, the engine has its next one.
 *
 * A few jobs end at the same time, each in a thread with a store of its own. That is what makes small images cheap: a
 * sync takes milliseconds and no processor, and the kernel joins those that come together.
 */
#ifndef OBSCURA_WORKER_ENDING_H
#define OBSCURA_WORKER_ENDING_H

#include "worker/job.h"

/* From the process's second thread on: the engine has to be forked before. The worker outlives it. */
int endings_create(struct worker *w, struct endings **ret_endings);
void endings_destroy(struct endings *e); /* when all have ended; NULL-safe */

/* Takes the job over; waits where ENDINGS_MAX are ending. */
#define ENDINGS_MAX 8
void endings_give(struct endings *e, struct job *j);

#endif
