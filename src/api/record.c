/* See record.h. */
#include "api/record.h"
#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX_BYTES 300

/* A Host header that names a host and perhaps a port; what else it might hold has no place in a URL. */
static bool host_valid(const char *host)
{
    size_t n = strlen(host);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)host[i]) && !strchr("-._:[]", host[i]))
            return false;
    return n > 0 && n <= HOST_MAX_BYTES && host[0] != ':';
}

void record_endpoint(const struct api *api, const struct http_request *rq, char out[ENDPOINT_SIZE])
{
    const char *host = api->endpoint_unknown ? http_request_header(rq, "Host") : NULL;
    if (host && host_valid(host))
        snprintf(out, ENDPOINT_SIZE, "http://%s", host);
    else
        snprintf(out, ENDPOINT_SIZE, "%s", api->endpoint);
}

static int set_string(json_t *object, const char *name, const char *value)
{
    return json_object_set_new(object, name, json_string(value));
}

static int set_time(json_t *object, const char *name, int64_t wall_us)
{
    char text[CLOCK_ISO_SIZE];
    if (!wall_us)
        return json_object_set_new(object, name, json_null());
    clock_format_iso(wall_us, text);
    return set_string(object, name, text);
}

static int set_url(json_t *object, const char *name, const char *endpoint, const struct task *t, const char *resource)
{
    char url[768];
    snprintf(url, sizeof url, "%s/v1/file/%s/%s", endpoint, t->id, resource);
    return set_string(object, name, url);
}

/* Every URL is there from the begin, whether or not the file exists yet: clients written for the reference expect them.
 */
static int set_urls(json_t *object, const char *endpoint, const struct task *t)
{
    if (t->is_video)
        return set_url(object, "anonymized_video", endpoint, t, "video/anonymised") |
               set_url(object, "metadata_url", endpoint, t, "video/metadata");
    return set_url(object, "metadata_url", endpoint, t, "metadata") |
           set_url(object, "binary_mask_url", endpoint, t, "binary-mask") |
           set_url(object, "instance_mask_url", endpoint, t, "instance-mask") |
           set_url(object, "anonymised_url", endpoint, t, "anonymised");
}

/* The lines of t->warnings as a list, where there are any. */
static int set_warnings(json_t *object, const struct task *t)
{
    if (!t->warnings[0])
        return 0;
    json_t *list = json_array();
    int rc = 0;
    for (const char *line = t->warnings; *line;) {
        size_t n = strcspn(line, "\n");
        if (n)
            rc |= json_array_append_new(list, json_stringn(line, n));
        line += n + (line[n] == '\n');
    }
    return rc | json_object_set_new(object, "warnings", list);
}

/* Adds `content-type` for `content_type` and so on: the reference's examples spell names with hyphens, its schema with
 * underscores. */
static int add_hyphenated(json_t *object)
{
    static const char *const names[] = {
        "content_type", "metadata_url", "binary_mask_url", "instance_mask_url", "anonymised_url", "anonymized_video"};
    int rc = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char alias[32];
        json_t *value = json_object_get(object, names[i]);
        if (!value)
            continue;
        snprintf(alias, sizeof alias, "%s", names[i]);
        for (char *c = alias; *c; c++)
            if (*c == '_')
                *c = '-';
        rc |= json_object_set(object, alias, value);
    }
    return rc;
}

static json_t *complete(json_t *object, int rc)
{
    if (!rc)
        return object;
    json_decref(object);
    return NULL;
}

json_t *record_upload(const char *endpoint, const struct task *t)
{
    json_t *object = json_object();
    int rc = set_string(object, "content_type", t->content_type);
    rc |= set_string(object, "id", t->id);
    rc |= set_urls(object, endpoint, t);
    rc |= add_hyphenated(object);
    rc |= set_string(object, "status", task_status_name(t->status));
    rc |= set_warnings(object, t);
    return complete(object, rc);
}

/* JSON text as a value; null where it is empty or damaged. */
static json_t *parse_or_null(const char *text)
{
    json_t *value = text && *text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    return value ? value : json_null();
}

static int set_webhook(json_t *object, const struct task *t, const char *deliveries)
{
    int rc = json_object_set_new(object, "webhook", t->webhook_url[0] ? json_string(t->webhook_url) : json_null());
    rc |= set_string(object, "webhook_status", task_webhook_status_name(t->webhook_status));
    if (deliveries)
        rc |= json_object_set_new(object, "webhook_deliveries", parse_or_null(deliveries));
    return rc;
}

json_t *record_task(const char *endpoint, const struct task *t, const char *deliveries)
{
    static const char *const messages[] = {
        [TASK_QUEUED] = "The task waits for a worker.",
        [TASK_PROCESSING] = "The task is being processed.",
        [TASK_DONE] = "The task is done.",
        [TASK_FAILED] = "The task failed.",
        [TASK_DELETED] = "The task's files are deleted.",
    };
    json_t *object = json_object();
    int rc = set_string(object, "result", "success");
    rc |= set_string(object, "message", messages[t->status]);
    rc |= set_string(object, "id", t->id);
    rc |= set_string(object, "status", task_status_name(t->status));
    rc |= set_string(object, "type", t->is_video ? "video" : "image");
    rc |= json_object_set_new(object, "progress", json_real(t->progress));
    rc |= set_time(object, "created_at", t->created_us);
    rc |= set_time(object, "started_at", t->started_us);
    rc |= set_time(object, "finished_at", t->finished_us);
    rc |= json_object_set_new(object, "error", t->error[0] ? json_string(t->error) : json_null());
    rc |= json_object_set_new(object, "attempts", json_integer(t->attempts));
    rc |= json_object_set_new(object, "parameters", parse_or_null(t->parameters));
    rc |= set_string(object, "filename", t->filename);
    rc |= set_string(object, "content_type", t->content_type);
    rc |= json_object_set_new(object, "size", json_integer(t->size));
    rc |= json_object_set_new(object, "asynchronous", json_boolean(t->asynchronous));
    rc |= set_webhook(object, t, deliveries);
    rc |= set_urls(object, endpoint, t);
    rc |= add_hyphenated(object);
    rc |= set_warnings(object, t);
    return complete(object, rc);
}
