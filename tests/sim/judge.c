/* SPDX-License-Identifier: Apache-2.0 */
/* The judge: each call ends once, with a status that something in this world explains, and in time; credit is conserved. */
#include "cast.h"
#include "wire.h"
#include <inttypes.h>

#define RULE(w, condition, rule, ...) \
    do { \
        if (!(condition)) \
            world_fail((w), rule, __VA_ARGS__); \
    } while (0)

/* ---- Statuses */

static bool had_trouble(const plan *p)
{
    const world *w = p->client->actor.world;
    return network_troubles(w->network, home_io(p->client->actor.loop)) > 0 || w->memory_failures || w->step_count;
}

static bool is_explained(const plan *p, proa_code code)
{
    const world *w = p->client->actor.world;
    if (p->is_unknown_method && code == PROA_UNIMPLEMENTED)
        return true;
    if (p->has_answered && code == p->answer)
        return code != PROA_OK || !p->is_over_limit;
    switch (code) {
    case PROA_CANCELLED: return p->has_cancelled || p->was_closed || p->is_rude || w->memory_failures;
    case PROA_DEADLINE_EXCEEDED: return p->timeout_ns != 0;
    case PROA_UNAVAILABLE: return had_trouble(p) || w->refusals || p->server->age_grace_ns;
    case PROA_RESOURCE_EXHAUSTED: return w->memory_failures || p->is_over_limit;
    case PROA_INTERNAL:
    case PROA_UNKNOWN: return w->memory_failures;
    default: return false;
    }
}

/* In a world without trouble a deadline is only missed by who thinks for too long, or has too far to go. */
static bool is_deadline_explained(const plan *p)
{
    return !p->client->actor.world->is_clean || p->timeout_ns < 10 * SECOND || p->think_ns >= p->timeout_ns ||
           p->later_ns >= p->timeout_ns;
}

static void judge_time(world *w, const plan *p, proa_code code)
{
    if (code == PROA_DEADLINE_EXCEEDED)
        RULE(w, p->done_at >= p->deadline, "no deadline is early", "call %u: by %" PRId64 " ns", p->id,
             p->deadline - p->done_at);
    if (p->timeout_ns && !p->client_pause_ns) /* the last event waits for who reads slowly */
        RULE(w, p->done_at <= world_allowed(w, p->deadline), "no call outlives its deadline", "call %u: by %.6f s",
             p->id, (double)(p->done_at - p->deadline) / (double)SECOND);
}

static void count_status(world *w, const plan *p, proa_code code)
{
    switch (code) {
    case PROA_OK: cover(w, COVER_STATUS_OK); break;
    case PROA_CANCELLED: cover(w, COVER_STATUS_CANCELLED); break;
    case PROA_DEADLINE_EXCEEDED: cover(w, COVER_STATUS_DEADLINE); break;
    case PROA_UNAVAILABLE: cover(w, COVER_STATUS_UNAVAILABLE); break;
    case PROA_RESOURCE_EXHAUSTED: cover(w, COVER_STATUS_EXHAUSTED); break;
    case PROA_UNIMPLEMENTED: cover(w, COVER_STATUS_UNIMPLEMENTED); break;
    default: cover(w, COVER_STATUS_PLANNED); break;
    }
    if (code != PROA_OK && !p->starts)
        cover(w, COVER_CALL_NEVER_SERVED);
}

void judge_client_end(plan *p, proa_status status)
{
    world *w = p->client->actor.world;
    RULE(w, ++p->dones == 1, "a call ends once", "call %u: %u times", p->id, p->dones);
    RULE(w, is_explained(p, status.code), "a status has a reason", "call %u: %d %.*s (the handler %s)", p->id,
         status.code, (int)status.message.size, status.message.data ? status.message.data : "",
         p->has_answered ? "answered"
         : p->starts     ? "did not answer"
                         : "never ran");
    if (status.code == PROA_DEADLINE_EXCEEDED)
        RULE(w, is_deadline_explained(p), "a deadline is missed for a reason", "call %u", p->id);
    if (status.code == PROA_OK) {
        RULE(w, p->popped == p->replies, "OK means all messages", "call %u: %u of %u replies", p->id, p->popped,
             p->replies);
        RULE(w, p->answer_after != UINT_MAX || p->server_popped == p->requests, "OK means all messages",
             "call %u: %u of %u requests", p->id, p->server_popped, p->requests);
    }
    judge_time(w, p, status.code);
    count_status(w, p, status.code);
}

void judge_server_end(plan *p)
{
    world *w = p->client->actor.world;
    p->ended_at = w->now;
    RULE(w, ++p->ends <= p->starts, "a served call ends once", "call %u: %u ends, %u begins", p->id, p->ends,
         p->starts);
    if (!p->has_answered)
        cover(w, COVER_SERVED_CANCELLED);
}

/* ---- Connections */

static void audit(world *w, const endpoints *pair)
{
    rpc_endpoint *both[2] = { pair->client, pair->server };
    for (int i = 0; i < 2; i++) {
        const char *broken = both[i] ? h2_connection_audit(rpc_endpoint_connection(both[i])) : NULL;
        RULE(w, !broken, "the books are right", "%s: %s", i ? "server" : "client", broken);
        if (both[i])
            cover(w, COVER_AUDIT);
    }
}

void judge_audit(cast *cast)
{
    network_each(cast->world->network, audit);
}

/* Nothing is on its way, no stream is open: three books of the same window must say the same. */
static void compare(world *w, const endpoints *pair)
{
    audit(w, pair);
    if (!pair->client || !pair->server || !pair->is_still || !wire_is_whole(pair->wire))
        return;
    const h2_books c = h2_connection_books(rpc_endpoint_connection(pair->client));
    const h2_books s = h2_connection_books(rpc_endpoint_connection(pair->server));
    int64_t up = wire_window(pair->wire, WIRE_CLIENT), down = wire_window(pair->wire, WIRE_SERVER);
    if (c.streams || s.streams)
        return;
    RULE(w, c.sendable == up && s.receivable == up, "credit is conserved",
         "to the server: %" PRId64 " sendable, %" PRId64 " receivable, %" PRId64 " on the wire", c.sendable,
         s.receivable, up);
    RULE(w, s.sendable == down && c.receivable == down, "credit is conserved",
         "to the client: %" PRId64 " sendable, %" PRId64 " receivable, %" PRId64 " on the wire", s.sendable,
         c.receivable, down);
    RULE(w, s.held == 0 && c.held == 0, "nothing is held for nobody", "%" PRIu64 " and %" PRIu64 " bytes", c.held,
         s.held);
    RULE(w, wire_open_streams(pair->wire) == 0, "both sides know which streams are open", "%u are",
         wire_open_streams(pair->wire));
    cover(w, COVER_LEDGER_EXACT);
}

void judge_rest(cast *cast)
{
    world *w = cast->world;
    for (unsigned i = 0; i < cast->plan_count; i++) {
        const plan *p = &cast->plans[i];
        RULE(w, p->is_done, "a call ends", "call %u", p->id);
        RULE(w, p->starts <= 1 || had_trouble(p), "a call is served once", "call %u: %u times", p->id, p->starts);
        if (!had_trouble(p) && p->server->server)
            RULE(w, p->ends == p->starts, "a served call ends when the client's has", "call %u", p->id);
    }
    network_each(w->network, compare);
}
