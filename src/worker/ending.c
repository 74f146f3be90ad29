/* See ending.h. The order: both files are whole on disk, then one transaction ends the task. Whoever dies in between
 * leaves files that the next attempt replaces or a sweep removes.
 */
#include "worker/ending.h"

#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define PAUSE_MS 250 /* before the store is tried again */
#define BEAT_S 5     /* between heartbeats of what is ending */

struct endings {
    struct worker *worker;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t given, ended;
    struct job *next;                    /* given and not taken yet */
    int busy;                            /* jobs that were given and have not ended */
    char ending[ENDINGS_MAX][UUID_SIZE]; /* the threads' tasks; "" where none */
    bool closed;
    int thread_count;
    pthread_t threads[ENDINGS_MAX];
    bool has_beater, over; /* over: nobody ends jobs any more */
    pthread_t beater;
    pthread_cond_t is_over;
};

/* Puts `id` where `old` stands; "" is a free place. */
static void note_ending(struct endings *e, const char *old, const char *id)
{
    int i = 0;
    while (i < ENDINGS_MAX - 1 && strcmp(e->ending[i], old) != 0)
        i++;
    strcpy(e->ending[i], id);
}

/* METHOD_DETECT leaves the anonymised file empty: then there is none. */
static int commit(struct job *j, struct error *err)
{
    struct stat st;
    if (fstat(j->outputs[0].fd, &st) < 0)
        return error_set(err, -errno, "%s", strerror(errno));
    if (st.st_size == 0)
        artefact_abort(&j->outputs[0]);
    return artefact_commit(j->outputs, 2, err);
}

/* Failures that another attempt may not have. Whatever the upload or a limit is to blame for would only fail again. */
static bool worth_retrying(int code)
{
    return code == -EPIPE || code == -EIO || code == -EPROTO;
}

static int note_failure(struct task *t, const struct error *why)
{
    t->error_code = why->code == -EPIPE ? -EIO : why->code;
    return task_set(&t->error, why->text);
}

static int note_success(struct task *t, const struct pipeline_report *report)
{
    t->is_video = report->kind == PIPELINE_VIDEO;
    int r = *report->content_type ? task_set(&t->content_type, report->content_type) : 0;
    if (r < 0 || !*report->warnings)
        return r;
    if (!*t->warnings)
        return task_set(&t->warnings, report->warnings);
    char both[8192];
    if (strstr(t->warnings, report->warnings)) /* of an earlier attempt */
        return 0;
    snprintf(both, sizeof both, "%s\n%s", t->warnings, report->warnings);
    return task_set(&t->warnings, both);
}

static void log_end(const struct task *t, enum task_status status)
{
    if (status == TASK_DONE)
        log_info("%s done", t->id);
    else if (status == TASK_QUEUED)
        log_warn("%s attempt %d of %d failed: %s", t->id, t->attempts, TASK_ATTEMPTS, t->error);
    else
        log_warn("%s failed: %s", t->id, t->error);
}

static void drop_results(struct worker *w, const char *id)
{
    struct error ignored;
    artefact_delete(w->artefacts, id, ARTEFACT_ANONYMISED, &ignored);
    artefact_delete(w->artefacts, id, ARTEFACT_RESULT, &ignored);
}

static int try_end(
    struct worker *w, struct task_store **tasks, const struct task *t, enum task_status *status, struct error *err)
{
    int r = *tasks ? 0 : task_store_open(w->options->config->database, tasks, err);
    return r < 0 ? r : task_store_end(*tasks, t, w->options->name, *status, status, err);
}

/* Again while the store cannot write. Where the disk is full, the results make room for the record of their failure. */
static int end_task(
    struct worker *w, struct task_store **tasks, struct task *t, enum task_status *status, struct error *err)
{
    for (int waited_ms = 0;; waited_ms += PAUSE_MS) {
        int r = try_end(w, tasks, t, status, err);
        if (r == 0 || r == -ECANCELED || r == -ENOMEM || waited_ms >= WORKER_LEASE_MS * 3 / 4 ||
            atomic_load(&w->stopping))
            return r;
        if (r == -ENOSPC && *status == TASK_DONE) {
            drop_results(w, t->id);
            if (note_failure(t, err) < 0)
                return r;
            *status = TASK_FAILED;
            continue;
        }
        poll(NULL, 0, PAUSE_MS);
    }
}

static void follow_up(struct worker *w, const struct task *t, enum task_status status)
{
    log_end(t, status);
    if (status == TASK_FAILED) /* half a commit */
        drop_results(w, t->id);
    if (status != TASK_QUEUED)
        job_drop_original(w, t->id);
    if (status == TASK_QUEUED)
        wakeup_queued(w->options->wakeup);
    else
        wakeup_done(w->options->wakeup, t->id);
}

/* Where the store fails the lease will run out. */
static void end_job(struct worker *w, struct task_store **tasks, struct job *j)
{
    struct error err = {0};
    struct task *t = &j->task;
    int r = j->why.code == 0 ? commit(j, &j->why) : j->why.code;
    enum task_status status = r == 0 ? TASK_DONE : worth_retrying(r) ? TASK_QUEUED : TASK_FAILED;
    /* First, because on a full disk their room is what the record needs. */
    artefact_abort(&j->outputs[0]);
    artefact_abort(&j->outputs[1]);
    if ((r == 0 ? note_success(t, &j->report) : note_failure(t, &j->why)) < 0)
        r = error_set(&err, -ENOMEM, "out of memory");
    else
        r = end_task(w, tasks, t, &status, &err);
    if (r == 0)
        follow_up(w, t, status);
    else if (r == -ECANCELED && *tasks)
        job_drop_files(w, *tasks, t->id);
    else
        log_error("%s: %s", t->id, err.text);
    job_destroy(j);
}

/* A slow disk takes longer to sync a video than a lease lasts. What the store says does not matter here: the end itself
 * learns that the task is lost. */
static void beat_all(struct endings *e, struct task_store **tasks, char (*ids)[UUID_SIZE])
{
    struct error ignored;
    const struct worker_options *o = e->worker->options;
    for (int i = 0; i < ENDINGS_MAX; i++)
        if (*ids[i] && (*tasks || task_store_open(o->config->database, tasks, &ignored) == 0))
            task_store_heartbeat(*tasks, ids[i], o->name, 1, WORKER_LEASE_MS, &ignored);
}

static void *beat(void *opaque)
{
    struct endings *e = opaque;
    struct task_store *tasks = NULL;
    char ids[ENDINGS_MAX][UUID_SIZE];
    pthread_mutex_lock(&e->lock);
    while (!e->over) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += BEAT_S;
        while (!e->over && pthread_cond_clockwait(&e->is_over, &e->lock, CLOCK_MONOTONIC, &until) == 0)
            ;
        memcpy(ids, e->ending, sizeof ids);
        pthread_mutex_unlock(&e->lock);
        beat_all(e, &tasks, ids);
        pthread_mutex_lock(&e->lock);
    }
    pthread_mutex_unlock(&e->lock);
    task_store_close(tasks);
    return NULL;
}

static void *run(void *opaque)
{
    struct endings *e = opaque;
    struct task_store *tasks = NULL;
    pthread_mutex_lock(&e->lock);
    for (;;) {
        while (!e->next && !e->closed)
            pthread_cond_wait(&e->given, &e->lock);
        struct job *j = e->next;
        if (!j)
            break;
        e->next = NULL;
        char id[UUID_SIZE];
        strcpy(id, j->task.id);
        note_ending(e, "", id);
        pthread_cond_signal(&e->ended);
        pthread_mutex_unlock(&e->lock);
        end_job(e->worker, &tasks, j);
        pthread_mutex_lock(&e->lock);
        note_ending(e, id, "");
        e->busy--;
        pthread_cond_signal(&e->ended);
    }
    pthread_mutex_unlock(&e->lock);
    task_store_close(tasks);
    return NULL;
}

int endings_create(struct worker *w, struct endings **ret_endings)
{
    struct endings *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    e->worker = w;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->given, NULL);
    pthread_cond_init(&e->ended, NULL);
    pthread_cond_init(&e->is_over, NULL);
    *ret_endings = e;
    return 0;
}

/* Threads are made as they are needed: a worker of long videos has one. */
void endings_give(struct endings *e, struct job *j)
{
    pthread_mutex_lock(&e->lock);
    if (e->busy == e->thread_count && e->thread_count < ENDINGS_MAX &&
        pthread_create(&e->threads[e->thread_count], NULL, run, e) == 0)
        e->thread_count++;
    if (!e->has_beater)
        e->has_beater = pthread_create(&e->beater, NULL, beat, e) == 0;
    while (e->next || (e->busy > 0 && e->busy == e->thread_count))
        pthread_cond_wait(&e->ended, &e->lock);
    bool alone = e->thread_count == 0;
    if (!alone) {
        e->next = j;
        e->busy++;
        pthread_cond_signal(&e->given);
    }
    pthread_mutex_unlock(&e->lock);
    if (alone) { /* no thread can be made */
        struct task_store *tasks = NULL;
        end_job(e->worker, &tasks, j);
        task_store_close(tasks);
    }
}

void endings_destroy(struct endings *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    e->closed = true;
    pthread_cond_broadcast(&e->given);
    pthread_mutex_unlock(&e->lock);
    for (int i = 0; i < e->thread_count; i++)
        pthread_join(e->threads[i], NULL);
    pthread_mutex_lock(&e->lock);
    e->over = true;
    pthread_cond_signal(&e->is_over);
    pthread_mutex_unlock(&e->lock);
    if (e->has_beater)
        pthread_join(e->beater, NULL);
    pthread_cond_destroy(&e->is_over);
    pthread_cond_destroy(&e->given);
    pthread_cond_destroy(&e->ended);
    pthread_mutex_destroy(&e->lock);
    free(e);
}
