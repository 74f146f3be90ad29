/* See rows.h. Plain loops without branches, which gcc turns into vector code; compiled once for each generation of
 * processor. */
#include "redact/rows.h"

#include "media/simd.h"

SIMD_CLONES void rows_sum_8(uint32_t *restrict sums, const uint8_t *restrict samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += samples[i];
}

SIMD_CLONES void rows_sum_16(uint32_t *restrict sums, const uint16_t *restrict samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += samples[i];
}

/* The products' low halves are dropped one by one, which costs at most 3 of 65536 and lets 16-bit lanes do. The rows
 * and weights stand in plain variables because gcc 12 does not vectorise the loop over arrays of them. */
#define MIX(sample_type)                                                                                               \
    const uint16_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];                                             \
    uint32_t wa = w[0], wb = w[1], wc = w[2], wd = w[3], half = 1u << shift >> 1;                                      \
    for (size_t i = 0; i < n; i++) {                                                                                   \
        uint32_t v = (a[i] * wa >> 16) + (b[i] * wb >> 16) + (c[i] * wc >> 16) + (d[i] * wd >> 16);                    \
        out[i] = (sample_type)((v + half) >> shift);                                                                   \
    }

SIMD_CLONES void rows_mix_8(
    uint8_t *restrict out, const uint16_t *const rows[4], const uint32_t w[4], int shift, size_t n){MIX(uint8_t)}

SIMD_CLONES void rows_mix_16(
    uint16_t *restrict out, const uint16_t *const rows[4], const uint32_t w[4], int shift, size_t n){MIX(uint16_t)}

SIMD_CLONES void rows_narrow_8(uint8_t *restrict out, const uint16_t *restrict row, int shift, size_t n)
{
    uint32_t half = 1u << shift >> 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)((row[i] + half) >> shift);
}

SIMD_CLONES void rows_narrow_16(uint16_t *restrict out, const uint16_t *restrict row, int shift, size_t n)
{
    uint32_t half = 1u << shift >> 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint16_t)((row[i] + half) >> shift);
}

SIMD_CLONES void rows_blend_8(
    uint8_t *restrict samples, const uint8_t *restrict content, const uint8_t *restrict alpha, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t a = alpha[i];
        uint16_t t = (uint16_t)(samples[i] * (255 - a) + content[i] * a + 128);
        samples[i] = (uint8_t)((uint16_t)(t + (t >> 8)) >> 8); /* t / 255 exactly, for t - 128 up to 255 * 255 */
    }
}

SIMD_CLONES void rows_blend_16(
    uint16_t *restrict samples, const uint16_t *restrict content, const uint8_t *restrict alpha, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t a = alpha[i];
        samples[i] = (uint16_t)((samples[i] * (255 - a) + content[i] * a + 127) / 255);
    }
}

SIMD_CLONES void rows_max(uint8_t *restrict out, const uint8_t *restrict other, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = out[i] > other[i] ? out[i] : other[i];
}

SIMD_CLONES void rows_shrink(uint8_t *restrict out, const uint8_t *restrict in, int shift, size_t n)
{
    if (shift == 1) {
        for (size_t i = 0; i < n; i++)
            out[i] = in[2 * i] > in[2 * i + 1] ? in[2 * i] : in[2 * i + 1];
        return;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (size_t k = i << shift; k < (i + 1) << shift; k++)
            out[i] = out[i] > in[k] ? out[i] : in[k];
    }
}

SIMD_CLONES void rows_count_add(uint16_t *restrict sums, const uint8_t *restrict row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] = (uint16_t)(sums[i] + row[i]);
}

SIMD_CLONES void rows_count_subtract(uint16_t *restrict sums, const uint8_t *restrict row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] = (uint16_t)(sums[i] - row[i]);
}

SIMD_CLONES void rows_count_any(uint8_t *restrict out, const uint16_t *restrict sums, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = sums[i] > 0;
}

SIMD_CLONES void rows_count_scale(uint8_t *restrict out, const uint16_t *restrict sums, uint32_t scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(sums[i] * scale >> 16);
}
