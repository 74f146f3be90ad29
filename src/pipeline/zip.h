/* A ZIP archive made piece by piece: members are stored, not compressed (PNGs are already). ZIP64 where it grows past
 * the old limits. */
#ifndef OBSCURA_PIPELINE_ZIP_H
#define OBSCURA_PIPELINE_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct zip_entry {
    int64_t offset;
    uint32_t crc, size;
    uint32_t number; /* of the frame, which makes the name */
};

struct zip {
    int64_t written;
    struct zip_entry *entries; /* owned */
    size_t len, cap;
};

void zip_finish(struct zip *z);
/* Appends the member frame-NNNNNNNN.png to `out`. -ENOMEM, -EFBIG (out's cap, or data over 4 GB) */
int zip_add(struct zip *z, uint32_t number, const void *data, size_t len, struct buffer *out);
/* Appends the directory, which ends the archive. */
int zip_end(struct zip *z, struct buffer *out);

#endif
