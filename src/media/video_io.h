/* Private to media/: libav's byte streams on file descriptors, and its errors in our terms. */
#ifndef OBSCURA_MEDIA_VIDEO_IO_H
#define OBSCURA_MEDIA_VIDEO_IO_H

#include <stdbool.h>

#include <libavformat/avformat.h>

#include "base/error.h"

/* A stream over `fd` (borrowed) with a position of its own: pread and pwrite, never lseek. NULL: out of memory. */
AVIOContext *video_io_open(int fd, bool write);
void video_io_close(AVIOContext **io); /* flushes; NULL-safe */

/* Fills `err` from a libav code: out of memory, disk full and the like keep their errno, all else becomes `otherwise`.
 * Returns the code. */
int video_io_error(struct error *err, int av_code, int otherwise, const char *what);

/* Appends a line to warnings of `size` bytes; drops it where it does not fit. */
void video_io_warn(char *warnings, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
