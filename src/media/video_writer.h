/* Private to media/: the writer's insides, which video_write.c (file, pictures) and video_tracks.c (all else) share.
 *
 * Two threads meet here: the reader's (video_writer_packet) and the encoder's (video_writer_frame). The muxer and the
 * warnings are behind `lock`; the encoder belongs to the caller of video_writer_frame alone. */
#ifndef OBSCURA_MEDIA_VIDEO_WRITER_H
#define OBSCURA_MEDIA_VIDEO_WRITER_H

#include "media/video_private.h"

#define VIDEO_PENDING 1024 /* frames inside the encoder; its look-ahead is shorter */

/* What becomes of a stream of the source that is not the video's. */
struct video_track {
    AVStream *stream;          /* NULL: dropped */
    struct video_audio *audio; /* NULL: not coded again */
    struct video_text *text;   /* NULL: not converted */
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
    struct video_track tracks[VIDEO_MAX_STREAMS]; /* by the source's stream number */
    pthread_mutex_t lock;                         /* of format, io, tracks[].last_dts, warnings */
    struct {
        int64_t pts, duration;
    } pending[VIDEO_PENDING];
    unsigned sent;               /* frames, which index `pending` */
    int64_t first_pts, last_pts; /* of the frames sent; both in the encoder's ticks, like: */
    int64_t last_dts;            /* of its packets */
    unsigned received;           /* those */
    bool header;
    char warnings[VIDEO_WARNING_BYTES];
};

/* Hands a packet in the source's ticks to the muxer, with time stamps that it accepts; takes the packet's contents.
 * Returns libav codes. */
int video_writer_mux(struct video_writer *w, AVPacket *p, AVStream *to, AVRational ticks, int64_t *last_dts);

/* --- video_tracks.c --- */

/* Adds a track for each stream that is kept, before the header is written. */
int video_tracks_add(struct video_writer *w, const struct video_options *options, struct error *err);
/* Writes what the encoders of sound still hold. */
int video_tracks_finish(struct video_writer *w, struct error *err);
void video_tracks_destroy(struct video_writer *w);

/* Copies tags, without those that name the program that wrote them and, unless they are asked for, those that say where
 * the video was taken. */
void video_copy_tags(AVDictionary *from, AVDictionary **to, bool places);

#endif
