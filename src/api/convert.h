/* Anonymised images in another format or quality than they are stored in (private to api/). */
#ifndef OBSCURA_API_CONVERT_H
#define OBSCURA_API_CONVERT_H

#include "api/context.h"
#include "media/image.h"

/* Reads a whole file into memory; b->max bounds it. Closes fd. */
int convert_read(int fd, int64_t size, struct buffer *b, struct error *err);

/* Decodes the image behind fd (which it closes) and encodes it by `options` into `out`. */
int convert_image(struct api *api, int fd, int64_t size, const struct image_encode_options *options, struct buffer *out,
    struct error *err);

#endif
