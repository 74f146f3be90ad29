/* Header values of the form `value; name=token; name="quoted text"` (Content-Type, Content-Disposition). */
#ifndef OBSCURA_HTTP_PARAMS_H
#define OBSCURA_HTTP_PARAMS_H

#include <stddef.h>

/* A reading position; borrows the text. */
struct params {
    const char *at;
};

/* Reads what stands before the first `;`, blanks trimmed, lower-cased. -EINVAL: empty or longer than size - 1. */
int params_begin(struct params *p, const char *text, char *value, size_t size);

/* The next parameter; its name lower-cased, its value unquoted. 1, or 0 at the end, or -EINVAL (malformed, or too long
 * for the room given). Within quotes only \" and \\ are escapes: some clients send bare Windows paths. */
int params_next(struct params *p, char *name, size_t name_size, char *value, size_t value_size);

/* Decodes RFC 5987's `UTF-8''percent%20encoded` into out. -EINVAL: another charset, malformed, an encoded NUL, or too
 * long. */
int params_decode_extended(const char *text, char *out, size_t size);

#endif
