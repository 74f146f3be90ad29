/* See xmp_policy.h. */
#include "media/xmp_policy.h"

#include <ctype.h>
#include <string.h>

/* Beginnings of namespace names. What belongs to a picture that is dropped (a gain map, a motion photo's film) is
 * dropped with it: a viewer would look for it in vain. Google's panorama namespace, .../photos/1.0/panorama/, stays.
 * And regions: they say whose the face is that was just redacted. */
static const char *const denied_namespaces[] = {
    "http://ns.adobe.com/xap/1.0/g/img/",
    "http://ns.adobe.com/hdr-gain-map/",
    "http://ns.acdsee.com/regions/",
    "http://ns.adobe.com/xmp/note/", /* says that there is more in segments that are dropped */
    "http://ns.apple.com/HDRGainMap/",
    "http://ns.apple.com/faceinfo/",
    "http://ns.apple.com/pixeldatainfo/",
    "http://ns.apple.com/depthData/",
    "http://ns.apple.com/depthBlurEffect/",
    "http://ns.apple.com/portraitEffectsMatte/",
    "http://ns.apple.com/portraitLightingEffect/",
    "http://ns.apple.com/semanticSegmentationMatte/",
    "http://ns.google.com/photos/1.0/audio/",
    "http://ns.google.com/photos/1.0/camera/",
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/1.0/depthmap/",
    "http://ns.google.com/photos/1.0/focus/",
    "http://ns.google.com/photos/1.0/image/",
    "http://ns.google.com/photos/dd/",
    "http://ns.microsoft.com/photo/1.2/",
    "http://www.metadataworkinggroup.com/schemas/regions/",
};

bool xmp_span_equal(struct xmp_span a, const char *b)
{
    return strlen(b) == a.len && memcmp(a.at, b, a.len) == 0;
}

struct xmp_name xmp_name_split(struct xmp_span name)
{
    const uint8_t *colon = memchr(name.at, ':', name.len);
    if (!colon)
        return (struct xmp_name){{name.at, 0}, name};
    size_t n = (size_t)(colon - name.at);
    return (struct xmp_name){{name.at, n}, {colon + 1, name.len - n - 1}};
}

static bool begins_with(struct xmp_span s, const char *what)
{
    size_t n = strlen(what);
    return s.len >= n && strncasecmp((const char *)s.at, what, n) == 0;
}

bool xmp_prefixes_note(struct xmp_prefixes *p, struct xmp_name attribute, struct xmp_span value)
{
    struct xmp_span bound;
    if (xmp_span_equal(attribute.prefix, "xmlns"))
        bound = attribute.local;
    else if (attribute.prefix.len == 0 && xmp_span_equal(attribute.local, "xmlns"))
        bound = (struct xmp_span){attribute.local.at, 0};
    else
        return true;
    for (size_t i = 0; i < sizeof denied_namespaces / sizeof denied_namespaces[0]; i++) {
        if (!begins_with(value, denied_namespaces[i]))
            continue;
        if (p->count == XMP_MAX_PREFIXES)
            return false;
        p->denied[p->count++] = bound;
        break;
    }
    return true;
}

static bool contains_word(struct xmp_span s, const char *lower)
{
    size_t n = strlen(lower);
    for (size_t i = 0; i + n <= s.len; i++)
        if (strncasecmp((const char *)s.at + i, lower, n) == 0)
            return true;
    return false;
}

bool xmp_name_denied(const struct xmp_prefixes *p, struct xmp_name name)
{
    for (size_t i = 0; i < p->count; i++)
        if (name.prefix.len == p->denied[i].len && memcmp(name.prefix.at, p->denied[i].at, name.prefix.len) == 0)
            return true;
    return contains_word(name.local, "thumb") || contains_word(name.local, "preview") ||
           begins_with(name.local, "PersonInImage"); /* of Iptc4xmpExt */
}

bool xmp_name_number(struct xmp_name name, int width, int height, int *number)
{
    const struct {
        const char *local;
        int number;
    } names[] = {
        {"Orientation", 1},
        {"PixelXDimension", width},
        {"PixelYDimension", height},
        {"ImageWidth", width},
        {"ImageLength", height},
    };
    if (!xmp_span_equal(name.prefix, "tiff") && !xmp_span_equal(name.prefix, "exif"))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (xmp_span_equal(name.local, names[i].local)) {
            *number = names[i].number;
            return true;
        }
    return false;
}
