/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "h2/budget.h"

#define MS INT64_C(1000000)

static unsigned take_all(bucket *b, int64_t now)
{
    unsigned count = 0;
    while (bucket_take(b, now) == BUDGET_FINE)
        count++;
    return count;
}

static void a_burst_is_free_then_it_comes_back_by_the_second(void **state)
{
    (void)state;
    bucket b;
    bucket_init(&b, 1000, 200, 0);
    assert_int_equal(take_all(&b, 0), 1000);
    assert_int_equal(take_all(&b, 4 * MS), 0);
    assert_int_equal(take_all(&b, 5 * MS), 1);
    assert_int_equal(take_all(&b, 105 * MS), 20);
    assert_int_equal(take_all(&b, 1105 * MS), 200);
    assert_int_equal(take_all(&b, 3600 * 1000 * MS), 1000);
}

static void no_token_is_lost_between_two_looks(void **state)
{
    (void)state;
    bucket b;
    bucket_init(&b, 1000, 3, 0);
    take_all(&b, 0);
    unsigned count = 0;
    for (int64_t now = 0; now <= 10000 * MS; now += 7 * MS)
        count += take_all(&b, now);
    assert_in_range(count, 29, 30);
}

static void who_keeps_it_empty_for_five_seconds_is_calmed(void **state)
{
    (void)state;
    bucket b;
    bucket_init(&b, 1000, 200, 0);
    take_all(&b, 0);
    for (int64_t now = 0; now < BUDGET_PATIENCE_NS; now += BUDGET_PAUSE_NS) {
        take_all(&b, now);
        assert_int_equal(bucket_take(&b, now), BUDGET_SLOW);
    }
    take_all(&b, BUDGET_PATIENCE_NS);
    assert_int_equal(bucket_take(&b, BUDGET_PATIENCE_NS), BUDGET_CALM);
}

static void who_lets_it_recover_is_forgiven(void **state)
{
    (void)state;
    bucket b;
    bucket_init(&b, 1000, 200, 0);
    take_all(&b, 0);
    assert_int_equal(take_all(&b, 4000 * MS), 800);
    assert_int_equal(bucket_take(&b, 5000 * MS), BUDGET_FINE);
    take_all(&b, 5000 * MS);
    assert_int_equal(bucket_take(&b, 5000 * MS), BUDGET_SLOW);
}

static void time_may_stand_still_or_be_strange(void **state)
{
    (void)state;
    bucket b;
    bucket_init(&b, UINT32_MAX, UINT32_MAX, INT64_MAX / 2);
    b.tokens = 0;
    assert_int_equal(bucket_take(&b, INT64_MAX / 2 - 5), BUDGET_SLOW);
    assert_int_equal(bucket_take(&b, INT64_MAX), BUDGET_FINE);
    bucket_init(&b, 1, 0, 0);
    assert_int_equal(take_all(&b, INT64_MAX - 1), 1);
}

static void answers_are_paid_for_by_sending(void **state)
{
    (void)state;
    budget b = { .earned = 1 };
    assert_true(budget_spend(&b));
    assert_false(budget_spend(&b));
    budget_earn(&b, 3);
    budget_earn(&b, BUDGET_EARNED_MAX);
    assert_int_equal(b.earned, BUDGET_EARNED_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_free_then_it_comes_back_by_the_second),
        cmocka_unit_test(no_token_is_lost_between_two_looks),
        cmocka_unit_test(who_keeps_it_empty_for_five_seconds_is_calmed),
        cmocka_unit_test(who_lets_it_recover_is_forgiven),
        cmocka_unit_test(time_may_stand_still_or_be_strange),
        cmocka_unit_test(answers_are_paid_for_by_sending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
