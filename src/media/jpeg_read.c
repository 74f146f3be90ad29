/* JPEG to frames by libjpeg-turbo: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK, every sampling. */
#include "media/codec.h"

#include <stdlib.h>

#include "media/jpeg_source.h"
#include "media/metadata.h"

/* A progressive file may hold any number of scans, each of which costs a pass over all coefficients. Encoders write
 * about ten. */
#define MAX_SCANS 100
#define ROWS_AT_ONCE 16

struct reader {
    struct jpeg_source *source; /* owned, until the image takes it */
    struct jpeg_progress_mgr progress;
    const struct image_limits *limits;
    struct image *image;
    struct error *err;
    JSAMPLE *row; /* of CMYK; owned */
};

static void check_scans(j_common_ptr cinfo)
{
    struct reader *r = cinfo->client_data;
    if (((j_decompress_ptr)cinfo)->input_scan_number <= MAX_SCANS)
        return;
    error_set(r->err, -EBADMSG, "JPEG: more than %d scans", MAX_SCANS);
    jpeg_failure_jump(cinfo, -EBADMSG);
}

/* How the picture was sampled, relative to its second component, so that it can be written the same way. */
static void note_sampling(struct reader *r)
{
    struct jpeg_decompress_struct *c = &r->source->in;
    r->image->jpeg_h = r->image->jpeg_v = 1;
    r->image->progressive = c->progressive_mode;
    if (c->num_components < 3)
        return;
    const jpeg_component_info *luma = &c->comp_info[0], *chroma = &c->comp_info[1];
    if (luma->h_samp_factor % chroma->h_samp_factor == 0)
        r->image->jpeg_h = luma->h_samp_factor / chroma->h_samp_factor;
    if (luma->v_samp_factor % chroma->v_samp_factor == 0)
        r->image->jpeg_v = luma->v_samp_factor / chroma->v_samp_factor;
}

/* Adobe's programs write inverted CMYK, where 255 is no ink. */
static void cmyk_to_rgb(const JSAMPLE *in, uint8_t *out, JDIMENSION width, bool inverted)
{
    unsigned flip = inverted ? 0 : 255;
    for (JDIMENSION i = 0; i < width; i++, in += 4, out += 3) {
        unsigned k = in[3] ^ flip;
        for (int c = 0; c < 3; c++)
            out[c] = (uint8_t)(((in[c] ^ flip) * k + 127) / 255);
    }
}

static int read_pixels(struct reader *r)
{
    struct jpeg_decompress_struct *c = &r->source->in;
    struct frame *f = r->image->frame;
    const struct plane *p = &f->planes[0];
    JSAMPROW rows[ROWS_AT_ONCE];
    while (c->output_scanline < c->output_height) {
        uint8_t *to = p->data + (ptrdiff_t)c->output_scanline * p->stride;
        if (r->row) {
            if (jpeg_read_scanlines(c, &r->row, 1) == 1)
                cmyk_to_rgb(r->row, to, c->output_width, c->saw_Adobe_marker);
            continue;
        }
        JDIMENSION n = c->output_height - c->output_scanline;
        n = n < ROWS_AT_ONCE ? n : ROWS_AT_ONCE;
        for (JDIMENSION i = 0; i < n; i++)
            rows[i] = to + (ptrdiff_t)i * p->stride;
        jpeg_read_scanlines(c, rows, n);
    }
    return 0;
}

/* Whether what does not change can be written as it was: see jpeg_keep.c. */
static bool can_keep(const struct reader *r)
{
    J_COLOR_SPACE space = r->source->in.jpeg_color_space;
    return r->image->orientation == 1 && (space == JCS_GRAYSCALE || space == JCS_YCbCr || space == JCS_RGB);
}

/* All coefficients first, then the picture from them: the file's codes are read once for both. */
static void read_coefficients(struct reader *r)
{
    struct jpeg_decompress_struct *c = &r->source->in;
    while (jpeg_consume_input(c) != JPEG_REACHED_EOI)
        check_scans((j_common_ptr)c);
    jpeg_start_output(c, c->input_scan_number);
    read_pixels(r);
    jpeg_finish_output(c);
    r->source->coefficients = jpeg_read_coefficients(c);
}

/* The image takes what was read, for jpeg_keep.c. */
static void keep_source(struct reader *r)
{
    r->source->in.progress = NULL;
    r->source->in.client_data = NULL;
    r->image->source = r->source;
    r->source = NULL;
    r->image->original = frame_ref(r->image->frame);
}

static int read_file(struct reader *r, const uint8_t *data, size_t len)
{
    struct jpeg_decompress_struct *c = &r->source->in;
    jpeg_create_decompress(c);
    c->client_data = r;
    r->progress.progress_monitor = check_scans;
    c->progress = &r->progress;
    jpeg_mem_src(c, data, len);
    metadata_save_markers(c);
    jpeg_read_header(c, TRUE);

    int samples = c->num_components == 1 ? 1 : 3;
    int e = image_check_size(c->image_width, c->image_height, samples, r->limits, r->err);
    if (e < 0)
        return e;
    if (c->num_components == 4)
        c->out_color_space = JCS_CMYK;
    else if (c->num_components == 3)
        c->out_color_space = JCS_RGB;
    else if (c->num_components == 1)
        c->out_color_space = JCS_GRAYSCALE;
    else
        return error_set(r->err, -EOPNOTSUPP, "JPEG: %d colour components are not supported", c->num_components);
    note_sampling(r);
    e = frame_create(
        samples == 1 ? FRAME_GREY : FRAME_RGB, (int)c->image_width, (int)c->image_height, 8, false, &r->image->frame);
    if (e == 0 && c->num_components == 4 && !(r->row = malloc((size_t)c->image_width * 4)))
        e = -ENOMEM;
    if (e == 0)
        e = metadata_from_jpeg(c, r->image);
    if (e < 0)
        return error_set(r->err, e, "out of memory for a JPEG of %u x %u", c->image_width, c->image_height);

    c->buffered_image = can_keep(r);
    jpeg_start_decompress(c);
    if (c->buffered_image) {
        read_coefficients(r);
        keep_source(r);
    } else {
        read_pixels(r);
        jpeg_finish_decompress(c);
    }
    return 0;
}

int jpeg_read(
    const uint8_t *data, size_t len, const struct image_limits *limits, struct image *image, struct error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    struct jpeg_source *source = calloc(1, sizeof *source);
    int code = -ENOMEM;
    if (!r || !source) {
        free(source);
        error_set(err, code, "out of memory");
        goto out;
    }
    r->source = source;
    r->limits = limits;
    r->image = image;
    r->err = err;
    source->in.err = jpeg_failure_init(&source->failure, err);
    if (setjmp(source->failure.jump) == 0)
        code = read_file(r, data, len);
    else
        code = source->failure.code;
    jpeg_source_destroy(r->source);
    free(r->row);
out:
    free(r);
    return code;
}

void jpeg_source_destroy(struct jpeg_source *s)
{
    if (s)
        jpeg_destroy_decompress(&s->in);
    free(s);
}
