/* Downloads of images: GET /v1/file/{id}/... */
#include "api/convert.h"
#include "api/file.h"
#include "api/names.h"
#include "base/text.h"
#include "http/conditional.h"
#include "pipeline/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

int file_open_task(struct api *api, const struct http_request *rq, bool video, struct file *f, struct error *err)
{
    int rc = api_find_task(api, rq->capture, &f->task, err);
    if (rc)
        return rc;
    const struct task *t = &f->task;
    if (t->is_video != video)
        rc = error_set(err, -EINVAL,
            video ? "Upload a video file at v1/file before using this endpoint."
                  : "this file is a video; its results are at /v1/file/%s/video/anonymised and "
                    "/v1/file/%s/video/metadata",
            t->id, t->id);
    else if (t->status == TASK_DELETED)
        rc = error_set(err, -ENODATA, "the files of %s are deleted", t->id);
    else if (t->status == TASK_FAILED)
        rc = error_set(err, -EBUSY, "the task failed: %s", t->error);
    else if (t->status != TASK_DONE)
        rc = error_set(err, -EBUSY, "not finished yet; the task's status is %s", task_status_name(t->status));
    if (!rc && config_request_from_json(t->parameters, &f->request, err))
        rc = error_set(err, -EIO, "the task's record is damaged");
    if (rc)
        file_close(f);
    return rc;
}

void file_close(struct file *f)
{
    task_finish(&f->task);
}

int file_open_artefact(
    struct api *api, const struct file *f, enum artefact_kind kind, int *ret_fd, int64_t *ret_size, struct error *err)
{
    int rc = artefact_open(api->artefacts, f->task.id, kind, ret_fd, ret_size, err);
    if (rc != -ENOENT)
        return rc;
    if (kind == ARTEFACT_ANONYMISED && f->request.method == METHOD_DETECT)
        return error_set(err, -EINVAL,
            "this file was uploaded with method=detect: it has metadata and masks, but no anonymised form");
    return error_set(err, -ENODATA, "the files of %s are deleted", f->task.id);
}

bool file_unchanged(const struct http_request *rq, struct http_response *rs, const char *etag)
{
    const char *condition = http_request_header(rq, "If-None-Match");
    http_response_header(rs, "Cache-Control", "private, no-cache");
    if (!condition || !http_etag_listed(condition, etag))
        return false;
    rs->status = 304;
    http_response_header(rs, "ETag", "%s", etag);
    return true;
}

/* Reads a number of the query within low .. high; absent or empty leaves *value. */
static int read_number(
    const struct http_request *rq, const char *name, int low, int high, int *value, struct error *err)
{
    const char *text = http_request_query(rq, name);
    int64_t v;
    if (!text || !*text)
        return 0;
    if (text_int(text, &v) || v < low || v > high)
        return error_set(
            err, -EINVAL, "%s: '%.100s' is not allowed, want a whole number from %d to %d", name, text, low, high);
    *value = (int)v;
    return 0;
}

static enum image_format format_of(const char *content_type)
{
    return !strcmp(content_type, "image/png") ? IMAGE_PNG : IMAGE_JPEG;
}

/* What the download asks for. */
static int read_download(
    const struct http_request *rq, const struct file *f, struct image_encode_options *o, struct error *err)
{
    const char *format = http_request_query(rq, "download");
    *o = (struct image_encode_options){.format = format_of(f->task.content_type),
        .quality = f->request.quality,
        .compress_level = f->request.compress_level};
    if (format && *format) {
        if (!strcasecmp(format, "png"))
            o->format = IMAGE_PNG;
        else if (!strcasecmp(format, "jpeg") || !strcasecmp(format, "jpg"))
            o->format = IMAGE_JPEG;
        else
            return error_set(err, -EINVAL, "download: '%.100s' is not allowed, want JPEG or PNG", format);
    }
    int rc = read_number(rq, "quality", 1, 100, &o->quality, err);
    return rc ? rc : read_number(rq, "compress-level", 0, 9, &o->compress_level, err);
}

static int send_anonymised(
    struct api *api, const struct http_request *rq, const struct file *f, struct http_response *rs, struct error *err)
{
    struct image_encode_options o;
    int64_t size;
    int fd, rc = read_download(rq, f, &o, err);
    if (rc)
        return rc;
    o.strip_metadata = api->config->strip_metadata;
    const bool jpeg = o.format == IMAGE_JPEG;
    const char *type = image_format_content_type(o.format);
    char etag[128];
    snprintf(etag, sizeof etag, "\"%s-a-%s%d\"", f->task.id, jpeg ? "j" : "p", jpeg ? o.quality : o.compress_level);
    rc = file_open_artefact(api, f, ARTEFACT_ANONYMISED, &fd, &size, err);
    if (rc)
        return rc;
    names_set_disposition(rs, &f->task, "anonymised", names_extension(type));
    if (file_unchanged(rq, rs, etag)) {
        close(fd);
        return 0;
    }
    if (!strcmp(type, f->task.content_type) &&
        (jpeg ? o.quality == f->request.quality : o.compress_level == f->request.compress_level)) {
        http_respond_fd(rs, 200, type, fd, size); /* as it is stored */
    } else {
        struct buffer out = BUFFER_INIT((size_t)api->config->max_memory);
        rc = convert_image(api, fd, size, &o, &out, err);
        if (rc) {
            buffer_finish(&out);
            return rc;
        }
        http_respond_owned(rs, 200, type, out.data, (int64_t)out.len);
    }
    snprintf(rs->etag, sizeof rs->etag, "%s", etag);
    return 0;
}

int file_anonymised(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    struct file f;
    int rc = file_open_task(opaque, rq, false, &f, err);
    if (rc)
        return rc;
    rc = send_anonymised(opaque, rq, &f, rs, err);
    file_close(&f);
    return rc;
}

static int load_result(struct api *api, const struct file *f, struct result *ret, struct error *err)
{
    struct buffer json = BUFFER_INIT((size_t)1 << 30);
    int64_t size;
    int fd, rc = file_open_artefact(api, f, ARTEFACT_RESULT, &fd, &size, err);
    if (!rc)
        rc = convert_read(fd, size, &json, err);
    if (!rc)
        rc = result_from_json((const char *)json.data, json.len, ret, err);
    buffer_finish(&json);
    return rc;
}

static int send_metadata(
    struct api *api, const struct http_request *rq, const struct file *f, struct http_response *rs, struct error *err)
{
    char etag[128], name[NAMES_SIZE], *text;
    struct result result;
    snprintf(etag, sizeof etag, "\"%s-m\"", f->task.id);
    names_set_disposition(rs, &f->task, "metadata", "json");
    if (file_unchanged(rq, rs, etag))
        return 0;
    int rc = load_result(api, f, &result, err);
    if (rc)
        return rc;
    names_stored(&f->task, name);
    const struct result_view view = {.id = name,
        .filename = f->task.filename,
        .request = &f->request,
        .palette = (enum mask_palette)api->config->instance_mask_colors};
    rc = result_metadata(&result, &view, &text);
    result_finish(&result);
    if (rc)
        return error_set(err, rc, "the metadata cannot be made");
    http_respond_owned(rs, 200, "application/json", text, (int64_t)strlen(text));
    snprintf(rs->etag, sizeof rs->etag, "%s", etag);
    return 0;
}

int file_metadata(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    struct file f;
    int rc = file_open_task(opaque, rq, false, &f, err);
    if (rc)
        return rc;
    rc = send_metadata(opaque, rq, &f, rs, err);
    file_close(&f);
    return rc;
}

int file_read_scale(
    const struct http_request *rq, const struct file *f, bool instance, double *ret_scale, struct error *err)
{
    static const char *const kinds[] = {"binary", "instance"};
    const char *text = http_request_query(rq, "mask-scale");
    double scale = f->request.mask_scale;
    if (!(instance ? f->request.save_instance : f->request.save_binary))
        return error_set(err, -EINVAL, "no %s mask is kept of this file: save-mask says so", kinds[instance]);
    if (text && *text && (text_real(text, &scale) || scale <= 0 || scale > 100))
        return error_set(
            err, -EINVAL, "mask-scale: '%.100s' is not allowed, want a number above 0 and up to 100", text);
    *ret_scale = scale * (instance ? f->request.instance_scale : f->request.binary_scale) / 100;
    return 0;
}

static int draw_mask(
    struct api *api, const struct file *f, bool instance, double scale, struct buffer *png, struct error *err)
{
    struct result result;
    struct frame *frame = NULL;
    int rc = load_result(api, f, &result, err);
    if (rc)
        return rc;
    const struct mask_picture picture = {.width = result.width,
        .height = result.height,
        .scale = scale,
        .palette = (enum mask_palette)api->config->instance_mask_colors};
    while (sem_wait(&api->conversions) && errno == EINTR)
        continue;
    rc = (instance ? masks_instance : masks_binary)(&result.detections, &f->request, &picture, &frame, err);
    if (!rc)
        rc = image_encode_png(frame, f->request.compress_level, png, err);
    sem_post(&api->conversions);
    frame_unref(frame);
    result_finish(&result);
    return rc;
}

static int send_mask(struct api *api, const struct http_request *rq, const struct file *f, bool instance,
    struct http_response *rs, struct error *err)
{
    static const char *const kinds[] = {"binary", "instance"};
    char etag[128], suffix[32];
    double scale = 100;
    int rc = file_read_scale(rq, f, instance, &scale, err);
    if (rc)
        return rc;
    snprintf(etag, sizeof etag, "\"%s-%c-%.6g-%d\"", f->task.id, kinds[instance][0], scale,
        (int)api->config->instance_mask_colors);
    snprintf(suffix, sizeof suffix, "%s-mask", kinds[instance]);
    names_set_disposition(rs, &f->task, suffix, "png");
    if (file_unchanged(rq, rs, etag))
        return 0;
    struct buffer png = BUFFER_INIT((size_t)api->config->max_memory);
    rc = draw_mask(api, f, instance, scale, &png, err);
    if (rc) {
        buffer_finish(&png);
        return rc;
    }
    http_respond_owned(rs, 200, "image/png", png.data, (int64_t)png.len);
    snprintf(rs->etag, sizeof rs->etag, "%s", etag);
    return 0;
}

static int get_mask(
    struct api *api, const struct http_request *rq, bool instance, struct http_response *rs, struct error *err)
{
    struct file f;
    int rc = file_open_task(api, rq, false, &f, err);
    if (rc)
        return rc;
    rc = send_mask(api, rq, &f, instance, rs, err);
    file_close(&f);
    return rc;
}

int file_binary_mask(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    return get_mask(opaque, rq, false, rs, err);
}

int file_instance_mask(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    return get_mask(opaque, rq, true, rs, err);
}
