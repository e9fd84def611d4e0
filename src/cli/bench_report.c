/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_report.h"
#include <string.h>
#include "base/base.h"

static const struct percentile {
    const char *name;
    double percent;
} percentiles[] = { { "p50", 50 }, { "p75", 75 },     { "p90", 90 },      { "p95", 95 },
                    { "p99", 99 }, { "p99.9", 99.9 }, { "p99.99", 99.99 } };
enum { PERCENTILES = sizeof percentiles / sizeof *percentiles };

static double per_second(uint64_t count, const bench_result *r)
{
    return r->elapsed_ns ? (double)count / ((double)r->elapsed_ns / 1e9) : 0;
}

static uint64_t failed(const bench_result *r)
{
    return r->calls - r->statuses[PROA_OK];
}

static double cpu(const bench_result *r)
{
    return r->elapsed_ns ? (double)r->cpu_ns / (double)r->elapsed_ns : 0;
}

bool bench_report_is_limited(const bench_result *r)
{
    return cpu(r) >= 0.9;
}

/* ---- For people */

typedef struct short_text {
    char text[32];
} short_text;

static short_text time_text(int64_t ns)
{
    short_text t;
    if (ns < 10000)
        snprintf(t.text, sizeof t.text, "%.2f us", (double)ns / 1e3);
    else if (ns < 10000000)
        snprintf(t.text, sizeof t.text, "%.1f us", (double)ns / 1e3);
    else if (ns < 10000000000)
        snprintf(t.text, sizeof t.text, "%.1f ms", (double)ns / 1e6);
    else
        snprintf(t.text, sizeof t.text, "%.1f s", (double)ns / 1e9);
    return t;
}

void bench_report_second(FILE *to, double second, const bench_result *r)
{
    const bench_histogram *h = &r->calls_took;
    fprintf(to, "%5.0f s  %9.0f calls/s", second, per_second(r->calls, r));
    if (r->messages_received > r->calls)
        fprintf(to, "  %9.0f messages/s", per_second(r->messages_received, r));
    if (h->count)
        fprintf(to, "  p50 %s  p99 %s  max %s", time_text(histogram_percentile(h, 50)).text,
                time_text(histogram_percentile(h, 99)).text, time_text(h->max).text);
    if (failed(r))
        fprintf(to, "  %llu failed", (unsigned long long)failed(r));
    fprintf(to, "  cpu %.0f %%\n", cpu(r) * 100);
}

static void histogram_text(FILE *to, const char *title, const bench_histogram *h)
{
    if (!h->count)
        return;
    fprintf(to, "%s  min %s, mean %s\n", title, time_text(h->min).text, time_text((int64_t)histogram_mean(h)).text);
    for (int i = 0; i < PERCENTILES; i++)
        fprintf(to, "          %-7s %s\n", percentiles[i].name,
                time_text(histogram_percentile(h, percentiles[i].percent)).text);
    fprintf(to, "          %-7s %s\n", "max", time_text(h->max).text);
}

void bench_report_text(FILE *to, const bench_options *o, const bench_result *r)
{
    fprintf(to, "%s %s, %s, %u x %u%s\n", o->target, o->path, bench_shape_name(o->shape), o->connections, o->streams,
            o->is_tls ? ", TLS" : "");
    fprintf(to, "calls     %llu in %.2f s: %.0f/s, %llu failed\n", (unsigned long long)r->calls,
            (double)r->elapsed_ns / 1e9, per_second(r->calls, r), (unsigned long long)failed(r));
    for (int code = 1; code < BENCH_CODES; code++)
        if (r->statuses[code])
            fprintf(to, "          %s %llu\n", proa_code_name((proa_code)code), (unsigned long long)r->statuses[code]);
    if (failed(r))
        fprintf(to, "          the first: %s\n", r->failure);
    if (o->rate > 0)
        fprintf(to, "arrivals  %.0f/s wanted, %llu skipped\n", o->rate, (unsigned long long)r->skipped);
    if (r->cut)
        fprintf(to, "          %llu calls still ran at the end and were cut off\n", (unsigned long long)r->cut);
    fprintf(to, "messages  %.0f/s sent, %.0f/s received, %.1f MB/s received\n", per_second(r->messages_sent, r),
            per_second(r->messages_received, r), per_second(r->bytes_received, r) / 1e6);
    histogram_text(to, "latency ", &r->calls_took);
    histogram_text(to, "messages", &r->messages_took);
    fprintf(to, "cpu       %.0f %% of one core, %.2f us a call\n", cpu(r) * 100,
            r->calls ? (double)r->cpu_ns / 1e3 / (double)r->calls : 0);
}

/* ---- As JSON: one object, no objects in it, so that everything can read it */

static void string_json(FILE *to, const char *key, const char *value)
{
    fprintf(to, "  \"%s\": \"", key);
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(to, "\\%c", *c);
        else if (*c < 0x20 || *c >= 0x7f) /* what is no ASCII may be no UTF-8 either */
            fprintf(to, "\\u%04x", *c);
        else
            fputc(*c, to);
    }
    fputs("\",\n", to);
}

static void count_json(FILE *to, const char *key, uint64_t value)
{
    fprintf(to, "  \"%s\": %llu,\n", key, (unsigned long long)value);
}

static void histogram_json(FILE *to, const char *key, const bench_histogram *h)
{
    if (!h->count)
        return;
    fprintf(to, "  \"%s.min\": %lld,\n  \"%s.mean\": %.0f,\n", key, (long long)h->min, key, histogram_mean(h));
    for (int i = 0; i < PERCENTILES; i++)
        fprintf(to, "  \"%s.%s\": %lld,\n", key, percentiles[i].name,
                (long long)histogram_percentile(h, percentiles[i].percent));
    fprintf(to, "  \"%s.max\": %lld,\n", key, (long long)h->max);
}

static void options_json(FILE *to, const bench_options *o)
{
    string_json(to, "version", PROA_VERSION);
    string_json(to, "target", o->target);
    string_json(to, "path", o->path);
    string_json(to, "shape", bench_shape_name(o->shape));
    string_json(to, "transport", o->is_tls ? "tls" : "plaintext");
    count_json(to, "connections", o->connections);
    count_json(to, "streams", o->streams);
    count_json(to, "message_bytes", o->message.bytes.size);
    if (o->shape == BENCH_CLIENT || o->shape == BENCH_BIDI)
        count_json(to, "messages_per_call", o->messages);
    if (o->shape == BENCH_BIDI)
        count_json(to, "pipeline", o->pipeline);
    fprintf(to, "  \"rate\": %.3f,\n", o->rate);
}

bool bench_report_json(FILE *to, const bench_options *o, const bench_result *r)
{
    fputs("{\n", to);
    options_json(to, o);
    fprintf(to, "  \"seconds\": %.6f,\n", (double)r->elapsed_ns / 1e9);
    count_json(to, "calls", r->calls);
    count_json(to, "calls_failed", failed(r));
    for (int code = 0; code < BENCH_CODES; code++)
        if (r->statuses[code])
            fprintf(to, "  \"status.%s\": %llu,\n", proa_code_name((proa_code)code),
                    (unsigned long long)r->statuses[code]);
    count_json(to, "calls_cut", r->cut);
    count_json(to, "arrivals_skipped", r->skipped);
    fprintf(to, "  \"calls_per_s\": %.3f,\n", per_second(r->calls, r));
    count_json(to, "messages_sent", r->messages_sent);
    count_json(to, "messages_received", r->messages_received);
    count_json(to, "bytes_received", r->bytes_received);
    fprintf(to, "  \"messages_sent_per_s\": %.3f,\n  \"messages_received_per_s\": %.3f,\n",
            per_second(r->messages_sent, r), per_second(r->messages_received, r));
    histogram_json(to, "latency_ns", &r->calls_took);
    histogram_json(to, "message_latency_ns", &r->messages_took);
    fprintf(to, "  \"cpu\": %.4f,\n  \"cpu_limited\": %s\n}\n", cpu(r), bench_report_is_limited(r) ? "true" : "false");
    return fflush(to) == 0 && !ferror(to);
}
