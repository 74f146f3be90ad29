/* Base64 (RFC 4648, section 4): encoding, and the values that decoders read. */
#ifndef OBSCURA_BASE_BASE64_H
#define OBSCURA_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1) /* characters for len bytes, with the NUL */

void base64_encode(const uint8_t *data, size_t len, char *out); /* out has room for BASE64_SIZE(len) */
int base64_value(char c);                                       /* 0..63, -1 for any other character */

#endif
