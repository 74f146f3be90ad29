/* Sound that MP4 cannot hold as it is (PCM, Vorbis, WMA ...) is decoded and coded again as AAC. */
#include "media/video_private.h"

#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#define BITS_A_CHANNEL 96000
#define MAX_CHANNELS 8
#define FIFO_LIMIT (1 << 22) /* samples; a frame that claims more is damaged */
#define HOLE 0.1             /* s without sound from which on silence takes its place */
#define SILENCE 4096         /* samples written at once */

struct video_audio {
    AVCodecContext *decoder, *encoder;
    SwrContext *resampler; /* NULL: of what comes now none can be made */
    /* What it was made for; the decoder's own fields follow each frame. */
    AVChannelLayout layout;
    enum AVSampleFormat format;
    int rate;
    AVAudioFifo *fifo;
    AVFrame *frame;
    AVRational time_base; /* of the source */
    int64_t next;         /* pts of the next frame to encode, samples */
    bool started, drained;
};

static int open_decoder(struct video_audio *a, const AVStream *source)
{
    const AVCodec *codec = avcodec_find_decoder(source->codecpar->codec_id);
    if (!codec)
        return AVERROR_DECODER_NOT_FOUND;
    if (!(a->decoder = avcodec_alloc_context3(codec)))
        return AVERROR(ENOMEM);
    int code = avcodec_parameters_to_context(a->decoder, source->codecpar);
    a->decoder->pkt_timebase = source->time_base;
    a->decoder->thread_count = 1;
    if (code >= 0)
        code = avcodec_open2(a->decoder, codec, NULL);
    if (code >= 0 && (a->decoder->sample_rate < 1 || a->decoder->ch_layout.nb_channels < 1))
        code = AVERROR_INVALIDDATA;
    return code;
}

/* AAC has a list of rates; the nearest that is not lower, or its highest. */
static int rate_for(const AVCodec *codec, int rate)
{
    int best = 0;
    for (const int *r = codec->supported_samplerates; r && *r; r++)
        if (!best || (*r >= rate && (*r < best || best < rate)) || (best<rate && * r> best))
            best = *r;
    return best ? best : rate;
}

static int open_encoder(struct video_audio *a, AVStream *out)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (!codec || !(a->encoder = avcodec_alloc_context3(codec)))
        return AVERROR(ENOMEM);
    int channels = a->decoder->ch_layout.nb_channels;
    av_channel_layout_default(&a->encoder->ch_layout, channels > 2 ? (channels > 6 ? 8 : 6) : channels);
    a->encoder->sample_rate = rate_for(codec, a->decoder->sample_rate);
    a->encoder->sample_fmt = AV_SAMPLE_FMT_FLTP;
    a->encoder->bit_rate = (int64_t)BITS_A_CHANNEL * a->encoder->ch_layout.nb_channels;
    a->encoder->time_base = (AVRational){1, a->encoder->sample_rate};
    a->encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    int code = avcodec_open2(a->encoder, codec, NULL);
    return code < 0 ? code : avcodec_parameters_from_context(out->codecpar, a->encoder);
}

/* A resampler for sound of this form, in the place of the one before. */
static int open_resampler(struct video_audio *a, const AVChannelLayout *layout, enum AVSampleFormat format, int rate)
{
    AVChannelLayout from = {0};
    int channels = layout->nb_channels;
    swr_free(&a->resampler);
    a->format = format;
    a->rate = rate;
    int code = av_channel_layout_copy(&a->layout, layout);
    if (code == 0 && (channels < 1 || channels > MAX_CHANNELS || rate < 1))
        code = AVERROR_INVALIDDATA;
    if (code == 0 && layout->order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&from, channels);
    else if (code == 0)
        code = av_channel_layout_copy(&from, layout);
    if (code == 0)
        code = swr_alloc_set_opts2(&a->resampler, &a->encoder->ch_layout, AV_SAMPLE_FMT_FLTP, a->encoder->sample_rate,
            &from, format, rate, 0, NULL);
    if (code == 0)
        code = swr_init(a->resampler);
    av_channel_layout_uninit(&from);
    if (code < 0)
        swr_free(&a->resampler);
    return code;
}

int video_audio_create(const AVStream *source, AVStream *out, struct video_audio **ret_audio, struct error *err)
{
    struct video_audio *a = av_mallocz(sizeof *a);
    if (!a)
        return error_set(err, -ENOMEM, "out of memory");
    a->time_base = source->time_base;
    int code = open_decoder(a, source);
    if (code >= 0)
        code = open_encoder(a, out);
    if (code >= 0)
        code = open_resampler(a, &a->decoder->ch_layout, a->decoder->sample_fmt, a->decoder->sample_rate);
    if (code >= 0) {
        a->fifo = av_audio_fifo_alloc(AV_SAMPLE_FMT_FLTP, a->encoder->ch_layout.nb_channels, 4096);
        a->frame = av_frame_alloc();
        code = a->fifo && a->frame ? 0 : AVERROR(ENOMEM);
    }
    if (code < 0) {
        video_audio_destroy(a);
        return video_io_error(err, code, -EOPNOTSUPP, "the sound cannot be coded again");
    }
    *ret_audio = a;
    return 0;
}

void video_audio_destroy(struct video_audio *a)
{
    if (!a)
        return;
    avcodec_free_context(&a->decoder);
    avcodec_free_context(&a->encoder);
    swr_free(&a->resampler);
    av_channel_layout_uninit(&a->layout);
    if (a->fifo)
        av_audio_fifo_free(a->fifo);
    av_frame_free(&a->frame);
    av_free(a);
}

/* Resamples a->frame (or, NULL data, what the resampler still holds) into the fifo. */
static int resample(struct video_audio *a, const uint8_t **data, int samples)
{
    int room = a->resampler ? swr_get_out_samples(a->resampler, samples) : 0;
    uint8_t *planes[MAX_CHANNELS] = {0};
    if (room <= 0 || room > FIFO_LIMIT || av_audio_fifo_size(a->fifo) > FIFO_LIMIT)
        return room <= 0 ? 0 : AVERROR_INVALIDDATA;
    int code = av_samples_alloc(planes, NULL, a->encoder->ch_layout.nb_channels, room, AV_SAMPLE_FMT_FLTP, 0);
    if (code < 0)
        return code;
    int got = swr_convert(a->resampler, planes, room, data, samples);
    code = got > 0 && av_audio_fifo_write(a->fifo, (void **)planes, got) < got ? AVERROR(ENOMEM) : got;
    av_freep(&planes[0]);
    return code < 0 ? code : 0;
}

/* Lets the resampler follow what sound changes to in mid-stream; the decoder tells nobody. */
static int follow_format(struct video_audio *a)
{
    const AVFrame *f = a->frame;
    if (f->sample_rate == a->rate && f->format == (int)a->format &&
        av_channel_layout_compare(&f->ch_layout, &a->layout) == 0)
        return 0;
    int code = resample(a, NULL, 0);
    return code < 0 ? code : open_resampler(a, &f->ch_layout, f->format, f->sample_rate);
}

/* Where the source has a hole its sound goes on at its time, after silence: it would run ahead of the pictures. */
static int keep_time(struct video_audio *a)
{
    int64_t stamp = a->frame->best_effort_timestamp;
    if (stamp == AV_NOPTS_VALUE)
        return 0;
    stamp = av_rescale_q(stamp, a->time_base, a->encoder->time_base);
    if (!a->started)
        a->next = stamp;
    a->started = true;
    int64_t here = a->next + av_audio_fifo_size(a->fifo) + swr_get_delay(a->resampler, a->encoder->sample_rate);
    int64_t missing = stamp - here < (int64_t)(HOLE * a->encoder->sample_rate) ? 0 : stamp - here;
    uint8_t *planes[MAX_CHANNELS] = {0};
    int channels = a->encoder->ch_layout.nb_channels;
    int code = missing ? av_samples_alloc(planes, NULL, channels, SILENCE, AV_SAMPLE_FMT_FLTP, 0) : 0;
    if (missing && code >= 0)
        av_samples_set_silence(planes, 0, SILENCE, channels, AV_SAMPLE_FMT_FLTP);
    while (code >= 0 && missing > 0 && av_audio_fifo_size(a->fifo) < FIFO_LIMIT / 2) { /* the rest of it comes later */
        int n = missing < SILENCE ? (int)missing : SILENCE;
        code = av_audio_fifo_write(a->fifo, (void **)planes, n);
        missing -= n;
    }
    av_freep(&planes[0]);
    return code < 0 ? code : 0;
}

int video_audio_send(struct video_audio *a, const AVPacket *packet)
{
    int code = avcodec_send_packet(a->decoder, packet);
    if (code == AVERROR(ENOMEM))
        return code;
    while ((code = avcodec_receive_frame(a->decoder, a->frame)) == 0) {
        code = follow_format(a);
        if (code >= 0 && a->resampler)
            code = keep_time(a);
        if (code >= 0)
            code = resample(a, (const uint8_t **)a->frame->extended_data, a->frame->nb_samples);
        av_frame_unref(a->frame);
        if (code == AVERROR(ENOMEM))
            return code;
    }
    if (!packet) {
        a->drained = true;
        return resample(a, NULL, 0);
    }
    return 0;
}

/* Gives the encoder one frame's worth out of the fifo. */
static int encode_next(struct video_audio *a)
{
    int have = av_audio_fifo_size(a->fifo), want = a->encoder->frame_size;
    if (have < want && !a->drained)
        return AVERROR(EAGAIN);
    if (have == 0)
        return avcodec_send_frame(a->encoder, NULL);
    a->frame->nb_samples = have < want ? have : want;
    a->frame->format = AV_SAMPLE_FMT_FLTP;
    a->frame->sample_rate = a->encoder->sample_rate;
    int code = av_channel_layout_copy(&a->frame->ch_layout, &a->encoder->ch_layout);
    if (code >= 0)
        code = av_frame_get_buffer(a->frame, 0);
    if (code >= 0)
        code = av_audio_fifo_read(a->fifo, (void **)a->frame->data, a->frame->nb_samples);
    if (code >= 0) {
        a->frame->pts = a->next;
        a->next += a->frame->nb_samples;
        code = avcodec_send_frame(a->encoder, a->frame);
    }
    av_frame_unref(a->frame);
    return code;
}

int video_audio_receive(struct video_audio *a, AVPacket *packet)
{
    for (;;) {
        int code = avcodec_receive_packet(a->encoder, packet);
        if (code == 0)
            av_packet_rescale_ts(packet, a->encoder->time_base, a->time_base);
        if (code != AVERROR(EAGAIN))
            return code;
        if ((code = encode_next(a)) < 0)
            return code;
    }
}
