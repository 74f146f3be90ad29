/* A task: one upload and what became of it. */
#ifndef OBSCURA_TASK_TASK_H
#define OBSCURA_TASK_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"

/* queued -> processing -> done | failed; a crash or a lost lease puts `processing` back to `queued` until the attempts
 * are used up; deleted keeps the record (delete-scope=only-files) while the files are gone. */
enum task_status { TASK_QUEUED, TASK_PROCESSING, TASK_DONE, TASK_FAILED, TASK_DELETED };

#define TASK_ATTEMPTS 3

enum task_webhook_status { TASK_WEBHOOK_NONE, TASK_WEBHOOK_SET, TASK_WEBHOOK_SENT, TASK_WEBHOOK_FAILED };

struct task {
    char id[UUID_SIZE];
    enum task_status status;
    bool is_video;
    bool asynchronous;
    double progress;                             /* 0..1 */
    int attempts;                                /* begun so far */
    int64_t created_us, started_us, finished_us; /* wall clock; 0 where not yet */
    int64_t size;                                /* of the upload, bytes */
    /* Owned strings, never NULL after task_init; empty where there is nothing. Only task_set and task_finish replace or
     * free them (an empty one is not on the heap). */
    char *filename;     /* as the client named it, base name only, UTF-8 */
    char *content_type; /* by the file's bytes */
    char *parameters;   /* JSON object of the request's options, as config writes it */
    int error_code; /* negative errno of base/error.h that the failure had (stored: it decides what a waiting client is
                       told); 0 where none */
    char *error;    /* why it failed */
    char *warnings; /* lines separated by '\n' */
    char *webhook_url, *webhook_header_name, *webhook_header_value;
    enum task_webhook_status webhook_status;
    char *idempotency_key;
};

void task_init(struct task *t);                /* zero, with empty strings */
void task_finish(struct task *t);              /* frees the strings; NULL-safe */
int task_set(char **field, const char *value); /* replaces an owned string; -ENOMEM */

const char *task_status_name(enum task_status status);                 /* "queued", ... */
int task_status_find(const char *name);                                /* -1 where there is none */
const char *task_webhook_status_name(enum task_webhook_status status); /* "", "set", "sent", "failed" */

#endif
