/* See text.h. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool text_name_equal(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return false;
    return *a == *b;
}

int text_bool(const char *text, bool *ret)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) {
            *ret = i % 2;
            return 0;
        }
    return -EINVAL;
}

int text_int(const char *text, int64_t *ret)
{
    if (!strchr("+-0123456789", *text) || !*text)
        return -EINVAL;
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end)
        return -EINVAL;
    if (errno == ERANGE)
        return -ERANGE;
    *ret = v;
    return 0;
}

int text_real(const char *text, double *ret)
{
    /* strtod would also take hexadecimal, "inf" and leading blanks. */
    if (!*text || text[strspn(text, "+-.0123456789eE")])
        return -EINVAL;
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !isfinite(v))
        return -EINVAL;
    *ret = v;
    return 0;
}

/* A letter of a name as text_distance sees it. */
static char plain(char c)
{
    return c == '_' ? '-' : (char)tolower((unsigned char)c);
}

size_t text_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), row[64];
    if (la > 63 || lb > 63)
        return SIZE_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t change = diagonal + (plain(a[i - 1]) != plain(b[j - 1]));
            diagonal = row[j];
            size_t step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < step ? change : step;
        }
    }
    return row[lb];
}

void text_wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
}
