/* See engine.h. */
#include "worker/engine.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "pipeline/pipeline.h"
#include "worker/channel.h"
#include "worker/sandbox.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_PAUSE_NS 100000000 /* between two reports of progress */

enum { SANDBOX_AUTO, SANDBOX_REQUIRED, SANDBOX_OFF }; /* config's choices */

struct engine {
    const struct engine_options *options;
    int channel;
    struct detector *detector;
    struct pipeline pipeline;
    struct channel_report report; /* of the job at work; large, so not on the stack */
    int64_t reported_ns;
};

static int close_sandbox(struct engine *e, unsigned missing, pid_t parent, struct error *err)
{
    const struct config *c = e->options->config;
    char text[128];
    if (c->sandbox == SANDBOX_OFF)
        return 0;
    int r = sandbox_close(parent, &missing, err);
    if (r < 0)
        return r;
    sandbox_describe(missing, text, sizeof text);
    if (missing && c->sandbox == SANDBOX_REQUIRED)
        return error_set(err, -EOPNOTSUPP, "the sandbox is required, but this system lacks: %s", text);
    if (missing && e->options->says_what_is_missing)
        log_warn("sandbox without: %s", text);
    return 0;
}

static int load(struct engine *e, struct error *err)
{
    const struct config *c = e->options->config;
    struct detector_options options = {.models = c->models,
        .types = c->types,
        .threads = e->options->threads,
        .precision = c->precision,
        .detect_size = (int)c->detect_size};
    int r = detector_create(&options, &e->detector, err);
    if (r == 0)
        r = detector_warm_up(e->detector, err);
    static const char *const codecs[] = {"auto", "h264", "hevc", "vp9", "av1"};
    e->pipeline = (struct pipeline){.detector = e->detector,
        .limits = {.max_pixels = c->max_pixels, .max_side = (int)c->max_side, .max_memory = c->max_memory},
        .strip_metadata = c->strip_metadata,
        .keep_data_streams = c->keep_data_streams,
        .threads = e->options->threads,
        .detect_every = c->detect_every,
        .video_codec = codecs[c->video_codec],
        .video_preset = c->video_preset};
    return r;
}

static int start(struct engine *e, pid_t parent, struct error *err)
{
    const struct config *c = e->options->config;
    unsigned missing = 0;
    int r = c->sandbox == SANDBOX_OFF ? sandbox_limit(c->task_memory, err)
                                      : sandbox_enter(c->models, c->task_memory, &missing, err);
    if (r == 0)
        r = load(e, err);
    return r < 0 ? r : close_sandbox(e, missing, parent, err);
}

static int report_progress(void *opaque, double share)
{
    struct engine *e = opaque;
    int64_t now = clock_mono_ns();
    if (channel_cancelled(e->channel))
        return -ECANCELED;
    if (now - e->reported_ns < PROGRESS_PAUSE_NS)
        return 0;
    e->reported_ns = now;
    e->report.kind = CHANNEL_PROGRESS;
    e->report.progress = share;
    return channel_send_report(e->channel, &e->report);
}

static void run_job(struct engine *e, const struct channel_job *job)
{
    struct request_options request;
    struct error err = {0};
    struct pipeline_job work = {.input = job->input,
        .anonymised = job->anonymised,
        .result = job->result,
        .id = job->id,
        .request = &request,
        .progress = report_progress,
        .opaque = e};
    memset(&e->report, 0, sizeof e->report);
    e->reported_ns = 0;
    int r = config_request_from_json(job->parameters, &request, &err);
    if (r == 0)
        r = pipeline_run(&e->pipeline, &work, &e->report.report, &err);
    e->report.kind = r < 0 ? CHANNEL_FAILED : CHANNEL_DONE;
    if (r < 0 && !err.text[0])
        error_set(&err, r, "%s", strerror(-r));
    err.code = r;
    e->report.error = err;
}

int engine_run(const struct engine_options *options, int channel)
{
    int status = EXIT_FAILURE;
    struct engine *e = calloc(1, sizeof *e);
    struct channel_job *job = calloc(1, sizeof *job);
    if (!e || !job)
        goto out;
    heap_keep_large();
    e->options = options;
    e->channel = channel;
    int r = start(e, getppid(), &e->report.error);
    e->report.kind = r < 0 ? CHANNEL_FAILED : CHANNEL_READY;
    if (channel_send_report(channel, &e->report) < 0 || r < 0)
        goto out;
    while ((r = channel_receive_job(channel, job)) > 0) {
        run_job(e, job);
        heap_settle();
        close(job->input);
        close(job->anonymised);
        close(job->result);
        if (channel_send_report(channel, &e->report) < 0)
            break;
    }
    status = EXIT_SUCCESS;
out:
    if (e)
        detector_destroy(e->detector);
    free(e);
    free(job);
    return status;
}
