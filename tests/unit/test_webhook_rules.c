/* Which addresses a webhook may reach, and signatures against the convention's own example. */
#include "unit.h"

#include "webhook/address.h"
#include "webhook/sign.h"
#include "webhook/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_public(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return address_is_public((struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return address_is_public((struct sockaddr *)&in6);
}

static void test_addresses(void **state)
{
    static const char *const inside[] = {"127.0.0.1", "127.255.255.255", "0.0.0.0", "10.1.2.3", "100.64.0.1",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "2001::1", "2001:db8::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1"};
    static const char *const outside[] = {"1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.0",
        "192.167.255.255", "192.169.0.1", "223.255.255.255", "2606:4700::1111", "::ffff:8.8.8.8", "2002:0808:0808::1"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (is_public(inside[i]))
            fail_msg("%s is taken for public", inside[i]);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (!is_public(outside[i]))
            fail_msg("%s is not taken for public", outside[i]);
    assert_false(address_is_public(&(struct sockaddr){.sa_family = AF_UNIX}));
}

static void test_urls(void **state)
{
    static const char *const private[] = {"http://127.0.0.1/", "https://127.1:8/x", "http://0x7f000001",
        "http://2130706433/", "http://10.0.0.1", "http://user:word@192.168.1.1/", "http://[::1]:80/",
        "http://[::ffff:10.0.0.1]/", "http://[fe80::1%25eth0]/", "http://localhost:9/", "http://LOCALHOST./",
        "http://a.localhost"};
    static const char *const fine[] = {"https://example.com/a?b=c", "http://1.1.1.1:65535/",
        "http://[2606:4700::1111]/", "http://notlocalhost/", "http://localhost.example.com", "http://10.example.com/"};
    static const char *const never[] = {"http://example.com:0/", "http://example.com:65536/",
        "http://example.com:99999999999", "http://example.com:x/", "http://[::1/", "http://[nonsense]/"};
    struct error err = {0};
    for (size_t i = 0; i < sizeof private / sizeof *private; i++) {
        err.text[0] = 0;
        assert_int_equal(webhook_url_check(private[i], false, &err), -EINVAL);
        if (!strstr(err.text, "--webhook-allow-private"))
            fail_msg("%s: %s", private[i], err.text);
        assert_int_equal(webhook_url_check(private[i], true, &err), 0);
    }
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        if (webhook_url_check(fine[i], false, &err))
            fail_msg("%s: %s", fine[i], err.text);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (!webhook_url_check(never[i], true, &err))
            fail_msg("%s is taken", never[i]);
}

#define EXAMPLE "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define EXAMPLE_SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static void sign_example(const struct sign_keys *keys, char signature[SIGN_SIZE])
{
    assert_int_equal(sign(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}", signature), 0);
}

static void test_the_conventions_example(void **state)
{
    struct sign_keys keys;
    struct error err;
    char signature[SIGN_SIZE];
    assert_int_equal(sign_keys_read(EXAMPLE, &keys, &err), 0);
    assert_int_equal(keys.count, 1);
    assert_int_equal(keys.keys[0].len, 24);
    sign_example(&keys, signature);
    assert_string_equal(signature, EXAMPLE_SIGNATURE);
}

static void test_secrets(void **state)
{
    static const char *const wrong[] = {"", " ", "whsec_", "whsec_a*b=", "whsec_A", "whsec_AAA=A", "a b c d e"};
    struct sign_keys keys;
    struct error err;
    char signature[SIGN_SIZE], other[SIGN_SIZE];
    assert_int_equal(sign_keys_read("plain/text", &keys, &err), 0);
    assert_memory_equal(keys.keys[0].bytes, "plain/text", 10);
    sign_example(&keys, other);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(sign_keys_read(wrong[i], &keys, &err), -EINVAL);
    assert_int_equal(sign_keys_read("whsec_AAA= " EXAMPLE "  plain/text ", &keys, &err), 0);
    assert_int_equal(keys.count, 3);
    assert_int_equal(keys.keys[0].len, 2);
    sign_example(&keys, signature);
    assert_memory_equal(strchr(signature, ' '), " " EXAMPLE_SIGNATURE " ", strlen(EXAMPLE_SIGNATURE) + 2);
    assert_string_equal(strrchr(signature, ' ') + 1, other);
    assert_int_equal(sign_keys_read("a a a a", &keys, &err), 0); /* the longest header */
    sign_example(&keys, signature);
    assert_int_equal(strlen(signature), SIGN_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_the_conventions_example),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
