/* SPDX-License-Identifier: Apache-2.0 */
/* cli: the tool `proa`: arguments, printing, exit codes; everything else it asks of the library's public face, or, where a
 * measurement must cost little, of link and rpc (bench_link.c, bench_load.c).
 *
 * Never does: protocols. Exit codes: 0 done; 1 the call ended with another status than OK, or I/O failed; 2 the arguments
 * make no sense. Data go to standard output, everything said to people to standard error. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

int cli_call(int argc, char **argv);   /* invoke.c; argv[0] is "call" */
int cli_bench(int argc, char **argv);  /* bench.c; argv[0] is "bench" */
#endif
