/* One detection as JSON and back; mask runs as base64 of LEB128 numbers (most runs fit a byte or two). */
#include "pipeline/result.h"

#include "base/base64.h"

#include <stdlib.h>
#include <string.h>

/* Appends the bytes; -EIO where the text is not base64. */
static int base64_decode(const char *text, struct buffer *out)
{
    uint32_t bits = 0;
    int have = 0, code = 0;
    for (; *text && *text != '=' && code == 0; text++) {
        int v = base64_value(*text);
        if (v < 0)
            return -EIO;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            code = buffer_append(out, &(uint8_t){(uint8_t)(bits >> have)}, 1);
        }
    }
    return code;
}

static json_t *pack_mask(const struct mask *m)
{
    struct buffer bytes = BUFFER_INIT(m->run_count * 5 + 1);
    int code = 0;
    for (size_t i = 0; i < m->run_count && code == 0; i++) {
        uint32_t v = m->runs[i];
        do {
            uint8_t byte = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
            code = buffer_append(&bytes, &byte, 1);
            v >>= 7;
        } while (v && code == 0);
    }
    char *text = code == 0 ? malloc(BASE64_SIZE(bytes.len)) : NULL;
    if (text)
        base64_encode(bytes.data, bytes.len, text);
    json_t *object =
        text ? json_pack("{si si si si ss}", "x", m->x, "y", m->y, "width", m->width, "height", m->height, "runs", text)
             : NULL;
    free(text);
    buffer_finish(&bytes);
    return object;
}

/* Reads the numbers of `bytes` into runs that must add up to `total`. */
static int unpack_runs(const struct buffer *bytes, uint64_t total, struct mask *m)
{
    m->runs = malloc((bytes->len + 1) * sizeof *m->runs);
    if (!m->runs)
        return -ENOMEM;
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes->len;) {
        uint64_t v = 0;
        int shift = 0;
        do {
            if (i >= bytes->len || shift > 28)
                return -EIO;
            v |= (uint64_t)(bytes->data[i] & 0x7f) << shift;
            shift += 7;
        } while (bytes->data[i++] & 0x80);
        sum += v;
        if (sum > total)
            return -EIO;
        m->runs[m->run_count++] = (uint32_t)v;
    }
    return sum == total ? 0 : -EIO;
}

static int unpack_mask(const json_t *object, struct mask **ret_mask)
{
    *ret_mask = NULL;
    if (!object || json_is_null(object))
        return 0;
    struct mask *m = calloc(1, sizeof *m);
    if (!m)
        return -ENOMEM;
    const char *text;
    int code = json_unpack((json_t *)(uintptr_t)object, "{si si si si ss}", "x", &m->x, "y", &m->y, "width", &m->width,
        "height", &m->height, "runs", &text);
    struct buffer bytes = BUFFER_INIT((size_t)1 << 30);
    if (code < 0 || m->width < 0 || m->height < 0)
        code = -EIO;
    if (code == 0)
        code = base64_decode(text, &bytes);
    if (code == 0)
        code = unpack_runs(&bytes, (uint64_t)m->width * (uint64_t)m->height, m);
    buffer_finish(&bytes);
    if (code < 0) {
        mask_destroy(m);
        return code;
    }
    *ret_mask = m;
    return 0;
}

int result_detection_pack(const struct detection *d, json_t **ret_object)
{
    json_t *mask = d->mask ? pack_mask(d->mask) : json_null();
    if (!mask)
        return -ENOMEM;
    *ret_object = json_pack("{ss sf s[ffff] s[ii] sb sI so}", "type", object_info(d->type)->name, "score",
        (double)d->score, "box", (double)d->box.x1, (double)d->box.y1, (double)d->box.x2, (double)d->box.y2, "offset",
        d->offset_x, d->offset_y, "anonymised", d->anonymised, "track", (json_int_t)d->track_id, "mask", mask);
    return *ret_object ? 0 : -ENOMEM;
}

int result_detection_unpack(const json_t *object, struct detection *ret)
{
    const char *type;
    double score, b[4];
    int anonymised;
    json_int_t track;
    json_t *mask;
    *ret = (struct detection){0};
    if (json_unpack((json_t *)(uintptr_t)object, "{ss sF s[FFFF] s[ii] sb sI so}", "type", &type, "score", &score,
            "box", &b[0], &b[1], &b[2], &b[3], "offset", &ret->offset_x, &ret->offset_y, "anonymised", &anonymised,
            "track", &track, "mask", &mask) < 0)
        return -EIO;
    int found = object_type_find(type);
    if (found < 0)
        return -EIO;
    ret->type = (enum object_type)found;
    ret->score = (float)score;
    ret->box = (struct box){(float)b[0], (float)b[1], (float)b[2], (float)b[3]};
    ret->anonymised = anonymised;
    ret->track_id = track;
    return unpack_mask(mask, &ret->mask);
}
