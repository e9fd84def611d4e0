/* SPDX-License-Identifier: Apache-2.0 */
/* proa bench compare: two results of `proa bench --json`, and an exit code that says whether the second is worse. */
#ifndef CLI_BENCH_COMPARE_H
#define CLI_BENCH_COMPARE_H
int bench_compare(int argc, char **argv); /* argv[0] is "compare" */
#endif
