/* Wiring: reads the configuration, opens the listening socket and hands everything to the supervisor. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "config.h"
#include "infer/infer.h"
#include "task/wakeup.h"
#include "webhook/sign.h"
#include "webhook/webhook.h"
#include "worker/supervisor.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct program {
    int argc;
    char **argv;
    struct config config;
    struct wakeup wakeup;
    int listen_fd;
};

static int front(void *opaque, int control_fd)
{
    struct program *p = opaque;
    struct error err = {0};
    int r = api_front_run(&p->config, &p->wakeup, p->listen_fd, control_fd, &err);
    if (r < 0)
        log_error("%s", err.text);
    return r;
}

static int webhooks(void *opaque, int control_fd)
{
    struct program *p = opaque;
    return webhook_run(&p->config, control_fd);
}

/* With what only the rooms below config can check: found at the start rather than at the first webhook of the night. */
static int load(struct config *c, int argc, char **argv, enum config_action *action, struct error *err)
{
    struct sign_keys keys;
    int r = config_load(c, argc, argv, action, err);
    if (r < 0)
        return r;
    if (*action == CONFIG_RUN && c->webhook_secret && *c->webhook_secret &&
        (r = sign_keys_read(c->webhook_secret, &keys, err)) < 0)
        config_finish(c);
    return r;
}

/* SIGHUP: the new configuration counts if it can be read; the old one stays otherwise. */
static int reload(void *opaque, struct error *err)
{
    struct program *p = opaque;
    struct config fresh;
    enum config_action action;
    int r = load(&fresh, p->argc, p->argv, &action, err);
    if (r < 0)
        return r;
    config_finish(&p->config);
    p->config = fresh;
    return 0;
}

/* --help, --man, --version: answered without a configuration. */
static int inform(enum config_action action)
{
    if (action == CONFIG_HELP)
        config_print_help(stdout);
    else if (action == CONFIG_MAN)
        config_print_man(stdout);
    else
        puts("obscura " OBSCURA_VERSION);
    return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}

/* They may be somebody else's, or options that are misspelt beyond recognition. */
static void warn_of_stray_variables(void)
{
    char name[CONFIG_VARIABLE_SIZE];
    for (size_t at = 0; config_stray_variable(&at, name);)
        log_warn("environment: %s is not the name of an option and is ignored", name);
}

static int serve(struct program *p, struct error *err)
{
    const struct supervisor_service services[] = {
        {.name = "front", .run = front, .opaque = p, .on_reload = SERVICE_RETIRES},
        {.name = "webhooks", .run = webhooks, .opaque = p, .on_reload = SERVICE_RESTARTS},
    };
    const struct supervisor supervisor = {
        .config = &p->config,
        .wakeup = &p->wakeup,
        .services = services,
        .service_count = (int)(sizeof services / sizeof *services),
        .reload = reload,
        .opaque = p,
    };
    int r = api_listen(&p->config, &p->listen_fd, err);
    if (r < 0)
        return r;
    if ((r = wakeup_create(&p->wakeup)) < 0) {
        error_set(err, r, "cannot create wake-ups: %s", strerror(-r));
    } else {
        r = supervisor_run(&supervisor, err);
        wakeup_destroy(&p->wakeup);
    }
    close(p->listen_fd);
    return r;
}

int main(int argc, char **argv)
{
    infer_process_start(argv);
    struct program p = {.argc = argc, .argv = argv, .listen_fd = -1};
    struct error err = {0};
    enum config_action action;
    if (load(&p.config, argc, argv, &action, &err) < 0) {
        fprintf(stderr, "obscura: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (action != CONFIG_RUN)
        return inform(action);
    log_init((enum log_level)p.config.log_level, "obscura");
    warn_of_stray_variables();
    int r = serve(&p, &err);
    if (r < 0)
        log_error("%s", err.text);
    config_finish(&p.config);
    return r < 0 ? EXIT_FAILED : 0;
}
