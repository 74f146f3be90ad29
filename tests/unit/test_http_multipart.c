/* multipart/form-data: what comes out does not depend on how the bytes were cut; what is malformed is an error at every
 * cut. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "http/multipart.h"

#define TYPE "multipart/form-data; boundary=xyz"

/* What the callbacks saw, as text: "[name|filename]data;" for each part. */
static int on_begin(void *opaque, const struct multipart_part *part, struct error *err)
{
    return buffer_printf(opaque, "[%s|%s]", part->name, part->filename ? part->filename : "-");
}

static int on_data(void *opaque, const uint8_t *data, size_t len, struct error *err)
{
    assert_true(len > 0);
    return buffer_append(opaque, data, len);
}

static int on_end(void *opaque, struct error *err)
{
    return buffer_printf(opaque, ";");
}

static const struct multipart_handler recorder = {on_begin, on_data, on_end};

/* Feeds the body in pieces: [0, a), [a, b), the rest; step > 0 cuts every `step` bytes instead. */
static int parse(const char *type, const char *body, size_t len, size_t a, size_t b, size_t step, struct buffer *seen)
{
    struct multipart *m;
    struct error err = {0};
    int rc = multipart_create(type, &recorder, seen, &m, &err);
    if (rc)
        return rc;
    size_t at = 0;
    while (!rc && at < len) {
        size_t to = step ? at + step : at < a ? a : at < b ? b : len;
        if (to > len)
            to = len;
        rc = multipart_feed(m, (const uint8_t *)body + at, to - at, &err);
        at = to;
    }
    if (!rc)
        rc = multipart_finish(m, &err);
    multipart_destroy(m);
    assert_true(!rc || err.text[0]);
    return rc;
}

static void expect(const char *type, const char *body, size_t len, const char *want)
{
    for (size_t a = 0; a <= len; a++)
        for (size_t b = a; b <= len; b++) {
            struct buffer seen = BUFFER_INIT(1 << 16);
            buffer_reserve(&seen, 1);
            assert_int_equal(parse(type, body, len, a, b, 0, &seen), 0);
            assert_int_equal(seen.len, strlen(want));
            assert_memory_equal(seen.data, want, seen.len);
            buffer_finish(&seen);
        }
}

static void expect_bad(const char *body)
{
    size_t len = strlen(body);
    for (size_t step = 1; step <= len + 1; step++) {
        struct buffer seen = BUFFER_INIT(1 << 16);
        assert_int_equal(parse(TYPE, body, len, 0, 0, step, &seen), -EBADMSG);
        buffer_finish(&seen);
    }
}

static void one_file(void **state)
{
    static const char body[] = "--xyz\r\nContent-Disposition: form-data; name=\"fileobject\"; filename=\"a.jpg\"\r\n"
                               "Content-Type: image/jpg\r\n\r\nBYTES\r\n--xyz--\r\n";
    expect(TYPE, body, sizeof body - 1, "[fileobject|a.jpg]BYTES;");
}

static void near_delimiters(void **state)
{
    static const char body[] = "preamble\r\n--xyz  \r\ncontent-disposition:form-data;name=f\r\n\r\n"
                               "\r\r\n--xy\r\n-\r\n--\r\n\r\n--xyz--epilogue --xyz";
    expect(TYPE, body, sizeof body - 1, "[f|-]\r\r\n--xy\r\n-\r\n--\r\n;");
}

static void several_parts(void **state)
{
    static const char body[] = "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--xyz\r\n"
                               "Content-Disposition: form-data; name=b\r\n\r\n2\r\n--xyz--";
    expect(TYPE, body, sizeof body - 1, "[a|-];[b|-]2;");
}

static void quoted_boundary(void **state)
{
    static const char body[] =
        "--a b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"C:\\x\\\"y\\\".png\"\r\n\r\n1\r\n--a b--";
    expect("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", body, sizeof body - 1, "[f|C:\\x\"y\".png]1;");
}

static void extended_name(void **state)
{
    static const char body[] = "--xyz\r\nContent-Disposition: form-data; name=f; filename*=utf-8''%C3%A4%20b.jpg; "
                               "filename=\"a.jpg\"\r\n\r\n1\r\n--xyz--";
    expect(TYPE, body, sizeof body - 1, "[f|\xc3\xa4 b.jpg]1;");
}

static void malformed(void **state)
{
    static const char *const bodies[] = {
        "",
        "nothing here",
        "--xyz",
        "--xyz\r\n",
        "--xyz\r\nContent-Disposition: form-data; name=f\r\n\r\nDATA",
        "--xyz\r\nContent-Disposition: form-data; name=f\r\n\r\nDATA\r\n--xyz",
        "--xyz\r\nContent-Disposition: form-data; name=f\r\n\r\nDATA\r\n--xyz-",
        "--xyz\r\nContent-Disposition: form-data; name=f\r\n\r\nDATA\r\n--xyz-x",
        "--xyz\r\nContent-Disposition: form-data; name=f\r\n\r\nDATA\r\n--xyzz\r\n",
        "--xyz\nContent-Disposition: form-data; name=f\n\nDATA\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=f\n\r\nDATA\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data\r\n\r\nDATA\r\n--xyz--",
        "--xyz\r\nContent-Disposition: attachment; name=f\r\n\r\nDATA\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=\"f\r\n\r\nDATA\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=f; name=g\r\n\r\nDATA\r\n--xyz--",
        "--xyz\r\nContent-Type: image/png\r\n\r\nDATA\r\n--xyz--",
        "--xyz\r\n\r\nDATA\r\n--xyz--",
        "--xyz\r\nno colon\r\n\r\nDATA\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=f\r\nContent-Transfer-Encoding: base64\r\n\r\nDATA\r\n--xyz--",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        expect_bad(bodies[i]);
}

static void content_types(void **state)
{
    static const struct {
        const char *type;
        int code;
    } cases[] = {
        {NULL, -EMEDIUMTYPE},
        {"", -EMEDIUMTYPE},
        {"image/jpeg", -EMEDIUMTYPE},
        {"multipart/mixed; boundary=x", -EMEDIUMTYPE},
        {"application/x-www-form-urlencoded", -EMEDIUMTYPE},
        {"multipart/form-data", -EINVAL},
        {"multipart/form-data; boundary=", -EINVAL},
        {"multipart/form-data; boundary=\"\"", -EINVAL},
        {"multipart/form-data; boundary=\"a\xc3\xa4\"", -EINVAL},
        {"multipart/form-data; boundary=a; boundary=b", -EINVAL},
        {"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x",
            -EINVAL},
        {"multipart/form-data; boundary=a b", -EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct multipart *m = NULL;
        struct error err = {0};
        assert_int_equal(multipart_create(cases[i].type, &recorder, NULL, &m, &err), cases[i].code);
        assert_true(err.text[0]);
    }
}

static int refuse(void *opaque, const uint8_t *data, size_t len, struct error *err)
{
    return error_set(err, -ENOSPC, "full");
}

static void callbacks_end_the_parse(void **state)
{
    static const struct multipart_handler handler = {on_begin, refuse, on_end};
    static const char body[] = "--xyz\r\nContent-Disposition: form-data; name=f\r\n\r\nDATA\r\n--xyz--";
    struct buffer seen = BUFFER_INIT(100);
    struct error err;
    struct multipart *m;
    assert_int_equal(multipart_create(TYPE, &handler, &seen, &m, &err), 0);
    assert_int_equal(multipart_feed(m, (const uint8_t *)body, sizeof body - 1, &err), -ENOSPC);
    multipart_destroy(m);
    buffer_finish(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file),
        cmocka_unit_test(near_delimiters),
        cmocka_unit_test(several_parts),
        cmocka_unit_test(quoted_boundary),
        cmocka_unit_test(extended_name),
        cmocka_unit_test(malformed),
        cmocka_unit_test(content_types),
        cmocka_unit_test(callbacks_end_the_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
