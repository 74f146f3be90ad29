/* The task store, which is the queue: fronts insert, workers claim with a lease and a heartbeat; whoever dies, the
 * lease runs out and the task is claimed again.
 *
 * One handle is used by one thread at a time (open one for each thread or process, after fork). Every call is one
 * transaction, durable when it returns (others may see it a moment earlier); claims and heartbeats alone may be undone
 * by a power cut (not by a crash of any process), which leaves the task queued or its lease a little older.
 *
 * Leases, what is due and when tasks ended go by the database's clock: several machines may share it, and their own
 * clocks need not agree.
 *
 * store.c holds the queries, written once for both databases; store_sqlite.c and store_postgres.c run them (sql.h).
 */
#ifndef OBSCURA_TASK_STORE_H
#define OBSCURA_TASK_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "task/task.h"

struct task_store;

/* `url`: a path or "sqlite:PATH" (WAL), or "postgresql://...". Creates and migrates the schema. -EINVAL: neither. */
int task_store_open(const char *url, struct task_store **ret_store, struct error *err);
void task_store_close(struct task_store *s);

/* Which store this is: an id made with the database and the same for all who open it. */
int task_store_identity(struct task_store *s, char ret_id[UUID_SIZE], struct error *err);

/* Adds a queued task. max_queued > 0: -EAGAIN where that many are queued already. -EEXIST: idempotency_key known (then
 * *t is left alone and ret_existing, where not NULL, gets that task's id). */
int task_store_insert(
    struct task_store *s, const struct task *t, int64_t max_queued, char ret_existing[UUID_SIZE], struct error *err);

int task_store_get(struct task_store *s, const char *id, struct task *ret_task, struct error *err); /* -ENOENT */

struct task_filter {
    int status;    /* enum task_status, or -1 */
    int64_t limit; /* <= 0: all */
    int64_t offset;
    int64_t ended_for_us; /* > 0: only tasks that ended so long ago (status is not looked at then) */
};
/* Newest first. `each` owns nothing and may not call the store; a negative answer ends the walk and is returned. */
int task_store_list(struct task_store *s, const struct task_filter *filter,
    int (*each)(void *opaque, const struct task *t), void *opaque, struct error *err);

/* Claims the oldest queued task for `worker` (a name unique to the process's life) until now + lease_ms. -ENOENT:
 * nothing is queued. */
int task_store_claim(
    struct task_store *s, const char *worker, int64_t lease_ms, struct task *ret_task, struct error *err);

/* Prolongs the lease and stores progress. -ECANCELED: the task was deleted or the lease was lost; the worker must drop
 * the work. */
int task_store_heartbeat(
    struct task_store *s, const char *id, const char *worker, double progress, int64_t lease_ms, struct error *err);

/* Ends a claimed task as TASK_DONE or TASK_FAILED, or puts it back (TASK_QUEUED, where attempts are left; else it
 * becomes TASK_FAILED). In the same transaction the webhook goes to the outbox. `t` gives content_type, is_video,
 * error, warnings. *ret_status, where not NULL, gets what it became. -ECANCELED as above. */
int task_store_end(struct task_store *s, const struct task *t, const char *worker, enum task_status status,
    enum task_status *ret_status, struct error *err);

/* Gives a claimed task back without counting the attempt (a drained worker). */
int task_store_release(struct task_store *s, const char *id, const char *worker, struct error *err);

/* Requeues (or fails, with `reason`, where the attempts are used up) every task whose lease has run out. Returns how
 * many, or a negative code. */
int task_store_recover(struct task_store *s, const char *reason, struct error *err);

/* The same for every task that `worker` (NULL: any worker) holds, whatever its lease: the caller knows it to be dead.
 */
int task_store_recover_worker(struct task_store *s, const char *worker, const char *reason, struct error *err);

/* Marks the files of tasks deleted (keep_record) or removes their records; returns of how many, unknown ids are passed
 * over. A webhook that is still to be delivered stays in the outbox either way. */
int task_store_delete(struct task_store *s, char (*ids)[UUID_SIZE], int count, bool keep_record, struct error *err);

int64_t task_store_count(struct task_store *s, int status, struct error *err); /* -1: all; negative code on failure */

/* --- the webhook outbox --- */
struct task_webhook {
    int64_t number; /* of the outbox entry */
    char id[UUID_SIZE];
    enum task_status status;                /* DONE or FAILED */
    int64_t event_us;                       /* when the task ended */
    int64_t age_ms;                         /* of the event when the entry was taken, by the database's clock */
    int attempts;                           /* tried so far */
    char *url, *header_name, *header_value; /* owned */
};
void task_webhook_finish(struct task_webhook *w);

#define TASK_WEBHOOK_PASSED_OVER 4
/* The entry due soonest, leased for lease_ms. Those whose address begins with one of `passed_over` (NULL: none) do not
 * count. -ENOENT: none is due. */
int task_store_webhook_next(struct task_store *s, int64_t lease_ms,
    const char *const passed_over[TASK_WEBHOOK_PASSED_OVER], struct task_webhook *ret_webhook, struct error *err);

/* Records an attempt: sent, or to be tried again in retry_ms, or given up (retry_ms < 0). `what` is a short text for
 * the record. */
int task_store_webhook_result(struct task_store *s, const struct task_webhook *w, bool sent, int64_t retry_ms,
    const char *what, struct error *err);

/* The attempts of a task's webhook as a JSON array text (owned by the caller), newest last. */
int task_store_webhook_log(struct task_store *s, const char *id, char **ret_json, struct error *err);

#endif
