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
    proa_call *c = call_new(home, true, false);
    if (!c) {
        static const proa_status status = { PROA_RESOURCE_EXHAUSTED, PROA_STR_INIT("no memory for a call"), { 0 } };
        rpc_exchange_set_user(exchange, NULL);
        call_answer(exchange, &status, (proa_headers){ NULL, 0 });
        return false;
    }
    const call_binding *b = s->binding;
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
    s->peer->count++;
    atomic_store_explicit(&c->peer, s->peer, memory_order_relaxed);
    c->deadline_ns = rpc_exchange_deadline(exchange);
    if (b->method)
        c->user.path = b->method->path;
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
    proa_arena *arena = &c->user.arena;
    if (c->is_single_reply) {
        c->user.reply = proa_arena_alloc(arena, c->method->reply->size);
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
    void *request = proa_arena_alloc(arena, c->method->request->size);
    if (!request) {
        *answer = PROA_RESOURCE_EXHAUSTED;
        return false;
    }
    /* What is decoded points into the slice, which the call keeps. */
    if (pb_decode_slice(c->method->request, c->first.bytes, arena, request, &error) != PROA_ERR_NONE) {
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

enum { WORKER_BLOCK = 1024 }; /* where a reply is encoded: recycled by this loop */

static void hand_to_worker(proa_call *c)
{
    c->state = CALL_WORKS;
    if (!remote_init(c)) {
        step_finish(c, PROA_RESOURCE_EXHAUSTED);
        return;
    }
    if (c->is_single_reply) /* the worker makes one when there is none */
        c->remote.block = hold_new_from(io_loop_pool(c->home->io), WORKER_BLOCK);
    c->remote.block_capacity = c->remote.block ? WORKER_BLOCK : 0;
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
    return code == PROA_OK && !atomic_load(&c->is_cancelled);
}

/* Something came that it waits for: during the step; or before, and it read no more than a part. */
static bool is_due_again(const proa_call *c)
{
    if (c->is_woken)
        return true;
    if (c->state != CALL_WAITS)
        return false;
    return c->is_noticed || (c->has_popped && (rpc_exchange_has_message(c->exchange) || local_is_at_end(c)));
}

static void step(proa_call *c)
{
    c->is_running = true;
    c->is_woken = c->is_noticed = c->has_popped = false;
    c->state = CALL_WAITS;
    proa_code code = step_run(c);
    c->is_running = false;
    if (c->state == CALL_LATER || code == PROA_LATER) {
        PROA_ASSERT(c->state == CALL_LATER && code == PROA_LATER,
                    "PROA_LATER comes from proa_call_later, and is returned as it came");
        return;
    }
    if (code != PROA_WAIT)
        step_finish(c, step_encode_reply(c, code));
    else if (c->state != CALL_ANSWERED && is_due_again(c))
        ready(c);
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

/* Children end with their parent: their last callbacks come before its own, which may free what they use. */
static bool has_children(proa_call *c)
{
    if (atomic_load(&c->unborn))
        return true;
    for (list_node *n = list_first(&c->children); n; n = list_next(&c->children, n))
        if (!CONTAINER_OF(n, proa_call, made.sibling)->is_finished)
            return true;
    return false;
}

/* How it ended: as it was answered, unless the client never heard that. */
static proa_status status_at_end(proa_call *c)
{
    if (c->has_status && !atomic_load_explicit(&c->is_cancelled, memory_order_relaxed))
        return c->user.status; /* step_over compared them */
    proa_status status = rpc_exchange_status(c->exchange, &c->user.arena);
    if (c->has_status && status.code == c->user.status.code)
        return c->user.status;
    if (status.code == c->refusal_code && c->refusal)
        status.message = proa_bytes_of(c->refusal);
    return status;
}

/* The last thing that runs: when the exchange has ended and nobody else works on the call. */
static void end_run(proa_call *c)
{
    bool is_held = c->state == CALL_WORKS || c->state == CALL_LATER;
    if (is_held || c->is_finished || has_children(c))
        return;
    c->is_finished = true;
    c->state = CALL_ANSWERED;
    c->user.status = status_at_end(c);
    if (c->on_end)
        c->on_end(c, c->on_end_user);
    call_unpin(c); /* of the run */
}

static void run(io_task *task)
{
    proa_call *c = CONTAINER_OF(task, proa_call, task);
    call_pin(c);
    if (io_timer_is_running(&c->timer))
        io_timer_stop(c->home->io, &c->timer);
    c->waits_for_turn = false;
    if (c->is_over)
        end_run(c);
    else if (c->state != CALL_READY || atomic_load(&c->is_cancelled))
        ; /* its end is on the way */
    else if (c->was_checked)
        step(c);
    else
        first_step(c);
    call_unpin(c);
}

/* ---- What has it called again */

void step_notice(proa_call *c)
{
    c->is_noticed = true;
    if (c->state == CALL_GATHERS)
        gather_request(c);
    else if (c->state == CALL_WAITS && !c->is_running)
        ready(c);
    else if (c->is_remote)
        remote_refresh(c);
}

void step_child_gone(proa_call *c)
{
    if (c->is_over)
        call_schedule(c);
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

/* Mail comes before dispatch, so what is posted now is delivered in the next turn. Timers have a grain of 1 ms. */
proa_code proa_call_wait_ns(proa_call *c, int64_t ns)
{
    PROA_ASSERT(c->is_running, "wait_ns and sleep_ns are for handlers on a loop");
    int64_t now = home_now(c->home); /* the handler itself, and others of this turn, took time */
    c->waits_for_turn = ns <= 0;
    if (c->waits_for_turn)
        call_post(c, CALL_CMD_TURN);
    else
        io_timer_start(c->home->io, &c->timer, ns > INT64_MAX - now ? INT64_MAX : now + ns);
    return PROA_WAIT;
}

proa_code proa_call_sleep_ns(proa_call *c, int64_t ns)
{
    proa_code code = proa_call_wait_ns(c, ns);
    if (c->state == CALL_WAITS)
        c->state = CALL_SLEEPS;
    return code;
}

/* ---- Answering */

void call_answer(rpc_exchange *exchange, const proa_status *status, proa_headers trailers)
{
    static const proa_status malformed = { PROA_INTERNAL, PROA_STR_INIT("a trailer that HTTP or gRPC forbids"), { 0 } };
    proa_err err = rpc_exchange_finish(exchange, status, trailers);
    if (err == PROA_ERR_MALFORMED)
        err = rpc_exchange_finish(exchange, &malformed, (proa_headers){ NULL, 0 });
    if (err != PROA_ERR_NONE) /* nobody may wait for ever for what cannot be said */
        rpc_exchange_cancel(exchange, PROA_RESOURCE_EXHAUSTED, "no memory for a status");
}

static proa_code legal(proa_code code)
{
    return code >= PROA_OK && code <= PROA_UNAUTHENTICATED ? code : PROA_UNKNOWN;
}

void step_finish(proa_call *c, proa_code code)
{
    if (c->user.headers.count)
        local_send_headers(c); /* which may fail, and answer */
    if (c->state == CALL_ANSWERED || c->is_over || atomic_load(&c->is_cancelled))
        return;
    code = legal(code);
    proa_bytes text = code == PROA_OK || !c->user.fail_text.data ? PROA_STR("") : c->user.fail_text;
    c->user.status = (proa_status){ .code = code, .message = text, .details = details_finish(c, code, text) };
    c->has_status = c->has_ended_ours = true;
    c->state = CALL_ANSWERED;
    call_answer(c->exchange, &c->user.status, (proa_headers){ c->user.trailers.data, c->user.trailers.count });
    call_touch(c);
}

static void is_let_go(proa_call *c)
{
    c->state = CALL_WAITS; /* nobody works on it any more */
    if (c->is_over)
        call_schedule(c);
}

void step_answered(proa_call *c)
{
    is_let_go(c);
    step_finish(c, c->remote.finish_code);
    call_unpin(c); /* of the worker, or the ticket */
}

/* Without the user's data: a worker may be at work on them. Its status is found at the end. */
void call_stop(proa_call *c, proa_code code, const char *text)
{
    if (c->state == CALL_ANSWERED || c->is_over || c->has_ended_ours)
        return;
    atomic_store(&c->is_cancelled, true);
    call_keep_refusal(c, code, text);
    proa_status status = { .code = code, .message = proa_bytes_of(text) };
    if (c->state != CALL_WORKS && c->state != CALL_LATER)
        c->state = CALL_ANSWERED;
    c->has_ended_ours = true;
    call_answer(c->exchange, &status, (proa_headers){ NULL, 0 });
    call_touch(c);
    if (c->is_remote)
        remote_refresh(c);
}

/* Its last event. */
void step_over(proa_call *c)
{
    c->is_over = true;
    c->pump = NULL;
    /* Nobody waits for it any more, or nobody heard the answer. */
    if (!c->has_status || rpc_exchange_status(c->exchange, &c->user.arena).code != c->user.status.code)
        atomic_store(&c->is_cancelled, true);
    if (c->state == CALL_WORKS && c->hooks->unwork(c->owner, c)) {
        is_let_go(c);
        call_unpin(c); /* of the worker */
    }
    if (c->is_remote)
        remote_refresh(c);
    for (list_node *n = list_first(&c->children), *next; n; n = next) {
        next = list_next(&c->children, n);
        proa_call *child = CONTAINER_OF(n, proa_call, made.sibling);
        call_cancel(child, PROA_CANCELLED, "the call that it worked for is over");
        call_abandon(child);
    }
    if (c->on_end)
        call_schedule(c); /* user code runs in its own phase */
    else
        end_run(c);
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
