/* Opening a video: container, streams, decoder, and what there is to know before the first frame. */
#include "media/video_private.h"

#include <math.h>
#include <string.h>

#include <libavutil/display.h>
#include <libavutil/pixdesc.h>

#define PROBE_BYTES (32 << 20)
#define PROBE_SECONDS 30
#define MIN_SIDE 16 /* px: nothing can be found in less, and encoders refuse it */

/* Demuxers by name. Playlists, concatenations and image sequences, which open further files, are not among them. */
static const char containers[] = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts";

/* Containers may name other files; none is opened. */
static int refuse_open(AVFormatContext *s, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
    return AVERROR(EPERM);
}

static int open_container(struct video_reader *r, int fd, struct error *err)
{
    r->io = video_io_open(fd, false);
    r->format = avformat_alloc_context();
    if (!r->io || !r->format)
        return error_set(err, -ENOMEM, "out of memory");
    r->format->pb = r->io;
    r->format->io_open = refuse_open;
    /* A recording that begins between two key frames says what it is only at the next. */
    r->format->probesize = PROBE_BYTES;
    r->format->max_analyze_duration = PROBE_SECONDS * (int64_t)AV_TIME_BASE;
    r->format->format_whitelist = av_strdup(containers);
    int code = avformat_open_input(&r->format, "", NULL, NULL); /* on failure frees the context */
    if (code < 0)
        return video_io_error(err, code, -EBADMSG,
            "the file is neither an image nor a video that can be read (MP4, MOV, MKV, WebM, AVI, MPEG-TS)");
    return 0;
}

static int64_t most_pixels(const struct image_limits *limits)
{
    return limits->max_pixels > 0 ? limits->max_pixels : (int64_t)1 << 30;
}

/* Lets libavformat look into the streams; the decoders it opens for that keep to the limit too. */
static int look_inside(struct video_reader *r, const struct video_options *options, struct error *err)
{
    unsigned count = r->format->nb_streams;
    AVDictionary **dicts = av_calloc(count + 1, sizeof *dicts);
    if (!dicts)
        return error_set(err, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < count; i++) {
        av_dict_set_int(&dicts[i], "max_pixels", most_pixels(&options->limits), 0);
        av_dict_set(&dicts[i], "threads", "1", 0);
    }
    int code = avformat_find_stream_info(r->format, dicts);
    for (unsigned i = 0; i < count; i++)
        av_dict_free(&dicts[i]);
    av_free(dicts);
    return code < 0 ? video_io_error(err, code, -EBADMSG, "the video is damaged") : 0;
}

static bool is_picture(const AVStream *s)
{
    return s->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS);
}

static int choose_stream(struct video_reader *r, struct error *err)
{
    int videos = 0, sounds = 0;
    for (unsigned i = 0; i < r->format->nb_streams; i++) {
        AVStream *s = r->format->streams[i];
        videos += s->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !is_picture(s);
        sounds += s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    }
    int best = videos ? av_find_best_stream(r->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0) : -1;
    if (best < 0 || is_picture(r->format->streams[best]))
        return error_set(err, -EBADMSG,
            sounds ? "the file has sound but no video" : "there is no video that can be read in the file");
    r->stream = r->format->streams[best];
    if (videos > 1)
        video_io_warn(r->warnings, sizeof r->warnings, "%d further video streams were dropped", videos - 1);
    return 0;
}

static int check_size(const AVCodecParameters *p, const struct image_limits *limits, struct error *err)
{
    if (!p->width || !p->height)
        return error_set(err, -EBADMSG, "no picture of the video can be read: it has no key frame, or is damaged");
    if (p->width < MIN_SIDE || p->height < MIN_SIDE)
        return error_set(err, -EBADMSG, "the video's pictures are %d x %d px, want at least %d x %d", p->width,
            p->height, MIN_SIDE, MIN_SIDE);
    if (limits->max_side > 0 && (p->width > limits->max_side || p->height > limits->max_side))
        return error_set(err, -EFBIG, "the video is %d x %d px, at most %d px a side are allowed", p->width, p->height,
            limits->max_side);
    if ((int64_t)p->width * p->height > most_pixels(limits))
        return error_set(err, -EFBIG, "the video is %d x %d px, at most %lld px are allowed", p->width, p->height,
            (long long)most_pixels(limits));
    return 0;
}

static void set_memory(AVCodecContext *decoder)
{
    decoder->get_buffer2 = video_frame_memory;
#if LIBAVCODEC_VERSION_MAJOR < 60 /* later ones take it for so */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    decoder->thread_safe_callbacks = 1;
#pragma GCC diagnostic pop
#endif
}

static int open_decoder(struct video_reader *r, const struct video_options *options, struct error *err)
{
    const AVCodecParameters *p = r->stream->codecpar;
    int code = check_size(p, &options->limits, err);
    if (code < 0)
        return code;
    const AVCodec *codec = avcodec_find_decoder(p->codec_id);
    if (!codec)
        return error_set(err, -EOPNOTSUPP, "there is no decoder for this video (%s)", avcodec_get_name(p->codec_id));
    if (!(r->decoder = avcodec_alloc_context3(codec)) || avcodec_parameters_to_context(r->decoder, p) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    r->decoder->thread_count = options->threads;
    r->decoder->pkt_timebase = r->stream->time_base;
    r->decoder->max_pixels = most_pixels(&options->limits);
    set_memory(r->decoder);
    /* What the stream says is to be cut off at the left goes to the pixel; else only as far as memory stays aligned. */
    r->decoder->flags |= AV_CODEC_FLAG_UNALIGNED;
    code = avcodec_open2(r->decoder, codec, NULL);
    return code < 0 ? video_io_error(err, code, -EBADMSG, "the video cannot be decoded") : 0;
}

/* The container's display matrix or, where it has none, the one that the first picture bears (SEI); NULL: neither. */
static const int32_t *display_matrix(const struct video_reader *r)
{
    size_t size;
    const uint8_t *data = av_stream_get_side_data(r->stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    const AVFrameSideData *own = r->peeked ? av_frame_get_side_data(r->decoded, AV_FRAME_DATA_DISPLAYMATRIX) : NULL;
    if (!data && own) {
        data = own->data;
        size = own->size;
    }
    return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)data : NULL;
}

/* EXIF's orientation from a display matrix, of which only quarter turns and mirrorings count. */
static int orientation_of(const int32_t *m)
{
    if (!m)
        return 1;
    int64_t a = m[0], b = m[1], c = m[3], d = m[4];
    if (llabs(a) + llabs(d) >= llabs(b) + llabs(c))
        return a >= 0 ? (d >= 0 ? 1 : 4) : (d >= 0 ? 2 : 3);
    return b >= 0 ? (c >= 0 ? 5 : 6) : (c >= 0 ? 8 : 7);
}

static double rate_of(AVRational rate, double otherwise)
{
    double r = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
    return r >= 0.01 && r <= 1000 ? r : otherwise;
}

/* What packets need to be given their time. */
static void learn_times(struct video_reader *r)
{
    AVStream *s = r->stream;
    struct video_info *info = &r->info;
    info->usual_rate = rate_of(av_guess_frame_rate(r->format, s, NULL), 25);
    /* Where frames come when something moves, the guess is the rate at which they come then. */
    info->frame_rate = fmin(info->usual_rate, rate_of(s->avg_frame_rate, info->usual_rate));
    double ticks = 1 / (info->usual_rate * av_q2d(s->time_base));
    r->frame_ticks = ticks >= 1 && ticks < 1e15 ? (int64_t)(ticks + 0.5) : 1;
    /* A transport stream's clock starts anywhere; the other containers' at the beginning. */
    if (strstr(r->format->iformat->name, "mpegts") && r->format->start_time != AV_NOPTS_VALUE)
        r->offset = av_rescale_q(r->format->start_time, AV_TIME_BASE_Q, s->time_base);
    r->offset_before = r->offset;
    r->last_pts = r->clock = AV_NOPTS_VALUE;
}

static void learn_pictures(struct video_reader *r)
{
    AVStream *s = r->stream;
    struct video_info *info = &r->info;
    info->codec = avcodec_get_name(s->codecpar->codec_id);
    info->orientation = orientation_of(display_matrix(r));
    info->duration = s->duration > 0           ? (double)s->duration * av_q2d(s->time_base)
                     : r->format->duration > 0 ? (double)r->format->duration / AV_TIME_BASE
                                               : 0;
    info->frames = s->nb_frames;
    bool full;
    enum AVPixelFormat pixels = r->decoder->pix_fmt;
    if (pixels == AV_PIX_FMT_NONE)
        pixels = AV_PIX_FMT_YUV420P;
    pixels = video_frame_plain(pixels, &full);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pixels);
    enum AVPixelFormat otherwise = d && d->comp[0].depth > 8 ? AV_PIX_FMT_YUV444P10 : AV_PIX_FMT_YUV444P;
    video_reader_set_pixels(r, video_frame_wrappable(pixels) ? pixels : otherwise);
}

AVRational video_reader_aspect(const struct video_reader *r)
{
    AVRational own = r->stream->sample_aspect_ratio;
    return own.num ? own : r->stream->codecpar->sample_aspect_ratio;
}

void video_reader_set_pixels(struct video_reader *r, enum AVPixelFormat pixels)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pixels);
    r->pixels = pixels;
    /* Encoders want whole chroma samples: what an odd side has over is one pixel, which goes. */
    r->width = r->stream->codecpar->width & ~((1 << d->log2_chroma_w) - 1);
    r->height = r->stream->codecpar->height & ~((1 << d->log2_chroma_h) - 1);
    bool swap = r->info.orientation >= 5;
    r->info.width = swap ? r->height : r->width;
    r->info.height = swap ? r->width : r->height;
    AVRational aspect = video_reader_aspect(r);
    double wide = aspect.num > 0 && aspect.den > 0 ? av_q2d(aspect) : 1;
    r->info.aspect = swap ? 1 / wide : wide;
    r->info.pixel_format = d->name;
}

int video_reader_open(int fd, const struct video_options *options, struct video_reader **ret_reader, struct error *err)
{
    av_log_set_level(AV_LOG_QUIET);
    struct video_reader *r = av_mallocz(sizeof *r);
    if (!r)
        return error_set(err, -ENOMEM, "out of memory");
    int code = open_container(r, fd, err);
    if (code < 0 || (code = look_inside(r, options, err)) < 0 || (code = choose_stream(r, err)) < 0 ||
        (code = open_decoder(r, options, err)) < 0)
        goto fail;
    r->packet = av_packet_alloc();
    r->decoded = av_frame_alloc();
    learn_times(r);
    code = r->packet && r->decoded ? video_reader_peek(r, err) : error_set(err, -ENOMEM, "out of memory");
    if (code < 0)
        goto fail;
    learn_pictures(r);
    *ret_reader = r;
    return 0;
fail:
    video_reader_close(r);
    return code;
}

void video_reader_close(struct video_reader *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->held_count; i++)
        av_packet_free(&r->held[i]);
    av_packet_free(&r->packet);
    av_frame_free(&r->decoded);
    sws_freeContext(r->sws);
    avcodec_free_context(&r->decoder);
    avformat_close_input(&r->format);
    video_io_close(&r->io);
    av_free(r);
}

const struct video_info *video_reader_info(const struct video_reader *r)
{
    return &r->info;
}

void video_reader_attach(struct video_reader *r, struct video_writer *writer)
{
    r->writer = writer;
}

const char *video_reader_warnings(const struct video_reader *r)
{
    return r->warnings;
}
