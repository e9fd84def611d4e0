/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in and out, on the home. A made call that has no attempt yet keeps what is pushed; the attempt takes it over. */
#include "call/object.h"

static size_t unsent(const proa_call *c)
{
    return c->exchange ? rpc_exchange_queued(c->exchange) : c->remote.out.bytes;
}

static bool may_push(const proa_call *c)
{
    return !c->is_over && !c->has_ended_ours && !atomic_load(&c->is_cancelled);
}

bool local_can_push(const proa_call *c)
{
    return may_push(c) && unsent(c) < c->queue_bytes_max;
}

/* Who does not stop at false would fill our memory at its peer's pace: twice the bound is where it ends. */
static bool is_refused(proa_call *c)
{
    if (!may_push(c))
        return true;
    if (unsent(c) < 2 * c->queue_bytes_max)
        return false;
    call_cancel(c, PROA_RESOURCE_EXHAUSTED, "pushed on at twice the bound of the queue");
    return true;
}

void local_send_headers(proa_call *c)
{
    if (c->is_served && !c->has_replied_headers && !c->is_over && !c->has_ended_ours) {
        c->has_replied_headers = true;
        rpc_exchange_send_headers(c->exchange, (proa_headers){ c->user.headers.data, c->user.headers.count });
        call_touch(c);
    }
}

bool local_push(proa_call *c, proa_slice *slice)
{
    if (is_refused(c)) {
        proa_slice_free(slice);
        return false;
    }
    if (!c->exchange) {
        if (slice_queue_push(&c->remote.out, slice) != PROA_ERR_NONE)
            call_cancel(c, PROA_RESOURCE_EXHAUSTED, "no memory for a message");
        return local_can_push(c);
    }
    local_send_headers(c);
    rpc_exchange_push_slice(c->exchange, slice);
    call_touch(c);
    return local_can_push(c);
}

bool local_push_body(proa_call *c, char *body, size_t size)
{
    if (!c->exchange) {
        proa_slice slice;
        if (proa_slice_copy((proa_bytes){ body, size }, &slice) != PROA_ERR_NONE) {
            call_cancel(c, PROA_RESOURCE_EXHAUSTED, "no memory for a message");
            return false;
        }
        return local_push(c, &slice);
    }
    if (is_refused(c))
        return false;
    local_send_headers(c);
    rpc_exchange_push(c->exchange, body, size);
    call_touch(c);
    return local_can_push(c);
}

bool local_pop(proa_call *c, proa_slice *out)
{
    if (!c->exchange || !rpc_exchange_pop(c->exchange, out))
        return false;
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
    while (c->exchange && rpc_exchange_pop(c->exchange, &slice)) {
        if (c->first_count++)
            proa_slice_free(&slice);
        else
            c->first = slice;
        call_touch(c);
    }
}
