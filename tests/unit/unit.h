/* What every unit test includes: cmocka with the headers it wants before it. */
#ifndef OBSCURA_TESTS_UNIT_H
#define OBSCURA_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Ends a test that cannot run here. (cmocka's skip() is written as "not ok", which meson takes for a failure.) */
#define PASS_OVER(why)                                                                                                 \
    do {                                                                                                               \
        fprintf(stderr, "%s: skipped: %s\n", __func__, why);                                                           \
        return;                                                                                                        \
    } while (0)

#endif
