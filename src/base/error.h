/* Errors: functions return 0 or a negative errno; the text that a client or an operator will read goes into a
 * caller-owned struct error.
 *
 * The codes carry meaning across rooms, so that api/ can turn them into a status in one place:
 *   -EINVAL     a value or a file is wrong, and the client can mend it   (422)
 *   -EBADMSG    an upload is damaged or not what it claims               (422)
 *   -EOPNOTSUPP understood but not supported here                        (422, 501 where a feature is missing)
 *   -ENOENT     no such task or file                                     (404)
 *   -EBUSY      not finished yet                                         (409)
 *   -ENODATA    the files are deleted, the record is kept                (410)
 *   -EFBIG      over a limit                                             (413)
 *   -EAGAIN     queue full, come again                                   (503)
 *   -EHOSTDOWN  the database is away for now                             (503)
 *   -ENOSPC     disk full                                                (507)
 *   -ECANCELED  the task was deleted while it was being worked on
 *   -ENOMEM, -EIO and the rest: our fault                                (500)
 */
#ifndef OBSCURA_BASE_ERROR_H
#define OBSCURA_BASE_ERROR_H

#include <errno.h>

struct error {
    int code;       /* 0 or a negative errno */
    char text[512]; /* one line of UTF-8, without a trailing newline; names what is wrong, the value and what is allowed
                     */
};

/* Fills `err` (may be NULL) and returns `code`, so that `return error_set(err, -EINVAL, ...)` reads well. */
int error_set(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the text that is there. Returns err->code. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
