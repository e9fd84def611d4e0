/* SPDX-License-Identifier: Apache-2.0 */
/* Turns the loops that have something to do, in an order that the dice decide; when none has, moves the clock to what comes
 * next. */
#include "run.h"
#include "base/memory.h"
#include "cast.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TURNS_AT_ONCE_MAX = 20000, AUDIT_EVERY = 16 };

/* ---- Troubles of the machine */

typedef struct machine {
    cast *cast;
    event memory, memory_back, clock, late;
    size_t armed;
} machine;

static void note_memory(machine *m)
{
    if (!m->armed)
        return;
    if (memory_unwatch() >= m->armed)
        cover(m->cast->world, COVER_NO_MEMORY);
    m->armed = 0;
}

static void on_memory_back(event *event)
{
    machine *m = CONTAINER_OF(event, machine, memory_back);
    world_tell(m->cast->world, "memory: there is some again");
    note_memory(m);
}

static void on_memory(event *event)
{
    machine *m = CONTAINER_OF(event, machine, memory);
    world *w = m->cast->world;
    note_memory(m);
    if (m->cast->is_over)
        return;
    m->armed = (size_t)world_between(w, 1, 200);
    w->memory_failures++;
    bool is_lasting = world_chance(w, 200);
    world_tell(w, "memory: allocation %zu from now%s fails", m->armed, is_lasting ? " on" : "");
    if (is_lasting) {
        cover(w, COVER_NO_MEMORY_LASTING);
        memory_watch_from(m->armed);
        world_plan(w, &m->memory_back, w->now + world_between(w, 1 * MS, 2 * SECOND));
    } else {
        memory_watch(m->armed);
    }
    world_plan(w, &m->memory, w->now + world_between(w, 2 * SECOND, 20 * SECOND));
}

static void on_clock(event *event)
{
    machine *m = CONTAINER_OF(event, machine, clock);
    world *w = m->cast->world;
    if (m->cast->is_over || w->step_count > 40)
        return;
    int64_t by = world_between(w, 1 * SECOND, 120 * SECOND);
    cover(w, COVER_CLOCK_STEP);
    world_tell(w, "clock: steps by %.3f s", (double)by / (double)SECOND);
    world_step(w, w->now + by);
    world_plan(w, &m->clock, w->now + world_between(w, 1 * SECOND, 60 * SECOND));
}

static actor *actor_of(cast *cast, unsigned i)
{
    return i < cast->client_count ? &cast->clients[i].actor : &cast->servers[i - cast->client_count].actor;
}

static void on_turn(event *event)
{
    CONTAINER_OF(event, actor, turn)->is_late = false;
}

static void on_late(event *event)
{
    machine *m = CONTAINER_OF(event, machine, late);
    world *w = m->cast->world;
    if (m->cast->is_over)
        return;
    actor *a = actor_of(m->cast, (unsigned)world_below(w, m->cast->client_count + m->cast->server_count));
    int64_t by = world_between(w, 1 * MS, 500 * MS);
    if (w->step_count < 60 && !a->is_late) {
        cover(w, COVER_LATE_TURN);
        a->is_late = true;
        a->turn.fire = on_turn;
        world_plan(w, &a->turn, w->now + by);
        w->steps[w->step_count].from = w->now;
        w->steps[w->step_count++].to = w->now + by;
    }
    world_plan(w, &m->late, w->now + world_between(w, 100 * MS, 10 * SECOND));
}

static void plan_machine(machine *m, cast *cast)
{
    world *w = cast->world;
    *m = (machine){ .cast = cast,
                    .memory = { .fire = on_memory },
                    .memory_back = { .fire = on_memory_back },
                    .clock = { .fire = on_clock },
                    .late = { .fire = on_late } };
    if (w->troubles.memory)
        world_plan(w, &m->memory, w->now + world_between(w, 0, 20 * SECOND));
    if (w->troubles.clock)
        world_plan(w, &m->clock, w->now + world_between(w, 0, 60 * SECOND));
    if (w->troubles.late)
        world_plan(w, &m->late, w->now + world_between(w, 0, 10 * SECOND));
}

/* ---- Turning */

static bool turn_all(cast *cast)
{
    world *w = cast->world;
    unsigned count = cast->client_count + cast->server_count, first = (unsigned)world_below(w, count);
    bool has_turned = false;
    for (unsigned i = 0; i < count && !w->failure; i++) {
        actor *a = actor_of(cast, (first + i) % count);
        if (a->is_late || io_loop_wait_ns(home_io(a->loop)) != 0)
            continue;
        home_turn(a->loop, 0);
        has_turned = true;
        if (w->coverage.turns++ % AUDIT_EVERY == 0)
            judge_audit(cast);
    }
    return has_turned;
}

static int64_t next_time(cast *cast)
{
    world *w = cast->world;
    int64_t next = world_next(w);
    for (unsigned i = 0; i < cast->client_count + cast->server_count; i++) {
        actor *a = actor_of(cast, i);
        int64_t wait = a->is_late ? INT64_MAX : io_loop_wait_ns(home_io(a->loop));
        if (wait != INT64_MAX && w->now + wait < next)
            next = w->now + wait;
    }
    return next;
}

/* Until that time, or until all calls are over. */
static void run_until(cast *cast, int64_t end, bool until_done)
{
    world *w = cast->world;
    for (unsigned at_once = 0; !w->failure;) {
        world_fire(w);
        if (turn_all(cast)) {
            if (++at_once > TURNS_AT_ONCE_MAX)
                world_fail(w, "time goes on", "%u turns at one time", at_once);
            continue;
        }
        at_once = 0;
        if (until_done && cast->done_count == cast->plan_count)
            return;
        int64_t next = next_time(cast);
        if (next > end)
            break;
        w->now = next > w->now ? next : w->now + 1;
    }
    if (!w->failure && w->now < end && !until_done)
        w->now = end;
}

static void name_the_living(cast *cast)
{
    for (unsigned i = 0; i < cast->plan_count; i++)
        if (!cast->plans[i].is_done)
            world_fail(cast->world, "a call ends", "call %u has not, after %.0f s", i,
                       (double)(cast->world->now - cast->plans[i].begun_at) / (double)SECOND);
}

static bool all_drained(const cast *cast)
{
    for (unsigned i = 0; i < cast->server_count; i++)
        if (cast->servers[i].server)
            return false;
    return true;
}

static void play(cast *cast)
{
    world *w = cast->world;
    run_until(cast, w->now + 20000 * SECOND, true);
    name_the_living(cast);
    cast->is_over = true;
    memory_unwatch();
    run_until(cast, w->now + 60 * SECOND, false);
    if (!w->failure)
        judge_rest(cast);
    if (w->failure)
        return;
    world_tell(w, "all calls are over; the channels close");
    cast_close_channels(cast);
    run_until(cast, w->now + 10 * SECOND, false);
    for (unsigned i = 0; i < cast->server_count; i++) {
        world_forget(w, &cast->servers[i].back);
        if (world_chance(w, 500) && cast->servers[i].server)
            proa_server_drain(cast->servers[i].server);
    }
    run_until(cast, w->now + 60 * SECOND, false);
    (void)all_drained;
}

static void finish(cast *cast, world *w, long blocks_before)
{
    cast_free(cast);
    free(cast);
    world_fini(w);
    if (!w->failure && live_blocks != blocks_before)
        world_fail(w, "all memory returns", "%ld blocks did not", live_blocks - blocks_before);
}

outcome run_seed(uint64_t seed, bool tells, coverage *sum)
{
    world *w = calloc(1, sizeof *w);
    world_init(w, seed, tells);
    long blocks = live_blocks;
    cast *cast = calloc(1, sizeof *cast);
    machine m;
    cast_open(cast, w);
    plan_machine(&m, cast);
    int64_t begun = w->now;
    play(cast);
    note_memory(&m);
    w->coverage.virtual_ns = w->now - begun;
    outcome out = { .is_good = !w->failure };
    /* After a failure nothing is taken apart: what is broken may not come apart. */
    if (!w->failure)
        finish(cast, w, blocks);
    out.is_good = !w->failure;
    out.digest = w->digest;
    snprintf(out.text, sizeof out.text, "%s", w->failure ? w->failure_text : "");
    coverage_add(sum, &w->coverage);
    if (!w->failure)
        free(w);
    return out;
}
