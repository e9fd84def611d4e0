/* SPDX-License-Identifier: Apache-2.0 */
/* Calls whose user is another thread than their home: two queues and a few flags under a lock, and mail to the home. */
#include "call/object.h"
#include <errno.h>
#include <time.h>

bool remote_init(proa_call *c)
{
    if (c->is_remote)
        return true;
    call_remote *r = &c->remote;
    *r = (call_remote){ .unsent = 0 };
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic))
        return false;
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    bool done = pthread_cond_init(&r->moved, &monotonic) == 0;
    pthread_condattr_destroy(&monotonic);
    if (!done)
        return false;
    if (pthread_mutex_init(&r->lock, NULL)) {
        pthread_cond_destroy(&r->moved);
        return false;
    }
    if (c->method && !c->is_single_request)
        call_message_arena(c);
    if (c->user.message_arena)
        arena_detach(c->user.message_arena);
    arena_detach(&c->user.arena); /* the home's pool is not that thread's */
    c->is_remote = true;
    return true;
}

void remote_fini(proa_call *c)
{
    slice_queue_fini(&c->remote.in);
    slice_queue_fini(&c->remote.out);
    slice_queue_fini(&c->remote.used);
    hold_release_to(io_loop_pool(c->home->io), c->remote.block);
    pthread_cond_destroy(&c->remote.moved);
    pthread_mutex_destroy(&c->remote.lock);
}

/* ---- The home's side */

static const char text_no_memory[] = "no memory for a message";

/* Messages in hand are bounded by their number as well: empty ones weigh little, and their slices do not. */
enum { IN_COUNT_MAX = 256 };

static bool has_room_in(const proa_call *c)
{
    return c->remote.in.bytes < c->queue_bytes_max && c->remote.in.count < IN_COUNT_MAX;
}

/* false: no memory. */
static bool take_in(proa_call *c)
{
    proa_slice slice;
    while (c->exchange && has_room_in(c) && rpc_exchange_pop(c->exchange, &slice)) {
        call_touch(c);
        if (slice_queue_push(&c->remote.in, &slice) != PROA_ERR_NONE)
            return false;
    }
    return true;
}

void remote_refresh(proa_call *c)
{
    call_remote *r = &c->remote;
    pthread_mutex_lock(&r->lock);
    for (proa_slice used; slice_queue_pop(&r->used, &used);)
        home_give_slice(c->home, &used);
    bool has_memory = take_in(c);
    r->has_more = c->exchange && rpc_exchange_has_message(c->exchange);
    r->peer_ended = !r->has_more && (c->is_over || (c->exchange && rpc_exchange_is_half_closed(c->exchange)));
    r->has_headers = c->has_replied_headers;
    r->unsent = c->exchange ? rpc_exchange_queued(c->exchange) : 0;
    r->is_over = c->is_over;
    pthread_cond_broadcast(&r->moved);
    pthread_mutex_unlock(&r->lock);
    if (has_memory)
        return;
    call_keep_refusal(c, PROA_RESOURCE_EXHAUSTED, text_no_memory); /* also of a call that has ended well */
    call_cancel(c, PROA_RESOURCE_EXHAUSTED, text_no_memory);
}

/* Hands the exchange what the user pushed. Before the attempt it stays where it is: call_attach takes it. */
void remote_flush(proa_call *c)
{
    call_remote *r = &c->remote;
    if (!c->exchange)
        return;
    pthread_mutex_lock(&r->lock);
    slice_queue out = r->out;
    bool has_ended = r->ended_requests;
    r->out = (slice_queue){ 0 };
    r->unsent += out.bytes;
    pthread_mutex_unlock(&r->lock);
    if (out.count)
        local_send_headers(c);
    for (proa_slice slice; slice_queue_pop(&out, &slice);) {
        if (c->is_over) {
            proa_slice_free(&slice);
            continue;
        }
        local_give_slice(c, &slice);
    }
    slice_queue_fini(&out);
    if (has_ended)
        local_end_requests(c);
    call_touch(c);
    remote_refresh(c);
}

/* ---- The user's side */

static bool may_push(const proa_call *c)
{
    return !c->remote.is_over && !c->remote.ended_requests && !atomic_load(&c->is_cancelled);
}

static bool can_push(const proa_call *c)
{
    return may_push(c) && c->remote.out.bytes + c->remote.unsent < c->queue_bytes_max;
}

static bool ask(proa_call *c, bool (*is_so)(const proa_call *))
{
    pthread_mutex_lock(&c->remote.lock);
    bool it_is = is_so(c);
    pthread_mutex_unlock(&c->remote.lock);
    return it_is;
}

bool remote_may_push(proa_call *c)
{
    return ask(c, may_push);
}

bool remote_can_push(proa_call *c)
{
    return ask(c, can_push);
}

static bool has_room_or_ended(proa_call *c)
{
    return can_push(c) || !may_push(c);
}

void remote_wait_for_room(proa_call *c)
{
    remote_wait(c, has_room_or_ended);
}

bool remote_push(proa_call *c, proa_slice *slice)
{
    call_remote *r = &c->remote;
    pthread_mutex_lock(&r->lock);
    c->user.has_closed_headers = true;
    bool may = may_push(c);
    bool is_overflow = r->out.bytes + r->unsent >= 2 * c->queue_bytes_max + c->resent;
    bool is_taken = may && !is_overflow && slice_queue_push(&r->out, slice) == PROA_ERR_NONE;
    bool can = is_taken && can_push(c);
    pthread_mutex_unlock(&r->lock);
    proa_slice_free(slice); /* nothing, if it was taken */
    if (is_taken)
        call_post(c, CALL_CMD_TRAFFIC);
    else if (may && is_overflow)
        call_post(c, CALL_CMD_OVERFLOW);
    else if (may)
        call_break(c, PROA_RESOURCE_EXHAUSTED, text_no_memory);
    return can;
}

/* What is taken makes room for what waits in the exchange; the home is asked for it when half is empty. */
bool remote_pop(proa_call *c, proa_slice *out)
{
    call_remote *r = &c->remote;
    pthread_mutex_lock(&r->lock);
    bool has = slice_queue_pop(&r->in, out);
    bool is_low = r->in.bytes <= c->queue_bytes_max / 2 && r->in.count <= IN_COUNT_MAX / 2;
    bool wants_more = has && is_low && r->has_more;
    r->has_more &= !wants_more; /* asked once */
    pthread_mutex_unlock(&r->lock);
    if (wants_more)
        call_post(c, CALL_CMD_TRAFFIC);
    return has;
}

void remote_give_back(proa_call *c, proa_slice *slice)
{
    if (!slice->hold)
        return;
    pthread_mutex_lock(&c->remote.lock);
    (void)!slice_queue_push(&c->remote.used, slice); /* which frees it if it must */
    pthread_mutex_unlock(&c->remote.lock);
}

bool remote_is_at_end(proa_call *c)
{
    pthread_mutex_lock(&c->remote.lock);
    bool at_end = c->remote.in.count == 0 && c->remote.peer_ended && (c->is_served || c->remote.is_over);
    pthread_mutex_unlock(&c->remote.lock);
    return at_end;
}

void remote_wait(proa_call *c, remote_condition is_met)
{
    PROA_ASSERT(!home_is_here(c->home), "waiting verbs are for threads: on a loop, handlers and callbacks never wait");
    pthread_mutex_lock(&c->remote.lock);
    while (!is_met(c))
        pthread_cond_wait(&c->remote.moved, &c->remote.lock);
    pthread_mutex_unlock(&c->remote.lock);
}

bool remote_pause(proa_call *c, int64_t ns)
{
    call_remote *r = &c->remote;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t end = until.tv_sec * PROA_SECOND + until.tv_nsec;
    end = ns <= 0 ? end : ns > INT64_MAX - end ? INT64_MAX : end + ns;
    until = (struct timespec){ .tv_sec = end / PROA_SECOND, .tv_nsec = end % PROA_SECOND };
    pthread_mutex_lock(&r->lock);
    int rc = 0;
    while (!r->is_over && !r->is_woken && !atomic_load(&c->is_cancelled) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&r->moved, &r->lock, &until);
    r->is_woken = false;
    bool goes_on = !r->is_over && !atomic_load(&c->is_cancelled);
    pthread_mutex_unlock(&r->lock);
    return goes_on;
}

void remote_end_requests(proa_call *c)
{
    pthread_mutex_lock(&c->remote.lock);
    bool is_new = !c->remote.ended_requests;
    c->remote.ended_requests = true;
    pthread_mutex_unlock(&c->remote.lock);
    if (is_new)
        call_post(c, CALL_CMD_TRAFFIC);
}

void remote_finish(proa_call *c, proa_code code)
{
    pthread_mutex_lock(&c->remote.lock);
    c->remote.finish_code = code;
    pthread_mutex_unlock(&c->remote.lock);
    call_post(c, CALL_CMD_FINISH);
}
