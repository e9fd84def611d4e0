/* SPDX-License-Identifier: Apache-2.0 */
/* A channel on one home: the calls that wait there, and how the channel stands for them.
 *
 *     IDLE              the first that comes makes it connect
 *     CONNECTING        they wait
 *     READY             they go out, or wait for room in the server's limit of streams
 *     TRANSIENT_FAILURE they fail, and say why; those that wait for ready wait (doc/wait-for-ready.md)
 *
 * Without a call for idle_ns it goes back to IDLE (gRFC A62): nothing is left of it then but its memory. */
#include "client/channel.h"

static void on_idle(io_timer *timer);
static void on_mail(io_mail *mail);

static void on_gone(home_guest *guest)
{
    part_close(CONTAINER_OF(guest, channel_part, guest));
}

static channel_part *new_part(proa_channel *channel, proa_loop *home)
{
    channel_part *part = memory_new(sizeof *part);
    if (!part)
        return NULL;
    uint64_t seed = channel->seed + channel->shared.parts_made++;
    part->channel = channel;
    part->home = home;
    part->guest.on_gone = on_gone;
    part->mail.deliver = on_mail;
    part->idle.fire = on_idle;
    part->keepalive_ns = channel->options.keepalive_ns;
    atomic_init(&part->commands, 0);
    list_init(&part->waiting);
    list_init(&part->transports);
    resolver_init(&part->resolver, part, backoff_random(&seed));
    pick_first_init(&part->policy, part, backoff_random(&seed));
    home_add_guest(home, &part->guest);
    channel_retain(channel);
    return part;
}

static channel_part *find(proa_channel *channel, const proa_loop *home)
{
    for (list_node *n = list_first(&channel->shared.parts); n; n = list_next(&channel->shared.parts, n)) {
        channel_part *part = CONTAINER_OF(n, channel_part, node);
        if (part->home == home)
            return part;
    }
    return NULL;
}

static proa_err find_or_make(proa_channel *channel, proa_loop *home, channel_part **out)
{
    pthread_mutex_lock(&channel->shared.lock);
    channel_part *part = find(channel, home);
    proa_err err = part ? PROA_ERR_NONE : channel->shared.is_closed ? PROA_ERR_CLOSED : PROA_ERR_NOMEM;
    if (!part && err == PROA_ERR_NOMEM && (part = new_part(channel, home))) {
        list_push(&channel->shared.parts, &part->node);
        err = PROA_ERR_NONE;
    }
    pthread_mutex_unlock(&channel->shared.lock);
    *out = part;
    return err;
}

proa_err part_of(proa_channel *channel, proa_loop *home, channel_part **out)
{
    if (home != channel->home)
        return find_or_make(channel, home, out);
    *out = channel->own;
    if (*out)
        return PROA_ERR_NONE;
    proa_err err = find_or_make(channel, home, out);
    channel->own = *out;
    return err;
}

/* ---- Calls */

static void queue(channel_part *part, proa_call *call)
{
    if (part->waiting_count >= part->channel->options.pending_calls_max) {
        call_refuse(call, PROA_UNAVAILABLE, "too many calls wait for a connection");
        return;
    }
    list_push(&part->waiting, call_node(call));
    part->waiting_count++;
}

static bool is_hopeless(const channel_part *part, const proa_call *call)
{
    return part->state == PROA_CHANNEL_TRANSIENT_FAILURE && !call_waits_for_ready(call);
}

void part_submit(channel_part *part, proa_call *call)
{
    if (call_is_over(call))
        return;
    part->used_at = io_loop_now(part_io(part));
    if (list_is_empty(&part->waiting) && pick_first_take(&part->policy, call) == PROA_ERR_NONE)
        return;
    if (is_hopeless(part, call)) {
        call_refuse(call, PROA_UNAVAILABLE, "%s", part->last.text);
        return;
    }
    queue(part, call);
    part_connect(part);
}

void part_forget(channel_part *part, proa_call *call)
{
    list_remove(call_node(call));
    part->waiting_count--;
}

void part_room(channel_part *part)
{
    for (list_node *n; (n = list_first(&part->waiting));) {
        proa_call *call = call_of_node(n);
        part_forget(part, call);
        if (pick_first_take(&part->policy, call) == PROA_ERR_NONE)
            continue;
        list_push_first(&part->waiting, n); /* it was the first, and stays so */
        part->waiting_count++;
        break;
    }
}

static void fail_hopeless_ones(channel_part *part)
{
    for (list_node *n = list_first(&part->waiting), *next; n; n = next) {
        next = list_next(&part->waiting, n);
        proa_call *call = call_of_node(n);
        if (!is_hopeless(part, call))
            continue;
        part_forget(part, call);
        call_refuse(call, PROA_UNAVAILABLE, "%s", part->last.text);
    }
}

/* ---- States */

static void watch_for_idleness(channel_part *part, int64_t since)
{
    int64_t idle_ns = part->channel->options.idle_ns;
    if (idle_ns > 0)
        io_timer_start(part_io(part), &part->idle, since < INT64_MAX - idle_ns ? since + idle_ns : INT64_MAX);
}

void part_connect(channel_part *part)
{
    if (part->state != PROA_CHANNEL_IDLE)
        return;
    if (!io_timer_is_running(&part->idle)) {
        part->used_at = part_now(part);
        watch_for_idleness(part, part->used_at);
    }
    if (part->policy.count == 0)
        resolver_start(&part->resolver);
    pick_first_connect(&part->policy);
}

/* Asked once each idle_ns, so that no call has to move a timer. */
static void on_idle(io_timer *timer)
{
    channel_part *part = CONTAINER_OF(timer, channel_part, idle);
    int64_t now = part_now(part);
    bool is_used = !list_is_empty(&part->waiting) || transport_is_used(part);
    int64_t since = is_used ? now : part->used_at;
    if (is_used || now - since < part->channel->options.idle_ns) {
        watch_for_idleness(part, since);
        return;
    }
    resolver_stop(&part->resolver);
    pick_first_close(&part->policy, true);
    part_stands(part, PROA_CHANNEL_IDLE, NULL);
}

void part_stands(channel_part *part, proa_channel_state state, const proa_error *why)
{
    static const char *const names[] = { "IDLE", "CONNECTING", "READY", "TRANSIENT_FAILURE", "SHUTDOWN" };
    bool is_failure = state == PROA_CHANNEL_TRANSIENT_FAILURE;
    if (is_failure)
        part->last = *why;
    TRACE(part_trace(part), TRACE_IO, "io channel to %s: %s%s%s", part->channel->authority, names[state],
          is_failure ? ": " : "", is_failure ? part->last.text : "");
    part->state = state;
    if (part->channel->own == part)
        state_set(part->channel, state);
    if (state == PROA_CHANNEL_READY)
        part_room(part);
    else if (is_failure)
        fail_hopeless_ones(part);
    else if (state == PROA_CHANNEL_IDLE && !list_is_empty(&part->waiting))
        part_connect(part);
}

void part_reset(channel_part *part)
{
    resolver_reset(&part->resolver);
    pick_first_reset(&part->policy);
}

/* gRFC A8: what was too often for one connection is halved for the next. */
void part_calm(channel_part *part)
{
    part->keepalive_ns = part->keepalive_ns < INT64_MAX / 2 ? part->keepalive_ns * 2 : part->keepalive_ns;
}

/* ---- The end, and commands of other threads */

void part_post(channel_part *part, unsigned commands)
{
    if (!(atomic_fetch_or(&part->commands, commands | PART_POSTED) & PART_POSTED))
        io_loop_post(part_io(part), &part->mail);
}

static void on_mail(io_mail *mail)
{
    channel_part *part = CONTAINER_OF(mail, channel_part, mail);
    unsigned commands = atomic_exchange(&part->commands, 0);
    if (part->is_gone)
        memory_free(part);
    else if (commands & PART_CLOSE)
        part_close(part);
    else if (commands & PART_RESET)
        part_reset(part);
}

void part_close(channel_part *part)
{
    proa_channel *channel = part->channel;
    const proa_loop *home = part->home;
    list_remove(&part->guest.node);
    if (channel->home == home) {
        channel->own = NULL;
        state_close(channel);
    }
    for (list_node *n; (n = list_first(&part->waiting));) {
        proa_call *call = call_of_node(n);
        part_forget(part, call);
        call_refuse(call, PROA_CANCELLED, "the channel was closed");
    }
    pthread_mutex_lock(&channel->shared.lock);
    list_remove(&part->node);
    pthread_mutex_unlock(&channel->shared.lock);
    io_timer_stop(part_io(part), &part->idle);
    resolver_stop(&part->resolver);
    transport_stop_all(part);
    pick_first_close(&part->policy, false);
    if (atomic_load(&part->commands) & PART_POSTED)
        part->is_gone = true; /* the mail that is on its way frees it */
    else
        memory_free(part);
    channel_release(channel, home);
}
