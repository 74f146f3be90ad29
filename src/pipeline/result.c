/* See result.h. */
#include "pipeline/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_MAX_SIDE 100000 /* px: what a result file may claim before it is taken for damaged */

void result_finish(struct result *r)
{
    if (r)
        detections_finish(&r->detections);
}

int result_to_json(const struct result *r, struct buffer *out)
{
    json_t *list = json_array();
    int code = list ? 0 : -ENOMEM;
    for (size_t i = 0; i < r->detections.len && code == 0; i++) {
        json_t *object;
        code = result_detection_pack(&r->detections.items[i], &object);
        if (code == 0 && json_array_append_new(list, object) < 0)
            code = -ENOMEM;
    }
    json_t *root = code < 0 ? NULL
                            : json_pack("{si si sf ss sO}", "width", r->width, "height", r->height, "seconds",
                                  r->seconds, "content_type", r->content_type, "detections", list);
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    if (code == 0)
        code = text ? buffer_append(out, text, strlen(text)) : -ENOMEM;
    free(text);
    json_decref(root);
    json_decref(list);
    return code;
}

int result_from_json(const char *json, size_t len, struct result *ret_result, struct error *err)
{
    *ret_result = (struct result){0};
    const char *content_type;
    json_t *list;
    json_t *root = json_loadb(json, len, 0, NULL);
    int code = -EIO;
    if (!root || json_unpack(root, "{si si sF ss so}", "width", &ret_result->width, "height", &ret_result->height,
                     "seconds", &ret_result->seconds, "content_type", &content_type, "detections", &list) < 0)
        goto out;
    if (ret_result->width < 1 || ret_result->height < 1 || ret_result->width > RESULT_MAX_SIDE ||
        ret_result->height > RESULT_MAX_SIDE || strlen(content_type) >= sizeof ret_result->content_type)
        goto out;
    strcpy(ret_result->content_type, content_type);
    code = json_is_array(list) ? 0 : -EIO;
    for (size_t i = 0; i < json_array_size(list) && code == 0; i++) {
        struct detection d;
        code = result_detection_unpack(json_array_get(list, i), &d);
        if (code == 0 && (code = detections_append(&ret_result->detections, &d)) < 0)
            mask_destroy(d.mask);
    }
out:
    json_decref(root);
    if (code < 0) {
        result_finish(ret_result);
        error_set(err, code, code == -ENOMEM ? "out of memory" : "the result file is damaged");
    }
    return code;
}

/* One axis of a box in whole pixels: rounded, or what it touches where that leaves nothing (and is inside the picture,
 * as the box is). */
static void whole_pixels(float from, float to, int *ret_from, int *ret_to)
{
    *ret_from = (int)lroundf(from);
    *ret_to = (int)lroundf(to);
    if (*ret_from < *ret_to)
        return;
    *ret_from = (int)floorf(from);
    *ret_to = (int)ceilf(to);
}

static json_t *box_pixels(const struct box *b)
{
    int x1, y1, x2, y2;
    whole_pixels(b->x1, b->x2, &x1, &x2);
    whole_pixels(b->y1, b->y2, &y1, &y2);
    return json_pack("[iiii]", x1, y1, x2, y2);
}

static int metadata_entry(
    const struct detections *list, size_t index, const struct result_view *view, json_t *parent, json_t **ret_object)
{
    const struct detection *d = &list->items[index];
    const struct object_info *info = object_info(d->type);
    long x1 = lroundf(d->box.x1), y1 = lroundf(d->box.y1);
    /* The flag of the detection says what the masks need: whether it is, or would be, redacted. */
    const bool anonymised = d->anonymised && view->request->method != METHOD_DETECT;
    unsigned char rgb[3];
    json_t *color = NULL;
    if (view->request->save_instance) {
        masks_color(list, index, view->palette, rgb);
        color = json_pack("[iii]", rgb[0], rgb[1], rgb[2]);
    }
    *ret_object = json_pack("{si sO s[ii] so si sf sb ss so?}", "id", (int)index, "parent_image", parent, "offset",
        (int)(d->offset_x < x1 ? d->offset_x : x1), (int)(d->offset_y < y1 ? d->offset_y : y1), "bbox",
        box_pixels(&d->box), "type", info->code, "score", (double)d->score, "is_anonymised", anonymised, "type_label",
        info->name, "color", color);
    if (!*ret_object)
        return -ENOMEM;
    if (!color)
        json_object_set_new(*ret_object, "color", json_null());
    if (d->track_id >= 0)
        json_object_set_new(*ret_object, "track_id", json_integer(d->track_id));
    return 0;
}

int result_metadata_list(const struct detections *d, const struct result_view *view, json_t *parent, json_t **ret_list)
{
    json_t *list = json_array();
    int code = list ? 0 : -ENOMEM;
    for (size_t i = 0; i < d->len && code == 0; i++) {
        json_t *object;
        code = metadata_entry(d, i, view, parent, &object);
        if (code == 0 && json_array_append_new(list, object) < 0)
            code = -ENOMEM;
    }
    if (code < 0) {
        json_decref(list);
        list = NULL;
    }
    *ret_list = list;
    return code;
}

int result_metadata(const struct result *r, const struct result_view *view, char **ret_json)
{
    const char *filename = view->filename && *view->filename ? view->filename : view->id;
    json_t *list, *parent = json_string(view->id);
    int code = parent ? result_metadata_list(&r->detections, view, parent, &list) : -ENOMEM;
    json_t *root = code < 0
                       ? NULL
                       : json_pack("{ss so s[ii] sf ss ss?}", "id", view->id, "detections", list, "size", r->height,
                             r->width, "duration", r->seconds, "filename", filename, "folder", view->folder);
    if (root && !view->folder)
        json_object_set_new(root, "folder", json_null());
    *ret_json = root ? json_dumps(root, JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    json_decref(parent);
    return code < 0 ? code : *ret_json ? 0 : -ENOMEM;
}
