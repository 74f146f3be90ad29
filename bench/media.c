/* Still images against plain libjpeg-turbo and libspng: bench/media [FILE.jpg]. Without a file, a drawn 12-megapixel
 * one.
 *
 * Best of five, processor time of one thread, both sides in one run: only the ratios mean anything on another machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jpeglib.h>
#include <spng.h>

#include "media/image.h"
#include "media/scale.h"

#define RUNS 5
#define FILE_BUFFER BUFFER_INIT((size_t)256 << 20)

static const struct image_limits limits = {
    .max_pixels = (int64_t)1 << 28, .max_side = 65500, .max_memory = (int64_t)1 << 31};

struct bench {
    struct buffer jpeg;  /* the file */
    struct image *image; /* decoded from it */
    struct error err;
};

static void die(const char *what, const struct error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    exit(1);
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double best_ms(void (*work)(struct bench *), struct bench *b)
{
    double best = 1e9;
    for (int i = 0; i < RUNS; i++) {
        double begin = cpu_ms();
        work(b);
        double ms = cpu_ms() - begin;
        best = ms < best ? ms : best;
    }
    return best;
}

static void plain_decode(struct bench *b)
{
    struct jpeg_decompress_struct c = {0};
    struct jpeg_error_mgr e;
    c.err = jpeg_std_error(&e);
    jpeg_create_decompress(&c);
    jpeg_mem_src(&c, b->jpeg.data, b->jpeg.len);
    jpeg_read_header(&c, TRUE);
    jpeg_start_decompress(&c);
    size_t row = (size_t)c.output_width * (size_t)c.output_components;
    uint8_t *pixels = malloc(row * c.output_height);
    while (pixels && c.output_scanline < c.output_height) {
        JSAMPROW p = pixels + row * c.output_scanline;
        jpeg_read_scanlines(&c, &p, 1);
    }
    free(pixels);
    jpeg_finish_decompress(&c);
    jpeg_destroy_decompress(&c);
}

static void plain_encode(struct bench *b)
{
    const struct frame *f = b->image->frame;
    struct jpeg_compress_struct c = {0};
    struct jpeg_error_mgr e;
    uint8_t *out = NULL;
    unsigned long len = 0;
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, &len);
    c.image_width = (JDIMENSION)f->width;
    c.image_height = (JDIMENSION)f->height;
    c.input_components = f->planes[0].channels;
    c.in_color_space = f->planes[0].channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 90, TRUE);
    c.comp_info[0].h_samp_factor = b->image->jpeg_h;
    c.comp_info[0].v_samp_factor = b->image->jpeg_v;
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW p = f->planes[0].data + (ptrdiff_t)c.next_scanline * f->planes[0].stride;
        jpeg_write_scanlines(&c, &p, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(out);
}

static void our_decode(struct bench *b)
{
    struct image *image = NULL;
    if (image_decode(b->jpeg.data, b->jpeg.len, &limits, &image, &b->err) < 0)
        die("decode", &b->err);
    image_destroy(image);
}

static void encode(struct bench *b, const struct image_encode_options *options)
{
    struct buffer out = FILE_BUFFER;
    if (image_encode(b->image, options, &out, &b->err) < 0)
        die("encode", &b->err);
    buffer_finish(&out);
}

static void our_encode(struct bench *b)
{
    encode(b, &(struct image_encode_options){.format = IMAGE_JPEG, .quality = 90});
}

/* A fifth of the picture is changed, the rest keeps its coding; decoding is part of it, as what one writes from comes
 * of that. */
static void our_round_trip(struct bench *b)
{
    const struct image_encode_options options = {.format = IMAGE_JPEG, .quality = 90, .keep_source = true};
    struct bench trip = {.jpeg = b->jpeg};
    if (image_decode(b->jpeg.data, b->jpeg.len, &limits, &trip.image, &trip.err) < 0)
        die("decode", &trip.err);
    if (frame_make_writable(&trip.image->frame) < 0)
        die("change", &trip.err);
    const struct plane *p = &trip.image->frame->planes[0];
    for (int y = p->height * 2 / 5; y < p->height * 3 / 5; y++)
        memset(p->data + y * p->stride, y, (size_t)p->width * (size_t)p->channels);
    encode(&trip, &options);
    image_destroy(trip.image);
}

static void plain_round_trip(struct bench *b)
{
    plain_decode(b);
    plain_encode(b);
}

static void png_encode(struct bench *b)
{
    encode(b, &(struct image_encode_options){.format = IMAGE_PNG, .compress_level = 5});
}

/* libspng with what it does of itself at that level. */
static void plain_png(struct bench *b)
{
    const struct frame *f = b->image->frame;
    spng_ctx *ctx = spng_ctx_new(SPNG_CTX_ENCODER);
    struct spng_ihdr h = {.width = (uint32_t)f->width, .height = (uint32_t)f->height, .bit_depth = 8};
    size_t len;
    int e;
    h.color_type = f->color == FRAME_GREY ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR;
    spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1);
    spng_set_option(ctx, SPNG_IMG_COMPRESSION_LEVEL, 5);
    spng_set_ihdr(ctx, &h);
    spng_encode_image(ctx, NULL, 0, SPNG_FMT_PNG, SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
    for (int y = 0; y < f->height; y++)
        spng_encode_row(
            ctx, f->planes[0].data + y * f->planes[0].stride, (size_t)f->width * (size_t)f->planes[0].channels);
    free(spng_get_png_buffer(ctx, &len, &e));
    spng_ctx_free(ctx);
}

static void shrink(struct bench *b)
{
    static uint8_t out[2048 * 2048 * 3];
    const struct frame *f = b->image->frame;
    int side = f->width > f->height ? f->width : f->height;
    int width = (int)((int64_t)f->width * 2048 / side), height = (int)((int64_t)f->height * 2048 / side);
    scale_to_rgb(f, 0, 0, f->width, f->height, out, width * 3, width, height);
}

/* Texture at every scale, so that the entropy coder has as much to do as with a photograph. */
static void draw(struct bench *b)
{
    struct image image = {.format = IMAGE_JPEG, .jpeg_h = 2, .jpeg_v = 2};
    unsigned seed = 1;
    if (frame_create(FRAME_RGB, 4000, 3000, 8, false, &image.frame) < 0)
        exit(1);
    for (int y = 0; y < 3000; y++)
        for (int x = 0; x < 4000; x++) {
            uint8_t *p = image.frame->planes[0].data + y * image.frame->planes[0].stride + (ptrdiff_t)x * 3;
            seed = seed * 1664525u + 1013904223u;
            int v = 60 + (x * y >> 10) % 90 + (((x >> 5) ^ (y >> 5)) & 31) + (int)(seed >> 28);
            p[0] = (uint8_t)v;
            p[1] = (uint8_t)(v + (x >> 6) % 40);
            p[2] = (uint8_t)(v + (y >> 6) % 40);
        }
    struct image_encode_options options = {.format = IMAGE_JPEG, .quality = 90};
    if (image_encode(&image, &options, &b->jpeg, &b->err) < 0)
        die("draw", &b->err);
    frame_unref(image.frame);
}

int main(int argc, char **argv)
{
    struct bench b = {.jpeg = FILE_BUFFER};
    if (argc > 1 && buffer_read_file(&b.jpeg, argv[1]) < 0) {
        perror(argv[1]);
        return 1;
    }
    if (argc == 1)
        draw(&b);
    if (image_decode(b.jpeg.data, b.jpeg.len, &limits, &b.image, &b.err) < 0)
        die("decode", &b.err);
    printf("%d x %d, %zu bytes, sampling %d x %d, orientation %d\n", b.image->frame->width, b.image->frame->height,
        b.jpeg.len, b.image->jpeg_h, b.image->jpeg_v, b.image->orientation);
    double plain = best_ms(plain_decode, &b), ours = best_ms(our_decode, &b);
    printf("decode: libjpeg-turbo %.1f ms, image_decode %.1f ms, ratio %.2f\n", plain, ours, ours / plain);
    plain = best_ms(plain_encode, &b), ours = best_ms(our_encode, &b);
    printf("encode: libjpeg-turbo %.1f ms, image_encode %.1f ms, ratio %.2f\n", plain, ours, ours / plain);
    plain = best_ms(plain_round_trip, &b), ours = best_ms(our_round_trip, &b);
    printf("decode, change a fifth, encode the changed: libjpeg-turbo (decode, encode) %.1f ms, ours %.1f ms, ratio "
           "%.2f\n",
        plain, ours, ours / plain);
    plain = best_ms(plain_png, &b), ours = best_ms(png_encode, &b);
    printf("PNG, level 5: libspng %.1f ms, image_encode %.1f ms, ratio %.2f\n", plain, ours, ours / plain);
    printf("to 2,048 px: %.1f ms\n", best_ms(shrink, &b));
    image_destroy(b.image);
    buffer_finish(&b.jpeg);
    return 0;
}
