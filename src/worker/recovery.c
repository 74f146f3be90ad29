/* See recovery.h. */
#include "worker/recovery.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define ORPHAN_AGE_S 3600 /* an upload of another server that is still being queued is much younger */
#define BATCH 256

struct known {
    char id[UUID_SIZE];
    enum task_status status;
};

/* The tasks are read at once: asked for each file, a store of a million tasks would keep a start waiting for minutes.
 */
struct sweep {
    const struct config *config;
    struct task_store *tasks;
    bool alone;
    struct known *known; /* owned; by id */
    size_t known_count, known_cap;
};

static int note(void *opaque, const struct task *t)
{
    struct sweep *s = opaque;
    if (s->known_count == s->known_cap) {
        size_t cap = s->known_cap ? s->known_cap * 2 : 1024;
        struct known *known = reallocarray(s->known, cap, sizeof *known);
        if (!known)
            return -ENOMEM;
        s->known = known;
        s->known_cap = cap;
    }
    strcpy(s->known[s->known_count].id, t->id);
    s->known[s->known_count++].status = t->status;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->id, ((const struct known *)b)->id);
}

/* 0: no task has this id. What came after the list was read is asked for. */
static int find_status(struct sweep *s, const char *id, enum task_status *ret)
{
    struct known key = {0};
    memcpy(key.id, id, UUID_SIZE - 1);
    const struct known *k = s->known ? bsearch(&key, s->known, s->known_count, sizeof key, by_id) : NULL;
    if (k) {
        *ret = k->status;
        return 1;
    }
    struct task t;
    struct error err;
    int r = task_store_get(s->tasks, id, &t, &err);
    *ret = t.status;
    task_finish(&t);
    return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

static bool wanted(void *opaque, const char *id, enum artefact_kind kind, int64_t age_s)
{
    struct sweep *s = opaque;
    enum task_status status;
    int r = find_status(s, id, &status);
    if (r == 0)
        return !s->alone && age_s < ORPHAN_AGE_S;
    if (r < 0)
        return true; /* when in doubt it stays */
    bool ended = status == TASK_DONE || status == TASK_FAILED;
    return status != TASK_DELETED && !(ended && kind == ARTEFACT_ORIGINAL && s->config->delete_originals);
}

int recovery_sweep(const struct config *config, struct task_store *tasks, struct artefact_store *artefacts, bool alone,
    struct error *err)
{
    struct sweep s = {.config = config, .tasks = tasks, .alone = alone};
    const struct task_filter all = {.status = -1};
    int r = task_store_list(tasks, &all, note, &s, err);
    if (s.known)
        qsort(s.known, s.known_count, sizeof *s.known, by_id);
    if (r == 0)
        r = artefact_sweep(artefacts, wanted, &s, err);
    free(s.known);
    return r;
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

/* Deletes the files of a batch; those whose files went move to the front. Returns how many those are. */
static int delete_files(struct artefact_store *artefacts, struct batch *b, struct error *err)
{
    int gone = 0;
    for (int i = 0; i < b->count; i++)
        if (artefact_delete_all(artefacts, b->ids[i], err) == 0)
            memmove(b->ids[gone++], b->ids[i], UUID_SIZE);
    return gone;
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
        if (r < 0)
            return r;
        int gone = delete_files(artefacts, &b, err);
        if ((r = task_store_delete(tasks, b.ids, gone, false, err)) < 0)
            return r;
        filter.offset += b.count - gone; /* what cannot be deleted holds nothing else up */
        removed += r;
    } while (b.count == BATCH);
    if (filter.offset > 0)
        log_error("retention: the files of %lld tasks cannot be deleted: %s", (long long)filter.offset, err->text);
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
