/* The whole arrangement of processes, with a pipeline of this file's own: its upload's text says what happens to the
 * engine. Stubs stand in for the detector and the pipeline, everything else is real.
 */
#include "unit.h"

#include "artefact/artefact.h"
#include "base/clock.h"
#include "base/log.h"
#include "pipeline/pipeline.h"
#include "task/store.h"
#include "worker/supervisor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- what the engine runs --- */

int detector_create(const struct detector_options *options, struct detector **ret_detector, struct error *err)
{
    *ret_detector = NULL;
    if (options->models && access(options->models, R_OK) < 0)
        return error_set(err, -ENOENT, "no models in %s", options->models);
    return 0;
}

void detector_destroy(struct detector *d)
{
}

int detector_warm_up(struct detector *d, struct error *err)
{
    return 0;
}

static int expect_errno(const char *what, int result, int wanted, struct error *err)
{
    if (result >= 0 || errno != wanted)
        return error_set(err, -EBADMSG, "%s: %d, %s", what, result, result < 0 ? strerror(errno) : "worked");
    return 0;
}

/* Everything that a sandboxed engine must not be able to do. */
static int probe(struct error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char *const arguments[] = {(char[]){"true"}, NULL};
    int r = expect_errno("open /etc/passwd", open("/etc/passwd", O_RDONLY), EACCES, err);
    if (r == 0)
        r = expect_errno("create a file", open("/tmp/obscura-escaped", O_CREAT | O_WRONLY, 0600), EACCES, err);
    if (r == 0)
        r = expect_errno("socket", socket(AF_INET, SOCK_STREAM, 0), EACCES, err);
    if (r == 0)
        r = expect_errno("connect", connect(0, (struct sockaddr *)&address, sizeof address), EACCES, err);
    if (r == 0)
        r = expect_errno("exec", execv("/bin/true", arguments), EACCES, err);
    if (r == 0)
        r = expect_errno("ptrace", (int)ptrace(PTRACE_ATTACH, getppid(), 0, 0), EPERM, err);
    if (r == 0)
        r = expect_errno("kill", kill(getppid(), SIGTERM), EPERM, err);
    if (r == 0)
        r = expect_errno("fork", fork(), EPERM, err);
    if (r == 0)
        r = expect_errno("a limit", setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), EPERM, err);
    if (r == 0 && geteuid() == 0)
        r = error_set(err, -EBADMSG, "still root");
    /* oneDNN's need */
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r == 0 && mprotect(code, 4096, PROT_READ | PROT_EXEC) < 0)
        r = error_set(err, -EBADMSG, "memory cannot be made executable");
    return r;
}

static int eat_memory(struct error *err)
{
    for (;;) {
        volatile char *p = malloc(1 << 20);
        if (!p)
            return error_set(err, -ENOMEM, "out of memory");
        *p = 1;
    }
}

static int wait_for_cancel(const struct pipeline_job *job)
{
    for (int r;;) {
        usleep(10000);
        if ((r = job->progress(job->opaque, 0.5)) < 0)
            return r;
    }
}

int pipeline_run(struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *report, struct error *err)
{
    char text[32] = "";
    ssize_t n = pread(job->input, text, sizeof text - 1, 0);
    if (n < 0 || write(job->anonymised, "half", 4) != 4 || write(job->result, "{}", 2) != 2)
        return error_set(err, -EIO, "files");
    if (strcmp(text, "crash") == 0) {
        signal(SIGSEGV, SIG_DFL); /* cmocka handles it otherwise */
        raise(SIGSEGV);
    }
    if (strcmp(text, "spin") == 0)
        for (volatile int i = 0;; i++)
            ;
    if (strcmp(text, "hang") == 0)
        for (;;)
            sleep(1); /* pause() is not on the list of the sandbox */
    if (strcmp(text, "memory") == 0)
        return eat_memory(err);
    if (strcmp(text, "damaged") == 0)
        return error_set(err, -EBADMSG, "not a picture\x1b[31m\xff");
    if (strcmp(text, "wait") == 0)
        return wait_for_cancel(job);
    if (strcmp(text, "probe") == 0) {
        int r = probe(err);
        if (r < 0)
            return r;
    }
    strcpy(report->content_type, "image/png");
    return 0;
}

/* --- the server --- */

struct fixture {
    char folder[64], input[80], output[80], database[80];
    char words[11][80], *arguments[12]; /* the command line, which engines overwrite */
    struct config config;
    struct wakeup wakeup;
    struct task_store *tasks;
    struct artefact_store *artefacts;
    int started[2]; /* pipe: the front is up, so recovery is over */
    pid_t server;
};

static int front(void *opaque, int control_fd)
{
    char command = 0;
    struct fixture *f = opaque;
    if (write(f->started[1], "x", 1) != 1)
        return -EIO;
    struct pollfd p = {.fd = control_fd, .events = POLLIN};
    while (command != CONTROL_STOP)
        if (poll(&p, 1, -1) > 0 && read(control_fd, &command, 1) == 0)
            break;
    return 0;
}

static void start_server(struct fixture *f)
{
    char up;
    f->server = fork();
    if (f->server != 0) {
        assert_int_equal(read(f->started[0], &up, 1), 1);
        return;
    }
    struct error err = {0};
    struct supervisor_service service = {"front", front, f, SERVICE_STAYS};
    struct supervisor options = {.config = &f->config, .wakeup = &f->wakeup, .services = &service, .service_count = 1};
    log_init((enum log_level)f->config.log_level, "supervisor");
    int r = supervisor_run(&options, &err);
    if (r < 0)
        log_error("%s", err.text);
    _exit(r < 0 ? 1 : 0);
}

static int end_server(struct fixture *f, int signal)
{
    int status = 0;
    if (signal)
        kill(f->server, signal);
    waitpid(f->server, &status, 0);
    f->server = 0;
    return status;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    strcpy(f->folder, "/tmp/obscura-worker-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->input, sizeof f->input, "%s/in", f->folder);
    snprintf(f->output, sizeof f->output, "%s/out", f->folder);
    snprintf(f->database, sizeof f->database, "%s/tasks.db", f->folder);
    const char *const arguments[] = {"obscura", "--input", f->input, "--output", f->output, "--database", f->database,
        "--workers", "1", "--threads", "1", NULL};
    for (int i = 0; i < 11; i++) {
        strcpy(f->words[i], arguments[i]);
        f->arguments[i] = f->words[i];
    }
    enum config_action action;
    assert_int_equal(config_load(&f->config, 11, f->arguments, &action, &err), 0);
    f->config.log_level = getenv("OBSCURA_TEST_LOG") ? LOG_DEBUG : LOG_ERROR;
    assert_int_equal(pipe(f->started), 0);
    assert_int_equal(wakeup_create(&f->wakeup), 0);
    assert_int_equal(artefact_store_open(f->input, f->output, &f->artefacts, &err), 0);
    assert_int_equal(task_store_open(f->database, &f->tasks, &err), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    if (f->server > 0)
        end_server(f, SIGKILL);
    task_store_close(f->tasks);
    artefact_store_close(f->artefacts);
    wakeup_destroy(&f->wakeup);
    close(f->started[0]);
    close(f->started[1]);
    config_finish(&f->config);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void upload(struct fixture *f, const char *text, char id[UUID_SIZE])
{
    struct artefact_writer w;
    struct error err = {0};
    struct task t;
    char *parameters = NULL;
    task_init(&t);
    uuid_make(t.id);
    assert_int_equal(artefact_create(f->artefacts, t.id, ARTEFACT_ORIGINAL, &w, &err), 0);
    assert_int_equal(write(w.fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(artefact_commit(&w, 1, &err), 0);
    assert_int_equal(config_request_to_json(&f->config.request, &parameters), 0);
    task_set(&t.parameters, parameters);
    free(parameters);
    t.created_us = clock_wall_us();
    assert_int_equal(task_store_insert(f->tasks, &t, 0, NULL, &err), 0);
    wakeup_queued(&f->wakeup);
    strcpy(id, t.id);
    task_finish(&t);
}

/* The record once it has that status (or has ended), at most 20 s later. */
static void await(struct fixture *f, const char *id, enum task_status status, struct task *ret)
{
    struct error err;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(task_store_get(f->tasks, id, ret, &err), 0);
        if (ret->status == status || ret->status == TASK_DONE || ret->status == TASK_FAILED)
            return;
        task_finish(ret);
        usleep(20000);
    }
    fail_msg("task %s did not become %s", id, task_status_name(status));
}

static bool exists(struct fixture *f, const char *id, enum artefact_kind kind)
{
    struct error err;
    int fd;
    if (artefact_open(f->artefacts, id, kind, &fd, NULL, &err) < 0)
        return false;
    close(fd);
    return true;
}

static void expect_done(struct fixture *f, const char *id)
{
    struct task t;
    await(f, id, TASK_DONE, &t);
    assert_string_equal(t.error, "");
    assert_int_equal(t.status, TASK_DONE);
    task_finish(&t);
    assert_true(exists(f, id, ARTEFACT_ANONYMISED));
    assert_true(exists(f, id, ARTEFACT_RESULT));
}

static void expect_failed(struct fixture *f, const char *id, int attempts, const char *reason)
{
    struct task t;
    await(f, id, TASK_FAILED, &t);
    assert_int_equal(t.status, TASK_FAILED);
    assert_string_equal(t.error, reason);
    assert_int_equal(t.attempts, attempts);
    task_finish(&t);
    assert_false(exists(f, id, ARTEFACT_ANONYMISED));
    assert_false(exists(f, id, ARTEFACT_RESULT));
}

static void test_a_task_fails_alone_and_says_why(void **state)
{
    struct fixture *f = *state;
    char good[2][UUID_SIZE], crash[UUID_SIZE], damaged[UUID_SIZE], memory[UUID_SIZE];
    f->config.task_memory = 512 << 20;
    start_server(f);
    upload(f, "good", good[0]);
    upload(f, "crash", crash);
    upload(f, "damaged", damaged);
    upload(f, "memory", memory);
    upload(f, "good", good[1]);
    expect_done(f, good[0]);
    expect_failed(f, crash, TASK_ATTEMPTS, "the engine crashed: SIGSEGV");
    expect_failed(f, damaged, 1, "not a picture?[31m?");
    expect_failed(f, memory, 1, "out of memory");
    expect_done(f, good[1]);
}

static void test_a_limit_on_processor_time(void **state)
{
    struct fixture *f = *state;
    char spin[UUID_SIZE], good[UUID_SIZE];
    f->config.task_time_s = 1;
    start_server(f);
    upload(f, "spin", spin);
    upload(f, "good", good);
    expect_failed(f, spin, 1, "over the limit of 1 s of processor time (task-time)");
    expect_done(f, good);
}

static void test_an_engine_that_hangs(void **state)
{
    struct fixture *f = *state;
    char hang[UUID_SIZE], good[UUID_SIZE];
    f->config.task_stall_s = 1;
    start_server(f);
    upload(f, "hang", hang);
    upload(f, "good", good);
    expect_failed(f, hang, TASK_ATTEMPTS, "the engine made no progress for 1 s (task-stall)");
    expect_done(f, good);
}

static void test_an_engine_can_do_nothing_but_its_job(void **state)
{
    struct fixture *f = *state;
    char id[UUID_SIZE];
    start_server(f);
    upload(f, "probe", id);
    expect_done(f, id);
}

static void test_deleting_stops_the_work(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct task t;
    char waiting[UUID_SIZE], good[UUID_SIZE];
    start_server(f);
    upload(f, "wait", waiting);
    await(f, waiting, TASK_PROCESSING, &t);
    task_finish(&t);
    assert_int_equal(task_store_delete(f->tasks, &waiting, 1, false, &err), 1);
    upload(f, "good", good);
    expect_done(f, good);
    assert_false(exists(f, waiting, ARTEFACT_ORIGINAL));
}

static void test_drain_finishes_or_gives_back(void **state)
{
    struct fixture *f = *state;
    struct task t;
    char waiting[UUID_SIZE], later[UUID_SIZE];
    f->config.drain_timeout_s = 1;
    start_server(f);
    upload(f, "wait", waiting);
    await(f, waiting, TASK_PROCESSING, &t);
    task_finish(&t);
    upload(f, "good", later);
    assert_int_equal(end_server(f, SIGTERM), 0);
    await(f, waiting, TASK_QUEUED, &t);
    assert_int_equal(t.status, TASK_QUEUED);
    assert_int_equal(t.attempts, 0);
    task_finish(&t);
    await(f, later, TASK_QUEUED, &t);
    assert_int_equal(t.status, TASK_QUEUED);
    task_finish(&t);
}

static void test_a_killed_server_takes_its_children_along_and_recovers(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct task t;
    struct artefact_writer w;
    char waiting[UUID_SIZE], orphan[UUID_SIZE];
    f->config.delete_originals = true;
    start_server(f);
    upload(f, "wait", waiting);
    await(f, waiting, TASK_PROCESSING, &t);
    task_finish(&t);
    end_server(f, SIGKILL);
    uuid_make(orphan);
    assert_int_equal(artefact_create(f->artefacts, orphan, ARTEFACT_RESULT, &w, &err), 0);
    assert_int_equal(artefact_commit(&w, 1, &err), 0);
    char path[160];
    snprintf(path, sizeof path, "%s/%s.original", f->input, waiting);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "good", 4), 4);
    close(fd);
    start_server(f);
    expect_done(f, waiting);
    assert_int_equal(end_server(f, SIGTERM), 0);
    assert_false(exists(f, orphan, ARTEFACT_RESULT));
    assert_false(exists(f, waiting, ARTEFACT_ORIGINAL));
    snprintf(path, sizeof path, "test -z \"$(ls -A %s | grep '^\\.[0-9a-f]')\"", f->output);
    assert_int_equal(system(path), 0); /* no temporary of the killed worker */
}

static void test_a_server_that_cannot_work_says_so(void **state)
{
    struct fixture *f = *state;
    f->config.models = strdup("/nonexistent");
    start_server(f);
    int status = end_server(f, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void test_retention_deletes_what_is_old(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct task t;
    char id[UUID_SIZE];
    int r = 0;
    f->config.retention_s = 1;
    start_server(f);
    upload(f, "good", id);
    for (int i = 0; i < 500 && r == 0; i++) {
        usleep(20000);
        r = task_store_get(f->tasks, id, &t, &err);
        task_finish(&t);
    }
    assert_int_equal(r, -ENOENT);
    assert_false(exists(f, id, ARTEFACT_ORIGINAL));
    assert_false(exists(f, id, ARTEFACT_ANONYMISED));
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_a_task_fails_alone_and_says_why),
        WITH_SERVER(test_a_limit_on_processor_time),
        WITH_SERVER(test_an_engine_that_hangs),
        WITH_SERVER(test_an_engine_can_do_nothing_but_its_job),
        WITH_SERVER(test_deleting_stops_the_work),
        WITH_SERVER(test_drain_finishes_or_gives_back),
        WITH_SERVER(test_a_killed_server_takes_its_children_along_and_recovers),
        WITH_SERVER(test_a_server_that_cannot_work_says_so),
        WITH_SERVER(test_retention_deletes_what_is_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
