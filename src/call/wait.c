/* SPDX-License-Identifier: Apache-2.0 */
/* The waiting verbs: in a thread that drives the home, or in one that the home works for. */
#include "call/object.h"

void home_enter_unless_remote(proa_call *c)
{
    if (!c->is_remote)
        home_enter(c->home);
}

void home_leave_unless_remote(proa_call *c)
{
    if (!c->is_remote)
        home_leave(c->home);
}

/* ---- Room */

static bool has_room_remotely(proa_call *c)
{
    call_remote *r = &c->remote;
    return r->is_over || r->ended_requests || atomic_load(&c->is_cancelled) ||
           r->out.bytes + r->unsent < c->queue_bytes_max;
}

bool call_may_push(proa_call *c)
{
    if (c->is_remote) {
        pthread_mutex_lock(&c->remote.lock);
        bool may = !c->remote.is_over && !c->remote.ended_requests && !atomic_load(&c->is_cancelled);
        pthread_mutex_unlock(&c->remote.lock);
        return may;
    }
    return !c->is_over && !c->has_ended_ours && !atomic_load(&c->is_cancelled);
}

bool call_wait_for_room(proa_call *c)
{
    if (c->is_remote) {
        remote_wait(c, has_room_remotely);
        return call_may_push(c);
    }
    home_enter(c->home);
    while (call_may_push(c) && !local_can_push(c))
        home_wait(c->home);
    bool may = call_may_push(c);
    home_leave(c->home);
    return may;
}

bool proa_call_send(proa_call *c, proa_slice *slice)
{
    if (!c || !call_wait_for_room(c)) {
        proa_slice_free(slice);
        return false;
    }
    proa_call_push(c, slice);
    return call_may_push(c);
}

/* ---- Messages */

static bool has_message_remotely(proa_call *c)
{
    return c->remote.in.count || c->remote.peer_ended || (c->is_served && atomic_load(&c->is_cancelled));
}

bool proa_call_receive(proa_call *c, proa_slice *out)
{
    if (!c)
        return false;
    if (c->is_remote) {
        remote_wait(c, has_message_remotely);
        return remote_pop(c, out);
    }
    home_enter(c->home);
    bool has;
    while (!(has = local_pop(c, out)) && !local_is_at_end(c))
        home_wait(c->home);
    home_leave(c->home);
    return has;
}

/* ---- The status */

static bool is_over_remotely(proa_call *c)
{
    proa_slice unread;
    bool has_dropped = false;
    while (slice_queue_pop(&c->remote.in, &unread)) {
        proa_slice_free(&unread);
        has_dropped = true;
    }
    if (has_dropped)
        call_post(c, CALL_CMD_TRAFFIC); /* more may have come: it is dropped as well */
    return c->remote.is_over;
}

bool call_is_settled(proa_call *c)
{
    bool is_over;
    if (c->is_remote) {
        pthread_mutex_lock(&c->remote.lock);
        is_over = c->remote.is_over;
        pthread_mutex_unlock(&c->remote.lock);
    } else {
        home_enter(c->home);
        is_over = c->is_over;
        home_leave(c->home);
    }
    if (is_over)
        made_settle(c);
    return is_over;
}

static void wait_for_end(proa_call *c)
{
    proa_slice unread;
    home_enter(c->home);
    local_end_requests(c);
    while (!c->is_over) {
        while (!c->is_single_reply && local_pop(c, &unread))
            proa_slice_free(&unread);
        if (!c->is_over)
            home_wait(c->home);
    }
    home_leave(c->home);
}

proa_status proa_call_status(proa_call *c)
{
    if (!c)
        return (proa_status){ .code = PROA_RESOURCE_EXHAUSTED, .message = PROA_STR("no memory for a call") };
    if (c->is_served)
        return c->user.status;
    if (c->is_remote) {
        remote_end_requests(c);
        remote_wait(c, is_over_remotely);
    } else if (home_is_driven(c->home)) {
        wait_for_end(c);
    } else {
        PROA_ASSERT(c->is_over, "on a loop a call has a status at its end");
    }
    made_settle(c);
    return c->user.status;
}

/* ---- Time */

bool proa_call_pause_ns(proa_call *c, int64_t ns)
{
    PROA_ASSERT(c->is_remote && !home_is_here(c->home),
                "pause is for handlers on workers; on a loop return proa_call_sleep_ns");
    return remote_pause(c, ns);
}
