/* Putting in order what the dead left, and what is too old to be kept. */
#ifndef OBSCURA_WORKER_RECOVERY_H
#define OBSCURA_WORKER_RECOVERY_H

#include <stdbool.h>

#include "artefact/artefact.h"
#include "config.h"
#include "task/store.h"

/* Before anything else runs: takes leased tasks back and removes temporaries and orphans. `alone`: no other server uses
 * these folders, so every lease is a dead one's and every unknown file an orphan. Logs what it did. */
int recovery_run(const struct config *config, bool alone, struct error *err);

/* Removes temporaries of dead writers, files of unknown or deleted tasks and, with --delete-originals, uploads of ended
 * tasks. Returns how many, or a negative code. */
int recovery_sweep(const struct config *config, struct task_store *tasks, struct artefact_store *artefacts, bool alone,
    struct error *err);

/* Deletes tasks that ended longer than config->retention_s ago: artefacts first, then the record. Returns how many. */
int recovery_retain(
    const struct config *config, struct task_store *tasks, struct artefact_store *artefacts, struct error *err);

#endif
