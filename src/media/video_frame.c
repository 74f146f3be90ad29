/* AVFrames as struct frame and back, without copying: either side holds a reference to the other's memory. */
#include "media/video_private.h"

#include <string.h>

#include <libavutil/pixdesc.h>

#include "media/codec.h"

enum AVPixelFormat video_frame_plain(enum AVPixelFormat pixels, bool *ret_full)
{
    static const enum AVPixelFormat pairs[][2] = {
        {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P},
        {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P},
        {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P},
        {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P},
        {AV_PIX_FMT_YUVJ411P, AV_PIX_FMT_YUV411P},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] == pixels) {
            *ret_full = true;
            return pairs[i][1];
        }
    *ret_full = false;
    return pixels;
}

bool video_frame_wrappable(enum AVPixelFormat pixels)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pixels);
    uint64_t other = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_RGB |
                     AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_ALPHA;
    if (!d || d->flags & other || !(d->flags & AV_PIX_FMT_FLAG_PLANAR) || d->nb_components != 3 ||
        av_pix_fmt_count_planes(pixels) != 3 || d->log2_chroma_w > 2 || d->log2_chroma_h > 2)
        return false;
    int bytes = d->comp[0].depth > 8 ? 2 : 1;
    if (bytes == 2 && d->flags & AV_PIX_FMT_FLAG_BE)
        return false; /* the machines this is built for are little-endian */
    for (int i = 0; i < 3; i++)
        if (d->comp[i].plane != i || d->comp[i].step != bytes || d->comp[i].shift || d->comp[i].offset)
            return false;
    return true;
}

/* A byte that makes grey of about half the brightness, also where two of them are a sample. */
static int grey_byte(enum AVPixelFormat pixels)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pixels);
    int depth = d ? d->comp[0].depth : 8;
    return depth > 8 && depth <= 16 ? 1 << (depth - 9) : 128;
}

int video_frame_memory(AVCodecContext *decoder, AVFrame *av, int flags)
{
    int code = avcodec_default_get_buffer2(decoder, av, flags);
    for (int i = 0; code >= 0 && i < AV_NUM_DATA_POINTERS && av->buf[i]; i++)
        memset(av->buf[i]->data, grey_byte(av->format), av->buf[i]->size);
    return code;
}

static void release_av(void *opaque)
{
    AVFrame *av = opaque;
    av_frame_free(&av);
}

static enum frame_matrix matrix_of(const AVFrame *av)
{
    switch (av->colorspace) {
    case AVCOL_SPC_BT709:
        return FRAME_MATRIX_BT709;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return FRAME_MATRIX_BT2020;
    case AVCOL_SPC_UNSPECIFIED:
        return av->height >= 720 ? FRAME_MATRIX_BT709 : FRAME_MATRIX_BT601; /* as players guess */
    default:
        return FRAME_MATRIX_BT601;
    }
}

int video_frame_wrap(const AVFrame *av, int width, int height, struct frame **ret_frame)
{
    bool full;
    enum AVPixelFormat pixels = video_frame_plain(av->format, &full);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pixels);
    if (!video_frame_wrappable(pixels) || width > av->width || height > av->height)
        return -EOPNOTSUPP;
    struct frame f = {
        .width = width,
        .height = height,
        .color = FRAME_YUV,
        .depth = d->comp[0].depth,
        .shift_x = d->log2_chroma_w,
        .shift_y = d->log2_chroma_h,
        .full_range = full || av->color_range == AVCOL_RANGE_JPEG,
        .matrix = matrix_of(av),
        .plane_count = 3,
    };
    for (int i = 0; i < 3; i++)
        f.planes[i] = (struct plane){
            .data = av->data[i],
            .stride = av->linesize[i],
            .width = i ? AV_CEIL_RSHIFT(width, f.shift_x) : width,
            .height = i ? AV_CEIL_RSHIFT(height, f.shift_y) : height,
            .channels = 1,
        };
    AVFrame *held = av_frame_clone(av);
    if (!held)
        return -ENOMEM;
    /* Read-only: the decoder predicts from the same memory. */
    int r = frame_wrap(&f, false, release_av, held, ret_frame);
    if (r < 0)
        av_frame_free(&held);
    return r;
}

static void release_ours(void *opaque, uint8_t *data)
{
    frame_unref(opaque);
}

AVFrame *video_frame_unwrap(struct frame *f, enum AVPixelFormat pixels)
{
    AVFrame *av = av_frame_alloc();
    if (!av)
        return NULL;
    av->format = pixels;
    av->width = f->width;
    av->height = f->height;
    for (int i = 0; i < f->plane_count; i++) {
        const struct plane *p = &f->planes[i];
        size_t size = (size_t)p->stride * (size_t)p->height;
        av->buf[i] = av_buffer_create(p->data, size, release_ours, f, AV_BUFFER_FLAG_READONLY);
        if (!av->buf[i]) {
            av_frame_free(&av);
            return NULL;
        }
        frame_ref(f);
        av->data[i] = p->data;
        av->linesize[i] = (int)p->stride;
    }
    return av;
}

int video_orient(struct frame **f, int orientation)
{
    return orient_frame(f, orientation);
}

int video_orient_inverse(int orientation)
{
    return orientation == 6 ? 8 : orientation == 8 ? 6 : orientation; /* all others undo themselves */
}

void video_frame_finish(struct video_frame *f)
{
    if (!f)
        return;
    frame_unref(f->frame);
    *f = (struct video_frame){0};
}
