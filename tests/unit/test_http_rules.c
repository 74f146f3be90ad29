/* Routes, conditions and ranges: the pure rules of http/. */
#include "unit.h"

#include <string.h>

#include "http/conditional.h"
#include "http/router.h"

static const struct http_route routes[] = {
    {"POST", "/v1/file", NULL, NULL},
    {"GET", "/v1/task/list", NULL, NULL},
    {"DELETE", "/v1/task/list", NULL, NULL},
    {"GET", "/v1/task/{id}", NULL, NULL},
    {"GET", "/v1/file/{id}/mask", NULL, NULL},
    {"GET", "/", NULL, NULL},
};

static void parameters_of_a_route(void **state)
{
    static const char *const names[] = {"confirm", "delete-scope", NULL};
    const struct http_route with = {"DELETE", "/", NULL, NULL, names}, any = {"GET", "/", NULL, NULL, NULL};
    char text[160];
    assert_true(http_route_takes(&with, "confirm", text, sizeof text));
    assert_true(http_route_takes(&with, "delete_scope", text, sizeof text));
    assert_true(http_route_takes(&any, "delete_scpe", text, sizeof text));
    assert_false(http_route_takes(&with, "delete_scpe", text, sizeof text));
    assert_string_equal(text, "unknown parameter 'delete_scpe'; did you mean 'delete-scope'?");
    assert_false(http_route_takes(&with, "", text, sizeof text));
    assert_string_equal(text, "unknown parameter ''");
}

static int find(const char *method, const char *path, int *index, char *capture, char *allow)
{
    struct http_request rq = {.method = method, .path = path};
    const struct http_route *route = routes;
    int status = http_route_find(routes, sizeof routes / sizeof *routes, &rq, &route, allow, 64);
    *index = (int)(route - routes);
    strcpy(capture, rq.capture);
    return status;
}

static void routing(void **state)
{
    static const struct {
        const char *method, *path;
        int status, index;
        const char *capture, *allow;
    } cases[] = {
        {"POST", "/v1/file", 0, 0, "", ""},
        {"POST", "/v1/file/", 0, 0, "", ""},
        {"GET", "/v1/file", 405, 0, "", "POST"},
        {"HEAD", "/v1/task/list", 0, 1, "", ""},
        {"DELETE", "/v1/task/list", 0, 2, "", ""},
        {"PUT", "/v1/task/list", 405, 0, "", "GET, HEAD, DELETE"},
        {"GET", "/v1/task/abc", 0, 3, "abc", ""},
        {"DELETE", "/v1/task/abc", 405, 0, "abc", "GET, HEAD"},
        {"GET", "/v1/file/abc/mask", 0, 4, "abc", ""},
        {"GET", "/v1/file//mask", 404, 0, "", ""},
        {"GET", "/v1/file/a/b/mask", 404, 0, "a", ""},
        {"GET", "/v1/file/abc/mask/x", 404, 0, "abc", ""},
        {"GET", "/v1", 404, 0, "", ""},
        {"GET", "/", 0, 5, "", ""},
        {"GET", "", 404, 0, "", ""},
        {"get", "/", 405, 0, "", "GET, HEAD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int index;
        char capture[HTTP_CAPTURE_SIZE], allow[64];
        assert_int_equal(find(cases[i].method, cases[i].path, &index, capture, allow), cases[i].status);
        if (!cases[i].status) {
            assert_int_equal(index, cases[i].index);
            assert_string_equal(capture, cases[i].capture);
        }
        if (cases[i].status == 405)
            assert_string_equal(allow, cases[i].allow);
    }
}

static void long_captures(void **state)
{
    char path[600] = "/v1/task/", capture[HTTP_CAPTURE_SIZE], allow[64];
    int index;
    memset(path + 9, 'x', 500);
    path[509] = 0;
    assert_int_equal(find("GET", path, &index, capture, allow), 404);
}

static void etags(void **state)
{
    assert_true(http_etag_listed("\"a\"", "\"a\""));
    assert_true(http_etag_listed("*", "\"a\""));
    assert_true(http_etag_listed("\"b\", W/\"a\"", "\"a\""));
    assert_false(http_etag_listed("\"b\", \"ab\"", "\"a\""));
    assert_false(http_etag_listed("a", "\"a\""));
    assert_false(http_etag_listed("\"a", "\"a\""));
    assert_false(http_etag_listed("", "\"a\""));
}

static void ranges(void **state)
{
    static const struct {
        const char *range;
        int64_t size;
        enum http_range kind;
        int64_t first, length;
    } cases[] = {
        {"bytes=0-9", 100, HTTP_RANGE_PART, 0, 10},
        {"bytes=90-", 100, HTTP_RANGE_PART, 90, 10},
        {"bytes=90-1000", 100, HTTP_RANGE_PART, 90, 10},
        {"bytes=-10", 100, HTTP_RANGE_PART, 90, 10},
        {"bytes=-1000", 100, HTTP_RANGE_PART, 0, 100},
        {"Bytes=99-99", 100, HTTP_RANGE_PART, 99, 1},
        {"bytes=100-", 100, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", 100, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=99999999999999999999999-", 100, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-99999999999999999999999", 100, HTTP_RANGE_PART, 0, 100},
        {"bytes=5-4", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=0-1,3-4", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=-", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=a-b", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"items=0-1", 100, HTTP_RANGE_WHOLE, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t first = 0, length = 0;
        assert_int_equal(http_range_parse(cases[i].range, cases[i].size, &first, &length), cases[i].kind);
        assert_int_equal(first, cases[i].first);
        assert_int_equal(length, cases[i].length);
    }
}

static void answers(void **state)
{
    struct http_response rs;
    http_response_init(&rs);
    http_respond_detail(&rs, 422, "bad \xff byte \"quoted\"");
    assert_string_equal((const char *)rs.data, "{\n  \"detail\": \"bad ? byte \\\"quoted\\\"\"\n}");
    http_response_header(&rs, "X-A", "1");
    http_response_header(&rs, "x-a", "2\r\nX-B: 3");
    assert_int_equal(rs.header_count, 1);
    assert_string_equal(rs.headers[0].value, "2  X-B: 3");
    http_response_finish(&rs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routing),
        cmocka_unit_test(parameters_of_a_route),
        cmocka_unit_test(long_captures),
        cmocka_unit_test(etags),
        cmocka_unit_test(ranges),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
