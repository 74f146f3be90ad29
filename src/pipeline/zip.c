/* See zip.h; the form is that of PKWARE's APPNOTE 6.3. */
#include "pipeline/zip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define NAME_LEN 18            /* frame-00000000.png */
#define DATE 0x0021            /* 1980-01-01: the same input gives the same archive */
#define OLD_ENTRIES 0xfffeu    /* what the old directory can count */
#define OLD_BYTES 0xfffffffell /* and address */

struct bytes {
    uint8_t data[128];
    size_t len;
};

static void put(struct bytes *b, int width, uint64_t v)
{
    for (int i = 0; i < width; i++, v >>= 8)
        b->data[b->len++] = (uint8_t)v;
}

static void put_name(struct bytes *b, uint32_t number)
{
    char name[32];
    snprintf(name, sizeof name, "frame-%08u.png", (unsigned)(number % 100000000));
    memcpy(b->data + b->len, name, NAME_LEN);
    b->len += NAME_LEN;
}

void zip_finish(struct zip *z)
{
    free(z->entries);
    *z = (struct zip){0};
}

int zip_add(struct zip *z, uint32_t number, const void *data, size_t len, struct buffer *out)
{
    if (len > UINT32_MAX / 2)
        return -EFBIG;
    if (z->len == z->cap) {
        size_t cap = z->cap ? z->cap * 2 : 256;
        struct zip_entry *entries = realloc(z->entries, cap * sizeof *entries);
        if (!entries)
            return -ENOMEM;
        z->entries = entries;
        z->cap = cap;
    }
    struct zip_entry e = {.offset = z->written,
        .crc = (uint32_t)crc32(crc32(0, NULL, 0), data, (unsigned)len),
        .size = (uint32_t)len,
        .number = number};
    struct bytes b = {.len = 0};
    put(&b, 4, 0x04034b50);
    put(&b, 2, 20);
    put(&b, 6, 0); /* flags, method, time */
    put(&b, 2, DATE);
    put(&b, 4, e.crc);
    put(&b, 4, e.size);
    put(&b, 4, e.size);
    put(&b, 2, NAME_LEN);
    put(&b, 2, 0);
    put_name(&b, number);
    int r = buffer_append(out, b.data, b.len);
    if (r == 0)
        r = buffer_append(out, data, len);
    if (r < 0)
        return r;
    z->written += (int64_t)(b.len + len);
    z->entries[z->len++] = e;
    return 0;
}

static void put_entry(struct bytes *b, const struct zip_entry *e)
{
    bool far = e->offset > OLD_BYTES;
    put(b, 4, 0x02014b50);
    put(b, 2, 45);
    put(b, 2, far ? 45 : 20);
    put(b, 6, 0);
    put(b, 2, DATE);
    put(b, 4, e->crc);
    put(b, 4, e->size);
    put(b, 4, e->size);
    put(b, 2, NAME_LEN);
    put(b, 2, far ? 12 : 0);
    put(b, 6, 0); /* comment, disk, internal attributes */
    put(b, 4, 0);
    put(b, 4, far ? UINT32_MAX : (uint64_t)e->offset);
    put_name(b, e->number);
    if (far) {
        put(b, 2, 1);
        put(b, 2, 8);
        put(b, 8, (uint64_t)e->offset);
    }
}

static void put_end64(struct bytes *b, uint64_t entries, uint64_t size, uint64_t at)
{
    put(b, 4, 0x06064b50);
    put(b, 8, 44);
    put(b, 4, 45 | 45 << 16);
    put(b, 8, 0); /* disks */
    put(b, 8, entries);
    put(b, 8, entries);
    put(b, 8, size);
    put(b, 8, at);
    put(b, 4, 0x07064b50);
    put(b, 4, 0);
    put(b, 8, at + size);
    put(b, 4, 1);
}

int zip_end(struct zip *z, struct buffer *out)
{
    int r = 0;
    uint64_t at = (uint64_t)z->written, size = 0;
    for (size_t i = 0; i < z->len && r == 0; i++) {
        struct bytes b = {.len = 0};
        put_entry(&b, &z->entries[i]);
        r = buffer_append(out, b.data, b.len);
        size += b.len;
    }
    bool large = z->len > OLD_ENTRIES || at + size > OLD_BYTES;
    struct bytes b = {.len = 0};
    if (large)
        put_end64(&b, z->len, size, at);
    put(&b, 4, 0x06054b50);
    put(&b, 4, 0);
    put(&b, 2, large ? 0xffff : z->len);
    put(&b, 2, large ? 0xffff : z->len);
    put(&b, 4, large ? UINT32_MAX : size);
    put(&b, 4, large ? UINT32_MAX : at);
    put(&b, 2, 0);
    return r < 0 ? r : buffer_append(out, b.data, b.len);
}
