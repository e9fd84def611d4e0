/* SPDX-License-Identifier: Apache-2.0 */
/* Accepted connections, and the dispatch of what arrives on them. */
#include "server/station.h"
#include <stdio.h>

typedef struct link_line {
    list_node node;
    station *station;
    link_pump *pump;
    call_peer *peer;
    const call_binding *recent; /* of a method: what the last call was bound to */
    counting_seen seen;
} link_line;

static const trace *trace_of(const station *s)
{
    return s->server->trace.areas ? &s->server->trace : home_trace(s->home);
}

/* ---- Calls */

static void work(void *owner, proa_call *call)
{
    station *s = owner;
    if (workers_add(s->server->workers, call))
        return;
    counting_add(&s->counting, workers_queue_max);
    call_refuse_work(call);
}

static bool unwork(void *owner, proa_call *call)
{
    station *s = owner;
    return workers_remove(s->server->workers, call);
}

static void gone(void *owner, proa_loop *home)
{
    station *s = owner;
    (void)home;
    s->call_count--;
    counting_add(&s->counting, calls_ended);
    station_check(s);
}

static const call_hooks hooks = { .work = work, .unwork = unwork, .gone = gone };

/* grpc/grpc doc/statuscodes.md: UNIMPLEMENTED, with which of the two is unknown; or the codec is. */
static void refuse(link_line *l, rpc_exchange *exchange, bool is_known)
{
    const methods *m = &l->station->server->methods;
    proa_bytes path = rpc_exchange_path(exchange);
    char quoted[200], text[256];
    snprintf(text, sizeof text,
             is_known                       ? "%s takes no codec but proto"
             : methods_has_service(m, path) ? "unknown method %s"
                                            : "unknown service: %s",
             trace_escape(path, quoted, sizeof quoted));
    proa_status status = { .code = PROA_UNIMPLEMENTED, .message = proa_bytes_of(text) };
    rpc_exchange_set_user(exchange, NULL);
    call_answer(exchange, &status, (proa_headers){ NULL, 0 });
}

/* Most calls of a connection are of the method of the call before. */
static const call_binding *find_binding(link_line *l, proa_bytes path)
{
    const call_binding *recent = l->recent;
    if (recent && proa_bytes_is_equal(recent->method->path, path))
        return recent;
    const call_binding *found = methods_find(&l->station->server->methods, path);
    if (found && found->method)
        l->recent = found;
    return found;
}

static void begin_call(link_line *l, rpc_exchange *exchange)
{
    station *s = l->station;
    proa_server *server = s->server;
    const call_binding *binding = find_binding(l, rpc_exchange_path(exchange));
    counting_add(&s->counting, calls_begun);
    if (!binding || (binding->method && rpc_exchange_is_foreign(exchange))) {
        refuse(l, exchange, binding != NULL);
        counting_add(&s->counting, calls_ended);
        return;
    }
    s->call_count++;
    bool has_begun = call_serve(s->home, l->pump, exchange,
                                &(call_serving){ .binding = binding,
                                                 .on_call = server->options.on_call,
                                                 .on_call_user = server->options.user,
                                                 .hooks = &hooks,
                                                 .owner = s,
                                                 .peer = l->peer });
    if (!has_begun)
        gone(s, s->home);
}

/* ---- Connections */

static void on_event(void *owner, const rpc_event *event)
{
    link_line *l = owner;
    switch (event->type) {
    case RPC_EVENT_CALL: begin_call(l, event->exchange); break;
    case RPC_EVENT_READY:
    case RPC_EVENT_ROOM:
    case RPC_EVENT_GOAWAY:
    case RPC_EVENT_CLOSED: break;
    default:
        if (rpc_exchange_user(event->exchange))
            call_on_event(event);
        else if (event->type == RPC_EVENT_END)
            rpc_exchange_release(event->exchange); /* one that nobody served */
    }
}

static void on_flushed(void *owner)
{
    link_line *l = owner;
    counting_follow(&l->station->counting, link_pump_endpoint(l->pump), &l->seen);
}

static void on_closed(void *owner)
{
    link_line *l = owner;
    station *s = l->station;
    list_remove(&l->node);
    call_peer_drop(l->peer);
    memory_free(l);
    accept_gone(s);
}

static const link_handler handler = { .on_event = on_event, .on_flushed = on_flushed, .on_closed = on_closed };

#define KEEPALIVE_NS         INT64_C(7200000000000) /* gRFC A8: server */
#define KEEPALIVE_TIMEOUT_NS INT64_C(20000000000)

static rpc_endpoint *endpoint_new(station *s)
{
    const proa_server_options *o = &s->server->options;
    /* Each its own jitter of age: connections that came together do not all go together. */
    uint64_t seed = s->server->seed + s->accepted++ * UINT64_C(0x9e3779b97f4a7c15);
    return rpc_endpoint_new(&(rpc_options){ .role = H2_SERVER,
                                            .limits = s->server->limits,
                                            .receive_bytes_max = o->receive_bytes_max,
                                            .pool = io_loop_pool(home_io(s->home)),
                                            .streams = home_streams(s->home),
                                            .trace = trace_of(s),
                                            .seed = seed,
                                            .keepalive_ns = o->keepalive_ns ? o->keepalive_ns : KEEPALIVE_NS,
                                            .keepalive_timeout_ns = o->keepalive_timeout_ns,
                                            .keepalive_permit_without_calls = o->keepalive_permit_without_calls,
                                            .idle_max_ns = o->idle_max_ns,
                                            .age_max_ns = o->age_max_ns,
                                            .age_grace_ns = o->age_grace_ns },
                            home_now(s->home));
}

static bool adopt(station *s, io_socket *socket)
{
    link_line *l = memory_new(sizeof *l);
    rpc_endpoint *endpoint = endpoint_new(s);
    call_peer *peer = call_peer_new(socket);
    if (!l || !endpoint || !peer)
        goto failed;
    *l = (link_line){ .station = s, .peer = peer };
    const proa_server_options *o = &s->server->options;
    if (o->keepalive_ns != INT64_MAX) /* gRFC A18: what was sent and is not even acknowledged tells the same, sooner */
        io_socket_set_unheard(socket, o->keepalive_timeout_ns ? o->keepalive_timeout_ns : KEEPALIVE_TIMEOUT_NS);
    l->pump = link_pump_new(home_io(s->home), socket, endpoint, &handler, l);
    if (!l->pump) {
        call_peer_drop(peer);
        memory_free(l);
        return false;
    }
    list_push(&s->connections, &l->node);
    return true;

failed:
    if (endpoint)
        rpc_endpoint_free(endpoint);
    call_peer_drop(peer);
    memory_free(l);
    io_socket_close(socket);
    return false;
}

/* Of the whole server: the kernel spreads connections over several loops as it likes. */
static bool has_place(proa_server *server)
{
    uint32_t most = server->options.connections_max ? server->options.connections_max : LIMITS_CONNECTIONS_MAX;
    if (atomic_fetch_add(&server->connection_count, 1) < most)
        return true;
    atomic_fetch_sub(&server->connection_count, 1);
    return false;
}

void accept_gone(station *s)
{
    s->connection_count--;
    atomic_fetch_sub(&s->server->connection_count, 1);
    counting_add(&s->counting, connections_closed);
    station_check(s);
}

void accept_ready(station *s, io_socket *socket)
{
    if (!adopt(s, socket))
        accept_gone(s);
}

void accept_socket(station *s, io_socket *socket, io_tls *tls)
{
    if (!has_place(s->server)) {
        counting_add(&s->counting, connections_max);
        io_socket_close(socket);
        return;
    }
    if (!(tls ? handshake_begin(s, socket, tls) : adopt(s, socket))) {
        atomic_fetch_sub(&s->server->connection_count, 1);
        return;
    }
    s->connection_count++;
    counting_add(&s->counting, connections_opened);
}

/* A draining server has closed its listeners; channels in process it still has. */
void accept_inside(station *s, io_socket *socket)
{
    if (s->is_draining || s->is_ending)
        io_socket_close(socket);
    else
        accept_socket(s, socket, NULL);
}

/* ---- All of them */

static void for_each(station *s, void (*run)(link_pump *pump))
{
    for (list_node *n = list_first(&s->connections); n; n = list_next(&s->connections, n))
        run(CONTAINER_OF(n, link_line, node)->pump);
}

static void drain(link_pump *pump)
{
    rpc_endpoint_drain(link_pump_endpoint(pump));
    link_pump_touch(pump);
}

static void stop(link_pump *pump)
{
    rpc_endpoint_stop(link_pump_endpoint(pump));
    link_pump_touch(pump);
}

void accept_drain(station *s)
{
    for_each(s, drain);
}

void accept_stop(station *s)
{
    handshake_close_all(s);
    for_each(s, stop);
}

void accept_close(station *s)
{
    for_each(s, link_pump_close);
}
