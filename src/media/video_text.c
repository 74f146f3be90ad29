/* Subtitles that MP4 cannot hold as they are (SubRip, ASS, WebVTT ...) become its own kind of timed text. */
#include "media/video_private.h"

#include <string.h>

#define TEXT_BYTES (64 << 10) /* of one subtitle, encoded; MP4 counts them in 16 bits */

struct video_text {
    AVCodecContext *decoder, *encoder;
    AVRational time_base; /* of the source */
};

static int open_decoder(struct video_text *t, const AVStream *source)
{
    const AVCodecDescriptor *kind = avcodec_descriptor_get(source->codecpar->codec_id);
    const AVCodec *codec = avcodec_find_decoder(source->codecpar->codec_id);
    if (!codec || !kind || !(kind->props & AV_CODEC_PROP_TEXT_SUB)) /* drawn ones would have to be read */
        return AVERROR_DECODER_NOT_FOUND;
    if (!(t->decoder = avcodec_alloc_context3(codec)))
        return AVERROR(ENOMEM);
    int code = avcodec_parameters_to_context(t->decoder, source->codecpar);
    t->decoder->pkt_timebase = source->time_base;
    return code < 0 ? code : avcodec_open2(t->decoder, codec, NULL);
}

static int open_encoder(struct video_text *t)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_MOV_TEXT);
    if (!codec)
        return AVERROR_ENCODER_NOT_FOUND;
    if (!(t->encoder = avcodec_alloc_context3(codec)))
        return AVERROR(ENOMEM);
    t->encoder->time_base = AV_TIME_BASE_Q;
    if (t->decoder->subtitle_header) {
        t->encoder->subtitle_header = (uint8_t *)av_strdup((const char *)t->decoder->subtitle_header);
        if (!t->encoder->subtitle_header)
            return AVERROR(ENOMEM);
        t->encoder->subtitle_header_size = t->decoder->subtitle_header_size;
    }
    return avcodec_open2(t->encoder, codec, NULL);
}

int video_text_create(const AVStream *source, struct video_text **ret_text)
{
    struct video_text *t = av_mallocz(sizeof *t);
    if (!t)
        return AVERROR(ENOMEM);
    t->time_base = source->time_base;
    int code = open_decoder(t, source);
    if (code >= 0)
        code = open_encoder(t);
    if (code < 0) {
        video_text_destroy(t);
        return code;
    }
    *ret_text = t;
    return 0;
}

void video_text_destroy(struct video_text *t)
{
    if (!t)
        return;
    avcodec_free_context(&t->decoder);
    avcodec_free_context(&t->encoder);
    av_free(t);
}

int video_text_describe(const struct video_text *t, AVStream *out)
{
    return avcodec_parameters_from_context(out->codecpar, t->encoder);
}

/* Puts the encoded subtitle in the packet's place, with the times that it is shown at. */
static int replace(struct video_text *t, AVPacket *packet, AVSubtitle *shown)
{
    static const AVRational ms = {1, 1000};
    int64_t start = av_rescale_q(shown->start_display_time, ms, t->time_base), length = packet->duration;
    if (length <= 0 && shown->end_display_time != UINT32_MAX && shown->end_display_time > shown->start_display_time)
        length = av_rescale_q(shown->end_display_time - shown->start_display_time, ms, t->time_base);
    shown->start_display_time = 0;
    uint8_t *data = av_malloc(TEXT_BYTES);
    int size = data ? avcodec_encode_subtitle(t->encoder, data, TEXT_BYTES, shown) : AVERROR(ENOMEM);
    int64_t pts = packet->pts;
    av_packet_unref(packet);
    int code = size > 0 ? av_new_packet(packet, size) : size;
    if (code == 0 && size > 0) {
        memcpy(packet->data, data, (size_t)size);
        packet->pts = packet->dts = pts == AV_NOPTS_VALUE ? pts : pts + start;
        packet->duration = length;
    }
    av_free(data);
    return code;
}

int video_text_convert(struct video_text *t, AVPacket *packet)
{
    AVSubtitle shown = {0};
    int got = 0, code = avcodec_decode_subtitle2(t->decoder, &shown, &got, packet);
    if (code >= 0 && got && shown.num_rects)
        code = replace(t, packet, &shown);
    else
        av_packet_unref(packet);
    if (got)
        avsubtitle_free(&shown);
    return code == AVERROR(ENOMEM) ? code : code < 0 ? AVERROR_INVALIDDATA : 0;
}
