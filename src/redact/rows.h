/* Private to redact/: the loops over rows of samples, all of integers, so that every processor gives the same bytes.
 * `n` counts samples (pixels times channels). "Scaled" values are samples shifted up to fill 16 bits. */
#ifndef OBSCURA_REDACT_ROWS_H
#define OBSCURA_REDACT_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* sums[i] += samples[i] */
void rows_sum_8(uint32_t *sums, const uint8_t *samples, size_t n);
void rows_sum_16(uint32_t *sums, const uint16_t *samples, size_t n);

/* out = (the four scaled rows weighted by w[0..3], 65536ths that add up to at most 65536) rounded to samples: shifted
 * down by `shift` */
void rows_mix_8(uint8_t *out, const uint16_t *const rows[4], const uint32_t w[4], int shift, size_t n);
void rows_mix_16(uint16_t *out, const uint16_t *const rows[4], const uint32_t w[4], int shift, size_t n);

/* The same for one scaled row. */
void rows_narrow_8(uint8_t *out, const uint16_t *row, int shift, size_t n);
void rows_narrow_16(uint16_t *out, const uint16_t *row, int shift, size_t n);

/* samples = samples + (content - samples) * alpha / 255, rounded; alpha 0 leaves a sample, 255 replaces it */
void rows_blend_8(uint8_t *samples, const uint8_t *content, const uint8_t *alpha, size_t n);
void rows_blend_16(uint16_t *samples, const uint16_t *content, const uint8_t *alpha, size_t n);

/* out = the larger of both */
void rows_max(uint8_t *out, const uint8_t *other, size_t n);

/* out = for each of n samples the largest of its 2^shift bytes of `in` */
void rows_shrink(uint8_t *out, const uint8_t *in, int shift, size_t n);

/* Running sums of a column filter: add a row of bytes, subtract one, turn the sums into 0 or 1, or into (sum * scale)
 * >> 16. */
void rows_count_add(uint16_t *sums, const uint8_t *row, size_t n);
void rows_count_subtract(uint16_t *sums, const uint8_t *row, size_t n);
void rows_count_any(uint8_t *out, const uint16_t *sums, size_t n);
void rows_count_scale(uint8_t *out, const uint16_t *sums, uint32_t scale, size_t n);

#endif
