/* SPDX-License-Identifier: Apache-2.0 */
/* The waits of doc/connection-backoff.md: how they grow, where they end, how they are spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/base.h"
#include "client/backoff.h"

static void waits_grow_by_1_6_from_1_s_to_120_s_within_a_fifth(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        backoff b;
        backoff_init(&b, PROA_SECOND, 120 * PROA_SECOND, seed);
        int64_t base = PROA_SECOND;
        for (int i = 0; i < 20; i++, base = base * 8 / 5 < 120 * PROA_SECOND ? base * 8 / 5 : 120 * PROA_SECOND) {
            int64_t wait = backoff_next(&b);
            assert_true(wait >= base / 10000 * 7999 && wait <= base / 10000 * 12001);
        }
        backoff_reset(&b);
        assert_true(backoff_next(&b) <= PROA_SECOND * 12 / 10);
    }
}

/* A herd would be seeds that agree, or that crowd at one end. */
static void seeds_are_spread_over_the_whole_width(void **state)
{
    (void)state;
    unsigned tenths[10] = { 0 };
    for (uint64_t seed = 0; seed < 10000; seed++) {
        backoff b;
        backoff_init(&b, PROA_SECOND, 120 * PROA_SECOND, seed);
        int64_t over = backoff_next(&b) - PROA_SECOND * 8 / 10;
        tenths[over / (PROA_SECOND * 4 / 100 + 1)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(tenths[i], 850, 1150);
}

static void same_seed_same_waits(void **state)
{
    (void)state;
    backoff a, b;
    backoff_init(&a, PROA_SECOND, 120 * PROA_SECOND, 7);
    backoff_init(&b, PROA_SECOND, 120 * PROA_SECOND, 7);
    for (int i = 0; i < 30; i++)
        assert_int_equal(backoff_next(&a), backoff_next(&b));
}

static void odd_settings_stay_in_their_bounds(void **state)
{
    (void)state;
    static const int64_t settings[][2] = {
        { 1, 1 }, { 50, 10 }, { INT64_MAX / 4, INT64_MAX / 4 }, { 3, INT64_MAX / 4 }
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        backoff b;
        backoff_init(&b, settings[i][0], settings[i][1], i);
        for (int k = 0; k < 200; k++) {
            int64_t wait = backoff_next(&b);
            assert_true(wait > 0 && wait / 6 <= settings[i][1] / 5 + 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow_by_1_6_from_1_s_to_120_s_within_a_fifth),
        cmocka_unit_test(seeds_are_spread_over_the_whole_width),
        cmocka_unit_test(same_seed_same_waits),
        cmocka_unit_test(odd_settings_stay_in_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
