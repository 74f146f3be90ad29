/* Mask pictures from detections: made when someone asks, from the run-length coded masks. */
#ifndef OBSCURA_REDACT_MASKS_H
#define OBSCURA_REDACT_MASKS_H

#include "base/error.h"
#include "base/request.h"
#include "detect/detection.h"
#include "media/frame.h"

enum mask_palette { MASK_PALETTE_CURRENT, MASK_PALETTE_LEGACY, MASK_PALETTE_LEGACY_R };

struct mask_picture {
    int width, height; /* of the picture the detections are of, px */
    double scale;      /* percent, > 0 .. 100; nearest neighbour, at least 1 px */
    enum mask_palette palette;
};

/* The colour of detection `index` in the instance mask: r, g, b. */
void masks_color(const struct detections *d, size_t index, enum mask_palette palette, unsigned char rgb[3]);

/* 8-bit grey, 255 where pixels were anonymized (or would be, for METHOD_DETECT), without feather; ignored areas 0. */
int masks_binary(const struct detections *d, const struct request_options *request, const struct mask_picture *picture,
    struct frame **ret_frame, struct error *err);

/* 8-bit RGB; colours as the contract says; where objects overlap B is the OR of the types and R, G the smaller one's.
 */
int masks_instance(const struct detections *d, const struct request_options *request,
    const struct mask_picture *picture, struct frame **ret_frame, struct error *err);

#endif
