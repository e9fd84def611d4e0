/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses, again when connections fail or end, never more often than options.resolve_ns, and with backoff while the
 * lookup itself fails.
 *
 *              start                     answer
 *     STOPPED -------> LOOKING ----------------------> RESTS
 *        ^                ^  ^  failed, or too slow      | ask: not before begun_at + resolve_ns
 *        | stop           |  '-------- WAITS <-----------'
 *        '- from all      '- its time --'
 *
 * A target that is an address never changes: it is answered once. */
#include "client/channel.h"

static void look(resolver *r);

static bool is_fixed(const resolver *r)
{
    return r->part->channel->target.addresses.count > 0;
}

static void start_timer(resolver *r, void (*fire)(io_timer *timer), int64_t at)
{
    r->timer.fire = fire;
    io_timer_start(part_io(r->part), &r->timer, at);
}

static void on_due(io_timer *timer)
{
    look(CONTAINER_OF(timer, resolver, timer));
}

static void fail(resolver *r, const proa_error *error)
{
    start_timer(r, on_due, r->begun_at + backoff_next(&r->backoff));
    pick_first_fail(&r->part->policy, error);
}

static void on_addresses(void *owner, const io_addresses *addresses, const proa_error *error)
{
    resolver *r = owner;
    r->lookup = NULL;
    io_timer_stop(part_io(r->part), &r->timer);
    if (addresses->count == 0) {
        fail(r, error);
        return;
    }
    if (!pick_first_update(&r->part->policy, addresses))
        start_timer(r, on_due, r->begun_at + backoff_next(&r->backoff));
    else
        backoff_reset(&r->backoff);
}

static void on_too_slow(io_timer *timer)
{
    resolver *r = CONTAINER_OF(timer, resolver, timer);
    proa_error error;
    io_lookup_cancel(r->lookup);
    r->lookup = NULL;
    error_set(&error, PROA_ERR_ADDRESS, "looking up \"%s\": no answer within %d s", r->part->channel->target.host,
              (int)(LIMITS_LOOKUP_NS / PROA_SECOND));
    fail(r, &error);
}

static void look(resolver *r)
{
    r->begun_at = part_now(r->part);
    r->lookup = io_lookup_start(part_io(r->part), &r->part->channel->target, on_addresses, r);
    if (r->lookup) {
        start_timer(r, on_too_slow, r->begun_at + LIMITS_LOOKUP_NS);
        return;
    }
    proa_error error;
    error_set(&error, PROA_ERR_NOMEM, "looking up \"%s\": out of memory", r->part->channel->target.host);
    fail(r, &error);
}

void resolver_init(resolver *r, channel_part *part, uint64_t seed)
{
    const proa_channel_options *o = &part->channel->options;
    *r = (resolver){ .part = part };
    backoff_init(&r->backoff, o->initial_backoff_ns, o->max_backoff_ns, seed);
}

void resolver_start(resolver *r)
{
    if (!r->lookup)
        look(r);
}

void resolver_ask(resolver *r)
{
    if (is_fixed(r) || r->lookup || io_timer_is_running(&r->timer))
        return;
    /* The timer, also when it is due: nobody who asks is answered inside the question. */
    start_timer(r, on_due, r->begun_at + r->part->channel->options.resolve_ns);
}

void resolver_reset(resolver *r)
{
    backoff_reset(&r->backoff);
    if (!r->lookup && io_timer_is_running(&r->timer))
        look(r);
}

void resolver_stop(resolver *r)
{
    io_lookup_cancel(r->lookup);
    r->lookup = NULL;
    io_timer_stop(part_io(r->part), &r->timer);
    backoff_reset(&r->backoff);
}
