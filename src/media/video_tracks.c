/* The streams beside the video's: sound and subtitles go into the MP4 as they are where it can hold them and are
 * converted where it cannot; data goes only where it was asked for. What is lost is said in the warnings. */
#include "media/video_writer.h"

#include <string.h>

#include <libavutil/avstring.h>

#define PREROLL_S 0.1 /* of sound before the first that is heard; Opus wants 80 ms */

/* Whether a tag says where: "location", "com.apple.quicktime.location.ISO6709", "LOCATION-eng" ... */
static bool is_place(const char *key)
{
    return av_stristr(key, "location") || av_stristr(key, "iso6709") || av_stristr(key, "gps");
}

void video_copy_tags(AVDictionary *from, AVDictionary **to, bool places)
{
    static const char *const own[] = {"encoder", "major_brand", "minor_version", "compatible_brands"};
    AVDictionaryEntry *tag = NULL;
    while ((tag = av_dict_get(from, "", tag, AV_DICT_IGNORE_SUFFIX))) {
        bool skip = !places && is_place(tag->key);
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            skip = skip || !strcmp(tag->key, own[i]);
        if (!skip)
            av_dict_set(to, tag->key, tag->value, 0);
    }
}

static AVStream *new_track(struct video_writer *w, const AVStream *from, const struct video_options *options)
{
    AVStream *to = avformat_new_stream(w->format, NULL);
    if (!to)
        return NULL;
    to->time_base = from->time_base;
    to->disposition = from->disposition;
    if (options->strip_metadata) {
        AVDictionaryEntry *language = av_dict_get(from->metadata, "language", NULL, 0);
        if (language)
            av_dict_set(&to->metadata, "language", language->value, 0);
    } else {
        video_copy_tags(from->metadata, &to->metadata, options->keep_data_streams);
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

static int copy_track(struct video_writer *w, AVStream *from, const struct video_options *options, struct error *err)
{
    struct video_track *t = &w->tracks[from->index];
    if (!(t->stream = new_track(w, from, options)) || avcodec_parameters_copy(t->stream->codecpar, from->codecpar) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    t->stream->codecpar->codec_tag = from->codecpar->codec_type == AVMEDIA_TYPE_DATA ? from->codecpar->codec_tag : 0;
    return 0;
}

static int add_sound(struct video_writer *w, AVStream *from, const struct video_options *options, struct error *err)
{
    const AVCodecParameters *p = from->codecpar;
    struct video_track *t = &w->tracks[from->index];
    if (fits_mp4(w, p->codec_id) && p->sample_rate > 0)
        return copy_track(w, from, options, err);
    bool known = p->sample_rate > 0 && p->ch_layout.nb_channels > 0 && p->ch_layout.nb_channels <= 8 &&
                 avcodec_find_decoder(p->codec_id);
    if (!known) {
        drop_track(w, from, "sound", "it cannot be decoded");
        return 0;
    }
    if (!(t->stream = new_track(w, from, options)))
        return error_set(err, -ENOMEM, "out of memory");
    int code = video_audio_create(from, t->stream, &t->audio, err);
    if (code < 0) /* the muxer has the stream already: without parameters it cannot be left there */
        return code;
    video_io_warn(w->warnings, sizeof w->warnings, "the sound was coded again as AAC, for MP4 cannot hold %s",
        avcodec_get_name(p->codec_id));
    return 0;
}

/* Drones write where they are into subtitles. */
static bool is_flight_log(const AVStream *s)
{
    AVDictionaryEntry *name = av_dict_get(s->metadata, "handler_name", NULL, 0);
    return name && strstr(name->value, "DJI");
}

static int add_subtitles(struct video_writer *w, AVStream *from, const struct video_options *options, struct error *err)
{
    enum AVCodecID id = from->codecpar->codec_id;
    struct video_track *t = &w->tracks[from->index];
    if (is_flight_log(from) && !options->keep_data_streams) {
        drop_track(w, from, "subtitles", "they are a flight log, and data streams are not kept");
        return 0;
    }
    if (fits_mp4(w, id))
        return copy_track(w, from, options, err);
    if (video_text_create(from, &t->text) < 0) {
        drop_track(w, from, "subtitles", "MP4 cannot hold them");
        return 0;
    }
    if (!(t->stream = new_track(w, from, options)) || video_text_describe(t->text, t->stream) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    video_io_warn(w->warnings, sizeof w->warnings,
        "stream %d (subtitles, %s) was converted to MP4's own kind; its styles may look different", from->index,
        avcodec_get_name(id));
    return 0;
}

/* QuickTime keeps chapters' names in a stream too: the muxer makes that anew. */
static bool holds_chapters(const struct video_writer *w, const AVStream *s)
{
    return w->reader->format->nb_chapters && s->codecpar->codec_id == AV_CODEC_ID_BIN_DATA &&
           s->codecpar->codec_tag == MKTAG('t', 'e', 'x', 't');
}

static int add_data(struct video_writer *w, AVStream *from, const struct video_options *options, struct error *err)
{
    /* A timecode's stream is made anew by the muxer from the tag; attachments are fonts and pictures. */
    if (from->codecpar->codec_tag == MKTAG('t', 'm', 'c', 'd') || holds_chapters(w, from) ||
        from->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT)
        return 0;
    if (options->keep_data_streams && fits_mp4(w, from->codecpar->codec_id))
        return copy_track(w, from, options, err);
    drop_track(w, from, "data", options->keep_data_streams ? "MP4 cannot hold it" : "data streams are not kept");
    return 0;
}

static int add_chapters(struct video_writer *w, const struct video_options *options, struct error *err)
{
    const AVFormatContext *from = w->reader->format;
    AVFormatContext *to = w->format;
    int64_t offset = w->reader->offset;
    if (!from->nb_chapters)
        return 0;
    if (!(to->chapters = av_calloc(from->nb_chapters, sizeof *to->chapters)))
        return error_set(err, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < from->nb_chapters; i++) {
        const AVChapter *c = from->chapters[i];
        AVChapter *copy = av_mallocz(sizeof *copy);
        if (!copy)
            return error_set(err, -ENOMEM, "out of memory");
        int64_t shift = av_rescale_q(offset, w->reader->stream->time_base, c->time_base);
        *copy = (AVChapter){.id = c->id, .time_base = c->time_base, .start = c->start - shift, .end = c->end - shift};
        if (!options->strip_metadata)
            video_copy_tags(c->metadata, &copy->metadata, options->keep_data_streams);
        to->chapters[to->nb_chapters++] = copy;
    }
    return 0;
}

int video_tracks_add(struct video_writer *w, const struct video_options *options, struct error *err)
{
    const AVFormatContext *source = w->reader->format;
    int code = 0;
    for (unsigned i = 0; i < source->nb_streams && i < VIDEO_MAX_STREAMS && code == 0; i++) {
        AVStream *from = source->streams[i];
        enum AVMediaType kind = from->codecpar->codec_type;
        w->tracks[i].last_dts = INT64_MIN;
        if (kind == AVMEDIA_TYPE_VIDEO)
            continue;
        code = kind == AVMEDIA_TYPE_AUDIO      ? add_sound(w, from, options, err)
               : kind == AVMEDIA_TYPE_SUBTITLE ? add_subtitles(w, from, options, err)
                                               : add_data(w, from, options, err);
    }
    return code < 0 ? code : add_chapters(w, options, err);
}

void video_tracks_destroy(struct video_writer *w)
{
    for (int i = 0; i < VIDEO_MAX_STREAMS; i++) {
        video_audio_destroy(w->tracks[i].audio);
        video_text_destroy(w->tracks[i].text);
    }
}

static int flush_audio(struct video_writer *w, struct video_track *t, AVRational ticks)
{
    int code;
    while ((code = video_audio_receive(t->audio, w->copy)) == 0)
        if ((code = video_writer_mux(w, w->copy, t->stream, ticks, &t->last_dts)) < 0)
            return code;
    return code == AVERROR(EAGAIN) || code == AVERROR_EOF ? 0 : code;
}

/* Gives w->copy, a packet of the source, on. The lock is held. */
static int pass_on(struct video_writer *w, struct video_track *t, AVRational ticks)
{
    int code = 0;
    if (t->audio) {
        code = video_audio_send(t->audio, w->copy);
        av_packet_unref(w->copy);
        return code < 0 ? code : flush_audio(w, t, ticks);
    }
    if (t->text)
        code = video_text_convert(t->text, w->copy);
    if (code >= 0 && w->copy->size > 0)
        code = video_writer_mux(w, w->copy, t->stream, ticks, &t->last_dts);
    av_packet_unref(w->copy);
    /* A damaged packet of sound or text: the pictures go on. */
    return code == AVERROR_INVALIDDATA || code == AVERROR(EINVAL) ? 0 : code;
}

/* What an edit list cuts off before the beginning, but for what a decoder has to have heard. */
static bool is_trimmed(const AVPacket *p, AVRational ticks)
{
    return p->flags & AV_PKT_FLAG_DISCARD && p->pts != AV_NOPTS_VALUE &&
           (double)(p->pts + p->duration) * av_q2d(ticks) < -PREROLL_S;
}

int video_writer_packet(struct video_writer *w, const AVPacket *packet, struct error *err)
{
    if (packet->stream_index < 0 || packet->stream_index >= VIDEO_MAX_STREAMS)
        return 0;
    struct video_track *t = &w->tracks[packet->stream_index];
    if (!t->stream || packet->size <= 0)
        return 0;
    AVRational ticks = w->reader->format->streams[packet->stream_index]->time_base;
    AVRational video = w->reader->stream->time_base;
    int64_t stamp = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    if (stamp != AV_NOPTS_VALUE)
        stamp = av_rescale_q(stamp, ticks, video);
    int64_t offset = av_rescale_q(video_reader_offset(w->reader, stamp), video, ticks);
    if (av_packet_ref(w->copy, packet) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    if (w->copy->pts != AV_NOPTS_VALUE)
        w->copy->pts -= offset;
    if (w->copy->dts != AV_NOPTS_VALUE)
        w->copy->dts -= offset;
    if (is_trimmed(w->copy, ticks)) {
        av_packet_unref(w->copy);
        return 0;
    }
    pthread_mutex_lock(&w->lock);
    int code = pass_on(w, t, ticks);
    pthread_mutex_unlock(&w->lock);
    return code < 0 ? video_io_error(err, code, -EIO, "the result cannot be written") : 0;
}

int video_tracks_finish(struct video_writer *w, struct error *err)
{
    for (int i = 0; i < VIDEO_MAX_STREAMS; i++) {
        struct video_track *t = &w->tracks[i];
        if (!t->audio)
            continue;
        int code = video_audio_send(t->audio, NULL);
        if (code >= 0)
            code = flush_audio(w, t, w->reader->format->streams[i]->time_base);
        if (code < 0)
            return video_io_error(err, code, -EIO, "the sound cannot be coded");
    }
    return 0;
}
