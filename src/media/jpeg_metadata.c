/* Metadata in JPEG segments. See metadata.h. */
#include "media/metadata.h"

#include <string.h>

#define APP(n) (JPEG_APP0 + (n))

void metadata_save_markers(j_decompress_ptr cinfo)
{
    jpeg_save_markers(cinfo, APP(1), 0xffff);
}

int metadata_from_jpeg(j_decompress_ptr cinfo, struct image *image)
{
    for (jpeg_saved_marker_ptr m = cinfo->marker_list; m; m = m->next) {
        if (m->marker == APP(1) && m->data_length > 6 && memcmp(m->data, "Exif\0\0", 6) == 0) {
            image->orientation = exif_orientation(m->data + 6, m->data_length - 6);
            break;
        }
    }
    if (cinfo->saw_JFIF_marker) {
        image->metadata.density_unit = cinfo->density_unit;
        image->metadata.density_x = cinfo->X_density;
        image->metadata.density_y = cinfo->Y_density;
    }
    return 0;
}

void metadata_to_jpeg(j_compress_ptr cinfo, const struct image_metadata *metadata)
{
}
