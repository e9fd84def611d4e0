/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/timeout.h"
#include "base/bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void formats(int64_t ns, const char *expected)
{
    char out[TIMEOUT_TEXT_MAX];
    size_t size = timeout_format(ns, out);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(out, expected, size);
}

static void parses(const char *text, int64_t expected)
{
    int64_t ns = -1;
    assert_true(timeout_parse(proa_bytes_of(text), &ns));
    assert_int_equal(ns, expected);
}

static void refuses(proa_bytes text)
{
    int64_t ns = -1;
    assert_false(timeout_parse(text, &ns));
    assert_int_equal(ns, -1);
}

static void grpc_timeout_is_written_in_the_coarsest_unit(void **state)
{
    (void)state;
    formats(1, "1n");
    formats(999, "999n");
    formats(1000, "1u");
    formats(PROA_MILLISECOND, "1m");
    formats(1500000, "1500u");
    formats(250 * PROA_MILLISECOND, "250m");
    formats(PROA_SECOND, "1S");
    formats(90 * PROA_SECOND, "90S");
    formats(60 * PROA_SECOND, "1M");
    formats(86400 * PROA_SECOND, "24H");
}

static void grpc_timeout_is_rounded_up_to_three_digits(void **state)
{
    (void)state;
    formats(9987654321, "9990m");
    formats(9990000001, "10S");
    formats(1001, "1010n");
    formats(999999999, "1S");
    formats(123 * 3600 * PROA_SECOND + 1, "443000S");
}

static void grpc_timeout_that_is_over_is_the_smallest(void **state)
{
    (void)state;
    formats(0, "1n");
    formats(-5, "1n");
    formats(INT64_MIN, "1n");
}

static void grpc_timeout_never_has_more_than_eight_digits(void **state)
{
    (void)state;
    formats(INT64_MAX, "2563889H");
    char out[TIMEOUT_TEXT_MAX];
    int64_t back = 0;
    for (int64_t ns = 1; ns < INT64_MAX / 3; ns = ns * 3 - 1 - ns / 7) {
        size_t size = timeout_format(ns, out);
        assert_true(size <= TIMEOUT_TEXT_MAX);
        assert_true(timeout_parse((proa_bytes){ out, size }, &back));
        assert_true(back >= ns && back - ns <= ns / 100 + 1);
        ns += ns == 1;
    }
}

static void grpc_timeout_is_one_to_eight_digits_and_a_unit(void **state)
{
    (void)state;
    parses("0n", 0);
    parses("1H", 3600 * PROA_SECOND);
    parses("2M", 120 * PROA_SECOND);
    parses("3S", 3 * PROA_SECOND);
    parses("00000004m", 4 * PROA_MILLISECOND);
    parses("5u", 5000);
    parses("99999999n", 99999999);
}

static void grpc_timeout_beyond_our_clock_is_clamped(void **state)
{
    (void)state;
    parses("99999999H", INT64_MAX);
    parses("2562047H", INT64_C(2562047) * 3600 * PROA_SECOND);
    parses("2562048H", INT64_MAX);
}

static void grpc_timeout_that_is_malformed_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",   "1",  "H",    "123456789n", "-1S",  "+1S",       " 1S",      "1S ",
                                       "1s", "1h", "1.5S", "1SS",        "0x1S", "1\xc2\xb5", "\xd9\xa1S" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses(proa_bytes_of(bad[i]));
    refuses((proa_bytes){ "1\0S", 3 });
    refuses((proa_bytes){ NULL, 0 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grpc_timeout_is_written_in_the_coarsest_unit),
        cmocka_unit_test(grpc_timeout_is_rounded_up_to_three_digits),
        cmocka_unit_test(grpc_timeout_that_is_over_is_the_smallest),
        cmocka_unit_test(grpc_timeout_never_has_more_than_eight_digits),
        cmocka_unit_test(grpc_timeout_is_one_to_eight_digits_and_a_unit),
        cmocka_unit_test(grpc_timeout_beyond_our_clock_is_clamped),
        cmocka_unit_test(grpc_timeout_that_is_malformed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
