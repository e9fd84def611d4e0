/* SPDX-License-Identifier: Apache-2.0 */
/* What `proa bench` was asked for, read from its arguments. */
#ifndef CLI_BENCH_OPTIONS_H
#define CLI_BENCH_OPTIONS_H
#include "cli/values.h"
#include "proa/proa.h"

enum { BENCH_CONNECTIONS_MAX = 10000, BENCH_STREAMS_MAX = 100000, BENCH_PIPELINE_MAX = 4096,
       BENCH_LANES_MAX = 1000000 };

typedef enum bench_shape { BENCH_UNARY, BENCH_CLIENT, BENCH_SERVER, BENCH_BIDI } bench_shape;
const char *bench_shape_name(bench_shape shape); /* static */

typedef struct bench_options {
    const char *target, *path; /* borrowed from the arguments, as all texts */
    bench_shape shape;
    unsigned connections, streams; /* streams of each connection: calls at once */
    int64_t duration_ns, warmup_ns;
    uint64_t calls_max; /* 0: as many as the duration has room for */
    double rate;        /* calls a second; 0: closed loop */
    int64_t late_ns;    /* an arrival that found no free stream for so long is skipped */
    uint64_t messages;  /* of each call with a stream of requests; 0: until the end */
    unsigned pipeline;  /* bidi: messages on their way at once; 0: as many as flow control lets through */
    proa_slice message; /* owned */
    int64_t timeout_ns;
    size_t receive_bytes_max;
    values_headers headers;
    proa_limits limits;
    bool is_plaintext, is_tls, keeps_going, is_live, is_json_output;
    const char *ca, *cert, *key, *server_name, *json_file;
    proa_arena *arena; /* owned: for what is decoded from the arguments */
} bench_options;

/* Reads the arguments behind "bench". False: it was said on standard error what is wrong. In any case: _fini. */
bool bench_options_read(bench_options *options, int argc, char **argv);
void bench_options_fini(bench_options *options);
#endif
