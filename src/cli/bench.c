/* SPDX-License-Identifier: Apache-2.0 */
/* proa bench: measures any gRPC server, or compares two measurements. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/bench_compare.h"
#include "cli/bench_report.h"
#include "cli/cli.h"

static const char help[] =
    "proa bench [OPTIONS] TARGET /package.Service/Method\n"
    "proa bench compare [--threshold=PERCENT] BEFORE.json AFTER.json\n"
    "\n"
    "Calls a method for some time and says how often and how fast. One thread; TARGET is as for proa call.\n"
    "\n"
    "Calls\n"
    "  --shape=SHAPE          unary (default), client, server or bidi: which sides stream\n"
    "  --data=HEX             the message; or --file=PATH: what a file holds; or --size=BYTES: one of that size that\n"
    "                         Protobuf reads as `bytes` in field 1. Default: the empty message\n"
    "  --messages=N           client, bidi: messages of each call; 0: until the end. Default: 100\n"
    "  --pipeline=N           bidi: messages on their way before the next waits for a reply; 0: as many as flow\n"
    "                         control lets through. Default: 1, ping-pong\n"
    "  --timeout=SECONDS      deadline of each call; default: none\n"
    "  --header=NAME:VALUE    metadata to send; may be given again. The value of a name that ends in -bin is hex\n"
    "  --receive-max=BYTES    of one reply; default: 4 MiB\n"
    "\n"
    "Load\n"
    "  --connections=N        default: 1\n"
    "  --streams=N            calls at once on each connection; default: 1\n"
    "  --duration=SECONDS     default: 10;  --calls=N: so many calls, without a limit of time unless it is given too\n"
    "  --warmup=SECONDS       before it, not counted; default: 1\n"
    "  --rate=N               open loop: N calls a second begin, whether others have ended or not, and latency counts\n"
    "                         from when a call should have begun. Without it each stream begins when its call ended\n"
    "  --late=SECONDS         open loop: an arrival that no stream was free for that long is skipped; default: 1\n"
    "  --keep-going           also when the first call of a connection fails\n"
    "\n"
    "Connections\n"
    "  --plaintext            allow plaintext to more than loopback and Unix sockets\n"
    "  --tls                  with --ca=FILE (who vouches for the server; default: the system's), --cert=FILE and\n"
    "                         --key=FILE (ours), --server-name=NAME (to check; default: the target's host)\n"
    "  --stream-window=BYTES, --connection-window=BYTES, --frame-max=BYTES   what we let the server send\n"
    "\n"
    "Result\n"
    "  --json=FILE            write it as one flat JSON object; - for standard output\n"
    "  --live                 a line each second on standard error, as on a terminal\n"
    "\n"
    "Exit code: 0; 1 when a call failed, nothing could be measured, or compare found something worse; 2 for arguments.\n";

static void say_second(double second, const bench_result *in_it, void *user)
{
    bench_report_second(user, second, in_it);
}

static bool write_json(const bench_options *o, const bench_result *result)
{
    if (!o->json_file)
        return true;
    FILE *to = o->is_json_output ? stdout : fopen(o->json_file, "w");
    bool ok = to && bench_report_json(to, o, result);
    if (to && !o->is_json_output)
        ok = fclose(to) == 0 && ok;
    if (!ok)
        fprintf(stderr, "proa bench: --json=%s: %s\n", o->json_file, strerror(errno));
    return ok;
}

static int measure(bench_options *o, bench_result *result)
{
    o->is_live = o->is_live || isatty(STDERR_FILENO);
    if (!bench_load_run(o, result, say_second, stderr)) {
        fprintf(stderr, "proa bench: %s: %s\n", o->target, result->failure);
        return CLI_FAILED;
    }
    bench_report_text(o->is_json_output ? stderr : stdout, o, result);
    if (bench_report_is_limited(result))
        fputs("proa bench: this program used a whole core: the server may do more than these figures say\n", stderr);
    bool is_good = result->calls == result->statuses[PROA_OK];
    return write_json(o, result) && is_good ? CLI_OK : CLI_FAILED;
}

int cli_bench(int argc, char **argv)
{
    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(help, stdout);
        return CLI_OK;
    }
    if (argc > 1 && !strcmp(argv[1], "compare"))
        return bench_compare(argc - 1, argv + 1);
    bench_options options;
    bench_result *result = malloc(sizeof *result);
    int code = CLI_USAGE;
    if (!bench_options_read(&options, argc, argv))
        code = CLI_USAGE;
    else if (result)
        code = measure(&options, result);
    else
        fputs("proa bench: no memory\n", stderr);
    bench_options_fini(&options);
    free(result);
    return code;
}
