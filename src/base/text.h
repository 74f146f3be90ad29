/* Small readings of text that several rooms share: names, booleans and numbers as the API and the command line write
 * them. */
#ifndef OBSCURA_BASE_TEXT_H
#define OBSCURA_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_name_equal(const char *a, const char *b); /* equal where `_` counts as `-`; case counts */
int text_bool(const char *text, bool *ret);         /* true/false, 1/0, yes/no, on/off in any case; -EINVAL */
int text_int(const char *text, int64_t *ret);       /* a whole decimal number and nothing else; -EINVAL, -ERANGE */
int text_real(
    const char *text, double *ret); /* a finite decimal number and nothing else, '.' in every locale; -EINVAL */
size_t text_distance(const char *a, const char *b); /* Levenshtein distance of two names of at most 63 bytes (longer:
                                                     SIZE_MAX), where `_` counts as `-` and case does not count */

/* Overwrites it, for passwords; NULL-safe. */
void text_wipe(char *text);

#endif
