/* Downloads of videos: GET /v1/file/{id}/video/... The documents are made while they are sent: an hour of video is
 * never in memory. */
#include "api/file.h"
#include "api/names.h"
#include "base/text.h"
#include "pipeline/video_result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_video(struct api *api, struct http_request *rq, struct file *f, struct error *err)
{
    int rc = file_open_task(api, rq, true, f, err);
    if (rc == -ENOENT)
        error_set(err, rc, "%.100s: there is no such file. Upload a video file at v1/file before using this endpoint.",
            rq->capture);
    return rc;
}

int video_anonymised(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    struct api *api = opaque;
    struct file f;
    int64_t size;
    int fd, rc = open_video(api, rq, &f, err);
    if (rc)
        return rc;
    rc = file_open_artefact(api, &f, ARTEFACT_ANONYMISED, &fd, &size, err);
    if (!rc) {
        char etag[128];
        snprintf(etag, sizeof etag, "\"%s-v\"", f.task.id);
        names_set_disposition(rs, &f.task, "anonymised", names_extension(f.task.content_type));
        if (file_unchanged(rq, rs, etag)) {
            close(fd);
        } else {
            http_respond_fd(rs, 200, f.task.content_type, fd, size);
            snprintf(rs->etag, sizeof rs->etag, "%s", etag);
        }
    }
    file_close(&f);
    return rc;
}

/* A document being sent. */
struct document {
    struct file file;
    struct video_query query;
    struct video_result *result;
    struct video_stream *stream;
    char name[NAMES_SIZE];
};

static void destroy_document(void *opaque)
{
    struct document *d = opaque;
    video_stream_destroy(d->stream);
    video_result_close(d->result);
    file_close(&d->file);
    free(d);
}

static int next_piece(void *opaque, struct buffer *piece, struct error *err)
{
    struct document *d = opaque;
    return video_stream_next(d->stream, piece, err);
}

/* A frame's number; absent or empty leaves *value. */
static int read_frame(const struct http_request *rq, const char *name, int64_t *value, struct error *err)
{
    const char *text = http_request_query(rq, name);
    if (text && *text && (text_int(text, value) || *value < 0))
        return error_set(
            err, -EINVAL, "%s: '%.100s' is not allowed, want the number of a frame, counted from 0", name, text);
    return 0;
}

static int read_query(struct document *d, const struct api *api, const struct http_request *rq,
    enum video_document kind, struct error *err)
{
    const struct request_options *o = &d->file.request;
    names_stored(&d->file.task, d->name);
    d->query = (struct video_query){
        .view = {.id = d->name,
            .filename = d->file.task.filename,
            .request = o,
            .palette = (enum mask_palette)api->config->instance_mask_colors},
        .end = INT64_MAX,
        .scale = 100,
        .compress_level = o->compress_level,
    };
    int rc = read_frame(rq, "start_frame", &d->query.start, err);
    if (!rc)
        rc = read_frame(rq, "end_frame", &d->query.end, err);
    if (!rc && d->query.start > d->query.end)
        rc = error_set(err, -EINVAL, "start_frame: %lld lies behind end_frame, %lld", (long long)d->query.start,
            (long long)d->query.end);
    if (!rc && (kind == VIDEO_BINARY_MASKS || kind == VIDEO_INSTANCE_MASKS))
        rc = file_read_scale(rq, &d->file, kind == VIDEO_INSTANCE_MASKS, &d->query.scale, err);
    return rc;
}

static int open_document(struct document *d, struct api *api, enum video_document kind, struct error *err)
{
    int64_t size;
    int fd, rc = file_open_artefact(api, &d->file, ARTEFACT_RESULT, &fd, &size, err);
    if (!rc)
        rc = video_result_open(fd, &d->result, err);
    return rc ? rc : video_stream_open(d->result, kind, &d->query, &d->stream, err);
}

static int send_document(
    struct api *api, struct http_request *rq, struct http_response *rs, enum video_document kind, struct error *err)
{
    static const char *const names[] = {"metadata", "report", "binary-masks", "instance-masks"};
    char etag[128];
    struct document *d = calloc(1, sizeof *d);
    if (!d)
        return error_set(err, -ENOMEM, "out of memory");
    int rc = open_video(api, rq, &d->file, err);
    if (rc) {
        free(d);
        return rc;
    }
    rc = read_query(d, api, rq, kind, err);
    if (!rc)
        rc = open_document(d, api, kind, err);
    if (rc) {
        destroy_document(d);
        return rc;
    }
    snprintf(etag, sizeof etag, "\"%s-v%d-%lld-%lld-%.6g\"", d->file.task.id, (int)kind, (long long)d->query.start,
        (long long)d->query.end, d->query.scale);
    names_set_disposition(rs, &d->file.task, names[kind], kind <= VIDEO_REPORT ? "json" : "zip");
    if (file_unchanged(rq, rs, etag)) {
        destroy_document(d);
        return 0;
    }
    http_respond_stream(
        rs, 200, video_document_content_type(kind), &(const struct http_stream){next_piece, destroy_document, d});
    snprintf(rs->etag, sizeof rs->etag, "%s", etag);
    return 0;
}

/* Whether the path names a file that is an image: the reference has a message of its own for that. */
static bool is_image(struct api *api, const char *id)
{
    struct task t;
    if (api_find_task(api, id, &t, NULL))
        return false;
    const bool image = !t.is_video;
    task_finish(&t);
    return image;
}

int video_metadata(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    int rc = send_document(opaque, rq, rs, VIDEO_METADATA, err);
    if (rc == -EINVAL && is_image(opaque, rq->capture))
        error_set(err, rc, "You can receive anonymised video metadata only after video upload");
    return rc;
}

int video_report(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    return send_document(opaque, rq, rs, VIDEO_REPORT, err);
}

int video_binary_mask(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    return send_document(opaque, rq, rs, VIDEO_BINARY_MASKS, err);
}

int video_instance_mask(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    return send_document(opaque, rq, rs, VIDEO_INSTANCE_MASKS, err);
}
