/* See detect.h. For each network: a plan says which parts of the picture are looked at and how finely (plan.c); each
 * view gives boxes and masks (view.c); what several views saw is merged (merge.c). */
#include "detect/detect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "detect/embedded.h"
#include "detect/merge.h"
#include "detect/view.h"

#define MAX_MODEL_BYTES ((size_t)512 << 20)
#define CACHE_SHAPES 8 /* two networks see a picture in up to three shapes each; portrait and landscape alternate */

enum { NETWORKS = 2 };

static const struct {
    const char *file, *codes_file; /* of real numbers; of codes of 8 bits */
    enum plan_kind plan;
    unsigned types;
} slots[NETWORKS] = {
    {"identity.onnx", "identity.int8.onnx", PLAN_IDENTITY, OBJECT_BIT(OBJECT_FACE) | OBJECT_BIT(OBJECT_LICENSE_PLATE)},
    {"scene.onnx", "scene.int8.onnx", PLAN_SCENE, OBJECT_BIT(OBJECT_PERSON) | OBJECT_BIT(OBJECT_VEHICLE)},
};

struct detector {
    struct network *networks[NETWORKS]; /* owned; NULL where none of its types was asked for */
    unsigned types;                     /* bits of those that it finds */
    int detect_size;
    struct workspace work;
};

void detector_destroy(struct detector *d)
{
    if (!d)
        return;
    for (int i = 0; i < NETWORKS; i++)
        network_destroy(d->networks[i]);
    workspace_finish(&d->work);
    free(d);
}

/* A model's bytes: the program's own or, into `file`, those of a folder. */
static int read_model(const char *models, const char *name, struct buffer *file, const void **ret_data, size_t *ret_len,
    struct error *err)
{
    char path[4096];
    if (!models) {
        *ret_data = embedded_model(name, ret_len);
        return *ret_data ? 0 : error_set(err, -ENOENT, "there is no embedded model %s", name);
    }
    int r = snprintf(path, sizeof path, "%s/%s", models, name) < (int)sizeof path ? buffer_read_file(file, path)
                                                                                  : -ENAMETOOLONG;
    if (r < 0)
        return error_set(err, r, "cannot read model %s of %s: %s", name, models, strerror(-r));
    *ret_data = file->data;
    *ret_len = file->len;
    return 0;
}

/* Whether a network in 8 bits says that it was made of these bytes. */
static bool made_of(const struct network *n, const void *data, size_t len)
{
    const char *says = infer_model_meta(n->model, "obscura.source_sha256");
    struct sha256 sum;
    uint8_t digest[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
    if (!says || sha256_init(&sum) < 0)
        return false;
    sha256_update(&sum, data, len);
    sha256_final(&sum, digest);
    for (int i = 0; i < SHA256_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return strcmp(says, hex) == 0;
}

static int load_file(const char *models, const char *name, const struct infer_options *io, struct network **ret_network,
    struct error *err)
{
    struct buffer file = BUFFER_INIT(MAX_MODEL_BYTES);
    const void *data;
    size_t len;
    int r = read_model(models, name, &file, &data, &len, err);
    if (r == 0)
        r = network_create(name, data, len, io, ret_network, err);
    buffer_finish(&file);
    return r;
}

/* The network in 8 bits where its file is there and was made of the same weights as NAME.onnx, else NAME.onnx. */
static int load_better(const char *models, const char *name, const char *codes_name, const struct infer_options *io,
    struct network **ret_network, struct error *err)
{
    struct buffer codes = BUFFER_INIT(MAX_MODEL_BYTES), real = BUFFER_INIT(MAX_MODEL_BYTES);
    struct error absent;
    const void *data, *codes_data;
    size_t len, codes_len;
    int r = read_model(models, name, &real, &data, &len, err);
    if (r == 0 && read_model(models, codes_name, &codes, &codes_data, &codes_len, &absent) == 0)
        r = network_create(codes_name, codes_data, codes_len, io, ret_network, err);
    if (r == 0 && *ret_network && !made_of(*ret_network, data, len)) {
        network_destroy(*ret_network);
        *ret_network = NULL;
    }
    if (r == 0 && !*ret_network)
        r = network_create(name, data, len, io, ret_network, err);
    buffer_finish(&codes);
    buffer_finish(&real);
    return r;
}

static int load(struct detector *d, int slot, const struct detector_options *o, struct error *err)
{
    const struct infer_options io = {
        .precision = o->precision, .threads = o->threads > 0 ? o->threads : 1, .cache_shapes = CACHE_SHAPES};
    const char *name = slots[slot].file, *codes_name = slots[slot].codes_file;
    struct network **network = &d->networks[slot];
    int r;
    if (o->precision == INFER_AUTO && infer_gains(INFER_INT8))
        r = load_better(o->models, name, codes_name, &io, network, err);
    else
        r = load_file(o->models, o->precision == INFER_INT8 ? codes_name : name, &io, network, err);
    unsigned missing = r == 0 ? o->types & slots[slot].types & ~d->networks[slot]->type_bits : 0;
    for (int t = 0; r == 0 && t < OBJECT_TYPES; t++)
        if (missing & OBJECT_BIT(t))
            r = error_set(
                err, -EINVAL, "model %s: obscura.classes lacks %s, which was asked for", name, object_info(t)->name);
    return r;
}

int detector_create(const struct detector_options *options, struct detector **ret_detector, struct error *err)
{
    struct detector *d = calloc(1, sizeof *d);
    if (!d)
        return error_set(err, -ENOMEM, "out of memory");
    d->types = options->types;
    d->detect_size = options->detect_size;
    for (int i = 0; i < NETWORKS; i++) {
        int r = options->types & slots[i].types ? load(d, i, options, err) : 0;
        if (r < 0) {
            detector_destroy(d);
            return r;
        }
    }
    *ret_detector = d;
    return 0;
}

void detector_timing(const struct detector *d, struct detector_timing *ret_timing)
{
    *ret_timing = d->work.timing;
}

static int run_slot(struct detector *d, int slot, const struct frame *f, const struct detect_params *params,
    struct detections *out, struct error *err)
{
    const struct plan_options po = {.kind = slots[slot].plan,
        .tiling = params->tiling,
        .detect_size = d->detect_size,
        .video = params->video,
        .aspect = params->aspect};
    struct plan plan = {0};
    struct parts parts = {0};
    int turn = params->tiling.kind == TILING_PANO ? f->width : 0;
    int r = plan_make(&po, f->width, f->height, &plan);
    if (r < 0)
        return error_set(err, r, "cannot divide a picture of %d x %d px: %s", f->width, f->height, strerror(-r));
    for (size_t i = 0; r == 0 && i < plan.count; i++)
        r = view_run(&d->work, d->networks[slot], f, &plan.views[i], params, &parts, err);
    bool merge = plan.merge;
    plan_finish(&plan);
    if (r == 0) {
        int64_t start = clock_mono_ns();
        r = merge ? parts_merge(&parts, turn) : 0;
        if (r == 0)
            r = parts_move(&parts, turn, out);
        if (r < 0)
            error_set(err, r, "cannot merge detections: %s", strerror(-r));
        d->work.timing.merge += (double)(clock_mono_ns() - start) * 1e-9;
    }
    parts_finish(&parts);
    return r;
}

int detector_run(struct detector *d, const struct frame *f, const struct detect_params *params, struct detections *out,
    struct error *err)
{
    size_t before = out->len;
    unsigned lacking = params->types & ~d->types;
    for (int t = 0; lacking && t < OBJECT_TYPES; t++)
        if (lacking & OBJECT_BIT(t))
            return error_set(err, -EOPNOTSUPP, "%s: the server was started without this type; start it with -a %s",
                object_info(t)->name, object_info(t)->name);
    for (int i = 0; i < NETWORKS; i++) {
        if (!(params->types & slots[i].types))
            continue;
        int r = run_slot(d, i, f, params, out, err);
        if (r < 0) {
            while (out->len > before)
                mask_destroy(out->items[--out->len].mask);
            return r;
        }
    }
    return 0;
}

/* The shapes of 4:3 and 16:9 pictures that fit every size of picture: the coarse passes'. A fine pass has the picture's
 * own shape. */
int detector_warm_up(struct detector *d, struct error *err)
{
    static const int sizes[][2] = {{640, 480}, {480, 640}, {640, 360}};
    const struct detect_params params = {.types = d->types, .threshold = {1, 1, 1, 1}, .masks = true};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof sizes / sizeof *sizes; i++) {
        struct frame *f = NULL;
        struct detections none = {0};
        r = frame_create(FRAME_RGB, sizes[i][0], sizes[i][1], 8, false, &f);
        if (r < 0)
            return error_set(err, r, "cannot make a picture: %s", strerror(-r));
        for (int y = 0; y < f->height; y++)
            memset(f->planes[0].data + y * f->planes[0].stride, 114, (size_t)f->width * 3);
        r = detector_run(d, f, &params, &none, err);
        detections_finish(&none);
        frame_unref(f);
    }
    return r;
}
