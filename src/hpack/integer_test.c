/* SPDX-License-Identifier: Apache-2.0 */
/* Integers of HPACK: RFC 7541 C.1, both ways, and every way to be wrong. */
#include "hpack/hpack_testlib.h"
#include "hpack/integer.h"

static const uint8_t *decode(const char *hex, unsigned bits, uint32_t *value, size_t *used)
{
    sample sample = sample_of_hex(hex);
    const uint8_t *at = (const uint8_t *)sample.data;
    const uint8_t *next = integer_decode(at, at + sample.size, bits, value);
    *used = next ? (size_t)(next - at) : 0;
    sample_free(&sample);
    return next;
}

static void expect_both_ways(const char *hex, unsigned flags, unsigned bits, uint32_t value)
{
    sample sample = sample_of_hex(hex);
    uint32_t got = 0;
    size_t used;
    assert_non_null(decode(hex, bits, &got, &used));
    assert_int_equal(got, value);
    assert_int_equal(used, sample.size);
    char encoded[INTEGER_SIZE_MAX];
    assert_int_equal(integer_encode(encoded, flags, bits, value) - encoded, sample.size);
    assert_memory_equal(encoded, sample.data, sample.size);
    sample_free(&sample);
}

static void examples_of_the_rfc_hold_both_ways(void **state)
{
    (void)state;
    expect_both_ways("0a", 0, 5, 10);       /* RFC 7541 C.1.1 */
    expect_both_ways("1f9a0a", 0, 5, 1337); /* RFC 7541 C.1.2 */
    expect_both_ways("2a", 0, 8, 42);       /* RFC 7541 C.1.3 */
}

static void edges_of_a_prefix_hold_both_ways(void **state)
{
    (void)state;
    expect_both_ways("fe", 0x80, 7, 126);
    expect_both_ways("ff00", 0x80, 7, 127);
    expect_both_ways("ff01", 0x80, 7, 128);
    expect_both_ways("0f7f", 0, 4, 142);
    expect_both_ways("0f8001", 0, 4, 143);
    expect_both_ways("7fc0ffffff0f", 0x40, 6, UINT32_MAX);
}

static void bits_above_the_prefix_are_not_part_of_it(void **state)
{
    (void)state;
    uint32_t value = 0;
    size_t used;
    assert_non_null(decode("eabb", 5, &value, &used));
    assert_int_equal(value, 10);
    assert_int_equal(used, 1);
}

static void zeros_may_pad_up_to_five_bytes(void **state)
{
    (void)state;
    uint32_t value = 0;
    size_t used;
    assert_non_null(decode("1f8080808000", 5, &value, &used));
    assert_int_equal(value, 31);
    assert_null(decode("1f808080808000", 5, &value, &used));
    assert_null(decode("1f80808080808080808080808000", 5, &value, &used));
}

static void too_large_is_refused(void **state)
{
    (void)state;
    uint32_t value = 0;
    size_t used;
    assert_non_null(decode("1fe0ffffff0f", 5, &value, &used));
    assert_int_equal(value, UINT32_MAX);
    assert_null(decode("1fe1ffffff0f", 5, &value, &used));
    assert_null(decode("1f8080808010", 5, &value, &used));
    assert_null(decode("1fffffffff7f", 5, &value, &used));
}

static void cut_short_is_refused_at_every_byte(void **state)
{
    (void)state;
    uint32_t value = 0;
    size_t used;
    assert_null(decode("1f", 5, &value, &used));
    assert_null(decode("1f80", 5, &value, &used));
    assert_null(decode("1f808080", 5, &value, &used));
    assert_null(decode("1fffffffff", 5, &value, &used));
}

static void random_values_come_back(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        uint64_t random = next_random(&seed);
        uint32_t value = (uint32_t)(random >> 32) >> (random & 31), got = 0;
        unsigned bits = 4 + (unsigned)(random >> 8 & 3);
        char encoded[INTEGER_SIZE_MAX];
        char *end = integer_encode(encoded, 0, bits, value);
        sample sample = sample_of(encoded, (size_t)(end - encoded));
        const uint8_t *at = (const uint8_t *)sample.data;
        assert_ptr_equal(integer_decode(at, at + sample.size, bits, &got), at + sample.size);
        assert_int_equal(got, value);
        sample_free(&sample);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc_hold_both_ways),
        cmocka_unit_test(edges_of_a_prefix_hold_both_ways),
        cmocka_unit_test(bits_above_the_prefix_are_not_part_of_it),
        cmocka_unit_test(zeros_may_pad_up_to_five_bytes),
        cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test(cut_short_is_refused_at_every_byte),
        cmocka_unit_test(random_values_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
