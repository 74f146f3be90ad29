/* Any bytes through the metadata cleaners: the first byte chooses which. Cleaning what is clean must change nothing
 * (XMP may shrink: texts on both sides of a dropped element become one). */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int clean(int kind, const uint8_t *data, size_t len, struct buffer *out)
{
    switch (kind) {
    case 0:
        return exif_clean(data, len, 640, 480, out);
    case 1:
        return xmp_clean(data, len, 640, 480, out);
    case 2:
        return iptc_clean(data, len, out);
    default:
        return icc_clean(data, len, FRAME_RGB, out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct buffer once = BUFFER_INIT(1 << 20), twice = BUFFER_INIT(1 << 20);
    if (len == 0)
        return 0;
    int kind = data[0] % 4;
    if (clean(kind, data + 1, len - 1, &once) < 0)
        abort();
    if (once.len > 0 && kind != 2) { /* IPTC comes out without its Photoshop frame */
        if (clean(kind, once.data, once.len, &twice) < 0 || twice.len > once.len || (kind != 1 && twice.len < once.len))
            abort();
        if (twice.len == once.len && memcmp(once.data, twice.data, once.len) != 0)
            abort();
    }
    if (kind == 0 && once.len > 0 && exif_orientation(once.data, once.len) != 1)
        abort();
    buffer_finish(&once);
    buffer_finish(&twice);
    return 0;
}
