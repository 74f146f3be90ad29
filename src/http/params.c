/* See params.h. RFC 9110 5.6.6 and RFC 5987. */
#include "http/params.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static void skip_blanks(struct params *p)
{
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

int params_begin(struct params *p, const char *text, char *value, size_t size)
{
    p->at = text;
    skip_blanks(p);
    size_t n = strcspn(p->at, ";");
    const char *start = p->at;
    p->at += n;
    while (n && (start[n - 1] == ' ' || start[n - 1] == '\t'))
        n--;
    if (!n || n >= size)
        return -EINVAL;
    for (size_t i = 0; i < n; i++)
        value[i] = (char)tolower((unsigned char)start[i]);
    value[n] = 0;
    return 0;
}

static int read_token(struct params *p, char *out, size_t size)
{
    size_t n = 0;
    while (is_token_char(*p->at)) {
        if (n + 1 >= size)
            return -EINVAL;
        out[n++] = *p->at++;
    }
    out[n] = 0;
    return 0;
}

static int read_quoted(struct params *p, char *out, size_t size)
{
    size_t n = 0;
    for (p->at++; *p->at != '"'; p->at++) {
        if (p->at[0] == '\\' && (p->at[1] == '"' || p->at[1] == '\\'))
            p->at++;
        if (!*p->at || n + 1 >= size)
            return -EINVAL;
        out[n++] = *p->at;
    }
    p->at++;
    out[n] = 0;
    return 0;
}

int params_next(struct params *p, char *name, size_t name_size, char *value, size_t value_size)
{
    skip_blanks(p);
    if (!*p->at)
        return 0;
    if (*p->at++ != ';')
        return -EINVAL;
    skip_blanks(p);
    if (!*p->at)
        return 0; /* a trailing `;` */
    int rc = read_token(p, name, name_size);
    if (rc || !*name || *p->at++ != '=')
        return -EINVAL;
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    rc = *p->at == '"' ? read_quoted(p, value, value_size) : read_token(p, value, value_size);
    return rc ? rc : 1;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int params_decode_extended(const char *text, char *out, size_t size)
{
    if (strncasecmp(text, "utf-8'", 6))
        return -EINVAL;
    const char *s = strchr(text + 6, '\''); /* behind the language */
    if (!s)
        return -EINVAL;
    size_t n = 0;
    for (s++; *s; s++) {
        char c = *s;
        if (c == '%') {
            int high = hex(s[1]), low = high < 0 ? -1 : hex(s[2]);
            if (low < 0 || high + low == 0)
                return -EINVAL;
            c = (char)(high << 4 | low);
            s += 2;
        }
        if (n + 1 >= size)
            return -EINVAL;
        out[n++] = c;
    }
    out[n] = 0;
    return 0;
}
