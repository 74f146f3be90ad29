/* See job.h. */
#include "worker/job.h"

#include "base/log.h"
#include "worker/channel.h"
#include "worker/ending.h"
#include "worker/watch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void job_destroy(struct job *j)
{
    if (!j)
        return;
    if (j->input >= 0)
        close(j->input);
    artefact_abort(&j->outputs[0]);
    artefact_abort(&j->outputs[1]);
    task_finish(&j->task);
    free(j);
}

static int open_files(struct worker *w, struct job *j, struct error *err)
{
    const char *id = j->task.id;
    int r = artefact_open(w->artefacts, id, ARTEFACT_ORIGINAL, &j->input, NULL, err);
    if (r == -ENOENT)
        return error_set(err, -ENODATA, "the uploaded file is gone");
    if (r == 0)
        r = artefact_create(w->artefacts, id, ARTEFACT_ANONYMISED, &j->outputs[0], err);
    if (r == 0)
        r = artefact_create(w->artefacts, id, ARTEFACT_RESULT, &j->outputs[1], err);
    return r;
}

static int send_job(struct worker *w, const struct job *j, struct error *err)
{
    const char *parameters = j->task.parameters;
    if (strlen(parameters) >= sizeof w->job->parameters)
        return error_set(err, -EINVAL, "the parameters are too long");
    strcpy(w->job->id, j->task.id);
    strcpy(w->job->parameters, *parameters ? parameters : "{}");
    w->job->input = j->input;
    w->job->anonymised = j->outputs[0].fd;
    w->job->result = j->outputs[1].fd;
    /* A dead engine shows when its answer is read. */
    channel_send_job(w->channel, w->job);
    return 0;
}

void job_drop_original(struct worker *w, const char *id)
{
    struct error err;
    if (w->options->config->delete_originals && artefact_delete(w->artefacts, id, ARTEFACT_ORIGINAL, &err) < 0)
        log_error("%s: its original stays until the next sweep: %s", id, err.text);
}

void job_drop_files(struct worker *w, struct task_store *tasks, const char *id)
{
    struct task now;
    struct error err;
    int r = task_store_get(tasks, id, &now, &err);
    if (r == -ENOENT || (r == 0 && now.status == TASK_DELETED))
        artefact_delete_all(w->artefacts, id, &err);
    else if (r == 0 && (now.status == TASK_DONE || now.status == TASK_FAILED))
        job_drop_original(w, id);
    task_finish(&now);
}

/* 0 or the code of j->why */
static int work(struct worker *w, struct job *j, bool *ret_engine_dead)
{
    struct error *why = &j->why;
    int r = open_files(w, j, why);
    if (r == 0)
        r = send_job(w, j, why);
    if (r == 0)
        r = watch_engine(w, j->task.id, ret_engine_dead, why);
    if (r == 0 && w->report->kind == CHANNEL_FAILED) {
        *why = w->report->error;
        r = why->code;
        /* It may have kept what it took: the next task, which is not to blame, gets a fresh one. */
        *ret_engine_dead |= r == -ENOMEM;
    }
    why->code = r;
    j->report = w->report->report;
    return r;
}

int job_run(struct worker *w, struct task *t, struct error *err)
{
    bool engine_dead = false;
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return error_set(err, -ENOMEM, "out of memory");
    j->input = -1;
    j->task = *t;
    task_init(t);
    int r = work(w, j, &engine_dead);
    if (r == -EINTR) {
        r = task_store_release(w->tasks, j->task.id, w->options->name, err);
        if (r == 0)
            log_info("%s goes back to the queue", j->task.id);
    } else if (r == -ECANCELED) {
        log_info("%s was cancelled", j->task.id);
        job_drop_files(w, w->tasks, j->task.id);
        r = 0;
    } else {
        endings_give(w->endings, j);
        j = NULL;
        r = 0;
    }
    job_destroy(j);
    return r < 0 ? r : engine_dead ? -EPIPE : 0;
}
