/* Ids of tasks: random UUIDs in their 36-character lower-case form. */
#ifndef OBSCURA_BASE_UUID_H
#define OBSCURA_BASE_UUID_H

#include <stdbool.h>

#define UUID_SIZE 37 /* with the NUL */

void uuid_make(char out[UUID_SIZE]);
bool uuid_valid(const char *text); /* exactly the form that uuid_make writes: safe as a file name */

#endif
