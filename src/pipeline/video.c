/* The video pipeline: opens both ends, runs the stages on threads of their own, completes the files. Memory is bounded
 * by the queues and the tracker's delay line, whatever the video's length. */
#include "pipeline/video_stages.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define DELAY_SECONDS 1.2
#define DELAY_BYTES ((int64_t)384 << 20) /* that frames may take while they wait */
#define DELAY_FEWEST 8

static int delay_frames(const struct video_info *info)
{
    int64_t fit = DELAY_BYTES / ((int64_t)info->width * info->height * 3);
    int64_t want = (int64_t)(info->usual_rate * DELAY_SECONDS + 0.5);
    want = want > TRACK_MAX_DELAY ? TRACK_MAX_DELAY : want;
    want = want > fit ? fit : want;
    return want < DELAY_FEWEST ? DELAY_FEWEST : (int)want;
}

/* Tracker and pace. */
static int open_tracker(struct video_run *run, struct error *err)
{
    const struct video_info *info = video_reader_info(run->reader);
    const struct request_options *request = run->job->request;
    struct tracker_options options = {.off = request->no_object_tracking,
        .width = info->width,
        .height = info->height,
        .frame_rate = info->usual_rate,
        .delay = delay_frames(info)};
    /* Without tracks nothing covers a frame that was left out. */
    int every = request->no_object_tracking ? 1 : run->pipeline->detect_every;
    pace_init(&run->pace, every, info->frame_rate, options.delay, info->width);
    for (int t = 0; t < OBJECT_TYPES; t++)
        options.threshold[t] = (float)request->threshold[t];
    options.begin_share = pace_begin_share(&run->pace);
    int r = tracker_create(&options, &run->tracker);
    return r < 0 ? error_set(err, r, "cannot begin tracking: %s", strerror(-r)) : 0;
}

static int open_ends(struct video_run *run, struct error *err)
{
    const struct pipeline *p = run->pipeline;
    int codec = video_codec_find(p->video_codec);
    if (codec < 0)
        return error_set(
            err, -EINVAL, "video-codec: '%.40s' is not allowed, want auto, h264, hevc, vp9 or av1", p->video_codec);
    struct video_options options = {.limits = p->limits,
        .threads = p->threads,
        .codec = (enum video_codec)codec,
        .preset = p->video_preset,
        .keep_bit_rate = run->job->request->keep_bit_rate,
        .keep_data_streams = p->keep_data_streams,
        .strip_metadata = p->strip_metadata};
    int r = video_reader_open(run->job->input, &options, &run->reader, err);
    if (r == 0 && run->job->request->method != METHOD_DETECT)
        r = video_writer_open(run->reader, run->job->anonymised, &options, &run->writer, err);
    if (r < 0)
        return r;
    video_reader_attach(run->reader, run->writer);
    const struct video_info *info = video_reader_info(run->reader);
    run->expected = info->frames > 0 ? (double)info->frames : info->duration * info->frame_rate;
    r = open_tracker(run, err);
    return r < 0 ? r : video_result_writer_create(run->job->result, &run->result, err);
}

/* Runs all stages to the end, the detector's on this thread. */
static int run_stages(struct video_run *run, struct error *err)
{
    void *(*const stages[])(void *) = {video_stage_decode, video_stage_track, video_stage_encode};
    pthread_t threads[3];
    int started = 0;
    for (; started < 3; started++)
        if (pthread_create(&threads[started], NULL, stages[started], run)) {
            struct error failed;
            error_set(&failed, -EAGAIN, "cannot start a thread");
            video_run_fail(run, &failed);
            break;
        }
    video_stage_detect(run);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (run->error.code < 0) {
        if (err)
            *err = run->error;
        return run->error.code;
    }
    return 0;
}

static void add_warnings(struct pipeline_report *report, const char *lines)
{
    size_t used = strlen(report->warnings), len = strlen(lines);
    if (len && used + len + 1 < sizeof report->warnings)
        memcpy(report->warnings + used, lines, len + 1);
}

static void collect_warnings(struct video_run *run)
{
    struct pipeline_report *report = run->report;
    add_warnings(report, video_reader_warnings(run->reader));
    if (run->writer)
        add_warnings(report, video_writer_warnings(run->writer));
    char text[96];
    snprintf(text, sizeof text, "%lld damaged frames were redacted as a whole\n", (long long)run->whole);
    if (run->whole)
        add_warnings(report, text);
    size_t len = strlen(report->warnings);
    if (len && report->warnings[len - 1] == '\n')
        report->warnings[len - 1] = 0;
}

static int complete(struct video_run *run, int64_t begin, struct error *err)
{
    const struct video_info *info = video_reader_info(run->reader);
    int64_t since = clock_mono_ns();
    int r = run->writer ? video_writer_finish(run->writer, err) : 0;
    if (r < 0)
        return r;
    run->report->stage.encode += (double)(clock_mono_ns() - since) * 1e-9;
    run->report->seconds = (double)(clock_mono_ns() - begin) * 1e-9;
    snprintf(run->report->content_type, sizeof run->report->content_type, "video/mp4");
    struct video_summary summary = {
        .width = info->width, .height = info->height, .inspected = run->looks, .seconds = run->report->seconds};
    snprintf(summary.content_type, sizeof summary.content_type, "video/mp4");
    r = video_result_write_end(run->result, &summary, err);
    collect_warnings(run);
    return r;
}

static void free_left(struct video_queue *q)
{
    struct video_item *item;
    while ((item = video_queue_left(q)))
        video_item_destroy(item);
    video_queue_finish(q);
}

int pipeline_video(
    struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *report, struct error *err)
{
    int64_t begin = clock_mono_ns();
    struct video_run run = {.pipeline = p, .job = job, .report = report};
    report->kind = PIPELINE_VIDEO;
    pthread_mutex_init(&run.lock, NULL);
    video_queue_init(&run.decoded);
    video_queue_init(&run.detected);
    video_queue_init(&run.redacted);
    int r = open_ends(&run, err);
    if (r == 0)
        r = run_stages(&run, err);
    if (r == 0)
        r = complete(&run, begin, err);
    free_left(&run.decoded);
    free_left(&run.detected);
    free_left(&run.redacted);
    pthread_mutex_destroy(&run.lock);
    video_result_writer_destroy(run.result);
    pace_finish(&run.pace);
    tracker_destroy(run.tracker);
    video_writer_close(run.writer);
    video_reader_close(run.reader);
    return r;
}
