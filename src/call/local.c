/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in and out, on the home. A made call that has no attempt yet keeps what is pushed; the attempt takes it over. */
#include "call/object.h"

static size_t unsent(const proa_call *c)
{
    return c->exchange ? rpc_exchange_queued(c->exchange) : c->made.kept.bytes;
}

bool local_can_push(const proa_call *c)
{
    return local_may_push(c) && unsent(c) < c->queue_bytes_max;
}

/* Who does not stop at false would fill our memory at its peer's pace: twice the bound is where it ends. */
static bool is_refused(proa_call *c)
{
    if (!local_may_push(c))
        return true;
    if (unsent(c) < 2 * c->queue_bytes_max + c->resent)
        return false;
    call_cancel(c, PROA_RESOURCE_EXHAUSTED, call_text_overflow);
    return true;
}

/* What the program added was checked then: this fails for want of memory alone. */
void local_send_headers(proa_call *c)
{
    if (!c->is_served || c->has_replied_headers || c->is_over || c->has_ended_ours)
        return;
    c->has_replied_headers = true;
    if (!c->is_remote)
        c->user.has_closed_headers = true; /* a remote user said so itself */
    proa_err err =
        rpc_exchange_send_headers(c->exchange, (proa_headers){ c->user.headers.data, c->user.headers.count });
    if (err == PROA_ERR_NONE || err == PROA_ERR_CLOSED)
        call_touch(c);
    else
        call_cancel(c, rpc_code_of_err(err), "the headers of the reply cannot be sent");
}

/* Our side may end in sending the headers. */
static bool is_ready_to_push(proa_call *c)
{
    if (is_refused(c))
        return false;
    local_send_headers(c);
    return local_may_push(c);
}

static bool keep(proa_call *c, proa_slice *slice)
{
    if (slice_queue_push(&c->made.kept, slice) != PROA_ERR_NONE)
        call_cancel(c, PROA_RESOURCE_EXHAUSTED, "no memory for a message");
    return local_can_push(c);
}

/* h2 copies small ones and lets go of them at once: held until then, their block is for the next message of this loop. */
bool local_give_slice(proa_call *c, proa_slice *slice)
{
    hold *held = hold_retain(slice->hold);
    if (!c->is_served)
        replay_keep(c, slice);
    bool has_room = rpc_exchange_push_slice(c->exchange, slice);
    hold_release_to(io_loop_pool(c->home->io), held);
    return has_room;
}

bool local_push(proa_call *c, proa_slice *slice)
{
    if (!is_ready_to_push(c)) {
        proa_slice_free(slice);
        return false;
    }
    if (!c->exchange)
        return keep(c, slice);
    bool has_room = local_give_slice(c, slice);
    call_touch(c);
    return has_room && local_may_push(c);
}

bool local_push_body(proa_call *c, char *body, size_t size)
{
    if (!c->exchange) {
        proa_slice slice;
        if (proa_slice_copy((proa_bytes){ body, size }, &slice) == PROA_ERR_NONE)
            return local_push(c, &slice);
        call_cancel(c, PROA_RESOURCE_EXHAUSTED, "no memory for a message");
        return false;
    }
    if (!is_ready_to_push(c))
        return false;
    if (!c->is_served)
        replay_keep_body(c, body, size);
    bool has_room = rpc_exchange_push(c->exchange, body, size);
    call_touch(c);
    return has_room && local_may_push(c);
}

void local_push_only(proa_call *c, char *body, size_t size)
{
    if (!local_may_push(c))
        return;
    c->has_ended_ours = true;
    replay_keep_body(c, body, size);
    rpc_exchange_push_last(c->exchange, body, size);
    call_touch(c);
}

bool local_pop(proa_call *c, proa_slice *out)
{
    if (!c->exchange || !rpc_exchange_pop(c->exchange, out))
        return false;
    c->has_popped = true;
    call_touch(c); /* the credit */
    if (c->is_over && !rpc_exchange_has_message(c->exchange))
        call_schedule(c); /* on_done waited for this one */
    return true;
}

bool local_is_at_end(const proa_call *c)
{
    if (c->exchange && rpc_exchange_has_message(c->exchange))
        return false;
    return c->is_over || (c->is_served && rpc_exchange_is_half_closed(c->exchange));
}

void local_end_requests(proa_call *c)
{
    if (c->has_ended_ours)
        return;
    c->has_ended_ours = true;
    if (c->exchange && !c->is_over) {
        rpc_exchange_end_requests(c->exchange);
        call_touch(c);
    }
}

void local_gather(proa_call *c)
{
    proa_slice slice;
    while (c->exchange && rpc_exchange_has_message(c->exchange) && rpc_exchange_pop(c->exchange, &slice)) {
        if (c->first_count++)
            home_give_slice(c->home, &slice);
        else
            c->first = slice;
        call_touch(c);
    }
}
