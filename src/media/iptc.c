/* IPTC-IIM in Photoshop image resources (IRB), and ICC profiles: what may be kept of each.
 *
 * After the IPTC-NAA Information Interchange Model 4.2 and Adobe's Photoshop File Formats Specification. */
#include "media/metadata.h"

#include <string.h>

#include "base/bytes.h"

#define RESOURCE_IPTC 0x0404
#define MAX_DATASET 4096       /* bytes; a caption has at most 2,000 */
#define MAX_IPTC (60u * 1024u) /* bytes of all datasets: must fit into one JPEG segment */
#define MAX_ICC (4u << 20)     /* bytes */
#define ICC_HEADER 128

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* Records 1 (envelope) and 2 (application) but for the preview (200..202) and the rasterized caption (125). */
static bool may_keep(unsigned record, unsigned dataset, const uint8_t *value, size_t len)
{
    if (record != 1 && record != 2)
        return false;
    if (record == 2 && (dataset == 125 || (dataset >= 200 && dataset <= 202)))
        return false;
    if (len > MAX_DATASET || blob_has_picture(value, len))
        return false;
    bool binary = record == 1 || dataset == 0; /* versions, dates, the character set's escape sequence */
    return binary ? len <= 32 : !blob_is_encoded(value, len);
}

static int copy_datasets(const uint8_t *p, size_t len, struct buffer *out)
{
    int r = 0;
    while (r == 0 && len >= 5 && p[0] == 0x1c) {
        size_t size = be16(p + 3);
        if (size & 0x8000 || size > len - 5)
            break; /* extended datasets are for files, not for texts */
        if (may_keep(p[1], p[2], p + 5, size) && out->len + size + 5 <= MAX_IPTC)
            r = buffer_append(out, p, size + 5);
        p += size + 5;
        len -= size + 5;
    }
    return r;
}

int iptc_clean(const uint8_t *app13, size_t len, struct buffer *out)
{
    static const char head[] = "Photoshop 3.0";
    if (len < sizeof head || memcmp(app13, head, sizeof head) != 0)
        return 0;
    const uint8_t *p = app13 + sizeof head;
    len -= sizeof head;
    while (len >= 12 && memcmp(p, "8BIM", 4) == 0) {
        unsigned id = be16(p + 4);
        size_t name = ((size_t)p[6] + 2) / 2 * 2; /* its length byte, the name, padded to even */
        if (len < 10 + name)
            break;
        size_t size = bytes_be32(p + 6 + name);
        const uint8_t *value = p + 10 + name;
        len -= 10 + name;
        if (size > len)
            break;
        if (id == RESOURCE_IPTC)
            return copy_datasets(value, size, out);
        size_t padded = size + size % 2;
        p = value + (padded < len ? padded : len);
        len -= padded < len ? padded : len;
    }
    return 0;
}

int icc_clean(const uint8_t *icc, size_t len, enum frame_color color, struct buffer *out)
{
    if (len < ICC_HEADER || len > MAX_ICC || memcmp(icc + 36, "acsp", 4) != 0)
        return 0;
    size_t size = bytes_be32(icc);
    if (size < ICC_HEADER || size > len || memcmp(icc + 16, color == FRAME_GREY ? "GRAY" : "RGB ", 4) != 0)
        return 0;
    return buffer_append(out, icc, size);
}
