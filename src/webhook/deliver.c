/* See deliver.h.
 *
 * Redirects are followed here and not by libcurl, so that headers with secrets stay with the host they were meant for.
 * Whether an address is allowed is asked where the socket is made: names resolve as they like, and what counts is the
 * address really connected to. A proxy would hide that address, so none is used.
 */
#include "webhook/deliver.h"

#include "base/clock.h"
#include "webhook/address.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MAX_REDIRECTS 3
#define CONNECT_TIMEOUT_MS 10000L

struct attempt {
    const struct deliver_options *options;
    const struct task_webhook *webhook;
    CURL *curl;
    char *body; /* owned */
    int64_t until_ns;
    bool refused, allowed; /* of the addresses of the last connection: some were refused, some allowed */
};

static curl_socket_t open_socket(void *opaque, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct attempt *a = opaque;
    if (!a->options->allow_private && !address_is_public(&address->addr)) {
        a->refused = true;
        return CURL_SOCKET_BAD;
    }
    a->allowed = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* The status line is all that is wanted; whatever follows ends the transfer. */
static size_t ignore_body(char *data, size_t size, size_t count, void *opaque)
{
    return 0;
}

static int check_stop(void *opaque, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct attempt *attempt = opaque;
    return atomic_load(attempt->options->stop);
}

static char *make_body(const struct task_webhook *w)
{
    char ts[CLOCK_ISO_SIZE];
    clock_format_iso(w->event_us, ts);
    json_t *body = json_pack("{s:s, s:s, s:{s:s, s:s}}", "ts", ts, "type", "notification.processing.status.changed",
        "event", "id", w->id, "status", task_status_name(w->status));
    char *text = body ? json_dumps(body, 0) : NULL;
    json_decref(body);
    return text;
}

static bool same_origin(const char *a, const char *b)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    CURLU *urls[2] = {curl_url(), curl_url()};
    bool same = urls[0] && urls[1] && curl_url_set(urls[0], CURLUPART_URL, a, 0) == CURLUE_OK &&
                curl_url_set(urls[1], CURLUPART_URL, b, 0) == CURLUE_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && same; i++) {
        char *x = NULL, *y = NULL;
        same = curl_url_get(urls[0], parts[i], &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
               curl_url_get(urls[1], parts[i], &y, CURLU_DEFAULT_PORT) == CURLUE_OK && strcasecmp(x, y) == 0;
        curl_free(x);
        curl_free(y);
    }
    curl_url_cleanup(urls[0]);
    curl_url_cleanup(urls[1]);
    return same;
}

static int add_header(struct curl_slist **list, const char *name, const char *value)
{
    char line[8192];
    /* A value of nothing needs the semicolon, or libcurl takes the header away. */
    int n = snprintf(line, sizeof line, *value ? "%s: %s" : "%s;", name, value);
    if (n < 0 || n >= (int)sizeof line || strpbrk(line, "\r\n"))
        return -EINVAL;
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return -ENOMEM;
    *list = longer;
    return 0;
}

/* `trusted`: the request goes to the host that the client named. */
static int make_headers(const struct attempt *a, bool trusted, struct curl_slist **list)
{
    const struct task_webhook *w = a->webhook;
    char id[64], timestamp[24], signature[SIGN_SIZE];
    int64_t now_s = clock_wall_us() / 1000000;
    snprintf(id, sizeof id, "msg_%s", w->id);
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)now_s);
    int r = add_header(list, "Content-Type", "application/json");
    if (r == 0)
        r = add_header(list, "User-Agent", "obscura/" OBSCURA_VERSION);
    if (r == 0)
        r = add_header(list, "webhook-id", id);
    if (r == 0 && trusted && *w->header_name)
        r = add_header(list, w->header_name, w->header_value);
    if (r < 0 || !trusted || !a->options->keys)
        return r;
    if ((r = sign(a->options->keys, id, now_s, a->body, signature)) == 0)
        r = add_header(list, "webhook-timestamp", timestamp);
    return r < 0 ? r : add_header(list, "webhook-signature", signature);
}

static CURLcode configure(struct attempt *a, const char *url, struct curl_slist *headers, char *error)
{
    int64_t left_ms = (a->until_ns - clock_mono_ns()) / 1000000;
    curl_easy_reset(a->curl);
    CURLcode r = CURLE_OK;
#define SET(option, value) r = r ? r : curl_easy_setopt(a->curl, option, value)
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_POSTFIELDS, a->body);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    SET(CURLOPT_TIMEOUT_MS, (long)(left_ms > 1 ? left_ms : 1));
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, a);
    SET(CURLOPT_WRITEFUNCTION, ignore_body);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, check_stop);
    SET(CURLOPT_XFERINFODATA, a);
    SET(CURLOPT_FORBID_REUSE, 1L); /* a connection that was kept would not be asked about again */
    SET(CURLOPT_ERRORBUFFER, error);
#undef SET
    return r;
}

/* One request. *ret_next, where not NULL, is the address of a redirect, owned by the caller. */
static enum deliver_outcome request(
    struct attempt *a, const char *url, bool trusted, char **ret_next, char *what, size_t size)
{
    char error[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    long code = 0;
    const char *next = NULL;
    enum deliver_outcome outcome = DELIVER_RETRY;
    a->refused = a->allowed = false;
    CURLcode r = make_headers(a, trusted, &headers) < 0 ? CURLE_OUT_OF_MEMORY : configure(a, url, headers, error);
    if (r == CURLE_OK) {
        r = curl_easy_perform(a->curl);
        curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &code);
    }
    bool answered = r == CURLE_OK || r == CURLE_WRITE_ERROR;
    snprintf(what, size, "%ld", code);
    if (atomic_load(a->options->stop) && r == CURLE_ABORTED_BY_CALLBACK) {
        outcome = DELIVER_STOPPED;
        snprintf(what, size, "interrupted by the server's end");
    } else if (a->refused && !a->allowed && !answered) {
        outcome = DELIVER_REFUSED;
        snprintf(what, size, "refused: the address is not public (--webhook-allow-private)");
    } else if (!answered) {
        snprintf(what, size, "%s", *error ? error : curl_easy_strerror(r));
        outcome = r == CURLE_UNSUPPORTED_PROTOCOL || r == CURLE_URL_MALFORMAT ? DELIVER_REFUSED : DELIVER_RETRY;
    } else if (code >= 200 && code < 300) {
        outcome = DELIVER_SENT;
    } else if (code == 410) {
        outcome = DELIVER_REFUSED;
    } else if ((code == 301 || code == 302 || code == 307 || code == 308) &&
               curl_easy_getinfo(a->curl, CURLINFO_REDIRECT_URL, &next) == CURLE_OK && next) {
        *ret_next = strdup(next);
    }
    curl_slist_free_all(headers);
    return outcome;
}

static enum deliver_outcome follow(struct attempt *a, char *what, size_t size)
{
    char *url = strdup(a->webhook->url);
    enum deliver_outcome outcome = DELIVER_RETRY;
    for (int hop = 0; url && hop <= MAX_REDIRECTS; hop++) {
        char *next = NULL;
        outcome = request(a, url, hop == 0 || same_origin(url, a->webhook->url), &next, what, size);
        free(url);
        url = next;
    }
    if (url)
        snprintf(what, size, "more than %d redirects", MAX_REDIRECTS);
    free(url);
    return outcome;
}

enum deliver_outcome deliver(
    const struct deliver_options *options, const struct task_webhook *webhook, char *what, size_t size)
{
    struct attempt a = {.options = options,
        .webhook = webhook,
        .curl = curl_easy_init(),
        .body = make_body(webhook),
        .until_ns = clock_mono_ns() + options->timeout_ms * 1000000LL};
    enum deliver_outcome outcome = DELIVER_RETRY;
    snprintf(what, size, "out of memory");
    if (a.curl && a.body)
        outcome = follow(&a, what, size);
    free(a.body);
    curl_easy_cleanup(a.curl);
    return outcome;
}
