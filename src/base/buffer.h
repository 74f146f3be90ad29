/* A growing byte buffer with a cap: what grows from input must say how far it may. */
#ifndef OBSCURA_BASE_BUFFER_H
#define OBSCURA_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data; /* owned; NULL while empty */
    size_t len, cap;
    size_t max; /* bytes; growing past it fails with -EFBIG */
};

#define BUFFER_INIT(maximum)                                                                                           \
    {                                                                                                                  \
        .max = (maximum)                                                                                               \
    }

void buffer_finish(struct buffer *b);              /* frees the bytes, keeps the cap */
int buffer_reserve(struct buffer *b, size_t more); /* room for `more` bytes behind len; -EFBIG, -ENOMEM */
int buffer_append(struct buffer *b, const void *data, size_t len);
int buffer_printf(struct buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* appends text, no NUL counted in len */

/* Reads a whole file of at most b->max bytes. -EFBIG where it is larger. */
int buffer_read_file(struct buffer *b, const char *path);

#endif
