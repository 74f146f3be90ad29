/* Buffers grow, keep their cap, and read files. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"

static void grows_and_appends(void **state)
{
    struct buffer b = BUFFER_INIT(1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(buffer_append(&b, "0123456789", 10), 0);
    assert_int_equal(b.len, 1000);
    assert_memory_equal(b.data + 990, "0123456789", 10);
    assert_int_equal(buffer_append(&b, "x", 1), -EFBIG);
    assert_int_equal(b.len, 1000);
    buffer_finish(&b);
    assert_null(b.data);
}

static void refuses_sizes_that_overflow(void **state)
{
    struct buffer b = BUFFER_INIT(SIZE_MAX - 1);
    assert_int_equal(buffer_append(&b, "abc", 3), 0);
    assert_int_equal(buffer_reserve(&b, SIZE_MAX - 2), -EFBIG);
    buffer_finish(&b);
}

static void prints(void **state)
{
    struct buffer b = BUFFER_INIT(64);
    assert_int_equal(buffer_printf(&b, "%d-%s", 7, "x"), 0);
    assert_int_equal(buffer_printf(&b, "%s", "!"), 0);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "7-x!", 4);
    assert_int_equal(buffer_printf(&b, "%100d", 1), -EFBIG);
    buffer_finish(&b);
}

static void reads_files_up_to_the_cap(void **state)
{
    char path[] = "/tmp/obscura-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    char text[5000];
    memset(text, 'a', sizeof text);
    assert_int_equal(write(fd, text, sizeof text), sizeof text);
    close(fd);
    struct buffer exact = BUFFER_INIT(5001), small = BUFFER_INIT(4999);
    assert_int_equal(buffer_read_file(&exact, path), 0);
    assert_int_equal(exact.len, 5000);
    assert_int_equal(buffer_read_file(&small, path), -EFBIG);
    unlink(path);
    assert_int_equal(buffer_read_file(&small, path), -ENOENT);
    buffer_finish(&exact);
    buffer_finish(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_appends),
        cmocka_unit_test(refuses_sizes_that_overflow),
        cmocka_unit_test(prints),
        cmocka_unit_test(reads_files_up_to_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
