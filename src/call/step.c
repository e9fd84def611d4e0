/* SPDX-License-Identifier: Apache-2.0 */
/* Served calls: a handler is a function that is called until it answers. This file decides when it is called again. Pins: one
 * of the run, until on_end has run; one of the worker or the ticket, until it answered. */
#include "call/object.h"
#include <stdio.h>

static void run(io_task *task);
static void on_time(io_timer *timer);

/* ---- Beginning */

static void ready(proa_call *c)
{
    c->state = CALL_READY;
    call_schedule(c);
}

/* One request is due, exactly: more, or none, is a violation of cardinality (doc/statuscodes.md). */
static void gather_request(proa_call *c)
{
    local_gather(c);
    if (rpc_exchange_is_half_closed(c->exchange) || c->first_count > 1)
        ready(c);
}

bool call_serve(proa_loop *home, link_pump *pump, rpc_exchange *exchange, const call_serving *s)
{
    proa_call *c = call_new(home, false);
    if (!c) {
        proa_status status = { .code = PROA_RESOURCE_EXHAUSTED, .message = PROA_STR("no memory for a call") };
        rpc_exchange_set_user(exchange, NULL);
        rpc_exchange_finish(exchange, &status, (proa_headers){ NULL, 0 });
        return false;
    }
    const call_binding *b = s->binding;
    c->is_served = true;
    c->exchange = exchange;
    c->pump = pump;
    c->binding = b;
    c->method = b->method;
    c->is_single_request = b->method && !(b->method->flags & PROA_GEN_CLIENT_STREAMS);
    c->is_single_reply = b->method && !(b->method->flags & PROA_GEN_SERVER_STREAMS);
    c->queue_bytes_max = b->queue_bytes_max ? b->queue_bytes_max : LIMITS_QUEUE_BYTES_MAX;
    c->hooks = s->hooks;
    c->owner = s->owner;
    c->on_call = s->on_call;
    c->on_call_user = s->on_call_user;
    c->peer = s->peer;
    c->peer->count++;
    c->deadline_ns = rpc_exchange_deadline(exchange);
    c->user.path = b->method ? b->method->path.data : NULL;
    c->task.run = run;
    c->timer.fire = on_time;
    rpc_exchange_set_user(exchange, c);
    rpc_exchange_set_queue_max(exchange, c->queue_bytes_max);
    c->state = CALL_GATHERS;
    if (c->is_single_request)
        gather_request(c);
    else
        ready(c);
    return true;
}

/* ---- The user's side: the request, the handler, the reply */

bool step_prepare(proa_call *c, proa_code *answer)
{
    proa_arena *arena = call_arena(c);
    if (c->is_single_reply) {
        c->user.reply = arena ? proa_arena_alloc(arena, c->method->reply->size) : NULL;
        if (!c->user.reply) {
            *answer = PROA_RESOURCE_EXHAUSTED;
            return false;
        }
    }
    if (!c->is_single_request)
        return true;
    if (c->first_count != 1) {
        *answer = proa_call_fail(c, PROA_UNIMPLEMENTED, "%u requests came where one is due", c->first_count);
        return false;
    }
    proa_error error;
    proa_bytes bytes = c->first.bytes; /* the arena holds the slice from here on */
    void *request = arena ? proa_arena_alloc(arena, c->method->request->size) : NULL;
    if (!request || arena_hold(arena, &c->first) != PROA_ERR_NONE) {
        *answer = PROA_RESOURCE_EXHAUSTED;
        return false;
    }
    if (pb_decode_slice(c->method->request, bytes, arena, request, &error) != PROA_ERR_NONE) {
        *answer = proa_call_fail(c, error.code == PROA_ERR_NOMEM ? PROA_RESOURCE_EXHAUSTED : PROA_INTERNAL,
                                 "the request: %s", error.text);
        return false;
    }
    c->user.request = request;
    return true;
}

proa_code step_run(proa_call *c)
{
    const call_binding *b = c->binding;
    return b->method ? b->method->step(b->handlers, c, c->user.request, c->user.reply) : b->handler(c);
}

/* ---- Steps on the home */

static void hand_to_worker(proa_call *c)
{
    c->state = CALL_WORKS;
    if (!remote_init(c)) {
        step_finish(c, PROA_RESOURCE_EXHAUSTED);
        return;
    }
    remote_refresh(c);
    call_pin(c); /* of the worker */
    c->hooks->work(c->owner, c);
}

static bool passes_on_call(proa_call *c)
{
    if (!c->on_call)
        return true;
    c->in_on_call = true;
    proa_code code = c->on_call(c);
    c->in_on_call = false;
    PROA_ASSERT(code >= 0, "on_call answers at once: PROA_OK goes on, any other code ends the call");
    if (code != PROA_OK)
        step_finish(c, code);
    return code == PROA_OK;
}

static void step(proa_call *c)
{
    proa_code code = PROA_OK;
    c->is_running = true;
    c->is_woken = false;
    c->state = CALL_WAITS;
    code = step_run(c);
    c->is_running = false;
    if (c->state == CALL_LATER || code == PROA_LATER) {
        PROA_ASSERT(c->state == CALL_LATER && code == PROA_LATER,
                    "PROA_LATER comes from proa_call_later, and is returned as it came");
        return;
    }
    if (code == PROA_WAIT) {
        if (c->is_woken)
            ready(c);
        return;
    }
    step_finish(c, step_encode_reply(c, code));
}

static void first_step(proa_call *c)
{
    proa_code code;
    c->was_checked = true;
    if (!passes_on_call(c))
        return;
    if (c->binding->on_workers)
        hand_to_worker(c);
    else if (step_prepare(c, &code))
        step(c);
    else
        step_finish(c, code);
}

/* The last thing that runs: when the exchange has ended and nobody else works on the call. */
static void end_run(proa_call *c)
{
    bool is_held = (c->state == CALL_WORKS || c->state == CALL_LATER);
    if (is_held || c->is_finished)
        return;
    c->is_finished = true;
    c->state = CALL_ANSWERED;
    if (c->on_end)
        c->on_end(c, c->on_end_user);
    call_unpin(c); /* of the run */
}

static void run(io_task *task)
{
    proa_call *c = CONTAINER_OF(task, proa_call, task);
    call_pin(c);
    io_timer_stop(c->home->io, &c->timer);
    if (c->is_over)
        end_run(c);
    else if (c->state == CALL_READY && c->was_checked)
        step(c);
    else if (c->state == CALL_READY)
        first_step(c);
    call_unpin(c);
}

/* ---- What has it called again */

void step_notice(proa_call *c)
{
    if (c->state == CALL_GATHERS)
        gather_request(c);
    else if (c->state == CALL_WAITS && !c->is_running)
        ready(c);
    else if (c->is_remote)
        remote_refresh(c);
}

void step_wake(proa_call *c)
{
    c->is_woken = true;
    if (c->is_remote) {
        pthread_mutex_lock(&c->remote.lock);
        c->remote.is_woken = true;
        pthread_cond_broadcast(&c->remote.moved);
        pthread_mutex_unlock(&c->remote.lock);
    } else if ((c->state == CALL_WAITS || c->state == CALL_SLEEPS) && !c->is_running) {
        ready(c);
    }
}

static void on_time(io_timer *timer)
{
    step_wake(CONTAINER_OF(timer, proa_call, timer));
}

proa_code proa_call_wait_ns(proa_call *c, int64_t ns)
{
    PROA_ASSERT(c->is_running, "wait_ns and sleep_ns are for handlers on a loop");
    int64_t now = io_loop_now(c->home->io);
    io_timer_start(c->home->io, &c->timer, ns <= 0 ? now : ns > INT64_MAX - now ? INT64_MAX : now + ns);
    return PROA_WAIT;
}

proa_code proa_call_sleep_ns(proa_call *c, int64_t ns)
{
    proa_code code = proa_call_wait_ns(c, ns);
    c->state = CALL_SLEEPS;
    return code;
}

/* ---- Answering */

static proa_code legal(proa_code code)
{
    return code >= PROA_OK && code <= PROA_UNAUTHENTICATED ? code : PROA_UNKNOWN;
}

void step_finish(proa_call *c, proa_code code)
{
    if (c->state == CALL_ANSWERED || c->is_over)
        return;
    code = legal(code);
    proa_bytes text = code == PROA_OK || !c->user.fail_text.data ? PROA_STR("") : c->user.fail_text;
    c->user.status = (proa_status){ .code = code, .message = text, .details = details_finish(c, code, text) };
    if (c->user.headers.count)
        local_send_headers(c);
    c->state = CALL_ANSWERED;
    c->has_ended_ours = true;
    rpc_exchange_finish(c->exchange, &c->user.status, (proa_headers){ c->user.trailers.data, c->user.trailers.count });
    call_touch(c);
}

void step_answered(proa_call *c)
{
    c->state = CALL_WAITS; /* nobody works on it any more */
    step_finish(c, c->remote.finish_code);
    if (c->is_over)
        call_schedule(c);
    call_unpin(c); /* of the worker, or the ticket */
}

/* Without the user's data: a worker may be at work on them. */
void call_stop_with(proa_call *c, proa_code code, const char *text)
{
    if (c->state == CALL_ANSWERED || c->is_over)
        return;
    atomic_store(&c->is_cancelled, true);
    proa_status status = { .code = code, .message = proa_bytes_of(text) };
    bool is_held = c->state == CALL_WORKS || c->state == CALL_LATER;
    if (!is_held) {
        c->user.status = status;
        c->state = CALL_ANSWERED;
    }
    c->has_ended_ours = true;
    rpc_exchange_finish(c->exchange, &status, (proa_headers){ NULL, 0 });
    call_touch(c);
    if (c->is_remote)
        remote_refresh(c);
}

void call_stop(proa_call *c, const char *text)
{
    call_stop_with(c, PROA_UNAVAILABLE, text);
}

/* Its last event. How it ended is news only when we did not end it. */
void step_over(proa_call *c)
{
    bool is_ours = c->has_ended_ours && c->state == CALL_ANSWERED;
    c->is_over = true;
    c->pump = NULL;
    if (!is_ours)
        atomic_store(&c->is_cancelled, true);
    if (c->is_remote)
        remote_refresh(c);
    else if (!is_ours)
        c->user.status = rpc_exchange_status(c->exchange, call_arena(c));
    for (list_node *n = list_first(&c->children), *next; n; n = next) {
        next = list_next(&c->children, n);
        call_cancel(CONTAINER_OF(n, proa_call, sibling), PROA_CANCELLED, "the call that it worked for is over");
    }
    call_schedule(c);
}

/* ---- Workers */

void call_work(proa_call *c)
{
    proa_code code = PROA_CANCELLED;
    if (!atomic_load(&c->is_cancelled) && step_prepare(c, &code))
        code = step_run(c);
    PROA_ASSERT(code != PROA_WAIT, "a handler on a worker waits in the waiting verbs; it answers when it returns");
    if (code != PROA_LATER)
        remote_finish(c, step_encode_reply(c, code));
}

void call_refuse_work(proa_call *c)
{
    c->state = CALL_WAITS;
    c->user.fail_text = PROA_STR("every worker is busy and the queue is full");
    step_finish(c, PROA_RESOURCE_EXHAUSTED);
    call_unpin(c); /* of the worker */
}
