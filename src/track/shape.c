/* Masks for frames in which none was found: the nearest one, moved and scaled with the box. */
#include "track/tracker_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int shape_copy(const struct mask *m, struct mask **ret_mask)
{
    *ret_mask = NULL;
    if (!m)
        return 0;
    struct mask *copy = malloc(sizeof *copy);
    if (!copy)
        return -ENOMEM;
    *copy = *m;
    copy->runs = malloc((m->run_count + 1) * sizeof *m->runs);
    if (!copy->runs) {
        free(copy);
        return -ENOMEM;
    }
    memcpy(copy->runs, m->runs, m->run_count * sizeof *m->runs);
    *ret_mask = copy;
    return 0;
}

struct target {
    int x, y, width, height;  /* px of the picture */
    float scale_x, scale_y;   /* px of the source for each px */
    float origin_x, origin_y; /* the source's px at picture px 0 */
};

static bool target_of(
    const struct mask *m, const struct box *from, const struct box *to, int width, int height, struct target *ret)
{
    float sx = (to->x2 - to->x1) / (from->x2 - from->x1), sy = (to->y2 - to->y1) / (from->y2 - from->y1);
    if (!(sx > 0.05f && sx < 20 && sy > 0.05f && sy < 20))
        return false;
    float x1 = to->x1 + ((float)m->x - from->x1) * sx, y1 = to->y1 + ((float)m->y - from->y1) * sy;
    float x2 = x1 + (float)m->width * sx, y2 = y1 + (float)m->height * sy;
    int left = (int)floorf(fmaxf(x1, 0)), top = (int)floorf(fmaxf(y1, 0));
    int right = (int)ceilf(fminf(x2, (float)width)), bottom = (int)ceilf(fminf(y2, (float)height));
    if (right <= left || bottom <= top)
        return false;
    *ret = (struct target){left, top, right - left, bottom - top, 1 / sx, 1 / sy, -x1 / sx, -y1 / sy};
    return true;
}

static int clamp(int v, int high)
{
    return v < 0 ? 0 : v >= high ? high - 1 : v;
}

int shape_move(
    const struct mask *m, const struct box *from, const struct box *to, int width, int height, struct mask **ret_mask)
{
    struct target t;
    *ret_mask = NULL;
    if (!m || m->width < 1 || m->height < 1 || !target_of(m, from, to, width, height, &t))
        return 0;
    uint8_t *in = malloc((size_t)m->width * (size_t)m->height), *out = malloc((size_t)t.width * (size_t)t.height);
    int r = in && out ? 0 : -ENOMEM;
    if (r == 0) {
        mask_decode(m, 1, in, m->width);
        for (int y = 0; y < t.height; y++) {
            int from_y = clamp((int)(((float)(t.y + y) + 0.5f) * t.scale_y + t.origin_y), m->height);
            for (int x = 0; x < t.width; x++) {
                int from_x = clamp((int)(((float)(t.x + x) + 0.5f) * t.scale_x + t.origin_x), m->width);
                out[(size_t)y * (size_t)t.width + (size_t)x] = in[(size_t)from_y * (size_t)m->width + (size_t)from_x];
            }
        }
        r = mask_encode(out, t.width, t.x, t.y, t.width, t.height, ret_mask);
    }
    free(in);
    free(out);
    return r;
}
