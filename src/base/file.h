/* Plain file descriptors. */
#ifndef OBSCURA_BASE_FILE_H
#define OBSCURA_BASE_FILE_H

#include <stddef.h>

int file_write(int fd, const void *data, size_t len); /* all of it; negative errno, a quota's end is -ENOSPC as well */

#endif
