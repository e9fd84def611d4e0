/* SPDX-License-Identifier: Apache-2.0 */
/* One address: at most one connection to it at a time, and the waits between attempts.
 *
 *               CONNECT                   STANDS
 *     IDLE ---------------> CONNECTING ---------> READY
 *      ^                        | FAILED            | LEFT: GOAWAY, or lost
 *      |  WAITED, reset         v                   |
 *      |<------------- TRANSIENT_FAILURE <----------+ FAILED: several in a row died young
 *      '--------------------------------------------'
 *
 * It STANDS when the server's SETTINGS came, not before: what accepts and says nothing is no server. That ends the backoff
 * (doc/connection-backoff.md), unless connections keep dying as soon as they stand, and answer no call: a server in a restart
 * loop, or something in front of none, would be connected to as fast as the network can. */
#include "client/channel.h"

typedef enum input { CONNECT, STANDS, FAILED, LEFT, WAITED, INPUTS } input;
enum { NEVER = PROA_CHANNEL_SHUTDOWN };
#define S(state) PROA_CHANNEL_##state

/* clang-format off */
static const uint8_t table[PROA_CHANNEL_SHUTDOWN][INPUTS] = {
    /*                         CONNECT        STANDS    FAILED                LEFT     WAITED */
    [S(IDLE)]              = { S(CONNECTING), NEVER,    NEVER,                NEVER,   NEVER },
    [S(CONNECTING)]        = { NEVER,         S(READY), S(TRANSIENT_FAILURE), NEVER,   NEVER },
    [S(READY)]             = { NEVER,         NEVER,    S(TRANSIENT_FAILURE), S(IDLE), NEVER },
    [S(TRANSIENT_FAILURE)] = { NEVER,         NEVER,    NEVER,                NEVER,   S(IDLE) },
};
/* clang-format on */

static void step(subchannel *sub, input input)
{
    uint8_t next = table[sub->state][input];
    PROA_ASSERT(next != NEVER, "a subchannel moves along its table");
    sub->state = (proa_channel_state)next;
}

static void start_timer(subchannel *sub, void (*fire)(io_timer *timer), int64_t at)
{
    sub->timer.fire = fire;
    io_timer_start(part_io(sub->part), &sub->timer, at);
}

static void stop_timer(subchannel *sub)
{
    io_timer_stop(part_io(sub->part), &sub->timer);
}

subchannel *subchannel_new(pick_first *policy, channel_part *part, const io_address *address, uint64_t seed)
{
    const proa_channel_options *o = &part->channel->options;
    subchannel *sub = memory_new(sizeof *sub);
    if (!sub)
        return NULL;
    *sub = (subchannel){ .policy = policy, .part = part, .address = *address };
    backoff_init(&sub->backoff, o->initial_backoff_ns,
                 io_address_is_loopback(address) ? part->channel->local_backoff_ns : o->max_backoff_ns, seed);
    return sub;
}

void subchannel_free(subchannel *sub, bool gently)
{
    subchannel_rest(sub, gently);
    memory_free(sub);
}

/* ---- Attempts */

static void on_waited(io_timer *timer)
{
    subchannel *sub = CONTAINER_OF(timer, subchannel, timer);
    step(sub, WAITED);
    pick_first_notice(sub->policy, sub);
}

static void fail(subchannel *sub, const proa_error *error)
{
    sub->transport = NULL;
    sub->last = *error;
    step(sub, FAILED);
    start_timer(sub, on_waited, sub->retry_at);
}

static void on_too_slow(io_timer *timer)
{
    subchannel *sub = CONTAINER_OF(timer, subchannel, timer);
    char address[160];
    proa_error error;
    transport_close(sub->transport);
    io_address_text(&sub->address, address, sizeof address);
    error_set(&error, PROA_ERR_IO, "%s: no connection within the time for one attempt", address);
    subchannel_failed(sub, &error);
}

static transport *begin(subchannel *sub, proa_error *error)
{
    const proa_channel_options *o = &sub->part->channel->options;
    char address[160];
    if (sub->part->channel->tls || o->plaintext || io_address_is_loopback(&sub->address))
        return transport_open(sub, error);
    io_address_text(&sub->address, address, sizeof address);
    error_set(error, PROA_ERR_CONFIG, "%s: plaintext beyond loopback and Unix sockets needs the option plaintext",
              address);
    return NULL;
}

bool subchannel_connect(subchannel *sub)
{
    proa_error error;
    int64_t now = part_now(sub->part), wait = backoff_next(&sub->backoff);
    int64_t limit = sub->part->channel->options.connect_ns;
    if (!limit) /* MIN_CONNECT_TIMEOUT, or until the next attempt would be due */
        limit = wait > LIMITS_CONNECT_NS ? wait : LIMITS_CONNECT_NS;
    step(sub, CONNECT);
    sub->retry_at = now + wait;
    sub->transport = begin(sub, &error);
    if (!sub->transport) {
        fail(sub, &error);
        return false;
    }
    start_timer(sub, on_too_slow, now + limit);
    return true;
}

void subchannel_rest(subchannel *sub, bool gently)
{
    stop_timer(sub);
    if (sub->transport && gently && sub->state == PROA_CHANNEL_READY)
        transport_leave(sub->transport);
    else if (sub->transport)
        transport_close(sub->transport);
    sub->transport = NULL;
    sub->state = PROA_CHANNEL_IDLE;
}

void subchannel_reset(subchannel *sub)
{
    backoff_reset(&sub->backoff);
    sub->flaps = 0;
    if (sub->state != PROA_CHANNEL_TRANSIENT_FAILURE)
        return;
    stop_timer(sub);
    step(sub, WAITED);
}

/* ---- What its transport tells */

void subchannel_stands(subchannel *sub)
{
    stop_timer(sub);
    sub->ready_at = part_now(sub->part);
    if (sub->flaps < LIMITS_FLAPS_MAX)
        backoff_reset(&sub->backoff);
    step(sub, STANDS);
    pick_first_notice(sub->policy, sub);
}

void subchannel_failed(subchannel *sub, const proa_error *error)
{
    fail(sub, error);
    pick_first_notice(sub->policy, sub);
}

void subchannel_left(subchannel *sub, bool has_answered, const proa_error *error)
{
    int64_t now = part_now(sub->part);
    bool died_young = !has_answered && now - sub->ready_at < sub->backoff.initial_ns;
    sub->flaps = died_young ? sub->flaps + 1 : 0;
    sub->transport = NULL;
    if (sub->flaps <= LIMITS_FLAPS_MAX)
        backoff_reset(&sub->backoff);
    if (sub->flaps > LIMITS_FLAPS_MAX && sub->retry_at > now)
        fail(sub, error);
    else
        step(sub, LEFT);
    pick_first_notice(sub->policy, sub);
}
