/* Signatures by the Standard Webhooks convention: "v1," + base64(HMAC-SHA-256(secret, id.timestamp.body)). */
#ifndef OBSCURA_WEBHOOK_SIGN_H
#define OBSCURA_WEBHOOK_SIGN_H

#include <stddef.h>
#include <stdint.h>

#define SIGN_MAX_KEY 256

struct sign_key {
    uint8_t bytes[SIGN_MAX_KEY];
    size_t len;
};

/* "whsec_" and base64, or any other text, which then is the key itself. -EINVAL: not base64, empty or too long. */
int sign_key_read(const char *secret, struct sign_key *ret_key);

#define SIGN_SIZE 48 /* of a signature with its NUL */
int sign(const struct sign_key *key, const char *id, int64_t timestamp_s, const char *body, char ret[SIGN_SIZE]);

#endif
