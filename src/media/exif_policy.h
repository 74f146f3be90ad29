/* Private to media/: which EXIF tags may be kept. */
#ifndef OBSCURA_MEDIA_EXIF_POLICY_H
#define OBSCURA_MEDIA_EXIF_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The IFDs that are kept, in the order in which they may point at each other. */
enum exif_ifd { EXIF_IFD0, EXIF_EXIF, EXIF_INTEROP, EXIF_GPS, EXIF_IFDS };

enum exif_type {
    EXIF_BYTE = 1,
    EXIF_ASCII = 2,
    EXIF_SHORT = 3,
    EXIF_LONG = 4,
    EXIF_UNDEFINED = 7,
    EXIF_UTF8 = 129,
};

#define EXIF_ORIENTATION 0x0112

size_t exif_type_size(unsigned type); /* bytes of one value; 0 for unknown types */

/* The IFD that `tag` of `kind` points at; EXIF_IFD0 where it points at none. */
enum exif_ifd exif_child(enum exif_ifd kind, unsigned tag);

bool exif_is_width(enum exif_ifd kind, unsigned tag); /* tags that repeat the picture's size */
bool exif_is_height(enum exif_ifd kind, unsigned tag);

/* True where a value may be copied as it is. */
bool exif_may_keep(enum exif_ifd kind, unsigned tag, unsigned type, const uint8_t *value, size_t size);

#endif
