/* See names.h. */
#include "api/names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at p (no overlong forms, no surrogates), 0 where there is none. */
static size_t utf8_length(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

void names_clean(const char *sent, char out[NAMES_SIZE])
{
    for (const char *p = sent; *p; p++)
        if (*p == '/' || *p == '\\')
            sent = p + 1;
    size_t used = 0;
    for (const unsigned char *p = (const unsigned char *)sent; *p;) {
        size_t n = utf8_length(p);
        if (used + (n ? n : 1) >= NAMES_SIZE)
            break;
        if (!n || *p < 0x20 || *p == 0x7f)
            out[used++] = '_';
        else
            memcpy(out + used, p, n);
        used += n > 0 && *p >= 0x20 && *p != 0x7f ? n : 0;
        p += n ? n : 1;
    }
    out[used] = 0;
    if (!strcmp(out, ".") || !strcmp(out, ".."))
        out[0] = 0;
}

const char *names_extension(const char *content_type)
{
    static const struct {
        const char *type, *extension;
    } table[] = {
        {"image/jpeg", "jpg"},
        {"image/png", "png"},
        {"image/webp", "webp"},
        {"image/tiff", "tif"},
        {"image/avif", "avif"},
        {"image/heic", "heic"},
        {"video/mp4", "mp4"},
        {"video/quicktime", "mov"},
        {"video/x-matroska", "mkv"},
        {"video/webm", "webm"},
        {"video/x-msvideo", "avi"},
        {"video/mp2t", "ts"},
        {"application/json", "json"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].type, content_type))
            return table[i].extension;
    return "bin";
}

void names_stored(const struct task *t, char out[NAMES_SIZE])
{
    snprintf(out, NAMES_SIZE, "%s.%s", t->id, names_extension(t->content_type));
}

void names_set_disposition(struct http_response *rs, const struct task *t, const char *suffix, const char *extension)
{
    char name[NAMES_SIZE + 64], ascii[sizeof name], encoded[3 * sizeof name];
    const char *source = t->filename[0] ? t->filename : t->id;
    const char *dot = strrchr(source, '.');
    int stem = dot && dot != source ? (int)(dot - source) : (int)strlen(source);
    snprintf(name, sizeof name, "%.*s-%s.%s", stem, source, suffix, extension);
    size_t a = 0, e = 0;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if ((*p & 0xc0) != 0x80) /* one character for each code point */
            ascii[a++] = *p < 0x80 && !strchr("\"\\%", *p) ? (char)*p : '_';
        if (isalnum(*p) || (*p < 0x80 && strchr("-._~", *p)))
            encoded[e++] = (char)*p;
        else
            e += (size_t)snprintf(encoded + e, sizeof encoded - e, "%%%02X", *p);
    }
    ascii[a] = encoded[e] = 0;
    if (!strcmp(ascii, name))
        http_response_header(rs, "Content-Disposition", "attachment; filename=\"%s\"", ascii);
    else
        http_response_header(
            rs, "Content-Disposition", "attachment; filename=\"%s\"; filename*=UTF-8''%s", ascii, encoded);
}
