/* The option table and how its values are read and written: shared by config*.c only. */
#ifndef OBSCURA_CONFIG_TABLE_H
#define OBSCURA_CONFIG_TABLE_H

#include "base/buffer.h"
#include "config.h"

enum option_type {
    OPTION_BOOL,        /* bool */
    OPTION_INT,         /* int64_t */
    OPTION_REQUEST_INT, /* int */
    OPTION_REAL,        /* double */
    OPTION_TEXT,        /* char *, owned */
    OPTION_CHOICE,      /* int: the index in `choices` */
    OPTION_SIZE,        /* int64_t bytes: 512, 20M, 4G */
    OPTION_DURATION,    /* int64_t seconds: 90, 15m, 24h, 7d */
    OPTION_TYPES,       /* unsigned OBJECT_BITs; repeatable */
    OPTION_TYPE_BIT,    /* one of struct request_options' types; `index` says which */
    OPTION_FORMAT,      /* struct tiling */
    OPTION_IGNORES,     /* ignores and ignore_count of struct request_options */
    OPTION_SAVE_MASK,   /* save_binary ... instance_scale of struct request_options; repeatable */
};

enum option_scope {
    SCOPE_SERVER = 1,  /* a member of struct config: command line, environment, file */
    SCOPE_REQUEST = 2, /* a member of struct request_options: the same, and query parameters */
    SCOPE_QUERY = 4,   /* query parameters only */
    SCOPE_UPLOAD = SCOPE_REQUEST | SCOPE_QUERY,
};

struct option {
    const char *name; /* hyphenated */
    char letter;      /* short flag, or 0 */
    enum option_type type;
    enum option_scope scope;
    size_t offset;        /* in struct config or struct request_options, by scope */
    int index;            /* OPTION_TYPE_BIT */
    double min, max;      /* of numbers, both inclusive */
    bool above_min;       /* min itself is not allowed */
    const char *choices;  /* OPTION_CHOICE: "blur|pixelate|..." */
    const char *preset;   /* the default, in the text form; NULL: zero */
    const char *argument; /* what --help calls the value; NULL: from the type */
    const char *help;
};

extern const struct option option_table[];
extern const size_t option_count;

/* By name, `-` and `_` alike, among options of a scope in `scopes`; NULL where there is none. */
const struct option *option_find(const char *name, unsigned scopes);

/* The name nearest to `name` where one is near enough to be a slip of the pen; else NULL. */
const char *option_suggest(const char *name, unsigned scopes);

/* Reads `text` into the option's member of `base` (struct config * or struct request_options *). `first`: the first
 * occurrence in its source, so that repeatable options start anew. -EINVAL with "NAME: 'VALUE' is not allowed, want
 * ...". */
int option_read(const struct option *o, void *base, const char *text, bool first, struct error *err);

/* The opposite: the member's text form in `out`. */
int option_write(const struct option *o, const void *base, struct buffer *out);

/* "a number from 0 to 1", "one of blur, pixelate, ...": for errors and help. */
void option_allowed(const struct option *o, char *out, size_t size);

/* Compound values (config_compound.c). Text in, -EINVAL on anything else than the contract's forms. */
int compound_read_tiling(const char *text, struct tiling *ret);
int compound_write_tiling(const struct tiling *t, struct buffer *out);
int compound_read_ignores(const char *text, struct request_options *r);
int compound_write_ignores(const struct request_options *r, struct buffer *out);
int compound_read_save_mask(const char *text, bool first, struct request_options *r);
int compound_write_save_mask(const struct request_options *r, struct buffer *out);

#endif
