/* Numbers in bytes as files and networks write them. */
#ifndef OBSCURA_BASE_BYTES_H
#define OBSCURA_BASE_BYTES_H

#include <stdint.h>

static inline uint32_t bytes_be32(const uint8_t p[static 4])
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif
