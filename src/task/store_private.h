/* Shared by store.c and outbox.c only. */
#ifndef OBSCURA_TASK_STORE_PRIVATE_H
#define OBSCURA_TASK_STORE_PRIVATE_H

#include "task/sql.h"
#include "task/store.h"

struct task_store {
    struct sql *db; /* owned */
};

int store_run(struct task_store *s, const char *sql, const struct sql_value *params, int count, sql_row_fn each,
    void *opaque, struct error *err);
int store_begin(struct task_store *s, bool durable, struct error *err);
int store_finish(
    struct task_store *s, int r, struct error *err); /* r >= 0: commits, else rolls back; r or the failure */
int store_now(struct task_store *s, int64_t *ret_us, struct error *err); /* the database's clock, not this machine's */

/* Within a transaction. */
int store_outbox_add(
    struct task_store *s, const char *id, enum task_status status, int64_t event_us, struct error *err);
int store_outbox_forget(struct task_store *s, const char *id, struct error *err); /* the record is gone */

#endif
