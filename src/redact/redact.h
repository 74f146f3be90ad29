/* Making objects unrecognisable: blur, pixelate or blacken inside feathered regions, on any frame (RGB, grey, YUV
 * planes, 8 to 16 bits).
 *
 * Strength follows the object's size: whatever its size in the picture, what remains is never finer than about 12 x 12
 * cells over the object (a kernel smaller than the default weakens a blur in proportion). The result depends on nothing
 * but the input, not even on the detections' order. Strength: cells.h. Shapes and feather: region.h. What is promised:
 * docs/PRIVACY.md. */
#ifndef OBSCURA_REDACT_REDACT_H
#define OBSCURA_REDACT_REDACT_H

#include "base/error.h"
#include "base/request.h"
#include "detect/detection.h"
#include "media/frame.h"

/* Sets `anonymised` of each detection: false where its box lies wholly inside the ignored areas (one, or several
 * together), or its type is not among request->types. An object that sticks out of them is anonymised: redacted
 * outside, visible inside. To be called once, before the calls below; METHOD_DETECT makes no difference ("would be
 * anonymised"). */
void redact_decide(struct detections *d, const struct request_options *request);

/* Redacts every detection whose `anonymised` is set, in place (*f is copied first where shared). request->method, bbox,
 * gradients, kernel sizes and ignores count; METHOD_DETECT changes nothing. No pixel inside an ignored area changes,
 * nor any alpha. -ENOMEM; -ERANGE where a detection has no place (a box that is not a number, and no mask). After a
 * failure *f is valid but must not be shown: it may be half done. */
int redact_frame(
    struct frame **f, const struct detections *d, const struct request_options *request, struct error *err);

/* Redacts the whole picture, for what could not be inspected: at most 12 cells across for METHOD_BLUR and
 * METHOD_PIXELATE, else black. -ENOMEM; the same holds for *f after a failure. */
int redact_whole(struct frame **f, enum method method, struct error *err);

#endif
