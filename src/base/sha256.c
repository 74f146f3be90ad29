/* See sha256.h. */
#include "base/sha256.h"

#include <errno.h>
#include <gnutls/crypto.h>

int sha256_init(struct sha256 *s)
{
    gnutls_hash_hd_t handle;
    if (gnutls_hash_init(&handle, GNUTLS_DIG_SHA256) < 0)
        return -ENOMEM;
    s->handle = handle;
    return 0;
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
    gnutls_hash(s->handle, data, len);
}

void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE])
{
    gnutls_hash_deinit(s->handle, out);
    s->handle = NULL;
}

int sha256_hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_SIZE])
{
    return gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_len, data, len, out) < 0 ? -ENOMEM : 0;
}
