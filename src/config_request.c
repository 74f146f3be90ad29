/* The parameters of one upload: from query parameters, to the JSON text that the task keeps, and back in the worker. */
#include "config_table.h"

#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void config_request_begin(struct config_request *r, const struct config *c)
{
    *r = (struct config_request){.options = c->request, .segmentation_threshold = -1};
    r->options.types = 0;
}

/* Remembers what the request named: types replace the server's, and given thresholds win over `segmentation-threshold`.
 */
static void note_given(struct config_request *r, const struct option *o)
{
    r->given_save_mask |= o->type == OPTION_SAVE_MASK;
    if (o->type == OPTION_TYPE_BIT)
        r->given_types |= OBJECT_BIT(o->index);
    for (int t = 0; t < OBJECT_TYPES; t++)
        if (o->scope == SCOPE_REQUEST && o->offset == offsetof(struct request_options, threshold[t]))
            r->given_thresholds |= OBJECT_BIT(t);
}

/* Published clients always send quality=0 on the upload, meaning nothing by it. */
static bool means_nothing(const struct option *o, const char *value)
{
    return !*value || (o->offset == offsetof(struct request_options, quality) && o->type == OPTION_REQUEST_INT &&
                          strcmp(value, "0") == 0);
}

static int read_segmentation_threshold(struct config_request *r, const char *value, struct error *err)
{
    double v;
    if (!*value)
        return 0;
    if (text_real(value, &v) < 0 || v < 0 || v > 1)
        return error_set(
            err, -EINVAL, "segmentation-threshold: '%.100s' is not allowed, want a number from 0 to 1", value);
    r->segmentation_threshold = v;
    return 0;
}

int config_request_add(struct config_request *r, const char *name, const char *value, struct error *err)
{
    if (text_name_equal(name, "segmentation-threshold"))
        return read_segmentation_threshold(r, value, err);
    const struct option *o = option_find(name, SCOPE_UPLOAD);
    if (!o) {
        const char *near = option_suggest(name, SCOPE_UPLOAD);
        return error_set(err, -ENOENT, "unknown parameter '%.60s'%s%s%s", name,
            near ? "; did you mean '" : " is ignored", near ? near : "", near ? "'?" : "");
    }
    if (means_nothing(o, value))
        return 0;
    bool first = o->type != OPTION_SAVE_MASK || !r->given_save_mask;
    int result = option_read(o, &r->options, value, first, err);
    if (result == 0)
        note_given(r, o);
    return result;
}

int config_request_end(struct config_request *r, const struct config *c, struct error *err)
{
    if (!r->given_types)
        r->options.types = c->types;
    for (int t = 0; t < OBJECT_TYPES; t++)
        if (r->options.types & ~c->types & OBJECT_BIT(t))
            return error_set(err, -EINVAL, "%s: the server was started without this type; start it with -a %s",
                object_info(t)->name, object_info(t)->name);
    static const enum object_type segmented[] = {OBJECT_PERSON, OBJECT_VEHICLE};
    for (size_t i = 0; i < 2 && r->segmentation_threshold >= 0; i++)
        if (!(r->given_thresholds & OBJECT_BIT(segmented[i])))
            r->options.threshold[segmented[i]] = r->segmentation_threshold;
    return 0;
}

int config_request_to_json(const struct request_options *r, char **ret_json)
{
    int result = 0;
    json_t *object = json_object();
    struct buffer text = BUFFER_INIT(1 << 16);
    for (size_t i = 0; i < option_count && result == 0; i++) {
        const struct option *o = &option_table[i];
        if (!(o->scope & SCOPE_UPLOAD))
            continue;
        text.len = 0;
        result = option_write(o, r, &text);
        /* Numbers and booleans as such, everything else as the text that a client would send. */
        bool plain = o->type == OPTION_BOOL || o->type == OPTION_TYPE_BIT || o->type == OPTION_REAL ||
                     o->type == OPTION_REQUEST_INT;
        json_t *value = result < 0 ? NULL
                        : plain    ? json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY, NULL)
                                   : json_stringn((const char *)text.data, text.len);
        if (result == 0 && json_object_set_new(object, o->name, value) < 0)
            result = -ENOMEM;
    }
    *ret_json = result == 0 ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    buffer_finish(&text);
    return result == 0 && !*ret_json ? -ENOMEM : result;
}

static int value_from_json(const struct option *o, const json_t *value, struct request_options *r, struct error *err)
{
    if (json_is_string(value))
        return option_read(o, r, json_string_value(value), true, err);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
    int result = text ? option_read(o, r, text, true, err) : -ENOMEM;
    free(text);
    return result;
}

int config_request_from_json(const char *json, struct request_options *ret, struct error *err)
{
    json_error_t where;
    json_t *object = json_loads(json, 0, &where);
    int result =
        json_is_object(object) ? 0 : error_set(err, -EINVAL, "parameters are not a JSON object: %s", where.text);
    *ret = (struct request_options){0};
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        const struct option *o = option_find(name, SCOPE_UPLOAD);
        if (result == 0 && !o)
            result = error_set(err, -EINVAL, "unknown parameter '%.60s'", name);
        if (result == 0)
            result = value_from_json(o, value, ret, err);
    }
    json_decref(object);
    return result;
}
