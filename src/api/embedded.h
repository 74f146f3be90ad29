/* Files that the build embeds (scripts/embed.py makes the definitions). */
#ifndef OBSCURA_API_EMBEDDED_H
#define OBSCURA_API_EMBEDDED_H

#include <stddef.h>

struct embedded {
    const unsigned char *data;
    size_t size;
    const char *digest; /* of the content, hexadecimal */
};

extern const struct embedded embedded_openapi_json, embedded_docs_html, embedded_upload_html;

#endif
