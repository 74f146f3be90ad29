/* File names that clients send, and the first bytes of what they upload. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "api/names.h"
#include "api/sniff.h"

static void cleaned(void **state)
{
    static const struct {
        const char *sent, *kept;
    } cases[] = {
        {"photo.jpg", "photo.jpg"},
        {"../../etc/passwd", "passwd"},
        {"C:\\Users\\me\\a b.png", "a b.png"},
        {"/", ""},
        {"..", ""},
        {".", ""},
        {"", ""},
        {"a\r\nb\x7f.jpg", "a__b_.jpg"},
        {"stra\xc3\x9f"
         "e.jpg",
            "stra\xc3\x9f"
            "e.jpg"},
        {"bad\xff\xc3.jpg", "bad__.jpg"},
        {"over\xc0\xaflong", "over__long"},
        {"half\xe2\x82", "half__"},
        {"surrogate\xed\xa0\x80", "surrogate___"},
        {"\xf0\x9f\x98\x80.png", "\xf0\x9f\x98\x80.png"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[NAMES_SIZE];
        names_clean(cases[i].sent, out);
        assert_string_equal(out, cases[i].kept);
    }
}

static void long_names_end_at_a_character(void **state)
{
    char sent[1000], out[NAMES_SIZE];
    for (size_t i = 0; i + 2 < sizeof sent; i += 2)
        memcpy(sent + i, "\xc3\xa4", 3);
    names_clean(sent, out);
    assert_int_equal(strlen(out), 254);
}

static void dispositions(void **state)
{
    struct http_response rs;
    struct task t;
    http_response_init(&rs);
    task_init(&t);
    task_set(&t.filename, "street.tar.jpg");
    names_set_disposition(&rs, &t, "anonymised", "png");
    assert_string_equal(rs.headers[0].value, "attachment; filename=\"street.tar-anonymised.png\"");
    task_set(&t.filename, "\xc3\xa4\"b.jpg");
    names_set_disposition(&rs, &t, "metadata", "json");
    assert_string_equal(
        rs.headers[0].value, "attachment; filename=\"__b-metadata.json\"; filename*=UTF-8''%C3%A4%22b-metadata.json");
    task_finish(&t);
    http_response_finish(&rs);
}

static void types(void **state)
{
    uint8_t ts[SNIFF_SIZE] = {0};
    for (size_t i = 0; i < sizeof ts; i += 188)
        ts[i] = 0x47;
    static const struct {
        const char *bytes;
        size_t len;
        const char *type;
        bool video;
    } cases[] = {
        {"\xff\xd8\xff\xe0", 4, "image/jpeg", false},
        {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16, "image/png", false},
        {"\0\0\0\x18"
         "ftypisom",
            12, "video/mp4", true},
        {"\0\0\0\x14"
         "ftypqt  ",
            12, "video/quicktime", true},
        {"\0\0\0\x14"
         "ftypheic",
            12, NULL, true},
        {"\x1a\x45\xdf\xa3....webm", 12, "video/webm", true},
        {"\x1a\x45\xdf\xa3....matroska", 16, "video/x-matroska", true},
        {"RIFF....AVI LIST", 16, "video/x-msvideo", true},
        {"RIFF....WAVEfmt ", 16, NULL, true},
        {"GIF89a", 6, NULL, true},
        {"<html>", 6, NULL, true},
        {"G", 1, NULL, true},
        {"", 0, NULL, true},
    };
    bool video;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *type = sniff_type((const uint8_t *)cases[i].bytes, cases[i].len, &video);
        if (!cases[i].type) {
            assert_null(type);
            continue;
        }
        assert_non_null(type);
        assert_string_equal(type, cases[i].type);
        assert_int_equal(video, cases[i].video);
    }
    assert_string_equal(sniff_type(ts, sizeof ts, &video), "video/mp2t");
    ts[188] = 0;
    assert_null(sniff_type(ts, sizeof ts, &video));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cleaned),
        cmocka_unit_test(long_names_end_at_a_character),
        cmocka_unit_test(dispositions),
        cmocka_unit_test(types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
