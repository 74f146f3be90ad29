/* Detections against annotated photographs in COCO form, in the terms of the project's scoring script: AP50, recall at
 * the default threshold, boxes covered, false positives, and mask IoU of matched objects. */
#ifndef OBSCURA_BENCH_SCORE_H
#define OBSCURA_BENCH_SCORE_H

#include <jansson.h>
#include <stdbool.h>

#include "detect/detection.h"

struct score_row {
    float score;
    bool hit;
};

struct score {
    struct score_row *rows; /* owned; one for each detection that counts */
    size_t len, cap;
    int objects, found, covered, false_positives;
    double mask_iou; /* sum over `masks` */
    int masks;
};

/* Counts one image's detections of a type. `annotations` is the array of the image's annotations; `threshold` the
 * operating point. */
int score_image(
    struct score *s, enum object_type type, json_t *annotations, const struct detections *found, float threshold);
double score_average_precision(struct score *s);
/* The score at which F2 (recall counts twice as much as precision) is best: where a default threshold belongs; 0 if
 * nothing was found. */
double score_best_threshold(struct score *s);
void score_finish(struct score *s);

#endif
