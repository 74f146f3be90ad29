/* See media_secret.h. */
#include "media_secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <setjmp.h>
#include <zlib.h>

#include "media/image.h"
#include "media_files.h"

#define SIDE 48
#define NEEDLE 20

void put_bytes(struct buffer *b, const void *data, size_t len)
{
    if (buffer_append(b, data, len) < 0)
        abort();
}

void put_text(struct buffer *b, const char *text)
{
    put_bytes(b, text, strlen(text));
}

void put_resource(struct buffer *out, unsigned id, const void *data, size_t len)
{
    uint8_t head[12] = "8BIM";
    head[4] = (uint8_t)(id >> 8);
    head[5] = (uint8_t)id;
    for (int i = 0; i < 4; i++)
        head[8 + i] = (uint8_t)(len >> (24 - 8 * i));
    put_bytes(out, head, sizeof head);
    put_bytes(out, data, len);
    if (len % 2)
        put_bytes(out, "", 1);
}

void put_dataset(struct buffer *out, unsigned record, unsigned dataset, const void *data, size_t len)
{
    uint8_t head[5] = {0x1c, (uint8_t)record, (uint8_t)dataset, (uint8_t)(len >> 8), (uint8_t)len};
    put_bytes(out, head, sizeof head);
    put_bytes(out, data, len);
}

static void put_base64(struct buffer *out, const uint8_t *p, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i + 3 <= len; i += 3) {
        unsigned v = (unsigned)p[i] << 16 | (unsigned)p[i + 1] << 8 | p[i + 2];
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63], digits[v & 63]};
        put_bytes(out, four, 4);
        if (i / 3 % 19 == 18)
            put_bytes(out, "\n", 1);
    }
}

static void put_hex(struct buffer *out, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char two[4];
        snprintf(two, sizeof two, "%02x", p[i]);
        put_bytes(out, two, 2);
        if (i % 36 == 35)
            put_bytes(out, "\n", 1);
    }
}

void secret_create(struct secret *s)
{
    struct frame *f = NULL;
    struct error err;
    unsigned seed = 12345;
    *s = (struct secret){0};
    s->jpeg.max = s->png.max = s->raw.max = s->base64.max = s->hex.max = 1 << 20;
    if (frame_create(FRAME_RGB, SIDE, SIDE, 8, false, &f) < 0)
        abort();
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE * 3; x++) {
            seed = seed * 1664525u + 1013904223u;
            f->planes[0].data[y * f->planes[0].stride + x] = (uint8_t)(seed >> 24);
        }
    for (int y = 0; y < SIDE; y++)
        put_bytes(&s->raw, f->planes[0].data + y * f->planes[0].stride, SIDE * 3);
    media_files_jpeg_of(f, 60, &s->jpeg);
    if (image_encode_png(f, 9, &s->png, &err) < 0)
        abort();
    frame_unref(f);
    put_base64(&s->base64, s->jpeg.data, s->jpeg.len);
    put_hex(&s->hex, s->jpeg.data, s->jpeg.len);
}

void secret_destroy(struct secret *s)
{
    buffer_finish(&s->jpeg);
    buffer_finish(&s->png);
    buffer_finish(&s->raw);
    buffer_finish(&s->base64);
    buffer_finish(&s->hex);
}

/* Any stretch of the form's bytes, its first 700 left out: what stands in them (tables) is the same in every JPEG. */
static bool find_form(const struct buffer *form, const uint8_t *data, size_t len)
{
    for (size_t at = 700 < form->len / 2 ? 700 : 0; at + NEEDLE <= form->len; at += NEEDLE)
        if (memmem(data, len, form->data + at, NEEDLE))
            return true;
    return false;
}

static const char *find_bytes(const struct secret *s, const uint8_t *data, size_t len)
{
    return find_form(&s->jpeg, data, len)     ? "JPEG bytes"
           : find_form(&s->png, data, len)    ? "PNG bytes"
           : find_form(&s->raw, data, len)    ? "raw samples"
           : find_form(&s->base64, data, len) ? "base64"
           : find_form(&s->hex, data, len)    ? "hexadecimal"
                                              : NULL;
}

struct quiet_error {
    struct jpeg_error_mgr manager;
    jmp_buf jump;
};

static void jump_out(j_common_ptr c)
{
    longjmp(((struct quiet_error *)(void *)c->err)->jump, 1);
}

static void say_nothing(j_common_ptr c)
{
}

static bool is_jpeg(const uint8_t *data, size_t len)
{
    struct jpeg_decompress_struct c = {0};
    struct quiet_error e;
    c.err = jpeg_std_error(&e.manager);
    e.manager.error_exit = jump_out;
    e.manager.output_message = say_nothing;
    if (setjmp(e.jump)) {
        jpeg_destroy_decompress(&c);
        return false;
    }
    jpeg_create_decompress(&c);
    jpeg_mem_src(&c, data, len);
    jpeg_read_header(&c, TRUE);
    jpeg_destroy_decompress(&c);
    return true;
}

static const char *find_pictures(const uint8_t *data, size_t len)
{
    for (size_t i = 1; i + 16 < len; i++) {
        if (memcmp(data + i, "\xff\xd8\xff", 3) == 0 && is_jpeg(data + i, len - i))
            return "a JPEG inside";
        if (memcmp(data + i, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16) == 0)
            return "a PNG inside";
    }
    return NULL;
}

/* Unpacks whatever deflate stream begins somewhere in the chunk's first bytes. */
static const char *find_packed(const struct secret *s, const uint8_t *chunk, size_t len)
{
    static uint8_t plain[1 << 20];
    for (size_t skip = 0; skip < len && skip < 120; skip++) {
        uLongf n = sizeof plain;
        int z = uncompress(plain, &n, chunk + skip, len - skip);
        if (z != Z_OK && z != Z_BUF_ERROR)
            continue;
        const char *found = find_bytes(s, plain, n);
        if (found || (found = find_pictures(plain, n)))
            return found;
    }
    return NULL;
}

const char *secret_find(const struct secret *s, const uint8_t *file, size_t len)
{
    const char *found = find_bytes(s, file, len);
    if (!found)
        found = find_pictures(file, len);
    if (found || image_probe(file, len) != IMAGE_PNG)
        return found;
    for (size_t at = 8; at + 12 <= len && !found;) {
        size_t size =
            (size_t)file[at] << 24 | (size_t)file[at + 1] << 16 | (size_t)file[at + 2] << 8 | (size_t)file[at + 3];
        if (size > len - at - 12)
            break;
        if (memcmp(file + at + 4, "IDAT", 4) != 0)
            found = find_packed(s, file + at + 8, size);
        at += size + 12;
    }
    return found;
}

static void put_number(struct buffer *out, uint32_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        put_bytes(out, &(uint8_t){(uint8_t)(v >> (8 * i))}, 1);
}

void tiff_begin(struct buffer *out)
{
    put_bytes(out, "II*\0\0\0\0", 8);
}

void tiff_end(struct buffer *out, uint32_t ifd0)
{
    for (int i = 0; i < 4; i++)
        out->data[4 + i] = (uint8_t)(ifd0 >> (8 * i));
}

uint32_t tiff_put_ifd(struct buffer *out, const struct tiff_entry *entries, int count, uint32_t next)
{
    static const size_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1};
    uint32_t places[32];
    for (int i = 0; i < count; i++) {
        places[i] = (uint32_t)out->len;
        size_t size = sizes[entries[i].type] * entries[i].count;
        if (entries[i].data && size > 4)
            put_bytes(out, entries[i].data, size);
        if (out->len % 2)
            put_bytes(out, "", 1);
    }
    uint32_t ifd = (uint32_t)out->len;
    put_number(out, (uint32_t)count, 2);
    for (int i = 0; i < count; i++) {
        const struct tiff_entry *e = &entries[i];
        size_t size = sizes[e->type] * e->count;
        put_number(out, e->tag, 2);
        put_number(out, e->type, 2);
        put_number(out, e->count, 4);
        if (!e->data) {
            put_number(out, e->number, 4);
        } else if (size > 4) {
            put_number(out, places[i], 4);
        } else {
            put_bytes(out, e->data, size);
            put_bytes(out, "\0\0\0", 4 - size);
        }
    }
    put_number(out, next, 4);
    return ifd;
}
