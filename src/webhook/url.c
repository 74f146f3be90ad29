/* See url.h. The URL is taken apart by libcurl, which will connect to it: so `127.1` and `0x7f000001` are what they are
 * there. */
#include "webhook/url.h"

#include "webhook/address.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* "localhost" and what ends in ".localhost", perhaps with a dot behind it: never looked up, always this machine. */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t n = strlen(host);
    n -= n && host[n - 1] == '.';
    if (n < sizeof name - 1 || strncasecmp(host + n - (sizeof name - 1), name, sizeof name - 1) != 0)
        return false;
    return n == sizeof name - 1 || host[n - sizeof name] == '.';
}

/* Whether the host is an address, and one that is not public. IPv6 addresses stand in brackets. */
static bool is_private(const char *host)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    char bare[INET6_ADDRSTRLEN] = "";
    size_t n = strlen(host);
    if (inet_pton(AF_INET, host, &in.sin_addr) == 1)
        return !address_is_public((const struct sockaddr *)&in);
    if (host[0] == '[' && n - 2 < sizeof bare)
        memcpy(bare, host + 1, n - 2);
    if (inet_pton(AF_INET6, bare, &in6.sin6_addr) == 1)
        return !address_is_public((const struct sockaddr *)&in6);
    return is_localhost(host);
}

int webhook_url_check(const char *url, bool allow_private, struct error *err)
{
    char *host = NULL, *port = NULL;
    CURLU *u = curl_url();
    if (!u)
        return error_set(err, -ENOMEM, "out of memory");
    CURLUcode code = curl_url_set(u, CURLUPART_URL, url, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(u, CURLUPART_HOST, &host, 0);
    int r = 0;
    if (code != CURLUE_OK)
        r = error_set(err, -EINVAL, "webhook: '%.200s' is not allowed: %s", url, curl_url_strerror(code));
    else if (curl_url_get(u, CURLUPART_PORT, &port, 0) == CURLUE_OK && strcmp(port, "0") == 0)
        r = error_set(err, -EINVAL, "webhook: '%.200s' is not allowed, want a port from 1 to 65535", url);
    else if (!allow_private && is_private(host))
        r = error_set(err, -EINVAL,
            "webhook: '%.200s' is not allowed: %.100s is not a public address (--webhook-allow-private)", url, host);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return r;
}
