/* SPDX-License-Identifier: Apache-2.0 */
/* proa COMMAND: finds the command and runs it. */
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"

static const char help[] =
    "proa COMMAND\n"
    "\n"
    "  call [OPTIONS] TARGET /package.Service/Method   call any method with messages as raw bytes; proa call --help\n"
    "  bench [OPTIONS] TARGET /package.Service/Method  measure a method; proa bench --help\n"
    "  version                                         the version of the tool and the library\n"
    "  help                                            this text\n"
    "\n"
    "PROA_TRACE=h2,rpc,io prints one line an event on standard error.\n";

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (!strcmp(command, "call"))
        return cli_call(argc - 1, argv + 1);
    if (!strcmp(command, "bench"))
        return cli_bench(argc - 1, argv + 1);
    if (!strcmp(command, "version") || !strcmp(command, "--version")) {
        puts("proa " PROA_VERSION);
        return CLI_OK;
    }
    if (!strcmp(command, "help") || !strcmp(command, "--help") || !strcmp(command, "-h")) {
        fputs(help, stdout);
        return CLI_OK;
    }
    if (*command)
        fprintf(stderr, "proa: there is no command %s\n", command);
    fputs(help, stderr);
    return CLI_USAGE;
}
