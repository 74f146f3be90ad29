/* Time: a monotonic clock for durations, a wall clock for records. */
#ifndef OBSCURA_BASE_CLOCK_H
#define OBSCURA_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_ISO_SIZE 32

int64_t clock_mono_ns(void);
int64_t clock_wall_us(void); /* microseconds since 1970, UTC */

/* "2024-02-08T15:35:43.853905", UTC, as the reference prints times. */
void clock_format_iso(int64_t wall_us, char out[CLOCK_ISO_SIZE]);

#endif
