/* How long redaction takes: a street scene of 12 megapixels with 50 objects, persons up to 1,500 px high, against the
 * floor of copying the same rectangles once. `--rects` prints the scene instead (x y width height kernel), for
 * redact_opencv.py, which blurs the same with OpenCV. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "redact/draw.h"
#include "redact/masks.h"
#include "redact/redact.h"

#define WIDTH 4000
#define HEIGHT 3000
#define ROUNDS 7

/* Processor time: others may be using the machine. */
static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static uint32_t seed = 1;

static uint32_t next(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

/* A standing figure: head, trunk, legs apart. */
static struct mask *figure(int x, int y, int width, int height)
{
    uint8_t *bits = calloc((size_t)width * (size_t)height, 1);
    struct mask *m = NULL;
    for (int j = 0; bits && j < height; j++)
        for (int i = 0; i < width; i++) {
            double u = (i + 0.5) / width * 2 - 1, v = (j + 0.5) / height;
            double half = v < 0.15 ? 0.35 : v < 0.55 ? 0.8 : 0.6;
            u = u < 0 ? -u : u;
            bits[(size_t)j * (size_t)width + (size_t)i] = u < half && !(v > 0.55 && u < 0.15);
        }
    if (!bits || mask_encode(bits, width, x, y, width, height, &m) < 0)
        exit(1);
    free(bits);
    return m;
}

static void add(struct detections *d, enum object_type type, int width, int height)
{
    int x = (int)(next() % (unsigned)(WIDTH - width)), y = (int)(next() % (unsigned)(HEIGHT - height));
    struct detection item = {.type = type,
        .score = 0.9f,
        .box = {(float)x, (float)y, (float)(x + width), (float)(y + height)},
        .track_id = -1,
        .anonymised = true};
    if (type == OBJECT_PERSON || type == OBJECT_VEHICLE)
        item.mask = figure(x, y, width, height);
    if (detections_append(d, &item) < 0)
        exit(1);
}

static struct detections street(void)
{
    struct detections d = {0};
    for (int i = 0; i < 20; i++) {
        int height = i < 3 ? 1500 : i < 8 ? 700 : 250;
        add(&d, OBJECT_PERSON, height * 2 / 5, height);
    }
    for (int i = 0; i < 10; i++)
        add(&d, OBJECT_VEHICLE, i < 3 ? 1000 : 300, i < 3 ? 600 : 200);
    for (int i = 0; i < 12; i++)
        add(&d, OBJECT_FACE, 20 + 18 * i, 26 + 22 * i);
    for (int i = 0; i < 8; i++)
        add(&d, OBJECT_LICENSE_PLATE, 40 + 20 * i, 12 + 6 * i);
    return d;
}

static struct frame *noise(bool yuv, int depth)
{
    struct frame *f = NULL;
    int r = yuv ? frame_create_yuv(WIDTH, HEIGHT, depth, 1, 1, false, &f)
                : frame_create(FRAME_RGB, WIDTH, HEIGHT, depth, false, &f);
    if (r < 0)
        exit(1);
    for (int p = 0; p < f->plane_count; p++)
        for (ptrdiff_t i = 0; i < f->planes[p].height * f->planes[p].stride; i++)
            f->planes[p].data[i] = depth > 8 && i % 2 ? 0 : (uint8_t)next();
    return f;
}

static double smallest(const double *ms)
{
    double least = ms[0];
    for (int i = 1; i < ROUNDS; i++)
        least = ms[i] < least ? ms[i] : least;
    return least;
}

/* Bytes of a 3-channel 8-bit picture under the objects' boxes, copied once. */
static double copy_floor(const struct detections *d, const struct frame *f)
{
    double ms[ROUNDS];
    uint8_t *to = malloc((size_t)WIDTH * 3 * HEIGHT);
    if (!to)
        exit(1);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t since = cpu_ns();
        for (size_t i = 0; i < d->len; i++) {
            const struct box *b = &d->items[i].box;
            size_t row = (size_t)(b->x2 - b->x1) * 3;
            for (int y = (int)b->y1; y < (int)b->y2; y++)
                memcpy(to + ((size_t)y * WIDTH + (size_t)b->x1) * 3,
                    f->planes[0].data + y * f->planes[0].stride + (ptrdiff_t)b->x1 * 3, row);
        }
        ms[round] = (double)(cpu_ns() - since) / 1e6;
    }
    free(to);
    return smallest(ms);
}

static double time_redact(struct frame **f, const struct detections *d, const struct request_options *request)
{
    double ms[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        int64_t since = cpu_ns();
        if (redact_frame(f, d, request, NULL) < 0)
            exit(1);
        ms[round] = (double)(cpu_ns() - since) / 1e6;
    }
    return smallest(ms);
}

static double time_masks(const struct detections *d, const struct request_options *request, double scale)
{
    double ms[ROUNDS];
    struct mask_picture picture = {WIDTH, HEIGHT, scale, MASK_PALETTE_CURRENT};
    for (int round = 0; round < ROUNDS; round++) {
        struct frame *f = NULL;
        int64_t since = cpu_ns();
        if (masks_instance(d, request, &picture, &f, NULL) < 0)
            exit(1);
        ms[round] = (double)(cpu_ns() - since) / 1e6;
        frame_unref(f);
    }
    return smallest(ms);
}

static double time_draw(struct frame **f, const struct detections *d, const struct request_options *request)
{
    int64_t since = cpu_ns();
    if (draw_detections(f, d, request, NULL) < 0)
        exit(1);
    return (double)(cpu_ns() - since) / 1e6;
}

int main(int argc, char **argv)
{
    struct request_options request = {.types = OBJECT_ALL,
        .gradient_start = {[OBJECT_FACE] = 0.3, [OBJECT_LICENSE_PLATE] = 0.3},
        .kernel_size = {0.35, 0.5, 91, 61}};
    struct detections d = street();
    if (argc > 1 && strcmp(argv[1], "--rects") == 0) {
        for (size_t i = 0; i < d.len; i++) {
            const struct box *b = &d.items[i].box;
            double w = b->x2 - b->x1, h = b->y2 - b->y1, k = request.kernel_size[d.items[i].type];
            printf("%.0f %.0f %.0f %.0f %d\n", b->x1, b->y1, w, h, (int)(k <= 1 ? k * (w > h ? w : h) : k) | 1);
        }
        detections_finish(&d);
        return 0;
    }
    static const char *const names[] = {"blur", "pixelate", "blacken"};
    static const struct {
        const char *name;
        bool yuv;
        int depth;
    } kinds[] = {{"RGB", false, 8}, {"RGB 16 bit", false, 16}, {"4:2:0", true, 8}, {"4:2:0 10 bit", true, 10}};
    printf("%d x %d, %zu objects; best of %d, ms of processor time\n", WIDTH, HEIGHT, d.len, ROUNDS);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct frame *f = noise(kinds[k].yuv, kinds[k].depth);
        for (int method = METHOD_BLUR; method <= METHOD_BLACKEN; method++) {
            request.method = (enum method)method;
            printf("%-14s %-10s %7.1f\n", kinds[k].name, names[method], time_redact(&f, &d, &request));
        }
        if (k == 0) {
            printf("%-14s %-10s %7.1f\n", "RGB", "memcpy", copy_floor(&d, f));
            printf("%-14s %-10s %7.1f\n", "RGB", "draw", time_draw(&f, &d, &request));
        }
        frame_unref(f);
    }
    printf("%-14s %-10s %7.1f\n", "instance mask", "100 %", time_masks(&d, &request, 100));
    printf("%-14s %-10s %7.1f\n", "instance mask", "25 %", time_masks(&d, &request, 25));
    detections_finish(&d);
    return 0;
}
