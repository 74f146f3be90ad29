/* Signatures by the Standard Webhooks convention: "v1," + base64(HMAC-SHA-256(secret, id.timestamp.body)). */
#ifndef OBSCURA_WEBHOOK_SIGN_H
#define OBSCURA_WEBHOOK_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SIGN_MAX_KEY 256
#define SIGN_MAX_KEYS 4

struct sign_key {
    uint8_t bytes[SIGN_MAX_KEY];
    size_t len;
};

struct sign_keys {
    struct sign_key keys[SIGN_MAX_KEYS];
    int count;
};

/* Secrets separated by spaces, each "whsec_" and base64, or other text, which then is the key itself. Several are for
 * changing over: receivers accept a message if one of its signatures fits. -EINVAL: none, too many, not base64, too
 * long. */
int sign_keys_read(const char *secrets, struct sign_keys *ret_keys, struct error *err);

#define SIGN_SIZE (48 * SIGN_MAX_KEYS) /* of the signatures, separated by spaces, with the NUL */
int sign(const struct sign_keys *keys, const char *id, int64_t timestamp_s, const char *body, char ret[SIGN_SIZE]);

#endif
