/* From a network's outputs to candidate boxes, and from these to the ones that stay: head decoding and non-maximum
 * suppression.
 *
 * The head is anchor-free: every cell of every stride gives a logit for each class and the distances from the cell's
 * centre to the box's four sides (in strides), as in FCOS (Tian et al. 2019). */
#ifndef OBSCURA_DETECT_HEAD_H
#define OBSCURA_DETECT_HEAD_H

#include "detect/detection.h"
#include "infer/infer.h"

/* What one run of the network makes of an object. */
struct sighting {
    float score; /* 0..1 */
    int pass;    /* which run: the caller's number */
    size_t coef; /* its first mask coefficient in candidates.coefs */
};

/* Candidates compete among themselves only within their class. */
struct candidate {
    struct box box; /* px of the picture */
    float score;    /* 0..1: at first that of `best` */
    int type;       /* enum object_type */
    int class;      /* of the network */
    bool says_only; /* not to be kept itself, but its score counts in those of others */
    struct sighting best;
    struct sighting second; /* by another pass that agrees; score 0: there is none */
};

struct candidates {
    struct candidate *items; /* owned */
    size_t len, cap;
    float *coefs; /* owned; coef_count of them for each candidate that ever was */
    size_t coef_len, coef_cap;
    int coef_count; /* mask coefficients a candidate, 0 without masks */
};

void candidates_finish(struct candidates *c);
void candidates_clear(struct candidates *c); /* empties, keeps the memory */

/* The outputs of one stride. */
struct head_level {
    const struct infer_output *cls, *box;
    const struct infer_output *coef; /* NULL without masks */
    int stride;                      /* px of the network's input a cell */
};

/* How the network's input lies in the picture, and what is wanted of it. */
struct head_window {
    float origin_x, origin_y;        /* px of the picture at the input's top left corner */
    float scale_x, scale_y;          /* px of the picture for each px of the input; scale_x < 0: a mirrored one */
    int width, height;               /* of the input without its padding: boxes are clipped to that */
    float longest_min[OBJECT_TYPES]; /* boxes whose longer side, px of the input, is not above it are left out */
    float longest_max;               /* and those whose longer side is not below this; 0: no limit */
    float say_max;                   /* of these the ones below this only have a say */
    const int *types;                /* of each class: enum object_type, or -1 for a class that nobody asked for */
    const float *threshold;          /* 0..1, by object type: lower scores are left out */
    int pass;                        /* for struct sighting */
};

/* Appends a level's candidates. The outputs' shapes have been checked by the caller. -ENOMEM */
int head_decode(const struct head_level *level, const struct head_window *window, struct candidates *out);

/* Candidates below this share of the best one's score have no say in its box and its score. */
#define NMS_SAY_SHARE 0.5f

/* A pass that gave candidates. Longer sides of objects, px of the picture; 0: no limit. */
struct nms_sight {
    float px;          /* of the picture for each px of the pass's input */
    float least, most; /* it can be expected to see objects of these */
};

struct nms_rules {
    float iou;      /* candidates of a type that overlap a better one by this or more are dropped; 0.6 at most */
    bool votes;     /* a kept box becomes the mean, weighted by score, of the candidates that nearly agree with it */
    unsigned agree; /* OBJECT_BIT()s of the types whose scores the passes have to agree on */
    const struct nms_sight *passes; /* by sighting.pass; may be NULL where there is one pass */
    int pass_count;
    float threshold[OBJECT_TYPES]; /* what ends below it is dropped, after it had its say in others */
};

/* Non-maximum suppression. What stays is sorted by type, then by falling score. Where an object can be expected to be
 * seen by several passes, its score becomes their mean, as in test-time augmentation, weighted by how large each sees
 * it, up to 192 px; a pass that sees less than half of the best one's score there, or nothing, counts 0.3 of it.
 * Of those that see more the best becomes `second`. -ENOMEM */
int nms_run(struct candidates *c, const struct nms_rules *rules);

#endif
