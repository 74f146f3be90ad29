/* The parameters of an upload: those of config's option table, and the API's own ones about webhooks. */
#include "api/upload.h"
#include "base/text.h"
#include "webhook/url.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_MAX 2048
#define HEADER_VALUE_MAX 4096
#define KEY_MAX 255

void upload_warn(struct upload *u, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?'; /* lines separate warnings; and what the client sent may not be UTF-8 */
    buffer_printf(&u->warnings, "%s%s", u->warnings.len ? "\n" : "", text);
}

/* A URL that may be posted to: http or https, a host, printable ASCII. Where it leads is checked when it is connected
 * to. */
static bool url_valid(const char *url)
{
    if (strncasecmp(url, "http://", 7) && strncasecmp(url, "https://", 8))
        return false;
    const char *host = strstr(url, "://") + 3;
    if (!*host || strchr("/?#:@", *host) || strlen(url) > URL_MAX)
        return false;
    for (; *url; url++)
        if (*url <= 0x20 || *url >= 0x7f)
            return false;
    return true;
}

static bool header_name_valid(const char *name)
{
    static const char *const reserved[] = {
        "host", "content-length", "transfer-encoding", "connection", "content-type", "expect"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (!strcasecmp(name, reserved[i]))
            return false;
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("!#$%&'*+-.^_`|~", name[i]))
            return false;
    return n <= 128;
}

static bool header_value_valid(const char *value)
{
    for (const char *c = value; *c; c++)
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
            return false;
    return strlen(value) <= HEADER_VALUE_MAX;
}

/* Webhook parameters; 1 where `name` is none of them. The reference spells two of them with `webhook-` and with `web-`.
 */
static int read_webhook(struct upload *u, const char *name, const char *value, struct error *err)
{
    if (text_name_equal(name, "webhook")) {
        if (*value && !url_valid(value))
            return error_set(err, -EINVAL,
                "webhook: '%.200s' is not allowed, want an http:// or https:// URL of at most %d characters, "
                "urlencoded",
                value, URL_MAX);
        int rc = *value ? webhook_url_check(value, u->api->config->webhook_allow_private, err) : 0;
        if (rc)
            return rc;
        return task_set(&u->task.webhook_url, value);
    }
    if (text_name_equal(name, "webhook-auth-header-name") || text_name_equal(name, "web-auth-header-name")) {
        if (!header_name_valid(value))
            return error_set(err, -EINVAL,
                "%.40s: '%.100s' is not allowed, want a header name of at most 128 letters, digits and hyphens that "
                "HTTP itself does not use",
                name, value);
        return task_set(&u->task.webhook_header_name, value);
    }
    if (text_name_equal(name, "webhook-auth-header-value") || text_name_equal(name, "web-auth-header-value")) {
        if (!header_value_valid(value))
            return error_set(err, -EINVAL,
                "%.40s: the value is not allowed, want at most %d bytes of text without control characters", name,
                HEADER_VALUE_MAX);
        return task_set(&u->task.webhook_header_value, value);
    }
    return 1;
}

static int read_one(struct upload *u, const struct http_pair *pair, struct error *err)
{
    int rc = read_webhook(u, pair->name, pair->value, err);
    if (rc != 1)
        return rc;
    rc = config_request_add(&u->request, pair->name, pair->value, err);
    if (rc == -ENOENT) {
        upload_warn(u, "%s", err->text);
        u->unknown_parameter = true;
        return 1;
    }
    return rc;
}

/* The same parameter twice is a contradiction waiting to be misread. (save-mask may be repeated, as on the command
 * line.) */
static int check_repetition(const struct http_request *rq, size_t index, struct error *err)
{
    const char *name = rq->query[index].name;
    if (text_name_equal(name, "save-mask"))
        return 0;
    for (size_t i = 0; i < index; i++)
        if (text_name_equal(rq->query[i].name, name))
            return error_set(err, -EINVAL, "%.60s: given twice ('%.100s' and '%.100s'), want it once", name,
                rq->query[i].value, rq->query[index].value);
    return 0;
}

static int read_query(struct upload *u, const struct http_request *rq, struct error *err)
{
    for (size_t i = 0; i < rq->query_count; i++) {
        int rc = read_one(u, &rq->query[i], err);
        if (!rc)
            rc = check_repetition(rq, i, err);
        if (rc < 0)
            return rc;
    }
    int rc = config_request_end(&u->request, u->api->config, err);
    if (rc)
        return rc;
    if (u->unknown_parameter && u->task.webhook_url[0])
        upload_warn(u, "webhook: there are unknown parameters beside it; if they belong to its URL, encode each & of "
                       "that URL as %%26");
    if (!u->task.webhook_url[0] && (u->task.webhook_header_name[0] || u->task.webhook_header_value[0]))
        upload_warn(u, "webhook-auth-header-name and -value have no effect without webhook");
    if (!u->request.options.types)
        upload_warn(u, "no type is true: nothing is anonymized");
    if (u->task.webhook_url[0] && u->task.webhook_header_value[0] && !u->task.webhook_header_name[0])
        return error_set(err, -EINVAL, "webhook-auth-header-name: missing, but webhook-auth-header-value is given");
    return 0;
}

static int read_headers(struct upload *u, const struct http_request *rq, struct error *err)
{
    const char *asynchronous = http_request_header(rq, "x-is-async"), *key = http_request_header(rq, "Idempotency-Key");
    if (asynchronous && *asynchronous && text_bool(asynchronous, &u->task.asynchronous))
        return error_set(err, -EINVAL, "x-is-async: '%.100s' is not allowed, want true or false", asynchronous);
    if (!key)
        return 0;
    if (!*key || strlen(key) > KEY_MAX)
        return error_set(err, -EINVAL, "Idempotency-Key: want 1 to %d characters", KEY_MAX);
    return task_set(&u->task.idempotency_key, key);
}

int upload_read_parameters(struct upload *u, const struct http_request *rq, struct error *err)
{
    config_request_begin(&u->request, u->api->config);
    int rc = read_query(u, rq, err);
    if (!rc)
        rc = read_headers(u, rq, err);
    if (rc)
        return rc == -ENOMEM ? error_set(err, rc, "out of memory") : rc;
    char *json = NULL;
    rc = config_request_to_json(&u->request.options, &json);
    if (!rc)
        rc = task_set(&u->task.parameters, json);
    free(json);
    return rc ? error_set(err, rc, "out of memory") : 0;
}
