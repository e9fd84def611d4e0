/* SPDX-License-Identifier: Apache-2.0 */
/* Windows at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "h2/flow.h"

static void window_goes_negative_when_settings_shrink(void **state)
{
    (void)state;
    int32_t window = 100;
    assert_true(flow_grow(&window, -65535));
    assert_int_equal(window, 100 - 65535);
    assert_true(flow_grow(&window, 65535));
    assert_int_equal(window, 100);
}

static void window_never_passes_2_31_minus_1(void **state)
{
    (void)state;
    int32_t window = FLOW_WINDOW_MAX - 1;
    assert_false(flow_grow(&window, 2));
    assert_int_equal(window, FLOW_WINDOW_MAX - 1);
    assert_true(flow_grow(&window, 1));
    assert_false(flow_grow(&window, 1));
    window = 0; /* all was sent, then the initial size falls from the largest to 0 */
    assert_true(flow_grow(&window, -(int64_t)FLOW_WINDOW_MAX));
    assert_int_equal(window, -FLOW_WINDOW_MAX);
    assert_false(flow_grow(&window, -1));
    assert_true(flow_grow(&window, 2 * (int64_t)FLOW_WINDOW_MAX));
    assert_int_equal(window, FLOW_WINDOW_MAX);
}

static void a_sender_may_use_its_window_to_the_byte(void **state)
{
    (void)state;
    flow_receive f = flow_receive_of(10, 10);
    assert_false(flow_take(&f, 11));
    assert_int_equal(f.window, 10);
    assert_true(flow_take(&f, 10));
    assert_true(flow_take(&f, 0));
    assert_false(flow_take(&f, 1));
    f.window = -1;
    assert_false(flow_take(&f, 0));
}

static void credit_is_announced_by_quarters_unless_it_is_urgent(void **state)
{
    (void)state;
    flow_receive f = flow_receive_of(1000, 1000);
    assert_true(flow_take(&f, 800));
    flow_give(&f, 249);
    assert_int_equal(flow_announce(&f, false), 0);
    flow_give(&f, 1);
    assert_int_equal(flow_announce(&f, false), 250);
    assert_int_equal(f.window, 450);
    flow_give(&f, 1);
    assert_int_equal(flow_announce(&f, true), 1);
    assert_int_equal(flow_announce(&f, true), 0);
}

static void a_window_is_low_under_a_quarter(void **state)
{
    (void)state;
    flow_receive f = flow_receive_of(1000, 1000);
    assert_true(flow_take(&f, 750));
    assert_false(flow_is_low(&f));
    assert_true(flow_take(&f, 1));
    assert_true(flow_is_low(&f));
}

static void what_was_lent_is_paid_before_anything_is_owed(void **state)
{
    (void)state;
    flow_receive f = flow_receive_of(1000, 1000);
    assert_true(flow_take(&f, 100));
    flow_give(&f, 60);
    assert_int_equal(flow_missing(&f, 960), 0);
    assert_int_equal(flow_missing(&f, 5000), 4040);
    assert_int_equal(flow_open(&f, 4040), 4100);
    assert_int_equal(f.window, 5000);
    assert_int_equal(f.debt, 4040);
    assert_true(flow_take(&f, 5000));
    flow_give(&f, 4000);
    assert_int_equal(f.owed, 0);
    flow_give(&f, 1040); /* with the 40 of before */
    assert_int_equal(f.owed, 1000);
    assert_int_equal(f.debt, 0);
}

static void a_reader_cannot_open_a_window_too_far(void **state)
{
    (void)state;
    flow_receive f = flow_receive_of(FLOW_WINDOW_MAX / 2, FLOW_WINDOW_MAX / 2);
    assert_int_equal(flow_missing(&f, UINT32_MAX), 0);
    f.window = -100;
    uint32_t extra = flow_missing(&f, UINT32_MAX);
    assert_int_equal(flow_open(&f, extra), FLOW_WINDOW_MAX / 2 + 100);
    assert_int_equal(f.window, FLOW_WINDOW_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_goes_negative_when_settings_shrink),
        cmocka_unit_test(window_never_passes_2_31_minus_1),
        cmocka_unit_test(a_sender_may_use_its_window_to_the_byte),
        cmocka_unit_test(credit_is_announced_by_quarters_unless_it_is_urgent),
        cmocka_unit_test(a_window_is_low_under_a_quarter),
        cmocka_unit_test(what_was_lent_is_paid_before_anything_is_owed),
        cmocka_unit_test(a_reader_cannot_open_a_window_too_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
