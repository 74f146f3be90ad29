/* Writing the result file of a video; see video_result.h for its form. */
#include "pipeline/video_result.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/video_result_private.h"

#define FLUSH_BYTES (256 << 10)
#define LINE_MAX_BYTES ((size_t)256 << 20)

struct video_result_writer {
    int fd; /* borrowed */
    int64_t position;
    int64_t frames;
    struct buffer pending;
    int64_t *index; /* file offset of every VIDEO_RESULT_STEP-th frame */
    size_t index_len, index_cap;
};

int video_result_writer_create(int fd, struct video_result_writer **ret_writer, struct error *err)
{
    struct video_result_writer *w = calloc(1, sizeof *w);
    if (!w)
        return error_set(err, -ENOMEM, "out of memory");
    w->fd = fd;
    w->pending.max = LINE_MAX_BYTES;
    *ret_writer = w;
    return 0;
}

void video_result_writer_destroy(struct video_result_writer *w)
{
    if (!w)
        return;
    buffer_finish(&w->pending);
    free(w->index);
    free(w);
}

static int flush(struct video_result_writer *w, struct error *err)
{
    for (size_t done = 0; done < w->pending.len;) {
        ssize_t n = pwrite(w->fd, w->pending.data + done, w->pending.len - done, w->position);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, errno == ENOSPC ? -ENOSPC : -EIO, "cannot write the result: %s", strerror(errno));
        done += (size_t)n;
        w->position += n;
    }
    w->pending.len = 0;
    return 0;
}

/* Takes `object`; NULL: out of memory. */
static int write_line(struct video_result_writer *w, json_t *object, struct error *err)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    int r = text ? buffer_append(&w->pending, text, strlen(text)) : -ENOMEM;
    if (r == 0)
        r = buffer_append(&w->pending, "\n", 1);
    free(text);
    json_decref(object);
    if (r < 0)
        return error_set(err, r, "cannot keep the detections: %s", strerror(-r));
    return w->pending.len > FLUSH_BYTES ? flush(w, err) : 0;
}

static int note_offset(struct video_result_writer *w)
{
    if (w->frames % VIDEO_RESULT_STEP)
        return 0;
    if (w->index_len == w->index_cap) {
        size_t cap = w->index_cap ? w->index_cap * 2 : 64;
        int64_t *index = realloc(w->index, cap * sizeof *index);
        if (!index)
            return -ENOMEM;
        w->index = index;
        w->index_cap = cap;
    }
    w->index[w->index_len++] = w->position + (int64_t)w->pending.len;
    return 0;
}

int video_result_write_frame(struct video_result_writer *w, const struct video_result_frame *f, struct error *err)
{
    json_t *list = json_array(), *filled = json_array();
    int r = list && filled ? note_offset(w) : -ENOMEM;
    for (size_t i = 0; i < f->entries->len && r == 0; i++) {
        json_t *object;
        r = result_detection_pack(&f->entries->items[i], &object);
        if (r == 0 && json_array_append_new(list, object) < 0)
            r = -ENOMEM;
        if (r == 0 && f->filled && f->filled[i] && json_array_append_new(filled, json_integer((json_int_t)i)) < 0)
            r = -ENOMEM;
    }
    if (r < 0) {
        json_decref(list);
        json_decref(filled);
        return error_set(err, r, "cannot keep the detections: %s", strerror(-r));
    }
    json_t *line = json_pack("{sI sf sf sb so so}", "frame", (json_int_t)w->frames, "time", f->time, "seconds",
        f->seconds, "whole", f->whole, "filled", filled, "detections", list);
    w->frames++;
    return write_line(w, line, err);
}

int video_result_write_track(struct video_result_writer *w, const struct video_result_track *t, struct error *err)
{
    json_t *gaps = json_array();
    for (size_t i = 0; i < t->gap_count && gaps; i++)
        json_array_append_new(gaps, json_pack("[II]", (json_int_t)t->gaps[i][0], (json_int_t)t->gaps[i][1]));
    json_t *line =
        json_pack("{sI ss sI sI sI sI so sf}", "track", (json_int_t)t->id, "type", object_info(t->type)->name, "first",
            (json_int_t)t->first, "last", (json_int_t)t->last, "detected", (json_int_t)t->detected, "filled",
            (json_int_t)t->filled, "gaps", gaps, "lowest_score", (double)t->lowest_score);
    return write_line(w, line, err);
}

int video_result_write_end(struct video_result_writer *w, struct video_summary *summary, struct error *err)
{
    summary->frames = w->frames;
    json_t *index = json_array();
    for (size_t i = 0; i < w->index_len && index; i++)
        json_array_append_new(index, json_integer(w->index[i]));
    int64_t at = w->position + (int64_t)w->pending.len;
    json_t *line = json_pack("{si si sI sI sf ss so}", "width", summary->width, "height", summary->height, "frames",
        (json_int_t)summary->frames, "inspected", (json_int_t)summary->inspected, "seconds", summary->seconds,
        "content_type", summary->content_type, "index", index);
    int r = write_line(w, line, err);
    if (r == 0 && (r = buffer_printf(&w->pending, "%020lld\n", (long long)at)) < 0)
        error_set(err, r, "out of memory");
    return r < 0 ? r : flush(w, err);
}
