/* SPDX-License-Identifier: Apache-2.0 */
/* What a user may write for a place, what comes of it, and what is said about the rest. */
#include "io/address.h"
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

typedef struct good {
    const char *text;
    int port_default, port;
    const char *host;
    const char *addresses; /* as io_address_format has them, a space between */
} good;

static const good goods[] = {
    { "127.0.0.1:80", -1, 80, "127.0.0.1", "ipv4:127.0.0.1:80" },
    { "127.0.0.1", 443, 443, "127.0.0.1", "ipv4:127.0.0.1:443" },
    { "0.0.0.0:0", -1, 0, "0.0.0.0", "ipv4:0.0.0.0:0" },
    { "[::1]:80", -1, 80, "::1", "ipv6:[::1]:80" },
    { "[::]:65535", -1, 65535, "::", "ipv6:[::]:65535" },
    { "[2001:DB8::1]", 7, 7, "2001:DB8::1", "ipv6:[2001:db8::1]:7" },
    { "::1", 7, 7, "::1", "ipv6:[::1]:7" },
    { "[::ffff:192.0.2.1]:5", -1, 5, "::ffff:192.0.2.1", "ipv4:192.0.2.1:5" },
    { "[fe80::1%lo]:9", -1, 9, "fe80::1%lo", "ipv6:[fe80::1%lo]:9" },
    { "localhost:80", -1, 80, "localhost", "ipv6:[::1]:80 ipv4:127.0.0.1:80" },
    { "LocalHost.:80", -1, 80, "LocalHost.", "ipv6:[::1]:80 ipv4:127.0.0.1:80" },
    { "example.com:80", -1, 80, "example.com", "" },
    { "example.com", 443, 443, "example.com", "" },
    { "localhost.example:1", -1, 1, "localhost.example", "" },
    { "my_service-1.:1", -1, 1, "my_service-1.", "" },
    { "dns:example.com:80", -1, 80, "example.com", "" },
    { "dns:///example.com:80", -1, 80, "example.com", "" },
    { "dns:///localhost", 5, 5, "localhost", "ipv6:[::1]:5 ipv4:127.0.0.1:5" },
    { "dns:[::1]:80", -1, 80, "::1", "ipv6:[::1]:80" },
    { "dns:80", -1, 80, "dns", "" },
    { "ipv4:1.2.3.4:5", -1, 5, "1.2.3.4", "ipv4:1.2.3.4:5" },
    { "ipv4:1.2.3.4:5,6.7.8.9", 10, 5, "1.2.3.4", "ipv4:1.2.3.4:5 ipv4:6.7.8.9:10" },
    { "ipv6:[::1]:5,[::2]:6", -1, 5, "::1", "ipv6:[::1]:5 ipv6:[::2]:6" },
    { "unix:/run/a.sock", -1, 0, "/run/a.sock", "unix:/run/a.sock" },
    { "unix:///run/a.sock", -1, 0, "/run/a.sock", "unix:/run/a.sock" },
    { "unix:a.sock", -1, 0, "a.sock", "unix:a.sock" },
    { "unix-abstract:name", -1, 0, "name", "unix-abstract:name" },
};

static void good_ones_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
        io_target target;
        proa_error error = { .text = "" };
        char addresses[512] = "";
        if (io_target_parse(goods[i].text, goods[i].port_default, &target, &error))
            fail_msg("%s: %s", goods[i].text, error.text);
        assert_string_equal(target.host, goods[i].host);
        assert_int_equal(target.port, goods[i].port);
        assert_int_equal(target.is_unix, strncmp(goods[i].text, "unix", 4) == 0);
        for (unsigned a = 0; a < target.addresses.count; a++) {
            char one[160];
            io_address_format(&target.addresses.items[a], one, sizeof one);
            size_t size = strlen(addresses);
            snprintf(addresses + size, sizeof addresses - size, "%s%s", a ? " " : "", one);
        }
        assert_string_equal(addresses, goods[i].addresses);
        assert_int_equal(target.is_numeric,
                         target.addresses.count && !target.is_unix && target.host[0] != 'l' && target.host[0] != 'L');
    }
}

static const struct {
    const char *text, *says;
} bads[] = {
    { "", "the address is empty" },
    { NULL, "the address is empty" },
    { "localhost", "\"localhost\": the port is missing" },
    { "::1", "\"::1\": the port is missing" },
    { "localhost:", "\"localhost:\": the port \"\" is not a number from 0 to 65535" },
    { "localhost:65536", "\"localhost:65536\": the port \"65536\" is not a number from 0 to 65535" },
    { "localhost:http", "\"localhost:http\": the port \"http\" is not a number from 0 to 65535" },
    { "localhost:-1", "\"localhost:-1\": the port \"-1\" is not a number from 0 to 65535" },
    { "localhost: 80", "\"localhost: 80\": the port \" 80\" is not a number from 0 to 65535" },
    { "localhost:000080", "\"localhost:000080\": the port \"000080\" is not a number from 0 to 65535" },
    { ":80", "\":80\": the host is missing" },
    { "[]:80", "\"[]:80\": the host is missing" },
    { "[::1:80", "\"[::1:80\": a ] is missing" },
    { "[::1]80", "\"[::1]80\": after ] comes :port" },
    { "[::g]:80", "\"[::g]:80\": \"::g\" is not an IPv6 address" },
    { "[1.2.3.4]:80", "\"[1.2.3.4]:80\": \"1.2.3.4\" is not an IPv6 address" },
    { "[fe80::1%nope0]:80", "\"[fe80::1%nope0]:80\": \"fe80::1%nope0\" is not an IPv6 address" },
    { "256.1.1.1:80", "\"256.1.1.1:80\": neither an IPv4 address nor a host name" },
    { "1.2.3:80", "\"1.2.3:80\": neither an IPv4 address nor a host name" },
    { "a b:80", "\"a b:80\": \" \" does not belong in a host name" },
    { "a\nb:80", "\"a\nb:80\": \"\\x0a\" does not belong in a host name" },
    { "a..b:80", "\"a..b:80\": an empty label in the host name" },
    { ".a:80", "\".a:80\": an empty label in the host name" },
    { "http://a:80", "\"http://a:80\": \"http\" is not a known scheme; write host:port" },
    { "dns://8.8.8.8/a:80",
      "\"dns://8.8.8.8/a:80\": a DNS server of its own is not supported; write dns:///host:port" },
    { "dns:///:80", "\"dns:///:80\": the host is missing" },
    { "ipv4:[::1]:80", "\"ipv4:[::1]:80\": \"::1\" is not an IPv4 address" },
    { "ipv4:a:80", "\"ipv4:a:80\": \"a\" is not an IPv4 address" },
    { "ipv6:1.2.3.4:80", "\"ipv6:1.2.3.4:80\": \"1.2.3.4\" is not an IPv6 address" },
    { "ipv4:1.2.3.4:80,", "\"ipv4:1.2.3.4:80,\": the host is missing" },
    { "unix:", "\"unix:\": the path is missing" },
    { "unix://host/path", "\"unix://host/path\": write unix:path or unix:///absolute/path" },
    { "unix-abstract:", "\"unix-abstract:\": the name is missing" },
};

static void bad_ones_are_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        io_target target = { .port = 77 };
        proa_error error = { .text = "" };
        assert_int_equal(io_target_parse(bads[i].text, -1, &target, &error), PROA_ERR_ADDRESS);
        assert_int_equal(error.code, PROA_ERR_ADDRESS);
        assert_int_equal(target.port, 77);
        assert_string_equal(error.text, bads[i].says);
        assert_int_equal(io_target_parse(bads[i].text, -1, &target, NULL), PROA_ERR_ADDRESS);
    }
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[2000];
    for (size_t size = 1; size < sizeof text - 8; size++) {
        io_target target;
        memset(text, 'a', sizeof text);
        memcpy(text, "unix:", 5);
        text[5 + size] = '\0';
        assert_int_equal(io_target_parse(text, -1, &target, NULL) == PROA_ERR_NONE, size <= 107);
        memcpy(text + size, ":80", 4);
        memset(text, 'a', 5);
        text[0] = size > 5 ? 'a' : text[0];
        if (size > 5)
            assert_int_equal(io_target_parse(text, -1, &target, NULL) == PROA_ERR_NONE, size <= 253);
    }
    size_t at = (size_t)snprintf(text, sizeof text, "ipv4:1.1.1.1:1");
    for (int i = 1; i <= 17; i++) {
        io_target target;
        if (i > 1)
            at += (size_t)snprintf(text + at, sizeof text - at, ",1.1.1.1:1");
        assert_int_equal(io_target_parse(text, -1, &target, NULL) == PROA_ERR_NONE, i <= IO_ADDRESSES_MAX);
    }
}

/* Every prefix of every case, and every case with one byte changed, is read or refused, and never anything else. */
static void nothing_breaks_the_reader(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
        char text[64];
        size_t size = strlen(goods[i].text);
        for (size_t cut = 0; cut <= size; cut++) {
            io_target target;
            proa_error error;
            memcpy(text, goods[i].text, size + 1);
            text[cut] = '\0';
            (void)!io_target_parse(text, -1, &target, &error);
            for (int c = 1; c < 256; c++) {
                memcpy(text, goods[i].text, size + 1);
                text[cut] = (char)c;
                text[size] = '\0';
                (void)!io_target_parse(text, 443, &target, &error);
            }
        }
    }
}

static void loopback_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        { "127.0.0.1:1", true },
        { "127.9.9.9:1", true },
        { "128.0.0.1:1", false },
        { "0.0.0.0:1", false },
        { "[::1]:1", true },
        { "[::]:1", false },
        { "[::ffff:127.0.0.1]:1", true },
        { "[::ffff:1.2.3.4]:1", false },
        { "unix:/a", true },
        { "unix-abstract:a", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        io_target target;
        assert_int_equal(io_target_parse(cases[i].text, -1, &target, NULL), PROA_ERR_NONE);
        assert_int_equal(io_address_is_loopback(&target.addresses.items[0]), cases[i].is);
    }
    const io_address none = { .size = 0 };
    char text[32];
    assert_false(io_address_is_loopback(&none));
    io_address_format(&none, text, sizeof text);
    assert_string_equal(text, "unknown:");
}

static void errors_of_the_system_name_the_address(void **state)
{
    (void)state;
    io_target target;
    proa_error error;
    assert_int_equal(io_target_parse("127.0.0.1:80", -1, &target, NULL), PROA_ERR_NONE);
    assert_int_equal(address_error(&error, PROA_ERR_IO, &target.addresses.items[0], 98), PROA_ERR_IO);
    assert_string_equal(error.text, "127.0.0.1:80: address already in use");
    address_set_port(&target.addresses.items[0], 443);
    char text[8];
    io_address_format(&target.addresses.items[0], text, sizeof text);
    assert_string_equal(text, "ipv4:12");
}

static void addresses_are_compared_and_told_apart(void **state)
{
    (void)state;
    static const char *const texts[] = { "127.0.0.1:1", "127.0.0.1:2", "[::1]:1",         "[::ffff:127.0.0.1]:1",
                                         "unix:/a",     "unix:/b",     "unix-abstract:/a" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        io_target one;
        assert_int_equal(io_target_parse(texts[i], -1, &one, NULL), PROA_ERR_NONE);
        assert_int_equal(io_address_is_v6(&one.addresses.items[0]), i == 2);
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            io_target other;
            assert_int_equal(io_target_parse(texts[k], -1, &other, NULL), PROA_ERR_NONE);
            assert_int_equal(io_address_is_equal(&one.addresses.items[0], &other.addresses.items[0]), i == k);
        }
    }
    char text[32];
    io_target target;
    assert_int_equal(io_target_parse("ipv4:1.2.3.4:5", -1, &target, NULL), PROA_ERR_NONE);
    io_address_text(&target.addresses.items[0], text, sizeof text);
    assert_string_equal(text, "1.2.3.4:5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_read),
        cmocka_unit_test(bad_ones_are_explained),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(nothing_breaks_the_reader),
        cmocka_unit_test(addresses_are_compared_and_told_apart),
        cmocka_unit_test(loopback_is_known),
        cmocka_unit_test(errors_of_the_system_name_the_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
