/* The options whose values are more than a word or a number: tiling (`format`), areas (`ignores`) and kept masks
 * (`save-mask`). */
#include "config_table.h"

#include "base/text.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TILES_A_SIDE 64
#define MAX_COORDINATE 1000000 /* px; far beyond any picture, far from overflow */

static int read_pair(const json_t *pair, double ret[2])
{
    if (!json_is_array(pair) || json_array_size(pair) != 2)
        return -EINVAL;
    for (size_t i = 0; i < 2; i++) {
        const json_t *v = json_array_get(pair, i);
        if (!json_is_number(v))
            return -EINVAL;
        ret[i] = json_number_value(v);
    }
    return 0;
}

static int read_grid(const json_t *o, struct tiling *ret)
{
    double number[2], overlap[2] = {0, 0};
    const json_t *o_overlap = json_object_get(o, "overlap");
    if (!json_is_object(o) || json_object_size(o) != (o_overlap ? 2 : 1) ||
        read_pair(json_object_get(o, "number"), number) < 0 || (o_overlap && read_pair(o_overlap, overlap) < 0))
        return -EINVAL;
    for (int i = 0; i < 2; i++)
        if (number[i] != floor(number[i]) || number[i] < 1 || number[i] > MAX_TILES_A_SIDE || !(overlap[i] >= 0) ||
            overlap[i] > MAX_COORDINATE)
            return -EINVAL;
    *ret = (struct tiling){.kind = TILING_GRID,
        .columns = (int)number[0],
        .rows = (int)number[1],
        .overlap_x = overlap[0],
        .overlap_y = overlap[1]};
    return 0;
}

int compound_read_tiling(const char *text, struct tiling *ret)
{
    if (strcmp(text, "whole") == 0) {
        *ret = (struct tiling){.kind = TILING_WHOLE};
        return 0;
    }
    if (strncmp(text, "pano:", 5) == 0) {
        int64_t width;
        if (text_int(text + 5, &width) < 0 || width < 256 || width > MAX_COORDINATE)
            return -EINVAL;
        *ret = (struct tiling){.kind = TILING_PANO, .pano_width = (int)width};
        return 0;
    }
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    int r = o ? read_grid(o, ret) : -EINVAL;
    json_decref(o);
    return r;
}

int compound_write_tiling(const struct tiling *t, struct buffer *out)
{
    switch (t->kind) {
    case TILING_GRID:
        return buffer_printf(out, "{\"number\": [%d, %d], \"overlap\": [%.10g, %.10g]}", t->columns, t->rows,
            t->overlap_x, t->overlap_y);
    case TILING_PANO:
        return buffer_printf(out, "pano:%d", t->pano_width);
    case TILING_WHOLE:
        break;
    }
    return buffer_printf(out, "whole");
}

static int read_coordinate(const json_t *rect, const char *name, int low, int *ret)
{
    const json_t *v = json_object_get(rect, name);
    double n = json_number_value(v);
    if (!json_is_number(v) || n != floor(n) || n < low || n > MAX_COORDINATE)
        return -EINVAL;
    *ret = (int)n;
    return 0;
}

static int read_rect(const json_t *o, struct ignore_rect *ret)
{
    if (!json_is_object(o) || json_object_size(o) != 4)
        return -EINVAL;
    int r = read_coordinate(o, "topLeftX", 0, &ret->x);
    r = r < 0 ? r : read_coordinate(o, "topLeftY", 0, &ret->y);
    r = r < 0 ? r : read_coordinate(o, "width", 1, &ret->width);
    return r < 0 ? r : read_coordinate(o, "height", 1, &ret->height);
}

int compound_read_ignores(const char *text, struct request_options *r)
{
    json_t *list = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    size_t n = json_array_size(list);
    int result = json_is_array(list) && n <= REQUEST_MAX_IGNORES ? 0 : -EINVAL;
    struct ignore_rect rects[REQUEST_MAX_IGNORES];
    for (size_t i = 0; i < n && result == 0; i++)
        result = read_rect(json_array_get(list, i), &rects[i]);
    json_decref(list);
    if (result < 0)
        return result;
    memcpy(r->ignores, rects, n * sizeof *rects);
    r->ignore_count = (int)n;
    return 0;
}

int compound_write_ignores(const struct request_options *r, struct buffer *out)
{
    int result = buffer_printf(out, "[");
    for (int i = 0; i < r->ignore_count && result == 0; i++) {
        const struct ignore_rect *a = &r->ignores[i];
        result = buffer_printf(out, "%s{\"topLeftX\": %d, \"topLeftY\": %d, \"width\": %d, \"height\": %d}",
            i ? ", " : "", a->x, a->y, a->width, a->height);
    }
    return result < 0 ? result : buffer_printf(out, "]");
}

/* One KIND[:SCALE]. */
static int read_mask_kind(const char *text, size_t len, struct request_options *r)
{
    char kind[32];
    if (len >= sizeof kind)
        return -EINVAL;
    memcpy(kind, text, len);
    kind[len] = 0;
    double scale = 100;
    char *colon = strchr(kind, ':');
    if (colon) {
        *colon = 0;
        if (text_real(colon + 1, &scale) < 0 || !(scale > 0 && scale <= 100))
            return -EINVAL;
    }
    bool all = strcmp(kind, "all") == 0;
    if (strcmp(kind, "none") == 0 && !colon) {
        r->save_binary = r->save_instance = false;
        return 0;
    }
    if (all || strcmp(kind, "binary") == 0) {
        r->save_binary = true;
        r->binary_scale = scale;
    }
    if (all || strcmp(kind, "instance") == 0) {
        r->save_instance = true;
        r->instance_scale = scale;
    }
    return all || strcmp(kind, "binary") == 0 || strcmp(kind, "instance") == 0 ? 0 : -EINVAL;
}

int compound_read_save_mask(const char *text, bool first, struct request_options *r)
{
    struct request_options copy = {.save_binary = !first && r->save_binary,
        .save_instance = !first && r->save_instance,
        .binary_scale = first ? 100 : r->binary_scale,
        .instance_scale = first ? 100 : r->instance_scale};
    for (;;) {
        size_t n = strcspn(text, ",");
        int result = read_mask_kind(text, n, &copy);
        if (result < 0)
            return result;
        if (!text[n])
            break;
        text += n + 1;
    }
    r->save_binary = copy.save_binary;
    r->save_instance = copy.save_instance;
    r->binary_scale = copy.binary_scale;
    r->instance_scale = copy.instance_scale;
    return 0;
}

int compound_write_save_mask(const struct request_options *r, struct buffer *out)
{
    if (!r->save_binary && !r->save_instance)
        return buffer_printf(out, "none");
    int result = 0;
    if (r->save_binary)
        result = buffer_printf(out, "binary:%.10g", r->binary_scale);
    if (r->save_instance && result == 0)
        result = buffer_printf(out, "%sinstance:%.10g", r->save_binary ? "," : "", r->instance_scale);
    return result;
}
