/* Any text as header values and file names: parameters, ranges, conditions, names. What comes out keeps its promises.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/names.h"
#include "http/conditional.h"
#include "http/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_params(const char *text)
{
    struct params p;
    char value[64], name[16], decoded[64];
    if (params_begin(&p, text, value, sizeof value))
        return;
    while (params_next(&p, name, sizeof name, value, sizeof value) > 0)
        params_decode_extended(value, decoded, sizeof decoded);
}

static void read_range(const char *text)
{
    for (int64_t size = 0; size <= 1000; size += 500) {
        int64_t first = 0, length = 1;
        if (http_range_parse(text, size, &first, &length) == HTTP_RANGE_PART &&
            (first < 0 || length < 1 || first + length > size))
            abort();
    }
}

static void read_name(const char *text)
{
    char out[NAMES_SIZE];
    names_clean(text, out);
    json_t *json = json_string(out); /* NULL where it is not UTF-8 */
    if (!json || strpbrk(out, "/\\") || !strcmp(out, ".."))
        abort();
    json_decref(json);
    struct http_response rs;
    struct task t;
    http_response_init(&rs);
    task_init(&t);
    if (!task_set(&t.filename, out))
        names_set_disposition(&rs, &t, "anonymised", "jpg");
    task_finish(&t);
    http_response_finish(&rs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);
    if (!text)
        return 0;
    memcpy(text, data, len);
    text[len] = 0;
    read_params(text);
    read_range(text);
    read_name(text);
    if (http_etag_listed(text, "\"0123456789abcdef\"") && !strchr(text, '*') && !strstr(text, "\"0123456789abcdef\""))
        abort();
    free(text);
    return 0;
}
