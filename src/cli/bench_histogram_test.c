/* SPDX-License-Identifier: Apache-2.0 */
/* Percentiles against a sorted list of the same values. */
#include "cli/bench_histogram.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

typedef struct fixture {
    bench_histogram histogram;
    int64_t values[20000];
} fixture;

static int set_up(void **state)
{
    *state = calloc(1, sizeof(fixture));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void small_values_are_exact(void **state)
{
    bench_histogram *h = &((fixture *)*state)->histogram;
    for (int64_t ns = 1; ns <= 2000; ns++)
        histogram_add(h, ns);
    assert_int_equal(h->count, 2000);
    assert_int_equal(h->min, 1);
    assert_int_equal(h->max, 2000);
    assert_int_equal(histogram_percentile(h, 50), 1000);
    assert_int_equal(histogram_percentile(h, 99), 1980);
    assert_int_equal(histogram_percentile(h, 99.99), 2000);
    assert_int_equal(histogram_percentile(h, 100), 2000);
    assert_int_equal(histogram_percentile(h, 0), 1);
    assert_true(histogram_mean(h) == 1000.5);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void percentiles_have_three_digits_over_the_whole_range(void **state)
{
    fixture *f = *state;
    enum { COUNT = sizeof f->values / sizeof *f->values };
    uint64_t seed = 7;
    for (int i = 0; i < COUNT; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        f->values[i] = (int64_t)(seed >> (24 + (seed >> 8) % 38)); /* each number of bits to 40 */
        histogram_add(&f->histogram, f->values[i]);
    }
    qsort(f->values, COUNT, sizeof *f->values, compare);
    static const double percents[] = { 1, 10, 50, 75, 90, 95, 99, 99.9, 99.99 };
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        double rank = percents[i] / 100 * COUNT;
        int64_t index = (int64_t)rank - ((double)(int64_t)rank >= rank ? 1 : 0);
        int64_t truth = f->values[index], found = histogram_percentile(&f->histogram, percents[i]);
        assert_true(found >= truth);
        assert_true(found - truth <= truth / 1000);
    }
}

static void what_is_too_long_counts_as_the_longest(void **state)
{
    bench_histogram *h = &((fixture *)*state)->histogram;
    histogram_add(h, INT64_MAX / 2);
    histogram_add(h, -5);
    assert_int_equal(h->min, 0);
    assert_int_equal(h->max, INT64_MAX / 2);
    assert_int_equal(histogram_percentile(h, 50), 0);
    assert_int_equal(histogram_percentile(h, 99), (INT64_C(1) << 42) - 1);
}

static void nothing_has_no_percentiles(void **state)
{
    bench_histogram *h = &((fixture *)*state)->histogram;
    assert_int_equal(histogram_percentile(h, 50), 0);
    assert_true(histogram_mean(h) == 0);
    histogram_add(h, 12345678);
    histogram_clear(h);
    assert_int_equal(h->count, 0);
    assert_int_equal(histogram_percentile(h, 99.99), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_values_are_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(percentiles_have_three_digits_over_the_whole_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_long_counts_as_the_longest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_has_no_percentiles, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
