/* See pace.h. */
#include "track/pace.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define LOOKS_A_SECOND 8   /* fewest, where it adapts */
#define ROUNDED 1e-3       /* s to which some containers round times */
#define ADAPTS_MOST 6      /* frames from one look to the next */
#define DELAY_SHARE 6      /* of the delay line that lies between two looks, at most */
#define NEAR_OVERLAP 0.35f /* of an object's boxes in two looks: less is fast */
#define BEGIN_SHARE 0.8f   /* bench/pace.c: 1 left three times as much uncovered */
#define CAMERA_SHARE 0.02f /* of the picture's width that the camera may turn between two looks */

void pace_init(struct pace *p, int every, double frame_rate, int delay, int width)
{
    int longest = every > 0 ? every : (int)(frame_rate / LOOKS_A_SECOND + 1e-6);
    longest = every <= 0 && longest > ADAPTS_MOST ? ADAPTS_MOST : longest;
    longest = longest > delay / DELAY_SHARE ? delay / DELAY_SHARE : longest;
    *p = (struct pace){.adapts = every <= 0, .longest = longest > 1 ? longest : 1, .width = width};
}

void pace_finish(struct pace *p)
{
    free(p->last);
    p->last = NULL;
    p->last_len = 0;
}

void pace_restart(struct pace *p)
{
    p->begun = false;
}

float pace_begin_share(const struct pace *p)
{
    return p->longest > 1 ? BEGIN_SHARE : 1;
}

bool pace_look(struct pace *p, const struct track_motion *motion, double time, double until)
{
    p->since++;
    p->now = time;
    p->dx += motion->dx;
    p->dy += motion->dy;
    bool turns = fmaxf(fabsf(p->dx), fabsf(p->dy)) > CAMERA_SHARE * (float)p->width;
    /* Frames may come at any rate: were this one left out, the next chance would be at its end. */
    bool late = until - p->looked > 1.0 / LOOKS_A_SECOND + ROUNDED;
    bool look = !p->begun || motion->cut || p->since >= p->longest || (p->adapts && (p->restless || turns || late));
    if (motion->cut)
        p->last_len = 0;
    return look;
}

/* Whether an object was near there in the last look, as the camera has moved since. */
static bool was_there(const struct pace *p, const struct box *b)
{
    for (size_t i = 0; i < p->last_len; i++) {
        const struct box *l = &p->last[i];
        struct box moved = {l->x1 + p->dx, l->y1 + p->dy, l->x2 + p->dx, l->y2 + p->dy};
        if (box_iou(&moved, b) >= NEAR_OVERLAP)
            return true;
    }
    return false;
}

int pace_found(struct pace *p, const struct detections *found, const float *threshold)
{
    struct box *now = malloc((found->len + 1) * sizeof *now);
    size_t len = 0;
    if (!now)
        return -ENOMEM;
    p->restless = false;
    for (size_t i = 0; i < found->len; i++) {
        const struct detection *d = &found->items[i];
        now[len++] = d->box;
        if (d->score >= threshold[d->type] && !was_there(p, &d->box))
            p->restless = true;
    }
    free(p->last);
    p->last = now;
    p->last_len = len;
    p->since = 0;
    p->looked = p->now;
    p->dx = p->dy = 0;
    p->begun = true;
    return 0;
}
