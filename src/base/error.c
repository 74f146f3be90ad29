/* See error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->code = code;
    return code;
}

int error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return -EIO;
    char context[sizeof err->text], text[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
    memcpy(text, err->text, sizeof text);
    size_t used = (size_t)snprintf(err->text, sizeof err->text, "%s: ", context);
    if (used < sizeof err->text)
        snprintf(err->text + used, sizeof err->text - used, "%s", text);
    return err->code;
}
