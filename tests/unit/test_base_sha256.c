/* SHA-256 and its HMAC against the standards' own examples (FIPS 180-4, RFC 4231), whole and in pieces. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"

static void expect(const uint8_t digest[SHA256_SIZE], const char *hex)
{
    char text[2 * SHA256_SIZE + 1];
    for (int i = 0; i < SHA256_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, hex);
}

static void examples(void **state)
{
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 70; piece++) {
            struct sha256 s;
            uint8_t digest[SHA256_SIZE];
            assert_int_equal(sha256_init(&s), 0);
            for (size_t at = 0, len = strlen(cases[i].text); at < len; at += piece)
                sha256_update(&s, cases[i].text + at, len - at < piece ? len - at : piece);
            sha256_final(&s, digest);
            expect(digest, cases[i].hex);
        }
}

static void hmac(void **state)
{
    uint8_t digest[SHA256_SIZE], key[131];
    memset(key, 0xaa, sizeof key);
    assert_int_equal(sha256_hmac("Jefe", 4, "what do ya want for nothing?", 28, digest), 0);
    expect(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(
        sha256_hmac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54, digest), 0);
    expect(digest, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples), cmocka_unit_test(hmac)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
