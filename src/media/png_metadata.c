/* See png_metadata.h. Chunks that are not named here (unknown ones, private ones, caBX, tIME, bKGD, animation) are
 * dropped by not being asked for. */
#include "media/png_metadata.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "media/metadata.h"
#include "media/png_chunk.h"

#define XMP_KEYWORD "XML:com.adobe.xmp"
#define SIGNATURE_BYTES 8
#define CHUNK_BYTES 12 /* length, type and check sum around a chunk's content */
#define MAX_TEXTS 64
#define MAX_TEXT 8192 /* bytes of one text */

static void take_color(spng_ctx *ctx, struct image_png_color *c)
{
    struct spng_chrm_int chrm;
    c->has_gamma = spng_get_gama_int(ctx, &c->gamma) == 0;
    c->has_srgb = spng_get_srgb(ctx, &c->intent) == 0;
    c->has_primaries = spng_get_chrm_int(ctx, &chrm) == 0;
    if (c->has_primaries) {
        const uint32_t all[8] = {chrm.white_point_x, chrm.white_point_y, chrm.red_x, chrm.red_y, chrm.green_x,
            chrm.green_y, chrm.blue_x, chrm.blue_y};
        memcpy(c->primaries, all, sizeof all);
    }
}

/* libspng does not know cICP, and keeping unknown chunks would count large private ones against the limits. */
static void take_coding(const uint8_t *data, size_t len, struct image_png_color *c)
{
    for (size_t at = SIGNATURE_BYTES; at < len && len - at >= CHUNK_BYTES;) {
        const uint8_t *chunk = data + at;
        size_t size = bytes_be32(chunk);
        if (memcmp(chunk + 4, "IDAT", 4) == 0 || size > len - at - CHUNK_BYTES)
            return;
        if (memcmp(chunk + 4, "cICP", 4) == 0 && size == sizeof c->coding && chunk[10] == 0 && chunk[11] <= 1) {
            memcpy(c->coding, chunk + 8, sizeof c->coding);
            c->has_coding = true;
            return;
        }
        at += CHUNK_BYTES + size;
    }
}

/* pHYs counts in metres; whole dots per inch are what is nearly always meant. */
static void take_density(spng_ctx *ctx, struct image_metadata *m)
{
    struct spng_phys phys;
    if (spng_get_phys(ctx, &phys) != 0)
        return;
    if (phys.unit_specifier == 0) {
        m->density_x = phys.ppu_x <= UINT16_MAX ? (int)phys.ppu_x : 0;
        m->density_y = phys.ppu_y <= UINT16_MAX ? (int)phys.ppu_y : 0;
        return;
    }
    double inch_x = phys.ppu_x * 0.0254, inch_y = phys.ppu_y * 0.0254;
    bool inches = fabs(inch_x - round(inch_x)) < 0.02 && fabs(inch_y - round(inch_y)) < 0.02;
    double x = inches ? inch_x : phys.ppu_x / 100.0, y = inches ? inch_y : phys.ppu_y / 100.0;
    if (x > UINT16_MAX || y > UINT16_MAX)
        return;
    m->density_unit = inches ? 1 : 2;
    m->density_x = (int)round(x);
    m->density_y = (int)round(y);
}

/* "Raw profile type ..." is how ImageMagick puts EXIF, IPTC and others into texts, in hexadecimal. */
static bool text_may_stay(const struct spng_text *t)
{
    const uint8_t *text = (const uint8_t *)t->text;
    return t->length <= MAX_TEXT && strncmp(t->keyword, "Raw profile type", 16) != 0 &&
           strcmp(t->keyword, XMP_KEYWORD) != 0 && !blob_is_encoded(text, t->length) &&
           !blob_has_picture(text, t->length) && memchr(text, 0, t->length) == NULL;
}

static int add_text(struct image_metadata *m, const struct spng_text *t)
{
    struct image_text *to = &m->texts[m->text_count];
    to->utf8 = t->type == SPNG_ITXT;
    memcpy(to->keyword, t->keyword, sizeof to->keyword);
    to->text = strndup(t->text, t->length);
    if (!to->text)
        return -ENOMEM;
    m->text_count++;
    return 0;
}

static int take_texts(spng_ctx *ctx, struct image_metadata *m, int width, int height)
{
    uint32_t count = 0;
    if (spng_get_text(ctx, NULL, &count) != 0 || count == 0)
        return 0;
    struct spng_text *texts = calloc(count, sizeof *texts);
    m->texts = calloc(MAX_TEXTS, sizeof *m->texts);
    int r = texts && m->texts ? 0 : -ENOMEM;
    if (r == 0 && spng_get_text(ctx, texts, &count) != 0)
        count = 0;
    for (uint32_t i = 0; i < count && r == 0; i++) {
        const struct spng_text *t = &texts[i];
        if (t->type == SPNG_ITXT && strcmp(t->keyword, XMP_KEYWORD) == 0 && m->xmp.len == 0)
            r = xmp_clean((const uint8_t *)t->text, t->length, width, height, &m->xmp);
        else if (m->text_count < MAX_TEXTS && text_may_stay(t))
            r = add_text(m, t);
    }
    free(texts);
    return r;
}

int metadata_from_png(spng_ctx *ctx, const uint8_t *data, size_t len, struct image *image)
{
    struct image_metadata *m = &image->metadata;
    struct spng_exif exif;
    struct spng_iccp icc;
    bool has_exif = spng_get_exif(ctx, &exif) == 0;
    if (has_exif)
        image->orientation = exif_orientation((const uint8_t *)exif.data, exif.length);
    bool swap = image->orientation >= 5;
    int width = swap ? image->frame->height : image->frame->width;
    int height = swap ? image->frame->width : image->frame->height;
    int r = has_exif ? exif_clean((const uint8_t *)exif.data, exif.length, width, height, &m->exif) : 0;
    if (r == 0 && spng_get_iccp(ctx, &icc) == 0)
        r = icc_clean((const uint8_t *)icc.profile, icc.profile_len, image->frame->color, &m->icc);
    if (r == 0)
        r = take_texts(ctx, m, width, height);
    take_color(ctx, &m->png);
    take_coding(data, len, &m->png);
    take_density(ctx, m);
    return r;
}

static int put_numbers(struct buffer *out, const char *type, const uint32_t *numbers, size_t count)
{
    uint8_t data[32];
    for (size_t i = 0; i < count; i++)
        png_put_u32(data + 4 * i, numbers[i]);
    return png_chunk_put(out, type, data, 4 * count);
}

static int put_icc(struct buffer *out, const struct buffer *icc)
{
    static const char name[] = "ICC profile\0"; /* and 0 for deflate */
    size_t place;
    int r = png_chunk_begin(out, "iCCP", &place);
    if (r == 0)
        r = buffer_append(out, name, sizeof name);
    if (r == 0)
        r = png_deflate(out, icc->data, icc->len, 9);
    return r < 0 ? r : png_chunk_end(out, place);
}

static int put_color(struct buffer *out, const struct image_metadata *m)
{
    const struct image_png_color *c = &m->png;
    int r = c->has_coding ? png_chunk_put(out, "cICP", c->coding, sizeof c->coding) : 0;
    if (r == 0 && c->has_primaries)
        r = put_numbers(out, "cHRM", c->primaries, 8);
    if (r == 0 && c->has_gamma)
        r = put_numbers(out, "gAMA", &c->gamma, 1);
    if (r == 0 && m->icc.len)
        r = put_icc(out, &m->icc);
    else if (r == 0 && c->has_srgb) /* one of the two */
        r = png_chunk_put(out, "sRGB", &c->intent, 1);
    return r;
}

static int put_density(struct buffer *out, const struct image_metadata *m)
{
    if (m->density_x <= 0 || m->density_y <= 0)
        return 0;
    double unit = m->density_unit == 1 ? 1 / 0.0254 : m->density_unit == 2 ? 100 : 1;
    uint8_t phys[9];
    png_put_u32(phys, (uint32_t)round(m->density_x * unit));
    png_put_u32(phys + 4, (uint32_t)round(m->density_y * unit));
    phys[8] = m->density_unit != 0;
    return png_chunk_put(out, "pHYs", phys, sizeof phys);
}

/* Keyword, NUL, text; the international form has four bytes between: not packed, no language, no translation. */
static int put_text(struct buffer *out, bool utf8, const char *keyword, const void *text, size_t len)
{
    size_t place;
    int r = png_chunk_begin(out, utf8 ? "iTXt" : "tEXt", &place);
    if (r == 0)
        r = buffer_append(out, keyword, strlen(keyword) + 1);
    if (r == 0 && utf8)
        r = buffer_append(out, "\0\0\0", 4);
    if (r == 0)
        r = buffer_append(out, text, len);
    return r < 0 ? r : png_chunk_end(out, place);
}

int metadata_to_png(struct buffer *out, const struct image_metadata *m)
{
    int r = put_color(out, m);
    if (r == 0)
        r = put_density(out, m);
    if (r == 0 && m->exif.len)
        r = png_chunk_put(out, "eXIf", m->exif.data, m->exif.len);
    if (r == 0 && m->xmp.len)
        r = put_text(out, true, XMP_KEYWORD, m->xmp.data, m->xmp.len);
    for (size_t i = 0; i < m->text_count && r == 0; i++)
        r = put_text(out, m->texts[i].utf8, m->texts[i].keyword, m->texts[i].text, strlen(m->texts[i].text));
    return r;
}
