/* Private to media/: what the parts of the video reader and writer share. */
#ifndef OBSCURA_MEDIA_VIDEO_PRIVATE_H
#define OBSCURA_MEDIA_VIDEO_PRIVATE_H

#include <pthread.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>

#include "media/video.h"
#include "media/video_io.h"

#define VIDEO_WARNING_BYTES 1024
#define VIDEO_HELD 1024      /* packets */
#define VIDEO_INSIDE 1024    /* packets whose pictures a decoder may still hold, at most */
#define VIDEO_MAX_STREAMS 64 /* of the source that are looked at; further ones are dropped */

struct video_reader {
    AVFormatContext *format;
    AVIOContext *io;
    AVStream *stream; /* the video's, in `format` */
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *decoded;
    struct SwsContext *sws; /* for pictures that come in another form than `pixels`, width, height */
    struct video_info info;
    int width, height;           /* of frames given out, px, not upright */
    enum AVPixelFormat pixels;   /* of frames given out */
    int64_t offset;              /* ticks of stream->time_base taken from every time stamp */
    int64_t offset_before;       /* the same before the source's clock was set back; else as `offset` */
    int64_t clock;               /* dts of the video's last packet, ticks, offset taken; AV_NOPTS_VALUE: none yet */
    int64_t frame_ticks;         /* a frame's usual duration, ticks */
    int64_t last_pts;            /* of the last frame given out */
    int64_t frames;              /* given out */
    int64_t damaged, unreadable; /* frames concealed; packets that gave an error */
    /* Pictures bear the number of their packet (reordered_opaque): by it, which are not to be trusted. */
    uint64_t packets;           /* of the video, sent so far */
    bool doubted[VIDEO_INSIDE]; /* by a packet's number */
    bool corrupt;               /* the last packet was marked as such */
    int64_t left_out;           /* packets of pictures that an edit list hides */
    int64_t elsewhere;          /* pictures of other video streams since the last packet of this one, and */
    int64_t elsewhere_most;     /* the most there were */
    bool drained, ended_early;
    /* While it is being opened the reader decodes a picture ahead, to know what it is like; other streams' packets are
     * held until there may be a writer for them. */
    bool opening, peeked;
    AVPacket *held[VIDEO_HELD]; /* owned */
    int held_count;
    struct video_writer *writer; /* borrowed; may be NULL */
    char warnings[VIDEO_WARNING_BYTES];
};

/* What is to be taken from this time stamp of another stream, in ticks of the video's; AV_NOPTS_VALUE is no stamp. */
int64_t video_reader_offset(const struct video_reader *r, int64_t stamp);

/* Decodes the first picture ahead into r->decoded, where that can be done; failures show in video_reader_next. -ENOMEM
 */
int video_reader_peek(struct video_reader *r, struct error *err);

/* A pixel's width by its height as shown, not upright; 0/1 where the source does not say. */
AVRational video_reader_aspect(const struct video_reader *r);

/* The pixel format frames will be given out in: one that the writer's encoder takes. Called before the first frame. */
void video_reader_set_pixels(struct video_reader *r, enum AVPixelFormat pixels);

/* --- video_frame.c: AVFrames as ours and back --- */

/* Wraps a reference to `av`, whose format must be planar YUV or grey of native byte order. -EOPNOTSUPP, -ENOMEM */
int video_frame_wrap(const AVFrame *av, int width, int height, struct frame **ret_frame);
/* An AVFrame whose planes hold references to `f`; it is freed with av_frame_free. NULL: out of memory. */
AVFrame *video_frame_unwrap(struct frame *f, enum AVPixelFormat pixels);
/* Whether video_frame_wrap can take it. */
bool video_frame_wrappable(enum AVPixelFormat pixels);
/* AVCodecContext.get_buffer2: the usual memory, made grey. Decoders leave what they could not decode as they were given
 * it, and not all say so; used memory would show there an older picture as it was before redaction. */
int video_frame_memory(AVCodecContext *decoder, AVFrame *av, int flags);
/* yuvj420p and its kin as the format they are, and whether it was one. */
enum AVPixelFormat video_frame_plain(enum AVPixelFormat pixels, bool *ret_full);

/* --- video_encoder.c --- */

/* An opened encoder for what the reader gives. The pixel format is in it. */
int video_encoder_open(const struct video_reader *reader, const struct video_options *options,
    AVCodecContext **ret_encoder, struct error *err);
/* Bits a second that the pictures of the source take; 0 where that cannot be told. */
int64_t video_encoder_source_rate(const struct video_reader *reader);

/* --- video_audio.c: sound that MP4 cannot hold as it is, as AAC --- */

struct video_audio;

int video_audio_create(const AVStream *source, AVStream *out, struct video_audio **ret_audio, struct error *err);
void video_audio_destroy(struct video_audio *a); /* NULL-safe */
/* Sends one packet of the source (NULL: no more). Then video_audio_receive gives encoded packets, in units of the
 * source's time base, until AVERROR(EAGAIN) or AVERROR_EOF. Returns libav codes. */
int video_audio_send(struct video_audio *a, const AVPacket *packet);
int video_audio_receive(struct video_audio *a, AVPacket *packet);

/* --- video_text.c: subtitles that MP4 cannot hold as they are, as its own kind --- */

struct video_text;

/* Returns libav codes: less than 0 also for subtitles that are pictures. */
int video_text_create(const AVStream *source, struct video_text **ret_text);
void video_text_destroy(struct video_text *t); /* NULL-safe */
int video_text_describe(const struct video_text *t, AVStream *out);
/* Replaces a packet of the source by the converted one; it is left empty where there is nothing to show. Libav codes.
 */
int video_text_convert(struct video_text *t, AVPacket *packet);

/* --- video_tracks.c, called by the reader --- */

/* A packet of another stream than the video's, as demuxed; borrowed. Ticks are less the reader's offset. */
int video_writer_packet(struct video_writer *w, const AVPacket *packet, struct error *err);

#endif
