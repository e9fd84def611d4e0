/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a telemetry.Host: one command a call type, or all of them over one connection (demo). Blocking throughout. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "telemetry.proa.h"

struct client {
    proa_channel *channel;
    int64_t timeout_ns;
    uint32_t interval_ms, samples_max; /* of watch; 0 samples: until the server ends */
    uint32_t lines_max;                /* of grep, before it says that it has no more patterns */
    bool follow;                       /* grep goes on at the end of the log, for ever or until lines_max */
    bool is_terminal;
};

/* What a call did, for the line that ends it. */
struct tally {
    const char *method;
    int64_t begun_ns;
    unsigned long sent, received;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * PROA_SECOND + now.tv_nsec;
}

static struct tally tally_begin(const char *method)
{
    return (struct tally){ .method = method, .begun_ns = now_ns() };
}

/* One line: method, status, messages, time. Returns what main returns; ended by us counts as a success. */
static int tally_end(const struct tally *tally, proa_status status, bool ended_by_us)
{
    double ms = (double)(now_ns() - tally->begun_ns) / PROA_MILLISECOND;
    printf("%-24s %-10s %4lu sent %4lu received %9.1f ms", tally->method, proa_code_name(status.code), tally->sent,
           tally->received, ms);
    printf(status.message.size ? "  %.*s\n" : "%.*s\n", PROA_FMT(status.message));
    fflush(stdout);
    return status.code != PROA_OK && !(ended_by_us && status.code == PROA_CANCELLED);
}

static int run_describe(struct client *client)
{
    struct tally tally = tally_begin("telemetry.Host/Describe");
    proa_arena *arena = proa_arena_new(0);
    telemetry_DescribeRequest request = { 0 };
    telemetry_Facts facts;
    proa_status status = telemetry_Host_Describe(client->channel, &request, &facts, arena,
                                                 &(proa_call_options){ .timeout_ns = client->timeout_ns });
    tally.sent = 1;
    tally.received = status.code == PROA_OK;
    if (status.code == PROA_OK) {
        printf("  %.*s, %d processors", PROA_FMT(facts.host), (int)facts.cpus);
        if (facts.uptime_s.has)
            printf(", up for %.1f hours", (double)facts.uptime_s.value / 3600);
        printf("\n");
        for (size_t i = 0; i < facts.labels.count; i++)
            printf("  %.*s: %.*s\n", PROA_FMT(facts.labels.data[i].key), PROA_FMT(facts.labels.data[i].value));
        for (size_t i = 0; i < facts.mounts.count; i++)
            printf("  %.*s: %.1f GiB\n", PROA_FMT(facts.mounts.data[i].path),
                   (double)facts.mounts.data[i].size_bytes / (1 << 30));
    }
    int failed = tally_end(&tally, status, false);
    proa_arena_free(arena);
    return failed;
}

/* A terminal sees one table that changes in place, anything else a row a sample. */
static void print_sample(const telemetry_Sample *sample, bool is_terminal, bool is_first)
{
    if (is_first)
        printf("  %8s %10s   %s\n", "load", "memory", "processors");
    else if (is_terminal)
        printf("\033[1A\033[K");
    printf("  %8.2f %6.2f GiB  ", sample->load, (double)sample->memory_used / (1 << 30));
    for (size_t i = 0; i < sample->cpu.count; i++)
        printf(" %3.0f%%", (double)sample->cpu.data[i] * 100);
    printf("\n");
    fflush(stdout);
}

static int run_watch(struct client *client)
{
    struct tally tally = tally_begin("telemetry.Host/Watch");
    telemetry_WatchRequest request = { .interval_ms = client->interval_ms };
    proa_call *call = telemetry_Host_Watch_begin(client->channel, &request, NULL);
    const telemetry_Sample *sample;
    tally.sent = 1;
    while ((sample = telemetry_Host_Watch_receive_reply(call))) {
        print_sample(sample, client->is_terminal, tally.received++ == 0);
        if (tally.received == client->samples_max)
            proa_call_cancel(call); /* Watch has no end of its own: CANCELLED is how it ends */
    }
    int failed = tally_end(&tally, proa_call_status(call), tally.received == client->samples_max);
    proa_call_end(call);
    return failed;
}

static void print_progress(uint64_t done, uint64_t size)
{
    int percent = size ? (int)(done * 100 / size) : 100, bar = percent * 40 / 100;
    printf("\r  [%.*s%*s] %3d%%", bar, "########################################", 40 - bar, "", percent);
    fflush(stdout);
}

static int run_upload(struct client *client, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    fseeko(file, 0, SEEK_END);
    uint64_t size = (uint64_t)ftello(file), done = 0;
    rewind(file);

    struct tally tally = tally_begin("telemetry.Host/Upload");
    proa_call *call = telemetry_Host_Upload_begin(client->channel, NULL);
    char block[32768];
    size_t n;
    bool is_open = true;
    while (is_open && (n = fread(block, 1, sizeof block, file)) > 0) {
        is_open = telemetry_Host_Upload_send_request(call, &(telemetry_Chunk){ .data = { block, n } });
        done += n;
        tally.sent++;
        if (client->is_terminal)
            print_progress(done, size);
    }
    if (ferror(file))
        proa_call_cancel(call); /* else the server would take a part for the whole */
    if (!client->is_terminal)
        print_progress(done, size);
    printf("\n");
    proa_status status = proa_call_status(call); /* ends the requests and waits */
    const telemetry_Digest *digest = telemetry_Host_Upload_reply(call);
    if (digest) {
        tally.received = 1;
        printf("  %s: %llu bytes, SHA-256 ", path, (unsigned long long)digest->size);
        for (size_t i = 0; i < digest->sha256.size; i++)
            printf("%02x", (unsigned char)digest->sha256.data[i]);
        printf("\n");
    }
    int failed = tally_end(&tally, status, false);
    proa_call_end(call);
    fclose(file);
    return failed;
}

/* The first pattern goes out at once, each other one after a line came for what was asked before: both ways at once. */
static int run_grep(struct client *client, char **patterns, int count)
{
    struct tally tally = tally_begin("telemetry.Host/Grep");
    proa_call *call =
        telemetry_Host_Grep_begin(client->channel, &(proa_call_options){ .timeout_ns = client->timeout_ns });
    const telemetry_Line *line;
    do {
        if (count > 0) {
            telemetry_Pattern pattern = { .kind = { .which = telemetry_Pattern_kind_regex,
                                                    .regex = proa_bytes_of(*patterns) } };
            printf("  -> %s\n", *patterns++);
            count--;
            tally.sent++;
            telemetry_Host_Grep_send_request(call, &pattern);
        }
        if (count == 0 && (!client->follow || (client->lines_max && tally.received >= client->lines_max)))
            proa_call_end_requests(call);
        line = telemetry_Host_Grep_receive_reply(call);
        if (line) {
            tally.received++;
            printf("  <- %llu: %.*s\n", (unsigned long long)line->number, PROA_FMT(line->text));
        }
    } while (line);
    int failed = tally_end(&tally, proa_call_status(call), false);
    proa_call_end(call);
    return failed;
}

/* All four call types over one connection; arguments: FILE PATTERN... */
static int run_demo(struct client *client, char **arguments, int count)
{
    printf("unary\n");
    int failed = run_describe(client);
    printf("\nserver streaming\n");
    failed |= run_watch(client);
    printf("\nclient streaming\n");
    failed |= run_upload(client, arguments[0]);
    printf("\nbidirectional\n");
    client->follow = true;
    return failed | run_grep(client, arguments + 1, count - 1);
}

static int run(struct client *client, int count, char **words)
{
    const char *command = words[0];
    if (strcmp(command, "describe") == 0 && count == 1)
        return run_describe(client);
    if (strcmp(command, "watch") == 0 && count == 1)
        return run_watch(client);
    if (strcmp(command, "upload") == 0 && count == 2)
        return run_upload(client, words[1]);
    if (strcmp(command, "grep") == 0 && count >= 2)
        return run_grep(client, words + 1, count - 1);
    if (strcmp(command, "demo") == 0 && count >= 3)
        return run_demo(client, words + 1, count - 1);
    fprintf(stderr, "%s: no such command, or not with %d arguments\n", command, count - 1);
    return 2;
}

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [-a ADDRESS] [-i MS] [-n SAMPLES] [-m LINES] [-t SECONDS] [-f] COMMAND\n"
            "  describe               facts about the host (unary)\n"
            "  watch                  its load, live, every -i MS, -n times (server streaming)\n"
            "  upload FILE            a file; size and SHA-256 come back (client streaming)\n"
            "  grep PATTERN...        lines of its log; -f: also those to come, -m: so many (bidirectional)\n"
            "  demo FILE PATTERN...   all of these\n",
            program);
    return 2;
}

int main(int argc, char **argv)
{
    const char *address = "localhost:50052";
    struct client client = { .interval_ms = 1000, .is_terminal = isatty(STDOUT_FILENO) };
    for (int option; (option = getopt(argc, argv, "a:i:n:m:t:f")) != -1;) {
        if (option == 'a')
            address = optarg;
        else if (option == 'i')
            client.interval_ms = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'n')
            client.samples_max = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'm')
            client.lines_max = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 't')
            client.timeout_ns = strtol(optarg, NULL, 10) * PROA_SECOND;
        else if (option == 'f')
            client.follow = true;
        else
            return usage(argv[0]);
    }
    if (optind == argc)
        return usage(argv[0]);
    proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };
    client.channel = proa_channel_open(address, &(proa_channel_options){ .trace = &trace, .plaintext = true });
    int failed = run(&client, argc - optind, argv + optind);
    proa_channel_close(client.channel);
    return failed;
}
