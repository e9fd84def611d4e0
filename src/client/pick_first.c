/* SPDX-License-Identifier: Apache-2.0 */
/* pick_first with Happy Eyeballs (gRFC A61): the first address that stands takes all calls.
 *
 *               connect                    one stands
 *     IDLE ------------------> CONNECTING ------------> READY
 *      ^                          | all failed            |
 *      |                          v         one stands    |
 *      |                 TRANSIENT_FAILURE -------------->+
 *      '---------------------- it left -------------------'
 *
 * In CONNECTING addresses are tried one after the other: the next one when this one failed, or beside it when it did not stand
 * within attempt_delay_ns; none is given up for that. In TRANSIENT_FAILURE each is tried again whenever its own wait is over,
 * and that stays the channel's state until one stands. */
#include "client/channel.h"
#include "client/eyeballs.h"

static void pass(pick_first *p);

static void stop_delay(pick_first *p)
{
    io_timer_stop(part_io(p->part), &p->delay);
}

static void stand(pick_first *p, proa_channel_state state)
{
    if (p->state == state && state == PROA_CHANNEL_CONNECTING)
        return;
    p->state = state;
    part_stands(p->part, state, &p->last);
}

/* ---- The first pass */

static void on_delay(io_timer *timer)
{
    pass(CONTAINER_OF(timer, pick_first, delay));
}

static bool is_any(const pick_first *p, proa_channel_state state)
{
    unsigned i = 0;
    while (i < p->count && p->subs[i]->state != state)
        i++;
    return i < p->count;
}

static void set_last(pick_first *p, const proa_error *error)
{
    if (p->count > 1)
        error_set(&p->last, error->code, "none of %u addresses can be reached; the last was %s", p->count, error->text);
    else
        p->last = *error;
}

/* All that waits no longer. They fail at once or tell later. */
static void try_idle_ones(pick_first *p)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->subs[i]->state == PROA_CHANNEL_IDLE && !subchannel_connect(p->subs[i]))
            p->failures++;
}

static void conclude(pick_first *p)
{
    if (is_any(p, PROA_CHANNEL_CONNECTING))
        return;
    p->is_passing = false;
    p->failures = 0;
    resolver_ask(&p->part->resolver);
    stand(p, PROA_CHANNEL_TRANSIENT_FAILURE);
    try_idle_ones(p);
}

static void pass(pick_first *p)
{
    stop_delay(p);
    while (p->next < p->count) {
        subchannel *sub = p->subs[p->next++];
        if (sub->state == PROA_CHANNEL_TRANSIENT_FAILURE ||
            (sub->state == PROA_CHANNEL_IDLE && !subchannel_connect(sub))) {
            set_last(p, &sub->last);
            continue; /* it waits between its attempts */
        }
        if (p->next < p->count)
            io_timer_start(part_io(p->part), &p->delay, part_now(p->part) + p->part->channel->options.attempt_delay_ns);
        return;
    }
    conclude(p);
}

static void begin_pass(pick_first *p)
{
    p->next = 0;
    p->is_passing = true;
    if (p->state != PROA_CHANNEL_TRANSIENT_FAILURE)
        stand(p, PROA_CHANNEL_CONNECTING);
    if (p->count)
        pass(p);
}

void pick_first_connect(pick_first *p)
{
    if (p->state == PROA_CHANNEL_IDLE)
        begin_pass(p);
}

/* ---- What subchannels tell */

static void select_one(pick_first *p, subchannel *sub)
{
    stop_delay(p);
    p->is_passing = false;
    for (unsigned i = 0; i < p->count; i++)
        if (p->subs[i] != sub)
            subchannel_rest(p->subs[i], false);
    p->selected = sub;
    stand(p, PROA_CHANNEL_READY);
}

static void lose(pick_first *p, const proa_error *error)
{
    p->selected = NULL;
    p->last = *error;
    resolver_ask(&p->part->resolver);
    stand(p, PROA_CHANNEL_IDLE); /* calls that wait make it CONNECTING at once */
}

static void note_failure(pick_first *p, const subchannel *sub)
{
    set_last(p, &sub->last);
    if (p->is_passing) {
        if (p->next && p->subs[p->next - 1] == sub)
            pass(p);
        else if (p->next == p->count)
            conclude(p);
        return;
    }
    if (++p->failures >= p->count) { /* as many as in a pass: what the resolver said may be wrong */
        p->failures = 0;
        resolver_ask(&p->part->resolver);
    }
    part_stands(p->part, p->state, &p->last);
}

void pick_first_notice(pick_first *p, subchannel *sub)
{
    if (sub->state == PROA_CHANNEL_READY)
        select_one(p, sub);
    else if (sub == p->selected)
        lose(p, &sub->last);
    else if (sub->state == PROA_CHANNEL_TRANSIENT_FAILURE)
        note_failure(p, sub);
    else if (p->state == PROA_CHANNEL_TRANSIENT_FAILURE && !p->is_passing && !subchannel_connect(sub))
        note_failure(p, sub);
}

/* ---- What the resolver tells */

static subchannel *take_out(subchannel **subs, unsigned count, const io_address *address)
{
    for (unsigned i = 0; i < count; i++) {
        subchannel *sub = subs[i];
        if (sub && io_address_is_equal(&sub->address, address)) {
            subs[i] = NULL;
            return sub;
        }
    }
    return NULL;
}

/* Takes over those that are there already, with their connection or their wait. */
static void replace(pick_first *p, const io_addresses *addresses)
{
    subchannel *old[IO_ADDRESSES_MAX];
    unsigned old_count = p->count;
    memcpy(old, p->subs, sizeof old);
    p->count = 0;
    for (unsigned i = 0; i < addresses->count; i++) {
        const io_address *address = &addresses->items[i];
        subchannel *sub = take_out(old, old_count, address);
        if (!sub)
            sub = subchannel_new(p, p->part, address, backoff_random(&p->random));
        if (sub)
            p->subs[p->count++] = sub;
    }
    for (unsigned i = 0; i < old_count; i++) {
        if (old[i] && old[i] == p->selected)
            p->selected = NULL;
        if (old[i])
            subchannel_free(old[i], true);
    }
}

bool pick_first_update(pick_first *p, const io_addresses *addresses)
{
    io_addresses ordered = *addresses;
    bool had_none = p->count == 0;
    eyeballs_order(&ordered, p->part->channel->options.shuffle_addresses ? &p->random : NULL);
    replace(p, &ordered);
    if (p->count == 0) {
        error_set(&p->last, PROA_ERR_NOMEM, "no memory for a connection");
        stand(p, PROA_CHANNEL_TRANSIENT_FAILURE);
        return false;
    }
    if (p->state == PROA_CHANNEL_IDLE || p->selected)
        return true;
    if (had_none)
        p->state = PROA_CHANNEL_IDLE; /* it was the name that failed, no address has yet */
    begin_pass(p);
    return true;
}

void pick_first_fail(pick_first *p, const proa_error *error)
{
    if (p->count)
        return; /* what it said before is better than nothing */
    p->last = *error;
    stand(p, PROA_CHANNEL_TRANSIENT_FAILURE);
}

/* ---- The rest */

void pick_first_init(pick_first *p, channel_part *part, uint64_t seed)
{
    *p = (pick_first){ .part = part, .delay = { .fire = on_delay }, .random = seed };
}

void pick_first_reset(pick_first *p)
{
    for (unsigned i = 0; i < p->count; i++)
        subchannel_reset(p->subs[i]);
    if (p->state == PROA_CHANNEL_TRANSIENT_FAILURE && !p->is_passing)
        try_idle_ones(p);
}

void pick_first_close(pick_first *p, bool gently)
{
    stop_delay(p);
    while (p->count)
        subchannel_free(p->subs[--p->count], gently);
    p->selected = NULL;
    p->is_passing = false;
    p->state = PROA_CHANNEL_IDLE;
}

proa_err pick_first_take(pick_first *p, proa_call *call)
{
    return p->selected ? transport_take(p->selected->transport, call) : PROA_ERR_CLOSED;
}
