/* See video_io.h. */
#include "media/video_io.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IO_BUFFER_BYTES (128 * 1024)

struct fd_stream {
    int fd;
    int64_t position;
};

static int stream_read(void *opaque, uint8_t *data, int len)
{
    struct fd_stream *s = opaque;
    ssize_t n;
    do
        n = pread(s->fd, data, (size_t)len, s->position);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return AVERROR(errno);
    s->position += n;
    return n ? (int)n : AVERROR_EOF;
}

static int stream_write(void *opaque, uint8_t *data, int len)
{
    struct fd_stream *s = opaque;
    for (int done = 0; done < len;) {
        ssize_t n = pwrite(s->fd, data + done, (size_t)(len - done), s->position);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return AVERROR(errno);
        done += (int)n;
        s->position += n;
    }
    return len;
}

static int64_t stream_seek(void *opaque, int64_t offset, int whence)
{
    struct fd_stream *s = opaque;
    struct stat st;
    if (fstat(s->fd, &st) < 0)
        return AVERROR(errno);
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return st.st_size;
    int64_t base = whence == SEEK_CUR ? s->position : whence == SEEK_END ? st.st_size : 0;
    if (offset > INT64_MAX - base || base + offset < 0)
        return AVERROR(EINVAL);
    return s->position = base + offset;
}

AVIOContext *video_io_open(int fd, bool write)
{
    struct fd_stream *s = av_mallocz(sizeof *s);
    uint8_t *buffer = av_malloc(IO_BUFFER_BYTES);
    AVIOContext *io = NULL;
    if (s && buffer) {
        s->fd = fd;
        io = avio_alloc_context(
            buffer, IO_BUFFER_BYTES, write, s, write ? NULL : stream_read, write ? stream_write : NULL, stream_seek);
    }
    if (!io) {
        av_free(s);
        av_free(buffer);
    }
    return io;
}

void video_io_close(AVIOContext **io)
{
    if (!*io)
        return;
    if ((*io)->write_flag)
        avio_flush(*io);
    av_free((*io)->opaque);
    av_freep(&(*io)->buffer);
    avio_context_free(io);
}

int video_io_error(struct error *err, int av_code, int otherwise, const char *what)
{
    if (av_code == AVERROR(ENOMEM))
        return error_set(err, -ENOMEM, "%s: out of memory", what);
    if (av_code == AVERROR(ENOSPC) || av_code == AVERROR(EFBIG))
        return error_set(err, -ENOSPC, "%s: the disk is full", what);
    char text[AV_ERROR_MAX_STRING_SIZE];
    av_strerror(av_code, text, sizeof text);
    return error_set(err, otherwise, "%s: %s", what, text);
}

void video_io_warn(char *warnings, size_t size, const char *format, ...)
{
    size_t used = strlen(warnings);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(warnings + used, size - used, format, args);
    va_end(args);
    if (n < 0 || used + (size_t)n + 2 > size) {
        warnings[used] = 0;
        return;
    }
    warnings[used + (size_t)n] = '\n';
    warnings[used + (size_t)n + 1] = 0;
}
