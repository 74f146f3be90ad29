/* Private to media/: what a file says beside its picture, and which of it may be said again.
 *
 * The rule: only what is known to hold no picture goes through. Everything kept is rebuilt or filtered from the
 * original; whatever is not understood, is damaged or is larger than such things are is dropped, never an error. */
#ifndef OBSCURA_MEDIA_METADATA_H
#define OBSCURA_MEDIA_METADATA_H

#include <stdio.h>

#include <jpeglib.h>

#include "media/image.h"

/* Asks libjpeg to keep the segments that metadata_from_jpeg looks at. */
void metadata_save_markers(j_decompress_ptr cinfo);

/* After jpeg_read_header: sets image->orientation and the cleaned image->metadata. -ENOMEM */
int metadata_from_jpeg(j_decompress_ptr cinfo, struct image *image);

/* After jpeg_start_compress: writes the segments. */
void metadata_to_jpeg(j_compress_ptr cinfo, const struct image_metadata *metadata);

/* The orientation in a TIFF structure (what follows "Exif\0\0" in APP1, or a PNG's eXIf), 1..8; 1 where there is none
 * or it makes no sense. */
int exif_orientation(const uint8_t *tiff, size_t len);

#endif
