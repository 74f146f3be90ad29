/* From an uploaded file to its artefacts: the only place that knows the order of the stages. Runs inside a sandboxed
 * engine process, so it touches nothing but the file descriptors it is given. */
#ifndef OBSCURA_PIPELINE_PIPELINE_H
#define OBSCURA_PIPELINE_PIPELINE_H

#include "base/error.h"
#include "base/request.h"
#include "detect/detect.h"
#include "media/image.h"

enum pipeline_kind { PIPELINE_IMAGE, PIPELINE_VIDEO };

/* Set for the process's life: what every job of it shares. */
struct pipeline {
    struct detector *detector; /* borrowed */
    struct image_limits limits;
    bool strip_metadata;
    bool keep_data_streams;
    int threads;
    int detect_every;         /* frames of a video from one that the detector looks at to the next; 0: as it fits */
    const char *video_codec;  /* "auto", "h264", "hevc", "vp9", "av1" */
    const char *video_preset; /* of the encoder; NULL: the default */
};

/* One job. The descriptors are the caller's; output ones are empty, seekable and writable. */
struct pipeline_job {
    int input;      /* the upload; seekable */
    int anonymised; /* receives the anonymised image or video; untouched for METHOD_DETECT */
    int result;     /* receives the result file (see pipeline/result.h) */
    const char *id; /* the task's */
    const struct request_options *request;
    /* Called now and then with 0..1; a negative answer cancels the job, which then ends with that code. May be NULL. */
    int (*progress)(void *opaque, double share);
    void *opaque;
};

struct pipeline_report {
    enum pipeline_kind kind;
    char content_type[32]; /* of the anonymised file */
    char warnings[1024];   /* lines separated by '\n'; empty where there are none */
    double seconds;
    struct {
        double decode, detect, redact, encode;
    } stage; /* seconds */
};

/* Finds out from the first bytes what `input` is and runs the image or the video pipeline. -EBADMSG where it is
 * neither. On failure the outputs' contents are to be thrown away. */
int pipeline_run(
    struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *ret_report, struct error *err);

int pipeline_image(
    struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *ret_report, struct error *err);
int pipeline_video(
    struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *ret_report, struct error *err);

#endif
