/* SPDX-License-Identifier: Apache-2.0 */
#include "coverage.h"
#include <inttypes.h>
#include <stdio.h>

const char *coverage_text(unsigned point)
{
    static const char *const texts[] = {
#define COVERAGE_TEXT(name, text) text,
        COVERAGE(COVERAGE_TEXT)
#undef COVERAGE_TEXT
    };
    return texts[point];
}

void coverage_add(coverage *sum, const coverage *more)
{
    for (unsigned i = 0; i < COVERAGE_COUNT; i++)
        sum->counts[i] += more->counts[i];
    sum->turns += more->turns;
    sum->calls += more->calls;
    sum->bytes += more->bytes;
    sum->virtual_ns += more->virtual_ns;
}

unsigned coverage_print(const coverage *c)
{
    unsigned missed = 0;
    for (unsigned i = 0; i < COVERAGE_COUNT; i++) {
        printf("  %10" PRIu64 "  %s%s\n", c->counts[i], coverage_text(i), c->counts[i] ? "" : "   <-- never reached");
        missed += c->counts[i] == 0;
    }
    return missed;
}
