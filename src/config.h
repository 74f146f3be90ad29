/* Configuration: ONE option table (config.c) with name, type, range, default and help. From it come the command line,
 * the environment (OBSCURA_NAME_WITH_UNDERSCORES), the configuration file (`name = value` lines), --help, the man page,
 * and the query parameters of an upload. Later sources win: defaults, file, environment, command line, request. */
#ifndef OBSCURA_CONFIG_H
#define OBSCURA_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/request.h"

struct config {
    int argc; /* the command line that was read; borrowed, and writable: see config_forget_secrets */
    char *const *argv;
    /* Serving */
    bool api; /* accepted for the reference's start line; serving is what the program does */
    char *host;
    int64_t port;       /* 0: any free one (the log says which) */
    char *api_endpoint; /* base of returned URLs, without trailing slash; NULL: http://HOST:PORT, or what the request
                           asked */
    char *config_file;
    int log_level; /* enum log_level */
    /* Storage */
    char *input, *output; /* folders */
    char *database;       /* path, sqlite:PATH or postgresql:// */
    int64_t retention_s;  /* 0: for ever */
    bool delete_originals;
    int64_t disk_reserve; /* bytes that stay free */
    /* Limits */
    int64_t max_upload;                       /* bytes */
    int64_t max_pixels, max_side, max_memory; /* of a decoded image; px, px, bytes */
    int64_t max_queue;                        /* tasks */
    int64_t max_connections, max_connections_per_client;
    int64_t task_memory;  /* bytes of address space for an engine; 0: none */
    int64_t task_time_s;  /* CPU seconds for a task; 0: none */
    int64_t task_stall_s; /* longest time without progress; 0: none */
    int64_t drain_timeout_s;
    /* Work */
    unsigned types;           /* -a: OBJECT_BITs */
    int64_t workers, threads; /* 0: from the cores */
    char *models;             /* folder; NULL: embedded */
    int model;                /* 1: object-detection-v2, faces and plates only */
    int precision;            /* enum infer_precision */
    int64_t detect_size;      /* px; 0: default */
    int detect_every;         /* frames; 0: auto */
    bool strip_metadata;
    int instance_mask_colors; /* enum mask_palette */
    bool keep_data_streams;
    int video_codec;    /* 0 auto, then h264, hevc, vp9, av1 */
    char *video_preset; /* NULL: the default */
    int sandbox;        /* 0 auto, 1 required, 2 off */
    char *user;         /* account to become when started as root; NULL: none */
    /* Webhooks */
    char *webhook_secret;
    bool webhook_allow_private;

    struct request_options request; /* defaults of an upload */
};

enum config_action { CONFIG_RUN, CONFIG_HELP, CONFIG_MAN, CONFIG_VERSION };

/* Reads all sources. On -EINVAL err->text is one line that names the option, the value and what is allowed. */
int config_load(struct config *c, int argc, char *const argv[], enum config_action *ret_action, struct error *err);
void config_finish(struct config *c);

/* Overwrites what this process holds of passwords: texts, environment and command line. For a process that reads what
 * strangers send and needs none of them. */
void config_forget_secrets(const struct config *c);

#define CONFIG_VARIABLE_SIZE 96

/* The next variable of the environment, from number *at on, whose name begins like those of options (OBSCURA_) and is
 * none of them. False: there is no other. config_load has refused those that are nearly an option's. */
bool config_stray_variable(size_t *at, char out[CONFIG_VARIABLE_SIZE]);

void config_print_help(FILE *to);
void config_print_man(FILE *to);

/* Reading one upload's parameters: begin with the server's defaults, add each query parameter, end with the checks
 * across parameters. */
struct config_request {
    struct request_options options;
    unsigned given_types;          /* bits of the types that the request named */
    unsigned given_thresholds;     /* bits */
    bool given_save_mask;          /* the next one adds to it */
    double segmentation_threshold; /* < 0: not given */
};
void config_request_begin(struct config_request *r, const struct config *c);
/* By query name, `-` and `_` alike. -ENOENT: no such parameter (err->text suggests one where one is near); -EINVAL: bad
 * value. Empty values count as not given. */
int config_request_add(struct config_request *r, const char *name, const char *value, struct error *err);
/* Types named by the request against those of the server (-EINVAL names the missing flag), deprecated parameters. */
int config_request_end(struct config_request *r, const struct config *c, struct error *err);

/* The options as a JSON object text (owned by the caller), and back (unknown names fail: the text is our own). */
int config_request_to_json(const struct request_options *r, char **ret_json);
int config_request_from_json(const char *json, struct request_options *ret, struct error *err);

#endif
