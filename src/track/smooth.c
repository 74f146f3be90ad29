/* The box that is covered: smoothed over neighbouring frames, never less than what was detected, and larger the faster
 * the object moves, for motion blur and for what the prediction gets wrong. */
#include "track/tracker_private.h"

#include <math.h>

#define SPEED_SHARE 0.2f /* of the movement a frame that is added at each side */
#define SPEED_CAP 0.25f  /* at most, as a share of the box */

static const struct entry *find(struct tracker *t, int64_t frame, int64_t id)
{
    if (frame < 0 || frame >= t->pushed || frame <= t->pushed - t->slot_count)
        return NULL;
    const struct slot *s = tracker_slot(t, frame);
    for (int i = 0; i < s->len; i++)
        if (s->entries[i].d.track_id == id)
            return &s->entries[i];
    return NULL;
}

static struct box grow_with_speed(const struct box *b, float dx, float dy)
{
    float gx = fminf(fabsf(dx) * SPEED_SHARE, (b->x2 - b->x1) * SPEED_CAP);
    float gy = fminf(fabsf(dy) * SPEED_SHARE, (b->y2 - b->y1) * SPEED_CAP);
    return (struct box){b->x1 - gx, b->y1 - gy, b->x2 + gx, b->y2 + gy};
}

static struct box clip(const struct tracker *t, const struct box *b)
{
    float w = (float)t->options.width, h = (float)t->options.height;
    struct box c = {fmaxf(b->x1, 0), fmaxf(b->y1, 0), fminf(b->x2, w), fminf(b->y2, h)};
    /* At least a pixel, at the edge that it went out by. */
    c.x1 = fminf(c.x1, w - 1);
    c.y1 = fminf(c.y1, h - 1);
    c.x2 = fmaxf(c.x2, c.x1 + 1);
    c.y2 = fmaxf(c.y2, c.y1 + 1);
    return c;
}

struct box smooth_box(struct tracker *t, int64_t frame, const struct entry *e)
{
    static const float weights[SMOOTH_REACH + 1] = {0.4f, 0.2f, 0.1f};
    if (e->d.track_id < 0)
        return clip(t, &e->raw);
    struct box sum = {0}, first = e->raw, last = e->raw;
    float total = 0, frames = 0;
    for (int i = -SMOOTH_REACH; i <= SMOOTH_REACH; i++) {
        const struct entry *n = i ? find(t, frame + i, e->d.track_id) : e;
        if (!n)
            continue;
        float w = weights[i < 0 ? -i : i];
        sum.x1 += n->raw.x1 * w;
        sum.y1 += n->raw.y1 * w;
        sum.x2 += n->raw.x2 * w;
        sum.y2 += n->raw.y2 * w;
        total += w;
        if (i == -1) {
            first = n->raw;
            frames++;
        } else if (i == 1) {
            last = n->raw;
            frames++;
        }
    }
    sum = (struct box){sum.x1 / total, sum.y1 / total, sum.x2 / total, sum.y2 / total};
    struct box b = box_union(&sum, &e->raw);
    if (frames > 0) {
        float dx = (last.x1 + last.x2 - first.x1 - first.x2) / (2 * frames);
        float dy = (last.y1 + last.y2 - first.y1 - first.y2) / (2 * frames);
        b = grow_with_speed(&b, dx, dy);
    }
    return clip(t, &b);
}
