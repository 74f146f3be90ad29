/* The SQLite driver: write-ahead log, one writer at a time across all processes.
 *
 * synchronous=NORMAL: a commit alone may be undone by a power cut, but never damages the file. A durable transaction
 * syncs the log after its commit, as synchronous=FULL would before it lets go of the write lock: so nobody waits for
 * another's sync, and the kernel joins those that come together.
 */
#include "base/clock.h"
#include "base/path.h"
#include "task/schema.h"
#include "task/sql.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_LIMIT_US 20000000 /* a writer that waits longer than this gives up */

static const char *const migrations[] = {SCHEMA_1("INTEGER PRIMARY KEY AUTOINCREMENT"), SCHEMA_2};
#define VERSION ((int)(sizeof migrations / sizeof *migrations))

struct database {
    struct sql base;
    sqlite3 *handle;
    bool durable; /* the transaction under way is */
    int waited_us;
    int statement_count;
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
    } statements[SQL_MAX_STATEMENTS];
};

static int failed(struct database *db, struct error *err)
{
    int primary = sqlite3_errcode(db->handle) & 0xff;
    int code = primary == SQLITE_FULL ? -ENOSPC : primary == SQLITE_NOMEM ? -ENOMEM : -EIO;
    /* A full disk under the shared-memory file or the log is reported as an I/O error. */
    if (primary == SQLITE_IOERR && sqlite3_system_errno(db->handle) == ENOSPC)
        code = -ENOSPC;
    return error_set(err, code, "task store: %s", sqlite3_errmsg(db->handle));
}

/* SQLite's own handler sleeps up to 100 ms; transactions here take well under one, so look again soon. */
static int wait_for_writer(void *opaque, int count)
{
    struct database *db = opaque;
    int pause = count < 20 ? 200 : 2000;
    if (count == 0)
        db->waited_us = 0;
    if (db->waited_us >= BUSY_LIMIT_US)
        return 0;
    db->waited_us += pause;
    usleep((useconds_t)pause);
    return 1;
}

static void close_database(struct sql *base)
{
    struct database *db = (struct database *)base;
    for (int i = 0; i < db->statement_count; i++)
        sqlite3_finalize(db->statements[i].stmt);
    sqlite3_close(db->handle);
    free(db);
}

static int execute(struct database *db, const char *sql, struct error *err)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(db, err);
}

static int begin(struct sql *base, bool durable, struct error *err)
{
    struct database *db = (struct database *)base;
    db->durable = durable;
    return execute(db, "BEGIN IMMEDIATE", err);
}

static void rollback(struct sql *base)
{
    struct database *db = (struct database *)base;
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* Whoever checkpoints the log meanwhile syncs it first, so it does not matter what is still in it. */
static int sync_log(struct database *db, struct error *err)
{
    sqlite3_file *log = NULL;
    int r = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (r == SQLITE_OK && log && log->pMethods)
        r = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    return r == SQLITE_OK ? 0 : error_set(err, -EIO, "task store: the log cannot be synced: %s", sqlite3_errstr(r));
}

static int commit(struct sql *base, struct error *err)
{
    struct database *db = (struct database *)base;
    int r = execute(db, "COMMIT", err);
    if (r < 0)
        rollback(base);
    return r == 0 && db->durable ? sync_log(db, err) : r;
}

static int find_statement(struct database *db, const char *sql, sqlite3_stmt **ret, struct error *err)
{
    for (int i = 0; i < db->statement_count; i++)
        if (db->statements[i].sql == sql) {
            *ret = db->statements[i].stmt;
            return 0;
        }
    if (db->statement_count == SQL_MAX_STATEMENTS)
        return error_set(err, -EIO, "task store: too many statements");
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
        return failed(db, err);
    db->statements[db->statement_count].sql = sql;
    db->statements[db->statement_count++].stmt = *ret;
    return 0;
}

/* "$7" is a name to SQLite, so the parameter is found by it and not by its place. */
static int bind(sqlite3_stmt *stmt, int number, const struct sql_value *v)
{
    char name[16];
    snprintf(name, sizeof name, "$%d", number);
    int place = sqlite3_bind_parameter_index(stmt, name);
    if (place == 0)
        return SQLITE_RANGE;
    switch (v->kind) {
    case SQL_INTEGER:
        return sqlite3_bind_int64(stmt, place, v->integer);
    case SQL_REAL:
        return sqlite3_bind_double(stmt, place, v->real);
    default:
        return sqlite3_bind_text(stmt, place, v->text, -1, SQLITE_STATIC);
    }
}

static int give_row(sqlite3_stmt *stmt, sql_row_fn each, void *opaque)
{
    struct sql_value columns[SQL_MAX_COLUMNS];
    int count = sqlite3_column_count(stmt);
    for (int i = 0; i < count && i < SQL_MAX_COLUMNS; i++) {
        const char *text = "";
        if (sqlite3_column_type(stmt, i) == SQLITE_TEXT)
            text = (const char *)sqlite3_column_text(stmt, i);
        columns[i] = (struct sql_value){
            .integer = sqlite3_column_int64(stmt, i), .real = sqlite3_column_double(stmt, i), .text = text ? text : ""};
    }
    return each(opaque, columns);
}

static int run(struct sql *base, const char *sql, const struct sql_value *params, int count, sql_row_fn each,
    void *opaque, struct error *err)
{
    struct database *db = (struct database *)base;
    sqlite3_stmt *stmt;
    int rows = 0, step, r = find_statement(db, sql, &stmt, err);
    if (r < 0)
        return r;
    for (int i = 0; i < count; i++)
        if (bind(stmt, i + 1, &params[i]) != SQLITE_OK) {
            r = error_set(err, -EIO, "task store: parameter %d of: %.80s", i + 1, sql);
            goto out;
        }
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        rows++;
        if (each && (r = give_row(stmt, each, opaque)) < 0)
            goto out;
    }
    if (step != SQLITE_DONE)
        r = failed(db, err);
    else
        r = sqlite3_column_count(stmt) > 0 ? rows : sqlite3_changes(db->handle);
out:
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return r;
}

static int read_version(struct database *db, int *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK)
        return failed(db, err);
    int r = sqlite3_step(stmt) == SQLITE_ROW ? 0 : failed(db, err);
    *ret = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return r;
}

static int migrate(struct database *db, struct error *err)
{
    int version = 0, r = read_version(db, &version, err);
    if (r < 0 || version == VERSION)
        return r;
    if ((r = begin(&db->base, true, err)) < 0)
        return r;
    r = read_version(db, &version, err); /* another process may have been faster */
    if (r == 0 && version > VERSION)
        r = error_set(err, -EINVAL, "task store: made by a newer version of this program (schema %d, known up to %d)",
            version, VERSION);
    for (; r == 0 && version < VERSION; version++)
        r = execute(db, migrations[version], err);
    char pragma[48];
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", VERSION);
    if (r == 0)
        r = execute(db, pragma, err);
    if (r == 0)
        return commit(&db->base, err);
    rollback(&db->base);
    return r;
}

/* Who shares the file shares the machine. */
static int now(struct sql *base, int64_t *ret_us, struct error *err)
{
    (void)base;
    (void)err;
    *ret_us = clock_wall_us();
    return 0;
}

static const struct sql_driver driver = {
    .now = now, .close = close_database, .begin = begin, .commit = commit, .rollback = rollback, .run = run};

/* For the owner only, as the log will be then: records hold what is sent to webhooks. An existing file is left alone,
 * and not even opened, since closing it would end the locks of this process's other handles. */
static void make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

/* SQLite goes on with another kind of log where it cannot have this one, and then promises are not kept. */
static int begin_log(struct database *db, const char *path, struct error *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode=WAL", -1, &stmt, NULL) != SQLITE_OK)
        return failed(db, err);
    int r = sqlite3_step(stmt) == SQLITE_ROW ? 0 : failed(db, err);
    const char *mode = r == 0 ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (r == 0 && (!mode || strcmp(mode, "wal") != 0))
        r = error_set(err, -EINVAL, "%s: SQLite cannot keep a write-ahead log there (it says: %s)", path,
            mode ? mode : "nothing");
    sqlite3_finalize(stmt);
    return r < 0 ? r : execute(db, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=1000", err);
}

int sql_open_sqlite(const char *path, struct sql **ret_db, struct error *err)
{
    struct database *db = calloc(1, sizeof *db);
    if (!db)
        return error_set(err, -ENOMEM, "out of memory");
    db->base.driver = &driver;
    path_make_parents(path); /* failure shows when the file is opened */
    make_file(path);
    int r, flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
        r = db->handle ? failed(db, err) : error_set(err, -ENOMEM, "out of memory");
        error_prefix(err, "%s", path);
        goto error;
    }
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_handler(db->handle, wait_for_writer, db);
    if ((r = begin_log(db, path, err)) < 0 || (r = migrate(db, err)) < 0)
        goto error;
    *ret_db = &db->base;
    return 0;
error:
    close_database(&db->base);
    return r;
}
