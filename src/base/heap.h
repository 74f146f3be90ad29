/* What the process does with memory that it has freed. */
#ifndef OBSCURA_BASE_HEAP_H
#define OBSCURA_BASE_HEAP_H

/* For a process that works on pictures, one after the other: large buffers come from the heap and stay in it, rather
 * than each from the kernel, which clears every page before it hands it out (a tenth of the time of a 12-megapixel
 * picture). Call before anything large is taken. Elsewhere than with glibc nothing happens. */
void heap_keep_large(void);

/* After each picture: gives back to the kernel what is free, where that is more than an ordinary picture needs. */
void heap_settle(void);

#endif
