/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_compare.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/bench_flat.h"
#include "cli/cli.h"

enum { FILE_BYTES_MAX = 1 << 20 };

/* What is compared, and which way is worse. The tail is shown and not judged: two runs of one server differ there. */
static const struct metric {
    const char *name;
    enum { MORE_IS_WORSE, LESS_IS_WORSE, SHOWN } way;
} metrics[] = {
    { "calls_per_s", LESS_IS_WORSE },
    { "messages_sent_per_s", LESS_IS_WORSE },
    { "messages_received_per_s", LESS_IS_WORSE },
    { "calls_failed", MORE_IS_WORSE },
    { "arrivals_skipped", MORE_IS_WORSE },
    { "latency_ns.p50", MORE_IS_WORSE },
    { "latency_ns.p90", MORE_IS_WORSE },
    { "latency_ns.p99", MORE_IS_WORSE },
    { "latency_ns.p99.9", SHOWN },
    { "latency_ns.p99.99", SHOWN },
    { "latency_ns.max", SHOWN },
    { "message_latency_ns.p50", MORE_IS_WORSE },
    { "message_latency_ns.p99", MORE_IS_WORSE },
    { "cpu", SHOWN },
};

/* Runs that differ in one of these are no two runs of one thing. */
static const char *const same[] = { "path",    "shape",         "transport",         "connections",
                                    "streams", "message_bytes", "messages_per_call", "pipeline",
                                    "rate" };

typedef struct comparison {
    bench_flat before, after;
} comparison;

static bool complain(const char *what, const char *why)
{
    fprintf(stderr, "proa bench compare: %s: %s\n", what, why);
    return false;
}

static bool read_file(const char *path, bench_flat *out)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return complain(path, strerror(errno));
    char *text = malloc(FILE_BYTES_MAX + 1);
    size_t size = text ? fread(text, 1, FILE_BYTES_MAX, file) : 0;
    const char *why = text ? strerror(errno) : "no memory";
    bool ok = text && !ferror(file);
    fclose(file);
    if (ok) {
        text[size] = 0;
        ok = bench_flat_read(text, out, &why);
        if (ok && !bench_flat_find(out, "calls_per_s")) {
            why = "it is no result of proa bench";
            ok = false;
        }
    }
    free(text);
    return ok || complain(path, why);
}

static bool is_same_load(const comparison *c)
{
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const bench_member *a = bench_flat_find(&c->before, same[i]), *b = bench_flat_find(&c->after, same[i]);
        if (!a && !b)
            continue;
        const char *before = a ? a->text : "nothing", *after = b ? b->text : "nothing";
        if (!strcmp(before, after))
            continue;
        fprintf(stderr, "proa bench compare: two different loads: %s is %s and %s\n", same[i], before, after);
        return false;
    }
    return true;
}

/* From nothing to something is worse without end. */
static double change_percent(double before, double after)
{
    return before == after ? 0 : before == 0 ? 100 * (after > 0 ? 1e6 : -1e6) : (after - before) / before * 100;
}

static unsigned show(const comparison *c, double threshold)
{
    unsigned worse = 0;
    printf("%-26s %14s %14s %9s\n", "", "before", "after", "change");
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        const struct metric *m = metrics + i;
        const bench_member *a = bench_flat_find(&c->before, m->name), *b = bench_flat_find(&c->after, m->name);
        if (!a || !b || !a->is_number || !b->is_number || (a->number == 0 && b->number == 0))
            continue;
        double change = change_percent(a->number, b->number);
        bool is_worse =
            (m->way == MORE_IS_WORSE && change > threshold) || (m->way == LESS_IS_WORSE && -change > threshold);
        worse += is_worse;
        printf("%-26s %14.6g %14.6g %+8.1f%%%s\n", m->name, a->number, b->number, change, is_worse ? "  worse" : "");
    }
    return worse;
}

static int compare_files(const char *before, const char *after, double threshold)
{
    comparison *c = malloc(sizeof *c);
    int code = CLI_USAGE;
    if (!c)
        complain("results", "no memory");
    else if (read_file(before, &c->before) && read_file(after, &c->after) && is_same_load(c))
        code = show(c, threshold) ? CLI_FAILED : CLI_OK;
    free(c);
    return code;
}

int bench_compare(int argc, char **argv)
{
    const char *files[2] = { NULL, NULL };
    double threshold = 5;
    for (int i = 1; i < argc; i++) {
        char *end = "";
        if (!strncmp(argv[i], "--threshold=", 12))
            threshold = strtod(argv[i] + 12, &end);
        else if (!strncmp(argv[i], "--", 2))
            end = "?";
        else if (!files[0])
            files[0] = argv[i];
        else if (!files[1])
            files[1] = argv[i];
        else
            end = "?";
        if (*end || !(threshold >= 0)) {
            complain(argv[i], "proa bench compare [--threshold=PERCENT] BEFORE.json AFTER.json");
            return CLI_USAGE;
        }
    }
    if (files[1])
        return compare_files(files[0], files[1], threshold);
    complain("arguments", "two results are needed: BEFORE.json AFTER.json");
    return CLI_USAGE;
}
