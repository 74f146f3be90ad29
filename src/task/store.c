/* The tasks' queries, the same for both databases. The webhook outbox is in outbox.c.
 *
 * Every change of a task's status is guarded by the status and the worker that it was read with, so that of two
 * processes that race one finds nothing to change and learns that it lost.
 */
#include "task/store.h"

#include "task/store_private.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                                        \
    "id, status, is_video, asynchronous, progress, attempts, created_us, started_us, finished_us, size, filename, "    \
    "content_type, parameters, error_code, error, warnings, webhook_url, webhook_header_name, webhook_header_value, "  \
    "webhook_status, idempotency_key"

/* A mistyped address would be a new, empty database in the working folder. */
static int check_path(const char *path, struct error *err)
{
    const char *scheme = strstr(path, "://");
    if (scheme)
        return error_set(err, -EINVAL, "database: there is no driver for %.*s://, want postgresql://... or a file",
            (int)(scheme - path < 32 ? scheme - path : 32), path);
    if (!*path || strcmp(path, ":memory:") == 0 || strncmp(path, "file:", 5) == 0)
        return error_set(err, -EINVAL, "database: '%.100s' is not allowed, want a file or postgresql://...", path);
    return 0;
}

static int open_driver(const char *url, struct sql **ret_db, struct error *err)
{
    if (strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0)
        return sql_open_postgres(url, ret_db, err);
    const char *path = strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
    int r = check_path(path, err);
    return r < 0 ? r : sql_open_sqlite(path, ret_db, err);
}

int task_store_open(const char *url, struct task_store **ret_store, struct error *err)
{
    struct task_store *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(err, -ENOMEM, "out of memory");
    int r = open_driver(url, &s->db, err);
    if (r < 0) {
        free(s);
        return r;
    }
    *ret_store = s;
    return 0;
}

void task_store_close(struct task_store *s)
{
    if (!s)
        return;
    s->db->driver->close(s->db);
    free(s);
}

int store_run(struct task_store *s, const char *sql, const struct sql_value *params, int count, sql_row_fn each,
    void *opaque, struct error *err)
{
    return s->db->driver->run(s->db, sql, params, count, each, opaque, err);
}

int store_begin(struct task_store *s, bool durable, struct error *err)
{
    return s->db->driver->begin(s->db, durable, err);
}

int store_finish(struct task_store *s, int r, struct error *err)
{
    if (r < 0) {
        s->db->driver->rollback(s->db);
        return r;
    }
    int end = s->db->driver->commit(s->db, err);
    return end < 0 ? end : r;
}

int store_now(struct task_store *s, int64_t *ret_us, struct error *err)
{
    return s->db->driver->now(s->db, ret_us, err);
}

static int take_id(void *opaque, const struct sql_value *columns)
{
    if (opaque && strlen(columns[0].text) < UUID_SIZE)
        strcpy(opaque, columns[0].text);
    return 0;
}

static int read_task(struct task *t, const struct sql_value *c)
{
    task_init(t);
    if (strlen(c[0].text) >= UUID_SIZE)
        return -EIO;
    strcpy(t->id, c[0].text);
    t->status = (enum task_status)c[1].integer;
    t->is_video = c[2].integer != 0;
    t->asynchronous = c[3].integer != 0;
    t->progress = c[4].real;
    t->attempts = (int)c[5].integer;
    t->created_us = c[6].integer;
    t->started_us = c[7].integer;
    t->finished_us = c[8].integer;
    t->size = c[9].integer;
    t->error_code = (int)c[13].integer;
    t->webhook_status = (enum task_webhook_status)c[19].integer;
    int r = 0;
    char **fields[] = {&t->filename, &t->content_type, &t->parameters, &t->error, &t->warnings, &t->webhook_url,
        &t->webhook_header_name, &t->webhook_header_value, &t->idempotency_key};
    static const int places[] = {10, 11, 12, 14, 15, 16, 17, 18, 20};
    for (size_t i = 0; i < sizeof places / sizeof *places && r == 0; i++)
        r = task_set(fields[i], c[places[i]].text);
    if (r < 0)
        task_finish(t);
    return r;
}

static int take_task(void *opaque, const struct sql_value *columns)
{
    return read_task(opaque, columns);
}

int task_store_identity(struct task_store *s, char ret_id[UUID_SIZE], struct error *err)
{
    static const char make[] = "INSERT INTO identity (number, id) VALUES (1, $1) ON CONFLICT DO NOTHING";
    static const char look[] = "SELECT id FROM identity";
    char fresh[UUID_SIZE];
    uuid_make(fresh);
    *ret_id = '\0';
    int r = store_begin(s, true, err);
    if (r < 0)
        return r;
    if ((r = store_run(s, make, (struct sql_value[]){SQL_T(fresh)}, 1, NULL, NULL, err)) >= 0)
        r = store_run(s, look, NULL, 0, take_id, ret_id, err);
    r = store_finish(s, r, err);
    return r < 0 ? r : 0;
}

static int find_key(struct task_store *s, const char *key, char *ret_id, struct error *err)
{
    static const char sql[] = "SELECT id FROM tasks WHERE idempotency_key = $1 AND idempotency_key <> ''";
    return store_run(s, sql, (struct sql_value[]){SQL_T(key)}, 1, take_id, ret_id, err);
}

/* Within a transaction. */
static int check_room(struct task_store *s, int64_t max_queued, struct error *err)
{
    static const char sql[] = "SELECT count(*) FROM tasks WHERE status = 0";
    int64_t queued = 0;
    if (max_queued <= 0)
        return 0;
    int r = store_run(s, sql, NULL, 0, sql_take_integer, &queued, err);
    if (r >= 0 && queued >= max_queued)
        r = error_set(err, -EAGAIN, "the queue is full (%lld tasks)", (long long)queued);
    return r < 0 ? r : 0;
}

static int insert_row(struct task_store *s, const struct task *t, struct error *err)
{
    static const char sql[] =
        "INSERT INTO tasks (" COLUMNS ") VALUES ($1, 0, $2, $3, 0, 0, $4, 0, 0, $5, $6, $7, $8, 0, '', $9, $10, $11, "
        "$12, $13, $14) ON CONFLICT DO NOTHING";
    enum task_webhook_status hook = *t->webhook_url ? TASK_WEBHOOK_SET : TASK_WEBHOOK_NONE;
    struct sql_value params[] = {SQL_T(t->id), SQL_I(t->is_video), SQL_I(t->asynchronous), SQL_I(t->created_us),
        SQL_I(t->size), SQL_T(t->filename), SQL_T(t->content_type), SQL_T(t->parameters), SQL_T(t->warnings),
        SQL_T(t->webhook_url), SQL_T(t->webhook_header_name), SQL_T(t->webhook_header_value), SQL_I(hook),
        SQL_T(t->idempotency_key)};
    return store_run(s, sql, params, 14, NULL, NULL, err);
}

int task_store_insert(
    struct task_store *s, const struct task *t, int64_t max_queued, char ret_existing[UUID_SIZE], struct error *err)
{
    int r = store_begin(s, true, err);
    if (r < 0)
        return r;
    if ((r = find_key(s, t->idempotency_key, ret_existing, err)) > 0)
        r = error_set(err, -EEXIST, "this idempotency key is known already");
    if (r == 0 && (r = check_room(s, max_queued, err)) == 0 && (r = insert_row(s, t, err)) == 0) {
        /* Another connection was faster with the same key, or the id exists. */
        find_key(s, t->idempotency_key, ret_existing, err);
        r = error_set(err, -EEXIST, "this idempotency key is known already");
    }
    /* The first task's answer may not be on disk yet, and this one promises the same: so the commit, of nothing, is
     * durable too. */
    int end = store_finish(s, r == -EEXIST ? 0 : r, err);
    return end < 0 ? end : r < 0 ? r : 0;
}

int task_store_get(struct task_store *s, const char *id, struct task *ret_task, struct error *err)
{
    static const char sql[] = "SELECT " COLUMNS " FROM tasks WHERE id = $1";
    task_init(ret_task);
    int r = store_run(s, sql, (struct sql_value[]){SQL_T(id)}, 1, take_task, ret_task, err);
    return r == 0 ? error_set(err, -ENOENT, "there is no task %.36s", id) : r < 0 ? r : 0;
}

struct walk {
    int (*each)(void *opaque, const struct task *t);
    void *opaque;
};

static int walk_row(void *opaque, const struct sql_value *columns)
{
    struct walk *w = opaque;
    struct task t;
    int r = read_task(&t, columns);
    if (r < 0)
        return r;
    r = w->each(w->opaque, &t);
    task_finish(&t);
    return r;
}

int task_store_list(struct task_store *s, const struct task_filter *filter,
    int (*each)(void *opaque, const struct task *t), void *opaque, struct error *err)
{
    static const char every[] = "SELECT " COLUMNS " FROM tasks ORDER BY number DESC LIMIT $1 OFFSET $2";
    static const char by_status[] =
        "SELECT " COLUMNS " FROM tasks WHERE status = $3 ORDER BY number DESC LIMIT $1 OFFSET $2";
    static const char finished[] = "SELECT " COLUMNS " FROM tasks WHERE finished_us > 0 AND finished_us <= $3 "
                                   "ORDER BY number DESC LIMIT $1 OFFSET $2";
    struct walk w = {each, opaque};
    int64_t now;
    int r = store_now(s, &now, err);
    if (r < 0)
        return r;
    struct sql_value params[] = {SQL_I(filter->limit > 0 ? filter->limit : INT64_MAX), SQL_I(filter->offset),
        SQL_I(filter->ended_for_us > 0 ? now - filter->ended_for_us : filter->status)};
    const char *sql = filter->ended_for_us > 0 ? finished : filter->status >= 0 ? by_status : every;
    r = store_run(s, sql, params, sql == every ? 2 : 3, walk_row, &w, err);
    return r < 0 ? r : 0;
}

int task_store_claim(
    struct task_store *s, const char *worker, int64_t lease_ms, struct task *ret_task, struct error *err)
{
    static const char look[] = "SELECT number FROM tasks WHERE status = 0 ORDER BY number LIMIT 1";
#define CLAIM(lock)                                                                                                    \
    "UPDATE tasks SET status = 1, worker = $1, lease_us = $2, started_us = $3, attempts = attempts + 1, progress = 0 " \
    "WHERE status = 0 AND number = (SELECT number FROM tasks WHERE status = 0 ORDER BY number LIMIT 1" lock            \
    ") RETURNING " COLUMNS
    static const char plain[] = CLAIM(""), locking[] = CLAIM(" FOR UPDATE SKIP LOCKED");
#undef CLAIM
    /* A look without the write lock first: idle workers poll. */
    int r = store_run(s, look, NULL, 0, NULL, NULL, err);
    if (r == 0)
        return error_set(err, -ENOENT, "nothing is queued");
    int64_t now;
    if (r < 0 || (r = store_now(s, &now, err)) < 0 || (r = store_begin(s, false, err)) < 0)
        return r;
    struct sql_value params[] = {SQL_T(worker), SQL_I(now + lease_ms * 1000), SQL_I(now)};
    task_init(ret_task);
    r = store_run(s, s->db->driver->locks_rows ? locking : plain, params, 3, take_task, ret_task, err);
    if (r == 0)
        r = error_set(err, -ENOENT, "nothing is queued");
    if ((r = store_finish(s, r, err)) < 0)
        task_finish(ret_task);
    return r < 0 ? r : 0;
}

static int lost(struct error *err)
{
    return error_set(err, -ECANCELED, "the task was deleted or given to another worker");
}

int task_store_heartbeat(
    struct task_store *s, const char *id, const char *worker, double progress, int64_t lease_ms, struct error *err)
{
    static const char sql[] =
        "UPDATE tasks SET lease_us = $3, progress = $4 WHERE id = $1 AND worker = $2 AND status = 1";
    int64_t now;
    int r = store_now(s, &now, err);
    if (r < 0 || (r = store_begin(s, false, err)) < 0)
        return r;
    struct sql_value params[] = {SQL_T(id), SQL_T(worker), SQL_I(now + lease_ms * 1000), SQL_D(progress)};
    if ((r = store_run(s, sql, params, 4, NULL, NULL, err)) == 0)
        r = lost(err);
    r = store_finish(s, r, err);
    return r < 0 ? r : 0;
}

/* Puts a task back into the queue, within a transaction. */
static int requeue(struct task_store *s, const struct task *t, const char *worker, struct error *err)
{
    static const char sql[] = "UPDATE tasks SET status = 0, worker = '', lease_us = 0, progress = 0, error = $3, "
                              "error_code = $4 WHERE id = $1 AND worker = $2 AND status = 1";
    struct sql_value params[] = {SQL_T(t->id), SQL_T(worker), SQL_T(t->error), SQL_I(t->error_code)};
    int r = store_run(s, sql, params, 4, NULL, NULL, err);
    return r == 0 ? lost(err) : r;
}

/* Ends a task for good, within a transaction. */
static int conclude(
    struct task_store *s, const struct task *t, const char *worker, enum task_status status, struct error *err)
{
    static const char sql[] =
        "UPDATE tasks SET status = $3, finished_us = $4, worker = '', lease_us = 0, progress = $5, content_type = $6, "
        "is_video = $7, error_code = $8, error = $9, warnings = $10 WHERE id = $1 AND worker = $2 AND status = 1";
    int64_t now;
    int r = store_now(s, &now, err);
    if (r < 0)
        return r;
    bool done = status == TASK_DONE;
    struct sql_value params[] = {SQL_T(t->id), SQL_T(worker), SQL_I(status), SQL_I(now),
        SQL_D(done ? 1.0 : t->progress), SQL_T(t->content_type), SQL_I(t->is_video), SQL_I(done ? 0 : t->error_code),
        SQL_T(done ? "" : t->error), SQL_T(t->warnings)};
    r = store_run(s, sql, params, 10, NULL, NULL, err);
    if (r == 0)
        return lost(err);
    return r < 0 ? r : store_outbox_add(s, t->id, status, now, err);
}

/* attempts begun, or -ECANCELED */
static int read_attempts(struct task_store *s, const char *id, const char *worker, struct error *err)
{
    static const char sql[] = "SELECT attempts FROM tasks WHERE id = $1 AND worker = $2 AND status = 1";
    int64_t attempts = 0;
    int r = store_run(s, sql, (struct sql_value[]){SQL_T(id), SQL_T(worker)}, 2, sql_take_integer, &attempts, err);
    return r == 0 ? lost(err) : r < 0 ? r : (int)attempts;
}

int task_store_end(struct task_store *s, const struct task *t, const char *worker, enum task_status status,
    enum task_status *ret_status, struct error *err)
{
    int r = store_begin(s, true, err);
    if (r < 0)
        return r;
    if (status == TASK_QUEUED && (r = read_attempts(s, t->id, worker, err)) >= TASK_ATTEMPTS)
        status = TASK_FAILED;
    if (r >= 0)
        r = status == TASK_QUEUED ? requeue(s, t, worker, err) : conclude(s, t, worker, status, err);
    r = store_finish(s, r, err);
    if (r >= 0 && ret_status)
        *ret_status = status;
    return r < 0 ? r : 0;
}

int task_store_release(struct task_store *s, const char *id, const char *worker, struct error *err)
{
    static const char sql[] = "UPDATE tasks SET status = 0, worker = '', lease_us = 0, progress = 0, "
                              "attempts = attempts - 1 WHERE id = $1 AND worker = $2 AND status = 1";
    int r = store_begin(s, true, err);
    if (r < 0)
        return r;
    if ((r = store_run(s, sql, (struct sql_value[]){SQL_T(id), SQL_T(worker)}, 2, NULL, NULL, err)) == 0)
        r = lost(err);
    r = store_finish(s, r, err);
    return r < 0 ? r : 0;
}

struct leased {
    char id[UUID_SIZE];
    char worker[80];
};

static int take_leased(void *opaque, const struct sql_value *columns)
{
    struct leased *l = opaque;
    if (strlen(columns[0].text) >= sizeof l->id || strlen(columns[1].text) >= sizeof l->worker)
        return -EIO;
    strcpy(l->id, columns[0].text);
    strcpy(l->worker, columns[1].text);
    return 0;
}

/* Takes one task from its worker. The record keeps what it had but for the reason. */
static int take_back(struct task_store *s, const struct leased *l, const char *reason, struct error *err)
{
    struct task t;
    int r = task_store_get(s, l->id, &t, err);
    if (r < 0)
        return r;
    t.error_code = -EIO;
    if ((r = task_set(&t.error, reason)) == 0)
        r = task_store_end(s, &t, l->worker, TASK_QUEUED, NULL, err);
    task_finish(&t);
    return r;
}

/* Takes back what `sql` finds ($1: its parameter), one transaction each. A worker that was only slow is told by its
 * next heartbeat. */
static int recover(
    struct task_store *s, const char *sql, struct sql_value param, int count, const char *reason, struct error *err)
{
    int taken = 0, r;
    for (;;) {
        struct leased l = {0};
        if ((r = store_run(s, sql, &param, count, take_leased, &l, err)) <= 0)
            return r < 0 ? r : taken;
        r = take_back(s, &l, reason, err);
        if (r < 0 && r != -ECANCELED && r != -ENOENT)
            return r;
        taken += r == 0;
    }
}

int task_store_recover(struct task_store *s, const char *reason, struct error *err)
{
    static const char sql[] = "SELECT id, worker FROM tasks WHERE status = 1 AND lease_us < $1 ORDER BY number LIMIT 1";
    int64_t now;
    int r = store_now(s, &now, err);
    return r < 0 ? r : recover(s, sql, SQL_I(now), 1, reason, err);
}

int task_store_recover_worker(struct task_store *s, const char *worker, const char *reason, struct error *err)
{
    static const char any[] = "SELECT id, worker FROM tasks WHERE status = 1 ORDER BY number LIMIT 1";
    static const char one[] = "SELECT id, worker FROM tasks WHERE status = 1 AND worker = $1 ORDER BY number LIMIT 1";
    return recover(s, worker ? one : any, SQL_T(worker), worker ? 1 : 0, reason, err);
}

/* Within a transaction; 0: there was none. */
static int delete_one(struct task_store *s, const char *id, bool keep_record, int64_t now, struct error *err)
{
    static const char mark[] = "UPDATE tasks SET status = 4, worker = '', lease_us = 0, finished_us = "
                               "CASE WHEN finished_us = 0 THEN $2 ELSE finished_us END WHERE id = $1";
    static const char drop[] = "DELETE FROM tasks WHERE id = $1";
    struct sql_value params[] = {SQL_T(id), SQL_I(now)};
    int r = store_run(s, keep_record ? mark : drop, params, keep_record ? 2 : 1, NULL, NULL, err);
    int forgotten = r > 0 && !keep_record ? store_outbox_forget(s, id, err) : 0;
    return forgotten < 0 ? forgotten : r;
}

int task_store_delete(struct task_store *s, char (*ids)[UUID_SIZE], int count, bool keep_record, struct error *err)
{
    int64_t now;
    int deleted = 0, r = store_now(s, &now, err);
    if (r < 0 || (r = store_begin(s, true, err)) < 0)
        return r;
    for (int i = 0; i < count && r >= 0; i++) {
        r = delete_one(s, ids[i], keep_record, now, err);
        deleted += r > 0;
    }
    r = store_finish(s, r, err);
    return r < 0 ? r : deleted;
}

int64_t task_store_count(struct task_store *s, int status, struct error *err)
{
    static const char every[] = "SELECT count(*) FROM tasks", one[] = "SELECT count(*) FROM tasks WHERE status = $1";
    int64_t count = 0;
    int r = store_run(s, status < 0 ? every : one, (struct sql_value[]){SQL_I(status)}, status < 0 ? 0 : 1,
        sql_take_integer, &count, err);
    return r < 0 ? r : count;
}
