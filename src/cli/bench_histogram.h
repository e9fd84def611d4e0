/* SPDX-License-Identifier: Apache-2.0 */
/* How long things took, in nanoseconds, at a fixed price: three significant digits over the whole range, in the way of
 * HdrHistogram. Values to 2^42 ns (73 minutes); what is longer counts as that, and the maximum is exact. */
#ifndef CLI_BENCH_HISTOGRAM_H
#define CLI_BENCH_HISTOGRAM_H
#include <stdint.h>

/* A value of n significant bits lies in the row n - 11 (0 below 2^11), which holds its first 11 bits. */
enum { HISTOGRAM_BITS = 11, HISTOGRAM_HALF = 1 << (HISTOGRAM_BITS - 1), HISTOGRAM_ROWS = 42 - HISTOGRAM_BITS + 1 };

typedef struct bench_histogram {
    uint64_t count, sum;
    int64_t min, max; /* of nothing: 0 */
    uint64_t cells[(HISTOGRAM_ROWS + 1) * HISTOGRAM_HALF];
} bench_histogram;

void histogram_clear(bench_histogram *h);
void histogram_add(bench_histogram *h, int64_t ns); /* negative counts as 0 */
/* The smallest value that at least percent of all are not above, rounded up to its cell's end; 0: there are none. */
int64_t histogram_percentile(const bench_histogram *h, double percent);
double histogram_mean(const bench_histogram *h);
#endif
