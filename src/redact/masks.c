/* See masks.h. Every region is made at the picture's own size, by the same code as for redaction, and sampled at the
 * target's pixels: a scaled mask is exactly the full one's nearest neighbours, and a mask is exactly what redact_frame
 * redacts fully at the default gradient-stop of 0. */
#include "redact/masks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "redact/region.h"

/* A mask picture being drawn. */
struct canvas {
    const struct detections *d;
    const struct request_options *request;
    const struct mask_picture *picture;
    struct frame *frame;
    int *across, *down; /* for each column and row of the target, the picture's; owned */
};

static const unsigned char legacy_value[OBJECT_TYPES] = {
    [OBJECT_FACE] = 192, [OBJECT_LICENSE_PLATE] = 64, [OBJECT_PERSON] = 128, [OBJECT_VEHICLE] = 255};

void masks_color(const struct detections *d, size_t index, enum mask_palette palette, unsigned char rgb[3])
{
    enum object_type type = d->items[index].type;
    /* 97 has no factor in common with 255: 255 instances get all of 1..255, neighbours far from each other. */
    rgb[0] = (unsigned char)(index / 255);
    rgb[1] = (unsigned char)(1 + (index + 1) % 255 * 97 % 255);
    rgb[2] = (unsigned char)object_info(type)->mask;
    if (palette != MASK_PALETTE_CURRENT)
        rgb[2] = legacy_value[type];
    if (palette == MASK_PALETTE_LEGACY_R) {
        rgb[0] = legacy_value[type];
        rgb[2] = 0;
    }
}

static int target_size(int size, double scale)
{
    double v = round(size * scale / 100);
    return v < 1 ? 1 : v > size ? size : (int)v;
}

static int *source_positions(int from, int to)
{
    int *at = malloc((size_t)to * sizeof *at);
    for (int i = 0; at && i < to; i++)
        at[i] = (int)((2 * (int64_t)i + 1) * from / (2 * (int64_t)to));
    return at;
}

static void canvas_finish(struct canvas *c)
{
    frame_unref(c->frame);
    free(c->across);
    free(c->down);
}

static int canvas_init(struct canvas *c, enum frame_color color)
{
    int width = target_size(c->picture->width, c->picture->scale),
        height = target_size(c->picture->height, c->picture->scale);
    int r = frame_create(color, width, height, 8, false, &c->frame);
    if (r < 0)
        return r;
    c->across = source_positions(c->picture->width, width);
    c->down = source_positions(c->picture->height, height);
    if (!c->across || !c->down) {
        canvas_finish(c);
        return -ENOMEM;
    }
    struct plane *p = &c->frame->planes[0];
    for (int y = 0; y < height; y++)
        memset(p->data + y * p->stride, 0, (size_t)width * (size_t)p->channels);
    return 0;
}

/* The first of `count` ascending positions that is not below `value`. */
static int lower_bound(const int *at, int count, int value)
{
    int low = 0;
    while (low < count) {
        int middle = low + (count - low) / 2;
        if (at[middle] < value)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* Draws detection `index` with the colour `rgb` (grey: its first byte); `merge`: B is the OR with what is below.
 * Outside the picture: nothing. */
static int draw(struct canvas *c, size_t index, const unsigned char rgb[3], bool merge)
{
    struct region_outline outline;
    struct region region;
    int r = region_place(&c->d->items[index], c->request, c->picture->width, c->picture->height, &outline);
    if (r != 0)
        return r < 0 ? r : 0;
    outline.stop = 0; /* the object's whole shape, even where the caller lets its rim shine through */
    r = region_fill(&outline, c->request, &region);
    if (r < 0)
        return r;
    struct plane *p = &c->frame->planes[0];
    int x0 = lower_bound(c->across, p->width, outline.rect.x0), x1 = lower_bound(c->across, p->width, outline.rect.x1);
    int y0 = lower_bound(c->down, p->height, outline.rect.y0), y1 = lower_bound(c->down, p->height, outline.rect.y1);
    for (int y = y0; y < y1; y++) {
        const uint8_t *alpha =
            region.alpha + (size_t)(c->down[y] - outline.rect.y0) * (size_t)rect_width(&outline.rect);
        uint8_t *out = p->data + y * p->stride + (ptrdiff_t)x0 * p->channels;
        for (int x = x0; x < x1; x++, out += p->channels) {
            if (alpha[c->across[x] - outline.rect.x0] != 255)
                continue;
            uint8_t below = out[p->channels - 1];
            memcpy(out, rgb, (size_t)p->channels);
            if (merge)
                out[p->channels - 1] |= below;
        }
    }
    region_finish(&region);
    return 0;
}

static int fail(int code, struct error *err)
{
    return error_set(
        err, code, code == -ENOMEM ? "out of memory while making a mask" : "a detection has no place in the picture");
}

int masks_binary(const struct detections *d, const struct request_options *request, const struct mask_picture *picture,
    struct frame **ret_frame, struct error *err)
{
    static const unsigned char white[3] = {255, 255, 255};
    struct canvas c = {.d = d, .request = request, .picture = picture};
    int r = canvas_init(&c, FRAME_GREY);
    if (r < 0)
        return fail(r, err);
    for (size_t i = 0; i < d->len && r == 0; i++)
        r = d->items[i].anonymised ? draw(&c, i, white, false) : 0;
    if (r == 0)
        *ret_frame = frame_ref(c.frame);
    canvas_finish(&c);
    return r < 0 ? fail(r, err) : 0;
}

struct place {
    size_t index;
    float area;
};

/* Large ones first, so that small ones end on top; of two equals the later. */
static int compare_places(const void *pa, const void *pb)
{
    const struct place *a = pa, *b = pb;
    if (a->area != b->area)
        return a->area > b->area ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

int masks_instance(const struct detections *d, const struct request_options *request,
    const struct mask_picture *picture, struct frame **ret_frame, struct error *err)
{
    struct canvas c = {.d = d, .request = request, .picture = picture};
    size_t len = 0;
    struct place *order = malloc((d->len + 1) * sizeof *order);
    int r = order ? canvas_init(&c, FRAME_RGB) : -ENOMEM;
    if (r < 0) {
        free(order);
        return fail(r, err);
    }
    for (size_t i = 0; i < d->len; i++) {
        if (d->items[i].anonymised)
            order[len++] =
                (struct place){i, fmaxf(box_area(&d->items[i].box), 0)}; /* not a number: 0, qsort needs an order */
    }
    qsort(order, len, sizeof *order, compare_places);
    for (size_t i = 0; i < len && r == 0; i++) {
        unsigned char rgb[3];
        masks_color(d, order[i].index, picture->palette, rgb);
        r = draw(&c, order[i].index, rgb, picture->palette == MASK_PALETTE_CURRENT);
    }
    if (r == 0)
        *ret_frame = frame_ref(c.frame);
    canvas_finish(&c);
    free(order);
    return r < 0 ? fail(r, err) : 0;
}
