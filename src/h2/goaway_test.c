/* SPDX-License-Identifier: Apache-2.0 */
/* The peer's GOAWAY, and the patience between our two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "h2/goaway.h"

static void the_last_id_only_falls(void **state)
{
    (void)state;
    goaway g = { 0 };
    assert_false(goaway_receive(&g, 0x7fffffff));
    assert_false(goaway_receive(&g, 7));
    assert_false(goaway_receive(&g, 7));
    assert_true(goaway_receive(&g, 9));
    assert_int_equal(g.peer_last_id, 7);
    assert_false(goaway_receive(&g, 0));
    assert_int_equal(g.peer_last_id, 0);
}

static void the_second_one_does_not_wait_for_ever(void **state)
{
    (void)state;
    goaway g = { .step = GOAWAY_WARNED, .warned_at = 100 };
    assert_false(goaway_is_late(&g, 100 + GOAWAY_NOTICE_NS - 1));
    assert_true(goaway_is_late(&g, 100 + GOAWAY_NOTICE_NS));
    g.step = GOAWAY_FINAL;
    assert_false(goaway_is_late(&g, 100 + GOAWAY_NOTICE_NS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_id_only_falls),
        cmocka_unit_test(the_second_one_does_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
