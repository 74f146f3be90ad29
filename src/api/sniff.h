/* What an upload is, by its first bytes: a cheap look, so that what is neither image nor video is refused at once. The
 * worker looks closer. */
#ifndef OBSCURA_API_SNIFF_H
#define OBSCURA_API_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNIFF_SIZE 1024 /* more bytes are never looked at */

/* The content type, NULL where it is neither. *ret_video says which. */
const char *sniff_type(const uint8_t *data, size_t len, bool *ret_video);

/* "HEIC", "GIF", ...: what people take for a picture that can be sent and is none; NULL where it is nothing known. */
const char *sniff_foreign(const uint8_t *data, size_t len);

#endif
