/* Frames out of an opened video, one at a time; sound and the like go to the writer on the way. */
#include "media/video_private.h"

#include <libavutil/pixdesc.h>

/* Packets in a row that give nothing but errors: past that, the rest is taken for damaged. */
#define MAX_ERRORS_IN_A_ROW 5000
#define CLOCK_SET_BACK 0.3 /* s by which time goes back where it is no disorder of packets */

/* The end has been reached, or cannot be: lets the decoder give what it still holds. */
static int drain(struct video_reader *r, bool early)
{
    r->drained = true;
    r->ended_early = early;
    int code = avcodec_send_packet(r->decoder, NULL);
    return code < 0 && code != AVERROR_EOF ? code : 0;
}

/* A packet of another stream than the video's. */
static int pass_on(struct video_reader *r, AVPacket *packet, struct error *err)
{
    if (!r->opening)
        return r->writer ? video_writer_packet(r->writer, packet, err) : 0;
    AVPacket *copy = av_packet_clone(packet);
    if (!copy)
        return error_set(err, -ENOMEM, "out of memory");
    r->held[r->held_count++] = copy;
    return 0;
}

/* Packets that came while the reader was being opened. */
static int pass_on_held(struct video_reader *r, struct error *err)
{
    int code = 0;
    for (int i = 0; i < r->held_count; i++) {
        code = code == 0 ? pass_on(r, r->held[i], err) : code;
        av_packet_free(&r->held[i]);
    }
    r->held_count = 0;
    return code;
}

int64_t video_reader_offset(const struct video_reader *r, int64_t stamp)
{
    if (r->offset == r->offset_before || stamp == AV_NOPTS_VALUE || r->clock == AV_NOPTS_VALUE)
        return r->offset;
    int64_t with = llabs(stamp - r->offset - r->clock), before = llabs(stamp - r->offset_before - r->clock);
    return before < with ? r->offset_before : r->offset;
}

/* Takes the offset from a packet of the video. Parts of a transport stream that were put one after the other each have
 * a clock of their own: where it is set back, the offset follows, so that the next part begins where the last ended. */
static void shift(struct video_reader *r, AVPacket *p)
{
    int64_t *stamps[] = {&p->pts, &p->dts};
    for (int i = 0; i < 2; i++)
        if (*stamps[i] != AV_NOPTS_VALUE && (*stamps[i] > INT64_MAX / 4 || *stamps[i] < INT64_MIN / 4))
            *stamps[i] = 0;
    int64_t dts = p->dts != AV_NOPTS_VALUE ? p->dts : p->pts;
    bool resets = r->format->iformat->flags & AVFMT_TS_DISCONT && dts != AV_NOPTS_VALUE && r->clock != AV_NOPTS_VALUE;
    int64_t back = resets ? r->clock - (dts - r->offset) : 0;
    if ((double)back * av_q2d(r->stream->time_base) > CLOCK_SET_BACK) {
        r->offset_before = r->offset;
        r->offset -= back + r->frame_ticks;
    }
    for (int i = 0; i < 2; i++)
        if (*stamps[i] != AV_NOPTS_VALUE)
            *stamps[i] -= r->offset;
    if (dts != AV_NOPTS_VALUE)
        r->clock = dts - r->offset;
}

/* An error is reported with the packet that caused it or, where threads have a frame each, with one sent later. */
static void doubt(struct video_reader *r)
{
    bool later = r->decoder->active_thread_type & FF_THREAD_FRAME;
    int count = later && r->decoder->thread_count > 1 ? r->decoder->thread_count : 1;
    for (int i = 0; i < count && (uint64_t)i < r->packets; i++)
        r->doubted[(r->packets - 1 - i) % VIDEO_INSIDE] = true;
}

/* Sends the video's packet. Demuxers mark one as corrupt of which something was lost; where the stream is put together
 * from pieces that end anywhere, what was lost may be the next one's. */
static int send_packet(struct video_reader *r)
{
    bool corrupt = r->packet->flags & AV_PKT_FLAG_CORRUPT;
    r->unreadable += corrupt;
    r->doubted[r->packets % VIDEO_INSIDE] = corrupt || r->corrupt;
    r->corrupt = corrupt;
    r->decoder->reordered_opaque = (int64_t)r->packets++;
    return avcodec_send_packet(r->decoder, r->packet);
}

/* Gives one more packet to the decoder, or another stream's to the writer. */
static int feed(struct video_reader *r, int *errors, struct error *err)
{
    int code = av_read_frame(r->format, r->packet);
    if (code == AVERROR(EAGAIN) && ++*errors < MAX_ERRORS_IN_A_ROW)
        return 0;
    if (code == AVERROR(ENOMEM))
        return error_set(err, -ENOMEM, "out of memory");
    if (code < 0)
        return drain(r, code != AVERROR_EOF) < 0 ? error_set(err, -EBADMSG, "the video cannot be decoded") : 0;
    if (r->packet->stream_index == r->stream->index) {
        r->elsewhere = 0;
        r->left_out += (r->packet->flags & AV_PKT_FLAG_DISCARD) != 0;
        shift(r, r->packet);
        code = send_packet(r);
        if (code == AVERROR(ENOMEM))
            return error_set(err, -ENOMEM, "out of memory while decoding");
        if (code < 0) {
            r->unreadable++;
            doubt(r);
            if (++*errors >= MAX_ERRORS_IN_A_ROW)
                drain(r, true);
        }
        code = 0;
    } else {
        r->elsewhere += r->format->streams[r->packet->stream_index]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
        r->elsewhere_most = r->elsewhere > r->elsewhere_most ? r->elsewhere : r->elsewhere_most;
        code = pass_on(r, r->packet, err);
    }
    av_packet_unref(r->packet);
    return code;
}

/* Brings r->decoded into the form that frames are given out in. */
static int convert(struct video_reader *r, struct error *err)
{
    AVFrame *in = r->decoded;
    bool full;
    enum AVPixelFormat pixels = video_frame_plain(in->format, &full);
    if (pixels == r->pixels && in->width >= r->width && in->height >= r->height &&
        in->width <= r->stream->codecpar->width && in->height <= r->stream->codecpar->height)
        return 0;
    AVFrame *out = av_frame_alloc();
    if (!out)
        return error_set(err, -ENOMEM, "out of memory");
    out->format = r->pixels;
    out->width = r->width;
    out->height = r->height;
    r->sws = sws_getCachedContext(r->sws, in->width, in->height, in->format, r->width, r->height, r->pixels,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    const AVPixFmtDescriptor *source = av_pix_fmt_desc_get(in->format);
    bool rgb = source && source->flags & AV_PIX_FMT_FLAG_RGB;
    /* Levels stay as they are; RGB becomes limited ones. (swscale takes grey for full and writes limited.) */
    bool from_full = rgb || full || in->color_range == AVCOL_RANGE_JPEG;
    const int *matrix = sws_getCoefficients(rgb ? SWS_CS_ITU601 : in->colorspace);
    if (r->sws)
        sws_setColorspaceDetails(r->sws, matrix, from_full, matrix, from_full && !rgb, 0, 1 << 16, 1 << 16);
    int code = r->sws ? av_frame_get_buffer(out, 64) : AVERROR(EINVAL);
    if (code == 0)
        code = av_frame_copy_props(out, in);
    if (code == 0)
        code =
            sws_scale(r->sws, (const uint8_t *const *)in->data, in->linesize, 0, in->height, out->data, out->linesize);
    if (code < 0) {
        av_frame_free(&out);
        return video_io_error(err, code, -EOPNOTSUPP, "the video's pictures are of a form that cannot be converted");
    }
    if (rgb) {
        out->color_range = AVCOL_RANGE_MPEG;
        out->colorspace = AVCOL_SPC_SMPTE170M;
    } else if (full)
        out->color_range = AVCOL_RANGE_JPEG;
    av_frame_free(&r->decoded);
    r->decoded = out;
    return 0;
}

/* Encoders and players want time to move on: a stamp that is missing or goes back is put right after the last. */
static int64_t next_pts(struct video_reader *r)
{
    int64_t pts = r->decoded->best_effort_timestamp;
    if (pts == AV_NOPTS_VALUE)
        return r->last_pts == AV_NOPTS_VALUE ? 0 : r->last_pts + r->frame_ticks;
    if (r->last_pts != AV_NOPTS_VALUE && pts <= r->last_pts)
        pts = r->last_pts + 1;
    return pts;
}

static int give_out(struct video_reader *r, struct video_frame *ret, struct error *err)
{
    int code = convert(r, err);
    if (code < 0)
        return code;
    const AVFrame *av = r->decoded;
    bool doubted = r->doubted[(uint64_t)av->reordered_opaque % VIDEO_INSIDE];
    *ret = (struct video_frame){
        .pts = next_pts(r),
        .duration = av->pkt_duration > 0 ? av->pkt_duration : r->frame_ticks,
        .damaged = doubted || av->decode_error_flags || av->flags & AV_FRAME_FLAG_CORRUPT,
        .interlaced = av->interlaced_frame,
        .top_field_first = av->top_field_first,
    };
    ret->time = (double)ret->pts * av_q2d(r->stream->time_base);
    code = video_frame_wrap(av, r->width, r->height, &ret->frame);
    av_frame_unref(r->decoded);
    if (code < 0)
        return error_set(err, code, "the video's pictures cannot be taken over: %s", av_err2str(code));
    r->last_pts = ret->pts;
    r->damaged += ret->damaged;
    r->frames++;
    return 1;
}

static void sum_up(struct video_reader *r)
{
    int64_t want = r->info.frames - r->left_out;
    if (r->damaged)
        video_io_warn(
            r->warnings, sizeof r->warnings, "the video is damaged: %lld frames are not whole", (long long)r->damaged);
    if (r->unreadable)
        video_io_warn(r->warnings, sizeof r->warnings, "the video is damaged: %lld packets could not be decoded",
            (long long)r->unreadable);
    if (r->ended_early || (want > 0 && r->frames + r->frames / 100 + 2 < want))
        video_io_warn(r->warnings, sizeof r->warnings,
            want > r->frames ? "the video ends early: %lld of %lld frames" : "the video ends early, after %lld frames",
            (long long)r->frames, (long long)want);
    if ((double)r->elsewhere_most > r->info.usual_rate) /* recordings that were put one after the other */
        video_io_warn(r->warnings, sizeof r->warnings,
            "a part of the video is in another stream of the file, which was dropped: %lld pictures",
            (long long)r->elsewhere_most);
    bool cut_x = r->width < r->stream->codecpar->width, cut_y = r->height < r->stream->codecpar->height;
    if (cut_x || cut_y)
        video_io_warn(r->warnings, sizeof r->warnings, "the %s of odd size was cut by one pixel",
            cut_x && cut_y ? "width and height"
            : cut_x        ? "width"
                           : "height");
}

/* The next picture into r->decoded: 1, 0 at the end (or, while opening, where no more packets can be held). */
static int decode(struct video_reader *r, struct error *err)
{
    for (int errors = 0;;) {
        int code = avcodec_receive_frame(r->decoder, r->decoded);
        if (code == 0)
            return 1;
        if (code == AVERROR(ENOMEM))
            return error_set(err, -ENOMEM, "out of memory while decoding");
        if (code == AVERROR_EOF || (r->drained && ++errors >= MAX_ERRORS_IN_A_ROW) || r->held_count == VIDEO_HELD)
            return 0;
        if (code != AVERROR(EAGAIN)) {
            r->unreadable++;
            doubt(r);
        }
        if (!r->drained && (code = feed(r, &errors, err)) < 0)
            return code;
    }
}

int video_reader_peek(struct video_reader *r, struct error *err)
{
    struct error why;
    r->opening = true;
    int code = decode(r, &why);
    r->opening = false;
    r->peeked = code > 0;
    return code == -ENOMEM ? error_set(err, code, "%s", why.text) : 0;
}

int video_reader_next(struct video_reader *r, struct video_frame *ret_frame, struct error *err)
{
    int code = pass_on_held(r, err);
    if (code == 0)
        code = r->peeked ? 1 : decode(r, err);
    r->peeked = false;
    if (code < 0)
        return code;
    if (code > 0)
        return give_out(r, ret_frame, err);
    if (!r->frames)
        return error_set(err, -EBADMSG, "no picture of the video could be decoded");
    sum_up(r);
    return 0;
}
