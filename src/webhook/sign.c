/* See sign.h. */
#include "webhook/sign.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "base/sha256.h"

#include <errno.h>
#include <string.h>

static int decode_base64(const char *in, size_t whole, struct sign_key *key)
{
    size_t len = strcspn(in, "= ");
    uint32_t v = 0;
    int bits = 0;
    if (strspn(in + len, "=") != whole - len || whole - len > 2 || len % 4 == 1)
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

static int read_key(const char *secret, size_t len, struct sign_key *key)
{
    key->len = 0;
    if (strncmp(secret, "whsec_", 6) == 0)
        return decode_base64(secret + 6, len - 6, key);
    if (len > sizeof key->bytes)
        return -EINVAL;
    memcpy(key->bytes, secret, len);
    key->len = len;
    return 0;
}

int sign_keys_read(const char *secrets, struct sign_keys *keys, struct error *err)
{
    int r = 0;
    keys->count = 0;
    for (const char *p = secrets + strspn(secrets, " "); *p && r == 0; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        r = keys->count < SIGN_MAX_KEYS ? read_key(p, len, &keys->keys[keys->count++]) : -EINVAL;
        p += len;
    }
    if (r == 0 && keys->count > 0)
        return 0;
    return error_set(err, -EINVAL,
        "webhook-secret: want whsec_ and base64, or other text, of at most %d bytes; up to %d of them, separated by "
        "spaces",
        SIGN_MAX_KEY, SIGN_MAX_KEYS);
}

int sign(const struct sign_keys *keys, const char *id, int64_t timestamp_s, const char *body, char ret[SIGN_SIZE])
{
    uint8_t mac[SHA256_SIZE];
    struct buffer text = BUFFER_INIT(1 << 16);
    int r = buffer_printf(&text, "%s.%lld.%s", id, (long long)timestamp_s, body);
    *ret = '\0';
    for (int i = 0; i < keys->count && r == 0; i++) {
        r = sha256_hmac(keys->keys[i].bytes, keys->keys[i].len, text.data, text.len, mac);
        char *end = ret + strlen(ret);
        end = stpcpy(end, i > 0 ? " v1," : "v1,");
        base64_encode(mac, sizeof mac, end);
    }
    buffer_finish(&text);
    return r;
}
