/* SPDX-License-Identifier: Apache-2.0 */
/* sim: whole clients and servers over a simulated network and clock.
 *
 *     sim SEED                tells the story of one run
 *     sim --seeds FIRST COUNT [--jobs N] [--quiet]    runs many, stops at the first that fails, counts what was reached
 *     sim --file FILE         runs the seeds of a file: a number a line, then a word
 *     sim --same FIRST COUNT  each twice: a seed is one story, and no other */
#define _GNU_SOURCE
#include "base/assert.h"
#include "run.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEED_SECONDS = 60, TOLD = 3 }; /* TOLD: an exit code; the rest are crashes and sanitizers */

/* Between the one who counts and those who run. */
typedef struct board {
    struct {
        volatile uint64_t seed, done;
        volatile int is_running;
        coverage coverage;
    } jobs[16];
    volatile int has_failed;
} board;

static uint64_t seed_now;

static void on_assertion(const char *rule)
{
    fprintf(stderr, "\nseed %" PRIu64 " failed: an assertion: %s\n", seed_now, rule);
    _exit(TOLD);
}

static void run_share(board *b, unsigned job, unsigned jobs, uint64_t first, uint64_t count)
{
    for (uint64_t i = job; i < count && !b->has_failed; i += jobs) {
        coverage once = { { 0 }, 0, 0, 0, 0 };
        b->jobs[job].seed = seed_now = first + i;
        alarm(SEED_SECONDS); /* who hangs is a failure as well */
        outcome out = run_seed(first + i, false, &once);
        alarm(0);
        coverage_add(&b->jobs[job].coverage, &once);
        b->jobs[job].done++;
        if (!out.is_good) {
            b->has_failed = 1;
            fprintf(stderr, "\nseed %" PRIu64 " failed: %s\n", first + i, out.text);
            _exit(TOLD);
        }
    }
    _exit(0);
}

static uint64_t done_of(const board *b, unsigned jobs)
{
    uint64_t done = 0;
    for (unsigned i = 0; i < jobs; i++)
        done += b->jobs[i].done;
    return done;
}

static int wait_for(board *b, unsigned jobs, pid_t *pids, uint64_t count, bool is_quiet)
{
    int failures = 0;
    for (unsigned left = jobs; left > 0;) {
        int status;
        pid_t pid = waitpid(-1, &status, is_quiet ? 0 : WNOHANG);
        if (pid == 0) {
            fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " seeds", done_of(b, jobs), count);
            usleep(200000);
            continue;
        }
        left--;
        for (unsigned i = 0; i < jobs; i++)
            if (pids[i] == pid && !(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == TOLD))) {
                b->has_failed = 1;
                fprintf(stderr, "\nseed %" PRIu64 " failed: %s\n", b->jobs[i].seed,
                        WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it hangs" : "it crashed");
            }
        failures += !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    if (!is_quiet)
        fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " seeds\n", done_of(b, jobs), count);
    return failures;
}

static int run_many(uint64_t first, uint64_t count, unsigned jobs, bool is_quiet, bool is_partial)
{
    board *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[16];
    fflush(stdout);
    for (unsigned i = 0; i < jobs; i++)
        if ((pids[i] = fork()) == 0)
            run_share(b, i, jobs, first, count);
    int failures = wait_for(b, jobs, pids, count, is_quiet);
    coverage sum = { { 0 }, 0, 0, 0, 0 };
    for (unsigned i = 0; i < jobs; i++)
        coverage_add(&sum, &b->jobs[i].coverage);
    if (failures) {
        fprintf(stderr, "./dev sim SEED tells its story\n");
        return 1;
    }
    unsigned missed = is_quiet ? 0 : coverage_print(&sum);
    printf("%" PRIu64 " seeds, %" PRIu64 " calls, %" PRIu64 " turns, %" PRIu64
           " MB, %.0f hours of their time: all well\n",
           count, sum.calls, sum.turns, sum.bytes / 1000000, (double)sum.virtual_ns / 3600e9);
    if (missed && !is_partial) {
        printf("%u things were never reached\n", missed);
        return 1;
    }
    return 0;
}

static int run_file(const char *path)
{
    char line[256], word[200];
    int failures = 0;
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return 2;
    }
    while (fgets(line, sizeof line, file)) {
        uint64_t seed;
        if (line[0] == '#' || sscanf(line, "%" SCNu64 " %199[^\n]", &seed, word) < 1)
            continue;
        coverage sum = { { 0 }, 0, 0, 0, 0 };
        alarm(SEED_SECONDS);
        outcome out = run_seed(seed, false, &sum);
        printf("%s seed %" PRIu64 " (%s) %s\n", out.is_good ? "ok  " : "FAIL", seed, word, out.text);
        failures += !out.is_good;
    }
    fclose(file);
    return failures != 0;
}

static int run_twice(uint64_t first, uint64_t count)
{
    for (uint64_t seed = first; seed < first + count; seed++) {
        coverage sum = { { 0 }, 0, 0, 0, 0 };
        outcome one = run_seed(seed, false, &sum), two = run_seed(seed, false, &sum);
        if (one.digest != two.digest) {
            printf("seed %" PRIu64 " is two stories\n", seed);
            return 1;
        }
    }
    printf("%" PRIu64 " seeds are one story each\n", count);
    return 0;
}

static int tell(uint64_t seed)
{
    coverage sum = { { 0 }, 0, 0, 0, 0 };
    setvbuf(stdout, NULL, _IOLBF, 0);
    outcome out = run_seed(seed, true, &sum);
    printf("seed %" PRIu64 ": %s\n", seed, out.is_good ? "well" : out.text);
    return !out.is_good;
}

int main(int argc, char **argv)
{
    unsigned jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    bool is_quiet = false, is_partial = false;
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--jobs") == 0 && i + 1 < argc)
            jobs = (unsigned)strtoul(argv[i + 1], NULL, 10);
        is_quiet |= strcmp(argv[i], "--quiet") == 0;
        is_partial |= strcmp(argv[i], "--partial") == 0;
    }
    assert_set_hook(on_assertion);
    jobs = jobs < 1 ? 1 : jobs > 16 ? 16 : jobs;
    if (argc >= 4 && strcmp(argv[1], "--seeds") == 0)
        return run_many(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), jobs, is_quiet, is_partial);
    if (argc == 4 && strcmp(argv[1], "--same") == 0)
        return run_twice(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "--file") == 0)
        return run_file(argv[2]);
    if (argc == 2 && argv[1][0] >= '0' && argv[1][0] <= '9')
        return tell(strtoull(argv[1], NULL, 10));
    fprintf(stderr,
            "sim SEED | --seeds FIRST COUNT [--jobs N] [--quiet] [--partial] | --file FILE | --same FIRST COUNT\n");
    return 2;
}
