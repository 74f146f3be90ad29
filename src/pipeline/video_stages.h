/* Private to pipeline/: a video on its way through the stages. */
#ifndef OBSCURA_PIPELINE_VIDEO_STAGES_H
#define OBSCURA_PIPELINE_VIDEO_STAGES_H

#include <stdatomic.h>

#include "media/video.h"
#include "pipeline/pipeline.h"
#include "pipeline/video_queue.h"
#include "pipeline/video_result.h"
#include "track/pace.h"
#include "track/scene.h"
#include "track/track.h"

/* A frame between two stages: owned by the queue it is in, or by the stage that has taken it. */
struct video_item {
    struct video_frame frame;
    struct detections found; /* until the tracker takes them */
    struct track_motion motion;
    double until;   /* s: when the next frame is shown */
    double seconds; /* spent on detecting */
};

void video_item_destroy(struct video_item *item); /* NULL-safe */

/* One job's run. Each stage has a thread: decode -> detect (the caller's) -> track and redact -> encode. */
struct video_run {
    struct pipeline *pipeline;
    const struct pipeline_job *job;
    struct pipeline_report *report; /* stage times: each written by its own stage */
    struct video_reader *reader;
    struct video_writer *writer; /* NULL for METHOD_DETECT */
    struct tracker *tracker;
    struct scene scene;
    struct pace pace;
    struct video_result_writer *result;
    struct video_queue decoded, detected, redacted;
    double expected;       /* frames, for progress; 0 where unknown */
    atomic_llong finished; /* frames through the last stage */
    int64_t whole;         /* frames redacted as a whole */
    int64_t looks;         /* frames that the detector looked at */
    pthread_mutex_t lock;
    struct error error; /* the first one; guarded by lock */
};

void video_run_fail(struct video_run *run, const struct error *err); /* keeps the first error and stops all stages */

void *video_stage_decode(void *run); /* thread functions */
void *video_stage_track(void *run);
void *video_stage_encode(void *run);
void video_stage_detect(struct video_run *run); /* on the thread that owns the detector; reports progress */

#endif
