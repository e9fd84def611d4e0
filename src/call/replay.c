/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are sent again without their user's knowing (gRFC A6, transparent retry).
 *
 *               attempt                    reply's headers, or the end
 *     WAITS ------------------> SENT ------------------------------------> COMMITTED
 *       ^    what was kept goes   |                                           ^
 *       |    first, then the rest |  END: it never left,                      | more than LIMITS_REPLAY_BYTES_MAX kept,
 *       '-------------------------'  or was refused unprocessed, once         | or no memory
 *                                    SENT ------------------------------------'
 *
 * What an attempt is given is kept until it is committed: small messages are copied into the loop's recycled blocks, large ones
 * are held as they are, so that in the steady state nothing is allocated. The metadata stay with the call anyway. There is
 * no `grpc-previous-rpc-attempts`: no server has acted on one of these attempts. */
#include "call/object.h"

struct replay_item {
    replay_item *next;
    hold *hold;        /* that this lies in; NULL: the arena */
    proa_slice shared; /* a large message; else its bytes are in body, */
    size_t size;
    char envelope[8]; /* where rpc writes what goes in front of body */
    char body[];
};

enum { ARENA_BODY_MAX = 256 };

_Static_assert(sizeof(((replay_item *)0)->envelope) >= RPC_ENVELOPE_SIZE, "the envelope has room before the body");

/* A peer that somebody may have been told of. */
struct replay_peer {
    struct replay_peer *next;
    call_peer *peer;
};

/* The first small one, which for most calls is all, lies in the call's arena: that costs least, and goes with the call. But
 * that of a remote call is its user's, and that of one on a driven home too: another thread may be the one to send it. */
static replay_item *new_item(proa_call *c, size_t body_size)
{
    size_t bytes = sizeof(replay_item) + body_size;
    if (!c->made.replay.first && body_size <= ARENA_BODY_MAX && !c->is_remote && !c->home->is_driven) {
        replay_item *item = arena_raw(&c->user.arena, bytes);
        if (item)
            *item = (replay_item){ .hold = NULL };
        return item;
    }
    hold *hold = hold_new_from(io_loop_pool(c->home->io), bytes);
    if (!hold)
        return NULL;
    replay_item *item = (void *)hold_data(hold);
    *item = (replay_item){ .hold = hold };
    return item;
}

/* NULL: this call is committed now. */
static replay_item *add(proa_call *c, size_t size, size_t body_size)
{
    replay *r = &c->made.replay;
    size_t cost = sizeof(replay_item) + size;
    replay_item *item = r->bytes + cost > LIMITS_REPLAY_BYTES_MAX ? NULL : new_item(c, body_size);
    if (!item) {
        replay_commit(c);
        return NULL;
    }
    item->size = size;
    if (r->last)
        r->last->next = item;
    else
        r->first = item;
    r->last = item;
    r->bytes += cost;
    return item;
}

void replay_keep_body(proa_call *c, const char *body, size_t size)
{
    replay_item *item = c->made.replay.is_open ? add(c, size, size) : NULL;
    if (item && size)
        memcpy(item->body, body, size);
}

void replay_keep(proa_call *c, const proa_slice *slice)
{
    replay_item *item = c->made.replay.is_open ? add(c, slice->bytes.size, 0) : NULL;
    if (item)
        item->shared = slice_share(slice);
}

static void drop_items(proa_call *c)
{
    for (replay_item *item = c->made.replay.first, *next; item; item = next) {
        next = item->next;
        if (item->shared.hold)
            home_give_slice(c->home, &item->shared);
        if (item->hold)
            hold_release_to(io_loop_pool(c->home->io), item->hold);
    }
    c->made.replay.first = c->made.replay.last = NULL;
    c->made.replay.bytes = 0;
}

void replay_commit(proa_call *c)
{
    c->made.replay.is_open = false;
    if (c->made.replay.first)
        drop_items(c);
}

void replay_fini(proa_call *c)
{
    replay_commit(c);
    for (struct replay_peer *p = c->made.replay.peers, *next; p; p = next) {
        next = p->next;
        call_peer_drop(p->peer);
        memory_free(p);
    }
}

/* A user may hold what proa_call_peer gave until the call ends; so an earlier peer stays. */
static void set_peer(proa_call *c, call_peer *peer)
{
    call_peer *before = atomic_load_explicit(&c->peer, memory_order_relaxed);
    if (before == peer)
        return;
    if (before) {
        struct replay_peer *kept = memory_new(sizeof *kept);
        if (!kept)
            return; /* the earlier one is not far from the truth */
        *kept = (struct replay_peer){ c->made.replay.peers, before };
        c->made.replay.peers = kept;
    }
    peer->count++;
    atomic_store_explicit(&c->peer, peer, memory_order_release); /* what is in it was there before */
}

void replay_begin(proa_call *c, call_peer *peer)
{
    set_peer(c, peer);
    if (c->made.replay.sends++ == 0) {
        c->made.replay.is_open = true;
        return;
    }
    for (replay_item *item = c->made.replay.first; item; item = item->next) {
        if (item->shared.bytes.data) {
            proa_slice again = slice_share(&item->shared);
            rpc_exchange_push_slice(c->exchange, &again);
        } else {
            rpc_exchange_push(c->exchange, item->body, item->size);
        }
    }
    /* The user saw room for these once: they are not what it pushes too much. */
    if (c->is_remote)
        pthread_mutex_lock(&c->remote.lock);
    c->resent = rpc_exchange_queued(c->exchange);
    if (c->is_remote)
        pthread_mutex_unlock(&c->remote.lock);
}

static bool may_again(proa_call *c, const rpc_event *end)
{
    replay *r = &c->made.replay;
    if (!end->is_unprocessed || !r->is_open || r->sends >= LIMITS_SENDS_MAX || atomic_load(&c->is_cancelled))
        return false;
    if (!end->is_unsent && r->was_refused)
        return false;
    r->was_refused |= !end->is_unsent;
    return true;
}

bool replay_again(proa_call *c, const rpc_event *end)
{
    if (!may_again(c, end))
        return false;
    rpc_exchange_release(c->exchange);
    c->exchange = NULL;
    c->pump = NULL;
    if (c->deadline_ns != INT64_MAX)
        io_timer_start(c->home->io, &c->timer, c->deadline_ns);
    call_pin(c);
    c->hooks->submit(c->owner, c);
    call_unpin(c);
    return true;
}
