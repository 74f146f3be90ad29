/* See convert.h. */
#include "api/convert.h"

#include <string.h>
#include <unistd.h>

int convert_read(int fd, int64_t size, struct buffer *b, struct error *err)
{
    int rc = (uint64_t)size > b->max ? -EFBIG : buffer_reserve(b, (size_t)size);
    while (!rc && b->len < (size_t)size) {
        ssize_t n = pread(fd, b->data + b->len, (size_t)size - b->len, (off_t)b->len);
        if (n > 0)
            b->len += (size_t)n;
        else if (n == 0 || errno != EINTR)
            rc = -EIO;
    }
    close(fd);
    if (rc == -EFBIG)
        return error_set(err, -EIO, "the stored file is larger than expected (%lld bytes)", (long long)size);
    return rc ? error_set(err, rc, rc == -ENOMEM ? "out of memory" : "the stored file cannot be read") : 0;
}

int convert_image(struct api *api, int fd, int64_t size, const struct image_encode_options *options, struct buffer *out,
    struct error *err)
{
    const struct config *config = api->config;
    const struct image_limits limits = {
        .max_pixels = config->max_pixels, .max_side = (int)config->max_side, .max_memory = config->max_memory};
    struct buffer stored = BUFFER_INIT((size_t)config->max_memory);
    struct image *image = NULL;
    while (sem_wait(&api->conversions) && errno == EINTR)
        continue;
    int rc = convert_read(fd, size, &stored, err);
    if (!rc)
        rc = image_decode(stored.data, stored.len, &limits, &image, err);
    buffer_finish(&stored);
    if (!rc)
        rc = image_encode(image, options, out, err);
    image_destroy(image);
    sem_post(&api->conversions);
    if (rc && rc != -ENOMEM)
        rc = error_set(err, -EIO, "the stored image cannot be converted"); /* our file: whatever is wrong with it is no
                                                                              fault of the client's */
    return rc;
}
