/* The image pipeline: decode, detect, redact, draw, encode. Fails closed: whatever goes wrong, nothing that could pass
 * for a result is left behind as one (the caller throws the outputs away). */
#include "pipeline/pipeline.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "media/flatten.h"
#include "pipeline/result.h"
#include "redact/draw.h"
#include "redact/redact.h"

#include <stdio.h>
#include <string.h>

#define RESULT_MAX_BYTES ((size_t)1 << 30)

static int write_out(int fd, const struct buffer *out, struct error *err)
{
    int r = file_write(fd, out->data, out->len);
    return r < 0 ? error_set(err, r == -ENOSPC ? r : -EIO, "cannot write the result: %s", strerror(-r)) : 0;
}

/* Seconds since *since, which is moved to now. */
static double lap(int64_t *since)
{
    int64_t now = clock_mono_ns();
    double seconds = (double)(now - *since) * 1e-9;
    *since = now;
    return seconds;
}

static void warn(struct pipeline_report *report, const char *text)
{
    size_t used = strlen(report->warnings);
    snprintf(report->warnings + used, sizeof report->warnings - used, "%s%s", used ? "\n" : "", text);
}

static void fill_params(const struct request_options *request, struct detect_params *params)
{
    *params = (struct detect_params){.types = request->types, .masks = true, .tiling = request->format};
    for (int t = 0; t < OBJECT_TYPES; t++)
        params->threshold[t] = (float)request->threshold[t];
}

/* Decodes from the mapped file, so that an upload is never copied as a whole. */
static int decode(struct pipeline *p, int fd, struct image **ret_image, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_set(err, -EIO, "cannot read the upload: %s", strerror(errno));
    if (st.st_size == 0)
        return error_set(err, -EBADMSG, "the file is empty");
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return error_set(err, -EIO, "cannot read the upload: %s", strerror(errno));
    int r = image_decode(data, (size_t)st.st_size, &p->limits, ret_image, err);
    munmap(data, (size_t)st.st_size);
    return r;
}

static int redact(
    struct image *image, struct detections *found, const struct request_options *request, struct error *err)
{
    redact_decide(found, request);
    int r = request->method == METHOD_DETECT ? 0 : redact_frame(&image->frame, found, request, err);
    if (r == 0 && request->debug)
        r = draw_detections(&image->frame, found, request, err);
    return r;
}

static int encode(struct pipeline *p, const struct pipeline_job *job, const struct image *image, struct error *err)
{
    if (job->request->method == METHOD_DETECT)
        return 0;
    struct image_encode_options options = {.format = image->format,
        .quality = job->request->quality,
        .compress_level = job->request->compress_level,
        .strip_metadata = p->strip_metadata,
        /* Who names no quality gets the upload's own wherever nothing was redacted. */
        .keep_source = job->request->quality == IMAGE_DEFAULT_QUALITY};
    struct buffer out = BUFFER_INIT(RESULT_MAX_BYTES * 4);
    int r = image_encode(image, &options, &out, err);
    if (r == 0)
        r = write_out(job->anonymised, &out, err);
    buffer_finish(&out);
    return r;
}

static int store_result(const struct pipeline_job *job, const struct result *result, struct error *err)
{
    struct buffer out = BUFFER_INIT(RESULT_MAX_BYTES);
    int r = result_to_json(result, &out);
    r = r < 0 ? error_set(err, r, "cannot keep the detections: %s", strerror(-r)) : write_out(job->result, &out, err);
    buffer_finish(&out);
    return r;
}

/* An equirectangular format names a width; another one is tiled by what the picture really has. */
static void check_pano(const struct request_options *request, const struct frame *f, struct pipeline_report *report)
{
    char text[128];
    if (request->format.kind != TILING_PANO || request->format.pano_width == f->width)
        return;
    snprintf(text, sizeof text,
        "format names a panorama %d px wide, the picture has %d px: tiled by the picture's width",
        request->format.pano_width, f->width);
    warn(report, text);
}

/* What viewers see is what has to be looked at and redacted. */
static int flatten(struct image *image, struct pipeline_report *report, struct error *err)
{
    if (!frame_alpha_is_picture(image->frame))
        return 0;
    warn(report, "the picture is drawn by its transparency: it was put on white, to be looked at as it is seen");
    int r = frame_flatten(&image->frame);
    return r < 0 ? error_set(err, r, "cannot put the picture on white: %s", strerror(-r)) : 0;
}

int pipeline_image(
    struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *report, struct error *err)
{
    int64_t begin = clock_mono_ns(), since = begin;
    struct image *image = NULL;
    struct result result = {0};
    struct detect_params params;
    int r = decode(p, job->input, &image, err);
    if (r < 0)
        goto out;
    report->kind = PIPELINE_IMAGE;
    report->stage.decode = lap(&since);
    if ((r = flatten(image, report, err)) < 0)
        goto out;
    check_pano(job->request, image->frame, report);
    fill_params(job->request, &params);
    if ((r = detector_run(p->detector, image->frame, &params, &result.detections, err)) < 0)
        goto out;
    report->stage.detect = lap(&since);
    if (job->progress && (r = job->progress(job->opaque, 0.5)) < 0)
        goto out;
    if ((r = redact(image, &result.detections, job->request, err)) < 0)
        goto out;
    report->stage.redact = lap(&since);
    if ((r = encode(p, job, image, err)) < 0)
        goto out;
    report->stage.encode = lap(&since);
    result.width = image->frame->width;
    result.height = image->frame->height;
    result.seconds = report->seconds = (double)(clock_mono_ns() - begin) * 1e-9;
    snprintf(report->content_type, sizeof report->content_type, "%s", image_format_content_type(image->format));
    strcpy(result.content_type, report->content_type);
    r = store_result(job, &result, err);
out:
    result_finish(&result);
    image_destroy(image);
    return r;
}
