/* A place for a process that the supervisor keeps filled. */
#ifndef OBSCURA_WORKER_SLOT_H
#define OBSCURA_WORKER_SLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker/supervisor.h"
#include "worker/worker.h"

enum slot_kind { SLOT_SERVICE, SLOT_KEEPER, SLOT_WORKER };

struct slot {
    enum slot_kind kind;
    const struct supervisor_service *service; /* of a SLOT_SERVICE */
    int index;                                /* of a SLOT_WORKER */
    char label[32];                           /* in the log */
    pid_t pid;                                /* 0: empty */
    int control;                              /* write end; -1 while empty */
    pid_t retired;                            /* the predecessor that ends what it has begun; 0: none */
    int retired_control;                      /* -1: none */
    unsigned generation;
    int64_t started_ns, due_ns; /* monotonic; due: when an empty slot is to be filled */
    int64_t backoff_ms;
    char name[WORKER_NAME_SIZE], predecessor[WORKER_NAME_SIZE], reason[128]; /* see worker_options */
};

struct slots {
    const struct supervisor *supervisor;
    char instance[9]; /* random: makes workers' names unique */
    int threads;      /* of each engine */
    int signals;      /* the supervisor's descriptor, closed in children */
    int count;
    struct slot *slots; /* owned */
};

int slots_create(const struct supervisor *supervisor, int signals, struct slots *ret);
void slots_destroy(struct slots *s);

int slot_fill(struct slots *s, struct slot *slot); /* forks; negative errno */
void slot_tell(struct slot *slot, char command);   /* enum control; an empty slot hears nothing */
void slot_retire(struct slot *slot); /* tells the process, and empties the slot for its successor; one more retires at a
                                        time: an older one is stopped */
bool slot_retired_ended(struct slot *slot, pid_t pid); /* true where that was its retired process */

/* The process ended with `status` (as from waitpid): empties the slot and decides when it is due again. True where the
 * server cannot work at all: its first worker says WORKER_FATAL. (Later ones may have met a reloaded configuration:
 * what is done can still be downloaded.) */
bool slot_ended(struct slot *slot, int status);

#endif
