/* Error codes (base/error.h) as HTTP statuses: the one table. */
#include "api/context.h"
#include "base/log.h"

#include <stddef.h>

#define RETRY_AFTER_S 5

static const struct {
    int code, status;
} table[] = {
    {-EINVAL, 422}, {-EBADMSG, 422}, {-EOPNOTSUPP, 422}, {-ENOSYS, 501}, /* a feature that this build lacks */
    {-ENOENT, 404}, {-EBUSY, 409}, {-ENODATA, 410}, {-EFBIG, 413}, {-EMEDIUMTYPE, 415}, {-EAGAIN, 503},
    {-ESHUTDOWN, 503},                                 /* the server stops */
    {-EHOSTDOWN, 503},                                 /* the database is away */
    {-ECONNRESET, 503},                                /* the client has gone: nobody reads this */
    {-ENOSPC, 507}, {-EDQUOT, 507}, {-ECANCELED, 410}, /* the task was deleted while its client waited */
};

void problem_respond(const struct error *err, struct http_response *rs)
{
    int status = 500;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == err->code)
            status = table[i].status;
    if (status == 500 || err->code == -EHOSTDOWN)
        log_error("%s (code %d)", err->text, err->code);
    http_respond_detail(rs, status, "%s", err->text[0] ? err->text : "internal error");
    if (status == 503)
        http_response_header(rs, "Retry-After", "%d", RETRY_AFTER_S);
}

int problem_of_task(int error_code)
{
    switch (error_code) {
    case -EINVAL:
    case -EBADMSG:
    case -EOPNOTSUPP:
    case -ETIME: /* over the limit of processor time */
    case -EFBIG: /* the upload was not too large; what it decodes to is */
        return -EBADMSG;
    case -ENOSYS:
    case -ENOSPC:
        return error_code;
    default:
        return -EIO;
    }
}
