/* SPDX-License-Identifier: Apache-2.0 */
/* SETTINGS payloads: values, order, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/bytes.h"
#include "h2/settings.h"

static h2_fault decode(const char *payload, size_t size, h2_role from, settings *into)
{
    return settings_decode((proa_bytes){ payload, size }, from, 32, into);
}

static h2_fault decode_one(unsigned id, uint32_t value, h2_role from, settings *into)
{
    char payload[6] = { 0, (char)id };
    bytes_put_u32_be(payload + 2, value);
    return decode(payload, 6, from, into);
}

static void values_apply_in_order(void **state)
{
    (void)state;
    settings s = settings_default;
    assert_int_equal(decode("\0\4\0\0\0\5"
                            "\0\3\0\0\0\7"
                            "\0\4\0\0\0\6",
                            18, H2_CLIENT, &s)
                         .scope,
                     H2_SCOPE_NONE);
    assert_int_equal(s.window_bytes, 6);
    assert_int_equal(s.streams_max, 7);
    assert_int_equal(s.frame_bytes_max, 16384);
}

static void a_fault_applies_nothing(void **state)
{
    (void)state;
    settings s = settings_default;
    assert_int_equal(decode("\0\3\0\0\0\7"
                            "\0\5\0\0\0\0",
                            12, H2_CLIENT, &s)
                         .code,
                     H2_PROTOCOL_ERROR);
    assert_memory_equal(&s, &settings_default, sizeof s);
}

/* RFC 9113 6.5.2 */
static void each_value_has_its_range(void **state)
{
    (void)state;
    static const struct {
        unsigned id;
        uint32_t value;
        h2_role from;
        uint32_t code;
    } cases[] = {
        { 1, 0, H2_CLIENT, 0 },
        { 1, UINT32_MAX, H2_CLIENT, 0 },
        { 2, 0, H2_SERVER, 0 },
        { 2, 1, H2_CLIENT, 0 },
        { 2, 1, H2_SERVER, H2_PROTOCOL_ERROR },
        { 2, 2, H2_CLIENT, H2_PROTOCOL_ERROR },
        { 3, 0, H2_CLIENT, 0 },
        { 3, UINT32_MAX, H2_CLIENT, 0 },
        { 4, 0, H2_CLIENT, 0 },
        { 4, 0x7fffffff, H2_CLIENT, 0 },
        { 4, 0x80000000, H2_CLIENT, H2_FLOW_CONTROL_ERROR },
        { 5, 16383, H2_CLIENT, H2_PROTOCOL_ERROR },
        { 5, 16384, H2_CLIENT, 0 },
        { 5, 16777215, H2_CLIENT, 0 },
        { 5, 16777216, H2_CLIENT, H2_PROTOCOL_ERROR },
        { 6, 0, H2_CLIENT, 0 },
        { 6, UINT32_MAX, H2_CLIENT, 0 },
        { 0, 5, H2_CLIENT, 0 },
        { 7, 5, H2_CLIENT, 0 },
        { 0xf0, 5, H2_SERVER, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        settings s = settings_default;
        h2_fault fault = decode_one(cases[i].id, cases[i].value, cases[i].from, &s);
        assert_int_equal(fault.code, cases[i].code);
        assert_int_equal(fault.scope, cases[i].code ? H2_SCOPE_CONNECTION : H2_SCOPE_NONE);
    }
}

static void an_identifier_is_two_bytes(void **state)
{
    (void)state;
    settings s = settings_default;
    assert_int_equal(decode("\1\4\0\0\0\5", 6, H2_CLIENT, &s).scope, H2_SCOPE_NONE);
    assert_memory_equal(&s, &settings_default, sizeof s);
}

static void entries_are_counted(void **state)
{
    (void)state;
    settings s = settings_default;
    char payload[33 * 6] = { 0 };
    assert_int_equal(decode(payload, 32 * 6, H2_CLIENT, &s).scope, H2_SCOPE_NONE);
    assert_int_equal(decode(payload, 33 * 6, H2_CLIENT, &s).code, H2_ENHANCE_YOUR_CALM);
}

static void only_what_differs_is_written(void **state)
{
    (void)state;
    char out[SETTINGS_SIZE_MAX];
    assert_int_equal(settings_encode(&settings_default, out), 0);
    settings s = { 1, 0, 2, 3, 16385, 5 }, again = settings_default;
    size_t size = settings_encode(&s, out);
    assert_int_equal(size, SETTINGS_SIZE_MAX);
    assert_int_equal(decode(out, size, H2_SERVER, &again).scope, H2_SCOPE_NONE);
    assert_memory_equal(&s, &again, sizeof s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_apply_in_order),    cmocka_unit_test(a_fault_applies_nothing),
        cmocka_unit_test(each_value_has_its_range), cmocka_unit_test(an_identifier_is_two_bytes),
        cmocka_unit_test(entries_are_counted),      cmocka_unit_test(only_what_differs_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
