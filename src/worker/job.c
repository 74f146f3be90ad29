/* See job.h. The order at the end: both files are whole on disk, then one transaction ends the task. Whoever dies in
 * between leaves files that the next attempt replaces or a sweep removes.
 */
#include "worker/job.h"

#include "base/log.h"
#include "worker/channel.h"
#include "worker/watch.h"

#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define END_PAUSE_MS 250

struct job {
    struct worker *worker;
    struct task *task;
    int input;
    struct artefact_writer anonymised, result;
    bool engine_dead;
};

static void finish(struct job *j)
{
    if (j->input >= 0)
        close(j->input);
    artefact_abort(&j->anonymised);
    artefact_abort(&j->result);
}

static int open_files(struct job *j, struct error *err)
{
    struct worker *w = j->worker;
    const char *id = j->task->id;
    int r = artefact_open(w->artefacts, id, ARTEFACT_ORIGINAL, &j->input, NULL, err);
    if (r == -ENOENT)
        return error_set(err, -ENODATA, "the uploaded file is gone");
    if (r == 0)
        r = artefact_create(w->artefacts, id, ARTEFACT_ANONYMISED, &j->anonymised, err);
    if (r == 0)
        r = artefact_create(w->artefacts, id, ARTEFACT_RESULT, &j->result, err);
    return r;
}

static int send_job(struct job *j, struct error *err)
{
    struct worker *w = j->worker;
    if (strlen(j->task->parameters) >= sizeof w->job->parameters)
        return error_set(err, -EINVAL, "the parameters are too long");
    strcpy(w->job->id, j->task->id);
    strcpy(w->job->parameters, *j->task->parameters ? j->task->parameters : "{}");
    w->job->input = j->input;
    w->job->anonymised = j->anonymised.fd;
    w->job->result = j->result.fd;
    /* A dead engine shows when its answer is read. */
    channel_send_job(w->channel, w->job);
    return 0;
}

/* METHOD_DETECT leaves the anonymised file empty: then there is none. */
static int commit(struct job *j, struct error *err)
{
    struct stat st;
    int r = fstat(j->anonymised.fd, &st) < 0 ? error_set(err, -errno, "%s", strerror(errno)) : 0;
    if (r == 0 && st.st_size == 0)
        artefact_abort(&j->anonymised);
    else if (r == 0)
        r = artefact_commit(&j->anonymised, err);
    return r < 0 ? r : artefact_commit(&j->result, err);
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

static int note_success(struct job *j)
{
    const struct pipeline_report *report = &j->worker->report->report;
    struct task *t = j->task;
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

/* The task was deleted while it was worked on: its files go, unless another worker has it now. */
static void drop_files(struct worker *w, const char *id)
{
    struct task now;
    struct error err;
    int r = task_store_get(w->tasks, id, &now, &err);
    if (r == -ENOENT || (r == 0 && now.status == TASK_DELETED))
        artefact_delete_all(w->artefacts, id, &err);
    task_finish(&now);
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

/* task_store_end, again while the store cannot write. Where the disk is full, the results make room for the record of
 * their failure. */
static int end_task(struct worker *w, struct task *t, enum task_status *status, struct error *err)
{
    for (int waited_ms = 0;; waited_ms += END_PAUSE_MS) {
        int r = task_store_end(w->tasks, t, w->options->name, *status, status, err);
        if (r == 0 || r == -ECANCELED || r == -ENOMEM || waited_ms >= WORKER_LEASE_MS * 3 / 4 || w->stopping)
            return r;
        if (r == -ENOSPC && *status == TASK_DONE) {
            drop_results(w, t->id);
            if (note_failure(t, err) < 0)
                return r;
            *status = TASK_FAILED;
            continue;
        }
        poll(NULL, 0, END_PAUSE_MS);
    }
}

/* Writes down how the attempt ended: `r` and `why` as job_run's stages left them. */
static int conclude(struct job *j, int r, const struct error *why, struct error *err)
{
    struct worker *w = j->worker;
    struct task *t = j->task;
    enum task_status status = r == 0 ? TASK_DONE : worth_retrying(r) ? TASK_QUEUED : TASK_FAILED;
    /* First, because on a full disk their room is what the record needs. */
    artefact_abort(&j->anonymised);
    artefact_abort(&j->result);
    if ((r == 0 ? note_success(j) : note_failure(t, why)) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    r = end_task(w, t, &status, err);
    if (r == -ECANCELED) {
        drop_files(w, t->id);
        return 0;
    }
    if (r < 0)
        return r;
    log_end(t, status);
    struct error ignored;
    if (status == TASK_FAILED) /* half a commit */
        drop_results(w, t->id);
    if (status == TASK_QUEUED)
        wakeup_queued(w->options->wakeup);
    else
        wakeup_done(w->options->wakeup, t->id);
    if (status != TASK_QUEUED && w->options->config->delete_originals)
        artefact_delete(w->artefacts, t->id, ARTEFACT_ORIGINAL, &ignored);
    return 0;
}

static int work(struct job *j, struct error *why)
{
    struct worker *w = j->worker;
    int r = open_files(j, why);
    if (r == 0)
        r = send_job(j, why);
    if (r == 0)
        r = watch_engine(w, j->task->id, &j->engine_dead, why);
    if (r == 0 && w->report->kind == CHANNEL_FAILED) {
        *why = w->report->error;
        r = why->code;
        /* It may have kept what it took: the next task, which is not to blame, gets a fresh one. */
        j->engine_dead |= r == -ENOMEM;
    }
    return r == 0 ? commit(j, why) : r;
}

int job_run(struct worker *w, struct task *t, struct error *err)
{
    struct job j = {.worker = w, .task = t, .input = -1};
    struct error why = {0};
    int r = work(&j, &why);
    if (r == -EINTR) {
        r = task_store_release(w->tasks, t->id, w->options->name, err);
        if (r == 0)
            log_info("%s goes back to the queue", t->id);
    } else if (r == -ECANCELED) {
        log_info("%s was cancelled", t->id);
        drop_files(w, t->id);
        r = 0;
    } else {
        r = conclude(&j, r, &why, err);
    }
    finish(&j);
    return r < 0 ? r : j.engine_dead ? -EPIPE : 0;
}
