/* detect: how well and how fast the detector finds things, without a server.
 *
 *   detect --set DIR [--limit N] [--masks]   scores DIR/images against DIR/annotations.json (COCO form)
 *   detect PICTURE...                        lists what is found in pictures, best of --repeat runs
 * Options: --types LIST, --detect-size N, --threads N, --precision f32|bf16|int8|auto, --grid COLUMNSxROWS, --overlap
 * SHARE, --pano, --models DIR, --video,
 * --repeat N, --json, --cpu (processor time in place of the clock: with --threads 1 it means something on a busy
 * machine; the stages stay clock time). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "detect/detect.h"
#include "infer/infer.h"
#include "media/image.h"
#include "score.h"

static const float operating[OBJECT_TYPES] = {
    [OBJECT_FACE] = 0.5f, [OBJECT_LICENSE_PLATE] = 0.5f, [OBJECT_PERSON] = 0.4f, [OBJECT_VEHICLE] = 0.4f};

struct job {
    const char *set, *types;
    int limit, repeat;
    bool json, cpu;
    struct detector_options detector;
    struct detect_params params;
    struct detector *d;
};

static double now(const struct job *job)
{
    struct timespec t;
    clock_gettime(job->cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int fail(const char *what, const struct error *err)
{
    fprintf(stderr, "detect: %s: %s\n", what, err->text);
    return 1;
}

static int read_picture(const char *path, struct image **ret, struct error *err)
{
    const struct image_limits limits = {.max_pixels = 400000000, .max_side = 65000, .max_memory = (int64_t)4 << 30};
    struct buffer file = BUFFER_INIT((size_t)1 << 30);
    int r = buffer_read_file(&file, path);
    if (r < 0)
        error_set(err, r, "%s", strerror(-r));
    else
        r = image_decode(file.data, file.len, &limits, ret, err);
    buffer_finish(&file);
    return r;
}

static void print_timing(const struct detector_timing *t, double total, int pictures)
{
    double k = 1000.0 / pictures;
    printf("ms a picture: %.1f in all; scale %.1f, networks %.1f (%.1f runs), decode %.1f, masks %.1f, merge %.1f\n",
        total * k, t->scale * k, t->network * k, (double)t->runs / pictures, t->decode * k, t->mask * k, t->merge * k);
}

static void print_scores(const struct job *job, struct score *scores, double seconds, int pictures)
{
    struct detector_timing t;
    detector_timing(job->d, &t);
    double ms = seconds * 1000 / pictures;
    for (int i = 0; i < OBJECT_TYPES; i++) {
        struct score *s = &scores[i];
        if (!s->objects)
            continue;
        const char *name = object_info(i)->name;
        double n = s->objects, ap = score_average_precision(s), recall = s->found / n, covered = s->covered / n;
        double fp = (double)s->false_positives / pictures, iou = s->masks ? s->mask_iou / s->masks : 0;
        double at = score_best_threshold(s);
        if (job->json)
            printf("{\"type\":\"%s\",\"images\":%d,\"objects\":%d,\"AP50\":%.4f,\"recall\":%.4f,\"covered\":%.4f,"
                   "\"fp_per_image\":%.3f,\"mask_iou\":%.4f,\"best_threshold\":%.3f,\"ms\":%.1f}\n",
                name, pictures, s->objects, ap, recall, covered, fp, iou, at, ms);
        else
            printf("%-14s images %d objects %d  AP50 %.4f  recall %.4f  covered %.4f  fp/image %.3f  mask IoU %.4f  "
                   "F2 best at %.3f  %.1f ms\n",
                name, pictures, s->objects, ap, recall, covered, fp, iou, at, ms);
    }
    if (!job->json)
        print_timing(&t, seconds, pictures);
}

static unsigned labelled(json_t *root)
{
    json_t *names = json_object_get(json_object_get(root, "info"), "labeled_categories"), *name;
    unsigned types = 0;
    size_t i;
    json_array_foreach(names, i, name)
    {
        int t = object_type_find(json_string_value(name) ? json_string_value(name) : "");
        types |= t >= 0 ? OBJECT_BIT(t) : 0;
    }
    return types;
}

/* The annotations of one image, as an array of borrowed ones. */
static json_t *annotations_of(json_t *root, json_int_t id)
{
    json_t *all = json_object_get(root, "annotations"), *out = json_array(), *a;
    size_t i;
    json_array_foreach(all, i, a) if (json_integer_value(json_object_get(a, "image_id")) == id)
        json_array_append(out, a);
    return out;
}

static int score_picture(
    struct job *job, json_t *root, json_t *image, struct score *scores, double *seconds, struct error *err)
{
    char path[4096];
    struct image *picture = NULL;
    struct detections found = {0};
    snprintf(path, sizeof path, "%s/images/%s", job->set, json_string_value(json_object_get(image, "file_name")));
    int r = read_picture(path, &picture, err);
    if (r < 0)
        return r;
    double start = now(job);
    r = detector_run(job->d, picture->frame, &job->params, &found, err);
    *seconds += now(job) - start;
    json_t *annotations = annotations_of(root, json_integer_value(json_object_get(image, "id")));
    for (int t = 0; r == 0 && t < OBJECT_TYPES; t++)
        if (job->params.types & OBJECT_BIT(t))
            r = score_image(&scores[t], t, annotations, &found, operating[t]);
    json_decref(annotations);
    detections_finish(&found);
    image_destroy(picture);
    return r;
}

static int score_set(struct job *job, json_t *root)
{
    struct score scores[OBJECT_TYPES] = {0};
    struct error err = {0};
    double seconds = 0;
    json_t *images = json_object_get(root, "images"), *image;
    size_t i;
    int pictures = 0, r = 0;
    json_array_foreach(images, i, image)
    {
        if (job->limit && pictures == job->limit)
            break;
        r = score_picture(job, root, image, scores, &seconds, &err);
        if (r < 0)
            break;
        pictures++;
    }
    if (r == 0 && pictures)
        print_scores(job, scores, seconds, pictures);
    for (int t = 0; t < OBJECT_TYPES; t++)
        score_finish(&scores[t]);
    return r < 0 ? fail(job->set, &err) : 0;
}

static int list_picture(struct job *job, const char *path)
{
    struct error err = {0};
    struct image *picture = NULL;
    struct detections found = {0};
    struct detector_timing before, after, best = {0};
    double least = 0;
    int r = read_picture(path, &picture, &err);
    for (int i = 0; r == 0 && i < job->repeat; i++) {
        detections_finish(&found);
        detector_timing(job->d, &before);
        double start = now(job);
        r = detector_run(job->d, picture->frame, &job->params, &found, &err);
        double seconds = now(job) - start;
        detector_timing(job->d, &after);
        if (i > 0 && seconds >= least)
            continue;
        least = seconds;
        best = (struct detector_timing){after.scale - before.scale, after.network - before.network,
            after.decode - before.decode, after.mask - before.mask, after.merge - before.merge,
            after.runs - before.runs};
    }
    for (size_t i = 0; r == 0 && i < found.len; i++) {
        const struct detection *d = &found.items[i];
        printf("%s\t%s\t%.3f\t%.1f\t%.1f\t%.1f\t%.1f\n", path, object_info(d->type)->name, d->score, d->box.x1,
            d->box.y1, d->box.x2, d->box.y2);
    }
    if (r == 0)
        print_timing(&best, least, 1);
    detections_finish(&found);
    image_destroy(picture);
    return r < 0 ? fail(path, &err) : 0;
}

static bool read_precision(const char *name, int *ret)
{
    static const char *const names[] = {
        [INFER_AUTO] = "auto", [INFER_F32] = "f32", [INFER_BF16] = "bf16", [INFER_INT8] = "int8"};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

static bool read_types(const char *list, unsigned *ret)
{
    char copy[128], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", list);
    *ret = 0;
    for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        int t = object_type_find(name);
        if (t < 0)
            return false;
        *ret |= OBJECT_BIT(t);
    }
    return *ret != 0;
}

static bool read_options(int argc, char **argv, struct job *job)
{
    static const struct option options[] = {{"set", 1, NULL, 's'}, {"types", 1, NULL, 't'}, {"limit", 1, NULL, 'l'},
        {"detect-size", 1, NULL, 'd'}, {"threads", 1, NULL, 'n'}, {"precision", 1, NULL, 'p'}, {"grid", 1, NULL, 'g'},
        {"overlap", 1, NULL, 'o'}, {"pano", 0, NULL, 'P'}, {"models", 1, NULL, 'm'}, {"video", 0, NULL, 'v'},
        {"repeat", 1, NULL, 'r'}, {"json", 0, NULL, 'j'}, {"masks", 0, NULL, 'M'}, {"cpu", 0, NULL, 'c'}, {0}};
    struct tiling *tiling = &job->params.tiling;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        bool ok = c != '?';
        switch (c) {
        case 's':
            job->set = optarg;
            break;
        case 't':
            ok = read_types(optarg, &job->params.types);
            break;
        case 'l':
            job->limit = atoi(optarg);
            break;
        case 'd':
            job->detector.detect_size = atoi(optarg);
            break;
        case 'n':
            job->detector.threads = atoi(optarg);
            break;
        case 'p':
            ok = read_precision(optarg, &job->detector.precision);
            break;
        case 'g':
            tiling->kind = TILING_GRID;
            ok = sscanf(optarg, "%dx%d", &tiling->columns, &tiling->rows) == 2;
            break;
        case 'o':
            tiling->overlap_x = tiling->overlap_y = atof(optarg);
            break;
        case 'P':
            tiling->kind = TILING_PANO;
            break;
        case 'm':
            job->detector.models = optarg;
            break;
        case 'v':
            job->params.video = true;
            break;
        case 'r':
            job->repeat = atoi(optarg);
            break;
        case 'j':
            job->json = true;
            break;
        case 'M':
            job->params.masks = true;
            break;
        case 'c':
            job->cpu = true;
            break;
        default:
            break;
        }
        if (!ok)
            return false;
    }
    return job->set || optind < argc;
}

int main(int argc, char **argv)
{
    infer_process_start(argv);
    struct job job = {.repeat = 1, .detector = {.threads = 2, .precision = INFER_AUTO}, .params = {.types = 0}};
    struct error err = {0};
    json_t *root = NULL;
    if (!read_options(argc, argv, &job)) {
        fprintf(stderr, "usage: detect --set DIR | PICTURE... (see the head of bench/detect.c)\n");
        return 2;
    }
    if (job.set) {
        char path[4096];
        json_error_t why;
        snprintf(path, sizeof path, "%s/annotations.json", job.set);
        root = json_load_file(path, 0, &why);
        if (!root) {
            fprintf(stderr, "detect: %s: %s\n", path, why.text);
            return 1;
        }
    } else {
        job.params.masks = true;
    }
    unsigned known = root ? labelled(root) : OBJECT_ALL;
    job.params.types = job.params.types ? job.params.types & known : known;
    job.detector.types = job.params.types;
    for (int t = 0; t < OBJECT_TYPES; t++)
        job.params.threshold[t] = job.set ? 0.02f : operating[t];
    int r = detector_create(&job.detector, &job.d, &err) < 0 ? fail("models", &err) : 0;
    if (r == 0 && detector_warm_up(job.d, &err) < 0)
        r = fail("warm-up", &err);
    if (r == 0 && job.set)
        r = score_set(&job, root);
    for (int i = optind; r == 0 && i < argc; i++)
        r = list_picture(&job, argv[i]);
    detector_destroy(job.d);
    json_decref(root);
    return r;
}
