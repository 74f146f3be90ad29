/* The detector: networks, passes, tiling, NMS. One detector belongs to one thread.
 *
 * identity.onnx finds faces and license plates, scene.onnx persons and vehicles with masks; a network none of whose
 * types is asked for is not run. How large the picture is made for each pass is said in docs/MODELS.md with the figures
 * behind it.
 */
#ifndef OBSCURA_DETECT_DETECT_H
#define OBSCURA_DETECT_DETECT_H

#include "base/error.h"
#include "base/request.h"
#include "detect/detection.h"
#include "media/frame.h"

struct detector;

struct detector_options {
    const char *models; /* folder with identity.onnx, scene.onnx, perhaps NAME.int8.onnx; NULL: the embedded ones */
    unsigned types;     /* bits of the types that may be asked for: only their networks are loaded */
    int threads;        /* cores for one run */
    int precision;      /* enum infer_precision */
    int detect_size;    /* longest side given to the identity network's first pass, px; 0: the default */
};

struct detect_params {
    unsigned types;                /* bits */
    float threshold[OBJECT_TYPES]; /* 0..1 */
    bool masks;                    /* false: boxes are enough, masks are not assembled */
    bool video;                    /* one of many frames: the passes of a video (fewer, smaller) */
    double aspect;                 /* a pixel's width by its height as shown; 0: square */
    struct tiling tiling;
};

int detector_create(const struct detector_options *options, struct detector **ret_detector, struct error *err);
void detector_destroy(struct detector *d);

/* Runs every network once for the shapes most pictures have, so that the first picture is not slower (and kernels exist
 * before a sandbox closes). */
int detector_warm_up(struct detector *d, struct error *err);

/* Seconds spent since the detector was made: where the time of a picture goes. */
struct detector_timing {
    double scale;   /* making the networks' inputs */
    double network; /* running them */
    double decode;  /* boxes and suppression */
    double mask;    /* assembling masks */
    double merge;   /* across views and passes */
    int runs;       /* of networks */
};

void detector_timing(const struct detector *d, struct detector_timing *ret_timing);

/* Appends what is found in `f`, best score first within each type. On failure nothing is appended.
 * -EOPNOTSUPP: a type that the detector was made without; nothing is passed over in silence.
 * In a panorama (params->tiling) an object across the seam is two detections, one at each edge, each with its part of
 * the mask. */
int detector_run(struct detector *d, const struct frame *f, const struct detect_params *params, struct detections *out,
    struct error *err);

#endif
