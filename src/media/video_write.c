/* The result's file: an MP4 with the encoder's pictures and, as they came, sound, subtitles and metadata. */
#include "media/video_writer.h"

#include <fcntl.h>
#include <string.h>

/* movflags=faststart reads the file again to move it: by the same descriptor. */
static int reopen(AVFormatContext *s, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
    struct video_writer *w = s->opaque;
    if (flags != AVIO_FLAG_READ)
        return AVERROR(EPERM);
    *io = video_io_open(w->fd, false);
    return *io ? 0 : AVERROR(ENOMEM);
}

static int reclose(AVFormatContext *s, AVIOContext *io)
{
    video_io_close(&io);
    return 0;
}

static void copy_side_data(const AVStream *from, AVStream *to)
{
    static const enum AVPacketSideDataType kept[] = {AV_PKT_DATA_DISPLAYMATRIX, AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
        AV_PKT_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_SPHERICAL, AV_PKT_DATA_STEREO3D};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        size_t size;
        const uint8_t *data = av_stream_get_side_data(from, kept[i], &size);
        uint8_t *copy = data ? av_stream_new_side_data(to, kept[i], size) : NULL;
        if (copy)
            memcpy(copy, data, size);
    }
}

/* What a screen has to know of the pictures, where the container did not say it but they do. */
static int copy_picture_data(const AVFrame *first, AVStream *to)
{
    static const struct {
        enum AVFrameSideDataType from;
        enum AVPacketSideDataType to;
    } pairs[] = {{AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_MASTERING_DISPLAY_METADATA},
        {AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_CONTENT_LIGHT_LEVEL},
        {AV_FRAME_DATA_DISPLAYMATRIX, AV_PKT_DATA_DISPLAYMATRIX}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const AVFrameSideData *data = av_frame_get_side_data(first, pairs[i].from);
        if (!data || av_stream_get_side_data(to, pairs[i].to, NULL))
            continue;
        uint8_t *copy = av_stream_new_side_data(to, pairs[i].to, data->size);
        if (!copy)
            return AVERROR(ENOMEM);
        memcpy(copy, data->data, data->size);
    }
    return 0;
}

static int add_video(struct video_writer *w, const struct video_options *options, struct error *err)
{
    AVStream *from = w->reader->stream;
    if (!(w->stream = avformat_new_stream(w->format, NULL)) ||
        avcodec_parameters_from_context(w->stream->codecpar, w->encoder) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    w->stream->time_base = from->time_base;
    w->stream->avg_frame_rate = from->avg_frame_rate;
    w->stream->sample_aspect_ratio = w->encoder->sample_aspect_ratio;
    w->stream->disposition = AV_DISPOSITION_DEFAULT;
    copy_side_data(from, w->stream);
    if (w->reader->peeked && copy_picture_data(w->reader->decoded, w->stream) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    if (!options->strip_metadata)
        video_copy_tags(from->metadata, &w->stream->metadata, options->keep_data_streams);
    return 0;
}

static int write_header(struct video_writer *w, const struct video_options *options, struct error *err)
{
    AVDictionary *muxing = NULL;
    AVRational tb = w->reader->stream->time_base;
    int mode = fcntl(w->fd, F_GETFL);
    if (mode >= 0 && (mode & O_ACCMODE) == O_RDWR)
        av_dict_set(&muxing, "movflags", "+faststart", 0);
    if (tb.den > 0 && tb.den < INT32_MAX)
        av_dict_set_int(&muxing, "video_track_timescale", tb.den, 0);
    if (!options->strip_metadata)
        video_copy_tags(w->reader->format->metadata, &w->format->metadata, options->keep_data_streams);
    int code = avformat_write_header(w->format, &muxing);
    av_dict_free(&muxing);
    w->header = code >= 0;
    return code < 0 ? video_io_error(err, code, -EIO, "the result cannot be begun") : 0;
}

static int open_muxer(struct video_writer *w, const struct video_options *options, struct error *err)
{
    if (avformat_alloc_output_context2(&w->format, NULL, "mp4", NULL) < 0 || !(w->io = video_io_open(w->fd, true)) ||
        !(w->packet = av_packet_alloc()) || !(w->copy = av_packet_alloc()))
        return error_set(err, -ENOMEM, "out of memory");
    w->format->pb = w->io;
    w->format->opaque = w;
    w->format->io_open = reopen;
    w->format->io_close2 = reclose;
    w->format->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    int code = add_video(w, options, err);
    if (code == 0)
        code = video_tracks_add(w, options, err);
    return code < 0 ? code : write_header(w, options, err);
}

int video_writer_open(struct video_reader *reader, int fd, const struct video_options *options,
    struct video_writer **ret_writer, struct error *err)
{
    struct video_writer *w = av_mallocz(sizeof *w);
    if (!w)
        return error_set(err, -ENOMEM, "out of memory");
    w->reader = reader;
    w->fd = fd;
    w->last_dts = INT64_MIN;
    pthread_mutex_init(&w->lock, NULL);
    int code = video_encoder_open(reader, options, &w->encoder, err);
    if (code == 0) {
        video_reader_set_pixels(reader, w->encoder->pix_fmt);
        code = open_muxer(w, options, err);
    }
    if (code < 0) {
        video_writer_close(w);
        return code;
    }
    *ret_writer = w;
    return 0;
}

void video_writer_close(struct video_writer *w)
{
    if (!w)
        return;
    video_tracks_destroy(w);
    av_packet_free(&w->packet);
    av_packet_free(&w->copy);
    avcodec_free_context(&w->encoder);
    avformat_free_context(w->format);
    video_io_close(&w->io);
    pthread_mutex_destroy(&w->lock);
    av_free(w);
}

int video_writer_mux(struct video_writer *w, AVPacket *p, AVStream *to, AVRational ticks, int64_t *last_dts)
{
    if (p->dts == AV_NOPTS_VALUE)
        p->dts = p->pts;
    av_packet_rescale_ts(p, ticks, to->time_base);
    if (last_dts) {
        if (p->dts == AV_NOPTS_VALUE || (*last_dts != INT64_MIN && p->dts <= *last_dts))
            p->dts = *last_dts == INT64_MIN ? 0 : *last_dts + 1;
        if (p->pts == AV_NOPTS_VALUE || p->pts < p->dts)
            p->pts = p->dts;
        *last_dts = p->dts;
    }
    p->stream_index = to->index;
    p->pos = -1;
    return av_interleaved_write_frame(w->format, p);
}

static int64_t duration_of(const struct video_writer *w, int64_t pts)
{
    for (unsigned i = 0; i < VIDEO_PENDING && i < w->sent; i++)
        if (w->pending[(w->sent - 1 - i) % VIDEO_PENDING].pts == pts)
            return w->pending[(w->sent - 1 - i) % VIDEO_PENDING].duration;
    return w->reader->frame_ticks;
}

/* A packet is decoded before it is shown, and no longer before than the frames sent so far last: x265 says anything of
 * clips that end before its delay has passed. */
static void mend_dts(struct video_writer *w, AVPacket *p)
{
    int64_t least = 2 * w->first_pts - w->last_pts;
    if (p->dts == AV_NOPTS_VALUE || p->dts > p->pts || p->dts < least || p->dts <= w->last_dts)
        p->dts = w->received == 0             ? w->first_pts
                 : w->received + 1 == w->sent ? p->pts /* the last one waits for nobody */
                                              : w->last_dts + 1;
    w->last_dts = p->dts;
    w->received++;
}

/* Sends a frame (NULL: no more) and muxes what comes out. */
static int encode(struct video_writer *w, const AVFrame *frame, struct error *err)
{
    int code = avcodec_send_frame(w->encoder, frame);
    while (code >= 0 && (code = avcodec_receive_packet(w->encoder, w->packet)) == 0) {
        w->packet->duration = duration_of(w, w->packet->pts);
        mend_dts(w, w->packet);
        pthread_mutex_lock(&w->lock);
        code = video_writer_mux(w, w->packet, w->stream, w->encoder->time_base, NULL);
        pthread_mutex_unlock(&w->lock);
    }
    return code == AVERROR(EAGAIN) || code == AVERROR_EOF
               ? 0
               : video_io_error(err, code, -EIO, "the video cannot be coded");
}

int video_writer_frame(struct video_writer *w, const struct video_frame *f, struct error *err)
{
    AVFrame *av = video_frame_unwrap(f->frame, w->encoder->pix_fmt);
    if (!av)
        return error_set(err, -ENOMEM, "out of memory");
    av->pts = f->pts;
    av->interlaced_frame = f->interlaced;
    av->top_field_first = f->top_field_first;
    av->color_range = w->encoder->color_range;
    av->color_primaries = w->encoder->color_primaries;
    av->color_trc = w->encoder->color_trc;
    av->colorspace = w->encoder->colorspace;
    av->chroma_location = w->encoder->chroma_sample_location;
    av->sample_aspect_ratio = w->encoder->sample_aspect_ratio;
    w->first_pts = w->sent ? w->first_pts : f->pts;
    w->last_pts = f->pts;
    w->pending[w->sent % VIDEO_PENDING].pts = f->pts;
    w->pending[w->sent++ % VIDEO_PENDING].duration = f->duration;
    int code = encode(w, av, err);
    av_frame_free(&av);
    return code;
}

int video_writer_finish(struct video_writer *w, struct error *err)
{
    int code = encode(w, NULL, err);
    if (code == 0)
        code = video_tracks_finish(w, err);
    if (code == 0) {
        int av = av_write_trailer(w->format);
        avio_flush(w->io);
        if (av < 0 || w->io->error < 0)
            code = video_io_error(err, av < 0 ? av : w->io->error, -EIO, "the result cannot be completed");
    }
    return code;
}

const char *video_writer_warnings(const struct video_writer *w)
{
    return w->warnings;
}
