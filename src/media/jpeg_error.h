/* Private to media/: libjpeg's errors as return values. Whoever calls libjpeg does so in a function under a setjmp on
 * `jump`, with everything it must free in a struct that outlives the jump. */
#ifndef OBSCURA_MEDIA_JPEG_ERROR_H
#define OBSCURA_MEDIA_JPEG_ERROR_H

#include <setjmp.h>
#include <stdio.h> /* before jpeglib.h, which needs FILE and size_t */

#include <jpeglib.h>

#include "base/error.h"

struct jpeg_failure {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back a pointer to it */
    jmp_buf jump;
    int code;          /* of the error that jumped */
    struct error *err; /* borrowed, may be NULL */
};

/* Sets up `f` and returns what goes into cinfo.err. */
struct jpeg_error_mgr *jpeg_failure_init(struct jpeg_failure *f, struct error *err);

/* Leaves libjpeg with `code`, whose text has been set. */
_Noreturn void jpeg_failure_jump(j_common_ptr cinfo, int code);

#endif
