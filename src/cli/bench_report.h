/* SPDX-License-Identifier: Apache-2.0 */
/* What a run found, for people and as one flat JSON object; and the comparison of two such objects. */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H
#include <stdio.h>
#include "cli/bench_load.h"

void bench_report_second(FILE *to, double second, const bench_result *in_it);
void bench_report_text(FILE *to, const bench_options *options, const bench_result *result);
/* False: writing failed, errno says why. */
bool bench_report_json(FILE *to, const bench_options *options, const bench_result *result);
/* A run that the generator held back says little of the server. */
bool bench_report_is_limited(const bench_result *result);
#endif
