/* See log.h. The level and the name are the process's own and set once; they are the one state this room keeps. */
#include "base/log.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum log_level threshold = LOG_INFO;
static const char *process = "obscura";

void log_init(enum log_level level, const char *who)
{
    threshold = level;
    process = who;
}

/* Copies `text`, control characters as \xHH. Returns the length without the NUL. */
static size_t escape(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && n + 5 < size; p++) {
        if (*p < 0x20 || *p == 0x7f)
            n += (size_t)snprintf(out + n, size - n, "\\x%02x", *p);
        else
            out[n++] = (char)*p;
    }
    out[n] = 0;
    return n;
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (level > threshold)
        return;
    char text[1024], safe[2048], line[2304], when[CLOCK_ISO_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    escape(text, safe, sizeof safe);
    clock_format_iso(clock_wall_us(), when);
    int n = snprintf(line, sizeof line, "%s %-5s %s[%d]: %s\n", when, names[level], process, (int)getpid(), safe);
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1) < 0)
        return; /* nowhere left to say it */
}
