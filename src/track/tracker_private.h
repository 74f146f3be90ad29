/* Private to track/: the delay line and the tracks over it. */
#ifndef OBSCURA_TRACK_TRACKER_PRIVATE_H
#define OBSCURA_TRACK_TRACKER_PRIVATE_H

#include "track/kalman.h"
#include "track/track.h"

#define SMOOTH_REACH 2 /* frames to each side that a box is smoothed over */

struct entry {
    struct detection d; /* its mask is owned until the frame is popped */
    struct box raw;     /* as detected or filled, before smoothing; kept after the pop */
    bool filled;
};

struct slot {
    void *payload;
    bool cut; /* the frame is a scene's first */
    struct entry *entries;
    int len, cap;
};

struct track {
    struct kalman kalman;    /* at the last frame pushed */
    struct kalman last_seen; /* at the last detection */
    struct box box;          /* of the last detection */
    struct mask *mask;       /* owned copy of the last detection's; may be NULL */
    int64_t last;            /* frame of the last detection */
    int hits;
    int looks;   /* frames since its first that the detector looked at */
    bool missed; /* by a look since its last detection */
    bool headed; /* its head has been put into the line */
    struct track_summary summary;
    struct track *next;
};

struct tracker {
    struct tracker_options options;
    struct slot *slots; /* frame n is in slot n % slot_count */
    int slot_count;
    int64_t pushed, popped; /* frames */
    bool flushed;
    int64_t next_id;
    struct track *live, *ended; /* lists */
};

static inline struct slot *tracker_slot(struct tracker *t, int64_t frame)
{
    return &t->slots[frame % t->slot_count];
}

/* Adds an entry to a frame; takes d's mask, also on failure. -ENOMEM */
int slot_add(struct slot *s, const struct detection *d, bool filled);

/* --- fill.c: boxes in frames where the detector saw nothing --- */

int fill_gap(struct tracker *t, struct track *k, int64_t frame, const struct detection *now);
int fill_head(struct tracker *t, struct track *k);
int fill_tail(struct tracker *t, struct track *k);

/* --- smooth.c --- */

/* The final box of an entry of `frame`. */
struct box smooth_box(struct tracker *t, int64_t frame, const struct entry *e);

/* --- shape.c --- */

int shape_copy(const struct mask *m, struct mask **ret_mask); /* NULL gives NULL. -ENOMEM */
/* The mask of a box, moved and scaled with it to another one and cut at the picture's edges. NULL where nothing is left
 * or there is none: then the box is covered. -ENOMEM */
int shape_move(
    const struct mask *m, const struct box *from, const struct box *to, int width, int height, struct mask **ret_mask);

#endif
