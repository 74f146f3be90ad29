/* Private to media/: PNG chunks on their way out. */
#ifndef OBSCURA_MEDIA_PNG_CHUNK_H
#define OBSCURA_MEDIA_PNG_CHUNK_H

#include "base/buffer.h"

/* Begins a chunk of the four-letter type at the buffer's end; its content is appended then, and png_chunk_end sets
 * length and check sum. png_chunk_begin remembers the place in *ret_place. -EFBIG, -ENOMEM */
int png_chunk_begin(struct buffer *out, const char *type, size_t *ret_place);
int png_chunk_end(struct buffer *out, size_t place);

/* A whole chunk. */
int png_chunk_put(struct buffer *out, const char *type, const void *data, size_t len);

/* Appends `data` as a zlib stream, at `level` 0..9. -EFBIG where it does not fit under out->max, -ENOMEM */
int png_deflate(struct buffer *out, const uint8_t *data, size_t len, int level);

void png_put_u32(uint8_t *to, uint32_t v); /* big endian */

#endif
