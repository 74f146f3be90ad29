/* File names: what clients call their uploads, made safe, and what downloads are called. */
#ifndef OBSCURA_API_NAMES_H
#define OBSCURA_API_NAMES_H

#include "http/response.h"
#include "task/task.h"

#define NAMES_SIZE 256

/* The base name (behind the last / or \) in valid UTF-8 without control characters, cut to NAMES_SIZE - 1 bytes. ""
 * where nothing is left. */
void names_clean(const char *sent, char out[NAMES_SIZE]);

const char *names_extension(const char *content_type); /* "jpg"; "bin" for types not known */

/* The file's name in the metadata: id and extension. */
void names_stored(const struct task *t, char out[NAMES_SIZE]);

/* Sets Content-Disposition: the upload's name without its extension, `suffix` and an extension
 * ("street-anonymised.jpg"); RFC 6266, with a plain ASCII form for old clients beside the UTF-8 one. */
void names_set_disposition(struct http_response *rs, const struct task *t, const char *suffix, const char *extension);

#endif
