/* No copy of the original's pixels gets through, wherever a file hides it; what is harmless stays. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/image.h"
#include "media_files.h"
#include "media_secret.h"

#define FILE_BUFFER BUFFER_INIT((size_t)16 << 20)

static const struct image_limits limits = {.max_pixels = 1 << 24, .max_side = 20000, .max_memory = 1 << 28};

static const char xmp_head[] = "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
                               "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
                               "<rdf:Description rdf:about=''";
static const char xmp_tail[] = "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>";

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

static void append(struct buffer *b, const void *data, size_t len)
{
    assert_int_equal(buffer_append(b, data, len), 0);
}

static void append_text(struct buffer *b, const char *text)
{
    append(b, text, strlen(text));
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

/* Puts the secret into an EXIF structure, at the place that the number says; NULL where there is no such place. */
static const char *hide_in_exif(int place, struct buffer *tiff)
{
    const uint32_t jpeg = (uint32_t)secret.jpeg.len, raw = (uint32_t)secret.raw.len;
    struct buffer comment = FILE_BUFFER;
    append(&comment, "ASCII\0\0", 8);
    append(&comment, secret.base64.data, secret.base64.len);
    uint32_t at = 8, next = 0, sub;
    const char *name = NULL;
    struct tiff_entry last = {0x010f, 2, 5, "Make", 0};
    tiff_begin(tiff);
    append(tiff, place == 1 ? secret.raw.data : secret.jpeg.data, place == 1 ? raw : jpeg);
    if (tiff->len % 2)
        append(tiff, "", 1);
    switch (place) {
    case 0:
        name = "the EXIF thumbnail";
        next = tiff_put_ifd(tiff,
            (struct tiff_entry[]){{0x0103, 3, 1, NULL, 6}, {0x0201, 4, 1, NULL, at}, {0x0202, 4, 1, NULL, jpeg}}, 3, 0);
        break;
    case 1:
        name = "an uncompressed EXIF thumbnail";
        next = tiff_put_ifd(tiff,
            (struct tiff_entry[]){{0x0103, 3, 1, NULL, 1}, {0x0111, 4, 1, NULL, at}, {0x0117, 4, 1, NULL, raw}}, 3, 0);
        break;
    case 2:
        name = "MakerNote";
        sub = tiff_put_ifd(tiff, (struct tiff_entry[]){{0x927c, 7, jpeg, secret.jpeg.data, 0}}, 1, 0);
        last = (struct tiff_entry){0x8769, 4, 1, NULL, sub};
        break;
    case 3:
        name = "SubIFDs";
        sub = tiff_put_ifd(tiff, (struct tiff_entry[]){{0x0201, 4, 1, NULL, at}, {0x0202, 4, 1, NULL, jpeg}}, 2, 0);
        last = (struct tiff_entry){0x014a, 4, 1, NULL, sub};
        break;
    case 4:
        name = "UserComment in base64";
        sub = tiff_put_ifd(tiff, (struct tiff_entry[]){{0x9286, 7, (uint32_t)comment.len, comment.data, 0}}, 1, 0);
        last = (struct tiff_entry){0x8769, 4, 1, NULL, sub};
        break;
    case 5:
        name = "an unknown tag";
        last = (struct tiff_entry){0xc123, 7, jpeg, secret.jpeg.data, 0};
        break;
    case 6:
        name = "an unknown tag of numbers";
        last = (struct tiff_entry){0xc124, 4, raw / 4, secret.raw.data, 0};
        break;
    case 7:
        name = "GPS processing method";
        sub = tiff_put_ifd(tiff, (struct tiff_entry[]){{0x001b, 7, jpeg, secret.jpeg.data, 0}}, 1, 0);
        last = (struct tiff_entry){0x8825, 4, 1, NULL, sub};
        break;
    case 8:
        name = "a text in hexadecimal";
        last = (struct tiff_entry){0x010e, 2, (uint32_t)secret.hex.len, secret.hex.data, 0};
        break;
    case 9:
        name = "a GDI+ thumbnail";
        last = (struct tiff_entry){0x501b, 7, jpeg, secret.jpeg.data, 0};
        break;
    case 10:
        name = "nowhere in particular"; /* bytes that no entry points at */
        break;
    default:
        break;
    }
    tiff_end(tiff, tiff_put_ifd(tiff, (struct tiff_entry[]){{0x0112, 3, 1, NULL, 1}, last}, 2, next));
    buffer_finish(&comment);
    return name;
}

static void drops_what_exif_hides(void **state)
{
    for (int place = 0;; place++) {
        struct buffer tiff = FILE_BUFFER, app1 = FILE_BUFFER, file = FILE_BUFFER;
        const char *name = hide_in_exif(place, &tiff);
        if (name) {
            append(&app1, "Exif\0", 6);
            append(&app1, tiff.data, tiff.len);
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
    append_text(out, xmp_head);
    const char *form = xmp_hideouts[place], *at = strstr(form, "%s");
    append(out, form, (size_t)(at - form));
    append_text(out, base64);
    append_text(out, at + 2);
    append_text(out, xmp_tail);
}

static void drops_what_xmp_hides(void **state)
{
    struct buffer text = FILE_BUFFER;
    append(&text, secret.base64.data, secret.base64.len);
    append(&text, "", 1);
    for (size_t place = 0; place < sizeof xmp_hideouts / sizeof xmp_hideouts[0]; place++) {
        struct buffer app1 = FILE_BUFFER, itxt = FILE_BUFFER, file = FILE_BUFFER;
        append(&app1, "http://ns.adobe.com/xap/1.0/", 29);
        make_xmp(place, (char *)text.data, &app1);
        check_segment(xmp_hideouts[place], 0xe1, &app1);
        append(&itxt, "XML:com.adobe.xmp\0\0\0\0", 22);
        make_xmp(place, (char *)text.data, &itxt);
        make_png("iTXt", &itxt, false, &file);
        check_dropped(xmp_hideouts[place], &file);
        buffer_finish(&file);
        buffer_finish(&itxt);
    }
    buffer_finish(&text);
}

static void put_resource(struct buffer *out, unsigned id, const void *data, size_t len)
{
    uint8_t head[12] = "8BIM";
    head[4] = (uint8_t)(id >> 8);
    head[5] = (uint8_t)id;
    for (int i = 0; i < 4; i++)
        head[8 + i] = (uint8_t)(len >> (24 - 8 * i));
    append(out, head, sizeof head);
    append(out, data, len);
    if (len % 2)
        append(out, "", 1);
}

static void put_dataset(struct buffer *out, unsigned record, unsigned dataset, const void *data, size_t len)
{
    uint8_t head[5] = {0x1c, (uint8_t)record, (uint8_t)dataset, (uint8_t)(len >> 8), (uint8_t)len};
    append(out, head, sizeof head);
    append(out, data, len);
}

static void drops_what_photoshop_hides(void **state)
{
    for (unsigned id = 1033; id <= 1036; id += 3) {
        struct buffer app13 = FILE_BUFFER, thumbnail = FILE_BUFFER;
        append(&app13, "Photoshop 3.0", 14);
        append(&thumbnail, "\0\0\0\x01\0\0\0\x30\0\0\0\x30\0\0\0\x90\0\0\x1b\0\0\0\x1b\0\0\x18\0\x01", 28);
        append(&thumbnail, secret.jpeg.data, secret.jpeg.len);
        put_resource(&app13, id, thumbnail.data, thumbnail.len);
        check_segment("a Photoshop thumbnail", 0xed, &app13);
        buffer_finish(&thumbnail);
    }
    static const unsigned datasets[][2] = {{2, 202}, {2, 125}, {2, 120}, {8, 10}, {1, 90}};
    for (size_t i = 0; i < 5; i++) {
        struct buffer app13 = FILE_BUFFER, iptc = FILE_BUFFER;
        append(&app13, "Photoshop 3.0", 14);
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
        append(&content, places[i].head, places[i].head_len);
        append(&content, secret.jpeg.data, secret.jpeg.len);
        check_segment(places[i].name, places[i].marker, &content);
    }
}

/* A JFIF thumbnail of raw samples, which libjpeg does not write. */
static void drops_the_jfif_thumbnail(void **state)
{
    struct buffer file = FILE_BUFFER, thumb = FILE_BUFFER;
    make_jpeg(0, &thumb, &file);
    append(&thumb, "\xff\xe0", 2);
    size_t len = 16 + secret.raw.len;
    append(&thumb, &(uint8_t[]){(uint8_t)(len >> 8), (uint8_t)len}, 2);
    append(&thumb, "JFIF\0\x01\x01\x01\0\x48\0\x48\x30\x30", 14);
    append(&thumb, secret.raw.data, secret.raw.len);
    assert_memory_equal(file.data + 2, "\xff\xe0\0\x10", 4);
    append(&thumb, file.data + 20, file.len - 20);
    buffer_finish(&file);
    append(&file, "\xff\xd8", 2);
    append(&file, thumb.data, thumb.len);
    check_dropped("the JFIF thumbnail", &file);
    buffer_finish(&file);
    buffer_finish(&thumb);
}

static void drops_trailers(void **state)
{
    struct buffer file = FILE_BUFFER, none = FILE_BUFFER;
    make_jpeg(0, &none, &file);
    append(&file, secret.jpeg.data, secret.jpeg.len); /* MPF's second picture, a motion photo's film, ... */
    check_dropped("what follows a JPEG", &file);
    buffer_finish(&file);
    make_png("tIME", &(struct buffer){.data = (uint8_t *)"\x07\xea\x01\x01\0\0\0", .len = 7}, false, &file);
    append(&file, secret.png.data, secret.png.len);
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
            append(&content, places[i].head, places[i].head_len);
            append(&content, forms[places[i].form]->data, forms[places[i].form]->len);
            make_png(places[i].type, &content, behind, &file);
            check_dropped(places[i].type, &file);
            buffer_finish(&file);
            buffer_finish(&content);
        }
}

/* A file with a little of everything that may stay. */
static void put_icc(struct buffer *out)
{
    uint8_t icc[200] = {0};
    icc[3] = sizeof icc;
    memcpy(icc + 16, "RGB XYZ ", 8);
    memcpy(icc + 36, "acsp", 4);
    memcpy(icc + 150, "a colour profile", 16);
    append(out, icc, sizeof icc);
}

static void put_kept_exif(struct buffer *tiff)
{
    static const uint32_t latitude[6] = {48, 1, 12, 1, 3456, 100};
    tiff_begin(tiff);
    uint32_t gps = tiff_put_ifd(tiff, (struct tiff_entry[]){{0x0001, 2, 2, "N", 0}, {0x0002, 5, 3, latitude, 0}}, 2, 0);
    uint32_t exif = tiff_put_ifd(tiff,
        (struct tiff_entry[]){{0x9003, 2, 20, "2026:01:02 03:04:05", 0}, {0x9286, 7, 20, "ASCII\0\0\0a short note", 0},
            {0xa002, 4, 1, NULL, 64}, {0xa003, 4, 1, NULL, 48}},
        4, 0);
    tiff_end(tiff, tiff_put_ifd(tiff,
                       (struct tiff_entry[]){{0x010f, 2, 12, "Camera Make", 0}, {0x0112, 3, 1, NULL, 6},
                           {0x8769, 4, 1, NULL, exif}, {0x8825, 4, 1, NULL, gps}},
                       4, 0));
}

static void put_kept_xmp(struct buffer *out)
{
    append_text(out, xmp_head);
    append_text(out, " xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:tiff='http://ns.adobe.com/tiff/1.0/' "
                     "xmlns:GPano='http://ns.google.com/photos/1.0/panorama/' tiff:Orientation=\"6\" "
                     "GPano:ProjectionType='equirectangular'><dc:title>Main &amp; Station \xc3\xb6</dc:title>"
                     "<tiff:ImageWidth>64</tiff:ImageWidth>");
    append_text(out, xmp_tail);
}

static bool contains(const struct buffer *b, const char *what, size_t len)
{
    return memmem(b->data, b->len, what, len);
}

#define assert_contains(buffer, text) assert_true(contains(buffer, text, sizeof(text) - 1))

static void assert_kept(const struct image_metadata *m)
{
    assert_contains(&m->exif, "Camera Make");
    assert_contains(&m->exif, "2026:01:02 03:04:05");
    assert_contains(&m->exif, "a short note");
    assert_contains(&m->exif, "\x30\0\0\0\x01\0\0\0\x0c\0\0\0\x01\0\0\0\x80\x0d\0\0\x64\0\0\0");
    assert_contains(&m->exif, "\x12\x01\x03\0\x01\0\0\0\x01\0");     /* Orientation 1 */
    assert_contains(&m->exif, "\x02\xa0\x04\0\x01\0\0\0\x30\0\0\0"); /* 48 wide now */
    assert_contains(&m->exif, "\x03\xa0\x04\0\x01\0\0\0\x40\0\0\0");
    assert_contains(&m->xmp, "<dc:title>Main &amp; Station \xc3\xb6</dc:title>");
    assert_contains(&m->xmp, "GPano:ProjectionType='equirectangular'");
    assert_contains(&m->xmp, "tiff:Orientation=\"1\"");
    assert_contains(&m->xmp, "<tiff:ImageWidth>48</tiff:ImageWidth>");
    assert_int_equal(m->icc.len, 200);
    assert_contains(&m->icc, "a colour profile");
}

static struct image *through(struct image *image, enum image_format format, bool strip)
{
    struct buffer out = FILE_BUFFER;
    struct error err = {0};
    struct image_encode_options options = {
        .format = format, .quality = 90, .compress_level = 1, .strip_metadata = strip};
    assert_int_equal(image_encode(image, &options, &out, &err), 0);
    image_destroy(image);
    if (image_decode(out.data, out.len, &limits, &image, &err) < 0)
        fail_msg("%s", err.text);
    buffer_finish(&out);
    assert_int_equal(image->orientation, 1);
    assert_int_equal(image->frame->width, 48);
    return image;
}

static struct image *read_full_jpeg(void)
{
    struct buffer exif = FILE_BUFFER, xmp = FILE_BUFFER, icc = FILE_BUFFER, iptc = FILE_BUFFER, irb = FILE_BUFFER;
    struct buffer file = FILE_BUFFER;
    append(&exif, "Exif\0", 6);
    struct buffer tiff = FILE_BUFFER;
    put_kept_exif(&tiff);
    append(&exif, tiff.data, tiff.len);
    append(&xmp, "http://ns.adobe.com/xap/1.0/", 29);
    put_kept_xmp(&xmp);
    append(&icc, "ICC_PROFILE\0\x01\x01", 14);
    put_icc(&icc);
    append(&iptc, "Photoshop 3.0", 14);
    put_resource(&iptc, 0x03ed, "\0\x48\0\0\0\x01\0\x01\0\x48\0\0\0\x01\0\x01", 16);
    put_dataset(&irb, 1, 90, "\x1b%G", 3);
    put_dataset(&irb, 2, 120, "A caption", 9);
    put_resource(&iptc, 0x0404, irb.data, irb.len);
    struct jpeg_segment segments[] = {
        {0xe1, exif.data, exif.len}, {0xe1, xmp.data, xmp.len}, {0xe2, icc.data, icc.len}, {0xed, iptc.data, iptc.len}};
    media_files_jpeg(
        &(struct jpeg_spec){.width = 64, .height = 48, .components = 3, .segments = segments, .segment_count = 4},
        &file);
    struct image *image = NULL;
    struct error err = {0};
    if (image_decode(file.data, file.len, &limits, &image, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(image->orientation, 6);
    struct buffer *all[] = {&exif, &xmp, &icc, &iptc, &irb, &file, &tiff};
    for (int i = 0; i < 7; i++)
        buffer_finish(all[i]);
    return image;
}

static void keeps_what_is_harmless(void **state)
{
    struct image *image = read_full_jpeg();
    assert_kept(&image->metadata);
    image = through(image, IMAGE_JPEG, false);
    assert_kept(&image->metadata);
    assert_contains(&image->metadata.iptc, "A caption");
    image = through(image, IMAGE_PNG, false);
    assert_kept(&image->metadata);
    image = through(image, IMAGE_PNG, false);
    assert_kept(&image->metadata);
    image = through(image, IMAGE_JPEG, false);
    assert_kept(&image->metadata);
    image = through(image, IMAGE_JPEG, true);
    const struct image_metadata *m = &image->metadata;
    assert_int_equal(m->exif.len + m->xmp.len + m->icc.len + m->iptc.len, 0);
    image_destroy(image);
}

static void keeps_png_texts_and_colours(void **state)
{
    static const struct png_chunk chunks[] = {{"gAMA", "\0\0\xb1\x8f", 4, false},
        {"cHRM", "\0\0\x7a\x26\0\0\x80\x84\0\0\xfa\0\0\0\x80\xe8\0\0\x75\x30\0\0\xea\x60\0\0\x3a\x98\0\0\x17\x70", 32,
            false},
        {"pHYs", "\0\0\x2e\x23\0\0\x2e\x23\x01", 9, false}, {"tEXt", "Title\0On the road", 17, true},
        {"iTXt", "Author\0\0\0\0\0J\xc3\xb6rg", 16, false}};
    struct buffer file = FILE_BUFFER;
    media_files_png(
        &(struct png_spec){
            .width = 48, .height = 64, .color_type = 2, .bit_depth = 8, .chunks = chunks, .chunk_count = 5},
        &file);
    struct image *image = NULL;
    struct error err = {0};
    assert_int_equal(image_decode(file.data, file.len, &limits, &image, &err), 0);
    image = through(image, IMAGE_PNG, false);
    const struct image_metadata *m = &image->metadata;
    assert_true(m->png.has_gamma);
    assert_int_equal(m->png.gamma, 45455);
    assert_true(m->png.has_primaries);
    assert_int_equal(m->png.primaries[7], 6000);
    assert_int_equal(m->density_x, 300);
    assert_int_equal(m->density_unit, 1);
    assert_int_equal(m->text_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(
            m->texts[i].text, strcmp(m->texts[i].keyword, "Title") == 0 ? "On the road" : "J\xc3\xb6rg");
    image_destroy(image);
    buffer_finish(&file);
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
        cmocka_unit_test(keeps_what_is_harmless),
        cmocka_unit_test(keeps_png_texts_and_colours),
    };
    return cmocka_run_group_tests(tests, make_secret, drop_secret);
}
