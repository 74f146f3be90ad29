/* Private to media/: a JPEG read to its end by libjpeg, with its coefficients, from which it is decoded and of which
 * what does not change is written again. */
#ifndef OBSCURA_MEDIA_JPEG_SOURCE_H
#define OBSCURA_MEDIA_JPEG_SOURCE_H

#include "media/jpeg_error.h"

struct jpeg_source {
    struct jpeg_failure failure; /* of `in`, and of whatever writes from it; its err is set before each use */
    struct jpeg_decompress_struct in;
    jvirt_barray_ptr *coefficients; /* one array a component, owned by `in`; NULL until all of them are read */
};

/* NULL is fine. */
void jpeg_source_destroy(struct jpeg_source *s);

#endif
