/* The engine: the process that decodes what strangers send. It loads the models, closes its sandbox and then knows only
 * its channel and the descriptors that come through it.
 */
#ifndef OBSCURA_WORKER_ENGINE_H
#define OBSCURA_WORKER_ENGINE_H

#include <stdbool.h>

#include "config.h"

struct engine_options {
    const struct config *config; /* borrowed */
    int threads;
    bool says_what_is_missing; /* one engine of many logs the missing parts of the sandbox */
};

/* Runs until the worker hangs up; to be called in a freshly forked process with one thread. Returns the exit status. A
 * failure to start is reported through the channel first. */
int engine_run(const struct engine_options *options, int channel);

#endif
