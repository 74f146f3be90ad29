/* See heap.h. */
#include "base/heap.h"

#include <limits.h>
#include <malloc.h>
#include <stddef.h>

#define KEPT ((size_t)384 << 20) /* bytes; 12 megapixels take about 250 MiB */

void heap_keep_large(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_MAX, 0); /* M_MMAP_THRESHOLD takes no more than 32 MiB */
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
}

void heap_settle(void)
{
#ifdef __GLIBC__
    if (mallinfo2().fordblks > KEPT)
        malloc_trim(0);
#endif
}
