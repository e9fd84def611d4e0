/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, from connect to its end.
 *
 *     REACHING --> SECURING --> GREETING --> SERVING --> LEAVING --> (gone)
 *     connect      TLS, if any  a pump       SETTINGS    GOAWAY, idle: its calls end
 *
 * Until LEAVING it belongs to a subchannel, which hears what becomes of it once: it stands, and it failed or left. After that,
 * and when it is closed from above, it tells nobody. */
#include <stdio.h>
#include "client/channel.h"

/* How long the server's SETTINGS may take is the attempt's time, which the subchannel measures. The engine's own patience with
 * them, and with the ACK of ours, is behind that. */
#define SETTINGS_NS (200 * PROA_SECOND)

struct transport {
    list_node node; /* in the part's */
    channel_part *part;
    subchannel *sub;   /* NULL: LEAVING */
    io_socket *socket; /* until the pump has it */
    link_pump *pump;   /* NULL: until then */
    call_peer *peer;
    bool has_stood, has_answered;
};

static void set_error(const transport *t, proa_error *error, const char *what)
{
    char address[160];
    io_address_text(&t->sub->address, address, sizeof address);
    error_set(error, PROA_ERR_IO, "%s: %s", address, what);
}

/* Tells the subchannel, once. */
static void part_with(transport *t, const proa_error *error)
{
    subchannel *sub = t->sub;
    t->sub = NULL;
    if (t->has_stood)
        subchannel_left(sub, t->has_answered, error);
    else
        subchannel_failed(sub, error);
}

static void free_transport(transport *t)
{
    list_remove(&t->node);
    call_peer_drop(t->peer);
    memory_free(t);
}

/* ---- SERVING */

static void on_goaway(transport *t, const rpc_event *event)
{
    proa_error error;
    if (rpc_event_is_too_many_pings(event))
        part_calm(t->part);
    if (!t->sub)
        return;
    set_error(t, &error, "the server sent GOAWAY");
    part_with(t, &error);
}

static bool is_end_of_socket(const char *why)
{
    return strncmp(why, "the peer closed", 15) == 0 || strncmp(why, "the connection broke", 20) == 0;
}

static void on_gone(transport *t, const char *reason)
{
    proa_error error;
    if (!t->sub)
        return;
    const char *lost = t->pump ? link_pump_lost(t->pump) : NULL;
    const char *why = lost ? lost : reason ? reason : "the connection was lost";
    char hint[200];
    /* What a server of TLS does when it hears plaintext. */
    if (!t->has_stood && !t->part->channel->tls && is_end_of_socket(why)) {
        snprintf(hint, sizeof hint, "%s before it spoke HTTP/2; does it want TLS?", why);
        why = hint;
    }
    set_error(t, &error, why);
    part_with(t, &error);
}

static void on_event(void *owner, const rpc_event *event)
{
    transport *t = owner;
    switch (event->type) {
    case RPC_EVENT_READY:
        t->has_stood = true;
        if (t->sub)
            subchannel_stands(t->sub);
        break;
    case RPC_EVENT_ROOM:
        if (t->sub)
            part_room(t->part);
        break;
    case RPC_EVENT_GOAWAY: on_goaway(t, event); break;
    case RPC_EVENT_CLOSED: on_gone(t, event->fault.reason); break;
    case RPC_EVENT_END:
        t->part->used_at = io_loop_now(part_io(t->part));
        call_on_event(event);
        break;
    case RPC_EVENT_HEADERS:
        t->has_answered = true;
        call_on_event(event);
        break;
    default: call_on_event(event);
    }
}

static void on_closed(void *owner)
{
    transport *t = owner;
    on_gone(t, NULL);
    free_transport(t);
}

static const link_handler pump_handler = { .on_event = on_event, .on_closed = on_closed };

/* ---- GREETING */

static rpc_endpoint *new_endpoint(const transport *t)
{
    channel_part *part = t->part;
    const proa_channel *channel = part->channel;
    const proa_channel_options *o = &channel->options;
    limits limits = channel->limits;
    if (!limits.settings_ack_ns)
        limits.settings_ack_ns = SETTINGS_NS;
    return rpc_endpoint_new(&(rpc_options){ .role = H2_CLIENT,
                                            .limits = limits,
                                            .receive_bytes_max = o->receive_bytes_max,
                                            .pool = io_loop_pool(part_io(part)),
                                            .streams = home_streams(part->home),
                                            .trace = part_trace(part),
                                            .seed = channel->seed,
                                            .authority = proa_bytes_of(channel->authority),
                                            .is_tls = channel->tls != NULL,
                                            .keepalive_ns = part->keepalive_ns,
                                            .keepalive_timeout_ns = o->keepalive_timeout_ns,
                                            .keepalive_without_calls = o->keepalive_without_calls },
                            part_now(part));
}

/* The socket is the pump's, or closed. */
static bool give_to_pump(transport *t)
{
    io_socket *socket = t->socket;
    t->socket = NULL;
    t->peer = call_peer_new(socket);
    rpc_endpoint *endpoint = t->peer ? new_endpoint(t) : NULL;
    if (!endpoint) {
        io_socket_close(socket);
        return false;
    }
    t->pump = link_pump_new(part_io(t->part), socket, endpoint, &pump_handler, t);
    return t->pump != NULL;
}

/* No pump is there yet: it goes here. */
static void fail(transport *t, const proa_error *error)
{
    subchannel *sub = t->sub;
    proa_error copy = *error;
    io_socket_close(t->socket);
    free_transport(t);
    subchannel_failed(sub, &copy);
}

static void greet(void *owner)
{
    transport *t = owner;
    if (give_to_pump(t))
        return;
    proa_error error;
    set_error(t, &error, "out of memory");
    fail(t, &error);
}

/* ---- REACHING, SECURING */

static void on_end(void *owner, const proa_error *error)
{
    proa_error eof;
    transport *t = owner;
    if (error->code == PROA_ERR_NONE) {
        set_error(t, &eof, "the server closed the connection");
        error = &eof;
    }
    fail(t, error);
}

static const io_socket_handler plain_handler = { .on_connected = greet, .on_end = on_end };

/* It takes the socket, also when it fails. */
static void secure(void *owner)
{
    transport *t = owner;
    proa_error error;
    const proa_channel *channel = t->part->channel;
    const char *host = channel->target.is_unix ? "localhost" : channel->target.host; /* as its authority is */
    t->socket = io_tls_start(part_io(t->part), t->socket, channel->tls, host, &plain_handler, t, &error);
    if (!t->socket)
        fail(t, &error);
}

static const io_socket_handler tls_handler = { .on_connected = secure, .on_end = on_end };

transport *transport_open(subchannel *sub, proa_error *error)
{
    channel_part *part = sub->part;
    const proa_channel_options *o = &part->channel->options;
    transport *t = memory_new(sizeof *t);
    if (!t) {
        error_set(error, PROA_ERR_NOMEM, "no memory for a connection");
        return NULL;
    }
    *t = (transport){ .part = part, .sub = sub };
    t->socket = inprocess_connect(part, &sub->address, part->channel->tls ? &tls_handler : &plain_handler, t, error);
    if (!t->socket) {
        memory_free(t);
        return NULL;
    }
    if (part->keepalive_ns)
        io_socket_set_unheard(t->socket, o->keepalive_timeout_ns); /* gRFC A18 */
    list_push(&part->transports, &t->node);
    return t;
}

/* ---- From above */

proa_err transport_take(transport *t, proa_call *call)
{
    return call_attach(call, t->pump, t->peer);
}

void transport_close(transport *t)
{
    t->sub = NULL;
    if (t->pump) {
        link_pump_close(t->pump); /* on_closed follows */
        return;
    }
    io_socket_close(t->socket);
    free_transport(t);
}

void transport_leave(transport *t)
{
    t->sub = NULL;
    rpc_endpoint_drain(link_pump_endpoint(t->pump));
    link_pump_touch(t->pump);
}

void transport_stop_all(channel_part *part)
{
    while (!list_is_empty(&part->transports)) {
        transport *t = CONTAINER_OF(list_first(&part->transports), transport, node);
        if (t->sub)
            t->sub->transport = NULL;
        t->sub = NULL;
        if (!t->pump) {
            transport_close(t);
            continue;
        }
        rpc_endpoint_stop(link_pump_endpoint(t->pump));
        link_pump_flush(t->pump);
        if (list_first(&part->transports) != &t->node)
            continue;
        link_pump_close(t->pump);
        link_pump_flush(t->pump); /* on_closed takes it out */
    }
}

bool transport_is_used(channel_part *part)
{
    for (list_node *n = list_first(&part->transports); n; n = list_next(&part->transports, n)) {
        const transport *t = CONTAINER_OF(n, transport, node);
        if (t->pump && rpc_endpoint_exchanges(link_pump_endpoint(t->pump)))
            return true;
    }
    return false;
}
