/* SPDX-License-Identifier: Apache-2.0 */
/* A client of etcd: one subcommand a call type. Everything is blocking and in one thread. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "etcd.h"

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [-a ADDRESS] [-t SECONDS] [-p] [-r REVISION] [-n COUNT] COMMAND\n"
            "  put KEY VALUE              writes a key; prints the revision that this made\n"
            "  get KEY                    reads a key, with -p all keys that begin with it\n"
            "  delete KEY                 and how many were deleted; -p as above\n"
            "  swap KEY OLD NEW           writes NEW if the key has the value OLD, in one transaction\n"
            "  lease SECONDS KEY VALUE    a key that lives as long as this process, or for -n keep-alives\n"
            "  watch KEY                  changes as they come, from -r on; -p as above; -n: so many\n",
            program);
    return 2;
}

static int run(const etcd *e, int count, char **words)
{
    proa_bytes key = proa_bytes_of(count > 1 ? words[1] : NULL);
    if (strcmp(words[0], "put") == 0 && count == 3)
        return etcd_put(e, key, proa_bytes_of(words[2]), 0);
    if (strcmp(words[0], "get") == 0 && count == 2)
        return etcd_get(e, key);
    if (strcmp(words[0], "delete") == 0 && count == 2)
        return etcd_delete(e, key);
    if (strcmp(words[0], "swap") == 0 && count == 4)
        return etcd_swap(e, key, proa_bytes_of(words[2]), proa_bytes_of(words[3]));
    if (strcmp(words[0], "lease") == 0 && count == 4)
        return etcd_lease(e, strtol(words[1], NULL, 10), proa_bytes_of(words[2]), proa_bytes_of(words[3]));
    if (strcmp(words[0], "watch") == 0 && count == 2)
        return etcd_watch(e, key);
    fprintf(stderr, "%s: no such command, or not with %d arguments\n", words[0], count - 1);
    return 2;
}

int main(int argc, char **argv)
{
    const char *address = "localhost:2379";
    etcd e = { .timeout_ns = 5 * PROA_SECOND };
    for (int option; (option = getopt(argc, argv, "a:t:pr:n:")) != -1;) {
        if (option == 'a')
            address = optarg;
        else if (option == 't')
            e.timeout_ns = strtol(optarg, NULL, 10) * PROA_SECOND;
        else if (option == 'p')
            e.prefix = true;
        else if (option == 'r')
            e.revision = strtoll(optarg, NULL, 10);
        else if (option == 'n')
            e.most = strtoul(optarg, NULL, 10);
        else
            return usage(argv[0]);
    }
    if (optind == argc)
        return usage(argv[0]);
    proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };
    proa_channel_options options = { .trace = &trace, .plaintext = true };
    options.keepalive_ns =
        30 * PROA_SECOND; /* a watch may be silent for hours: notice that etcd has gone without a word */
    e.channel = proa_channel_open(address, &options);
    int rc = run(&e, argc - optind, argv + optind);
    proa_channel_close(e.channel);
    return rc;
}
