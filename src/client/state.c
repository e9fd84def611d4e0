/* SPDX-License-Identifier: Apache-2.0 */
/* The state that a program sees: that of the channel's own part. It is written on its home and read anywhere; who waits in
 * a thread drives the home meanwhile, and who has a loop is told in its dispatch phase. */
#include "client/channel.h"

static proa_channel_state state_of(const proa_channel *c)
{
    return (proa_channel_state)atomic_load(&c->state);
}

static void run_tell(io_task *task)
{
    proa_channel *c = CONTAINER_OF(task, proa_channel, tell);
    proa_channel_state state = state_of(c);
    if (state == c->told)
        return;
    c->told = state;
    c->options.on_state(c, state, c->options.user); /* the channel may be gone now */
}

void state_init(proa_channel *c)
{
    c->told = c->failure.code == PROA_ERR_NONE ? PROA_CHANNEL_IDLE : PROA_CHANNEL_TRANSIENT_FAILURE;
    atomic_init(&c->state, (int)c->told);
    c->tell.run = run_tell;
}

void state_set(proa_channel *c, proa_channel_state state)
{
    if (state_of(c) == state || state_of(c) == PROA_CHANNEL_SHUTDOWN)
        return;
    atomic_store(&c->state, (int)state);
    home_note(c->home);
    if (c->options.on_state)
        io_loop_defer(home_io(c->home), &c->tell, IO_DISPATCH);
}

void state_close(proa_channel *c)
{
    atomic_store(&c->state, PROA_CHANNEL_SHUTDOWN);
    io_task_cancel(&c->tell);
    if (c->owns_home) /* another loop may be gone */
        home_note(c->home);
}

/* On home. A channel that cannot be used stays as it is. */
static void connect_here(proa_channel *c)
{
    channel_part *part;
    if (c->failure.code == PROA_ERR_NONE && part_of(c, c->home, &part) == PROA_ERR_NONE)
        part_connect(part);
}

static void connect_errand(void *channel)
{
    proa_channel *c = channel;
    connect_here(c);
    channel_release(c, c->home);
}

static void begin_to_connect(proa_channel *c)
{
    if (home_is_driven(c->home) || home_is_here(c->home)) {
        home_enter(c->home);
        connect_here(c);
        home_leave(c->home);
        return;
    }
    channel_retain(c);
    if (proa_loop_post(c->home, connect_errand, c) != PROA_ERR_NONE)
        channel_release(c, NULL); /* the loop goes, or there is no memory: nothing to connect for */
}

proa_channel_state proa_channel_get_state(proa_channel *c, bool connect)
{
    if (!c)
        return PROA_CHANNEL_SHUTDOWN;
    if (connect && state_of(c) == PROA_CHANNEL_IDLE)
        begin_to_connect(c);
    return state_of(c);
}

/* ---- Waiting */

typedef struct patience {
    io_timer timer;
    proa_loop *home;
    bool is_over;
} patience;

static void on_time(io_timer *timer)
{
    patience *p = CONTAINER_OF(timer, patience, timer);
    p->is_over = true;
    home_note(p->home);
}

bool proa_channel_wait_state(proa_channel *c, proa_channel_state state, int64_t timeout_ns)
{
    if (!c)
        return state == PROA_CHANNEL_SHUTDOWN;
    proa_loop *home = c->home;
    patience p = { .timer = { .fire = on_time }, .home = home };
    home_may_wait(home);
    channel_retain(c);
    home_enter(home);
    int64_t now = home_now(home);
    if (timeout_ns >= 0)
        io_timer_start(home_io(home), &p.timer, timeout_ns < INT64_MAX - now ? now + timeout_ns : INT64_MAX - 1);
    if (state == PROA_CHANNEL_READY)
        connect_here(c);
    while (state_of(c) != state && state_of(c) != PROA_CHANNEL_SHUTDOWN && !p.is_over)
        home_wait(home);
    bool is_there = state_of(c) == state;
    io_timer_stop(home_io(home), &p.timer);
    channel_release(c, home);
    home_leave(home);
    return is_there;
}
