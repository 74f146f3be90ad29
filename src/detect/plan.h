/* Where and how finely a picture is looked at: views (parts of the picture) and, in each, passes (sizes at which a
 * network sees it). The figures behind the sizes are in docs/MODELS.md. Pure arithmetic: nothing here runs a network.
 */
#ifndef OBSCURA_DETECT_PLAN_H
#define OBSCURA_DETECT_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/request.h"

#define PLAN_MAX_PASSES 3

/* Sides of a view that lie inside the picture: an object there may go on beyond. */
enum { SIDE_LEFT = 1, SIDE_TOP = 2, SIDE_RIGHT = 4, SIDE_BOTTOM = 8 };

/* One run of a network over a view scaled to width x height. */
struct pass {
    int width, height; /* px of the network's input, without padding */
    bool mirrored;     /* left and right change places in the input: what the network makes of it errs otherwise */
    float longest_min; /* boxes taken: longer side above it, px of the input */
    float longest_min_alone; /* the same, of types whose passes do not agree on a score (view.c) */
    float longest_max;       /* and below this; 0: no limit */
    float say_max;           /* larger ones below this have a say in the scores of what other passes take; 0: none */
    float reach; /* px of the picture: longest side of an object that this pass can be trusted to see as one */
};

struct view {
    int x, y, width,
        height;     /* px of the picture; x + width may pass the right edge of a panorama: it goes on at the left */
    unsigned inner; /* SIDE_ bits */
    int pass_count;
    struct pass passes[PLAN_MAX_PASSES];
};

enum plan_kind { PLAN_IDENTITY, PLAN_SCENE };

struct plan_options {
    enum plan_kind kind;
    struct tiling tiling;
    int detect_size; /* identity: longest side of the finest pass, px; 0: the default */
    bool video;
    double aspect; /* a pixel's width by its height as shown; 0: square. Networks see pictures in square pixels */
};

struct plan {
    struct view *views; /* owned; the whole picture is the first */
    size_t count;
    bool merge; /* several views or passes may see one object in ways that suppression within a view does not settle */
    bool wraps; /* left and right edge of the picture meet */
};

/* width, height: of the picture, >= 1. -EINVAL (a tiling that makes no sense), -ENOMEM */
int plan_make(const struct plan_options *options, int width, int height, struct plan *ret_plan);
void plan_finish(struct plan *plan);

#endif
