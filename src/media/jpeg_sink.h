/* Private to media/: where libjpeg writes: into a capped buffer. */
#ifndef OBSCURA_MEDIA_JPEG_SINK_H
#define OBSCURA_MEDIA_JPEG_SINK_H

#include "base/buffer.h"
#include "media/jpeg_error.h"

struct jpeg_sink {
    struct jpeg_destination_mgr manager; /* first: libjpeg hands back a pointer to it */
    struct buffer *out;                  /* borrowed; appended to */
    struct error *err;                   /* borrowed */
};

/* Makes `cinfo` write into `out`; jumps as libjpeg's errors do where it is full. */
void jpeg_sink_init(struct jpeg_sink *s, j_compress_ptr cinfo, struct buffer *out, struct error *err);

#endif
