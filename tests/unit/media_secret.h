/* A recognisable picture that must not get through, in the forms in which files hide pictures, and a search for it. */
#ifndef OBSCURA_TESTS_MEDIA_SECRET_H
#define OBSCURA_TESTS_MEDIA_SECRET_H

#include <stdbool.h>

#include "base/buffer.h"

struct secret {
    struct buffer jpeg, png; /* the picture as files */
    struct buffer raw;       /* its RGB samples */
    struct buffer base64;    /* of jpeg, in lines of 76 characters */
    struct buffer hex;       /* of jpeg, in lines of 72 characters, as ImageMagick writes them */
};

void secret_create(struct secret *s);
void secret_destroy(struct secret *s);

/* The first trace of the secret in a file: its bytes in any of the forms (also in a PNG's packed chunks), or any
 * picture inside the file whose header can be read. NULL where there is none. */
const char *secret_find(const struct secret *s, const uint8_t *file, size_t len);

/* A TIFF structure under construction, as EXIF uses it; little endian. */
struct tiff_entry {
    unsigned tag, type; /* type as in the standard: 1 BYTE, 2 ASCII, 3 SHORT, 4 LONG, 5 RATIONAL, 7 UNDEFINED */
    uint32_t count;
    const void *data; /* NULL: `number` */
    uint32_t number;
};

/* Appends an IFD and its values; entries of a number only. Returns its place in `out`. */
uint32_t tiff_put_ifd(struct buffer *out, const struct tiff_entry *entries, int count, uint32_t next);
void tiff_begin(struct buffer *out);
void tiff_end(struct buffer *out, uint32_t ifd0);

#endif
