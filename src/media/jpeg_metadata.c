/* Metadata in JPEG segments. See metadata.h. */
#include "media/metadata.h"

#include <stdlib.h>
#include <string.h>

#define APP(n) (JPEG_APP0 + (n))
#define MAX_SEGMENT 65533 /* bytes of a segment's content */

static const char exif_head[] = "Exif\0"; /* and the literal's own NUL: six bytes */
static const char xmp_head[] = "http://ns.adobe.com/xap/1.0/";

void metadata_save_markers(j_decompress_ptr cinfo)
{
    jpeg_save_markers(cinfo, APP(1), 0xffff);
    jpeg_save_markers(cinfo, APP(2), 0xffff);
    jpeg_save_markers(cinfo, APP(13), 0xffff);
}

/* The content behind `head` (its NUL included) where the segment is one of those; empty otherwise. */
static size_t content_of(jpeg_saved_marker_ptr m, int marker, const char *head, size_t head_len, const uint8_t **ret)
{
    if (m->marker != marker || m->data_length <= head_len || memcmp(m->data, head, head_len) != 0)
        return 0;
    *ret = m->data + head_len;
    return m->data_length - head_len;
}

/* Looks at one segment; the first of each kind counts. */
static int take_segment(jpeg_saved_marker_ptr m, struct image *image, int width, int height)
{
    struct image_metadata *to = &image->metadata;
    const uint8_t *p = NULL;
    size_t len = content_of(m, APP(1), exif_head, sizeof exif_head, &p);
    if (len && to->exif.len == 0)
        return exif_clean(p, len, width, height, &to->exif);
    len = content_of(m, APP(1), xmp_head, sizeof xmp_head, &p);
    if (len && to->xmp.len == 0)
        return xmp_clean(p, len, width, height, &to->xmp);
    if (m->marker == APP(13) && to->iptc.len == 0)
        return iptc_clean(m->data, m->data_length, &to->iptc);
    return 0;
}

static int take_icc(j_decompress_ptr cinfo, struct image *image)
{
    JOCTET *icc = NULL;
    unsigned len = 0;
    if (!jpeg_read_icc_profile(cinfo, &icc, &len))
        return 0;
    int r = icc_clean(icc, len, image->frame->color, &image->metadata.icc);
    free(icc);
    return r;
}

int metadata_from_jpeg(j_decompress_ptr cinfo, struct image *image)
{
    for (jpeg_saved_marker_ptr m = cinfo->marker_list; m; m = m->next) {
        const uint8_t *tiff = NULL;
        size_t len = content_of(m, APP(1), exif_head, sizeof exif_head, &tiff);
        if (!len)
            continue;
        image->orientation = exif_orientation(tiff, len);
        break;
    }
    bool swap = image->orientation >= 5;
    int width = swap ? image->frame->height : image->frame->width;
    int height = swap ? image->frame->width : image->frame->height;
    int r = 0;
    for (jpeg_saved_marker_ptr m = cinfo->marker_list; m && r == 0; m = m->next)
        r = take_segment(m, image, width, height);
    if (r == 0)
        r = take_icc(cinfo, image);
    if (cinfo->saw_JFIF_marker) {
        image->metadata.density_unit = cinfo->density_unit;
        image->metadata.density_x = cinfo->X_density;
        image->metadata.density_y = cinfo->Y_density;
    }
    return r;
}

void metadata_set_density(j_compress_ptr cinfo, const struct image_metadata *metadata)
{
    if (metadata->density_x <= 0 || metadata->density_y <= 0)
        return;
    cinfo->density_unit = (UINT8)metadata->density_unit;
    cinfo->X_density = (UINT16)metadata->density_x;
    cinfo->Y_density = (UINT16)metadata->density_y;
}

static void put_bytes(j_compress_ptr cinfo, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++)
        jpeg_write_m_byte(cinfo, p[i]);
}

/* One segment of a head and a body, where they fit. */
static void put_segment(j_compress_ptr cinfo, int marker, const void *head, size_t head_len, const struct buffer *body)
{
    if (body->len == 0 || body->len > MAX_SEGMENT - head_len - 1)
        return;
    size_t pad = marker == APP(13) ? body->len % 2 : 0; /* Photoshop's resources are even */
    jpeg_write_m_header(cinfo, marker, (unsigned)(head_len + body->len + pad));
    put_bytes(cinfo, head, head_len);
    put_bytes(cinfo, body->data, body->len);
    if (pad)
        jpeg_write_m_byte(cinfo, 0);
}

void metadata_to_jpeg(j_compress_ptr cinfo, const struct image_metadata *metadata)
{
    uint8_t irb[26] = "Photoshop 3.0\0" /* with its NUL */ "8BIM\x04\x04\0\0";
    uint32_t len = (uint32_t)metadata->iptc.len;
    for (int i = 0; i < 4; i++)
        irb[22 + i] = (uint8_t)(len >> (24 - 8 * i));
    put_segment(cinfo, APP(1), exif_head, sizeof exif_head, &metadata->exif);
    put_segment(cinfo, APP(1), xmp_head, sizeof xmp_head, &metadata->xmp);
    put_segment(cinfo, APP(13), irb, sizeof irb, &metadata->iptc);
    if (metadata->icc.len)
        jpeg_write_icc_profile(cinfo, metadata->icc.data, (unsigned)metadata->icc.len);
}
