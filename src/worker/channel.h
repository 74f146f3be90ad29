/* What a worker and its engine say to each other: whole messages over a socket pair (SOCK_SEQPACKET), the job's
 * descriptors beside them. The engine works on hostile input, so the worker believes nothing that comes from it:
 * channel_receive_report ends every text and replaces what is not printable.
 */
#ifndef OBSCURA_WORKER_CHANNEL_H
#define OBSCURA_WORKER_CHANNEL_H

#include "base/error.h"
#include "base/uuid.h"
#include "pipeline/pipeline.h"

#define CHANNEL_MAX_PARAMETERS 65536 /* bytes of a job's request as JSON, with the NUL */

struct channel_job {
    char id[UUID_SIZE];
    char parameters[CHANNEL_MAX_PARAMETERS];
    int input, anonymised, result; /* descriptors; the receiver owns its copies */
};

enum channel_kind { CHANNEL_READY, CHANNEL_PROGRESS, CHANNEL_DONE, CHANNEL_FAILED };

struct channel_report {
    enum channel_kind kind;
    double progress;               /* PROGRESS: 0..1 */
    struct error error;            /* FAILED (also before READY: the engine cannot start) */
    struct pipeline_report report; /* DONE */
};

int channel_create(int ret_pair[2]); /* close-on-exec; [0] for the worker, [1] for the engine */

/* The worker's side. 1: got one, 0: the engine is gone, -EAGAIN: nothing there. */
int channel_send_job(int fd, const struct channel_job *job);
int channel_send_cancel(int fd);
int channel_receive_report(int fd, struct channel_report *ret_report);

/* The engine's side. 1: got one, 0: the worker is gone. */
int channel_receive_job(int fd, struct channel_job *ret_job); /* waits; passes over a late cancel */
int channel_cancelled(int fd);                                /* 1 where a cancel is there, never waits */
int channel_send_report(int fd, const struct channel_report *report);

#endif
