/* Making objects unrecognisable: feathered masks, and blur, pixelate or blacken inside them, on any frame (RGB, grey,
 * YUV planes).
 *
 * Strength follows the object's size: whatever its size in the picture, what remains is never finer than about 12 x 12
 * cells over the object (a caller's kernel may weaken a blur only where he named one other than the default). The
 * result depends on nothing but the input.
 */
#ifndef OBSCURA_REDACT_REDACT_H
#define OBSCURA_REDACT_REDACT_H

#include "base/error.h"
#include "base/request.h"
#include "detect/detection.h"
#include "media/frame.h"

/* Marks what `ignores` keeps visible: sets `anonymised` of each detection: false where its box lies wholly inside an
 * ignored area, or its type is not among request->types. To be called once, before the calls below. */
void redact_decide(struct detections *d, const struct request_options *request);

/* Redacts every detection whose `anonymised` is set, in place (*f is copied first where shared). request->method, bbox,
 * gradients, kernel sizes and ignores count; METHOD_DETECT changes nothing. No pixel inside an ignored area changes. */
int redact_frame(
    struct frame **f, const struct detections *d, const struct request_options *request, struct error *err);

/* Redacts the whole picture: for what could not be inspected. */
int redact_whole(struct frame **f, enum method method, struct error *err);

#endif
