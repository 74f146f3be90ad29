/* Tracks: the same object through the frames of a video, so that what the detector misses now and then stays covered.
 *
 * Association in two stages over predicted boxes follows ByteTrack (Zhang et al. 2022): detections above the threshold
 * first, then those below it, which may continue a track but never begin one. Boxes are widened for matching as in
 * C-BIoU (Yang et al. 2023), so that small fast objects still overlap their prediction, and predictions are moved along
 * with the camera. Frames wait in a delay line; while one waits, a track may still be given a box in it: between two
 * detections (interpolated), before the first and after the last (extrapolated, growing).
 *
 * Not thread-safe: one thread at a time.
 */
#ifndef OBSCURA_TRACK_TRACK_H
#define OBSCURA_TRACK_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "detect/detection.h"

#define TRACK_MAX_GAPS 32

struct tracker;

struct tracker_options {
    bool off;                      /* every frame for itself: no delay, track_id -1 */
    int width, height;             /* of the picture, px */
    double frame_rate;             /* > 0 */
    int delay;                     /* frames held back, 1..TRACK_MAX_DELAY; gaps shorter than that are filled */
    float threshold[OBJECT_TYPES]; /* what a track may begin with */
    float begin_share;             /* of the threshold that is enough for objects that are not large; 0: all of it */
};

#define TRACK_MAX_DELAY 240

/* Detections are asked for from this share of the threshold on, for the second stage. */
#define TRACK_LOW_SHARE 0.5f

/* What is known of a frame beside its detections. */
struct track_motion {
    bool cut;     /* nothing of the frame before is in this one */
    bool skipped; /* the detector did not look at it: that nothing was found means nothing */
    float dx, dy; /* how far the whole picture moved since the frame before, px */
};

/* A frame that comes out of the delay line. */
struct track_frame {
    void *payload;           /* as given to tracker_push */
    struct detections found; /* owned */
    bool *filled;            /* owned, one for each of found: put there by the track, not seen by the detector */
};

void track_frame_finish(struct track_frame *f); /* NULL-safe; not the payload */

struct track_summary {
    int64_t id;
    enum object_type type;
    int64_t first, last;      /* frames, both included, between which the object is covered */
    int64_t detected, filled; /* frames */
    float lowest_score;       /* of its detections */
    int64_t gaps[TRACK_MAX_GAPS]
                [2]; /* runs of frames between detections in which the detector looked and missed it; the first */
    int gap_count;
};

int tracker_create(const struct tracker_options *options, struct tracker **ret_tracker); /* -ENOMEM, -EINVAL */
void tracker_destroy(struct tracker *t); /* NULL-safe; frames still inside go, their payloads do not */

/* The next frame. Takes what is in `found`, also on failure, and leaves it empty. -ENOMEM */
int tracker_push(struct tracker *t, struct detections *found, const struct track_motion *motion, void *payload);
/* No more frames come: all that are inside may be popped. -ENOMEM */
int tracker_flush(struct tracker *t);
/* The oldest frame, where it has waited long enough: 1, 0 (none yet), -ENOMEM. */
int tracker_pop(struct tracker *t, struct track_frame *ret_frame);
/* The payload of a frame still inside after a failure, to be freed; NULL: none left. */
void *tracker_take_payload(struct tracker *t);
/* Tracks that have ended: true with the next one. */
bool tracker_ended(struct tracker *t, struct track_summary *ret_summary);

#endif
