/* Debug drawing: boxes, mask outlines, the type's name and, where asked, the score and track number; readable at any
 * picture size. */
#ifndef OBSCURA_REDACT_DRAW_H
#define OBSCURA_REDACT_DRAW_H

#include "base/error.h"
#include "base/request.h"
#include "detect/detection.h"
#include "media/frame.h"

/* Draws on *f (copied first where shared) every detection, anonymised or not; to be called after redact_frame. Colours:
 * face yellow, license plate cyan, person green, vehicle pink. request->score, bbox and ignores count: even drawing
 * changes no pixel inside an ignored area. -ENOMEM, -ERANGE (a detection without a place). */
int draw_detections(
    struct frame **f, const struct detections *d, const struct request_options *request, struct error *err);

#endif
