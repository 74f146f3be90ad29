/* Booleans, numbers and names as clients write them. */
#include "unit.h"

#include <errno.h>

#include "base/object.h"
#include "base/text.h"

static void booleans(void **state)
{
    bool v;
    assert_int_equal(text_bool("True", &v), 0);
    assert_true(v);
    assert_int_equal(text_bool("off", &v), 0);
    assert_false(v);
    assert_int_equal(text_bool("", &v), -EINVAL);
    assert_int_equal(text_bool("2", &v), -EINVAL);
}

static void whole_numbers(void **state)
{
    int64_t v;
    assert_int_equal(text_int("-12", &v), 0);
    assert_int_equal(v, -12);
    assert_int_equal(text_int(" 1", &v), -EINVAL);
    assert_int_equal(text_int("1x", &v), -EINVAL);
    assert_int_equal(text_int("", &v), -EINVAL);
    assert_int_equal(text_int("99999999999999999999", &v), -ERANGE);
}

static void real_numbers(void **state)
{
    double v;
    assert_int_equal(text_real("0.25", &v), 0);
    assert_true(v == 0.25);
    assert_int_equal(text_real("1e-2", &v), 0);
    const char *const bad[] = {"nan", "inf", "0x10", "", "1,5", " 1", "1e999", "."};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(text_real(bad[i], &v), -EINVAL);
}

static void names(void **state)
{
    assert_int_equal(object_type_find("license_plate"), OBJECT_LICENSE_PLATE);
    assert_int_equal(object_type_find("license-plate"), OBJECT_LICENSE_PLATE);
    assert_int_equal(object_type_find("licence-plate"), -1);
    assert_int_equal(text_distance("licence-plate", "license-plate"), 1);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("FACE", "face"), 0);
    assert_int_equal(text_distance("LICENSE_PLAT", "license-plate"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(booleans),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
