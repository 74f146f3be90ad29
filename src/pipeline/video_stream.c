/* Documents made from a video's result file, a frame at a time. */
#include <stdlib.h>
#include <string.h>

#include "media/image.h"
#include "pipeline/video_result_private.h"
#include "pipeline/zip.h"

struct video_stream {
    struct video_result *result; /* borrowed */
    enum video_document kind;
    struct video_query query;
    struct zip zip;
    int64_t written; /* entries so far */
    bool begun, ended;
};

/* A frame's line, read. */
struct frame_line {
    json_t *root; /* owned */
    int64_t number;
    double time, seconds;
    bool whole;
    json_t *filled; /* borrowed from root */
    struct detections found;
};

static void frame_line_finish(struct frame_line *l)
{
    json_decref(l->root);
    detections_finish(&l->found);
    *l = (struct frame_line){0};
}

static int read_frame(const char *text, size_t len, struct frame_line *ret)
{
    json_int_t number;
    int whole;
    json_t *list;
    *ret = (struct frame_line){.root = json_loadb(text, len, 0, NULL)};
    if (!ret->root || json_unpack(ret->root, "{sI sF sF sb so so}", "frame", &number, "time", &ret->time, "seconds",
                          &ret->seconds, "whole", &whole, "filled", &ret->filled, "detections", &list) < 0)
        return -EIO;
    ret->number = number;
    ret->whole = whole;
    int r = 0;
    for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
        struct detection d;
        r = result_detection_unpack(json_array_get(list, i), &d);
        if (r == 0 && (r = detections_append(&ret->found, &d)) < 0)
            mask_destroy(d.mask);
    }
    return r;
}

const char *video_document_content_type(enum video_document kind)
{
    return kind == VIDEO_METADATA || kind == VIDEO_REPORT ? "application/json" : "application/zip";
}

int video_stream_open(struct video_result *r, enum video_document kind, const struct video_query *query,
    struct video_stream **ret_stream, struct error *err)
{
    int64_t last = r->summary.frames - 1;
    if (query->start < 0 || query->start > query->end)
        return error_set(
            err, -EINVAL, "start_frame %lld is past end_frame %lld", (long long)query->start, (long long)query->end);
    if (query->start > last)
        return error_set(err, -EINVAL, "start_frame %lld is not in the video, whose last frame is %lld",
            (long long)query->start, (long long)last);
    struct video_stream *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(err, -ENOMEM, "out of memory");
    s->result = r;
    s->kind = kind;
    s->query = *query;
    if (s->query.end > last)
        s->query.end = last;
    video_result_seek(r, kind == VIDEO_REPORT ? 0 : query->start);
    *ret_stream = s;
    return 0;
}

void video_stream_destroy(struct video_stream *s)
{
    if (!s)
        return;
    zip_finish(&s->zip);
    free(s);
}

/* The next frame's line within the range: 1, 0 at its end. */
static int next_frame(struct video_stream *s, struct frame_line *ret, struct error *err)
{
    static const char mark[] = "{\"frame\":";
    const char *text;
    size_t len;
    int r;
    while ((r = video_result_line(s->result, &text, &len, err)) > 0) {
        if (len < sizeof mark || memcmp(text, mark, sizeof mark - 1))
            continue;
        int64_t number = strtoll(text + sizeof mark - 1, NULL, 10);
        if (number < s->query.start)
            continue;
        if (number > s->query.end)
            return 0;
        r = read_frame(text, len, ret);
        if (r == 0)
            return 1;
        frame_line_finish(ret);
        return error_set(err, r, r == -ENOMEM ? "out of memory" : "the result file is damaged");
    }
    return r;
}

/* --- metadata --- */

static int append_json(struct buffer *out, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    int r = text ? buffer_append(out, text, strlen(text)) : -ENOMEM;
    free(text);
    return r;
}

static int append_metadata(struct video_stream *s, const struct frame_line *l, struct buffer *out)
{
    json_t *list = NULL, *parent = json_integer(l->number);
    int r = parent ? result_metadata_list(&l->found, &s->query.view, parent, &list) : -ENOMEM;
    json_decref(parent);
    if (r < 0)
        return r;
    for (size_t i = 0; i < json_array_size(l->filled); i++) {
        json_t *entry = json_array_get(list, (size_t)json_integer_value(json_array_get(l->filled, i)));
        if (entry)
            json_object_set_new(entry, "filled", json_true());
    }
    json_t *object = json_pack("{sI so s[ii] sf sf}", "id", (json_int_t)l->number, "detections", list, "size",
        s->result->summary.height, s->result->summary.width, "duration", l->seconds, "time", l->time);
    if (object && l->whole)
        json_object_set_new(object, "redacted_as_a_whole", json_true());
    r = append_json(out, object);
    json_decref(object);
    return r;
}

static int next_metadata(struct video_stream *s, struct buffer *out, struct error *err)
{
    struct frame_line line = {0};
    int r = next_frame(s, &line, err);
    if (r < 0)
        return r;
    s->ended = r == 0;
    const char *between = !s->ended ? (s->begun ? ",\n" : "[") : s->begun ? "]\n" : "[]\n";
    r = buffer_append(out, between, strlen(between));
    s->begun = true;
    if (r == 0 && !s->ended)
        r = append_metadata(s, &line, out);
    frame_line_finish(&line);
    return r < 0 ? error_set(err, r, "the metadata cannot be made: %s", strerror(-r)) : 0;
}

/* --- report --- */

static int begin_report(struct video_stream *s, struct buffer *out)
{
    const struct video_summary *v = &s->result->summary;
    return buffer_printf(out,
        "{\"id\":\"%s\",\"frames\":%lld,\"inspected\":%lld,\"size\":[%d,%d],\"duration\":%.6g,\"tracks\":[",
        s->query.view.id ? s->query.view.id : "", (long long)v->frames, (long long)v->inspected, v->height, v->width,
        v->seconds);
}

/* Track lines are entries as they stand. */
static int next_report(struct video_stream *s, struct buffer *out, struct error *err)
{
    static const char mark[] = "{\"track\":";
    const char *text;
    size_t len;
    int r = s->begun ? 0 : begin_report(s, out);
    s->begun = true;
    while (r == 0 && out->len < 65536) {
        int got = video_result_line(s->result, &text, &len, err);
        if (got < 0)
            return got;
        if (got == 0) {
            s->ended = true;
            r = buffer_append(out, "]}\n", 3);
            break;
        }
        if (len < sizeof mark || memcmp(text, mark, sizeof mark - 1))
            continue;
        if (s->written++)
            r = buffer_append(out, ",\n", 2);
        if (r == 0)
            r = buffer_append(out, text, len);
    }
    return r < 0 ? error_set(err, r, "the report cannot be made: %s", strerror(-r)) : 0;
}

/* --- masks --- */

static int whole_box(const struct video_stream *s, struct frame_line *l)
{
    struct detection d = {.type = OBJECT_PERSON,
        .box = {0, 0, (float)s->result->summary.width, (float)s->result->summary.height},
        .track_id = -1,
        .anonymised = true};
    return detections_append(&l->found, &d);
}

static int append_mask(struct video_stream *s, struct frame_line *l, struct buffer *out, struct error *err)
{
    struct mask_picture picture = {.width = s->result->summary.width,
        .height = s->result->summary.height,
        .scale = s->query.scale,
        .palette = s->query.view.palette};
    struct frame *mask = NULL;
    struct buffer png = BUFFER_INIT((size_t)1 << 30);
    struct request_options boxes = *s->query.view.request;
    boxes.bbox = true;
    int r = l->whole ? whole_box(s, l) : 0;
    const struct request_options *request = l->whole ? &boxes : s->query.view.request;
    if (r == 0)
        r = s->kind == VIDEO_BINARY_MASKS ? masks_binary(&l->found, request, &picture, &mask, err)
                                          : masks_instance(&l->found, request, &picture, &mask, err);
    if (r == 0)
        r = image_encode_png(mask, s->query.compress_level, &png, err);
    if (r == 0 && (r = zip_add(&s->zip, (uint32_t)l->number, png.data, png.len, out)) < 0)
        error_set(err, r, "the masks cannot be made: %s", strerror(-r));
    frame_unref(mask);
    buffer_finish(&png);
    return r;
}

static int next_mask(struct video_stream *s, struct buffer *out, struct error *err)
{
    struct frame_line line = {0};
    int r = next_frame(s, &line, err);
    if (r > 0) {
        r = append_mask(s, &line, out, err);
    } else if (r == 0) {
        s->ended = true;
        if ((r = zip_end(&s->zip, out)) < 0)
            error_set(err, r, "the masks cannot be made: %s", strerror(-r));
    }
    frame_line_finish(&line);
    return r;
}

int video_stream_next(struct video_stream *s, struct buffer *out, struct error *err)
{
    out->len = 0;
    if (s->ended)
        return 0;
    if (s->kind == VIDEO_METADATA)
        return next_metadata(s, out, err);
    return s->kind == VIDEO_REPORT ? next_report(s, out, err) : next_mask(s, out, err);
}
