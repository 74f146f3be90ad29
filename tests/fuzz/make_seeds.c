/* Writes small files for the fuzzers to begin with: make_seeds image|metadata FOLDER. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media_files.h"

static void write_seed(const char *folder, int number, const struct buffer *b)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/seed-%02d", folder, number);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(b->data, 1, b->len, f) != b->len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static const char exif[] =
    "Exif\0\0II*\0\x08\0\0\0\x03\0\x0f\x01\x02\0\x06\0\0\0\x3a\0\0\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
    "\x69\x87\x04\0\x01\0\0\0\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0Maker\0\x02\0\x86\x92\x07\0\x0c\0\0\0"
    "\x60\0\0\0\x02\xa0\x04\0\x01\0\0\0\x40\0\0\0\0\0\0\0\0\0ASCII\0\0\0note";
static const char xmp[] =
    "http://ns.adobe.com/xap/1.0/\0<?xpacket begin='' id=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description tiff:Orientation='6'"
    " xmlns:tiff='http://ns.adobe.com/tiff/1.0/' xmlns:g='http://ns.adobe.com/xap/1.0/g/img/'><g:image>x"
    "</g:image><tiff:Make>m</tiff:Make></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>";
static const char iptc[] = "Photoshop 3.0\0"
                           "8BIM\x04\x04\0\0\0\0\0\x12\x1c\x02\x78\0\x05"
                           "hello\x1c\x02\x19\0\x03key";
static const char icc[] = "ICC_PROFILE\0\x01\x01\0\0\0\x84\0\0\0\0\0\0\0\0\0\0\0\0RGB XYZ ";

static void image_seeds(const char *folder)
{
    static uint8_t profile[14 + 132];
    memcpy(profile, icc, sizeof icc - 1);
    memcpy(profile + 14 + 36, "acsp", 4);
    struct jpeg_segment segments[] = {{0xe1, exif, sizeof exif - 1}, {0xe1, xmp, sizeof xmp - 1},
        {0xed, iptc, sizeof iptc - 1}, {0xe2, profile, sizeof profile}};
    int n = 0;
    for (int i = 0; i < 6; i++) {
        struct buffer b = BUFFER_INIT(1 << 20);
        struct jpeg_spec spec = {.width = 24,
            .height = 20,
            .components = i == 4   ? 1
                          : i == 5 ? 4
                                   : 3,
            .h = i % 2 + 1,
            .v = i % 3 ? 1 : 2,
            .progressive = i & 1,
            .restart = i == 2,
            .ycck = true,
            .segments = segments,
            .segment_count = 4,
            .quality = 60};
        if (spec.components == 1)
            spec.h = spec.v = 1;
        media_files_jpeg(&spec, &b);
        write_seed(folder, n++, &b);
        buffer_finish(&b);
    }
    static const int kinds[][2] = {{0, 1}, {0, 16}, {2, 8}, {2, 16}, {3, 4}, {4, 8}, {6, 8}};
    for (int i = 0; i < 7; i++) {
        struct buffer b = BUFFER_INIT(1 << 20);
        struct png_chunk chunks[] = {{"eXIf", exif + 6, sizeof exif - 7, false}, {"tEXt", "Title\0hello", 11, true},
            {"gAMA", "\0\0\xb1\x8f", 4, false}};
        media_files_png(&(struct png_spec){.width = 24,
                            .height = 20,
                            .color_type = kinds[i][0],
                            .bit_depth = kinds[i][1],
                            .interlaced = i & 1,
                            .trns = kinds[i][0] < 4,
                            .chunks = chunks,
                            .chunk_count = 3},
            &b);
        write_seed(folder, n++, &b);
        buffer_finish(&b);
    }
}

static void metadata_seeds(const char *folder)
{
    static const struct {
        const char *data;
        size_t len, head;
    } seeds[] = {
        {exif, sizeof exif - 1, 6}, {xmp, sizeof xmp - 1, 29}, {iptc, sizeof iptc - 1, 0}, {icc, sizeof icc - 1, 14}};
    for (int i = 0; i < 4; i++) {
        struct buffer b = BUFFER_INIT(1 << 20);
        buffer_append(&b, &(uint8_t){(uint8_t)i}, 1);
        buffer_append(&b, seeds[i].data + seeds[i].head, seeds[i].len - seeds[i].head);
        write_seed(folder, i, &b);
        buffer_finish(&b);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "image") == 0)
        image_seeds(argv[2]);
    else
        metadata_seeds(argv[2]);
    return 0;
}
