/* See sniff.h. */
#include "api/sniff.h"
#include "media/image.h"

#include <string.h>

const char *sniff_foreign(const uint8_t *data, size_t len)
{
    static const struct {
        size_t at, size;
        const char *magic, *name;
    } table[] = {
        {4, 8, "ftypheic", "HEIC"},
        {4, 8, "ftypheix", "HEIC"},
        {4, 8, "ftypheim", "HEIC"},
        {4, 8, "ftypheis", "HEIC"},
        {4, 8, "ftypmif1", "HEIF"},
        {4, 8, "ftypavif", "AVIF"},
        {8, 4, "WEBP", "WebP"},
        {0, 4, "GIF8", "GIF"},
        {0, 3, "II*", "TIFF"}, /* cameras' raw files as well */
        {0, 4, "MM\0*", "TIFF"},
        {0, 4, "%PDF", "PDF"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (len >= table[i].at + table[i].size && !memcmp(data + table[i].at, table[i].magic, table[i].size))
            return table[i].name;
    return NULL;
}

/* MPEG transport stream: a sync byte every 188 bytes (192 with the time codes of M2TS, which stand before it). */
static bool is_transport_stream(const uint8_t *data, size_t len)
{
    for (size_t start = 0, packet = 188; packet <= 192; start += 4, packet += 4) {
        size_t hits = 0, at = start;
        while (at < len && data[at] == 0x47) {
            hits++;
            at += packet;
        }
        if (hits >= 3 || (hits && at >= len && len >= packet))
            return true;
    }
    return false;
}

/* ISO base media: an `ftyp` box with the brand, or an old QuickTime file that begins with another well-known box. */
static const char *iso_media_type(const uint8_t *data, size_t len)
{
    if (len < 12)
        return NULL;
    static const char *const boxes[] = {"moov", "mdat", "wide", "free", "skip", "pnot"};
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
        if (!memcmp(data + 4, boxes[i], 4))
            return "video/quicktime";
    if (memcmp(data + 4, "ftyp", 4))
        return NULL;
    if (sniff_foreign(data, len))
        return NULL;
    return memcmp(data + 8, "qt  ", 4) ? "video/mp4" : "video/quicktime";
}

const char *sniff_type(const uint8_t *data, size_t len, bool *ret_video)
{
    enum image_format format = image_probe(data, len);
    *ret_video = format == IMAGE_NONE;
    if (format != IMAGE_NONE)
        return image_format_content_type(format);
    if (len >= 4 && !memcmp(data, "\x1a\x45\xdf\xa3", 4)) {
        const uint8_t *doctype = memmem(data, len < 128 ? len : 128, "webm", 4);
        return doctype ? "video/webm" : "video/x-matroska";
    }
    if (len >= 12 && !memcmp(data, "RIFF", 4) && !memcmp(data + 8, "AVI ", 4))
        return "video/x-msvideo";
    const char *type = iso_media_type(data, len);
    return type ? type : is_transport_stream(data, len) ? "video/mp2t" : NULL;
}
