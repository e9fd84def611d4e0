/* SPDX-License-Identifier: Apache-2.0 */
/* One way to the server.
 *
 *     IDLE -- connect --> CONNECTING -- SETTINGS came --> READY
 *      ^                   | next address, or none left    | GOAWAY, or the connection is lost
 *      +-------------------+-------------------------------+
 *
 * A connection that got GOAWAY leaves `current` and finishes its calls. An address counts as connected when its SETTINGS
 * came, not before: a server that accepts and says nothing is no server (doc/connection-backoff.md). */
#include <stdio.h>
#include "client/channel.h"

typedef struct connection {
    list_node node;
    subchannel *sub;
    link_pump *pump;
    call_peer *peer;
    bool was_ready;
} connection;

static void try_next(subchannel *sub);

static const trace *trace_of(const channel_part *part)
{
    return part->channel->trace.areas ? &part->channel->trace : home_trace(part->home);
}

void subchannel_init(subchannel *sub, channel_part *part)
{
    *sub = (subchannel){ .part = part };
    list_init(&sub->connections);
}

/* ---- Connections */

static void on_event(void *owner, const rpc_event *event)
{
    connection *c = owner;
    subchannel *sub = c->sub;
    switch (event->type) {
    case RPC_EVENT_READY:
        c->was_ready = true;
        if (sub->current == c) {
            sub->state = SUBCHANNEL_READY;
            io_timer_stop(home_io(sub->part->home), &sub->timer);
            part_ready(sub->part);
        }
        break;
    case RPC_EVENT_ROOM:
        if (sub->current == c)
            part_ready(sub->part);
        break;
    case RPC_EVENT_GOAWAY:
        if (sub->current == c && c->was_ready) {
            sub->current = NULL;
            sub->state = SUBCHANNEL_IDLE;
            part_ready(sub->part); /* those that wait want a new connection */
        }
        break;
    case RPC_EVENT_CLOSED:
        if (sub->current == c && event->fault.reason)
            snprintf(sub->last.text, sizeof sub->last.text, "%s", event->fault.reason);
        break;
    default: call_on_event(event);
    }
}

static void on_closed(void *owner)
{
    connection *c = owner;
    subchannel *sub = c->sub;
    bool is_current = sub->current == c;
    list_remove(&c->node);
    call_peer_drop(c->peer);
    bool was_ready = c->was_ready;
    memory_free(c);
    if (!is_current)
        return;
    sub->current = NULL;
    if (was_ready) {
        sub->state = SUBCHANNEL_IDLE;
        part_ready(sub->part);
    } else {
        try_next(sub);
    }
}

static const link_handler handler = { .on_event = on_event, .on_closed = on_closed };

static rpc_endpoint *new_endpoint(subchannel *sub)
{
    channel_part *part = sub->part;
    proa_channel *channel = part->channel;
    return rpc_endpoint_new(&(rpc_options){ .role = H2_CLIENT,
                                            .limits = channel->limits,
                                            .receive_bytes_max = channel->options.receive_bytes_max,
                                            .pool = io_loop_pool(home_io(part->home)),
                                            .streams = home_streams(part->home),
                                            .trace = trace_of(part),
                                            .seed = channel->seed,
                                            .authority = proa_bytes_of(channel->authority) },
                            home_now(part->home));
}

static bool adopt(subchannel *sub)
{
    connection *c = memory_new(sizeof *c);
    rpc_endpoint *endpoint = c ? new_endpoint(sub) : NULL;
    call_peer *peer = endpoint ? call_peer_new(sub->socket) : NULL;
    io_socket *socket = sub->socket;
    sub->socket = NULL;
    if (!peer) {
        if (endpoint)
            rpc_endpoint_free(endpoint);
        io_socket_close(socket);
        memory_free(c);
        return false;
    }
    *c = (connection){ .sub = sub, .peer = peer };
    c->pump = link_pump_new(home_io(sub->part->home), socket, endpoint, &handler, c);
    if (!c->pump) {
        call_peer_drop(peer);
        memory_free(c);
        return false;
    }
    list_push(&sub->connections, &c->node);
    sub->current = c;
    return true;
}

/* ---- Connecting */

static void give_up(subchannel *sub)
{
    io_timer_stop(home_io(sub->part->home), &sub->timer);
    sub->state = SUBCHANNEL_IDLE;
    proa_error last = sub->last;
    part_failed(sub->part, &last);
}

static void on_connected(void *owner)
{
    subchannel *sub = owner;
    if (!adopt(sub)) {
        error_set(&sub->last, PROA_ERR_NOMEM, "out of memory");
        give_up(sub);
    }
}

static void on_connect_end(void *owner, const proa_error *error)
{
    subchannel *sub = owner;
    sub->last = *error;
    io_socket_close(sub->socket);
    sub->socket = NULL;
    try_next(sub);
}

static const io_socket_handler connect_handler = { .on_connected = on_connected, .on_end = on_connect_end };

static void on_timeout(io_timer *timer)
{
    subchannel *sub = CONTAINER_OF(timer, subchannel, timer);
    error_set(&sub->last, PROA_ERR_IO, "no connection within the time for one attempt");
    if (sub->socket)
        io_socket_close(sub->socket);
    sub->socket = NULL;
    if (sub->current)
        link_pump_close(sub->current->pump); /* on_closed tries the next */
    else
        try_next(sub);
}

static bool is_allowed(const subchannel *sub, const io_address *address)
{
    return sub->part->channel->options.plaintext || io_address_is_loopback(address);
}

static void try_next(subchannel *sub)
{
    channel_part *part = sub->part;
    io_loop *io = home_io(part->home);
    while (sub->next_address < sub->addresses.count) {
        const io_address *address = &sub->addresses.items[sub->next_address++];
        if (!is_allowed(sub, address)) {
            error_set(&sub->last, PROA_ERR_CONFIG,
                      "plaintext beyond loopback and Unix sockets needs the option plaintext");
            continue;
        }
        sub->socket = inprocess_connect(part, address, &connect_handler, sub, &sub->last);
        if (!sub->socket)
            continue;
        int64_t ns = part->channel->options.connect_ns ? part->channel->options.connect_ns : LIMITS_CONNECT_NS;
        sub->timer.fire = on_timeout;
        io_timer_start(io, &sub->timer, home_now(part->home) + ns);
        return;
    }
    give_up(sub);
}

static void on_addresses(void *owner, const io_addresses *addresses, const proa_error *error)
{
    subchannel *sub = owner;
    sub->lookup = NULL;
    if (addresses->count == 0) {
        sub->last = *error;
        give_up(sub);
        return;
    }
    sub->addresses = *addresses;
    sub->next_address = 0;
    try_next(sub);
}

void subchannel_connect(subchannel *sub)
{
    if (sub->state != SUBCHANNEL_IDLE)
        return;
    sub->state = SUBCHANNEL_CONNECTING;
    error_set(&sub->last, PROA_ERR_IO, "no address");
    sub->lookup = io_lookup_start(home_io(sub->part->home), &sub->part->channel->target, on_addresses, sub);
    if (!sub->lookup) {
        error_set(&sub->last, PROA_ERR_NOMEM, "out of memory");
        give_up(sub);
    }
}

proa_err subchannel_take(subchannel *sub, proa_call *call)
{
    if (sub->state != SUBCHANNEL_READY)
        return PROA_ERR_CLOSED;
    return call_attach(call, sub->current->pump, sub->current->peer);
}

void subchannel_close(subchannel *sub)
{
    if (sub->lookup)
        io_lookup_cancel(sub->lookup);
    if (sub->socket)
        io_socket_close(sub->socket);
    sub->lookup = NULL;
    sub->socket = NULL;
    sub->current = NULL;
    sub->state = SUBCHANNEL_IDLE;
    io_timer_stop(home_io(sub->part->home), &sub->timer);
    /* on_closed takes each out of the list, in the flush. */
    while (!list_is_empty(&sub->connections)) {
        connection *c = CONTAINER_OF(list_first(&sub->connections), connection, node);
        rpc_endpoint_stop(link_pump_endpoint(c->pump)); /* its calls end as CANCELLED, the server hears GOAWAY */
        link_pump_flush(c->pump);
        if (list_first(&sub->connections) != &c->node)
            continue;
        link_pump_close(c->pump);
        link_pump_flush(c->pump);
    }
}
