/* A worker: claims tasks, keeps their leases, gives the files to its engine, watches it and commits what came out. The
 * engine is forked before the worker opens anything, and both end together: a worker whose engine died has the task's
 * end written down and then leaves, and the supervisor forks the next pair from its own clean state.
 */
#ifndef OBSCURA_WORKER_WORKER_H
#define OBSCURA_WORKER_WORKER_H

#include <stdbool.h>

#include "config.h"
#include "task/wakeup.h"

#define WORKER_NAME_SIZE 64

struct worker_options {
    const struct config *config; /* borrowed, like all the rest */
    const struct wakeup *wakeup;
    const char *name;        /* in the store: unique to this process's life */
    const char *predecessor; /* name of the dead worker whose task is to be taken back at once; NULL: none */
    const char *reason;      /* how it died */
    int index;               /* of the worker, for names in the log */
    int threads;             /* of the engine */
    int control_fd;          /* see supervisor.h */
    bool first;              /* the first worker since the server started */
};

/* Exit statuses. */
enum {
    WORKER_ENDED = 0,  /* told to */
    WORKER_FAILED = 1, /* store or engine could not be started: try again later */
    WORKER_FATAL = 3,  /* the same, and trying again is no use */
    WORKER_ENGINE = 4, /* its engine died: at once a new pair */
};

int worker_run(const struct worker_options *options);

#endif
