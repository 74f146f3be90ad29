/* Still images: JPEG and PNG from bytes to an upright frame and back, with the metadata that may be kept.
 *
 * Decoding finds the format from the bytes, applies the EXIF orientation (the frame is as shown) and enforces limits
 * before memory is taken. Grey stays grey, 16 bits stay 16, alpha stays; CMYK and YCCK come out as RGB; palettes come
 * out as RGB(A). Encoding never carries original pixels: EXIF thumbnails, MPF, JFXX, Photoshop IRBs, XMP previews,
 * trailers are not in struct image_metadata.
 */
#ifndef OBSCURA_MEDIA_IMAGE_H
#define OBSCURA_MEDIA_IMAGE_H

#include "base/buffer.h"
#include "media/frame.h"

enum image_format { IMAGE_NONE, IMAGE_JPEG, IMAGE_PNG };

/* Nothing can be found, or recognised, in a picture with a shorter side, and ratios such as 30,000 x 1 only serve to
 * break things: refused with -EINVAL. */
#define IMAGE_MIN_SIDE 8 /* px */

struct jpeg_source;

struct image_limits {
    int64_t max_pixels; /* width * height */
    int max_side;       /* px */
    int64_t max_memory; /* bytes of decoded samples */
};

/* PNG's cICP, gAMA, cHRM and sRGB as they stand in the file (values times 100,000). */
struct image_png_color {
    bool has_gamma, has_primaries, has_srgb, has_coding;
    uint32_t gamma;
    uint32_t primaries[8]; /* white x, y, red x, y, green x, y, blue x, y */
    uint8_t intent;
    uint8_t coding[4]; /* ITU-T H.273: colour primaries, transfer, matrix (0: RGB), full range; of HDR pictures */
};

/* One text of a PNG, UTF-8 or Latin-1 as it was. */
struct image_text {
    bool utf8;
    char keyword[80]; /* Latin-1, 1 to 79 bytes */
    char *text;       /* owned */
};

/* What is kept of the file's metadata, already cleaned of pictures: opaque blobs, each empty where absent. Owned. */
struct image_metadata {
    struct buffer exif; /* TIFF structure rebuilt: Orientation 1, GPS kept; without thumbnail and MakerNote */
    struct buffer icc;
    struct buffer xmp;          /* packet without embedded pictures; Orientation 1 */
    struct buffer iptc;         /* IPTC-IIM text datasets, as in a Photoshop IRB; only JPEG carries them */
    struct image_png_color png; /* PNG's own colour chunks */
    struct image_text *texts;   /* PNG's text chunks */
    size_t text_count;
    int density_x, density_y,
        density_unit; /* JFIF / pHYs; 0 where unknown. Unit: 0 ratio, 1 per inch, 2 per cm (JFIF's) */
};

struct image {
    enum image_format format;
    struct frame *frame; /* owned; upright */
    int orientation;     /* EXIF orientation that was applied, 1..8 */
    int jpeg_h, jpeg_v;  /* luma sampling factors of a JPEG source (2,2 = 4:2:0), for writing it the same way */
    bool progressive;
    struct image_metadata metadata;
    /* Of a JPEG that is stored upright: its coefficients and the frame as decoded, for keep_source. NULL otherwise. */
    struct jpeg_source *source; /* owned */
    struct frame *original;     /* a reference: changing `frame` copies it first */
};

/* The format by the leading bytes alone. */
enum image_format image_probe(const uint8_t *data, size_t len);

const char *image_format_content_type(enum image_format format); /* "image/jpeg", "image/png" */

/* -EBADMSG: damaged, truncated, or not an image; -EINVAL: a side under IMAGE_MIN_SIDE; -EFBIG: over a limit;
 * -EOPNOTSUPP: a kind of JPEG or PNG that cannot be read; -ENOMEM. Damage to the picture's data and a file that ends
 * too early are errors, not half a picture; harmless oddities (bytes between segments, unknown ones) are accepted. */
int image_decode(
    const uint8_t *data, size_t len, const struct image_limits *limits, struct image **ret_image, struct error *err);

/* What the API promises where nobody names a quality. */
#define IMAGE_DEFAULT_QUALITY 90

struct image_encode_options {
    enum image_format format;
    int quality;        /* JPEG, 1..100 */
    int compress_level; /* PNG, 0..9 */
    bool strip_metadata;
    /* JPEG: take every 8 x 8 block of which no pixel was changed since decoding from the source as it was coded, and
     * code the others with the source's own quantisation tables. Nothing outside what was redacted loses quality, and
     * neither size nor look changes. No block with a changed pixel keeps any of its original coefficients (chroma
     * blocks that cover several luma blocks included), nor does one that reaches over the edge. Works for grey, YCbCr
     * and RGB JPEGs stored upright; others are encoded as without it, at `quality`. What was replaced in the image's
     * source stays so: change the frame, then encode it this way, once. */
    bool keep_source;
};

/* Writes image->frame with image->metadata into `out`. JPEG keeps the source's chroma sampling where the source was a
 * JPEG, else 4:4:4 at quality >= 90 and 4:2:0 below; alpha and 16 bits are dropped for JPEG (alpha over white). */
int image_encode(
    const struct image *image, const struct image_encode_options *options, struct buffer *out, struct error *err);

/* Writes a bare frame (a mask) as PNG. */
int image_encode_png(const struct frame *f, int compress_level, struct buffer *out, struct error *err);

void image_destroy(struct image *image);

#endif
