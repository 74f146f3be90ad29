/* The result file of a video, and the documents that are streamed from it: metadata, leak report, masks.
 *
 * The file is text: one JSON object a line for each frame, in order,
 *   {"frame":N,"time":s,"seconds":s,"whole":bool,"filled":[indices],"detections":[as in result.h]}
 * between them one line for each track that has ended,
 *   {"track":id,"type":..,"first":N,"last":N,"detected":n,"filled":n,"gaps":[[from,to],..],"lowest_score":s}
 * then one line with the summary and the file offset of every 64th frame, and last that line's own offset in 20 digits.
 * So neither writing nor reading ever holds more than a frame (and 8 bytes for every 64 frames) in memory.
 */
#ifndef OBSCURA_PIPELINE_VIDEO_RESULT_H
#define OBSCURA_PIPELINE_VIDEO_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "detect/detection.h"
#include "pipeline/result.h"

/* --- reading: for the API --- */

struct video_summary {
    int width, height;     /* of the upright picture, px */
    int64_t frames;        /* in the anonymised video */
    int64_t inspected;     /* frames that the detector looked at; the others are between such */
    double seconds;        /* of processing */
    char content_type[32]; /* of the anonymised file */
};

struct video_result;

/* Takes `fd` (readable, seekable), also on failure. -EIO: not a finished video result. */
int video_result_open(int fd, struct video_result **ret_result, struct error *err);
void video_result_close(struct video_result *r); /* NULL-safe; closes the descriptor */
const struct video_summary *video_result_summary(const struct video_result *r);

enum video_document {
    VIDEO_METADATA,       /* application/json: the reference's list of frames, each detection with its track_id */
    VIDEO_REPORT,         /* application/json: the leak report: totals and one entry a track */
    VIDEO_BINARY_MASKS,   /* application/zip: frame-00000000.png ..., as masks_binary makes them */
    VIDEO_INSTANCE_MASKS, /* application/zip, as masks_instance makes them */
};

struct video_query {
    struct result_view view; /* id, request and palette count; borrowed until the stream's end */
    int64_t start, end;      /* frames, both included, from 0; end is cut to the last frame */
    double scale;            /* of masks, percent, > 0 .. 100 */
    int compress_level;      /* of masks, 0..9 */
};

const char *video_document_content_type(enum video_document kind);

/* One document being made piece by piece. It reads from `r`, which must outlive it; one stream at a time for each `r`.
 */
struct video_stream;

/* -EINVAL: start > end, start past the last frame. */
int video_stream_open(struct video_result *r, enum video_document kind, const struct video_query *query,
    struct video_stream **ret_stream, struct error *err);
/* Empties `out` and fills it with the next piece (a frame's worth); out->len 0: the document has ended. */
int video_stream_next(struct video_stream *s, struct buffer *out, struct error *err);
void video_stream_destroy(struct video_stream *s); /* NULL-safe */

/* --- writing: for the video pipeline --- */

struct video_result_frame {
    double time;                /* presentation time, seconds */
    double seconds;             /* spent on detecting */
    bool whole;                 /* the whole picture was redacted, for it could not be inspected */
    const bool *filled;         /* for each detection: given by its track, not by the detector; may be NULL */
    struct detections *entries; /* borrowed */
};

struct video_result_track {
    int64_t id;
    enum object_type type;
    int64_t first, last;      /* frames between which the object is redacted, both included */
    int64_t detected, filled; /* frames of it */
    float lowest_score;       /* of its detections */
    const int64_t (*gaps)[2]; /* first and last frame of each run of filled frames between detections; borrowed */
    size_t gap_count;
};

struct video_result_writer;

int video_result_writer_create(int fd, struct video_result_writer **ret_writer, struct error *err); /* borrows fd */
void video_result_writer_destroy(struct video_result_writer *w);                                    /* NULL-safe */
int video_result_write_frame(struct video_result_writer *w, const struct video_result_frame *frame, struct error *err);
int video_result_write_track(struct video_result_writer *w, const struct video_result_track *track, struct error *err);
/* Ends the file; summary->frames is set by the writer. */
int video_result_write_end(struct video_result_writer *w, struct video_summary *summary, struct error *err);

#endif
