/* What a client asks of one upload: the query parameters of POST /v1/file in their read form. config.c fills it from
 * its option table (command line and configuration give the defaults, a request overrides them); detect/, redact/ and
 * pipeline/ read it. */
#ifndef OBSCURA_BASE_REQUEST_H
#define OBSCURA_BASE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/object.h"

enum method { METHOD_BLUR, METHOD_PIXELATE, METHOD_BLACKEN, METHOD_DETECT };

enum tiling_kind { TILING_WHOLE, TILING_GRID, TILING_PANO };

/* The parameter `format`. */
struct tiling {
    enum tiling_kind kind;
    int columns, rows;           /* GRID: 1..64 */
    double overlap_x, overlap_y; /* GRID: px where >= 1, share of the tile where < 1 */
    int pano_width;              /* PANO: the width that was named, px */
};

/* An area that stays as it is, px of the upright picture. */
struct ignore_rect {
    int x, y, width, height;
};

#define REQUEST_MAX_IGNORES 256

struct request_options {
    enum method method;
    bool debug, score;
    unsigned types; /* OBJECT_BITs to anonymize */
    bool bbox;      /* boxes instead of masks */
    struct tiling format;
    struct ignore_rect ignores[REQUEST_MAX_IGNORES];
    int ignore_count;
    double threshold[OBJECT_TYPES];      /* 0..1 */
    double gradient_start[OBJECT_TYPES]; /* face and license-plate; the box enlarged by this share is where redaction
                                            begins */
    double gradient_stop[OBJECT_TYPES];  /* the box shrunk by this share is where redaction is full */
    double kernel_size[OBJECT_TYPES];    /* blur kernel: share of the object's size where <= 1, px otherwise */
    bool no_object_tracking;
    bool keep_bit_rate;
    /* Defaults for the file's downloads, which a download's own parameters override. */
    bool save_binary, save_instance;     /* which masks are kept */
    double binary_scale, instance_scale; /* percent, > 0 .. 100 */
    double mask_scale;                   /* percent, > 0 .. 100: what a download gives by default */
    int quality;                         /* JPEG, 1..100 */
    int compress_level;                  /* PNG, 0..9 */
};

#endif
