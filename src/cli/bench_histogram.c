/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_histogram.h"
#include <string.h>

#define VALUE_MAX ((INT64_C(1) << 42) - 1)

/* Row 0 has all 2^11 values one by one; each row above has the upper half alone, its lower half is the row below. */
static unsigned cell_of(int64_t value)
{
    int bits = 64 - __builtin_clzll((uint64_t)value | 1);
    int row = bits > HISTOGRAM_BITS ? bits - HISTOGRAM_BITS : 0;
    return (unsigned)row * HISTOGRAM_HALF + (unsigned)(value >> row);
}

static int64_t end_of(unsigned cell)
{
    unsigned row = cell < 2 * HISTOGRAM_HALF ? 0 : cell / HISTOGRAM_HALF - 1;
    int64_t first = (int64_t)cell - (int64_t)row * HISTOGRAM_HALF;
    return ((first + 1) << row) - 1;
}

void histogram_clear(bench_histogram *h)
{
    memset(h, 0, sizeof *h);
}

void histogram_add(bench_histogram *h, int64_t ns)
{
    int64_t value = ns < 0 ? 0 : ns;
    if (h->count++ == 0 || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->sum += (uint64_t)value;
    h->cells[cell_of(value < VALUE_MAX ? value : VALUE_MAX)]++;
}

int64_t histogram_percentile(const bench_histogram *h, double percent)
{
    double wanted = percent / 100 * (double)h->count;
    uint64_t seen = 0;
    for (unsigned cell = 0; h->count && cell < sizeof h->cells / sizeof *h->cells; cell++) {
        seen += h->cells[cell];
        if (seen && (double)seen >= wanted)
            return end_of(cell) < h->max ? end_of(cell) : h->max;
    }
    return h->max;
}

double histogram_mean(const bench_histogram *h)
{
    return h->count ? (double)h->sum / (double)h->count : 0;
}
