/* Makes JPEG and PNG files of every kind for tests, with libjpeg and libspng alone (not with what is under test). */
#ifndef OBSCURA_TESTS_MEDIA_FILES_H
#define OBSCURA_TESTS_MEDIA_FILES_H

#include <stdbool.h>

#include "base/buffer.h"
#include "media/frame.h"

struct jpeg_segment {
    int marker; /* e.g. 0xe1 for APP1 */
    const void *data;
    size_t len;
};

struct jpeg_spec {
    int width, height;
    int components; /* 1, 3 or 4 */
    bool ycck;      /* 4 components: YCCK rather than CMYK */
    bool rgb;       /* 3 components: stored as RGB, not YCbCr */
    bool no_adobe;  /* 4 components: without Adobe's marker, so not inverted */
    bool arithmetic;
    int h, v; /* luma sampling; 0 is 1 */
    bool progressive;
    int restart; /* MCU rows between restart markers; 0: none */
    int quality; /* 0 is 95 */
    const struct jpeg_segment *segments;
    int segment_count;
};

/* A smooth picture with a little of everything: sample c of pixel (x, y), 0..255. */
uint8_t media_files_sample(int x, int y, int c, int width, int height);

/* The smooth picture as JPEG. CMYK files hold it as inks. */
void media_files_jpeg(const struct jpeg_spec *spec, struct buffer *out);

/* Any 8-bit RGB or grey frame as JPEG, 4:4:4. */
void media_files_jpeg_of(const struct frame *f, int quality, struct buffer *out);

struct png_chunk {
    char type[5];
    const void *data;
    size_t len;
    bool behind; /* after the picture rather than before it */
};

struct png_spec {
    int width, height;
    int color_type, bit_depth; /* PNG's own numbers */
    bool interlaced;
    bool trns; /* grey and RGB: the sample of pixel (0, 0); palette: entry i has alpha i */
    const struct png_chunk *chunks;
    int chunk_count;
};

/* The smooth picture as PNG: samples are those of media_files_sample cut or stretched to the depth; a palette file
 * uses grey entries, entry i being the depth's i-th grey. */
void media_files_png(const struct png_spec *spec, struct buffer *out);

/* Inserts a chunk with its length and check sum. */
void media_files_insert_chunk(struct buffer *png, size_t at, const char *type, const void *data, size_t len);

#endif
