/* Conditional and range requests (RFC 9110 13 and 14): pure functions over header values. */
#ifndef OBSCURA_HTTP_CONDITIONAL_H
#define OBSCURA_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

/* Does If-None-Match (`*`, or a list of tags, weak ones compared weakly) name this strong ETag? */
bool http_etag_listed(const char *if_none_match, const char *etag);

enum http_range { HTTP_RANGE_WHOLE, HTTP_RANGE_PART, HTTP_RANGE_UNSATISFIABLE };

/* Reads `bytes=...` against a body of `size` bytes. Several ranges, other units and malformed headers give WHOLE, as
 * the RFC allows. */
enum http_range http_range_parse(const char *range, int64_t size, int64_t *ret_first, int64_t *ret_length);

#endif
