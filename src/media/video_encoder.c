/* Choosing and opening the encoder of the result. Constant quality near the source by default; with keep_bit_rate the
 * source's own rate, held closely. */
#include "media/video_private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

struct encoder {
    enum AVCodecID id;
    const char *names[2]; /* libav's, best first */
    const char *quality;  /* crf near the source */
    const char *option;   /* what the preset is called */
    const char *preset;   /* ours */
};

static const struct encoder encoders[] = {
    [VIDEO_CODEC_AUTO] = {AV_CODEC_ID_NONE},
    [VIDEO_CODEC_H264] = {AV_CODEC_ID_H264, {"libx264"}, "18", "preset", "veryfast"},
    [VIDEO_CODEC_HEVC] = {AV_CODEC_ID_HEVC, {"libx265"}, "20", "preset", "veryfast"},
    [VIDEO_CODEC_VP9] = {AV_CODEC_ID_VP9, {"libvpx-vp9"}, "22", "cpu-used", "7"},
    [VIDEO_CODEC_AV1] = {AV_CODEC_ID_AV1, {"libsvtav1", "libaom-av1"}, "25", "preset", "10"},
};

int video_codec_find(const char *name)
{
    static const char *const names[] = {"auto", "h264", "hevc", "vp9", "av1"};
    if (!name || !*name)
        return VIDEO_CODEC_AUTO;
    for (int i = 0; i <= VIDEO_CODEC_AV1; i++)
        if (!strcmp(name, names[i]))
            return i;
    return -1;
}

/* The encoder's format that loses least of `pixels`, among those that frames can be wrapped in. */
static enum AVPixelFormat nearest_format(const AVCodec *codec, enum AVPixelFormat pixels)
{
    enum AVPixelFormat best = AV_PIX_FMT_NONE;
    for (const enum AVPixelFormat *p = codec->pix_fmts; p && *p != AV_PIX_FMT_NONE; p++) {
        bool full;
        if (!video_frame_wrappable(*p) || video_frame_plain(*p, &full) != *p)
            continue;
        best = best == AV_PIX_FMT_NONE ? *p : av_find_best_pix_fmt_of_2(best, *p, pixels, 0, NULL);
    }
    return best;
}

/* The first encoder of this kind that is there and keeps subsampling and depth; else any that is there. */
static const AVCodec *encoder_of(const struct encoder *e, enum AVPixelFormat pixels, enum AVPixelFormat *ret_pixels)
{
    const AVCodec *any = NULL;
    for (int i = 0; i < 2 && e->names[i]; i++) {
        const AVCodec *codec = avcodec_find_encoder_by_name(e->names[i]);
        enum AVPixelFormat near = codec ? nearest_format(codec, pixels) : AV_PIX_FMT_NONE;
        if (near == AV_PIX_FMT_NONE || (any && near != pixels))
            continue;
        any = codec;
        *ret_pixels = near;
        if (near == pixels)
            break;
    }
    return any;
}

static const AVCodec *choose(const struct video_reader *reader, enum video_codec wanted, enum video_codec *ret_kind,
    enum AVPixelFormat *ret_pixels)
{
    enum video_codec kind = VIDEO_CODEC_H264;
    for (int i = VIDEO_CODEC_H264; i <= VIDEO_CODEC_AV1; i++)
        if (wanted == (enum video_codec)i ||
            (wanted == VIDEO_CODEC_AUTO && encoders[i].id == reader->stream->codecpar->codec_id))
            kind = (enum video_codec)i;
    const AVCodec *codec = encoder_of(&encoders[kind], reader->pixels, ret_pixels);
    if (!codec && wanted == VIDEO_CODEC_AUTO) {
        kind = VIDEO_CODEC_H264;
        codec = encoder_of(&encoders[kind], reader->pixels, ret_pixels);
    }
    *ret_kind = kind;
    return codec;
}

int64_t video_encoder_source_rate(const struct video_reader *reader)
{
    const AVFormatContext *f = reader->format;
    int64_t others = 0;
    if (reader->stream->codecpar->bit_rate > 0 && strstr(f->iformat->name, "mov"))
        return reader->stream->codecpar->bit_rate; /* computed from the sizes of its samples */
    for (unsigned i = 0; i < f->nb_streams; i++)
        if (f->streams[i] != reader->stream && f->streams[i]->codecpar->bit_rate > 0)
            others += f->streams[i]->codecpar->bit_rate;
    int64_t size = avio_size(f->pb);
    if (reader->info.duration <= 0 || size <= 0)
        return 0;
    double rate = (double)size * 8 / reader->info.duration - (double)others;
    return rate > 1000 ? (int64_t)rate : 0;
}

/* x264's preset names, in the numbers of the encoders that have numbers. */
static const char *preset_for(enum video_codec kind, const char *name)
{
    static const char *const names[] = {
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"};
    static const char *const vp9[] = {"8", "8", "7", "6", "5", "4", "3", "2", "1"};
    static const char *const av1[] = {"12", "11", "10", "9", "8", "7", "6", "5", "4"};
    if (!name || !*name)
        return encoders[kind].preset;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return kind == VIDEO_CODEC_VP9 ? vp9[i] : kind == VIDEO_CODEC_AV1 ? av1[i] : name;
    return NULL;
}

static void describe(AVCodecContext *c, const struct video_reader *reader, enum AVPixelFormat pixels)
{
    const AVCodecParameters *p = reader->stream->codecpar;
    bool full;
    video_frame_plain(p->format, &full);
    c->width = reader->width;
    c->height = reader->height;
    c->pix_fmt = pixels;
    c->time_base = reader->stream->time_base;
    c->framerate = av_d2q(reader->info.frame_rate, 60000);
    c->sample_aspect_ratio = video_reader_aspect(reader);
    const AVPixFmtDescriptor *source = av_pix_fmt_desc_get(p->format);
    bool rgb = source && source->flags & AV_PIX_FMT_FLAG_RGB; /* converted to limited range, whatever it says */
    c->color_range = rgb ? AVCOL_RANGE_MPEG : full ? AVCOL_RANGE_JPEG : p->color_range;
    c->color_primaries = p->color_primaries;
    c->color_trc = p->color_trc;
    c->colorspace = rgb                               ? AVCOL_SPC_SMPTE170M
                    : p->color_space == AVCOL_SPC_RGB ? AVCOL_SPC_UNSPECIFIED
                                                      : p->color_space;
    c->chroma_sample_location = p->chroma_location;
    c->gop_size = (int)(reader->info.frame_rate * 4 + 0.5);
    c->gop_size = c->gop_size < 12 ? 12 : c->gop_size > 250 ? 250 : c->gop_size;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
}

/* Material that is flagged as interlaced in the container or the bit stream is coded as such, which H.264 and HEVC
 * need for the flags to survive. */
static void set_interlaced(AVCodecContext *c, const struct video_reader *reader)
{
    enum AVFieldOrder order = reader->stream->codecpar->field_order;
    if (c->codec_id != AV_CODEC_ID_H264 || order == AV_FIELD_UNKNOWN || order == AV_FIELD_PROGRESSIVE)
        return;
    if (c->height %
        (2 << av_pix_fmt_desc_get(c->pix_fmt)->log2_chroma_h)) /* x264 wants whole chroma samples of both fields */
        return;
    c->flags |= AV_CODEC_FLAG_INTERLACED_DCT | AV_CODEC_FLAG_INTERLACED_ME;
    c->field_order = order;
}

/* The average rates of VP9 and AV1 encoders end up to a quarter off; their constant ones, by one or two per cent. */
static void set_constant_rate(AVCodecContext *c, int64_t rate, AVDictionary **options)
{
    if (!strcmp(c->codec->name, "libsvtav1")) {
        av_dict_set(options, "svtav1-params", "rc=2:pred-struct=1", 0); /* it is offered without reordering alone */
        return;
    }
    c->rc_min_rate = c->rc_max_rate = rate;
    c->rc_buffer_size = rate < INT_MAX / 2 ? (int)rate * 2 : INT_MAX;
}

static void set_rate(AVCodecContext *c, const struct encoder *e, int64_t rate, AVDictionary **options)
{
    if (rate <= 0) {
        av_dict_set(options, "crf", e->quality, 0);
        return;
    }
    c->bit_rate = rate;
    if (c->codec_id == AV_CODEC_ID_VP9 || c->codec_id == AV_CODEC_ID_AV1)
        set_constant_rate(c, rate, options);
    if (c->codec_id == AV_CODEC_ID_H264) {
        /* x264's own feedback, made strict; a short look ahead leaves less that cannot be corrected any more. */
        av_dict_set(options, "x264-params", "ratetol=0.01", 0);
        av_dict_set(options, "rc-lookahead", "10", 0);
    }
}

static void set_private(
    AVCodecContext *c, enum video_codec kind, const char *preset, int threads, AVDictionary **options)
{
    bool aom = !strcmp(c->codec->name, "libaom-av1");
    av_dict_set(options, aom ? "cpu-used" : encoders[kind].option, aom ? "8" : preset, 0);
    if (kind == VIDEO_CODEC_VP9) {
        av_dict_set(options, "deadline", "good", 0);
        av_dict_set(options, "row-mt", "1", 0);
    }
    if (kind == VIDEO_CODEC_HEVC) {
        char text[64];
        snprintf(text, sizeof text, "log-level=none:pools=%d", threads);
        av_dict_set(options, "x265-params", text, 0);
        c->codec_tag = MKTAG('h', 'v', 'c', '1');
    }
}

int video_encoder_open(const struct video_reader *reader, const struct video_options *options,
    AVCodecContext **ret_encoder, struct error *err)
{
    enum video_codec kind;
    enum AVPixelFormat pixels;
    const AVCodec *codec = choose(reader, options->codec, &kind, &pixels);
    if (!codec)
        return error_set(err, -EOPNOTSUPP, "there is no encoder for the codec that was asked for");
    const char *preset = preset_for(kind, options->preset);
    if (!preset)
        return error_set(err, -EINVAL,
            "video-preset: '%.40s' is not allowed, want ultrafast, superfast, veryfast, faster, fast, medium, slow, "
            "slower or veryslow",
            options->preset);
    AVCodecContext *c = avcodec_alloc_context3(codec);
    if (!c)
        return error_set(err, -ENOMEM, "out of memory");
    int threads = options->threads > 0 ? options->threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
    AVDictionary *private = NULL;
    describe(c, reader, pixels);
    set_interlaced(c, reader);
    c->thread_count = threads;
    set_rate(c, &encoders[kind], options->keep_bit_rate ? video_encoder_source_rate(reader) : 0, &private);
    set_private(c, kind, preset, threads, &private);
    if (kind == VIDEO_CODEC_AV1)
        setenv("SVT_LOG", "1", 0); /* the library prints to standard error otherwise */
    int code = avcodec_open2(c, codec, &private);
    av_dict_free(&private);
    if (code < 0) {
        avcodec_free_context(&c);
        return video_io_error(err, code, -EOPNOTSUPP, "the video's encoder cannot be opened");
    }
    *ret_encoder = c;
    return 0;
}
