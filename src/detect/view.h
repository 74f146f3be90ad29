/* One look at a part of a picture: the passes of a view, their boxes together, and masks for those that stay. */
#ifndef OBSCURA_DETECT_VIEW_H
#define OBSCURA_DETECT_VIEW_H

#include "detect/detect.h"
#include "detect/merge.h"
#include "detect/network.h"
#include "detect/segment.h"

/* Memory that is kept from one view to the next. Zero-initialised. */
struct workspace {
    uint8_t *canvas; /* owned; the network's input */
    size_t canvas_cap;
    struct candidates candidates;
    struct prototypes prototypes[PLAN_MAX_PASSES];
    struct detector_timing timing;
};

void workspace_finish(struct workspace *w);

/* Appends what the network finds in the view, in px of the picture (in a panorama x may pass its right edge). */
int view_run(struct workspace *w, struct network *n, const struct frame *f, const struct view *view,
    const struct detect_params *params, struct parts *out, struct error *err);

#endif
