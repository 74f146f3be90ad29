/* The tables, as migrations: SCHEMA_n leads from version n-1 to n. Never change one that was released; add another.
 * `serial` is how the database spells a key that counts up and never gives a number twice.
 */
#ifndef OBSCURA_TASK_SCHEMA_H
#define OBSCURA_TASK_SCHEMA_H

/* Status numbers are those of enum task_status: 0 queued, 1 processing. An outbox entry's state: 0 pending, 1 sent,
 * 2 given up; it is copied from the task, so that it outlives the record. */
#define SCHEMA_1(serial)                                                                                               \
    "CREATE TABLE tasks (number " serial ", id TEXT NOT NULL UNIQUE, status BIGINT NOT NULL,"                          \
    " is_video BIGINT NOT NULL, asynchronous BIGINT NOT NULL, progress DOUBLE PRECISION NOT NULL,"                     \
    " attempts BIGINT NOT NULL, created_us BIGINT NOT NULL, started_us BIGINT NOT NULL,"                               \
    " finished_us BIGINT NOT NULL, size BIGINT NOT NULL, filename TEXT NOT NULL, content_type TEXT NOT NULL,"          \
    " parameters TEXT NOT NULL, error_code BIGINT NOT NULL, error TEXT NOT NULL, warnings TEXT NOT NULL,"              \
    " webhook_url TEXT NOT NULL, webhook_header_name TEXT NOT NULL, webhook_header_value TEXT NOT NULL,"               \
    " webhook_status BIGINT NOT NULL, idempotency_key TEXT NOT NULL, worker TEXT NOT NULL DEFAULT '',"                 \
    " lease_us BIGINT NOT NULL DEFAULT 0);"                                                                            \
    "CREATE INDEX tasks_status ON tasks (status, number);"                                                             \
    "CREATE INDEX tasks_finished ON tasks (finished_us) WHERE finished_us > 0;"                                        \
    "CREATE UNIQUE INDEX tasks_key ON tasks (idempotency_key) WHERE idempotency_key <> '';"                            \
    "CREATE TABLE outbox (number " serial ", id TEXT NOT NULL, status BIGINT NOT NULL, event_us BIGINT NOT NULL,"      \
    " due_us BIGINT NOT NULL, attempts BIGINT NOT NULL DEFAULT 0, state BIGINT NOT NULL DEFAULT 0,"                    \
    " url TEXT NOT NULL, header_name TEXT NOT NULL, header_value TEXT NOT NULL);"                                      \
    "CREATE INDEX outbox_due ON outbox (due_us) WHERE state = 0;"                                                      \
    "CREATE INDEX outbox_id ON outbox (id);"                                                                           \
    "CREATE TABLE deliveries (number " serial ", id TEXT NOT NULL, at_us BIGINT NOT NULL, sent BIGINT NOT NULL,"       \
    " what TEXT NOT NULL);"                                                                                            \
    "CREATE INDEX deliveries_id ON deliveries (id);"

/* One row: which store this is, for the folders that hold its files. */
#define SCHEMA_2 "CREATE TABLE identity (number BIGINT PRIMARY KEY, id TEXT NOT NULL);"

#endif
