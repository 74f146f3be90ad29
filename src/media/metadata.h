/* Private to media/: what a file says beside its picture, and which of it may be said again.
 *
 * The rule: only what is known to hold no picture goes through. Everything kept is rebuilt or filtered from the
 * original; whatever is not understood, is damaged, or is larger than such things are, is dropped, never an error. All
 * readers here take hostile bytes. */
#ifndef OBSCURA_MEDIA_METADATA_H
#define OBSCURA_MEDIA_METADATA_H

#include <stdio.h>

#include <jpeglib.h>

#include "media/image.h"

/* Asks libjpeg to keep the segments that metadata_from_jpeg looks at. */
void metadata_save_markers(j_decompress_ptr cinfo);

/* After jpeg_read_header, when image->frame has its size (not yet upright): sets image->orientation and the cleaned
 * image->metadata. -ENOMEM */
int metadata_from_jpeg(j_decompress_ptr cinfo, struct image *image);

/* After jpeg_start_compress: writes the segments. */
void metadata_to_jpeg(j_compress_ptr cinfo, const struct image_metadata *metadata);

/* Before jpeg_start_compress: JFIF's density. */
void metadata_set_density(j_compress_ptr cinfo, const struct image_metadata *metadata);

/* The orientation in a TIFF structure (what follows "Exif\0\0" in APP1, or a PNG's eXIf), 1..8; 1 where there is none
 * or it makes no sense. */
int exif_orientation(const uint8_t *tiff, size_t len);

/* These four append the cleaned form to an empty `out`, or nothing where there is nothing to keep. `width`, `height`
 * are those of the upright picture. -ENOMEM */

/* Rebuilds the TIFF structure from IFD0, Exif, GPS and Interoperability IFDs. Dropped: IFD1 (the thumbnail) and every
 * other IFD, MakerNote (makers keep previews there in ways of their own), tags that point at pixels, unknown binary
 * values over 64 bytes, long or binary texts. Orientation becomes 1, sizes are set right. */
int exif_clean(const uint8_t *tiff, size_t len, int width, int height, struct buffer *out);

/* Copies an XMP packet (UTF-8) element by element but for thumbnails, previews, gain and depth maps, motion photos,
 * face regions and the names of who is in the picture, and any value that looks like encoded bytes. What is not
 * well-formed is dropped as a whole. A NUL stands behind what is written, not counted in its length. */
int xmp_clean(const uint8_t *xmp, size_t len, int width, int height, struct buffer *out);

/* Finds the IPTC-IIM record in a Photoshop APP13 segment and keeps its text datasets. */
int iptc_clean(const uint8_t *app13, size_t len, struct buffer *out);

/* Keeps an ICC profile that fits the frame's colours, without what lies behind its end. */
int icc_clean(const uint8_t *icc, size_t len, enum frame_color color, struct buffer *out);

/* True where bytes hold the signature of a picture or film file anywhere. */
bool blob_has_picture(const uint8_t *data, size_t len);

/* True where a text is, or holds, encoded bytes (base64, hexadecimal, base85) of more than a few dozen bytes, or is
 * binary. NULs are skipped, so that UTF-16 is understood. */
bool blob_is_encoded(const uint8_t *text, size_t len);

#endif
