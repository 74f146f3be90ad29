/* The option table through its sources: command line, environment, file, and a request's parameters. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

/* Loads the configuration from a command line that ends with NULL. */
static int load(struct config *c, struct error *err, ...)
{
    char *argv[32] = {(char *)(uintptr_t) "obscura"};
    int argc = 1;
    va_list args;
    va_start(args, err);
    while (argc < 31 && (argv[argc] = va_arg(args, char *)))
        argc++;
    va_end(args);
    enum config_action action;
    return config_load(c, argc, argv, &action, err);
}

static void takes_the_references_start_line(void **state)
{
    struct config c;
    struct error err = {0};
    assert_int_equal(load(&c, &err, "--api", "--api-endpoint", "http://localhost:7000/", "-a", "face", "-a",
                         "license-plate", "--format", "whole", "--save-mask", "all", NULL),
        0);
    assert_string_equal(c.api_endpoint, "http://localhost:7000");
    assert_int_equal(c.port, 7000);
    assert_int_equal(c.types, OBJECT_BIT(OBJECT_FACE) | OBJECT_BIT(OBJECT_LICENSE_PLATE));
    assert_true(c.request.save_binary && c.request.save_instance);
    assert_true(c.request.threshold[OBJECT_PERSON] == 0.4);
    config_finish(&c);
}

static void an_endpoint_is_a_url_to_which_paths_can_be_appended(void **state)
{
    static const char *const wrong[] = {"localhost:7000", "ftp://host/", "http://", "https:///x", "http://:80",
        "http://a b", "http://host/?a=1", "http://host/#x", "//host", "http:/host"};
    static const char *const right[] = {"https://host", "HTTP://host:81/a/b", "http://[::1]:7000", "http://10.0.0.1"};
    struct config c;
    struct error err = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(load(&c, &err, "--api-endpoint", wrong[i], NULL), -EINVAL);
        assert_non_null(strstr(err.text, "api-endpoint: '"));
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_int_equal(load(&c, &err, "--api-endpoint", right[i], NULL), 0);
        assert_string_equal(c.api_endpoint, right[i]);
        config_finish(&c);
    }
    assert_int_equal(load(&c, &err, "--api-endpoint", "", NULL), 0);
    assert_null(c.api_endpoint);
    config_finish(&c);
}

static void repeatable_options_start_anew_in_each_source(void **state)
{
    struct config c;
    struct error err = {0};
    setenv("OBSCURA_ANONYMIZE", "person,vehicle", 1);
    assert_int_equal(load(&c, &err, "--port=0", NULL), 0);
    assert_int_equal(c.types, OBJECT_BIT(OBJECT_PERSON) | OBJECT_BIT(OBJECT_VEHICLE));
    config_finish(&c);
    assert_int_equal(load(&c, &err, "-a", "face", "--save_mask", "instance:50", NULL), 0);
    assert_int_equal(c.types, OBJECT_BIT(OBJECT_FACE));
    assert_false(c.request.save_binary);
    assert_true(c.request.instance_scale == 50);
    config_finish(&c);
    unsetenv("OBSCURA_ANONYMIZE");
}

static void later_sources_win(void **state)
{
    char path[] = "/tmp/obscura-test-XXXXXX", flag[64];
    int fd = mkstemp(path);
    assert_true(dprintf(fd, "# a comment\n\nface-threshold = 0.1\n port=7001 \nmax_upload = 20M\n") > 0);
    close(fd);
    setenv("OBSCURA_PORT", "7002", 1);
    snprintf(flag, sizeof flag, "--config=%s", path);
    struct config c;
    struct error err = {0};
    assert_int_equal(load(&c, &err, flag, "--face-threshold", "0.2", NULL), 0);
    assert_int_equal(c.port, 7002);
    assert_int_equal(c.max_upload, 20 << 20);
    assert_true(c.request.threshold[OBJECT_FACE] == 0.2);
    config_finish(&c);
    unsetenv("OBSCURA_PORT");
    FILE *f = fopen(path, "w");
    fprintf(f, "face-treshold = 1\n");
    fclose(f);
    assert_int_equal(load(&c, &err, flag, NULL), -EINVAL);
    assert_non_null(strstr(err.text, "did you mean face-threshold?"));
    f = fopen(path, "w");
    fprintf(f, "port = 1\nnonsense = 1\n");
    fclose(f);
    assert_int_equal(load(&c, &err, flag, NULL), -EINVAL);
    assert_non_null(strstr(err.text, "line 2"));
    assert_non_null(strstr(err.text, "nonsense"));
    unlink(path);
}

static void misspelt_variables_are_refused_others_are_told(void **state)
{
    static const struct {
        const char *variable, *want;
    } wrong[] = {
        {"OBSCURA_FACE_TRESHOLD", "did you mean OBSCURA_FACE_THRESHOLD?"},
        {"OBSCURA_face_threshold", "did you mean OBSCURA_FACE_THRESHOLD?"},
        {"OBSCURA_STRIP_METADTA", "did you mean OBSCURA_STRIP_METADATA?"},
        {"OBSCURA_DELETE_ORIGINAL", "did you mean OBSCURA_DELETE_ORIGINALS?"},
    };
    static const char *const others[] = {"OBSCURA_BUILD", "OBSCURA_SHARED", "OBSCURA_DAMAGED", "OBSCURA_TEST_DATABASE",
        "OBSCURA_TEST_ALONE", "OBSCURA_TEST_LOG", "OBSCURA_VERSION", "OBSCURA_SERVICE_HOST", "OBSCURA_PORT_7000_TCP"};
    struct config c;
    struct error err = {0};
    char name[CONFIG_VARIABLE_SIZE];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv(wrong[i].variable, "0.2", 1);
        assert_int_equal(load(&c, &err, "--port", "0", NULL), -EINVAL);
        if (!strstr(err.text, wrong[i].want) || !strstr(err.text, wrong[i].variable))
            fail_msg("%s: %s", wrong[i].variable, err.text);
        unsetenv(wrong[i].variable);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        setenv(others[i], "x", 1);
        if (load(&c, &err, "--port", "0", NULL))
            fail_msg("%s: %s", others[i], err.text);
        config_finish(&c);
        size_t at = 0;
        bool told = false;
        while (config_stray_variable(&at, name))
            told |= strcmp(name, others[i]) == 0;
        assert_true(told);
        unsetenv(others[i]);
    }
}

static void bad_values_are_named_with_what_is_allowed(void **state)
{
    static const struct {
        const char *flag, *value, *want;
    } cases[] = {
        {"--port", "70000", "a whole number from 0 to 65535"},
        {"--method", "blurr", "one of blur, pixelate, blacken, detect"},
        {"--face-threshold", "1.5", "a number from 0 to 1"},
        {"--face-threshold", "nan", "a number from 0 to 1"},
        {"--mask-scale", "0", "above 0"},
        {"-a", "cat", "one of face"},
        {"--max-upload", "10X", "with K, M, G or T"},
        {"--max-upload", "99999999999999T", "with K, M, G or T"},
        {"--format", "{\"number\":[0,2]}", "whole"},
        {"--ignores", "[{\"topLeftX\":1}]", "JSON list"},
        {"--save-mask", "both", "all, binary, instance or none"},
        {"--save-mask", "binary:0", "all, binary, instance or none"},
        {"--frobnicate", "1", "unknown option"},
        {"--face-treshold", "1", "did you mean --face-threshold"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config c;
        struct error err = {0};
        assert_int_equal(load(&c, &err, cases[i].flag, cases[i].value, NULL), -EINVAL);
        if (!strstr(err.text, cases[i].want))
            fail_msg("%s %s: %s", cases[i].flag, cases[i].value, err.text);
        assert_null(strchr(err.text, '\n'));
    }
}

static void requests_override_the_servers_defaults(void **state)
{
    struct config c;
    struct error err = {0};
    struct config_request r;
    assert_int_equal(load(&c, &err, "-a", "face", "-a", "person", "--person-threshold", "0.3", NULL), 0);
    config_request_begin(&r, &c);
    assert_int_equal(config_request_end(&r, &c, &err), 0);
    assert_int_equal(r.options.types, c.types);

    config_request_begin(&r, &c);
    assert_int_equal(config_request_add(&r, "face", "True", &err), 0);
    assert_int_equal(config_request_add(&r, "segmentation_threshold", "0.7", &err), 0);
    assert_int_equal(config_request_add(&r, "vehicle_threshold", "0.6", &err), 0);
    assert_int_equal(config_request_add(&r, "quality", "0", &err), 0);
    assert_int_equal(config_request_add(&r, "save_mask", "", &err), 0);
    assert_int_equal(config_request_end(&r, &c, &err), 0);
    assert_int_equal(r.options.types, OBJECT_BIT(OBJECT_FACE));
    assert_true(r.options.threshold[OBJECT_PERSON] == 0.7 && r.options.threshold[OBJECT_VEHICLE] == 0.6);
    assert_int_equal(r.options.quality, 90);

    config_request_begin(&r, &c); /* repeated, it adds */
    assert_int_equal(config_request_add(&r, "save-mask", "binary:50", &err), 0);
    assert_true(r.options.save_binary && !r.options.save_instance);
    assert_int_equal(config_request_add(&r, "save_mask", "instance:25", &err), 0);
    assert_true(r.options.save_binary && r.options.binary_scale == 50);
    assert_true(r.options.save_instance && r.options.instance_scale == 25);

    config_request_begin(&r, &c);
    assert_int_equal(config_request_add(&r, "vehicle", "1", &err), 0);
    assert_int_equal(config_request_end(&r, &c, &err), -EINVAL);
    assert_non_null(strstr(err.text, "-a vehicle"));
    assert_int_equal(config_request_add(&r, "licence-plate", "1", &err), -ENOENT);
    assert_non_null(strstr(err.text, "license-plate"));
    assert_int_equal(config_request_add(&r, "port", "1", &err), -ENOENT);
    config_finish(&c);
}

static void requests_survive_json(void **state)
{
    struct config c;
    struct error err = {0};
    struct config_request r;
    assert_int_equal(load(&c, &err, "--bbox", NULL), 0);
    config_request_begin(&r, &c);
    assert_int_equal(config_request_add(&r, "format", "{\"number\": [3, 2], \"overlap\": [0.25, 100]}", &err), 0);
    assert_int_equal(
        config_request_add(&r, "ignores", "[{\"topLeftX\": 1,\"topLeftY\": 2,\"width\":3,\"height\":4}]", &err), 0);
    assert_int_equal(config_request_add(&r, "method", "pixelate", &err), 0);
    assert_int_equal(config_request_add(&r, "face-threshold", "0.123456789", &err), 0);
    assert_int_equal(config_request_end(&r, &c, &err), 0);
    char *json;
    struct request_options back;
    assert_int_equal(config_request_to_json(&r.options, &json), 0);
    assert_int_equal(config_request_from_json(json, &back, &err), 0);
    assert_memory_equal(&back.format, &r.options.format, sizeof back.format);
    assert_int_equal(back.ignore_count, 1);
    assert_memory_equal(back.ignores, r.options.ignores, sizeof back.ignores[0]);
    assert_int_equal(back.method, METHOD_PIXELATE);
    assert_true(back.bbox && back.types == r.options.types && back.threshold[OBJECT_FACE] == 0.123456789);
    char *again;
    assert_int_equal(config_request_to_json(&back, &again), 0);
    assert_string_equal(json, again);
    free(json);
    free(again);
    config_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_references_start_line),
        cmocka_unit_test(an_endpoint_is_a_url_to_which_paths_can_be_appended),
        cmocka_unit_test(repeatable_options_start_anew_in_each_source),
        cmocka_unit_test(later_sources_win),
        cmocka_unit_test(misspelt_variables_are_refused_others_are_told),
        cmocka_unit_test(bad_values_are_named_with_what_is_allowed),
        cmocka_unit_test(requests_override_the_servers_defaults),
        cmocka_unit_test(requests_survive_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
