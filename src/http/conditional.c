/* See conditional.h. */
#include "http/conditional.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

bool http_etag_listed(const char *if_none_match, const char *etag)
{
    size_t len = strlen(etag);
    for (const char *p = if_none_match; *p;) {
        p += strspn(p, " \t,");
        if (*p == '*')
            return true;
        if (!strncmp(p, "W/", 2))
            p += 2;
        if (*p != '"')
            return false;
        const char *end = strchr(p + 1, '"');
        if (!end)
            return false;
        if ((size_t)(end + 1 - p) == len && !memcmp(p, etag, len))
            return true;
        p = end + 1;
    }
    return false;
}

/* Digits up to a value that cannot overflow. -1 where there is no digit. */
static int64_t read_number(const char **at)
{
    if (!isdigit((unsigned char)**at))
        return -1;
    int64_t value = 0;
    for (; isdigit((unsigned char)**at); (*at)++)
        value = value > INT64_MAX / 10 - 10 ? value : value * 10 + (**at - '0');
    return value;
}

enum http_range http_range_parse(const char *range, int64_t size, int64_t *ret_first, int64_t *ret_length)
{
    if (strncasecmp(range, "bytes=", 6))
        return HTTP_RANGE_WHOLE;
    const char *at = range + 6;
    int64_t first = read_number(&at);
    if (*at++ != '-')
        return HTTP_RANGE_WHOLE;
    int64_t last = read_number(&at);
    if (*at || (first < 0 && last < 0) || (first >= 0 && last >= 0 && last < first))
        return HTTP_RANGE_WHOLE;
    if (first < 0) { /* the last so many bytes */
        if (!last || !size)
            return HTTP_RANGE_UNSATISFIABLE;
        first = last < size ? size - last : 0;
        last = size - 1;
    }
    if (first >= size)
        return HTTP_RANGE_UNSATISFIABLE;
    if (last < 0 || last >= size)
        last = size - 1;
    *ret_first = first;
    *ret_length = last - first + 1;
    return HTTP_RANGE_PART;
}
