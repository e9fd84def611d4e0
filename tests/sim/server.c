/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of a plan, and what becomes of servers. */
#include "cast.h"
#include <stdio.h>

typedef struct progress {
    plan *plan;
    int64_t sleeps_until;
} progress;

static void on_end(proa_call *call, void *user)
{
    plan *p = user;
    p->served_code = proa_call_status(call).code;
    world_tell(p->client->actor.world, "call %u: the handler's end, %d", p->id, p->served_code);
    p->served = NULL;
    judge_server_end(p);
}

static plan *first_step(proa_call *call, cast *cast)
{
    world *w = cast->world;
    proa_headers headers = proa_call_request_headers(call);
    plan *p = item_plan(cast, headers);
    if (!p) {
        if (!w->memory_failures)
            world_fail(w, "headers arrive", "a call without its number");
        return NULL;
    }
    world_tell(w, "call %u: the handler begins", p->id);
    p->starts++;
    p->served = call;
    proa_call_on_end(call, on_end, p);
    if (!w->memory_failures)
        item_check_headers(w, p, 0, headers);
    if (p->long_header && !proa_bytes_is_equal(proa_headers_get(headers, "long"), item_long_header(p)))
        world_fail(w, "headers arrive as they were sent", "call %u: the long one", p->id);
    header_set set;
    item_headers(p, 1, &set);
    for (unsigned i = 0; i < set.count; i++)
        proa_call_add_header(call, set.items[i].name.data, set.items[i].value);
    if (p->token % 5 == 0)
        proa_call_push_headers(call);
    return p;
}

static proa_code answer(proa_call *call, plan *p)
{
    header_set set;
    item_headers(p, 2, &set);
    for (unsigned i = 0; i < set.count; i++)
        proa_call_add_trailer(call, set.items[i].name.data, set.items[i].value);
    p->has_answered = true;
    world_tell(p->client->actor.world, "call %u: the handler answers %d", p->id, p->answer);
    return p->answer == PROA_OK ? PROA_OK : proa_call_fail(call, p->answer, "as planned for call %u", p->id);
}

static void fill_reply(plan *p, sim_Item *reply)
{
    if (p->answer == PROA_OK && reply) {
        item_fill(p, TO_CLIENT, 0, reply);
        p->server_pushed = 1;
    }
}

/* The ticket is answered from outside of any turn, as another thread would. */
static void on_late(event *event)
{
    plan *p = CONTAINER_OF(event, plan, late);
    p->late.fire = NULL;
    proa_later_finish(&p->ticket, p->answer);
}

static proa_code answer_later(proa_call *call, plan *p)
{
    world *w = p->client->actor.world;
    cover(w, COVER_CALL_LATER);
    proa_code code = answer(call, p);
    (void)code;
    p->late.fire = on_late;
    world_plan(w, &p->late, w->now + p->later_ns);
    return proa_call_later(call, &p->ticket);
}

static proa_code sleep_until(proa_call *call, progress *at, int64_t ns)
{
    world *w = at->plan->client->actor.world;
    at->sleeps_until = w->now + ns;
    return proa_call_sleep_ns(call, ns);
}

static const sim_Item *pop(proa_call *call, const plan *p)
{
    return p->shape == IN ? sim_Calls_In_pop_request(call) : sim_Calls_Both_pop_request(call);
}

static bool push(proa_call *call, const plan *p, const sim_Item *item)
{
    return p->shape == OUT ? sim_Calls_Out_push_reply(call, item) : sim_Calls_Both_push_reply(call, item);
}

/* True: it sleeps. */
static bool read_some(proa_call *call, plan *p)
{
    world *w = p->client->actor.world;
    if (p->shape != IN && p->shape != BOTH)
        return false;
    for (const sim_Item *item; p->server_popped < p->answer_after && (item = pop(call, p));) {
        item_check(w, p, TO_SERVER, p->server_popped++, item);
        if (p->read_pause_ns) {
            cover(w, COVER_SLOW_SERVER);
            return true;
        }
    }
    return false;
}

static bool write_some(proa_call *call, plan *p)
{
    if (p->shape != OUT && p->shape != BOTH)
        return false;
    while (p->server_pushed < p->replies && proa_call_can_push(call)) {
        sim_Item item;
        item_fill(p, TO_CLIENT, p->server_pushed++, &item);
        if (!push(call, p, &item))
            cover(p->client->actor.world, COVER_PUSH_FULL);
        if (p->reply_pause_ns)
            return true;
    }
    return false;
}

static bool has_read_all(proa_call *call, const plan *p)
{
    return p->server_popped >= p->answer_after || p->shape == ONE || p->shape == OUT || proa_call_is_at_end(call);
}

static proa_code step(proa_call *call, const sim_Item *request, sim_Item *reply)
{
    cast *cast = proa_call_user(call);
    world *w = cast->world;
    progress *at = proa_call_state(call, sizeof *at);
    if (proa_call_is_cancelled(call))
        world_fail(w, "a cancelled call takes no steps", "call %u", at->plan ? at->plan->id : 0);
    if (!at->plan && !(at->plan = first_step(call, cast)))
        return PROA_RESOURCE_EXHAUSTED;
    plan *p = at->plan;
    if (p->served != call) {
        world_fail(w, "a handler is not called behind its end", "call %u", p->id);
        return PROA_INTERNAL;
    }
    if (w->now < at->sleeps_until) {
        world_fail(w, "a handler sleeps as long as it asked", "call %u wakes %lld ns early", p->id,
                   (long long)(at->sleeps_until - w->now));
        return PROA_INTERNAL;
    }
    if (request && !p->server_popped)
        item_check(w, p, TO_SERVER, p->server_popped++, request);
    if (p->think_ns && !p->has_thought) {
        p->has_thought = true;
        return sleep_until(call, at, p->think_ns);
    }
    if (p->is_rude) {
        cover(w, COVER_SERVER_CANCELS);
        proa_call_cancel(call);
        return PROA_WAIT;
    }
    if (read_some(call, p))
        return sleep_until(call, at, p->read_pause_ns);
    if (write_some(call, p))
        return sleep_until(call, at, p->reply_pause_ns);
    if (!has_read_all(call, p) || ((p->shape == OUT || p->shape == BOTH) && p->server_pushed < p->replies))
        return PROA_WAIT;
    if (p->answer_after != UINT_MAX)
        cover(w, COVER_CALL_EARLY);
    fill_reply(p, reply);
    bool is_going = !p->server->server; /* it is being freed, and waits for tickets that nobody would answer */
    return p->later_ns && !is_going ? answer_later(call, p) : answer(call, p);
}

static proa_code one(proa_call *call, const sim_Item *request, sim_Item *reply)
{
    return step(call, request, reply);
}

static proa_code out(proa_call *call, const sim_Item *request)
{
    return step(call, request, NULL);
}

static proa_code in(proa_call *call, sim_Item *reply)
{
    return step(call, NULL, reply);
}

static proa_code both(proa_call *call)
{
    return step(call, NULL, NULL);
}

const sim_Calls server_handlers = { .One = one, .Out = out, .In = in, .Both = both };

/* ---- Servers */

static void on_back(event *event);
static void on_fate(event *event);

static void on_drained(proa_server *drained, void *user)
{
    server *s = user;
    world *w = s->actor.world;
    world_tell(w, "server %u: drained", s->actor.number);
    proa_server_free(drained);
    s->server = NULL;
    s->is_draining = false;
    if (!w->cast->is_over)
        world_plan(w, &s->back, w->now + world_between(w, 1 * MS, 20 * SECOND));
}

/* Setting up is no part of the test of memory. */
bool server_open(server *s)
{
    world *w = s->actor.world;
    memory_unwatch();
    s->back.fire = on_back;
    s->fate.fire = on_fate;
    s->server = proa_server_new(&(proa_server_options){ .loop = s->actor.loop,
                                                        .limits = &s->limits,
                                                        .grace_ns = 5 * SECOND,
                                                        .keepalive_ns = s->keepalive_ns,
                                                        .idle_max_ns = s->idle_max_ns,
                                                        .age_max_ns = s->age_max_ns,
                                                        .age_grace_ns = s->age_grace_ns,
                                                        .receive_bytes_max = 512 * 1024,
                                                        .on_drained = on_drained,
                                                        .user = s });
    sim_Calls_serve(s->server, &server_handlers, &(proa_serve_options){ .user = w->cast });
    bool is_listening = proa_server_listen(s->server, s->address, NULL) == PROA_ERR_NONE &&
                        (!s->has_second || proa_server_listen(s->server, s->second, NULL) == PROA_ERR_NONE);
    world_tell(w, "server %u: listens on %s", s->actor.number, s->address);
    if (s->generation++)
        cover(w, COVER_SERVER_BACK);
    return is_listening;
}

static void on_back(event *event)
{
    server *s = CONTAINER_OF(event, server, back);
    if (s->server)
        return;
    if (!server_open(s))
        world_fail(s->actor.world, "a server comes back at its address", "server %u", s->actor.number);
    server_plan_fate(s);
}

void server_plan_fate(server *s)
{
    world *w = s->actor.world;
    if (world_chance(w, w->troubles.restart))
        world_plan(w, &s->fate, w->now + world_between(w, 100 * MS, 60 * SECOND));
}

static void finish_tickets(server *s)
{
    cast *cast = s->actor.world->cast;
    for (unsigned i = 0; i < cast->plan_count; i++) {
        plan *p = &cast->plans[i];
        if (p->server != s || !p->late.index)
            continue;
        world_forget(s->actor.world, &p->late);
        on_late(&p->late);
    }
}

static void warn_clients(server *s)
{
    world *w = s->actor.world;
    for (unsigned i = 0; i < w->cast->client_count; i++)
        network_note_trouble(w->network, home_io(w->cast->clients[i].actor.loop));
}

static void on_fate(event *event)
{
    server *s = CONTAINER_OF(event, server, fate);
    world *w = s->actor.world;
    if (!s->server || s->is_draining || w->cast->is_over)
        return;
    warn_clients(s);
    unsigned dice = (unsigned)world_below(w, 3);
    if (dice == 0) {
        world_tell(w, "server %u: drains", s->actor.number);
        cover(w, COVER_SERVER_DRAINED);
        s->is_draining = true;
        proa_server_drain(s->server);
        return;
    }
    finish_tickets(s);
    if (dice == 1) {
        world_tell(w, "server %u: is killed", s->actor.number);
        cover(w, COVER_SERVER_KILLED);
        network_kill(w->network, home_io(s->actor.loop));
    } else {
        world_tell(w, "server %u: is freed while it serves", s->actor.number);
        cover(w, COVER_SERVER_STOPPED);
    }
    proa_server *server = s->server;
    s->is_draining = true; /* on_drained is not for us */
    s->server = NULL;
    proa_server_free(server);
    s->is_draining = false;
    world_plan(w, &s->back, w->now + world_between(w, 1 * MS, 20 * SECOND));
}
