/* SHA-256 and HMAC-SHA-256, by GnuTLS (which libmicrohttpd brings along). */
#ifndef OBSCURA_BASE_SHA256_H
#define OBSCURA_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

struct sha256 {
    void *handle; /* GnuTLS's; from init to final */
};

int sha256_init(struct sha256 *s); /* -ENOMEM; every init wants a final */
void sha256_update(struct sha256 *s, const void *data, size_t len);
void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE]);

int sha256_hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_SIZE]); /* -ENOMEM */

#endif
