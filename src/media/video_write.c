/* The result's file: an MP4 with the encoder's pictures and, as they came, sound, subtitles and metadata.
 *
 * Two threads meet here: the reader's (video_writer_packet) and the encoder's (video_writer_frame). The muxer and the
 * warnings are behind `lock`; the encoder belongs to the caller of video_writer_frame alone. */
#include "media/video_private.h"

#include <fcntl.h>
#include <string.h>

#define PENDING 1024 /* frames inside the encoder; its look-ahead is shorter */

struct track_out {
    AVStream *stream;          /* NULL: dropped */
    struct video_audio *audio; /* NULL: copied */
    int64_t last_dts;
};

struct video_writer {
    struct video_reader *reader; /* borrowed */
    int fd;
    AVFormatContext *format;
    AVIOContext *io;
    AVCodecContext *encoder;
    AVPacket *packet, *copy; /* of the encoder's thread; of the reader's */
    AVStream *stream;
    struct track_out tracks[VIDEO_MAX_STREAMS]; /* by the source's stream number */
    pthread_mutex_t lock;                       /* of format, io, tracks[].last_dts, warnings */
    struct {
        int64_t pts, duration;
    } pending[PENDING];
    unsigned sent; /* frames, which index `pending` */
    bool header;
    char warnings[VIDEO_WARNING_BYTES];
};

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

static void copy_tags(AVDictionary *from, AVDictionary **to)
{
    static const char *const own[] = {"encoder", "major_brand", "minor_version", "compatible_brands"};
    av_dict_copy(to, from, 0);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        av_dict_set(to, own[i], NULL, 0);
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
    if (!options->strip_metadata)
        copy_tags(from->metadata, &w->stream->metadata);
    return 0;
}

static AVStream *new_track(struct video_writer *w, const AVStream *from, bool strip)
{
    AVStream *to = avformat_new_stream(w->format, NULL);
    if (!to)
        return NULL;
    to->time_base = from->time_base;
    to->disposition = from->disposition;
    if (strip) {
        AVDictionaryEntry *language = av_dict_get(from->metadata, "language", NULL, 0);
        if (language)
            av_dict_set(&to->metadata, "language", language->value, 0);
    } else {
        copy_tags(from->metadata, &to->metadata);
    }
    return to;
}

static void drop_track(struct video_writer *w, const AVStream *from, const char *kind, const char *why)
{
    video_io_warn(w->warnings, sizeof w->warnings, "stream %d (%s, %s) was dropped: %s", from->index, kind,
        avcodec_get_name(from->codecpar->codec_id), why);
}

static bool fits_mp4(const struct video_writer *w, enum AVCodecID id)
{
    /* libav would write Vorbis in a way of its own that players do not know. */
    return id != AV_CODEC_ID_VORBIS && avformat_query_codec(w->format->oformat, id, FF_COMPLIANCE_EXPERIMENTAL) == 1;
}

static int add_sound(struct video_writer *w, AVStream *from, struct track_out *t, bool strip, struct error *err)
{
    if (fits_mp4(w, from->codecpar->codec_id) && from->codecpar->sample_rate > 0)
        return 0;
    struct error why = {0};
    bool known = from->codecpar->sample_rate > 0 && from->codecpar->ch_layout.nb_channels > 0 &&
                 from->codecpar->ch_layout.nb_channels <= 8 && avcodec_find_decoder(from->codecpar->codec_id);
    if (!known || !(t->stream = new_track(w, from, strip))) {
        drop_track(w, from, "sound", "it cannot be decoded");
        return 1;
    }
    int code = video_audio_create(from, t->stream, &t->audio, &why);
    if (code < 0) /* the muxer has the stream already: without parameters it cannot be left there */
        return error_set(err, code, "%s", why.text);
    video_io_warn(w->warnings, sizeof w->warnings, "the sound was coded again as AAC, for MP4 cannot hold %s",
        avcodec_get_name(from->codecpar->codec_id));
    return 1;
}

/* Sound, subtitles, data: copied where MP4 can hold them. */
static int add_track(struct video_writer *w, unsigned index, const struct video_options *options, struct error *err)
{
    AVStream *from = w->reader->format->streams[index];
    struct track_out *t = &w->tracks[index];
    const AVCodecParameters *p = from->codecpar;
    bool sound = p->codec_type == AVMEDIA_TYPE_AUDIO, text = p->codec_type == AVMEDIA_TYPE_SUBTITLE;
    bool timecode = p->codec_tag == MKTAG('t', 'm', 'c', 'd'); /* made anew by the muxer from the tag */
    t->last_dts = INT64_MIN;
    if (p->codec_type == AVMEDIA_TYPE_VIDEO || timecode)
        return 0;
    if (sound) {
        int code = add_sound(w, from, t, options->strip_metadata, err);
        if (code)
            return code < 0 ? code : 0;
    } else if (!text && !options->keep_data_streams) {
        drop_track(w, from, "data", "data streams are not kept");
        return 0;
    } else if (!fits_mp4(w, p->codec_id)) {
        drop_track(w, from, text ? "subtitles" : "data", "MP4 cannot hold it");
        return 0;
    }
    if (!(t->stream = new_track(w, from, options->strip_metadata)) ||
        avcodec_parameters_copy(t->stream->codecpar, p) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    t->stream->codecpar->codec_tag = p->codec_type == AVMEDIA_TYPE_DATA ? p->codec_tag : 0;
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
        copy_tags(w->reader->format->metadata, &w->format->metadata);
    int code = avformat_write_header(w->format, &muxing);
    av_dict_free(&muxing);
    w->header = code >= 0;
    return code < 0 ? video_io_error(err, code, -EIO, "the result cannot be begun") : 0;
}

static int open_muxer(struct video_writer *w, const struct video_options *options, struct error *err)
{
    const AVFormatContext *source = w->reader->format;
    if (avformat_alloc_output_context2(&w->format, NULL, "mp4", NULL) < 0 || !(w->io = video_io_open(w->fd, true)) ||
        !(w->packet = av_packet_alloc()) || !(w->copy = av_packet_alloc()))
        return error_set(err, -ENOMEM, "out of memory");
    w->format->pb = w->io;
    w->format->opaque = w;
    w->format->io_open = reopen;
    w->format->io_close2 = reclose;
    w->format->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    int code = add_video(w, options, err);
    for (unsigned i = 0; i < source->nb_streams && i < VIDEO_MAX_STREAMS && code == 0; i++)
        code = add_track(w, i, options, err);
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
    for (int i = 0; i < VIDEO_MAX_STREAMS; i++)
        video_audio_destroy(w->tracks[i].audio);
    av_packet_free(&w->packet);
    av_packet_free(&w->copy);
    avcodec_free_context(&w->encoder);
    avformat_free_context(w->format);
    video_io_close(&w->io);
    pthread_mutex_destroy(&w->lock);
    av_free(w);
}

/* Hands a packet in the source's ticks to the muxer, with time stamps that it accepts; takes the packet's contents. */
static int mux(struct video_writer *w, AVPacket *p, AVStream *to, AVRational ticks, int64_t *last_dts)
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

static int flush_audio(struct video_writer *w, struct track_out *t, AVRational ticks)
{
    int code;
    while ((code = video_audio_receive(t->audio, w->copy)) == 0)
        if ((code = mux(w, w->copy, t->stream, ticks, &t->last_dts)) < 0)
            return code;
    return code == AVERROR(EAGAIN) || code == AVERROR_EOF ? 0 : code;
}

int video_writer_packet(struct video_writer *w, const AVPacket *packet, struct error *err)
{
    if (packet->stream_index < 0 || packet->stream_index >= VIDEO_MAX_STREAMS)
        return 0;
    struct track_out *t = &w->tracks[packet->stream_index];
    if (!t->stream || packet->size <= 0)
        return 0;
    AVRational ticks = w->reader->format->streams[packet->stream_index]->time_base;
    int64_t offset = av_rescale_q(w->reader->offset, w->reader->stream->time_base, ticks);
    if (av_packet_ref(w->copy, packet) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    if (w->copy->pts != AV_NOPTS_VALUE)
        w->copy->pts -= offset;
    if (w->copy->dts != AV_NOPTS_VALUE)
        w->copy->dts -= offset;
    int code = 0;
    pthread_mutex_lock(&w->lock);
    if (t->audio) {
        code = video_audio_send(t->audio, w->copy);
        av_packet_unref(w->copy);
        if (code >= 0)
            code = flush_audio(w, t, ticks);
    } else {
        code = mux(w, w->copy, t->stream, ticks, &t->last_dts);
        av_packet_unref(w->copy);
        if (code == AVERROR_INVALIDDATA || code == AVERROR(EINVAL))
            code = 0; /* a damaged packet of sound: the pictures go on */
    }
    pthread_mutex_unlock(&w->lock);
    return code < 0 ? video_io_error(err, code, -EIO, "the result cannot be written") : 0;
}

static int64_t duration_of(const struct video_writer *w, int64_t pts)
{
    for (unsigned i = 0; i < PENDING && i < w->sent; i++)
        if (w->pending[(w->sent - 1 - i) % PENDING].pts == pts)
            return w->pending[(w->sent - 1 - i) % PENDING].duration;
    return w->reader->frame_ticks;
}

/* Sends a frame (NULL: no more) and muxes what comes out. */
static int encode(struct video_writer *w, const AVFrame *frame, struct error *err)
{
    int code = avcodec_send_frame(w->encoder, frame);
    while (code >= 0 && (code = avcodec_receive_packet(w->encoder, w->packet)) == 0) {
        w->packet->duration = duration_of(w, w->packet->pts);
        pthread_mutex_lock(&w->lock);
        code = mux(w, w->packet, w->stream, w->encoder->time_base, NULL);
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
    w->pending[w->sent % PENDING].pts = f->pts;
    w->pending[w->sent++ % PENDING].duration = f->duration;
    int code = encode(w, av, err);
    av_frame_free(&av);
    return code;
}

int video_writer_finish(struct video_writer *w, struct error *err)
{
    int code = encode(w, NULL, err);
    for (int i = 0; i < VIDEO_MAX_STREAMS && code == 0; i++) {
        struct track_out *t = &w->tracks[i];
        if (!t->audio)
            continue;
        int av = video_audio_send(t->audio, NULL);
        if (av >= 0)
            av = flush_audio(w, t, w->reader->format->streams[i]->time_base);
        if (av < 0)
            code = video_io_error(err, av, -EIO, "the sound cannot be coded");
    }
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
