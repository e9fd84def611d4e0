/* SPDX-License-Identifier: Apache-2.0 */
/* The load itself: calls on channels of one loop, in one thread, and what became of them. */
#ifndef CLI_BENCH_LOAD_H
#define CLI_BENCH_LOAD_H
#include "cli/bench_histogram.h"
#include "cli/bench_options.h"

enum { BENCH_CODES = 17 }; /* gRPC's, OK to UNAUTHENTICATED */

typedef struct bench_result {
    int64_t elapsed_ns, cpu_ns; /* of the measured part; our own user and system time in it */
    uint64_t calls;             /* that ended in it */
    uint64_t statuses[BENCH_CODES];
    uint64_t cut;     /* calls that the end of the run cut off; in nothing else */
    uint64_t skipped; /* arrivals of the open loop that found no free stream */
    uint64_t messages_sent, messages_received, bytes_received;
    bench_histogram calls_took;    /* from the intended start; those that ended OK */
    bench_histogram messages_took; /* bidi with a pipeline: from push to the reply */
    char failure[512];             /* the text of the first call that failed; empty: none did */
} bench_result;

/* Called each second when options->is_live: what happened in that second. */
typedef void (*bench_on_second)(double second, const bench_result *in_it, void *user);

/* Runs to the end, or to SIGINT. False: it could not begin, and result->failure says why. */
bool bench_load_run(const bench_options *options, bench_result *result, bench_on_second on_second, void *user);
#endif
