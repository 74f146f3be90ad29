/* See task.h. */
#include "task/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_names[] = {"queued", "processing", "done", "failed", "deleted"};
static const char *const webhook_names[] = {"", "set", "sent", "failed"};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* The owned strings, so that no function forgets one. */
#define STRINGS(t)                                                                                                     \
    {                                                                                                                  \
        &(t)->filename, &(t)->content_type, &(t)->parameters, &(t)->error, &(t)->warnings, &(t)->webhook_url,          \
            &(t)->webhook_header_name, &(t)->webhook_header_value, &(t)->idempotency_key                               \
    }

/* What an empty field points to: it is never written to and never freed, so an empty task needs no memory. */
static char nothing[1] = "";

void task_init(struct task *t)
{
    memset(t, 0, sizeof *t);
    char **fields[] = STRINGS(t);
    for (size_t i = 0; i < COUNT(fields); i++)
        *fields[i] = nothing;
}

void task_finish(struct task *t)
{
    if (!t)
        return;
    char **fields[] = STRINGS(t);
    for (size_t i = 0; i < COUNT(fields); i++) {
        if (*fields[i] != nothing)
            free(*fields[i]);
        *fields[i] = nothing;
    }
}

int task_set(char **field, const char *value)
{
    char *copy = nothing;
    if (value && *value) {
        copy = strdup(value);
        if (!copy)
            return -ENOMEM;
    }
    if (*field != nothing)
        free(*field);
    *field = copy;
    return 0;
}

const char *task_status_name(enum task_status status)
{
    return (size_t)status < COUNT(status_names) ? status_names[status] : "unknown";
}

int task_status_find(const char *name)
{
    for (size_t i = 0; i < COUNT(status_names); i++)
        if (strcmp(name, status_names[i]) == 0)
            return (int)i;
    return -1;
}

const char *task_webhook_status_name(enum task_webhook_status status)
{
    return (size_t)status < COUNT(webhook_names) ? webhook_names[status] : "unknown";
}
