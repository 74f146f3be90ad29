/* Private to pipeline/: reading the result file of a video line by line. */
#ifndef OBSCURA_PIPELINE_VIDEO_RESULT_PRIVATE_H
#define OBSCURA_PIPELINE_VIDEO_RESULT_PRIVATE_H

#include "pipeline/video_result.h"

#define VIDEO_RESULT_STEP 64 /* frames from one offset of the index to the next */

struct video_result {
    int fd; /* owned */
    struct video_summary summary;
    int64_t *index; /* owned */
    size_t index_len;
    int64_t end; /* file offset behind the last line of frames and tracks */
    /* Read ahead: bytes [start, len) of `data` lie at `position` - (len - start) in the file. */
    struct buffer data;
    size_t start;
    int64_t position;
};

/* Goes to a frame's neighbourhood (0: the beginning). */
void video_result_seek(struct video_result *r, int64_t frame);
/* The next line without its end: 1 with a borrowed text until the next call, 0 at the end. -EIO, -ENOMEM */
int video_result_line(struct video_result *r, const char **ret_text, size_t *ret_len, struct error *err);

#endif
