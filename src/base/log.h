/* Log lines to standard error: time, level, process, text. Control characters in the text are escaped, so that what a
 * client sends cannot forge a line. Library rooms return errors instead of logging; worker/, http/, webhook/ and main
 * log. */
#ifndef OBSCURA_BASE_LOG_H
#define OBSCURA_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Set once before threads start: lines above `level` are dropped; `who` (kept by reference) names the process ("front",
 * "worker 0"). */
void log_init(enum log_level level, const char *who);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
