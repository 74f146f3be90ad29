/* See exif_policy.h. */
#include "media/exif_policy.h"

#include "media/metadata.h"

#define MAX_TEXT 4096   /* bytes; captions are shorter */
#define MAX_NUMBERS 256 /* bytes of a list of numbers; the longest in the standard is 64 */
#define MAX_BINARY 64   /* bytes of a value whose meaning is not known */

size_t exif_type_size(unsigned type)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    return type == EXIF_UTF8 ? 1 : type < sizeof sizes ? sizes[type] : 0;
}

enum exif_ifd exif_child(enum exif_ifd kind, unsigned tag)
{
    if (kind == EXIF_IFD0 && tag == 0x8769)
        return EXIF_EXIF;
    if (kind == EXIF_IFD0 && tag == 0x8825)
        return EXIF_GPS;
    if (kind == EXIF_EXIF && tag == 0xa005)
        return EXIF_INTEROP;
    return EXIF_IFD0;
}

bool exif_is_width(enum exif_ifd kind, unsigned tag)
{
    return (kind == EXIF_EXIF && tag == 0xa002) || ((kind == EXIF_IFD0 || kind == EXIF_INTEROP) && tag == 0x0100) ||
           (kind == EXIF_INTEROP && tag == 0x1001);
}

bool exif_is_height(enum exif_ifd kind, unsigned tag)
{
    return (kind == EXIF_EXIF && tag == 0xa003) || ((kind == EXIF_IFD0 || kind == EXIF_INTEROP) && tag == 0x0101) ||
           (kind == EXIF_INTEROP && tag == 0x1002);
}

/* Tags that hold pixels, say where pixels are, or hold another metadata format whole. */
static bool is_forbidden(enum exif_ifd kind, unsigned tag)
{
    static const uint16_t forbidden[] = {
        0x0111, 0x0117,                 /* StripOffsets, StripByteCounts */
        0x0120, 0x0121,                 /* FreeOffsets, FreeByteCounts */
        0x0144, 0x0145, 0x014a, 0x015b, /* TileOffsets, TileByteCounts, SubIFDs, JPEGTables */
        0x0201, 0x0202,                 /* JPEGInterchangeFormat and its length: the thumbnail */
        0x02bc, 0x83bb, 0x8649, 0x8773, /* XMP, IPTC, Photoshop, ICC: each has its own place */
        0x8769, 0x8825, 0xa005,         /* pointers to IFDs, where exif_child does not know them */
        0x927c, 0xc634, 0xc6fe,         /* MakerNote, DNGPrivateData, and Adobe's copy of a MakerNote */
        0xea1c, 0xea1d,                 /* Microsoft's padding, and where a MakerNote has been */
    };
    if (kind == EXIF_GPS || kind == EXIF_INTEROP)
        return false; /* own numbers */
    if (tag >= 0x5000 && tag <= 0x51ff)
        return true; /* GDI+ thumbnails and their description */
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        if (tag == forbidden[i])
            return true;
    return false;
}

/* Binary by type, text by meaning. */
static bool is_text(enum exif_ifd kind, unsigned tag)
{
    if (kind == EXIF_GPS)
        return tag == 0x001b || tag == 0x001c;                                     /* processing method, area */
    return tag == 0x9286 || (kind == EXIF_IFD0 && tag >= 0x9c9b && tag <= 0x9c9f); /* UserComment, XPTitle ... */
}

bool exif_may_keep(enum exif_ifd kind, unsigned tag, unsigned type, const uint8_t *value, size_t size)
{
    if (is_forbidden(kind, tag) || blob_has_picture(value, size))
        return false;
    if (type == EXIF_ASCII || type == EXIF_UTF8)
        return size <= MAX_TEXT && !blob_is_encoded(value, size);
    if (type == EXIF_BYTE || type == EXIF_UNDEFINED)
        return size <= MAX_BINARY || (size <= MAX_TEXT && is_text(kind, tag) && !blob_is_encoded(value, size));
    return size <= MAX_NUMBERS;
}
