/* SPDX-License-Identifier: Apache-2.0 */
/* The wheel against a plain search: never early, at most a tick late, whatever jumps the clock makes. */
#include "base/wheel.h"
#include "base/memory.h"
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { COUNT = 400 };
#define MS   PROA_MILLISECOND
#define HOUR (INT64_C(3600) * PROA_SECOND)

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Spans from microseconds to days, evenly by magnitude. */
static int64_t random_span(uint64_t *seed)
{
    return (int64_t)(random_next(seed) >> (64 - 12 - random_next(seed) % 36));
}

static void check_deadline(const wheel *w, const wheel_timer *timers, int64_t now)
{
    int64_t earliest = INT64_MAX;
    for (int i = 0; i < COUNT; i++)
        if (wheel_is_running(&timers[i]) && timers[i].deadline_ns < earliest)
            earliest = timers[i].deadline_ns;
    int64_t said = wheel_deadline(w);
    if (earliest == INT64_MAX)
        assert_true(said == INT64_MAX);
    else
        assert_true(said < (earliest > now ? earliest : now) + MS);
}

static void timers_agree_with_a_search(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 20; run++) {
        static wheel_timer timers[COUNT];
        memset(timers, 0, sizeof timers);
        uint64_t seed = run * UINT64_C(0x9E3779B97F4A7C15);
        int64_t now = random_span(&seed);
        wheel *w = wheel_new(now);
        for (int step = 0; step < 1000; step++) {
            wheel_timer *timer = &timers[random_next(&seed) % COUNT];
            if (random_next(&seed) % 4 == 0)
                wheel_remove(w, timer);
            else
                wheel_add(w, timer, now + random_span(&seed) - MS);
            if (random_next(&seed) % 4 == 0)
                now += random_span(&seed);
            for (wheel_timer *due; (due = wheel_pop(w, now));) {
                assert_true(due->deadline_ns <= now);
                assert_false(wheel_is_running(due));
            }
            for (int i = 0; i < COUNT; i++)
                assert_false(wheel_is_running(&timers[i]) && timers[i].deadline_ns <= now - MS);
            if (step % 16 == 0)
                check_deadline(w, timers, now);
        }
        wheel_free(w);
        for (int i = 0; i < COUNT; i++)
            assert_false(wheel_is_running(&timers[i]));
    }
}

static void waking_at_the_deadline_is_enough(void **state)
{
    (void)state;
    static wheel_timer timers[COUNT];
    memset(timers, 0, sizeof timers);
    uint64_t seed = 99;
    int64_t now = 12345678;
    wheel *w = wheel_new(now);
    for (int i = 0; i < COUNT; i++)
        wheel_add(w, &timers[i], now + random_span(&seed));
    int fired = 0, wakes = 0;
    for (int64_t at; (at = wheel_deadline(w)) != INT64_MAX; wakes++) {
        assert_true(at >= now - MS);
        now = at > now ? at : now;
        int before = fired;
        for (wheel_timer *due; (due = wheel_pop(w, now)); fired++)
            assert_true(due->deadline_ns <= now && now - due->deadline_ns < MS);
        assert_true(fired > before);
    }
    assert_int_equal(fired, COUNT);
    assert_true(wakes <= COUNT);
    wheel_free(w);
}

static void a_timer_never_fires_early(void **state)
{
    (void)state;
    wheel *w = wheel_new(0);
    wheel_timer timer = { .deadline_ns = 0 };
    wheel_add(w, &timer, 5 * MS + 1);
    assert_null(wheel_pop(w, 5 * MS));
    assert_null(wheel_pop(w, 6 * MS - 1));
    assert_ptr_equal(wheel_pop(w, 6 * MS), &timer);
    wheel_add(w, &timer, 7 * MS);
    assert_null(wheel_pop(w, 7 * MS - 1));
    assert_ptr_equal(wheel_pop(w, 7 * MS), &timer);
    wheel_free(w);
}

static void what_is_past_fires_at_the_next_pop(void **state)
{
    (void)state;
    wheel *w = wheel_new(HOUR);
    wheel_timer timers[4] = { { .deadline_ns = 0 } };
    const int64_t past[4] = { INT64_MIN, -1, 0, HOUR };
    for (int i = 0; i < 4; i++)
        wheel_add(w, &timers[i], past[i]);
    assert_true(wheel_deadline(w) <= HOUR);
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(wheel_pop(w, HOUR), &timers[i]);
    assert_null(wheel_pop(w, HOUR));
    wheel_free(w);
}

static void never_is_running_and_never_fires(void **state)
{
    (void)state;
    wheel *w = wheel_new(0);
    wheel_timer never = { .deadline_ns = 0 }, far = { .deadline_ns = 0 };
    wheel_add(w, &never, INT64_MAX);
    assert_true(wheel_is_running(&never));
    assert_true(wheel_deadline(w) == INT64_MAX);
    wheel_add(w, &far, INT64_MAX / 2);
    assert_null(wheel_pop(w, INT64_MAX / 2 - MS));
    assert_ptr_equal(wheel_pop(w, INT64_MAX / 2 + MS), &far);
    assert_null(wheel_pop(w, INT64_MAX));
    wheel_add(w, &never, 1);
    assert_ptr_equal(wheel_pop(w, INT64_MAX), &never);
    wheel_free(w);
}

static void a_jump_of_years_does_not_walk(void **state)
{
    (void)state;
    wheel *w = wheel_new(0);
    wheel_timer timer = { .deadline_ns = 0 };
    for (int i = 0; i < 1000; i++) {
        int64_t at = i * 2000 * HOUR;
        wheel_add(w, &timer, at);
        assert_ptr_equal(wheel_pop(w, at + MS), &timer);
    }
    wheel_free(w);
}

static void same_time_is_in_order_of_adding(void **state)
{
    (void)state;
    wheel *w = wheel_new(0);
    wheel_timer timers[10];
    memset(timers, 0, sizeof timers);
    for (int i = 0; i < 10; i++)
        wheel_add(w, &timers[i], HOUR);
    for (int i = 0; i < 10; i++)
        assert_ptr_equal(wheel_pop(w, 2 * HOUR), &timers[i]);
    wheel_free(w);
}

static void removed_ones_do_not_wake(void **state)
{
    (void)state;
    const int64_t spans[] = { MS, 100 * MS, 10 * PROA_SECOND, HOUR, 100 * HOUR, INT64_MAX };
    wheel *w = wheel_new(7 * MS);
    wheel_timer timer = { .deadline_ns = 0 };
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        wheel_add(w, &timer, spans[i]);
        wheel_remove(w, &timer);
        wheel_remove(w, &timer);
        assert_true(wheel_deadline(w) == INT64_MAX);
    }
    wheel_free(w);
    wheel_free(NULL);
    memory_watch(1);
    assert_null(wheel_new(0));
    memory_unwatch();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_agree_with_a_search),       cmocka_unit_test(waking_at_the_deadline_is_enough),
        cmocka_unit_test(a_timer_never_fires_early),        cmocka_unit_test(what_is_past_fires_at_the_next_pop),
        cmocka_unit_test(never_is_running_and_never_fires), cmocka_unit_test(a_jump_of_years_does_not_walk),
        cmocka_unit_test(same_time_is_in_order_of_adding),  cmocka_unit_test(removed_ones_do_not_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
