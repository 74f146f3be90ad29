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

/* One sample of rows_mix: the products' low halves are dropped one by one, which costs at most 3 of 65536 and lets
 * 16-bit lanes do. */
static inline uint32_t mix(const uint16_t *const rows[4], const uint32_t w[4], uint32_t half, size_t i)
{
    uint32_t v =
        (rows[0][i] * w[0] >> 16) + (rows[1][i] * w[1] >> 16) + (rows[2][i] * w[2] >> 16) + (rows[3][i] * w[3] >> 16);
    return v + half;
}

SIMD_CLONES void rows_mix_8(
    uint8_t *restrict out, const uint16_t *const rows[4], const uint32_t w[4], int shift, size_t n)
{
    const uint16_t *const r[4] = {rows[0], rows[1], rows[2], rows[3]};
    const uint32_t v[4] = {w[0], w[1], w[2], w[3]}, half = 1u << shift >> 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(mix(r, v, half, i) >> shift);
}

SIMD_CLONES void rows_mix_16(
    uint16_t *restrict out, const uint16_t *const rows[4], const uint32_t w[4], int shift, size_t n)
{
    const uint16_t *const r[4] = {rows[0], rows[1], rows[2], rows[3]};
    const uint32_t v[4] = {w[0], w[1], w[2], w[3]}, half = 1u << shift >> 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint16_t)(mix(r, v, half, i) >> shift);
}

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
