/* Videos: a reader that gives decoded frames and a writer that makes an MP4 of them, on FFmpeg's libraries.
 *
 * Both work on file descriptors alone, by pread and pwrite: nothing is opened by name, so they run in a process without
 * a file system. Containers are limited to MP4/MOV, Matroska/WebM, AVI and MPEG-TS; demuxers that follow references to
 * other files or addresses are never chosen.
 *
 * Reader and writer belong together: sound, subtitles and data go straight from the one to the other as the reader
 * meets them (video_writer_packet's lock lets that happen on another thread than the writer's frames).
 */
#ifndef OBSCURA_MEDIA_VIDEO_H
#define OBSCURA_MEDIA_VIDEO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "media/frame.h"
#include "media/image.h"

struct video_reader;
struct video_writer;

enum video_codec { VIDEO_CODEC_AUTO, VIDEO_CODEC_H264, VIDEO_CODEC_HEVC, VIDEO_CODEC_VP9, VIDEO_CODEC_AV1 };

/* The codec by its option name ("auto", "h264", ...; NULL: auto); -1 where there is none. */
int video_codec_find(const char *name);

struct video_options {
    struct image_limits limits; /* max_memory: of one decoded frame */
    int threads;                /* of decoder and encoder each; 0: as many as there are cores */
    enum video_codec codec; /* of the result; AUTO keeps the source's where an encoder for it is there, else H.264 */
    const char *preset;     /* of the encoder, by x264's names; NULL: ours */
    bool keep_bit_rate;     /* the source's bit rate rather than constant quality */
    bool keep_data_streams;
    bool strip_metadata;
};

struct video_info {
    int width, height;        /* as shown: upright, px; without the sample aspect ratio */
    double aspect;            /* a pixel's width by its height, as shown, upright; 1 where unknown */
    int orientation;          /* EXIF's 1..8: how a decoded picture is turned to be upright */
    int64_t frames;           /* that the container promises; 0 where it does not say */
    double duration;          /* seconds; 0 where unknown */
    double frame_rate;        /* the average, > 0 */
    double usual_rate;        /* how fast most frames come, about; >= frame_rate */
    const char *codec;        /* of the source: "h264" */
    const char *pixel_format; /* that frames come in: "yuv420p" */
};

struct video_frame {
    struct frame *frame; /* owned; YUV (or grey), as decoded: not yet upright */
    int64_t pts;         /* ticks of the source's time base; strictly increasing */
    int64_t duration;    /* ticks; 0 where unknown */
    double time;         /* pts in seconds */
    bool damaged;        /* something of it was lost, or the decoder concealed something */
    bool interlaced, top_field_first;
};

void video_frame_finish(struct video_frame *f); /* NULL-safe; leaves it empty */

/* `fd` is borrowed. -EBADMSG: not a video, or one without pictures; -EFBIG: over a limit; -EOPNOTSUPP: no decoder for
 * it. Sets the libraries' logging off for the whole process. */
int video_reader_open(int fd, const struct video_options *options, struct video_reader **ret_reader, struct error *err);
void video_reader_close(struct video_reader *r); /* NULL-safe */

const struct video_info *video_reader_info(const struct video_reader *r);

/* From now on, sound and the like go to `writer` (borrowed; NULL: nowhere). */
void video_reader_attach(struct video_reader *r, struct video_writer *writer);

/* The next picture: 1, 0 at the end, or an error (-EBADMSG before the first picture: nothing could be decoded).
 * Damage after the first picture skips pictures or ends the video early and is counted in the warnings. */
int video_reader_next(struct video_reader *r, struct video_frame *ret_frame, struct error *err);

/* Lines about what could not be read or kept, each ended by '\n'; complete after the end. Borrowed. */
const char *video_reader_warnings(const struct video_reader *r);

/* An MP4 at `fd` (borrowed; empty, seekable; where it is readable too, the index is moved to the front). The encoder is
 * chosen by the options and by what the reader found; the reader's frames come in a form it accepts. -EOPNOTSUPP: no
 * such encoder here. */
int video_writer_open(struct video_reader *reader, int fd, const struct video_options *options,
    struct video_writer **ret_writer, struct error *err);
void video_writer_close(struct video_writer *w); /* NULL-safe; what was written is complete only after finish */

/* Encodes one frame, not upright, as the reader gave it; takes nothing: f->frame gets references of its own. */
int video_writer_frame(struct video_writer *w, const struct video_frame *f, struct error *err);

/* Drains the encoder and completes the file. The reader has to be at its end. */
int video_writer_finish(struct video_writer *w, struct error *err);

/* As of the reader: what of sound, subtitles and data was changed or dropped. */
const char *video_writer_warnings(const struct video_writer *w);

/* Turns all planes of a frame: `orientation` as EXIF counts; video_orient_inverse undoes it. Replaces *f. -ENOMEM */
int video_orient(struct frame **f, int orientation);
int video_orient_inverse(int orientation);

#endif
