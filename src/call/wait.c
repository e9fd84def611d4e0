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

bool call_may_push(proa_call *c)
{
    if (c->is_remote)
        return remote_may_push(c);
    home_enter(c->home);
    bool may = local_may_push(c);
    home_leave(c->home);
    return may;
}

bool call_wait_for_room(proa_call *c)
{
    if (c->is_remote) {
        remote_wait_for_room(c);
        return remote_may_push(c);
    }
    home_enter(c->home);
    home_may_wait(c->home);
    while (local_may_push(c) && !local_can_push(c))
        home_wait(c->home);
    bool may = local_may_push(c);
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
    home_may_wait(c->home);
    bool has;
    while (!(has = local_pop(c, out)) && !local_is_at_end(c))
        home_wait(c->home);
    home_leave(c->home);
    return has;
}

/* ---- The status */

void call_drop_unread(proa_call *c)
{
    bool (*pop)(proa_call *, proa_slice *) = c->is_remote ? remote_pop : local_pop;
    for (proa_slice unread; pop(c, &unread);)
        proa_slice_free(&unread);
}

static bool has_ended_or_message(proa_call *c)
{
    return c->remote.is_over || c->remote.in.count;
}

static bool is_over_remotely(proa_call *c)
{
    pthread_mutex_lock(&c->remote.lock);
    bool is_over = c->remote.is_over;
    pthread_mutex_unlock(&c->remote.lock);
    return is_over;
}

bool call_is_settled(proa_call *c)
{
    home_enter_unless_remote(c);
    bool is_over = c->is_remote ? is_over_remotely(c) : c->is_over;
    if (is_over)
        made_settle(c);
    home_leave_unless_remote(c);
    return is_over;
}

/* What comes meanwhile is dropped, so that the peer can go on to its status. */
static void wait_for_end(proa_call *c)
{
    home_enter(c->home);
    local_end_requests(c);
    for (;;) {
        if (!c->is_single_reply)
            call_drop_unread(c);
        if (c->is_over)
            break;
        home_wait(c->home);
    }
    made_settle(c);
    home_leave(c->home);
}

static void wait_for_end_remotely(proa_call *c)
{
    remote_end_requests(c);
    do {
        remote_wait(c, has_ended_or_message);
        call_drop_unread(c);
    } while (!is_over_remotely(c));
    made_settle(c);
}

proa_status proa_call_status(proa_call *c)
{
    if (!c)
        return (proa_status){ .code = PROA_RESOURCE_EXHAUSTED, .message = PROA_STR("no memory for a call") };
    if (c->is_served)
        return c->user.status;
    if (c->is_remote) {
        wait_for_end_remotely(c);
    } else if (home_can_wait(c->home)) {
        wait_for_end(c);
    } else {
        bool is_over = call_is_settled(c);
        PROA_ASSERT(is_over, "on a loop a call has a status at its end");
    }
    return c->user.status;
}

/* ---- Time */

bool proa_call_pause_ns(proa_call *c, int64_t ns)
{
    PROA_ASSERT(c->is_remote && !home_is_here(c->home),
                "pause is for handlers on workers; on a loop return proa_call_sleep_ns");
    return remote_pause(c, ns);
}
