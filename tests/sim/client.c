/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of a plan. */
#include "cast.h"
#include <stdio.h>

static void pump(plan *p);

static const sim_Item *pop(plan *p)
{
    return p->shape == OUT ? sim_Calls_Out_pop_reply(p->call) : sim_Calls_Both_pop_reply(p->call);
}

static bool push(plan *p, const sim_Item *item)
{
    return p->shape == IN ? sim_Calls_In_push_request(p->call, item) : sim_Calls_Both_push_request(p->call, item);
}

static void pop_some(plan *p)
{
    world *w = p->client->actor.world;
    for (const sim_Item *item; !p->read.index && (item = pop(p)); p->popped++) {
        world_tell(w, "call %u: the client reads %u", p->id, p->popped);
        item_check(w, p, TO_CLIENT, p->popped, item);
        if (p->client_pause_ns) {
            cover(w, COVER_SLOW_CLIENT);
            world_plan(w, &p->read, w->now + p->client_pause_ns);
        }
    }
}

static void push_some(plan *p)
{
    world *w = p->client->actor.world;
    if (p->has_heard_end)
        return;
    while (p->pushed < p->requests && proa_call_can_push(p->call)) {
        sim_Item item;
        item_fill(p, TO_SERVER, p->pushed++, &item);
        if (!push(p, &item))
            cover(w, COVER_PUSH_FULL);
    }
    if (p->pushed == p->requests) {
        p->has_heard_end = true;
        proa_call_end_requests(p->call);
    }
}

static void pump(plan *p)
{
    if (p->shape == OUT || p->shape == BOTH)
        pop_some(p);
    if (p->shape == IN || p->shape == BOTH)
        push_some(p);
}

static void on_ready(proa_call *call, void *user)
{
    (void)call;
    pump(user);
}

void client_read(event *event)
{
    plan *p = CONTAINER_OF(event, plan, read);
    if (!p->is_done)
        pump(p);
}

void client_cancel(event *event)
{
    plan *p = CONTAINER_OF(event, plan, cancel);
    world *w = p->client->actor.world;
    if (p->is_done || !p->is_begun)
        return;
    world_tell(w, "call %u: the client cancels", p->id);
    cover(w, COVER_CLIENT_CANCELS);
    p->has_cancelled = true;
    proa_call_cancel(p->call);
}

static void check_single(plan *p)
{
    world *w = p->client->actor.world;
    const sim_Item *reply = p->shape == ONE ? sim_Calls_One_reply(p->call) : sim_Calls_In_reply(p->call);
    if (!reply)
        return;
    item_check(w, p, TO_CLIENT, 0, reply);
    p->popped++;
}

static void finish(plan *p, proa_status status)
{
    world *w = p->client->actor.world;
    p->is_done = true;
    p->code = status.code;
    p->done_at = w->now;
    w->cast->done_count++;
    world_tell(w, "call %u: ends as %d %.*s", p->id, status.code, (int)status.message.size,
               status.message.data ? status.message.data : "");
    world_forget(w, &p->cancel);
    world_forget(w, &p->read);
    judge_client_end(p, status);
    p->call = NULL;
}

static void on_done(proa_call *call, void *user)
{
    plan *p = user;
    world *w = p->client->actor.world;
    proa_status status = proa_call_status(call);
    if (status.code == PROA_OK) {
        if (p->shape == ONE || p->shape == IN)
            check_single(p);
        if (!w->memory_failures) {
            item_check_headers(w, p, 1, proa_call_reply_headers(call));
            item_check_headers(w, p, 2, proa_call_trailers(call));
        }
    }
    finish(p, status);
}

static proa_call *begin(plan *p, proa_channel *channel)
{
    header_set set;
    char number[16];
    item_headers(p, 0, &set);
    proa_header headers[HEADERS_MAX + 2];
    snprintf(number, sizeof number, "%u", p->id);
    headers[0] = (proa_header){ PROA_STR("call-number"), proa_bytes_of(number) };
    for (unsigned i = 0; i < set.count; i++)
        headers[i + 1] = set.items[i];
    size_t count = set.count + 1;
    if (p->long_header)
        headers[count++] = (proa_header){ PROA_STR("long"), item_long_header(p) };
    proa_call_options options = { .timeout_ns = p->timeout_ns,
                                  .headers = { headers, count },
                                  .on_ready = on_ready,
                                  .on_done = on_done,
                                  .user = p,
                                  .wait_for_ready = p->waits_for_ready };
    sim_Item item;
    if (p->shape == ONE || p->shape == OUT)
        item_fill(p, TO_SERVER, 0, &item);
    if (p->is_unknown_method)
        return proa_call_begin(channel, "/sim.Calls/Unknown", &options);
    switch (p->shape) {
    case ONE: return sim_Calls_One_begin(channel, &item, &options);
    case OUT: return sim_Calls_Out_begin(channel, &item, &options);
    case IN: return sim_Calls_In_begin(channel, &options);
    default: return sim_Calls_Both_begin(channel, &options);
    }
}

void client_begin(event *event)
{
    static const coverage_point points[] = { COVER_CALL_ONE, COVER_CALL_OUT, COVER_CALL_IN, COVER_CALL_BOTH };
    static const char *const names[] = { "One", "Out", "In", "Both" };
    plan *p = CONTAINER_OF(event, plan, begin);
    world *w = p->client->actor.world;
    if (p->client->is_closed) {
        p->is_done = true;
        w->cast->done_count++;
        return;
    }
    cover(w, points[p->shape]);
    w->coverage.calls++;
    if (w->cast->is_uniform || p->token % 2)
        p->usual = 1 + p->client->usual_calls++ / 6 % 5;
    p->begun_at = w->now;
    p->deadline = p->timeout_ns < 0 ? w->now : w->now + p->timeout_ns;
    p->is_begun = true;
    if (p->waits_for_ready)
        cover(w, COVER_CALL_WAITS_FOR_READY);
    if (p->timeout_ns < 0)
        cover(w, COVER_CALL_OVER_BEFORE_BEGUN);
    if (p->is_over_limit)
        cover(w, COVER_MESSAGE_OVER_LIMIT);
    world_tell(w, "call %u: client %u begins %s at server %u, timeout %.3f s, %u requests, %u replies, answer %d",
               p->id, p->client->actor.number, names[p->shape], p->server->actor.number,
               (double)p->timeout_ns / (double)SECOND, p->requests, p->replies, p->answer);
    p->call = begin(p, p->client->channels[p->server->actor.number]);
    if (!p->call) {
        finish(p, proa_call_status(NULL));
        return;
    }
    if (!p->is_unknown_method)
        pump(p);
    else
        proa_call_end_requests(p->call);
}
