/* The API's description: /openapi.json, the page that shows it, and a small page for trying an upload. All are files of
 * docs/api/ that the build embeds (scripts/embed.py). */
#include "api/context.h"
#include "api/embedded.h"

#include <stdio.h>

/* The pages carry their own script and style and talk to this server only. */
static int send_page(struct http_response *rs, const struct embedded *page, const char *content_type)
{
    http_respond_static(rs, 200, content_type, page->data, (int64_t)page->size);
    snprintf(rs->etag, sizeof rs->etag, "\"%s\"", page->digest);
    http_response_header(rs, "Cache-Control", "no-cache");
    http_response_header(rs, "Content-Security-Policy",
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; media-src 'self'; style-src "
        "'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    return 0;
}

int docs_openapi(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    return send_page(rs, &embedded_openapi_json, "application/json");
}

int docs_page(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    return send_page(rs, &embedded_docs_html, "text/html; charset=utf-8");
}

int docs_upload_page(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    return send_page(rs, &embedded_upload_html, "text/html; charset=utf-8");
}
