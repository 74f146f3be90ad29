/* Private to media/: which names in an XMP packet carry pictures or say who is in the picture, and which repeat the
 * picture's size and turn. */
#ifndef OBSCURA_MEDIA_XMP_POLICY_H
#define OBSCURA_MEDIA_XMP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the packet; not terminated. */
struct xmp_span {
    const uint8_t *at;
    size_t len;
};

/* A name as written, split at its colon. */
struct xmp_name {
    struct xmp_span prefix; /* empty where there is none */
    struct xmp_span local;
};

#define XMP_MAX_PREFIXES 32

/* The prefixes that a packet binds to namespaces of pictures. Scopes are not told apart: a prefix that is bound so once
 * counts so everywhere. */
struct xmp_prefixes {
    struct xmp_span denied[XMP_MAX_PREFIXES];
    size_t count;
};

struct xmp_name xmp_name_split(struct xmp_span name);
bool xmp_span_equal(struct xmp_span a, const char *b);

/* Looks at one attribute; false where there are too many to keep track of. */
bool xmp_prefixes_note(struct xmp_prefixes *p, struct xmp_name attribute, struct xmp_span value);

/* True where an element or attribute of this name must go with all that it holds. */
bool xmp_name_denied(const struct xmp_prefixes *p, struct xmp_name name);

/* True where a property's value has to become `number` because the picture is upright now and has this size. */
bool xmp_name_number(struct xmp_name name, int width, int height, int *number);

#endif
