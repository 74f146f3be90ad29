/* EXIF: reads the orientation. */
#include "media/metadata.h"

#include <string.h>

struct tiff {
    const uint8_t *data;
    size_t len;
    bool big_endian;
};

static unsigned get16(const struct tiff *t, size_t at)
{
    if (at > t->len || t->len - at < 2)
        return 0;
    const uint8_t *p = t->data + at;
    return t->big_endian ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

static uint32_t get32(const struct tiff *t, size_t at)
{
    if (at > t->len || t->len - at < 4)
        return 0;
    uint32_t a = get16(t, at), b = get16(t, at + 2);
    return t->big_endian ? a << 16 | b : b << 16 | a;
}

int exif_orientation(const uint8_t *tiff, size_t len)
{
    struct tiff t = {.data = tiff, .len = len};
    if (len < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0))
        return 1;
    t.big_endian = tiff[0] == 'M';
    size_t ifd = get32(&t, 4);
    unsigned count = get16(&t, ifd);
    for (unsigned i = 0; i < count; i++) {
        size_t entry = ifd + 2 + 12 * (size_t)i;
        if (get16(&t, entry) != 0x0112)
            continue;
        unsigned v = get16(&t, entry + 8);
        return v >= 1 && v <= 8 ? (int)v : 1;
    }
    return 1;
}
