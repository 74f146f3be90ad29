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

#define PAUSE_MS 250 /* before the store is tried again */

struct endings {
    struct worker *worker;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t given, ended;
    struct job *next; /* given and not taken yet */
    int busy;         /* jobs that were given and have not ended */
    bool closed;
    int thread_count;
    pthread_t threads[ENDINGS_MAX];
};

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
    struct error ignored;
    log_end(t, status);
    if (status == TASK_FAILED) /* half a commit */
        drop_results(w, t->id);
    if (status != TASK_QUEUED && w->options->config->delete_originals)
        artefact_delete(w->artefacts, t->id, ARTEFACT_ORIGINAL, &ignored);
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
        pthread_cond_signal(&e->ended);
        pthread_mutex_unlock(&e->lock);
        end_job(e->worker, &tasks, j);
        pthread_mutex_lock(&e->lock);
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
    pthread_cond_destroy(&e->given);
    pthread_cond_destroy(&e->ended);
    pthread_mutex_destroy(&e->lock);
    free(e);
}
