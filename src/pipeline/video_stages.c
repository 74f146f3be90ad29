/* The stages of the video pipeline. Whatever fails in one stops all: nothing that came out so far counts. */
#include "pipeline/video_stages.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "media/scale.h"
#include "redact/draw.h"
#include "redact/redact.h"

static double lap(int64_t since)
{
    return (double)(clock_mono_ns() - since) * 1e-9;
}

void video_item_destroy(struct video_item *item)
{
    if (!item)
        return;
    video_frame_finish(&item->frame);
    detections_finish(&item->found);
    free(item);
}

void video_run_fail(struct video_run *run, const struct error *err)
{
    pthread_mutex_lock(&run->lock);
    if (!run->error.code)
        run->error = *err;
    pthread_mutex_unlock(&run->lock);
    video_queue_abort(&run->decoded);
    video_queue_abort(&run->detected);
    video_queue_abort(&run->redacted);
}

void *video_stage_decode(void *opaque)
{
    struct video_run *run = opaque;
    struct error err = {0};
    for (;;) {
        struct video_item *item = calloc(1, sizeof *item);
        int64_t since = clock_mono_ns();
        int r = item ? video_reader_next(run->reader, &item->frame, &err) : error_set(&err, -ENOMEM, "out of memory");
        run->report->stage.decode += lap(since);
        if (r < 0)
            video_run_fail(run, &err);
        if (r <= 0 || !video_queue_put(&run->decoded, item)) {
            video_item_destroy(item);
            break;
        }
    }
    video_queue_close(&run->decoded);
    return NULL;
}

/* --- detect --- */

static void fill_params(const struct video_run *run, struct detect_params *params)
{
    const struct request_options *request = run->job->request;
    *params = (struct detect_params){.types = request->types,
        .masks = true,
        .video = true,
        .aspect = video_reader_info(run->reader)->aspect,
        .tiling = request->format};
    for (int t = 0; t < OBJECT_TYPES; t++)
        params->threshold[t] = (float)request->threshold[t] * (request->no_object_tracking ? 1 : TRACK_LOW_SHARE);
}

static int look_at_scene(struct video_run *run, const struct frame *f, struct track_motion *ret)
{
    uint8_t picture[SCENE_HEIGHT][SCENE_WIDTH];
    int r = scale_luma(f, picture[0], SCENE_WIDTH, SCENE_WIDTH, SCENE_HEIGHT);
    if (r == 0)
        scene_update(&run->scene, picture, f->width, f->height, ret);
    return r;
}

/* Looks at the whole picture and, where the pace wants it, for objects. */
static int look(struct video_run *run, const struct detect_params *params, const struct frame *upright,
    struct video_item *item, struct error *err)
{
    float strong[OBJECT_TYPES];
    for (int t = 0; t < OBJECT_TYPES; t++)
        strong[t] = (float)run->job->request->threshold[t];
    int r = run->job->request->no_object_tracking ? 0 : look_at_scene(run, upright, &item->motion);
    if (r < 0)
        return error_set(err, r, "a picture of the video cannot be looked at: %s", strerror(-r));
    item->motion.skipped = !pace_look(&run->pace, &item->motion, item->frame.time, item->until);
    if (item->motion.skipped)
        return 0;
    run->looks++;
    r = detector_run(run->pipeline->detector, upright, params, &item->found, err);
    if (r == 0 && (r = pace_found(&run->pace, &item->found, strong)) < 0)
        error_set(err, r, "out of memory");
    return r;
}

/* A frame that the decoder had to conceal is not inspected: it will be redacted as a whole. */
static int detect(struct video_run *run, const struct detect_params *params, struct video_item *item, struct error *err)
{
    if (item->frame.damaged) {
        item->motion.skipped = true;
        pace_restart(&run->pace);
        return 0;
    }
    int64_t since = clock_mono_ns();
    struct frame *upright = frame_ref(item->frame.frame);
    int r = video_orient(&upright, video_reader_info(run->reader)->orientation);
    if (r < 0)
        error_set(err, r, "a picture of the video cannot be turned upright: %s", strerror(-r));
    else
        r = look(run, params, upright, item, err);
    frame_unref(upright);
    item->seconds = lap(since);
    run->report->stage.detect += item->seconds;
    return r;
}

static int report_progress(struct video_run *run, struct error *err)
{
    double done = (double)atomic_load(&run->finished);
    double share = run->expected > 0 ? done / run->expected : 0;
    int r = run->job->progress ? run->job->progress(run->job->opaque, share < 0.99 ? share : 0.99) : 0;
    return r < 0 ? error_set(err, r, "cancelled") : 0;
}

void video_stage_detect(struct video_run *run)
{
    struct detect_params params;
    struct error err = {0};
    struct video_item *item, *next;
    fill_params(run, &params);
    for (item = video_queue_take(&run->decoded); item; item = next) {
        next = video_queue_take(&run->decoded);
        item->until = next ? next->frame.time : item->frame.time + 1 / video_reader_info(run->reader)->frame_rate;
        int r = detect(run, &params, item, &err);
        if (r == 0)
            r = report_progress(run, &err);
        if (r < 0)
            video_run_fail(run, &err);
        if (r < 0 || !video_queue_put(&run->detected, item)) {
            video_item_destroy(item);
            video_item_destroy(next);
            break;
        }
    }
    video_queue_close(&run->detected);
}

/* --- track and redact --- */

/* Redacts the upright picture and turns it back; a frame on which there is nothing to do is left as it is. */
static int redact(struct video_run *run, struct video_item *item, struct detections *found, struct error *err)
{
    const struct request_options *request = run->job->request;
    int orientation = video_reader_info(run->reader)->orientation;
    bool any = request->debug && found->len;
    for (size_t i = 0; i < found->len; i++)
        any = any || found->items[i].anonymised;
    struct frame **f = &item->frame.frame;
    if (item->frame.damaged)
        return redact_whole(f, request->method, err);
    if (!any)
        return 0;
    int r = video_orient(f, orientation);
    if (r < 0)
        return error_set(err, r, "out of memory");
    r = redact_frame(f, found, request, err);
    if (r == 0 && request->debug)
        r = draw_detections(f, found, request, err);
    if (r == 0 && video_orient(f, video_orient_inverse(orientation)) < 0)
        r = error_set(err, -ENOMEM, "out of memory");
    return r;
}

static int write_tracks(struct video_run *run, struct error *err)
{
    struct track_summary s;
    int r = 0;
    while (r == 0 && tracker_ended(run->tracker, &s)) {
        struct video_result_track track = {.id = s.id,
            .type = s.type,
            .first = s.first,
            .last = s.last,
            .detected = s.detected,
            .filled = s.filled,
            .lowest_score = s.lowest_score,
            .gaps = (const int64_t(*)[2])s.gaps,
            .gap_count = (size_t)s.gap_count};
        r = video_result_write_track(run->result, &track, err);
    }
    return r;
}

/* One frame out of the delay line; takes the item. */
static int pass_on(struct video_run *run, struct track_frame *out, struct error *err)
{
    struct video_item *item = out->payload;
    const struct request_options *request = run->job->request;
    redact_decide(&out->found, request);
    int r = request->method == METHOD_DETECT ? 0 : redact(run, item, &out->found, err);
    struct video_result_frame entry = {.time = item->frame.time,
        .seconds = item->seconds,
        .whole = item->frame.damaged,
        .filled = out->filled,
        .entries = &out->found};
    if (r == 0)
        r = video_result_write_frame(run->result, &entry, err);
    run->whole += item->frame.damaged;
    if (r == 0 && run->writer && video_queue_put(&run->redacted, item))
        return 0;
    video_item_destroy(item);
    if (!run->writer)
        atomic_fetch_add(&run->finished, 1);
    return r;
}

static int drain_tracker(struct video_run *run, struct error *err)
{
    struct track_frame out;
    int r;
    while ((r = tracker_pop(run->tracker, &out)) > 0) {
        int64_t since = clock_mono_ns();
        r = pass_on(run, &out, err);
        run->report->stage.redact += lap(since);
        track_frame_finish(&out);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return error_set(err, r, "out of memory");
    return write_tracks(run, err);
}

void *video_stage_track(void *opaque)
{
    struct video_run *run = opaque;
    struct error err = {0};
    struct video_item *item;
    int r = 0;
    while (r == 0 && (item = video_queue_take(&run->detected))) {
        r = tracker_push(run->tracker, &item->found, &item->motion, item);
        r = r < 0 ? error_set(&err, r, "out of memory") : drain_tracker(run, &err);
    }
    if (r == 0) {
        r = tracker_flush(run->tracker);
        r = r < 0 ? error_set(&err, r, "out of memory") : drain_tracker(run, &err);
    }
    if (r < 0)
        video_run_fail(run, &err);
    while ((item = tracker_take_payload(run->tracker)))
        video_item_destroy(item);
    video_queue_close(&run->redacted);
    return NULL;
}

void *video_stage_encode(void *opaque)
{
    struct video_run *run = opaque;
    struct error err = {0};
    struct video_item *item;
    while ((item = video_queue_take(&run->redacted))) {
        int64_t since = clock_mono_ns();
        int r = video_writer_frame(run->writer, &item->frame, &err);
        run->report->stage.encode += lap(since);
        video_item_destroy(item);
        if (r < 0) {
            video_run_fail(run, &err);
            break;
        }
        atomic_fetch_add(&run->finished, 1);
    }
    return NULL;
}
