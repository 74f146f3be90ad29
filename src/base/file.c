/* See file.h. */
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

int file_write(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno != EDQUOT ? -errno : n < 0 ? -ENOSPC : -EIO;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}
