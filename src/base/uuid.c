/* See uuid.h. */
#include "base/uuid.h"

#include <string.h>
#include <uuid/uuid.h>

void uuid_make(char out[UUID_SIZE])
{
    uuid_t id;
    uuid_generate_random(id);
    uuid_unparse_lower(id, out);
}

bool uuid_valid(const char *text)
{
    if (!text || strlen(text) != UUID_SIZE - 1)
        return false;
    for (int i = 0; i < UUID_SIZE - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
            return false;
    }
    return true;
}
