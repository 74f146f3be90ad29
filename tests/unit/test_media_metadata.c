/* What is harmless in a file's metadata comes through, from JPEG to PNG and back, made right for the upright picture.
 */
#include "unit.h"

#include <string.h>

#include "media/image.h"
#include "media_files.h"
#include "media_secret.h"

#define FILE_BUFFER BUFFER_INIT((size_t)16 << 20)

static const struct image_limits limits = {.max_pixels = 1 << 24, .max_side = 20000, .max_memory = 1 << 28};

static void put_icc(struct buffer *out)
{
    uint8_t icc[200] = {0};
    icc[3] = sizeof icc;
    memcpy(icc + 16, "RGB XYZ ", 8);
    memcpy(icc + 36, "acsp", 4);
    memcpy(icc + 150, "a colour profile", 16);
    put_bytes(out, icc, sizeof icc);
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
    put_text(out, XMP_HEAD);
    put_text(out, " xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:tiff='http://ns.adobe.com/tiff/1.0/' "
                  "xmlns:GPano='http://ns.google.com/photos/1.0/panorama/' tiff:Orientation=\"6\" "
                  "GPano:ProjectionType='equirectangular'><dc:title>Main &amp; Station \xc3\xb6</dc:title>"
                  "<tiff:ImageWidth>64</tiff:ImageWidth>");
    /* What says whose the redacted faces are goes. */
    put_text(out,
        "<mwg-rs:Regions xmlns:mwg-rs='http://www.metadataworkinggroup.com/schemas/regions/' "
        "rdf:parseType='Resource'><mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType='Resource'><mwg-rs:Name>Jane "
        "Doe</mwg-rs:Name></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
        "<MP:RegionInfo xmlns:MP='http://ns.microsoft.com/photo/1.2/' rdf:parseType='Resource'><MP:x>Jane "
        "Doe</MP:x></MP:RegionInfo>"
        "<ext:PersonInImage xmlns:ext='http://iptc.org/std/Iptc4xmpExt/2008-02-29/'><rdf:Bag><rdf:li>Jane "
        "Doe</rdf:li></rdf:Bag></ext:PersonInImage>");
    put_text(out, XMP_TAIL);
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
    assert_false(contains(&m->xmp, "Jane", 4));
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
    put_bytes(&exif, "Exif\0", 6);
    struct buffer tiff = FILE_BUFFER;
    put_kept_exif(&tiff);
    put_bytes(&exif, tiff.data, tiff.len);
    put_bytes(&xmp, "http://ns.adobe.com/xap/1.0/", 29);
    put_kept_xmp(&xmp);
    put_bytes(&icc, "ICC_PROFILE\0\x01\x01", 14);
    put_icc(&icc);
    put_bytes(&iptc, "Photoshop 3.0", 14);
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
    static const struct png_chunk chunks[] = {{"prIv", "a private one", 13, false},
        {"cICP", "\x09\x10\0\x01", 4, false}, {"gAMA", "\0\0\xb1\x8f", 4, false},
        {"cHRM", "\0\0\x7a\x26\0\0\x80\x84\0\0\xfa\0\0\0\x80\xe8\0\0\x75\x30\0\0\xea\x60\0\0\x3a\x98\0\0\x17\x70", 32,
            false},
        {"pHYs", "\0\0\x2e\x23\0\0\x2e\x23\x01", 9, false}, {"tEXt", "Title\0On the road", 17, true},
        {"iTXt", "Author\0\0\0\0\0J\xc3\xb6rg", 16, false}};
    struct buffer file = FILE_BUFFER;
    media_files_png(
        &(struct png_spec){
            .width = 48, .height = 64, .color_type = 2, .bit_depth = 8, .chunks = chunks, .chunk_count = 7},
        &file);
    struct image *image = NULL;
    struct error err = {0};
    assert_int_equal(image_decode(file.data, file.len, &limits, &image, &err), 0);
    image = through(image, IMAGE_PNG, false);
    const struct image_metadata *m = &image->metadata;
    assert_true(m->png.has_coding);
    assert_memory_equal(m->png.coding, "\x09\x10\0\x01", 4);
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
        cmocka_unit_test(keeps_what_is_harmless),
        cmocka_unit_test(keeps_png_texts_and_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
