/* Writing, reading and combining run-length coded masks, row by row: no whole bitmap is ever needed. */
#ifndef OBSCURA_DETECT_MASK_H
#define OBSCURA_DETECT_MASK_H

#include "detect/detection.h"

/* Collects rows into a mask. After mask_writer_begin, exactly one of mask_writer_end and mask_writer_abort is called.
 */
struct mask_writer {
    struct mask *mask; /* owned until the end */
    size_t cap;        /* runs there is room for */
    bool value;        /* of the run being counted */
    uint32_t run;      /* its length so far */
};

int mask_writer_begin(struct mask_writer *w, int x, int y, int width, int height); /* -EINVAL, -ENOMEM */
int mask_writer_row(struct mask_writer *w, const uint8_t *bits); /* mask->width bytes, 0 or not; -ENOMEM */
int mask_writer_end(
    struct mask_writer *w, struct mask **ret_mask); /* after mask->height rows; -ENOMEM (then nothing is left) */
void mask_writer_abort(struct mask_writer *w);      /* frees what was collected */

/* Goes through a mask's rows from the top. */
struct mask_reader {
    const struct mask *mask; /* borrowed */
    size_t next;             /* run after the current one */
    uint32_t left;           /* pixels left of the current run */
    bool value;              /* of the current run */
};

void mask_reader_begin(struct mask_reader *r, const struct mask *m);
/* Sets `value` in out[0 .. width) where the next row is 1 and leaves the rest: rows of several masks may be joined. */
void mask_reader_row(struct mask_reader *r, uint8_t value, uint8_t *out);

uint64_t mask_count(const struct mask *m); /* pixels that are 1 */

/* Pixels that are 1 in both, where b is moved right by dx. -ENOMEM */
int mask_count_common(const struct mask *a, const struct mask *b, int dx, uint64_t *ret_count);

/* A new mask over both rectangles, 1 where either is. */
int mask_union(const struct mask *a, const struct mask *b, struct mask **ret_mask); /* -ENOMEM */

/* The columns x1 <= x < x2 (of the picture) of a mask; they must overlap its rectangle. */
int mask_crop_columns(const struct mask *m, int x1, int x2, struct mask **ret_mask); /* -ENOMEM, -EINVAL */

/* The ellipse that fills a box, over the columns x1 <= x < x2. */
int mask_ellipse(const struct box *box, int x1, int x2, struct mask **ret_mask); /* -ENOMEM, -EINVAL */

/* Every pixel that a box touches. */
int mask_rectangle(const struct box *box, struct mask **ret_mask); /* -ENOMEM, -EINVAL */

#endif
