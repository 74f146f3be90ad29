/* See recovery.h. */
#include "worker/recovery.h"

#include "base/log.h"

#include <string.h>

#define ORPHAN_AGE_S 3600 /* an upload of another server that is still being queued is much younger */
#define BATCH 256

struct sweep {
    const struct config *config;
    struct task_store *tasks;
    bool alone;
};

static bool wanted(void *opaque, const char *id, enum artefact_kind kind, int64_t age_s)
{
    struct sweep *s = opaque;
    struct task t;
    struct error err;
    int r = task_store_get(s->tasks, id, &t, &err);
    if (r == -ENOENT)
        return !s->alone && age_s < ORPHAN_AGE_S;
    if (r < 0)
        return true; /* when in doubt it stays */
    bool ended = t.status == TASK_DONE || t.status == TASK_FAILED;
    bool keep = t.status != TASK_DELETED && !(ended && kind == ARTEFACT_ORIGINAL && s->config->delete_originals);
    task_finish(&t);
    return keep;
}

int recovery_sweep(const struct config *config, struct task_store *tasks, struct artefact_store *artefacts, bool alone,
    struct error *err)
{
    struct sweep s = {config, tasks, alone};
    return artefact_sweep(artefacts, wanted, &s, err);
}

struct batch {
    int count;
    char ids[BATCH][UUID_SIZE];
};

static int collect(void *opaque, const struct task *t)
{
    struct batch *b = opaque;
    if (b->count < BATCH)
        strcpy(b->ids[b->count++], t->id);
    return 0;
}

int recovery_retain(
    const struct config *config, struct task_store *tasks, struct artefact_store *artefacts, struct error *err)
{
    struct task_filter filter = {.limit = BATCH};
    struct batch b;
    int removed = 0;
    if (config->retention_s <= 0)
        return 0;
    filter.ended_for_us = config->retention_s * 1000000;
    do {
        b.count = 0;
        int r = task_store_list(tasks, &filter, collect, &b, err);
        for (int i = 0; i < b.count && r == 0; i++)
            r = artefact_delete_all(artefacts, b.ids[i], err);
        if (r == 0)
            r = task_store_delete(tasks, b.ids, b.count, false, err);
        if (r < 0)
            return r;
        removed += r;
    } while (b.count == BATCH);
    return removed;
}

int recovery_run(const struct config *config, bool alone, struct error *err)
{
    static const char reason[] = "the server ended while it worked on this task";
    struct task_store *tasks = NULL;
    struct artefact_store *artefacts = NULL;
    char owner[UUID_SIZE];
    int requeued = 0, removed = 0;
    int r = task_store_open(config->database, &tasks, err);
    if (r == 0)
        r = task_store_identity(tasks, owner, err);
    if (r == 0)
        r = artefact_store_open(config->input, config->output, &artefacts, err);
    if (r == 0)
        r = artefact_store_own(artefacts, owner, err);
    if (r == 0)
        r = requeued =
            alone ? task_store_recover_worker(tasks, NULL, reason, err) : task_store_recover(tasks, reason, err);
    if (r >= 0)
        r = removed = recovery_sweep(config, tasks, artefacts, alone, err);
    if (r >= 0 && (requeued || removed))
        log_info("recovered: %d tasks that were being worked on, %d files without owner", requeued, removed);
    artefact_store_close(artefacts);
    task_store_close(tasks);
    return r < 0 ? r : 0;
}
