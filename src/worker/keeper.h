/* The keeper: a process that takes back leases that ran out, deletes what is past its retention and sweeps. */
#ifndef OBSCURA_WORKER_KEEPER_H
#define OBSCURA_WORKER_KEEPER_H

#include "config.h"
#include "task/wakeup.h"

int keeper_run(const struct config *config, const struct wakeup *wakeup, int control_fd);

#endif
