/* EXIF: reads the orientation, and rebuilds the whole structure from what may be kept.
 *
 * After the Exif standard 2.32 (CIPA DC-008) and TIFF 6.0: a header that says the byte order and where IFD0 is; an IFD
 * is a list of 12-byte entries (tag, type, count, value or its offset). Nothing of the original's layout survives: what
 * no kept entry points at cannot get through. */
#include "media/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "media/exif_policy.h"

#define MAX_ENTRIES 200        /* kept of one IFD */
#define MAX_EXIF (60u * 1024u) /* bytes: must fit into one JPEG segment */
#define ENTRY 12

struct tiff {
    const uint8_t *data;
    size_t len;
    bool big_endian;
};

struct entry {
    unsigned tag, type;
    uint32_t count;
    const uint8_t *value; /* in the original; NULL: `number` instead */
    size_t size;          /* bytes of the value */
    uint32_t number;
};

struct ifd {
    struct entry entries[MAX_ENTRIES];
    size_t count;
    bool seen;
};

struct exif {
    struct tiff tiff;
    struct ifd ifds[EXIF_IFDS];
    uint32_t width, height;
};

static unsigned get16(const struct tiff *t, size_t at)
{
    if (at > t->len || t->len - at < 2)
        return 0;
    const uint8_t *p = t->data + at;
    return t->big_endian ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

static uint32_t get32(const struct tiff *t, size_t at)
{
    if (at > t->len || t->len - at < 4)
        return 0;
    uint32_t a = get16(t, at), b = get16(t, at + 2);
    return t->big_endian ? a << 16 | b : b << 16 | a;
}

static bool tiff_init(struct tiff *t, const uint8_t *data, size_t len)
{
    *t = (struct tiff){.data = data, .len = len};
    if (len < 8 || (memcmp(data, "II*\0", 4) != 0 && memcmp(data, "MM\0*", 4) != 0))
        return false;
    t->big_endian = data[0] == 'M';
    return true;
}

int exif_orientation(const uint8_t *tiff, size_t len)
{
    struct tiff t;
    if (!tiff_init(&t, tiff, len))
        return 1;
    size_t ifd = get32(&t, 4);
    unsigned count = get16(&t, ifd);
    for (unsigned i = 0; i < count; i++) {
        size_t entry = ifd + 2 + ENTRY * (size_t)i;
        if (get16(&t, entry) != EXIF_ORIENTATION)
            continue;
        unsigned v = get16(&t, entry + 8);
        return v >= 1 && v <= 8 ? (int)v : 1;
    }
    return 1;
}

/* Reads the entry at `at`; false where its value lies outside the file. */
static bool read_entry(const struct tiff *t, size_t at, struct entry *e)
{
    if (at > t->len || t->len - at < ENTRY)
        return false;
    *e = (struct entry){.tag = get16(t, at), .type = get16(t, at + 2), .count = get32(t, at + 4)};
    size_t unit = exif_type_size(e->type);
    if (unit == 0 || e->count == 0 || e->count > t->len / unit)
        return false;
    e->size = unit * e->count;
    size_t from = e->size <= 4 ? at + 8 : get32(t, at + 8);
    if (from > t->len || t->len - from < e->size)
        return false;
    e->value = t->data + from;
    return true;
}

static void add_number(struct ifd *ifd, unsigned tag, unsigned type, uint32_t number)
{
    if (ifd->count < MAX_ENTRIES)
        ifd->entries[ifd->count++] =
            (struct entry){.tag = tag, .type = type, .count = 1, .size = exif_type_size(type), .number = number};
}

/* Collects what may be kept of the IFD at `at`, and of those it points to. `kind` only grows, which ends recursion. */
static void collect(struct exif *x, enum exif_ifd kind, size_t at)
{
    struct ifd *ifd = &x->ifds[kind];
    unsigned count = get16(&x->tiff, at);
    if (ifd->seen)
        return; /* pointed at twice */
    ifd->seen = true;
    for (unsigned i = 0; i < count && ifd->count < MAX_ENTRIES; i++) {
        struct entry e;
        if (!read_entry(&x->tiff, at + 2 + ENTRY * (size_t)i, &e))
            continue;
        enum exif_ifd child = exif_child(kind, e.tag);
        if (child != EXIF_IFD0) {
            collect(x, child, get32(&x->tiff, (size_t)(e.value - x->tiff.data)));
            if (x->ifds[child].count > 0)
                add_number(ifd, e.tag, EXIF_LONG, 0); /* its place comes later */
        } else if (e.tag == EXIF_ORIENTATION && kind == EXIF_IFD0) {
            add_number(ifd, e.tag, EXIF_SHORT, 1);
        } else if (exif_is_width(kind, e.tag)) {
            add_number(ifd, e.tag, EXIF_LONG, x->width);
        } else if (exif_is_height(kind, e.tag)) {
            add_number(ifd, e.tag, EXIF_LONG, x->height);
        } else if (exif_may_keep(kind, e.tag, e.type, e.value, e.size)) {
            ifd->entries[ifd->count++] = e;
        }
    }
}

static size_t ifd_size(const struct ifd *ifd)
{
    size_t size = ifd->count ? 2 + ENTRY * ifd->count + 4 : 0;
    for (size_t i = 0; i < ifd->count; i++)
        if (ifd->entries[i].size > 4)
            size += (ifd->entries[i].size + 1) / 2 * 2;
    return size;
}

static void put16(uint8_t *p, bool big_endian, unsigned v)
{
    p[!big_endian] = (uint8_t)(v >> 8);
    p[big_endian] = (uint8_t)v;
}

static void put32(uint8_t *p, bool big_endian, uint32_t v)
{
    put16(p + (big_endian ? 0 : 2), big_endian, v >> 16);
    put16(p + (big_endian ? 2 : 0), big_endian, v & 0xffff);
}

static void put_ifd(const struct exif *x, enum exif_ifd kind, uint8_t *out, const size_t *places)
{
    const struct ifd *ifd = &x->ifds[kind];
    bool big = x->tiff.big_endian;
    uint8_t *p = out + places[kind];
    size_t values = places[kind] + 2 + ENTRY * ifd->count + 4; /* the next IFD's offset stays 0: there is none */
    put16(p, big, (unsigned)ifd->count);
    p += 2;
    for (size_t i = 0; i < ifd->count; i++, p += ENTRY) {
        const struct entry *e = &ifd->entries[i];
        enum exif_ifd child = exif_child(kind, e->tag);
        put16(p, big, e->tag);
        put16(p + 2, big, e->type);
        put32(p + 4, big, e->count);
        if (child != EXIF_IFD0) {
            put32(p + 8, big, (uint32_t)places[child]);
        } else if (!e->value && e->type == EXIF_SHORT) {
            put16(p + 8, big, e->number);
        } else if (!e->value) {
            put32(p + 8, big, e->number);
        } else if (e->size <= 4) {
            memcpy(p + 8, e->value, e->size);
        } else {
            put32(p + 8, big, (uint32_t)values);
            memcpy(out + values, e->value, e->size);
            values += (e->size + 1) / 2 * 2;
        }
    }
}

static int put_exif(const struct exif *x, struct buffer *out)
{
    size_t places[EXIF_IFDS], total = 8;
    for (int i = 0; i < EXIF_IFDS; i++) {
        places[i] = total;
        total += ifd_size(&x->ifds[i]);
    }
    if (x->ifds[EXIF_IFD0].count == 0 || total > MAX_EXIF)
        return 0;
    int r = buffer_reserve(out, total);
    if (r < 0)
        return r;
    memset(out->data, 0, total);
    memcpy(out->data, x->tiff.data, 4);
    put32(out->data + 4, x->tiff.big_endian, 8);
    for (int i = 0; i < EXIF_IFDS; i++)
        if (x->ifds[i].count > 0)
            put_ifd(x, (enum exif_ifd)i, out->data, places);
    out->len = total;
    return 0;
}

int exif_clean(const uint8_t *tiff, size_t len, int width, int height, struct buffer *out)
{
    struct exif *x = calloc(1, sizeof *x);
    if (!x)
        return -ENOMEM;
    int r = 0;
    x->width = (uint32_t)width;
    x->height = (uint32_t)height;
    if (tiff_init(&x->tiff, tiff, len)) {
        collect(x, EXIF_IFD0, get32(&x->tiff, 4));
        r = put_exif(x, out);
    }
    free(x);
    return r;
}
