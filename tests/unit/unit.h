/* What every unit test includes: cmocka with the headers it wants before it. */
#ifndef OBSCURA_TESTS_UNIT_H
#define OBSCURA_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
