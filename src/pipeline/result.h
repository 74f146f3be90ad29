/* The result file: what was found in an upload, kept beside the anonymised file. Masks are run-length coded in it;
 * metadata and mask pictures are made from it when someone asks.
 *
 * An image's result is one JSON object: {"width","height","seconds","content_type","detections":[...]}. A detection is
 * {"type","score","box":[x1,y1,x2,y2],"offset":[x,y],"anonymised","track","mask":{"x","y","width","height","runs"}},
 * runs being base64 of LEB128 numbers. Video results (video_result.h) hold the same detection objects, one line a
 * frame.
 */
#ifndef OBSCURA_PIPELINE_RESULT_H
#define OBSCURA_PIPELINE_RESULT_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/request.h"
#include "detect/detection.h"
#include "redact/masks.h"

struct result {
    int width, height;     /* of the upright picture, px */
    double seconds;        /* of processing */
    char content_type[32]; /* of the anonymised file */
    struct detections detections;
};

void result_finish(struct result *r);

int result_to_json(const struct result *r, struct buffer *out);
int result_from_json(
    const char *json, size_t len, struct result *ret_result, struct error *err); /* -EIO: not a result */

/* One detection, for both kinds of result. */
int result_detection_pack(const struct detection *d, json_t **ret_object);
int result_detection_unpack(const json_t *object, struct detection *ret_detection);

/* How the API shows detections (metadata). */
struct result_view {
    const char *id;       /* the file's id in the metadata: the task's id with the file's extension */
    const char *filename; /* as the client named it; NULL or empty: the id */
    const char *folder;   /* NULL: null */
    const struct request_options *request;
    enum mask_palette palette;
};

/* The detections as the reference's metadata list them; `parent` (a new reference is taken each time) is the
 * parent_image: file name or frame number. */
int result_metadata_list(const struct detections *d, const struct result_view *view, json_t *parent, json_t **ret_list);

/* The whole metadata document of an image. The text is the caller's. */
int result_metadata(const struct result *r, const struct result_view *view, char **ret_json);

#endif
