/* SHA-256 (FIPS 180-4), and HMAC-SHA-256 (RFC 2104) on top of it. */
#ifndef OBSCURA_BASE_SHA256_H
#define OBSCURA_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t len);
void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE]);

void sha256_hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_SIZE]);

#endif
