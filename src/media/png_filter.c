/* See png_filter.h. Filters after the PNG specification, 9. */
#include "media/png_filter.h"

#include <stdlib.h>
#include <string.h>

#include "media/simd.h"

/* The sum of absolute differences, taking bytes as signed. */
SIMD_CLONES static uint64_t cost_of(const uint8_t *restrict v, size_t len)
{
    uint64_t total = 0;
    while (len > 0) { /* in parts that cannot overflow narrow sums */
        size_t n = len < 65536 ? len : 65536;
        uint32_t sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += (uint32_t)(v[i] < 128 ? v[i] : 256 - v[i]);
        total += sum;
        v += n;
        len -= n;
    }
    return total;
}

SIMD_CLONES static void subtract(
    const uint8_t *restrict row, const uint8_t *restrict from, size_t len, uint8_t *restrict out)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(row[i] - from[i]);
}

SIMD_CLONES static void subtract_average(const uint8_t *restrict row, const uint8_t *restrict left,
    const uint8_t *restrict above, size_t len, uint8_t *restrict out)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(row[i] - ((left[i] + above[i]) >> 1));
}

SIMD_CLONES static void subtract_paeth(const uint8_t *restrict row, const uint8_t *restrict left,
    const uint8_t *restrict above, const uint8_t *restrict corner, size_t len, uint8_t *restrict out)
{
    for (size_t i = 0; i < len; i++) {
        int16_t a = left[i], b = above[i], c = corner[i];
        int16_t to_a = (int16_t)abs(b - c), to_b = (int16_t)abs(a - c), to_c = (int16_t)abs(a + b - 2 * c);
        int16_t b_or_c = to_b <= to_c ? b : c;
        int16_t best = to_a <= to_b && to_a <= to_c ? a : b_or_c;
        out[i] = (uint8_t)(row[i] - best);
    }
}

void png_filter_row(const uint8_t *row, const uint8_t *above, size_t len, size_t pixel, uint8_t *scratch, uint8_t *out)
{
    const uint8_t *filtered[PNG_FILTERS] = {row, scratch, scratch + len, scratch + 2 * len, scratch + 3 * len};
    subtract(row, row - pixel, len, scratch);
    subtract(row, above, len, scratch + len);
    subtract_average(row, row - pixel, above, len, scratch + 2 * len);
    subtract_paeth(row, row - pixel, above, above - pixel, len, scratch + 3 * len);
    int best = 0;
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < PNG_FILTERS; i++) {
        uint64_t cost = cost_of(filtered[i], len);
        if (cost < least) {
            least = cost;
            best = i;
        }
    }
    out[0] = (uint8_t)best;
    memcpy(out + 1, filtered[best], len);
}
