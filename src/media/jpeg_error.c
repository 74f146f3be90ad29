/* See jpeg_error.h. */
#include "media/jpeg_error.h"

#include <jerror.h>

_Noreturn void jpeg_failure_jump(j_common_ptr cinfo, int code)
{
    struct jpeg_failure *f = (struct jpeg_failure *)(void *)cinfo->err;
    f->code = code;
    longjmp(f->jump, 1);
}

static int code_of(int message)
{
    switch (message) {
    case JERR_OUT_OF_MEMORY:
        return -ENOMEM;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
        return -EOPNOTSUPP;
    case JERR_IMAGE_TOO_BIG:
        return -EFBIG;
    default:
        return -EBADMSG;
    }
}

static _Noreturn void fail(j_common_ptr cinfo, int code)
{
    struct jpeg_failure *f = (struct jpeg_failure *)(void *)cinfo->err;
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    error_set(f->err, code, "JPEG: %s", text);
    jpeg_failure_jump(cinfo, code);
}

static void error_exit(j_common_ptr cinfo)
{
    fail(cinfo, code_of(cinfo->err->msg_code));
}

/* Warnings after which part of the picture would be invented are errors: nobody could vouch for what was not seen. */
static void emit_message(j_common_ptr cinfo, int level)
{
    if (level >= 0)
        return;
    switch (cinfo->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
        fail(cinfo, -EBADMSG);
    default:
        cinfo->err->num_warnings++;
        break;
    }
}

static void output_message(j_common_ptr cinfo)
{
}

struct jpeg_error_mgr *jpeg_failure_init(struct jpeg_failure *f, struct error *err)
{
    jpeg_std_error(&f->manager);
    f->manager.error_exit = error_exit;
    f->manager.emit_message = emit_message;
    f->manager.output_message = output_message;
    f->code = -EBADMSG;
    f->err = err;
    return &f->manager;
}
