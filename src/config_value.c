/* Reading and writing the values of options, by type. */
#include "config_table.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER(type) (*(type *)(void *)((char *)base + o->offset))
#define CONST_MEMBER(type) (*(const type *)(const void *)((const char *)base + o->offset))

/* The number of '|'-separated choices before the one that is `text`; -1 where it is none of them. */
static int choice_find(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (int i = 0;; i++) {
        size_t n = strcspn(choices, "|");
        if (n == len && n && strncmp(choices, text, n) == 0)
            return i;
        if (!choices[n])
            return -1;
        choices += n + 1;
    }
}

/* A whole number with an optional unit letter out of `units`, each worth the factor at its place. */
static int read_scaled(const char *text, const char *units, const int64_t *factors, int64_t *ret)
{
    char digits[32];
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n >= sizeof digits || (text[n] && text[n + 1]))
        return -EINVAL;
    memcpy(digits, text, n);
    digits[n] = 0;
    const char *unit = text[n] ? strchr(units, text[n]) : NULL;
    if (text[n] && !unit)
        return -EINVAL;
    int64_t v, factor = unit ? factors[unit - units] : 1;
    int r = text_int(digits, &v);
    return r < 0 ? r : __builtin_mul_overflow(v, factor, ret) ? -ERANGE : 0;
}

static int read_number(const struct option *o, const char *text, double *ret)
{
    static const int64_t sizes[] = {
        1 << 10, 1 << 20, 1 << 30, (int64_t)1 << 40, 1 << 10, 1 << 20, 1 << 30, (int64_t)1 << 40};
    static const int64_t durations[] = {1, 60, 3600, 86400};
    int64_t whole = 0;
    int r;
    if (o->type == OPTION_REAL)
        r = text_real(text, ret);
    else if (o->type == OPTION_SIZE)
        r = read_scaled(text, "KMGTkmgt", sizes, &whole);
    else if (o->type == OPTION_DURATION)
        r = read_scaled(text, "smhd", durations, &whole);
    else
        r = text_int(text, &whole);
    if (r < 0)
        return r;
    if (o->type != OPTION_REAL)
        *ret = (double)whole;
    return *ret < o->min || *ret > o->max || (o->above_min && *ret == o->min) ? -ERANGE : 0;
}

static int read_types(const char *text, bool first, unsigned *types)
{
    unsigned set = first ? 0 : *types;
    while (*text) {
        char name[32];
        size_t n = strcspn(text, ",");
        if (n >= sizeof name)
            return -EINVAL;
        memcpy(name, text, n);
        name[n] = 0;
        int type = object_type_find(name);
        if (type < 0)
            return -EINVAL;
        set |= OBJECT_BIT(type);
        text += n + (text[n] == ',');
    }
    *types = set;
    return 0;
}

static int read_text(const char *text, char **member)
{
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    text_wipe(*member);
    free(*member);
    *member = copy;
    return 0;
}

static int read_value(const struct option *o, void *base, const char *text, bool first)
{
    double number = 0;
    bool yes;
    int r;
    switch (o->type) {
    case OPTION_BOOL:
        return text_bool(text, &MEMBER(bool));
    case OPTION_TYPE_BIT:
        r = text_bool(text, &yes);
        if (r == 0)
            MEMBER(unsigned) = (MEMBER(unsigned) & ~OBJECT_BIT(o->index)) | (yes ? OBJECT_BIT(o->index) : 0);
        return r;
    case OPTION_INT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        r = read_number(o, text, &number);
        if (r == 0)
            MEMBER(int64_t) = (int64_t)number;
        return r;
    case OPTION_REQUEST_INT:
        r = read_number(o, text, &number);
        if (r == 0)
            MEMBER(int) = (int)number;
        return r;
    case OPTION_REAL:
        r = read_number(o, text, &number);
        if (r == 0)
            MEMBER(double) = number;
        return r;
    case OPTION_CHOICE:
        r = choice_find(o->choices, text);
        if (r >= 0)
            MEMBER(int) = r;
        return r < 0 ? -EINVAL : 0;
    case OPTION_TEXT:
        return read_text(text, &MEMBER(char *));
    case OPTION_TYPES:
        return read_types(text, first, &MEMBER(unsigned));
    case OPTION_FORMAT:
        return compound_read_tiling(text, &MEMBER(struct tiling));
    case OPTION_IGNORES:
        return compound_read_ignores(text, base);
    case OPTION_SAVE_MASK:
        return compound_read_save_mask(text, first, base);
    }
    return -EINVAL;
}

int option_read(const struct option *o, void *base, const char *text, bool first, struct error *err)
{
    int r = read_value(o, base, text, first);
    if (r == 0)
        return 0;
    if (r == -ENOMEM)
        return error_set(err, r, "out of memory");
    char allowed[256];
    option_allowed(o, allowed, sizeof allowed);
    return error_set(err, -EINVAL, "%s: '%.100s' is not allowed, want %s", o->name, text, allowed);
}

static int write_types(unsigned types, struct buffer *out)
{
    int r = 0;
    bool comma = false;
    for (int t = 0; t < OBJECT_TYPES && r == 0; t++)
        if (types & OBJECT_BIT(t)) {
            r = buffer_printf(out, "%s%s", comma ? "," : "", object_info(t)->name);
            comma = true;
        }
    return r;
}

static int write_choice(const struct option *o, int index, struct buffer *out)
{
    const char *at = o->choices;
    while (index-- > 0)
        at += strcspn(at, "|") + 1;
    return buffer_append(out, at, strcspn(at, "|"));
}

int option_write(const struct option *o, const void *base, struct buffer *out)
{
    switch (o->type) {
    case OPTION_BOOL:
        return buffer_printf(out, "%s", CONST_MEMBER(bool) ? "true" : "false");
    case OPTION_TYPE_BIT:
        return buffer_printf(out, "%s", CONST_MEMBER(unsigned) & OBJECT_BIT(o->index) ? "true" : "false");
    case OPTION_INT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        return buffer_printf(out, "%lld", (long long)CONST_MEMBER(int64_t));
    case OPTION_REQUEST_INT:
        return buffer_printf(out, "%d", CONST_MEMBER(int));
    case OPTION_REAL:
        return buffer_printf(out, "%.10g", CONST_MEMBER(double));
    case OPTION_CHOICE:
        return write_choice(o, CONST_MEMBER(int), out);
    case OPTION_TEXT:
        return CONST_MEMBER(char *) ? buffer_printf(out, "%s", CONST_MEMBER(char *)) : 0;
    case OPTION_TYPES:
        return write_types(CONST_MEMBER(unsigned), out);
    case OPTION_FORMAT:
        return compound_write_tiling(&CONST_MEMBER(struct tiling), out);
    case OPTION_IGNORES:
        return compound_write_ignores(base, out);
    case OPTION_SAVE_MASK:
        return compound_write_save_mask(base, out);
    }
    return -EINVAL;
}

/* "one of a, b, c" from "a|b|c". */
static void allowed_choices(const char *choices, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "one of ");
    for (; *choices && used + 3 < size; choices++) {
        if (*choices == '|')
            out[used++] = ',';
        out[used++] = *choices == '|' ? ' ' : *choices;
    }
    out[used] = 0;
}

void option_allowed(const struct option *o, char *out, size_t size)
{
    switch (o->type) {
    case OPTION_BOOL:
    case OPTION_TYPE_BIT:
        snprintf(out, size, "true or false");
        break;
    case OPTION_INT:
    case OPTION_REQUEST_INT:
        snprintf(out, size, "a whole number from %.0f to %.0f", o->min, o->max);
        break;
    case OPTION_REAL:
        snprintf(out, size, "a number %s %g %s %g", o->above_min ? "above" : "from", o->min,
            o->above_min ? "up to" : "to", o->max);
        break;
    case OPTION_SIZE:
        snprintf(out, size, "a whole number from %.0f to %.0f, with K, M, G or T behind it for 1024 and its powers",
            o->min, o->max);
        break;
    case OPTION_DURATION:
        snprintf(out, size, "seconds, or a whole number with s, m, h or d behind it");
        break;
    case OPTION_CHOICE:
        allowed_choices(o->choices, out, size);
        break;
    case OPTION_TYPES:
        snprintf(out, size, "one of face, license-plate, person, vehicle");
        break;
    case OPTION_FORMAT:
        snprintf(
            out, size, "whole, {\"number\":[columns,rows],\"overlap\":[x,y]} with 1 to 64 tiles a side, or pano:WIDTH");
        break;
    case OPTION_IGNORES:
        snprintf(out, size,
            "a JSON list of at most %d {\"topLeftX\",\"topLeftY\",\"width\",\"height\"} in whole pixels",
            REQUEST_MAX_IGNORES);
        break;
    case OPTION_SAVE_MASK:
        snprintf(out, size, "all, binary, instance or none, perhaps with :SCALE (percent above 0 up to 100)");
        break;
    case OPTION_TEXT:
        snprintf(out, size, "text");
        break;
    }
}
