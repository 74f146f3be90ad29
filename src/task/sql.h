/* What store.c needs of a database: statements with numbered parameters ($1, $2, ...), rows, transactions. The SQL is
 * the common part of SQLite's and PostgreSQL's; where they differ the driver says so.
 */
#ifndef OBSCURA_TASK_SQL_H
#define OBSCURA_TASK_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct sql_value {
    enum { SQL_INTEGER, SQL_REAL, SQL_TEXT } kind;
    int64_t integer;
    double real;
    const char *text; /* borrowed: by the database until the statement ends, by the caller until the call returns */
};

#define SQL_I(v) ((struct sql_value){.kind = SQL_INTEGER, .integer = (v)})
#define SQL_D(v) ((struct sql_value){.kind = SQL_REAL, .real = (v)})
#define SQL_T(v) ((struct sql_value){.kind = SQL_TEXT, .text = (v)})

#define SQL_MAX_COLUMNS 32
#define SQL_MAX_STATEMENTS 48 /* different ones of a handle; each is prepared once */

/* Columns of one row; a column that is NULL reads as 0 or "". A negative answer ends the statement. */
typedef int (*sql_row_fn)(void *opaque, const struct sql_value *columns);

/* sql_row_fn: column 0 into an int64_t. */
static inline int sql_take_integer(void *opaque, const struct sql_value *columns)
{
    *(int64_t *)opaque = columns[0].integer;
    return 0;
}

struct sql {
    const struct sql_driver *driver;
};

struct sql_driver {
    bool locks_rows; /* SELECT ... FOR UPDATE SKIP LOCKED exists */
    /* The clock that all who share the database go by: microseconds since 1970, UTC. */
    int (*now)(struct sql *db, int64_t *ret_us, struct error *err);
    void (*close)(struct sql *db);
    /* `durable`: commit returns when the transaction would survive a power cut. */
    int (*begin)(struct sql *db, bool durable, struct error *err);
    int (*commit)(struct sql *db, struct error *err); /* rolled back on failure */
    void (*rollback)(struct sql *db);
    /* Runs one statement; `sql` has to be a constant (its address is the key of the prepared statement). Returns how
     * many rows came back or, where it returns none, were changed; or a negative code. -ENOSPC: disk full. */
    int (*run)(struct sql *db, const char *sql, const struct sql_value *params, int count, sql_row_fn each,
        void *opaque, struct error *err);
};

/* Both create and migrate the schema. */
int sql_open_sqlite(const char *path, struct sql **ret_db, struct error *err);
int sql_open_postgres(const char *url, struct sql **ret_db, struct error *err);

#endif
