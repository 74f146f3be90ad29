/* Photographs as the network is to see them. See quantize.h. */
#include "quantize/quantize.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "media/image.h"
#include "media/scale.h"

struct names {
    char **items;
    size_t count;
};

static int add_name(struct names *names, const char *folder, const char *name)
{
    char **larger = reallocarray(names->items, names->count + 1, sizeof *larger);
    if (!larger)
        return -ENOMEM;
    names->items = larger;
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (!path)
        return -ENOMEM;
    snprintf(path, size, "%s%s%s", folder, *folder ? "/" : "", name);
    names->items[names->count++] = path;
    return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int list(struct names *names, const char *path)
{
    struct stat st;
    struct dirent **entries;
    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return add_name(names, "", path);
    int n = scandir(path, &entries, visible, by_name), r = n < 0 ? -errno : 0;
    for (int i = 0; i < n; i++) {
        if (r >= 0)
            r = add_name(names, path, entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return r;
}

static double number(const struct infer_model *model, const char *key, double otherwise)
{
    const char *text = infer_model_meta(model, key);
    double v;
    return text && text_real(text, &v) == 0 ? v : otherwise;
}

/* The picture scaled to its long side, top left on a padded canvas, as detect/view.c places it. */
static int place(const struct frame *f, int long_side, const struct infer_model *like, struct infer_picture *ret)
{
    int multiple = (int)number(like, "obscura.multiple", 32), pad = (int)number(like, "obscura.pad", 0);
    double scale = (double)long_side / (f->width > f->height ? f->width : f->height);
    scale = scale > 1 ? 1 : scale;
    int w = (int)(f->width * scale + 0.5), h = (int)(f->height * scale + 0.5);
    w = w < 1 ? 1 : w;
    h = h < 1 ? 1 : h;
    int width = (w + multiple - 1) / multiple * multiple, height = (h + multiple - 1) / multiple * multiple;
    size_t stride = (size_t)width * 3;
    uint8_t *rgb = malloc(stride * (size_t)height);
    if (!rgb)
        return -ENOMEM;
    memset(rgb, pad, stride * (size_t)height);
    int r = scale_to_rgb(f, 0, 0, f->width, f->height, rgb, (ptrdiff_t)stride, w, h);
    if (r < 0) {
        free(rgb);
        return r;
    }
    *ret = (struct infer_picture){.rgb = rgb,
        .stride = (ptrdiff_t)stride,
        .width = width,
        .height = height,
        .mean = (float)number(like, "obscura.mean", 0),
        .scale = (float)number(like, "obscura.scale", 1)};
    return 0;
}

static int read_one(
    const char *path, int long_side, const struct infer_model *like, struct infer_picture *ret, struct error *err)
{
    const struct image_limits limits = {.max_pixels = 400000000, .max_side = 65000, .max_memory = (int64_t)4 << 30};
    struct buffer file = BUFFER_INIT((size_t)1 << 30);
    struct image *image = NULL;
    int r = buffer_read_file(&file, path);
    if (r < 0)
        error_set(err, r, "%s", strerror(-r));
    else
        r = image_decode(file.data, file.len, &limits, &image, err);
    if (r >= 0 && (r = place(image->frame, long_side, like, ret)) < 0)
        error_set(err, r, "it cannot be scaled: %s", strerror(-r));
    if (image)
        image_destroy(image);
    buffer_finish(&file);
    return r < 0 ? error_prefix(err, "%s", path) : 0;
}

/* A whole number of the model's metadata that can be placed with. */
static int check_number(const struct infer_model *model, const char *key, int least, int most, struct error *err)
{
    const char *text = infer_model_meta(model, key);
    double v = least;
    if (!text || (text_real(text, &v) == 0 && v >= least && v <= most && v == (int)v))
        return 0;
    return error_set(err, -EINVAL, "%s is \"%.40s\", not a whole number from %d to %d", key, text, least, most);
}

int pictures_read(char *const *paths, int n, int limit, int long_side, const struct infer_model *like,
    struct pictures *ret, struct error *err)
{
    struct names names = {0};
    *ret = (struct pictures){0};
    int r = check_number(like, "obscura.multiple", 1, 1024, err);
    if (r >= 0)
        r = check_number(like, "obscura.pad", 0, 255, err);
    for (int i = 0; r >= 0 && i < n; i++)
        if ((r = list(&names, paths[i])) < 0)
            error_set(err, r, "%s: %s", paths[i], strerror(-r));
    size_t count = names.count > (size_t)limit ? (size_t)limit : names.count;
    ret->items = calloc(count + 1, sizeof *ret->items);
    if (r >= 0 && (!ret->items || !count))
        r = error_set(err, !count ? -EINVAL : -ENOMEM, "there is no picture");
    for (size_t i = 0; r >= 0 && i < count; i++) {
        r = read_one(names.items[i * names.count / count], long_side, like, &ret->items[i], err);
        ret->count += r >= 0;
    }
    for (size_t i = 0; i < names.count; i++)
        free(names.items[i]);
    free(names.items);
    return r;
}

void pictures_finish(struct pictures *p)
{
    for (int i = 0; i < p->count; i++)
        free((uint8_t *)p->items[i].rgb);
    free(p->items);
    *p = (struct pictures){0};
}
