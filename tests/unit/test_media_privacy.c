/* No copy of the original's pixels gets through, wherever a file hides it. What is harmless stays: see
 * test_media_metadata.c. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/image.h"
#include "media_files.h"
#include "media_secret.h"

#define FILE_BUFFER BUFFER_INIT((size_t)16 << 20)

static const struct image_limits limits = {.max_pixels = 1 << 24, .max_side = 20000, .max_memory = 1 << 28};

static struct secret secret;

static int make_secret(void **state)
{
    secret_create(&secret);
    return 0;
}

static int drop_secret(void **state)
{
    secret_destroy(&secret);
    return 0;
}

/* The cover picture with one segment more. */
static void make_jpeg(int marker, const struct buffer *content, struct buffer *out)
{
    struct jpeg_segment segment = {marker, content->data, content->len};
    media_files_jpeg(
        &(struct jpeg_spec){
            .width = 64, .height = 48, .components = 3, .segments = &segment, .segment_count = content->len ? 1 : 0},
        out);
}

static void make_png(const char *type, const struct buffer *content, bool behind, struct buffer *out)
{
    struct png_chunk chunk = {.data = content->data, .len = content->len, .behind = behind};
    memcpy(chunk.type, type, 4);
    media_files_png(
        &(struct png_spec){
            .width = 64, .height = 48, .color_type = 2, .bit_depth = 8, .chunks = &chunk, .chunk_count = 1},
        out);
}

static void must_not_contain(const char *place, const char *as, const struct buffer *out)
{
    const char *found = secret_find(&secret, out->data, out->len);
    if (found)
        fail_msg("%s: %s in the %s that was written", place, found, as);
}

/* The secret is in the file, and in nothing that is made of it. */
static void check_dropped(const char *place, const struct buffer *file)
{
    struct image *image = NULL;
    struct error err = {0};
    if (!secret_find(&secret, file->data, file->len))
        fail_msg("%s: the search does not find what the test has hidden", place);
    if (image_decode(file->data, file->len, &limits, &image, &err) < 0)
        fail_msg("%s: %s", place, err.text);
    for (int way = 0; way < 3; way++) {
        static const char *const names[] = {"JPEG", "PNG", "JPEG with blocks kept"};
        struct buffer out = FILE_BUFFER;
        struct image_encode_options options = {
            .format = way == 1 ? IMAGE_PNG : IMAGE_JPEG, .quality = 90, .compress_level = 1, .keep_source = way == 2};
        assert_int_equal(image_encode(image, &options, &out, &err), 0);
        must_not_contain(place, names[way], &out);
        buffer_finish(&out);
    }
    image_destroy(image);
}

static void check_segment(const char *place, int marker, struct buffer *content)
{
    struct buffer file = FILE_BUFFER;
    make_jpeg(marker, content, &file);
    check_dropped(place, &file);
    buffer_finish(&file);
    buffer_finish(content);
}

/* A thumbnail's IFD: where its pixels are and how many bytes. */
static uint32_t put_thumbnail(
    struct buffer *tiff, uint32_t compression, unsigned at_tag, unsigned len_tag, uint32_t len)
{
    const struct tiff_entry entries[] = {
        {0x0103, 3, 1, NULL, compression}, {at_tag, 4, 1, NULL, 8}, {len_tag, 4, 1, NULL, len}};
    return tiff_put_ifd(tiff, entries, 3, 0);
}

/* An entry that points at a new IFD of one entry. */
static struct tiff_entry put_below(struct buffer *tiff, unsigned pointer, struct tiff_entry entry)
{
    return (struct tiff_entry){pointer, 4, 1, NULL, tiff_put_ifd(tiff, &entry, 1, 0)};
}

/* Puts the secret into an EXIF structure, at the place that the number says; NULL where there is no such place. Its
 * JPEG (for place 1 its samples) lies behind the header in any case. */
static const char *hide_in_exif(int place, struct buffer *tiff)
{
    static const char *const names[] = {"the EXIF thumbnail", "an uncompressed EXIF thumbnail", "MakerNote", "SubIFDs",
        "UserComment in base64", "an unknown tag", "an unknown tag of numbers", "GPS processing method",
        "a text in hexadecimal", "a GDI+ thumbnail", "nowhere in particular"};
    const struct buffer *pixels = place == 1 ? &secret.raw : &secret.jpeg;
    const uint32_t jpeg = (uint32_t)secret.jpeg.len, raw = (uint32_t)secret.raw.len;
    struct buffer comment = FILE_BUFFER;
    struct tiff_entry last = {0x010f, 2, 5, "Make", 0};
    uint32_t next = 0;
    if (place >= (int)(sizeof names / sizeof names[0]))
        return NULL;
    put_bytes(&comment, "ASCII\0\0", 8);
    put_bytes(&comment, secret.base64.data, secret.base64.len);
    tiff_begin(tiff);
    put_bytes(tiff, pixels->data, pixels->len);
    put_bytes(tiff, "", tiff->len % 2);
    if (place == 0)
        next = put_thumbnail(tiff, 6, 0x0201, 0x0202, jpeg);
    else if (place == 1)
        next = put_thumbnail(tiff, 1, 0x0111, 0x0117, raw);
    else if (place == 2)
        last = put_below(tiff, 0x8769, (struct tiff_entry){0x927c, 7, jpeg, secret.jpeg.data, 0});
    else if (place == 3)
        last = (struct tiff_entry){0x014a, 4, 1, NULL, put_thumbnail(tiff, 6, 0x0201, 0x0202, jpeg)};
    else if (place == 4)
        last = put_below(tiff, 0x8769, (struct tiff_entry){0x9286, 7, (uint32_t)comment.len, comment.data, 0});
    else if (place == 5)
        last = (struct tiff_entry){0xc123, 7, jpeg, secret.jpeg.data, 0};
    else if (place == 6)
        last = (struct tiff_entry){0xc124, 4, raw / 4, secret.raw.data, 0};
    else if (place == 7)
        last = put_below(tiff, 0x8825, (struct tiff_entry){0x001b, 7, jpeg, secret.jpeg.data, 0});
    else if (place == 8)
        last = (struct tiff_entry){0x010e, 2, (uint32_t)secret.hex.len, secret.hex.data, 0};
    else if (place == 9)
        last = (struct tiff_entry){0x501b, 7, jpeg, secret.jpeg.data, 0};
    tiff_end(tiff, tiff_put_ifd(tiff, (struct tiff_entry[]){{0x0112, 3, 1, NULL, 1}, last}, 2, next));
    buffer_finish(&comment);
    return names[place];
}

static void drops_what_exif_hides(void **state)
{
    for (int place = 0;; place++) {
        struct buffer tiff = FILE_BUFFER, app1 = FILE_BUFFER, file = FILE_BUFFER;
        const char *name = hide_in_exif(place, &tiff);
        if (name) {
            put_bytes(&app1, "Exif\0", 6);
            put_bytes(&app1, tiff.data, tiff.len);
            check_segment(name, 0xe1, &app1);
            make_png("eXIf", &tiff, false, &file);
            check_dropped(name, &file);
        }
        buffer_finish(&tiff);
        buffer_finish(&file);
        if (!name)
            break;
    }
}

/* XMP properties, %s being the secret in base64. */
static const char *const xmp_hideouts[] = {
    " xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:g='http://ns.adobe.com/xap/1.0/g/img/'><xmp:Thumbnails><rdf:Alt>"
    "<rdf:li rdf:parseType='Resource'><g:format>JPEG</g:format><g:image>%s</g:image></rdf:li></rdf:Alt></"
    "xmp:Thumbnails>",
    " xmlns:GImage='http://ns.google.com/photos/1.0/image/' GImage:Data='%s'>",
    " xmlns:GDepth='http://ns.google.com/photos/1.0/depthmap/' GDepth:Mime='image/jpeg' GDepth:Data=\"%s\">",
    " xmlns:own='urn:own'><own:thing>%s</own:thing>",
    " xmlns:own='urn:own' own:thing='%s'>",
    " xmlns:own='urn:own'><!-- %s -->",
    " xmlns:own='urn:own'><own:a><![CDATA[%s]]></own:a>",
    " xmlns:own='urn:own'><?own %s?>",
    " xmlns:own='urn:own'><own:broken>%s",
    " xmlns:own='urn:own' own:%s='1'>",
    " xmlns:own='%s'>",
};

static void make_xmp(size_t place, const char *base64, struct buffer *out)
{
    put_text(out, XMP_HEAD);
    const char *form = xmp_hideouts[place], *at = strstr(form, "%s");
    put_bytes(out, form, (size_t)(at - form));
    put_text(out, base64);
    put_text(out, at + 2);
    put_text(out, XMP_TAIL);
}

static void drops_what_xmp_hides(void **state)
{
    struct buffer text = FILE_BUFFER;
    put_bytes(&text, secret.base64.data, secret.base64.len);
    put_bytes(&text, "", 1);
    for (size_t place = 0; place < sizeof xmp_hideouts / sizeof xmp_hideouts[0]; place++) {
        struct buffer app1 = FILE_BUFFER, itxt = FILE_BUFFER, file = FILE_BUFFER;
        put_bytes(&app1, "http://ns.adobe.com/xap/1.0/", 29);
        make_xmp(place, (char *)text.data, &app1);
        check_segment(xmp_hideouts[place], 0xe1, &app1);
        put_bytes(&itxt, "XML:com.adobe.xmp\0\0\0\0", 22);
        make_xmp(place, (char *)text.data, &itxt);
        make_png("iTXt", &itxt, false, &file);
        check_dropped(xmp_hideouts[place], &file);
        buffer_finish(&file);
        buffer_finish(&itxt);
    }
    buffer_finish(&text);
}

static void drops_what_photoshop_hides(void **state)
{
    for (unsigned id = 1033; id <= 1036; id += 3) {
        struct buffer app13 = FILE_BUFFER, thumbnail = FILE_BUFFER;
        put_bytes(&app13, "Photoshop 3.0", 14);
        put_bytes(&thumbnail, "\0\0\0\x01\0\0\0\x30\0\0\0\x30\0\0\0\x90\0\0\x1b\0\0\0\x1b\0\0\x18\0\x01", 28);
        put_bytes(&thumbnail, secret.jpeg.data, secret.jpeg.len);
        put_resource(&app13, id, thumbnail.data, thumbnail.len);
        check_segment("a Photoshop thumbnail", 0xed, &app13);
        buffer_finish(&thumbnail);
    }
    static const unsigned datasets[][2] = {{2, 202}, {2, 125}, {2, 120}, {8, 10}, {1, 90}};
    for (size_t i = 0; i < 5; i++) {
        struct buffer app13 = FILE_BUFFER, iptc = FILE_BUFFER;
        put_bytes(&app13, "Photoshop 3.0", 14);
        put_dataset(&iptc, datasets[i][0], datasets[i][1], secret.jpeg.data, secret.jpeg.len);
        put_resource(&app13, 0x0404, iptc.data, iptc.len);
        check_segment("an IPTC dataset", 0xed, &app13);
        buffer_finish(&iptc);
    }
}

static void drops_other_segments(void **state)
{
    static const struct {
        int marker;
        const char *name, *head;
        size_t head_len;
    } places[] = {
        {0xe0, "a JFXX thumbnail", "JFXX\0\x10", 6},
        {0xe1, "extended XMP",
            "http://ns.adobe.com/xmp/extension/\0"
            "0123456789abcdef0123456789abcdef\0\0\xff\xff\0\0\0\0",
            75},
        {0xe1, "an APP1 of unknown kind", "own\0", 4},
        {0xe2, "an MPF segment", "MPF\0", 4},
        {0xe2, "a FlashPix segment", "FPXR\0", 5},
        {0xe2, "a gain map's segment", "urn:iso:std:iso:ts:21496:-1\0", 28},
        {0xe2, "an ICC segment that is none", "ICC_PROFILE\0\x01\x01", 14},
        {0xe4, "APP4", "", 0},
        {0xeb, "a JUMBF segment", "JP\0\x01\0\0\0\x01", 8},
        {0xec, "Ducky", "Ducky\0", 6},
        {0xef, "APP15", "", 0},
        {0xfe, "a comment", "", 0},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct buffer content = FILE_BUFFER;
        put_bytes(&content, places[i].head, places[i].head_len);
        put_bytes(&content, secret.jpeg.data, secret.jpeg.len);
        check_segment(places[i].name, places[i].marker, &content);
    }
}

/* A JFIF thumbnail of raw samples, which libjpeg does not write. */
static void drops_the_jfif_thumbnail(void **state)
{
    struct buffer file = FILE_BUFFER, thumb = FILE_BUFFER;
    make_jpeg(0, &thumb, &file);
    put_bytes(&thumb, "\xff\xe0", 2);
    size_t len = 16 + secret.raw.len;
    put_bytes(&thumb, &(uint8_t[]){(uint8_t)(len >> 8), (uint8_t)len}, 2);
    put_bytes(&thumb, "JFIF\0\x01\x01\x01\0\x48\0\x48\x30\x30", 14);
    put_bytes(&thumb, secret.raw.data, secret.raw.len);
    assert_memory_equal(file.data + 2, "\xff\xe0\0\x10", 4);
    put_bytes(&thumb, file.data + 20, file.len - 20);
    buffer_finish(&file);
    put_bytes(&file, "\xff\xd8", 2);
    put_bytes(&file, thumb.data, thumb.len);
    check_dropped("the JFIF thumbnail", &file);
    buffer_finish(&file);
    buffer_finish(&thumb);
}

static void drops_trailers(void **state)
{
    struct buffer file = FILE_BUFFER, none = FILE_BUFFER;
    make_jpeg(0, &none, &file);
    put_bytes(&file, secret.jpeg.data, secret.jpeg.len); /* MPF's second picture, a motion photo's film, ... */
    check_dropped("what follows a JPEG", &file);
    buffer_finish(&file);
    make_png("tIME", &(struct buffer){.data = (uint8_t *)"\x07\xea\x01\x01\0\0\0", .len = 7}, false, &file);
    put_bytes(&file, secret.png.data, secret.png.len);
    check_dropped("what follows a PNG", &file);
    buffer_finish(&file);
}

static void drops_png_chunks(void **state)
{
    static const struct {
        const char *type, *head;
        size_t head_len;
        int form; /* 0 JPEG, 1 base64, 2 hexadecimal */
    } places[] = {
        {"caBX", "", 0, 0},
        {"prVt", "", 0, 0},
        {"fdAT", "\0\0\0\x01", 4, 0},
        {"tEXt", "Comment", 8, 1},
        {"tEXt", "Raw profile type exif", 22, 2},
        {"tEXt", "Comment", 8, 2},
        {"iTXt", "Description\0\0\0\0", 16, 1},
        {"iTXt", "XML:com.adobe.xmp\0\0\0\0", 22, 1},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (int behind = 0; behind < 2; behind++) {
            struct buffer content = FILE_BUFFER, file = FILE_BUFFER;
            const struct buffer *forms[] = {&secret.jpeg, &secret.base64, &secret.hex};
            put_bytes(&content, places[i].head, places[i].head_len);
            put_bytes(&content, forms[places[i].form]->data, forms[places[i].form]->len);
            make_png(places[i].type, &content, behind, &file);
            check_dropped(places[i].type, &file);
            buffer_finish(&file);
            buffer_finish(&content);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_what_exif_hides),
        cmocka_unit_test(drops_what_xmp_hides),
        cmocka_unit_test(drops_what_photoshop_hides),
        cmocka_unit_test(drops_other_segments),
        cmocka_unit_test(drops_the_jfif_thumbnail),
        cmocka_unit_test(drops_trailers),
        cmocka_unit_test(drops_png_chunks),
    };
    return cmocka_run_group_tests(tests, make_secret, drop_secret);
}
