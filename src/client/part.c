/* SPDX-License-Identifier: Apache-2.0 */
/* A channel on one home: the calls that wait there, and the subchannel that takes them. To come between the two: resolver,
 * picker and balancing (several subchannels), backoff between attempts. */
#include "client/channel.h"

#define AGAIN_NS \
    (1 * \
     PROA_SECOND) /* calls that wait for ready: until the next attempt; INITIAL_BACKOFF of doc/connection-backoff.md */

static void on_gone(home_guest *guest)
{
    part_close(CONTAINER_OF(guest, channel_part, guest));
}

static void on_close_mail(io_mail *mail)
{
    channel_part *part = CONTAINER_OF(mail, channel_part, close);
    if (part->is_gone)
        memory_free(part);
    else {
        atomic_store(&part->is_closing, false);
        part_close(part);
    }
}

static void on_again(io_timer *timer)
{
    channel_part *part = CONTAINER_OF(timer, channel_part, again);
    if (!list_is_empty(&part->waiting))
        subchannel_connect(&part->sub);
}

static channel_part *new_part(proa_channel *channel, proa_loop *home)
{
    channel_part *part = memory_new(sizeof *part);
    if (!part)
        return NULL;
    part->channel = channel;
    part->home = home;
    part->guest.on_gone = on_gone;
    part->close.deliver = on_close_mail;
    part->again.fire = on_again;
    atomic_init(&part->is_closing, false);
    list_init(&part->waiting);
    subchannel_init(&part->sub, part);
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

proa_err part_of(proa_channel *channel, proa_loop *home, channel_part **out)
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

static void queue(channel_part *part, proa_call *call)
{
    uint32_t most = part->channel->options.pending_calls_max;
    if (part->waiting_count >= (most ? most : LIMITS_PENDING_CALLS_MAX)) {
        call_refuse(call, PROA_UNAVAILABLE, "too many calls wait for a connection");
        return;
    }
    list_push(&part->waiting, call_node(call));
    part->waiting_count++;
}

void part_submit(channel_part *part, proa_call *call)
{
    if (call_is_over(call))
        return;
    proa_err err = list_is_empty(&part->waiting) ? subchannel_take(&part->sub, call) : PROA_ERR_LIMIT;
    if (err == PROA_ERR_NONE)
        return;
    queue(part, call);
    if (part->sub.state == SUBCHANNEL_IDLE && !io_timer_is_running(&part->again))
        subchannel_connect(&part->sub);
}

void part_forget(channel_part *part, proa_call *call)
{
    list_remove(call_node(call));
    part->waiting_count--;
}

void part_ready(channel_part *part)
{
    for (list_node *n; (n = list_first(&part->waiting));) {
        proa_call *call = call_of_node(n);
        part_forget(part, call);
        proa_err err = subchannel_take(&part->sub, call);
        if (err == PROA_ERR_NONE)
            continue;
        list_push_first(&part->waiting, n); /* it was the first, and stays so */
        part->waiting_count++;
        break;
    }
    if (!list_is_empty(&part->waiting) && part->sub.state == SUBCHANNEL_IDLE)
        subchannel_connect(&part->sub);
}

/* doc/wait-for-ready.md: without it a call fails at once when there is no connection. */
void part_failed(channel_part *part, const proa_error *error)
{
    for (list_node *n = list_first(&part->waiting), *next; n; n = next) {
        next = list_next(&part->waiting, n);
        proa_call *call = call_of_node(n);
        if (call_waits_for_ready(call))
            continue;
        part_forget(part, call);
        call_refuse(call, PROA_UNAVAILABLE, "%s", error->text);
    }
    if (!list_is_empty(&part->waiting))
        io_timer_start(home_io(part->home), &part->again, home_now(part->home) + AGAIN_NS);
}

void part_close(channel_part *part)
{
    proa_channel *channel = part->channel;
    const proa_loop *home = part->home;
    list_remove(&part->guest.node);
    for (list_node *n; (n = list_first(&part->waiting));) {
        proa_call *call = call_of_node(n);
        part_forget(part, call);
        call_refuse(call, PROA_CANCELLED, "the channel was closed");
    }
    pthread_mutex_lock(&channel->shared.lock);
    list_remove(&part->node);
    pthread_mutex_unlock(&channel->shared.lock);
    io_timer_stop(home_io(part->home), &part->again);
    subchannel_close(&part->sub);
    if (atomic_load(&part->is_closing))
        part->is_gone = true; /* the mail that is on its way frees it */
    else
        memory_free(part);
    channel_release(channel, home);
}
