/* See sign.h. */
#include "webhook/sign.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "base/sha256.h"

#include <errno.h>
#include <string.h>

static int decode_base64(const char *in, struct sign_key *key)
{
    size_t len = strcspn(in, "=");
    uint32_t v = 0;
    int bits = 0;
    if (strspn(in + len, "=") != strlen(in + len) || strlen(in + len) > 2 || len % 4 == 1)
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        int value = base64_value(in[i]);
        if (value < 0)
            return -EINVAL;
        v = v << 6 | (uint32_t)value;
        if ((bits += 6) < 8)
            continue;
        bits -= 8;
        if (key->len == sizeof key->bytes)
            return -EINVAL;
        key->bytes[key->len++] = (uint8_t)(v >> bits);
    }
    return key->len > 0 ? 0 : -EINVAL;
}

int sign_key_read(const char *secret, struct sign_key *key)
{
    key->len = 0;
    if (strncmp(secret, "whsec_", 6) == 0)
        return decode_base64(secret + 6, key);
    size_t len = strlen(secret);
    if (len == 0 || len > sizeof key->bytes)
        return -EINVAL;
    memcpy(key->bytes, secret, len);
    key->len = len;
    return 0;
}

int sign(const struct sign_key *key, const char *id, int64_t timestamp_s, const char *body, char ret[SIGN_SIZE])
{
    uint8_t mac[SHA256_SIZE];
    struct buffer text = BUFFER_INIT(1 << 16);
    int r = buffer_printf(&text, "%s.%lld.%s", id, (long long)timestamp_s, body);
    if (r == 0)
        r = sha256_hmac(key->bytes, key->len, text.data, text.len, mac);
    buffer_finish(&text);
    if (r < 0)
        return r;
    memcpy(ret, "v1,", 3);
    base64_encode(mac, sizeof mac, ret + 3);
    return 0;
}
