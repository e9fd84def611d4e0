/* SPDX-License-Identifier: Apache-2.0 */
/* The world of one run: its clock, its dice, what is to happen and when, what was seen. The simulator alone moves the clock. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H
#include "call/call.h"
#include "coverage.h"
#include <stdarg.h>

#define MS PROA_MILLISECOND
#define SECOND PROA_SECOND

typedef struct world world;

typedef struct event {
    int64_t at;
    uint64_t order;
    size_t index;                 /* 0: not planned */
    void (*fire)(struct event *event);
} event;

/* Which troubles this world has, each in thousandths. */
typedef struct troubles {
    unsigned reset, cut, silence, stall, refuse, connect_silent, connect_error, memory, clock, late, restart, close;
} troubles;

struct world {
    uint64_t seed, dice[2];
    int64_t now;
    struct { event **items; size_t count, capacity; uint64_t orders; } events;
    bool tells;                   /* the story, on standard output */
    const char *failure;          /* the first rule that did not hold; text is failure_text */
    char failure_text[400];
    uint64_t digest;              /* of all that was told: the same seed gives the same */
    coverage coverage;
    bool is_clean;                /* no trouble: whatever is not planned is a fault */
    troubles troubles;
    unsigned memory_failures, refusals;   /* refusals: REFUSED_STREAM, so far */
    struct { int64_t from, to; } steps[64];   /* of the clock: over these times nobody could turn */
    unsigned step_count;
    struct network *network;
    struct cast *cast;
};

void world_init(world *w, uint64_t seed, bool tells);
void world_fini(world *w);
uint64_t world_dice(world *w);
uint64_t world_below(world *w, uint64_t n);                    /* 0 to n-1 */
int64_t world_between(world *w, int64_t low, int64_t high);    /* both included; each size as likely as another */
bool world_chance(world *w, unsigned thousandths);
void world_plan(world *w, event *e, int64_t at);               /* planned twice: moved */
void world_forget(world *w, event *e);
int64_t world_next(const world *w);                            /* INT64_MAX: nothing */
void world_fire(world *w);                                     /* all that is due */
void world_step(world *w, int64_t to);                         /* the clock, over times that nobody sees */
int64_t world_allowed(const world *w, int64_t at);             /* when at the latest what is due then must have happened */
void world_tell(world *w, const char *format, ...) PROA_PRINTF(2, 3);
void world_fail(world *w, const char *rule, const char *format, ...) PROA_PRINTF(3, 4);
static inline void cover(world *w, coverage_point point) { w->coverage.counts[point]++; }
#endif
