/* The PostgreSQL driver. Values travel as text. A connection that broke is made anew outside of a transaction, and the
 * statement that met the break runs once more; within one the call fails, and callers that work in loops come again.
 * A server that says nothing for REPLY_MS counts as gone, whatever its connection looks like.
 */
#include "task/schema.h"
#include "task/sql.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const migrations[] = {SCHEMA_1("BIGSERIAL PRIMARY KEY"), SCHEMA_2};
#define VERSION ((int)(sizeof migrations / sizeof *migrations))

#define MIGRATION_LOCK "SELECT pg_advisory_xact_lock(7230587)" /* any number, the same in every server */
#define MAX_PARAMETERS 16
#define REPLY_MS 15000
#define CONNECT_S "10"

/* Types whose text is a number (pg_type.h is not installed with libpq). */
enum { OID_INT8 = 20, OID_INT4 = 23, OID_FLOAT8 = 701 };

struct database {
    struct sql base;
    PGconn *connection;
    bool within; /* a transaction */
    bool silent; /* it did not answer in time: the connection is of no more use */
    int statement_count;
    const char *statements[SQL_MAX_STATEMENTS]; /* prepared as "s0", "s1", ... */
};

static int failed(struct database *db, const PGresult *result, struct error *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    int code = -EIO;
    if (db->silent)
        return error_set(err, -EHOSTDOWN, "task store: the database does not answer");
    if (!state || strncmp(state, "57P", 3) == 0 || strcmp(state, "53300") == 0)
        code = -EHOSTDOWN; /* libpq's own complaint: no connection; the server stops or starts; too many connections */
    else if (strcmp(state, "53100") == 0)
        code = -ENOSPC; /* disk full */
    char line[300];
    snprintf(line, sizeof line, "%s", text ? text : PQerrorMessage(db->connection));
    line[strcspn(line, "\n")] = '\0';
    return error_set(err, code, "task store: %s", line);
}

static bool is_broken(const struct database *db)
{
    return db->silent || PQstatus(db->connection) != CONNECTION_OK;
}

/* Until the answer to what was sent can be taken without waiting. */
static bool await(struct database *db)
{
    while (PQisBusy(db->connection)) {
        struct pollfd p = {.fd = PQsocket(db->connection), .events = POLLIN};
        int n = poll(&p, 1, REPLY_MS);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            db->silent = true;
        if (n <= 0 || !PQconsumeInput(db->connection))
            return false;
    }
    return true;
}

/* The last answer to what was sent (of several statements the last one's, or the failure); NULL where none came. */
static PGresult *take_answer(struct database *db, int sent)
{
    PGresult *last = NULL;
    while (sent && await(db)) {
        PGresult *next = PQgetResult(db->connection);
        if (!next)
            return last;
        PQclear(last);
        last = next;
    }
    PQclear(last);
    return NULL;
}

static int execute(struct database *db, const char *sql, struct error *err)
{
    PGresult *result = take_answer(db, PQsendQuery(db->connection, sql));
    ExecStatusType status = PQresultStatus(result);
    int r = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : failed(db, result, err);
    PQclear(result);
    return r;
}

static int reconnect(struct database *db, struct error *err)
{
    if (!is_broken(db))
        return 0;
    PQreset(db->connection);
    db->silent = false;
    db->statement_count = 0;
    return PQstatus(db->connection) == CONNECTION_OK ? 0 : failed(db, NULL, err);
}

static void close_database(struct sql *base)
{
    struct database *db = (struct database *)base;
    PQfinish(db->connection);
    free(db);
}

static int begin(struct sql *base, bool durable, struct error *err)
{
    struct database *db = (struct database *)base;
    const char *sql = durable ? "BEGIN" : "BEGIN; SET LOCAL synchronous_commit TO off";
    int r = reconnect(db, err);
    if (r == 0 && (r = execute(db, sql, err)) < 0 && is_broken(db) && !db->silent)
        r = reconnect(db, err) < 0 ? err->code : execute(db, sql, err);
    db->within = r == 0;
    return r;
}

static void rollback(struct sql *base)
{
    struct database *db = (struct database *)base;
    struct error ignored;
    db->within = false;
    execute(db, "ROLLBACK", &ignored);
}

static int commit(struct sql *base, struct error *err)
{
    struct database *db = (struct database *)base;
    db->within = false;
    return execute(db, "COMMIT", err);
}

static int find_statement(struct database *db, const char *sql, char name[16], struct error *err)
{
    int i = 0;
    while (i < db->statement_count && db->statements[i] != sql)
        i++;
    snprintf(name, 16, "s%d", i);
    if (i < db->statement_count)
        return 0;
    if (i == SQL_MAX_STATEMENTS)
        return error_set(err, -EIO, "task store: too many statements");
    PGresult *result = take_answer(db, PQsendPrepare(db->connection, name, sql, 0, NULL));
    int r = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : failed(db, result, err);
    PQclear(result);
    if (r == 0)
        db->statements[db->statement_count++] = sql;
    return r;
}

static int give_rows(const PGresult *result, sql_row_fn each, void *opaque)
{
    struct sql_value columns[SQL_MAX_COLUMNS] = {0};
    int rows = PQntuples(result), count = PQnfields(result), r = 0;
    for (int row = 0; each && row < rows && r >= 0; row++) {
        for (int i = 0; i < count && i < SQL_MAX_COLUMNS; i++) {
            Oid type = PQftype(result, i);
            const char *text = PQgetvalue(result, row, i); /* "" where NULL */
            columns[i] = (struct sql_value){.text = text};
            if (type == OID_INT8 || type == OID_INT4)
                columns[i].integer = strtoll(text, NULL, 10);
            else if (type == OID_FLOAT8)
                columns[i].real = strtod(text, NULL);
        }
        r = each(opaque, columns);
    }
    return r < 0 ? r : rows;
}

static int run_once(struct database *db, const char *sql, const struct sql_value *params, int count, sql_row_fn each,
    void *opaque, struct error *err)
{
    char name[16], numbers[MAX_PARAMETERS][32];
    const char *values[MAX_PARAMETERS];
    int r = find_statement(db, sql, name, err);
    if (r < 0)
        return r;
    for (int i = 0; i < count; i++) {
        values[i] = params[i].kind == SQL_TEXT ? params[i].text : numbers[i];
        if (params[i].kind == SQL_INTEGER)
            snprintf(numbers[i], sizeof numbers[i], "%lld", (long long)params[i].integer);
        else if (params[i].kind == SQL_REAL)
            snprintf(numbers[i], sizeof numbers[i], "%.17g", params[i].real);
    }
    PGresult *result = take_answer(db, PQsendQueryPrepared(db->connection, name, count, values, NULL, NULL, 0));
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK)
        r = give_rows(result, each, opaque);
    else if (status == PGRES_COMMAND_OK)
        r = atoi(PQcmdTuples(result));
    else
        r = failed(db, result, err);
    PQclear(result);
    return r;
}

static int run(struct sql *base, const char *sql, const struct sql_value *params, int count, sql_row_fn each,
    void *opaque, struct error *err)
{
    struct database *db = (struct database *)base;
    if (count > MAX_PARAMETERS)
        return error_set(err, -EIO, "task store: too many parameters");
    int r = db->within ? 0 : reconnect(db, err);
    if (r == 0)
        r = run_once(db, sql, params, count, each, opaque, err);
    if (r < 0 && !db->within && is_broken(db) && !db->silent && (r = reconnect(db, err)) == 0)
        r = run_once(db, sql, params, count, each, opaque, err);
    return r;
}

static int read_version(struct database *db, int *ret, struct error *err)
{
    PGresult *result = take_answer(db, PQsendQuery(db->connection, "SELECT version FROM obscura_schema"));
    int r = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : failed(db, result, err);
    *ret = r == 0 && PQntuples(result) == 1 ? atoi(PQgetvalue(result, 0, 0)) : 0;
    PQclear(result);
    return r;
}

static int migrate(struct database *db, struct error *err)
{
    int version = 0, r = begin(&db->base, true, err);
    if (r == 0)
        r = execute(db, MIGRATION_LOCK, err);
    if (r == 0)
        r = execute(db,
            "SET LOCAL client_min_messages TO warning; "
            "CREATE TABLE IF NOT EXISTS obscura_schema (version BIGINT NOT NULL)",
            err);
    if (r == 0)
        r = read_version(db, &version, err);
    if (r == 0 && version > VERSION)
        r = error_set(err, -EINVAL, "task store: made by a newer version of this program (schema %d, known up to %d)",
            version, VERSION);
    bool changed = r == 0 && version < VERSION;
    for (; r == 0 && version < VERSION; version++)
        r = execute(db, migrations[version], err);
    char sql[96];
    snprintf(sql, sizeof sql, "DELETE FROM obscura_schema; INSERT INTO obscura_schema VALUES (%d)", VERSION);
    if (r == 0 && changed)
        r = execute(db, sql, err);
    if (r == 0)
        return commit(&db->base, err);
    rollback(&db->base);
    return r;
}

static int now(struct sql *base, int64_t *ret_us, struct error *err)
{
    static const char sql[] = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)";
    int r = run(base, sql, NULL, 0, sql_take_integer, ret_us, err);
    return r < 0 ? r : 0;
}

static const struct sql_driver driver = {.locks_rows = true,
    .now = now,
    .close = close_database,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .run = run};

int sql_open_postgres(const char *url, struct sql **ret_db, struct error *err)
{
    struct database *db = calloc(1, sizeof *db);
    if (!db)
        return error_set(err, -ENOMEM, "out of memory");
    db->base.driver = &driver;
    /* What the address says of these comes after them, and counts. */
    static const char *const names[] = {"connect_timeout", "tcp_user_timeout", "keepalives_idle", "keepalives_interval",
        "keepalives_count", "dbname", NULL};
    const char *const values[] = {CONNECT_S, "15000", "10", "5", "3", url, NULL};
    db->connection = PQconnectdbParams(names, values, 1);
    int r = PQstatus(db->connection) == CONNECTION_OK ? 0 : failed(db, NULL, err);
    if (r == 0)
        r = migrate(db, err);
    if (r < 0) {
        close_database(&db->base);
        return r;
    }
    *ret_db = &db->base;
    return 0;
}
