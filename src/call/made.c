/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that we make. Under each lies an attempt, an exchange on some connection; replay.c may put another in its place, and
 * retry and hedging will. Two pins: the user's, and that of the run until its last event. */
#include "call/object.h"
#include <stdarg.h>
#include <stdio.h>

static int64_t deadline_of(proa_loop *home, const call_making *m)
{
    int64_t timeout = m->options->timeout_ns ? m->options->timeout_ns : m->timeout_ns;
    int64_t parents = m->options->parent ? m->options->parent->deadline_ns : INT64_MAX;
    if (!timeout)
        return parents;
    int64_t now = home_now(home);
    int64_t own = timeout < 0 ? now - 1 : timeout > INT64_MAX - now ? INT64_MAX : now + timeout;
    return own < parents ? own : parents;
}

static bool copy_options(proa_call *c, const call_making *m)
{
    const proa_call_options *o = m->options;
    c->made.on_ready = o->on_ready;
    c->made.on_done = o->on_done;
    c->made.callback_user = o->user;
    c->made.waits_for_ready = o->wait_for_ready;
    for (size_t i = 0; i < o->headers.count; i++)
        if (header_list_add(&c->user.headers, &c->user.arena, o->headers.data[i].name, o->headers.data[i].value) !=
            PROA_ERR_NONE)
            return false;
    if (m->method) {
        c->user.path = m->method->path;
        return true;
    }
    proa_bytes path = proa_bytes_of(m->path);
    path.size++; /* with its NUL */
    proa_arena *arena = &c->user.arena;
    c->user.path = proa_arena_copy(arena, path);
    if (!c->user.path.data)
        return false;
    c->user.path.size--;
    return true;
}

/* Nothing of it runs any more. The caller has it pinned. */
static void finish(proa_call *c)
{
    c->is_finished = true;
    home_drop(c->home);
    if (c->made.parent)
        step_child_gone(c->made.parent);
    call_unpin(c); /* of the run */
}

static void let_go(proa_call *c)
{
    if (c->made.is_let_go)
        return;
    c->made.is_let_go = true;
    call_unpin(c); /* the user's */
}

/* on_done waits until what came before it was popped. */
static bool is_done(const proa_call *c)
{
    return c->is_over && !c->is_finished && (!c->made.on_ready || local_is_at_end(c) || c->made.is_abandoned);
}

/* A callback may end the call, so it is pinned while it runs. Who popped a part of what was there is called again. */
static void run_callbacks(io_task *task)
{
    proa_call *c = CONTAINER_OF(task, proa_call, task);
    if (c->is_finished)
        return;
    call_pin(c);
    c->has_popped = false;
    if (c->made.on_ready)
        c->made.on_ready(c, c->made.callback_user);
    if (is_done(c)) {
        if (c->made.on_done) {
            c->made.on_done(c, c->made.callback_user);
            if (!c->made.parent)
                let_go(c);
        }
        finish(c);
    } else if (c->has_popped && c->made.on_ready && rpc_exchange_has_message(c->exchange)) {
        call_schedule(c);
    }
    call_unpin(c);
}

static bool has_callbacks(const proa_call *c)
{
    return c->made.on_ready || c->made.on_done;
}

static void on_deadline(io_timer *timer)
{
    call_cancel(CONTAINER_OF(timer, proa_call, timer), PROA_DEADLINE_EXCEEDED,
                "the deadline passed before the call had a connection");
}

proa_call *call_make(proa_loop *home, const call_making *m)
{
    PROA_ASSERT(!home->is_driven || m->options->parent || !(m->options->on_ready || m->options->on_done),
                "callbacks need a channel with a loop");
    PROA_ASSERT(!m->is_remote || !(m->options->on_ready || m->options->on_done),
                "a call with callbacks is begun in the thread of its parent's loop");
    proa_call *c = call_new(home, false, m->is_remote);
    if (!c)
        return NULL;
    c->method = m->method;
    c->is_single_reply = m->method && !(m->method->flags & PROA_GEN_SERVER_STREAMS);
    c->queue_bytes_max = m->queue_bytes_max ? m->queue_bytes_max : LIMITS_QUEUE_BYTES_MAX;
    c->made.receive_bytes_max = m->receive_bytes_max;
    c->hooks = m->hooks;
    c->owner = m->owner;
    c->task.run = run_callbacks;
    c->timer.fire = on_deadline;
    c->deadline_ns = deadline_of(home, m);
    c->made.parent = m->options->parent;
    call_pin(c); /* of the run */
    if (c->made.parent && c->is_remote)
        atomic_fetch_add(&c->made.parent->unborn, 1);
    bool is_whole = copy_options(c, m);
    if (!c->is_remote)
        made_begin(c);
    if (!is_whole)
        call_break_for(c, PROA_ERR_NOMEM, NULL);
    return c;
}

static void join_parent(proa_call *c, proa_call *parent)
{
    list_push(&parent->children, &c->made.sibling);
    if (c->is_remote)
        atomic_fetch_sub(&parent->unborn, 1);
    if (!parent->is_over && !atomic_load(&parent->is_cancelled))
        return;
    call_cancel(c, PROA_CANCELLED, "the call that it worked for is over");
    call_abandon(c);
}

void made_begin(proa_call *c)
{
    c->made.is_begun = true;
    if (c->is_remote)
        list_push(&c->home->all, &c->all);
    home_keep(c->home);
    if (c->made.parent)
        join_parent(c, c->made.parent);
    if (c->is_over || c->deadline_ns == INT64_MAX)
        return;
    if (c->deadline_ns <= home_now(c->home))
        call_cancel(c, PROA_DEADLINE_EXCEEDED, "the deadline was over before the call began");
    else
        io_timer_start(c->home->io, &c->timer, c->deadline_ns);
}

void call_submit(proa_call *c)
{
    call_post(c, CALL_CMD_SUBMIT);
}

static void push_what_waits(proa_call *c)
{
    if (c->is_remote)
        remote_flush(c);
    else
        for (proa_slice slice; slice_queue_pop(&c->made.kept, &slice);)
            local_give_slice(c, &slice);
    if (c->has_ended_ours)
        rpc_exchange_end_requests(c->exchange);
}

/* The loop's time does where no deadline is measured. A driven home's is as old as its last turn. */
static int64_t begin_time(const proa_call *c)
{
    return c->deadline_ns == INT64_MAX && c->home->is_turning ? io_loop_now(c->home->io) : home_now(c->home);
}

proa_err call_attach(proa_call *c, link_pump *pump, call_peer *peer)
{
    rpc_request request = { .path = c->user.path,
                            .headers = { c->user.headers.data, c->user.headers.count },
                            .deadline_ns = c->deadline_ns,
                            .receive_bytes_max = c->made.receive_bytes_max,
                            .user = c };
    proa_err err = rpc_exchange_begin(link_pump_endpoint(pump), &request, begin_time(c), &c->exchange);
    if (err == PROA_ERR_LIMIT || err == PROA_ERR_CLOSED)
        return err;
    if (err != PROA_ERR_NONE) {
        link_pump_touch(pump); /* what was begun is taken back there */
        call_refuse(c, err == PROA_ERR_MALFORMED ? PROA_INTERNAL : rpc_code_of_err(err), "%s",
                    err == PROA_ERR_MALFORMED ? "a header or the path holds what HTTP forbids" : error_name(err));
        return PROA_ERR_NONE;
    }
    if (io_timer_is_running(&c->timer))
        io_timer_stop(c->home->io, &c->timer);
    c->pump = pump;
    rpc_exchange_set_queue_max(c->exchange, c->queue_bytes_max);
    replay_begin(c, peer);
    push_what_waits(c);
    call_touch(c);
    made_notice(c);
    return PROA_ERR_NONE;
}

void call_refuse(proa_call *c, proa_code code, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (c->is_over)
        return;
    call_keep_refusal(c, code, text);
    made_over(c);
}

void made_notice(proa_call *c)
{
    home_note(c->home);
    if (c->is_single_reply)
        local_gather(c);
    if (c->is_remote)
        remote_refresh(c);
    else if (c->made.on_ready)
        call_schedule(c);
    if (c->made.parent)
        step_notice(c->made.parent);
}

void made_over(proa_call *c)
{
    c->is_over = true;
    c->pump = NULL;
    if (c->made.replay.is_open)
        replay_commit(c);
    if (c->deadline_ns != INT64_MAX &&
        c->deadline_ns <= io_loop_now(c->home->io)) /* whoever of the two noticed it first */
        atomic_store(&c->is_cancelled, true);
    if (io_timer_is_running(&c->timer))
        io_timer_stop(c->home->io, &c->timer);
    call_pin(c);
    made_notice(c);
    if (!c->is_remote && has_callbacks(c))
        call_schedule(c);
    else if (!c->is_finished)
        finish(c);
    call_unpin(c);
}

void made_end(proa_call *c)
{
    call_pin(c);
    c->made.on_ready = c->made.on_done = NULL;
    list_remove(&c->made.sibling);
    c->made.parent = NULL;
    call_cancel(c, PROA_CANCELLED, "the program ended the call");
    if (c->is_over && !c->is_finished)
        call_schedule(c); /* on_done was due; now the run ends without it */
    let_go(c);
    call_unpin(c);
}

/* ---- The end, on the user's side */

static proa_status final_status(proa_call *c, proa_arena *arena)
{
    if (c->refusal_code == PROA_OK)
        return rpc_exchange_status(c->exchange, arena);
    proa_bytes text = c->refusal ? proa_bytes_of(c->refusal) : PROA_STR("");
    return (proa_status){ .code = c->refusal_code, .message = proa_arena_copy(arena, text) };
}

static proa_status refuse_reply(proa_arena *arena, proa_code code, const char *format, ...) PROA_PRINTF(3, 4);
static proa_status refuse_reply(proa_arena *arena, proa_code code, const char *format, ...)
{
    char text[320];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return (proa_status){ .code = code, .message = proa_arena_copy(arena, proa_bytes_of(text)) };
}

enum { REPLY_COPY_MAX = 2048 };

/* What is decoded points into its wire. The call keeps that as long as it lives; an arena that is to outlive the call gets a
 * copy of a small one, so that the block is for the next message of this loop, and holds a large one. */
static proa_err keep_wire(proa_call *c, proa_arena *arena, proa_bytes *wire)
{
    *wire = c->first.bytes;
    if (arena == &c->user.arena || wire->size == 0)
        return PROA_ERR_NONE;
    if (wire->size > REPLY_COPY_MAX)
        return arena_hold(arena, &c->first);
    char *copy = arena_raw(arena, wire->size + HOLD_SLOP);
    if (!copy)
        return PROA_ERR_NOMEM;
    memcpy(copy, wire->data, wire->size);
    memset(copy + wire->size, 0, HOLD_SLOP);
    wire->data = copy;
    return PROA_ERR_NONE;
}

/* gRPC status codes: a cardinality violation is UNIMPLEMENTED, a reply that does not parse INTERNAL (doc/statuscodes.md). */
static proa_status decode_reply(proa_call *c, void *reply, proa_arena *arena)
{
    proa_error error;
    proa_status ok = { .code = PROA_OK, .message = PROA_STR("") };
    if (c->first_count != 1)
        return refuse_reply(arena, PROA_UNIMPLEMENTED, "%u replies came where one is due", c->first_count);
    if (!reply)
        return refuse_reply(arena, PROA_RESOURCE_EXHAUSTED, "no memory for the reply");
    proa_bytes wire;
    if (keep_wire(c, arena, &wire) != PROA_ERR_NONE)
        return refuse_reply(arena, PROA_RESOURCE_EXHAUSTED, "no memory for the reply");
    if (pb_decode_slice(c->method->reply, wire, arena, reply, &error) != PROA_ERR_NONE)
        return refuse_reply(arena, error.code == PROA_ERR_NOMEM ? PROA_RESOURCE_EXHAUSTED : PROA_INTERNAL,
                            "the reply: %s", error.text);
    return ok;
}

static void settle_into(proa_call *c, void *reply, proa_arena *arena)
{
    c->user.is_settled = true;
    c->user.status = final_status(c, arena);
    if (c->user.status.code != PROA_OK || !c->is_single_reply)
        return;
    c->user.status = decode_reply(c, reply, arena);
    c->user.reply = c->user.status.code == PROA_OK ? reply : NULL;
}

void made_settle(proa_call *c)
{
    if (c->user.is_settled)
        return;
    proa_arena *arena = &c->user.arena;
    settle_into(c, c->is_single_reply ? proa_arena_alloc(arena, c->method->reply->size) : NULL, arena);
}

static bool is_over_remotely(proa_call *c)
{
    return c->remote.is_over;
}

static void wait_for_end(proa_call *c)
{
    home_enter_unless_remote(c);
    if (c->is_remote) {
        remote_wait(c, is_over_remotely);
    } else {
        home_may_wait(c->home);
        while (!c->is_over)
            home_wait(c->home);
    }
    home_leave_unless_remote(c);
}

void made_let_go(proa_call *c)
{
    if (c->is_remote) {
        call_post(c, CALL_CMD_END);
        return;
    }
    proa_loop *home = c->home;
    home_enter(home);
    made_end(c);
    home_leave(home);
}

proa_status call_await(proa_call *c, void *reply, proa_arena *arena)
{
    wait_for_end(c);
    memset(reply, 0, c->method->reply->size);
    proa_status status = { PROA_RESOURCE_EXHAUSTED, PROA_STR("no memory for the reply"), { NULL, 0 } };
    if (arena) { /* a program that found no memory for one need not check */
        settle_into(c, reply, arena);
        status = c->user.status;
    }
    made_let_go(c);
    return status;
}
