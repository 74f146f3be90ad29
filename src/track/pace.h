/* Which frames of a video the detector looks at. Between two of them tracks are interpolated, so a frame may be left
 * out where little can have changed: not after a cut, not while objects appear or move fast, not while the camera
 * turns. The decision hangs on what was seen before and on nothing else: the same video always gives the same one. */
#ifndef OBSCURA_TRACK_PACE_H
#define OBSCURA_TRACK_PACE_H

#include "track/track.h"

struct pace {
    bool adapts;      /* false: every `longest`th frame whatever happens */
    int longest;      /* frames from one look to the next, at most */
    int since;        /* frames since the last look */
    int width;        /* of the picture, px */
    bool restless;    /* the last look found what the one before did not, or found it far away */
    bool begun;       /* there was a look */
    double now;       /* s: when the frame that pace_look was last asked about is shown */
    double looked;    /* s: when the last one looked at was */
    float dx, dy;     /* the camera's movement since the last look, px */
    struct box *last; /* owned: what the last look found */
    size_t last_len;
};

/* `every`: frames from one look to the next; 0: as it seems fit, at most an eighth of a second, whatever the rate at
 * which frames come. `frame_rate`: the average. `delay`: of the tracker's line, which must be long enough to fill
 * backwards. */
void pace_init(struct pace *p, int every, double frame_rate, int delay, int width);
void pace_finish(struct pace *p);

/* The next frame has to be looked at, for the one before could not be. */
void pace_restart(struct pace *p);

/* The share of the threshold from which a track may begin (tracker_options.begin_share): less than 1 where frames are
 * left out, since an object then has fewer chances to be seen at its best. */
float pace_begin_share(const struct pace *p);

/* Whether the next frame, shown from `time` until `until` (s), is to be looked at. Always before pace_found. */
bool pace_look(struct pace *p, const struct track_motion *motion, double time, double until);
/* What was found in a frame that was looked at; `threshold`: by type, what a track may begin with. -ENOMEM */
int pace_found(struct pace *p, const struct detections *found, const float *threshold);

#endif
