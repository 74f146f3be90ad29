/* See jpeg_sink.h. */
#include "media/jpeg_sink.h"

#define CHUNK (64 * 1024) /* bytes by which the output grows at least */

static struct jpeg_sink *sink_of(j_compress_ptr cinfo)
{
    return (struct jpeg_sink *)(void *)cinfo->dest;
}

static void grow(j_compress_ptr cinfo)
{
    struct jpeg_sink *s = sink_of(cinfo);
    int r = buffer_reserve(s->out, CHUNK);
    if (r < 0) {
        error_set(s->err, r, "no room for the JPEG, which is over %zu bytes", s->out->len);
        jpeg_failure_jump((j_common_ptr)cinfo, r);
    }
    s->manager.next_output_byte = s->out->data + s->out->len;
    s->manager.free_in_buffer = s->out->cap - s->out->len;
}

static boolean empty_output(j_compress_ptr cinfo)
{
    struct jpeg_sink *s = sink_of(cinfo);
    s->out->len = s->out->cap; /* libjpeg calls this when all is used, whatever free_in_buffer says */
    grow(cinfo);
    return TRUE;
}

static void term_destination(j_compress_ptr cinfo)
{
    struct jpeg_sink *s = sink_of(cinfo);
    s->out->len = s->out->cap - s->manager.free_in_buffer;
}

void jpeg_sink_init(struct jpeg_sink *s, j_compress_ptr cinfo, struct buffer *out, struct error *err)
{
    s->manager.init_destination = grow;
    s->manager.empty_output_buffer = empty_output;
    s->manager.term_destination = term_destination;
    s->out = out;
    s->err = err;
    cinfo->dest = &s->manager;
}
