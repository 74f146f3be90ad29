/* Reading the configuration from its sources: defaults, file, environment, command line; later ones win. The options
 * stand in config_table.c. */
#include "config_table.h"

#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FILE_MAX_BYTES (1 << 20)
#define VARIABLE_PREFIX "OBSCURA_"
#define ENDPOINT_MAX 400

/* Which options the current source has already set, so that repeatable ones add up within a source and start anew in
 * the next. */
struct loader {
    struct config *config;
    bool *seen; /* option_count of them */
};

static void *option_base(struct config *c, const struct option *o)
{
    return o->scope == SCOPE_SERVER ? (void *)c : (void *)&c->request;
}

static int set(struct loader *l, const struct option *o, const char *value, struct error *err)
{
    bool *seen = &l->seen[o - option_table];
    int r = option_read(o, option_base(l->config, o), value, !*seen, err);
    *seen = true;
    return r;
}

static void begin_source(struct loader *l)
{
    memset(l->seen, 0, option_count * sizeof *l->seen);
}

static int load_defaults(struct loader *l, struct error *err)
{
    begin_source(l);
    for (size_t i = 0; i < option_count; i++) {
        int r = option_table[i].preset ? set(l, &option_table[i], option_table[i].preset, err) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (size_t n = strlen(text); n && isspace((unsigned char)text[n - 1]); n--)
        text[n - 1] = 0;
    return text;
}

static int load_line(struct loader *l, char *line, struct error *err)
{
    line = trim(line);
    if (!*line || *line == '#')
        return 0;
    char *equals = strchr(line, '=');
    if (!equals)
        return error_set(err, -EINVAL, "'%.100s' is not of the form name = value", line);
    *equals = 0;
    const char *name = trim(line);
    const struct option *o = option_find(name, SCOPE_SERVER | SCOPE_REQUEST);
    const char *near = o ? NULL : option_suggest(name, SCOPE_SERVER | SCOPE_REQUEST);
    if (near)
        return error_set(err, -EINVAL, "there is no option '%.60s'; did you mean %s?", name, near);
    if (!o)
        return error_set(err, -EINVAL, "there is no option '%.60s'", name);
    return set(l, o, trim(equals + 1), err);
}

static int load_file(struct loader *l, const char *path, struct error *err)
{
    struct buffer text = BUFFER_INIT(FILE_MAX_BYTES);
    int r = buffer_read_file(&text, path);
    if (r == 0)
        r = buffer_append(&text, "", 1);
    if (r < 0)
        r = error_set(err, -EINVAL, "config: cannot read %s: %s", path, strerror(-r));
    begin_source(l);
    int number = 0;
    char *rest = (char *)text.data;
    for (char *line; r == 0 && (line = strsep(&rest, "\n"));) {
        number++;
        if ((r = load_line(l, line, err)) < 0)
            error_prefix(err, "%s line %d", path, number);
    }
    if (text.data)
        explicit_bzero(text.data, text.len); /* it may hold passwords */
    buffer_finish(&text);
    return r;
}

/* OBSCURA_FACE_THRESHOLD for face-threshold. */
static void variable_of(const char *option, char out[CONFIG_VARIABLE_SIZE])
{
    size_t n = (size_t)snprintf(out, CONFIG_VARIABLE_SIZE, VARIABLE_PREFIX);
    for (; *option && n + 1 < CONFIG_VARIABLE_SIZE; option++)
        out[n++] = *option == '-' ? '_' : (char)toupper((unsigned char)*option);
    out[n] = 0;
}

/* The value of an option's variable; NULL where it is not set. */
static const char *environment(const struct option *o)
{
    char name[CONFIG_VARIABLE_SIZE];
    variable_of(o->name, name);
    return getenv(name);
}

static bool is_options_variable(const char *variable)
{
    char name[CONFIG_VARIABLE_SIZE];
    for (size_t i = 0; i < option_count; i++) {
        variable_of(option_table[i].name, name);
        if (!(option_table[i].scope & SCOPE_QUERY) && strcmp(name, variable) == 0)
            return true;
    }
    return false;
}

bool config_stray_variable(size_t *at, char out[CONFIG_VARIABLE_SIZE])
{
    for (const char *entry; (entry = environ[*at]);) {
        ++*at;
        snprintf(out, CONFIG_VARIABLE_SIZE, "%.*s", (int)strcspn(entry, "="), entry);
        if (strncmp(out, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) == 0 && !is_options_variable(out))
            return true;
    }
    return false;
}

/* A variable whose name is nearly an option's was meant for it. Others that begin like ours may belong to somebody else
 * (Kubernetes sets OBSCURA_SERVICE_HOST beside a service of that name, our tests OBSCURA_BUILD): they are for the
 * caller to warn about. */
static int check_environment(struct error *err)
{
    char name[CONFIG_VARIABLE_SIZE], want[CONFIG_VARIABLE_SIZE];
    for (size_t at = 0; config_stray_variable(&at, name);) {
        const char *near = option_suggest(name + strlen(VARIABLE_PREFIX), SCOPE_SERVER | SCOPE_REQUEST);
        if (!near)
            continue;
        variable_of(near, want);
        return error_set(err, -EINVAL, "environment: no option is named by %s; did you mean %s?", name, want);
    }
    return 0;
}

static int load_environment(struct loader *l, struct error *err)
{
    begin_source(l);
    if (check_environment(err) < 0)
        return err->code;
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &option_table[i];
        const char *value = o->scope & SCOPE_QUERY ? NULL : environment(o);
        if (value && set(l, o, value, err) < 0)
            return error_prefix(err, "environment");
    }
    return 0;
}

/* The option that an argument names; *ret_value points behind a '=' where there is one. */
static const struct option *find_flag(const char *argument, const char **ret_value)
{
    *ret_value = NULL;
    if (argument[0] == '-' && argument[1] && argument[1] != '-' && !argument[2]) {
        for (size_t i = 0; i < option_count; i++)
            if (option_table[i].letter == argument[1])
                return &option_table[i];
        return NULL;
    }
    if (strncmp(argument, "--", 2) != 0)
        return NULL;
    char name[64];
    size_t n = strcspn(argument + 2, "=");
    if (n >= sizeof name)
        return NULL;
    memcpy(name, argument + 2, n);
    name[n] = 0;
    if (argument[2 + n])
        *ret_value = argument + 2 + n + 1;
    return option_find(name, SCOPE_SERVER | SCOPE_REQUEST);
}

static int unknown_flag(const char *argument, struct error *err)
{
    const char *near =
        strncmp(argument, "--", 2) == 0 ? option_suggest(argument + 2, SCOPE_SERVER | SCOPE_REQUEST) : NULL;
    if (near)
        return error_set(err, -EINVAL, "unknown option '%.60s'; did you mean --%s?", argument, near);
    return error_set(err, -EINVAL, "unknown option '%.60s'; --help lists them", argument);
}

static int load_arguments(struct loader *l, int argc, char *const argv[], struct error *err)
{
    begin_source(l);
    for (int i = 1; i < argc; i++) {
        const char *value;
        const struct option *o = find_flag(argv[i], &value);
        if (!o)
            return unknown_flag(argv[i], err);
        bool next_is_value = i + 1 < argc && argv[i + 1][0] != '-';
        if (!value && o->type == OPTION_BOOL) {
            bool ignored;
            value = next_is_value && text_bool(argv[i + 1], &ignored) == 0 ? argv[++i] : "true";
        } else if (!value) {
            if (i + 1 >= argc)
                return error_set(err, -EINVAL, "%s wants a value", argv[i]);
            value = argv[++i];
        }
        int r = set(l, o, value, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The file's name is needed before the file is read: the last --config of the command line, else the environment's. */
static const char *config_file_name(int argc, char *const argv[])
{
    const struct option *config = option_find("config", SCOPE_SERVER);
    const char *name = environment(config);
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (find_flag(argv[i], &value) == config && (value || i + 1 < argc))
            name = value ? value : argv[i + 1];
    }
    return name;
}

/* The base of URLs: http:// or https:// and a host; paths are appended to it, so that it holds neither query nor
 * fragment. */
static bool endpoint_valid(const char *url)
{
    const char *host = strncasecmp(url, "http://", 7) == 0    ? url + 7
                       : strncasecmp(url, "https://", 8) == 0 ? url + 8
                                                              : "";
    for (const char *c = url; *c; c++)
        if (*c <= ' ' || *c >= 0x7f || strchr("\"<>\\^`{|}?#", *c))
            return false;
    return *host && !strchr("/:@", *host) && strlen(url) <= ENDPOINT_MAX;
}

/* Without slashes at its end; empty counts as not given. */
static int check_endpoint(struct config *c, struct error *err)
{
    if (!c->api_endpoint)
        return 0;
    if (*c->api_endpoint && !endpoint_valid(c->api_endpoint))
        return error_set(err, -EINVAL,
            "api-endpoint: '%.100s' is not allowed, want http:// or https:// and a host, perhaps with a port and a "
            "path",
            c->api_endpoint);
    for (size_t n = strlen(c->api_endpoint); n && c->api_endpoint[n - 1] == '/'; n--)
        c->api_endpoint[n - 1] = 0;
    if (!*c->api_endpoint) {
        free(c->api_endpoint);
        c->api_endpoint = NULL;
    }
    return 0;
}

static enum config_action action(int argc, char *const argv[])
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return CONFIG_HELP;
        if (strcmp(argv[i], "--man") == 0)
            return CONFIG_MAN;
        if (strcmp(argv[i], "--version") == 0)
            return CONFIG_VERSION;
    }
    return CONFIG_RUN;
}

int config_load(struct config *c, int argc, char *const argv[], enum config_action *ret_action, struct error *err)
{
    *c = (struct config){.argc = argc, .argv = argv};
    *ret_action = action(argc, argv);
    if (*ret_action != CONFIG_RUN)
        return 0;
    struct loader l = {.config = c, .seen = calloc(option_count, sizeof *l.seen)};
    if (!l.seen)
        return error_set(err, -ENOMEM, "out of memory");
    const char *file = config_file_name(argc, argv);
    int r = load_defaults(&l, err);
    if (r == 0 && file)
        r = load_file(&l, file, err);
    if (r == 0)
        r = load_environment(&l, err);
    if (r == 0)
        r = load_arguments(&l, argc, argv, err);
    if (r == 0 && c->model)
        c->types &= OBJECT_BIT(OBJECT_FACE) | OBJECT_BIT(OBJECT_LICENSE_PLATE);
    if (r == 0 && !c->types)
        r = error_set(
            err, -EINVAL, "anonymize: no type of object is left; want one of face, license-plate, person, vehicle");
    if (r == 0)
        r = check_endpoint(c, err);
    free(l.seen);
    if (r < 0)
        config_finish(c);
    return r;
}

void config_finish(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < option_count; i++) {
        if (option_table[i].type != OPTION_TEXT)
            continue;
        char **text = (char **)((char *)option_base(c, &option_table[i]) + option_table[i].offset);
        text_wipe(*text);
        free(*text);
        *text = NULL;
    }
}

void config_forget_secrets(const struct config *c)
{
    text_wipe(c->webhook_secret);
    text_wipe(c->database);
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "OBSCURA_", 8) == 0 || strncmp(*e, "PG", 2) == 0) /* libpq's begin so */
            text_wipe(*e);
    for (int i = 1; i < c->argc; i++)
        text_wipe(c->argv[i]);
}
