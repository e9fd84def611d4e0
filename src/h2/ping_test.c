/* SPDX-License-Identifier: Apache-2.0 */
/* gRFC A8: which pings are strikes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "h2/ping.h"

#define MINUTE INT64_C(60000000000)

static void pings_in_time_are_none(void **state)
{
    (void)state;
    ping p = { .last = INT64_MIN };
    assert_false(ping_is_early(&p, true, 5 * MINUTE, 0));
    assert_false(ping_is_early(&p, true, 5 * MINUTE, 5 * MINUTE));
    assert_true(ping_is_early(&p, true, 5 * MINUTE, 10 * MINUTE - 1));
    assert_int_equal(p.strikes, 1);
    assert_true(ping_is_early(&p, true, 5 * MINUTE, 10 * MINUTE)); /* counted from the last one, early or not */
    assert_int_equal(p.strikes, 2);
}

static void without_calls_the_interval_is_two_hours(void **state)
{
    (void)state;
    ping p = { .last = INT64_MIN };
    assert_false(ping_is_early(&p, false, 5 * MINUTE, 0));
    assert_true(ping_is_early(&p, false, 5 * MINUTE, 119 * MINUTE));
    assert_false(ping_is_early(&p, false, 5 * MINUTE, 119 * MINUTE + PING_IDLE_NS));
}

static void a_server_may_permit_them_without_calls(void **state)
{
    (void)state;
    ping p = { .last = INT64_MIN, .is_permitted = true };
    assert_false(ping_is_early(&p, false, 5 * MINUTE, 0));
    assert_false(ping_is_early(&p, false, 5 * MINUTE, 5 * MINUTE));
    assert_true(ping_is_early(&p, false, 5 * MINUTE, 10 * MINUTE - 1));
}

static void sending_forgives(void **state)
{
    (void)state;
    ping p = { .last = INT64_MIN };
    for (int i = 0; i < 3; i++)
        ping_is_early(&p, true, 5 * MINUTE, i);
    assert_int_equal(p.strikes, 2);
    ping_note_sent(&p);
    assert_false(ping_is_early(&p, true, 5 * MINUTE, 4));
    assert_int_equal(p.strikes, 0);
    assert_true(ping_is_early(&p, true, 5 * MINUTE, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings_in_time_are_none),
        cmocka_unit_test(without_calls_the_interval_is_two_hours),
        cmocka_unit_test(a_server_may_permit_them_without_calls),
        cmocka_unit_test(sending_forgives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
