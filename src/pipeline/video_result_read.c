/* Reading the result file of a video; see video_result.h for its form. */
#include "pipeline/video_result_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRAILER_BYTES 21 /* "%020lld\n" */
#define READ_BYTES (64 << 10)
#define LINE_MAX_BYTES ((size_t)256 << 20)

static int read_at(int fd, void *data, size_t len, int64_t offset)
{
    for (uint8_t *p = data; len;) {
        ssize_t n = pread(fd, p, len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -EIO;
        p += n;
        offset += n;
        len -= (size_t)n;
    }
    return 0;
}

static int read_summary(struct video_result *r, const char *text, size_t len)
{
    const char *type;
    json_t *index;
    json_int_t frames, inspected;
    json_t *root = json_loadb(text, len, 0, NULL);
    int code = -EIO;
    struct video_summary *s = &r->summary;
    if (root &&
        json_unpack(root, "{si si sI sI sF ss so}", "width", &s->width, "height", &s->height, "frames", &frames,
            "inspected", &inspected, "seconds", &s->seconds, "content_type", &type, "index", &index) == 0 &&
        strlen(type) < sizeof s->content_type && frames >= 0 && s->width > 0 && s->height > 0 && json_is_array(index)) {
        strcpy(s->content_type, type);
        s->frames = frames;
        s->inspected = inspected;
        r->index_len = json_array_size(index);
        r->index = calloc(r->index_len + 1, sizeof *r->index);
        code = r->index ? 0 : -ENOMEM;
        for (size_t i = 0; i < r->index_len && r->index; i++)
            r->index[i] = json_integer_value(json_array_get(index, i));
    }
    json_decref(root);
    return code;
}

static int read_trailer(struct video_result *r)
{
    struct stat st;
    char digits[TRAILER_BYTES + 1] = "";
    if (fstat(r->fd, &st) < 0 || st.st_size < TRAILER_BYTES ||
        read_at(r->fd, digits, TRAILER_BYTES, st.st_size - TRAILER_BYTES) < 0)
        return -EIO;
    char *rest;
    r->end = strtoll(digits, &rest, 10);
    int64_t len = st.st_size - TRAILER_BYTES - r->end;
    if (*rest != '\n' || r->end < 0 || len < 2 || len > (int64_t)LINE_MAX_BYTES)
        return -EIO;
    char *text = malloc((size_t)len);
    if (!text)
        return -ENOMEM;
    int code = read_at(r->fd, text, (size_t)len, r->end);
    if (code == 0)
        code = read_summary(r, text, (size_t)len);
    free(text);
    return code;
}

int video_result_open(int fd, struct video_result **ret_result, struct error *err)
{
    struct video_result *r = calloc(1, sizeof *r);
    if (!r) {
        close(fd);
        return error_set(err, -ENOMEM, "out of memory");
    }
    r->fd = fd;
    r->data.max = LINE_MAX_BYTES;
    int code = read_trailer(r);
    if (code < 0) {
        video_result_close(r);
        return error_set(err, code, code == -ENOMEM ? "out of memory" : "the result file is damaged");
    }
    *ret_result = r;
    return 0;
}

void video_result_close(struct video_result *r)
{
    if (!r)
        return;
    close(r->fd);
    buffer_finish(&r->data);
    free(r->index);
    free(r);
}

const struct video_summary *video_result_summary(const struct video_result *r)
{
    return &r->summary;
}

void video_result_seek(struct video_result *r, int64_t frame)
{
    size_t step = (size_t)(frame / VIDEO_RESULT_STEP);
    r->position = frame >= VIDEO_RESULT_STEP && step < r->index_len ? r->index[step] : 0;
    r->data.len = r->start = 0;
}

int video_result_line(struct video_result *r, const char **ret_text, size_t *ret_len, struct error *err)
{
    size_t looked = r->start;
    for (;;) {
        const uint8_t *end = r->data.len > looked ? memchr(r->data.data + looked, '\n', r->data.len - looked) : NULL;
        if (end) {
            *ret_text = (const char *)r->data.data + r->start;
            *ret_len = (size_t)(end - r->data.data) - r->start;
            r->start += *ret_len + 1;
            return 1;
        }
        if (r->position >= r->end)
            return 0;
        if (r->start) { /* the rest of the line comes behind what is there of it */
            memmove(r->data.data, r->data.data + r->start, r->data.len - r->start);
            r->data.len -= r->start;
            r->start = 0;
        }
        looked = r->data.len;
        int64_t left = r->end - r->position;
        size_t n = left < READ_BYTES ? (size_t)left : READ_BYTES;
        int code = buffer_reserve(&r->data, n);
        if (code == 0)
            code = read_at(r->fd, r->data.data + r->data.len, n, r->position);
        if (code < 0)
            return error_set(err, code, "cannot read the result file");
        r->data.len += n;
        r->position += (int64_t)n;
    }
}
