/* See response.h. */
#include "http/response.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void http_response_init(struct http_response *rs)
{
    memset(rs, 0, sizeof *rs);
    rs->status = 500;
    rs->fd = -1;
}

static void drop_body(struct http_response *rs)
{
    if (rs->kind == HTTP_BODY_OWNED)
        free((void *)(uintptr_t)rs->data);
    if (rs->kind == HTTP_BODY_FD && rs->fd >= 0)
        close(rs->fd);
    if (rs->kind == HTTP_BODY_STREAM && rs->stream.destroy)
        rs->stream.destroy(rs->stream.opaque);
    rs->stream = (struct http_stream){0};
    rs->kind = HTTP_BODY_NONE;
    rs->data = NULL;
    rs->fd = -1;
    rs->size = 0;
    rs->etag[0] = 0;
}

void http_response_finish(struct http_response *rs)
{
    if (rs)
        drop_body(rs);
}

static void set_body(
    struct http_response *rs, int status, const char *content_type, enum http_body_kind kind, int64_t size)
{
    drop_body(rs);
    rs->status = status;
    rs->kind = kind;
    rs->size = size;
    snprintf(rs->content_type, sizeof rs->content_type, "%s", content_type);
}

void http_respond_owned(struct http_response *rs, int status, const char *content_type, void *data, int64_t size)
{
    set_body(rs, status, content_type, HTTP_BODY_OWNED, size);
    rs->data = data;
}

void http_respond_static(struct http_response *rs, int status, const char *content_type, const void *data, int64_t size)
{
    set_body(rs, status, content_type, HTTP_BODY_STATIC, size);
    rs->data = data;
}

void http_respond_fd(struct http_response *rs, int status, const char *content_type, int fd, int64_t size)
{
    set_body(rs, status, content_type, HTTP_BODY_FD, size);
    rs->fd = fd;
}

void http_respond_stream(
    struct http_response *rs, int status, const char *content_type, const struct http_stream *stream)
{
    set_body(rs, status, content_type, HTTP_BODY_STREAM, 0);
    rs->stream = *stream;
}

void http_respond_json(struct http_response *rs, int status, json_t *json)
{
    static const char exhausted[] = "{\"detail\": \"out of memory\"}";
    char *text =
        json ? json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(HTTP_JSON_DIGITS)) : NULL;
    json_decref(json);
    if (text)
        http_respond_owned(rs, status, "application/json", text, (int64_t)strlen(text));
    else
        http_respond_static(rs, 500, "application/json", exhausted, sizeof exhausted - 1);
}

void http_respond_detail(struct http_response *rs, int status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    /* What a client sent may be quoted here, whatever bytes it was; JSON holds UTF-8 only. */
    json_t *detail = json_string(text);
    if (!detail) {
        for (char *c = text; *c; c++)
            if ((unsigned char)*c >= 0x80)
                *c = '?';
        detail = json_string(text);
    }
    http_respond_json(rs, status, json_pack("{s:o}", "detail", detail));
}

void http_response_header(struct http_response *rs, const char *name, const char *format, ...)
{
    int i = 0;
    while (i < rs->header_count && strcasecmp(rs->headers[i].name, name))
        i++;
    if (i == HTTP_MAX_HEADERS)
        return;
    if (i == rs->header_count)
        rs->header_count++;
    snprintf(rs->headers[i].name, sizeof rs->headers[i].name, "%s", name);
    va_list args;
    va_start(args, format);
    vsnprintf(rs->headers[i].value, sizeof rs->headers[i].value, format, args);
    va_end(args);
    for (char *c = rs->headers[i].value; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
}

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {
        {200, "OK"},
        {206, "Partial Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {422, "Unprocessable Content"},
        {431, "Request Header Fields Too Large"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].status == status)
            return table[i].text;
    return "Internal Server Error";
}
