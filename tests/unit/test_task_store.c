/* The task store's promises, over SQLite in a fresh folder, or over the database named by $OBSCURA_TEST_DATABASE (its
 * tables are emptied): tests/crash/test_postgres.py runs this program again that way. */
#include "unit.h"

#include "base/clock.h"
#include "task/sql.h"
#include "task/store.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LEASE_MS 60000

/* SQLite's syncs come here instead of to libc. */
static int syncs;
int fdatasync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

/* So does the clock: this machine's, not that of the database's server. */
static time_t ahead_s;
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    int r = (int)syscall(SYS_clock_gettime, clock, ret);
    if (clock == CLOCK_REALTIME)
        ret->tv_sec += ahead_s;
    return r;
}

struct fixture {
    char folder[64];
    char url[256];
    struct task_store *a, *b; /* two handles, as two processes have them */
};

static void wipe(const char *url)
{
    struct sql *db;
    struct error err;
    assert_int_equal(sql_open_postgres(url, &db, &err), 0);
    static const char *const sql[] = {"DELETE FROM tasks", "DELETE FROM outbox", "DELETE FROM deliveries"};
    for (int i = 0; i < 3; i++)
        assert_true(db->driver->run(db, sql[i], NULL, 0, NULL, NULL, &err) >= 0);
    db->driver->close(db);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err = {0};
    const char *url = getenv("OBSCURA_TEST_DATABASE");
    strcpy(f->folder, "/tmp/obscura-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    if (url) {
        snprintf(f->url, sizeof f->url, "%s", url);
        wipe(url);
    } else {
        snprintf(f->url, sizeof f->url, "sqlite:%s/deep/tasks.db", f->folder);
    }
    assert_int_equal(task_store_open(f->url, &f->a, &err), 0);
    assert_int_equal(task_store_open(f->url, &f->b, &err), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    task_store_close(f->a);
    task_store_close(f->b);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void add(struct task_store *s, char id[UUID_SIZE], const char *hook, const char *key)
{
    struct task t;
    struct error err = {0};
    task_init(&t);
    uuid_make(t.id);
    t.created_us = clock_wall_us();
    t.size = 1234567890123;
    t.asynchronous = true;
    task_set(&t.filename, "Straße \"1\" 'x'.jpg");
    task_set(&t.parameters, "{\"method\":\"blur\"}");
    task_set(&t.webhook_url, hook);
    task_set(&t.idempotency_key, key);
    assert_int_equal(task_store_insert(s, &t, 0, NULL, &err), 0);
    strcpy(id, t.id);
    task_finish(&t);
}

static void claim(struct task_store *s, const char *worker, int64_t lease_ms, const char *id)
{
    struct task t;
    struct error err = {0};
    assert_int_equal(task_store_claim(s, worker, lease_ms, &t, &err), 0);
    assert_string_equal(t.id, id);
    assert_int_equal(t.status, TASK_PROCESSING);
    task_finish(&t);
}

static enum task_status status_of(struct task_store *s, const char *id)
{
    struct task t;
    struct error err = {0};
    assert_int_equal(task_store_get(s, id, &t, &err), 0);
    enum task_status status = t.status;
    task_finish(&t);
    return status;
}

/* Ends `id` as the worker would; the code of task_store_end. */
static int end(struct task_store *s, const char *id, const char *worker, enum task_status status, const char *why)
{
    struct task t;
    struct error err = {0};
    assert_int_equal(task_store_get(s, id, &t, &err), 0);
    task_set(&t.error, why);
    t.error_code = *why ? -EIO : 0;
    task_set(&t.content_type, "image/jpeg");
    int r = task_store_end(s, &t, worker, status, NULL, &err);
    task_finish(&t);
    return r;
}

static void test_a_record_comes_back_as_it_was_given(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct task t;
    char id[UUID_SIZE];
    add(f->a, id, "http://example.org/?a=1", "");
    assert_int_equal(task_store_get(f->b, id, &t, &err), 0);
    assert_string_equal(t.filename, "Straße \"1\" 'x'.jpg");
    assert_int_equal(t.size, 1234567890123);
    assert_true(t.asynchronous);
    assert_int_equal(t.status, TASK_QUEUED);
    assert_int_equal(t.webhook_status, TASK_WEBHOOK_SET);
    assert_string_equal(t.parameters, "{\"method\":\"blur\"}");
    assert_string_equal(t.error, "");
    task_finish(&t);
    assert_int_equal(task_store_get(f->b, "nobody", &t, &err), -ENOENT);
}

static void test_a_store_has_one_identity(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    char a[UUID_SIZE], b[UUID_SIZE];
    assert_int_equal(task_store_identity(f->a, a, &err), 0);
    assert_int_equal(task_store_identity(f->b, b, &err), 0);
    assert_true(uuid_valid(a));
    assert_string_equal(a, b);
}

static void test_addresses_that_are_no_database_are_refused(void **state)
{
    static const char *const addresses[] = {"", "sqlite:", ":memory:", "file:tasks.db?mode=memory",
        "postgressql://user:secret@db.example/obscura", "mysql://db.example/obscura"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct task_store *s = NULL;
        struct error err = {0};
        assert_int_equal(task_store_open(addresses[i], &s, &err), -EINVAL);
        assert_non_null(strstr(err.text, "database"));
        assert_null(strstr(err.text, "secret"));
    }
}

static void test_life_of_a_task(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct task t;
    char id[UUID_SIZE];
    add(f->a, id, "", "");
    claim(f->b, "w1", LEASE_MS, id);
    assert_int_equal(task_store_heartbeat(f->b, id, "w1", 0.25, LEASE_MS, &err), 0);
    assert_int_equal(task_store_get(f->a, id, &t, &err), 0);
    assert_true(t.progress == 0.25);
    assert_int_equal(t.attempts, 1);
    assert_true(t.started_us >= t.created_us);
    task_finish(&t);
    assert_int_equal(end(f->b, id, "w1", TASK_DONE, ""), 0);
    assert_int_equal(task_store_get(f->a, id, &t, &err), 0);
    assert_int_equal(t.status, TASK_DONE);
    assert_true(t.progress == 1);
    assert_true(t.finished_us >= t.started_us);
    assert_string_equal(t.content_type, "image/jpeg");
    task_finish(&t);
    assert_int_equal(end(f->b, id, "w1", TASK_DONE, ""), -ECANCELED);
}

static void test_oldest_first_and_each_once(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct task t;
    char one[UUID_SIZE], two[UUID_SIZE];
    add(f->a, one, "", "");
    add(f->a, two, "", "");
    claim(f->a, "w1", LEASE_MS, one);
    claim(f->b, "w2", LEASE_MS, two);
    assert_int_equal(task_store_claim(f->a, "w1", LEASE_MS, &t, &err), -ENOENT);
    assert_int_equal(task_store_count(f->a, TASK_PROCESSING, &err), 2);
    assert_int_equal(task_store_count(f->a, -1, &err), 2);
}

struct racer {
    const char *url;
    char name[16];
    int claimed;
};

static void *race(void *opaque)
{
    struct racer *racer = opaque;
    struct task_store *s;
    struct error err = {0};
    if (task_store_open(racer->url, &s, &err) < 0)
        return racer;
    int r;
    for (struct task t; (r = task_store_claim(s, racer->name, LEASE_MS, &t, &err)) == 0; racer->claimed++) {
        r = task_store_end(s, &t, racer->name, TASK_DONE, NULL, &err);
        task_finish(&t);
        if (r < 0)
            break;
    }
    task_store_close(s);
    return r == -ENOENT ? NULL : racer;
}

static void test_racing_workers_get_each_task_once(void **state)
{
    enum { WORKERS = 4, TASKS = 60 };
    struct fixture *f = *state;
    struct error err = {0};
    struct racer racers[WORKERS];
    pthread_t threads[WORKERS];
    char id[UUID_SIZE];
    int sum = 0;
    for (int i = 0; i < TASKS; i++)
        add(f->a, id, "", "");
    for (int i = 0; i < WORKERS; i++) {
        racers[i] = (struct racer){.url = f->url};
        snprintf(racers[i].name, sizeof racers[i].name, "racer%d", i);
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        void *failure;
        pthread_join(threads[i], &failure);
        assert_null(failure);
        sum += racers[i].claimed;
    }
    assert_int_equal(sum, TASKS);
    assert_int_equal(task_store_count(f->a, TASK_DONE, &err), TASKS);
}

static void test_lost_leases_are_taken_back_until_the_attempts_are_used_up(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct task t;
    char id[UUID_SIZE];
    add(f->a, id, "http://example.org/", "");
    for (int attempt = 1; attempt <= TASK_ATTEMPTS; attempt++) {
        assert_int_equal(status_of(f->a, id), TASK_QUEUED);
        claim(f->a, "dead", -1, id); /* a lease that is over already */
        assert_int_equal(task_store_recover(f->b, "the worker died", &err), 1);
        assert_int_equal(task_store_heartbeat(f->a, id, "dead", 0.5, LEASE_MS, &err), -ECANCELED);
    }
    assert_int_equal(task_store_get(f->a, id, &t, &err), 0);
    assert_int_equal(t.status, TASK_FAILED);
    assert_int_equal(t.error_code, -EIO);
    assert_string_equal(t.error, "the worker died");
    task_finish(&t);
    struct task_webhook w;
    assert_int_equal(task_store_webhook_next(f->a, LEASE_MS, NULL, &w, &err), 0);
    assert_int_equal(w.status, TASK_FAILED);
    task_webhook_finish(&w);
}

static void test_live_leases_stay_unless_the_worker_is_known_dead(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    char one[UUID_SIZE], two[UUID_SIZE];
    add(f->a, one, "", "");
    add(f->a, two, "", "");
    claim(f->a, "w1", LEASE_MS, one);
    claim(f->a, "w2", LEASE_MS, two);
    assert_int_equal(task_store_recover(f->b, "late", &err), 0);
    assert_int_equal(task_store_recover_worker(f->b, "w1", "died", &err), 1);
    assert_int_equal(status_of(f->a, one), TASK_QUEUED);
    assert_int_equal(status_of(f->a, two), TASK_PROCESSING);
    assert_int_equal(task_store_recover_worker(f->b, NULL, "died", &err), 1);
    assert_int_equal(status_of(f->a, two), TASK_QUEUED);
}

struct listed {
    int count;
    char ids[8][UUID_SIZE];
};

static int note(void *opaque, const struct task *t)
{
    struct listed *l = opaque;
    strcpy(l->ids[l->count++], t->id);
    return 0;
}

/* Two machines share a PostgreSQL server, and one's clock is wrong. */
static void test_leases_go_by_the_databases_clock(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct task t;
    char id[UUID_SIZE];
    struct listed old = {0};
    if (!getenv("OBSCURA_TEST_DATABASE"))
        PASS_OVER("SQLite's clock is the machine's");
    int64_t began_us = clock_wall_us();
    add(f->a, id, "http://example.org/", "");
    claim(f->a, "w1", LEASE_MS, id);
    ahead_s = 3600;
    assert_int_equal(task_store_recover(f->b, "late", &err), 0);
    assert_int_equal(task_store_heartbeat(f->b, id, "w1", 0.5, -1, &err), 0);
    ahead_s = -3600;
    assert_int_equal(task_store_recover(f->b, "late", &err), 1);
    claim(f->b, "w2", LEASE_MS, id);
    assert_int_equal(end(f->b, id, "w2", TASK_DONE, ""), 0);
    struct task_webhook w;
    assert_int_equal(task_store_webhook_next(f->b, LEASE_MS, NULL, &w, &err), 0);
    task_webhook_finish(&w);
    ahead_s = 3600;
    assert_int_equal(task_store_webhook_next(f->b, LEASE_MS, NULL, &w, &err), -ENOENT);
    struct task_filter ended = {.ended_for_us = 60000000};
    assert_int_equal(task_store_list(f->b, &ended, note, &old, &err), 0);
    assert_int_equal(old.count, 0);
    ahead_s = 0;
    assert_int_equal(task_store_get(f->a, id, &t, &err), 0);
    assert_true(t.finished_us > began_us - 1000000 && t.finished_us < clock_wall_us() + 1000000);
    task_finish(&t);
}

static void test_release_does_not_count(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    char id[UUID_SIZE];
    add(f->a, id, "", "");
    for (int i = 0; i < TASK_ATTEMPTS + 2; i++) {
        claim(f->a, "w1", LEASE_MS, id);
        assert_int_equal(task_store_release(f->a, id, "w1", &err), 0);
    }
    assert_int_equal(task_store_release(f->a, id, "w1", &err), -ECANCELED);
    assert_int_equal(status_of(f->a, id), TASK_QUEUED);
}

static void test_deleting_cancels(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    char one[UUID_SIZE], two[UUID_SIZE];
    struct task t;
    add(f->a, one, "", "");
    add(f->a, two, "", "");
    claim(f->a, "w1", LEASE_MS, one);
    claim(f->a, "w1", LEASE_MS, two);
    assert_int_equal(task_store_delete(f->b, &one, 1, true, &err), 1);
    assert_int_equal(task_store_delete(f->b, &two, 1, false, &err), 1);
    assert_int_equal(task_store_heartbeat(f->a, one, "w1", 0, LEASE_MS, &err), -ECANCELED);
    assert_int_equal(task_store_heartbeat(f->a, two, "w1", 0, LEASE_MS, &err), -ECANCELED);
    assert_int_equal(end(f->a, one, "w1", TASK_DONE, ""), -ECANCELED);
    assert_int_equal(status_of(f->a, one), TASK_DELETED);
    assert_int_equal(task_store_get(f->a, two, &t, &err), -ENOENT);
    assert_int_equal(task_store_delete(f->b, &two, 1, false, &err), 0);
}

static void test_one_task_for_one_idempotency_key(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct task t;
    char first[UUID_SIZE], other[UUID_SIZE], existing[UUID_SIZE] = "";
    add(f->a, first, "", "key 1");
    add(f->a, other, "", "key 2");
    add(f->a, other, "", "");
    add(f->a, other, "", ""); /* no key is no key */
    task_init(&t);
    uuid_make(t.id);
    task_set(&t.idempotency_key, "key 1");
    assert_int_equal(task_store_insert(f->b, &t, 1, existing, &err), -EEXIST); /* even where the queue is full */
    assert_string_equal(existing, first);
    task_finish(&t);
    assert_int_equal(task_store_count(f->a, -1, &err), 4);
}

static void test_a_full_queue_refuses(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct task t;
    char id[UUID_SIZE];
    add(f->a, id, "", "");
    task_init(&t);
    uuid_make(t.id);
    assert_int_equal(task_store_insert(f->a, &t, 1, NULL, &err), -EAGAIN);
    assert_int_equal(task_store_insert(f->a, &t, 2, NULL, &err), 0);
    task_finish(&t);
}

static void test_the_outbox_delivers_at_least_once(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct task_webhook w;
    char id[UUID_SIZE];
    add(f->a, id, "http://example.org/hook", "");
    claim(f->a, "w1", LEASE_MS, id);
    assert_int_equal(task_store_webhook_next(f->b, LEASE_MS, NULL, &w, &err), -ENOENT);
    assert_int_equal(end(f->a, id, "w1", TASK_DONE, ""), 0);
    assert_int_equal(task_store_webhook_next(f->b, -1, NULL, &w, &err), 0); /* its sender dies: the lease runs out */
    task_webhook_finish(&w);
    assert_int_equal(task_store_webhook_next(f->b, LEASE_MS, NULL, &w, &err), 0);
    assert_string_equal(w.url, "http://example.org/hook");
    assert_string_equal(w.id, id);
    assert_int_equal(w.status, TASK_DONE);
    struct task_webhook none;
    assert_int_equal(task_store_webhook_next(f->a, LEASE_MS, NULL, &none, &err), -ENOENT);
    assert_in_range(w.age_ms, 0, 60000);
    assert_int_equal(task_store_webhook_result(f->b, &w, false, 0, "500 from the receiver", &err), 0);
    task_webhook_finish(&w);
    const char *const crowded[TASK_WEBHOOK_PASSED_OVER] = {NULL, "http://example.org"};
    assert_int_equal(task_store_webhook_next(f->b, LEASE_MS, crowded, &w, &err), -ENOENT);
    assert_int_equal(task_store_webhook_next(f->b, LEASE_MS, NULL, &w, &err), 0);
    assert_int_equal(w.attempts, 1);
    assert_int_equal(task_store_webhook_result(f->b, &w, true, 0, "200", &err), 0);
    task_webhook_finish(&w);
    assert_int_equal(task_store_webhook_next(f->a, LEASE_MS, NULL, &none, &err), -ENOENT);
    struct task t;
    assert_int_equal(task_store_get(f->a, id, &t, &err), 0);
    assert_int_equal(t.webhook_status, TASK_WEBHOOK_SENT);
    task_finish(&t);
    char *log;
    assert_int_equal(task_store_webhook_log(f->a, id, &log, &err), 0);
    assert_non_null(strstr(log, "\"delivered\":false,\"answer\":\"500 from the receiver\""));
    assert_non_null(strstr(log, "\"delivered\":true,\"answer\":\"200\""));
    free(log);
}

static void test_a_deleted_record_does_not_take_its_webhook_along(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct task_webhook w;
    char id[UUID_SIZE];
    add(f->a, id, "http://example.org/hook", "");
    claim(f->a, "w1", LEASE_MS, id);
    assert_int_equal(end(f->a, id, "w1", TASK_FAILED, "because"), 0);
    assert_int_equal(task_store_delete(f->a, &id, 1, false, &err), 1);
    assert_int_equal(task_store_webhook_next(f->b, LEASE_MS, NULL, &w, &err), 0);
    assert_int_equal(task_store_webhook_result(f->b, &w, false, -1, "given up", &err), 0);
    task_webhook_finish(&w);
    assert_int_equal(task_store_webhook_next(f->b, LEASE_MS, NULL, &w, &err), -ENOENT);
}

static void test_listing(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    char ids[4][UUID_SIZE];
    for (int i = 0; i < 4; i++)
        add(f->a, ids[i], "", "");
    claim(f->a, "w1", LEASE_MS, ids[0]);
    assert_int_equal(end(f->a, ids[0], "w1", TASK_DONE, ""), 0);
    struct listed all = {0}, queued = {0}, old = {0};
    assert_int_equal(
        task_store_list(f->b, &(struct task_filter){.status = -1, .limit = 2, .offset = 1}, note, &all, &err), 0);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.ids[0], ids[2]);
    assert_string_equal(all.ids[1], ids[1]);
    assert_int_equal(task_store_list(f->b, &(struct task_filter){.status = TASK_QUEUED}, note, &queued, &err), 0);
    assert_int_equal(queued.count, 3);
    struct task_filter ended = {.ended_for_us = 1};
    assert_int_equal(task_store_list(f->b, &ended, note, &old, &err), 0);
    assert_int_equal(old.count, 1);
    assert_string_equal(old.ids[0], ids[0]);
}

/* What was promised is on disk when the call returns; what may be lost costs no sync. */
static void test_what_is_promised_is_synced(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct task t;
    char id[UUID_SIZE], existing[UUID_SIZE];
    if (getenv("OBSCURA_TEST_DATABASE"))
        PASS_OVER("the database's server syncs");
    add(f->a, id, "http://example.org/", "key");
    syncs = 0;
    task_init(&t);
    uuid_make(t.id);
    assert_int_equal(task_set(&t.idempotency_key, "key"), 0);
    assert_int_equal(task_store_insert(f->a, &t, 0, existing, &err), -EEXIST);
    task_finish(&t);
    assert_int_equal(syncs, 1); /* the first one may not have come to its own yet */
    claim(f->a, "w1", LEASE_MS, id);
    assert_int_equal(task_store_heartbeat(f->a, id, "w1", 0.5, LEASE_MS, &err), 0);
    assert_int_equal(syncs, 1);
    assert_int_equal(end(f->a, id, "w1", TASK_DONE, ""), 0);
    assert_int_equal(syncs, 2);
    assert_int_equal(task_store_delete(f->a, &id, 1, false, &err), 1);
    assert_int_equal(syncs, 3);
    add(f->a, id, "", "");
    assert_int_equal(syncs, 4);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_a_record_comes_back_as_it_was_given),
        WITH_STORE(test_a_store_has_one_identity),
        cmocka_unit_test(test_addresses_that_are_no_database_are_refused),
        WITH_STORE(test_life_of_a_task),
        WITH_STORE(test_oldest_first_and_each_once),
        WITH_STORE(test_racing_workers_get_each_task_once),
        WITH_STORE(test_lost_leases_are_taken_back_until_the_attempts_are_used_up),
        WITH_STORE(test_live_leases_stay_unless_the_worker_is_known_dead),
        WITH_STORE(test_leases_go_by_the_databases_clock),
        WITH_STORE(test_release_does_not_count),
        WITH_STORE(test_deleting_cancels),
        WITH_STORE(test_one_task_for_one_idempotency_key),
        WITH_STORE(test_a_full_queue_refuses),
        WITH_STORE(test_the_outbox_delivers_at_least_once),
        WITH_STORE(test_a_deleted_record_does_not_take_its_webhook_along),
        WITH_STORE(test_listing),
        WITH_STORE(test_what_is_promised_is_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
