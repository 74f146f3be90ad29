/* Boxes for the frames in which a track's object was not seen: between two detections on the line between them, before
 * the first and after the last by the track's speed; growing with the distance from the nearest detection. */
#include "track/tracker_private.h"

#include <math.h>
#include <stdlib.h>

#define GROW_A_FRAME 0.02f /* of the box, at each side */
#define GROW_CAP 0.20f
#define SHORT_GAP 4   /* frames from one detection to the next */
#define MASK_REACH 10 /* frames a mask may be carried; past that the whole box is covered */
#define FIRM_HITS 3   /* detections that make a track's ends long */
#define FIRM_END 0.4  /* seconds */
#define WEAK_END 0.15 /* seconds */
#define SPEED_REACH 8 /* frames that an end moves on; then it stays, growing */

static struct box grow(const struct box *b, int64_t distance)
{
    float share = fminf(GROW_A_FRAME * (float)distance, GROW_CAP);
    float gx = (b->x2 - b->x1) * share, gy = (b->y2 - b->y1) * share;
    return (struct box){b->x1 - gx, b->y1 - gy, b->x2 + gx, b->y2 + gy};
}

static bool outside(const struct tracker *t, const struct box *b)
{
    return b->x2 <= 0 || b->y2 <= 0 || b->x1 >= (float)t->options.width || b->y1 >= (float)t->options.height;
}

/* Puts the track into a frame; `mask` belongs to the box `of`, `distance` frames away. */
static int put(struct tracker *t, struct track *k, int64_t frame, const struct box *b, const struct mask *mask,
    const struct box *of, int64_t distance, float score)
{
    struct detection d = {
        .type = k->summary.type, .score = score, .box = *b, .track_id = k->summary.id, .anonymised = true};
    if (outside(t, b))
        return 0;
    if (mask && distance <= MASK_REACH) {
        int r = shape_move(mask, of, b, t->options.width, t->options.height, &d.mask);
        if (r < 0)
            return r;
    }
    d.offset_x = (int)fmaxf(b->x1, 0);
    d.offset_y = (int)fmaxf(b->y1, 0);
    k->summary.filled++;
    if (frame < k->summary.first)
        k->summary.first = frame;
    if (frame > k->summary.last)
        k->summary.last = frame;
    return slot_add(tracker_slot(t, frame), &d, true);
}

static float between(float a, float b, float share)
{
    return a + (b - a) * share;
}

int fill_gap(struct tracker *t, struct track *k, int64_t frame, const struct detection *now)
{
    int64_t length = frame - k->last;
    int r = 0;
    for (int64_t f = k->last + 1; f < frame && r == 0; f++) {
        float share = (float)(f - k->last) / (float)length;
        struct box b = {between(k->box.x1, now->box.x1, share), between(k->box.y1, now->box.y1, share),
            between(k->box.x2, now->box.x2, share), between(k->box.y2, now->box.y2, share)};
        bool early = f - k->last <= frame - f;
        int64_t distance = early ? f - k->last : frame - f;
        b = grow(&b, distance);
        if (length <= SHORT_GAP) { /* what moves unevenly is still within what it was seen in */
            b = box_union(&b, &k->box);
            b = box_union(&b, &now->box);
        }
        if (f >= t->popped)
            r = put(t, k, f, &b, early ? k->mask : now->mask, early ? &k->box : &now->box, distance,
                fminf(k->summary.lowest_score, now->score));
    }
    struct track_summary *s = &k->summary;
    if (k->missed && s->gap_count < TRACK_MAX_GAPS) {
        s->gaps[s->gap_count][0] = k->last + 1;
        s->gaps[s->gap_count++][1] = frame - 1;
    }
    return r;
}

static int64_t end_length(const struct tracker *t, const struct track *k)
{
    double frames = t->options.frame_rate * (k->hits >= FIRM_HITS ? FIRM_END : WEAK_END);
    int64_t n = (int64_t)(frames + 0.5);
    n = n < 2 ? 2 : n;
    return n < t->options.delay ? n : t->options.delay - 1;
}

int fill_head(struct tracker *t, struct track *k)
{
    int64_t first = k->summary.first, length = end_length(t, k), moved = k->last - first;
    int r = 0;
    k->headed = true;
    for (int64_t i = 1; i <= length && r == 0; i++) {
        int64_t f = first - i;
        if (f < t->popped || tracker_slot(t, f + 1)->cut)
            break;
        int64_t steps = moved + (i < SPEED_REACH ? i : SPEED_REACH);
        struct box b = kalman_extrapolate(&k->last_seen, &k->box, k->hits >= FIRM_HITS ? -(float)steps : 0);
        b = grow(&b, i);
        r = put(t, k, f, &b, k->mask, &k->box, i, k->summary.lowest_score);
    }
    return r;
}

int fill_tail(struct tracker *t, struct track *k)
{
    int64_t last = k->last, length = end_length(t, k);
    int r = 0;
    for (int64_t i = 1; i <= length && last + i < t->pushed && r == 0; i++) {
        struct box b = kalman_extrapolate(
            &k->last_seen, &k->box, k->hits >= FIRM_HITS ? (float)(i < SPEED_REACH ? i : SPEED_REACH) : 0);
        b = grow(&b, i);
        if (last + i >= t->popped)
            r = put(t, k, last + i, &b, k->mask, &k->box, i, k->summary.lowest_score);
    }
    return r;
}
