/* Any bytes through image_decode; what decodes must encode, and decode again to the same size. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "media/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct image_limits limits = {.max_pixels = 1 << 18, .max_side = 4096, .max_memory = 1 << 22};

static void encode(const struct image *image, enum image_format format, bool keep)
{
    struct buffer out = BUFFER_INIT((size_t)64 << 20);
    struct image_encode_options options = {.format = format, .quality = 50, .compress_level = 0, .keep_source = keep};
    struct image *again = NULL;
    struct error err = {0};
    if (image_encode(image, &options, &out, &err) < 0 || image_decode(out.data, out.len, &limits, &again, &err) < 0 ||
        again->frame->width != image->frame->width || again->orientation != 1)
        abort();
    image_destroy(again);
    buffer_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct image *image = NULL;
    struct error err = {0};
    if (image_decode(data, len, &limits, &image, &err) < 0) {
        if (err.text[0] == 0)
            abort(); /* never without a reason */
        return 0;
    }
    encode(image, IMAGE_JPEG, false);
    encode(image, IMAGE_PNG, false);
    if (frame_make_writable(&image->frame) == 0)
        image->frame->planes[0].data[0] ^= 0x55;
    encode(image, IMAGE_JPEG, true);
    image_destroy(image);
    return 0;
}
