/* SPDX-License-Identifier: Apache-2.0 */
/* The router: h2 events in, rpc events out. It looks at which stream, which side and which frame, and hands on. */
#include "rpc/endpoint.h"
#include "base/bytes.h"
#include "rpc/exchange.h"

enum { QUEUES_KEPT = 16 };
#define PING_KEEPALIVE UINT64_C(0x70726f616b656570) /* payload */

size_t rpc_exchange_block_size(void)
{
    return h2_stream_size(sizeof(rpc_exchange));
}

/* ---- Making and freeing */

static bool copy_origin(rpc_endpoint *endpoint, const rpc_options *options)
{
    proa_bytes agent = options->user_agent.size ? options->user_agent : proa_bytes_of(request_user_agent);
    proa_bytes authority = options->authority;
    char *text = memory_resize(NULL, agent.size + authority.size + 1);
    if (!text)
        return false;
    bytes_copy(text, authority.data, authority.size);
    bytes_copy(text + authority.size, agent.data, agent.size);
    endpoint->origin_text = text;
    endpoint->origin = (request_origin){
        .authority = { text, authority.size },
        .user_agent = { text + authority.size, agent.size },
        .is_tls = options->is_tls,
    };
    return true;
}

rpc_endpoint *rpc_endpoint_new(const rpc_options *options, int64_t now)
{
    rpc_endpoint *endpoint = memory_new(sizeof *endpoint);
    if (!endpoint)
        return NULL;
    endpoint->role = options->role;
    endpoint->now = now;
    endpoint->receive_bytes_max = options->receive_bytes_max ? options->receive_bytes_max : LIMITS_RECEIVE_BYTES_MAX;
    endpoint->trace = options->trace;
    list_init(&endpoint->ready);
    slab_init(&endpoint->queues, envelope_queue_size(), QUEUES_KEPT);
    endpoint->home = (envelope_home){ .pool = options->pool, .queues = &endpoint->queues };
    h2_options h2 = {
        .role = options->role,
        .limits = options->limits,
        .stream_extra = sizeof(rpc_exchange),
        .streams = options->streams,
        .trace = options->trace,
        .seed = options->seed,
        .is_ping_permitted = options->keepalive_permit_without_calls,
    };
    upkeep_init(&endpoint->upkeep, options, now);
    if (copy_origin(endpoint, options))
        endpoint->h2 = h2_connection_new(&h2, now);
    if (!endpoint->h2) {
        memory_free(endpoint->origin_text);
        memory_free(endpoint);
        return NULL;
    }
    return endpoint;
}

void rpc_endpoint_free(rpc_endpoint *endpoint)
{
    if (!endpoint)
        return;
    list unseen;
    list_init(&unseen);
    for (h2_stream *s = h2_stream_next(endpoint->h2, NULL); s; s = h2_stream_next(endpoint->h2, s)) {
        rpc_exchange *exchange = h2_stream_extra(s);
        if (!exchange->endpoint)
            continue;
        exchange_detach(exchange);
        if (exchange->state == EXCHANGE_REFUSED)
            list_push(&unseen, &exchange->ready);
    }
    h2_connection_free(endpoint->h2);
    for (list_node *node; (node = list_pop(&unseen)) != NULL;)
        exchange_dispose(CONTAINER_OF(node, rpc_exchange, ready));
    heap_fini(&endpoint->deadlines);
    fields_fini(&endpoint->fields);
    slab_fini(&endpoint->queues);
    memory_free(endpoint->recall);
    memory_free(endpoint->origin_text);
    memory_free(endpoint);
}

/* ---- Bytes and time */

void rpc_endpoint_feed(rpc_endpoint *endpoint, proa_bytes bytes, int64_t now)
{
    endpoint->now = now;
    if (bytes.size)
        upkeep_read(&endpoint->upkeep, now);
    h2_connection_feed(endpoint->h2, bytes, now);
}

bool rpc_endpoint_emit(rpc_endpoint *endpoint, h2_output *out, int64_t now)
{
    endpoint->now = now;
    return h2_connection_emit(endpoint->h2, out, now);
}

void rpc_endpoint_sent(rpc_endpoint *endpoint, size_t size)
{
    h2_connection_sent(endpoint->h2, size);
}

static upkeep_view view_of(const rpc_endpoint *endpoint)
{
    return (upkeep_view){ .calls = endpoint->running,
                          .is_deaf = !h2_connection_wants_input(endpoint->h2),
                          .final_at = h2_connection_final_at(endpoint->h2) };
}

int64_t rpc_endpoint_deadline(const rpc_endpoint *endpoint)
{
    if (endpoint->current || !list_is_empty(&endpoint->ready))
        return endpoint->now; /* events wait */
    int64_t deadline = h2_connection_deadline(endpoint->h2);
    const heap_node *first = heap_first(&endpoint->deadlines);
    if (first && first->key < deadline)
        deadline = first->key;
    int64_t upkeep = endpoint->is_gone ? INT64_MAX : upkeep_deadline(&endpoint->upkeep, view_of(endpoint));
    return upkeep < deadline ? upkeep : deadline;
}

/* true: something was due, and more may be. */
static bool keep_up(rpc_endpoint *endpoint, int64_t now)
{
    switch (upkeep_tick(&endpoint->upkeep, view_of(endpoint), now)) {
    case UPKEEP_NOTHING: return false;
    case UPKEEP_PING: (void)!h2_connection_ping(endpoint->h2, PING_KEEPALIVE); break;
    case UPKEEP_LOST: rpc_endpoint_lost(endpoint, "keepalive: no answer to a PING"); return false;
    case UPKEEP_DRAIN_IDLE: h2_connection_drain(endpoint->h2, "max_idle"); break;
    case UPKEEP_DRAIN_AGE: h2_connection_drain(endpoint->h2, "max_age"); break;
    case UPKEEP_STOP: rpc_endpoint_stop(endpoint); return false;
    }
    return true;
}

void endpoint_begin_call(rpc_endpoint *endpoint)
{
    if (endpoint->role == H2_CLIENT && upkeep_begin(&endpoint->upkeep, endpoint->running, endpoint->now))
        (void)!h2_connection_ping(endpoint->h2, PING_KEEPALIVE); /* without memory the connection ends anyway */
}

void endpoint_end_call(rpc_endpoint *endpoint)
{
    if (--endpoint->running == 0)
        upkeep_idle(&endpoint->upkeep, endpoint->now);
}

void rpc_endpoint_tick(rpc_endpoint *endpoint, int64_t now)
{
    endpoint->now = now;
    h2_connection_tick(endpoint->h2, now);
    for (heap_node *first; (first = heap_first(&endpoint->deadlines)) != NULL && first->key <= now;)
        exchange_expire(CONTAINER_OF(first, rpc_exchange, deadline));
    while (!endpoint->is_gone && keep_up(endpoint, now)) {}
}

/* ---- Events */

/* The first event of the first exchange that has one; an exchange's come in the order of their numbers. */
static bool next_of_exchange(rpc_endpoint *endpoint, rpc_event *out)
{
    rpc_exchange *exchange = endpoint->current;
    if (!exchange) {
        list_node *node = list_pop(&endpoint->ready);
        if (!node)
            return false;
        exchange = endpoint->current = CONTAINER_OF(node, rpc_exchange, ready);
    }
    unsigned type = exchange_first_event(exchange->events);
    exchange->events &= (uint16_t)(exchange->events - 1);
    if (!exchange->events)
        endpoint->current = NULL;
    out->type = (rpc_event_type)type;
    out->exchange = exchange;
    if (type == RPC_EVENT_END) {
        out->is_unprocessed = exchange->is_unprocessed;
        out->is_unsent = exchange->is_unsent;
    }
    return true;
}

static void take_headers(rpc_endpoint *endpoint, const h2_event *event)
{
    rpc_exchange *exchange = h2_stream_extra(event->stream);
    if (endpoint->role == H2_CLIENT)
        calling_take_headers(exchange, event);
    else if (event->headers_kind == H2_HEADERS_REQUEST)
        serving_take_request(endpoint, event);
    else
        serving_take_trailers(exchange);
}

static void take_closed(const h2_event *event)
{
    rpc_exchange *exchange = h2_stream_extra(event->stream);
    if (exchange->endpoint)
        exchange_close(exchange, &event->fault, event->is_unprocessed);
    else
        h2_stream_release(event->stream); /* no request was read from it */
}

static void take_writable(rpc_exchange *exchange)
{
    if (exchange_is_running(exchange))
        exchange_raise(exchange, RPC_EVENT_WRITABLE);
}

/* true: *out is an event of the connection. */
static bool route(rpc_endpoint *endpoint, const h2_event *event, rpc_event *out)
{
    rpc_event_type type = RPC_EVENT_NONE;
    switch (event->type) {
    case H2_EVENT_HEADERS:
        take_headers(endpoint, event);
        if (event->is_end)
            exchange_take_end(h2_stream_extra(event->stream));
        break;
    case H2_EVENT_DATA:
        traffic_take_data(h2_stream_extra(event->stream), event);
        if (event->is_end)
            exchange_take_end(h2_stream_extra(event->stream));
        break;
    case H2_EVENT_WRITABLE: take_writable(h2_stream_extra(event->stream)); break;
    case H2_EVENT_CLOSED: take_closed(event); break;
    case H2_EVENT_ROOM: type = RPC_EVENT_ROOM; break;
    case H2_EVENT_SETTINGS:
        type = endpoint->is_ready ? RPC_EVENT_NONE : RPC_EVENT_READY;
        endpoint->is_ready = true;
        break;
    case H2_EVENT_GOAWAY:
        endpoint->is_closing = true;
        type = RPC_EVENT_GOAWAY;
        break;
    case H2_EVENT_STOPPED:
        endpoint->is_closing = endpoint->is_gone = true;
        type = RPC_EVENT_CLOSED;
        break;
    case H2_EVENT_NONE:
    case H2_EVENT_PING_ACK: break;
    }
    if (type == RPC_EVENT_NONE)
        return false;
    *out = (rpc_event){ .type = type };
    if (type == RPC_EVENT_GOAWAY || type == RPC_EVENT_CLOSED)
        out->fault = event->fault;
    if (type == RPC_EVENT_GOAWAY)
        out->debug = event->bytes;
    return true;
}

bool rpc_endpoint_next_event(rpc_endpoint *endpoint, rpc_event *out)
{
    h2_event event;
    while (!next_of_exchange(endpoint, out)) {
        if (!h2_connection_next_event(endpoint->h2, &event))
            return false;
        if (route(endpoint, &event, out))
            return true;
    }
    return true;
}

bool rpc_event_is_too_many_pings(const rpc_event *event)
{
    return event->type == RPC_EVENT_GOAWAY && event->fault.is_remote && event->fault.code == H2_ENHANCE_YOUR_CALM &&
           BYTES_IS(event->debug, "too_many_pings");
}

/* ---- State and commands */

bool rpc_endpoint_wants_input(const rpc_endpoint *endpoint)
{
    return h2_connection_wants_input(endpoint->h2);
}

bool rpc_endpoint_is_over(const rpc_endpoint *endpoint)
{
    return h2_connection_is_over(endpoint->h2);
}

bool rpc_endpoint_can_begin(const rpc_endpoint *endpoint)
{
    return endpoint->role == H2_CLIENT && !endpoint->is_closing && h2_connection_can_open(endpoint->h2);
}

h2_connection *rpc_endpoint_connection(rpc_endpoint *endpoint)
{
    return endpoint->h2;
}

unsigned rpc_endpoint_exchanges(const rpc_endpoint *endpoint)
{
    return endpoint->running;
}

const h2_counters *rpc_endpoint_counters(const rpc_endpoint *endpoint)
{
    return h2_connection_counters(endpoint->h2);
}

uint64_t rpc_endpoint_oversized(const rpc_endpoint *endpoint)
{
    return endpoint->oversized;
}

void rpc_endpoint_drain(rpc_endpoint *endpoint)
{
    endpoint->is_closing |= endpoint->role == H2_CLIENT;
    h2_connection_drain(endpoint->h2, NULL);
}

/* A server's calls are answered. One whose messages the peer does not take ends with the connection: RST_STREAM could say
 * CANCEL alone, and nobody cancelled. */
static void stop_exchange(rpc_exchange *exchange)
{
    static const char text[] = "the server is shutting down";
    if (exchange->endpoint->role == H2_CLIENT) {
        exchange_abort(exchange, PROA_CANCELLED, "the connection was closed here");
    } else if (h2_stream_queued(exchange->stream) == 0) {
        exchange_fail(exchange, PROA_UNAVAILABLE, text);
    } else if (exchange_settle(exchange, PROA_UNAVAILABLE, text) || exchange->state == EXCHANGE_ENDING) {
        exchange->code = PROA_UNAVAILABLE;
        exchange->text = text;
    }
}

void rpc_endpoint_stop(rpc_endpoint *endpoint)
{
    if (endpoint->is_stopped)
        return;
    endpoint->is_closing = endpoint->is_stopped = true;
    for (h2_stream *s = h2_stream_next(endpoint->h2, NULL); s; s = h2_stream_next(endpoint->h2, s)) {
        rpc_exchange *exchange = h2_stream_extra(s);
        if (exchange->endpoint)
            stop_exchange(exchange);
    }
    h2_connection_stop(endpoint->h2, H2_NO_ERROR, PROA_STR(""));
}

void rpc_endpoint_lost(rpc_endpoint *endpoint, const char *reason)
{
    endpoint->is_closing = true;
    h2_connection_lost(endpoint->h2, reason);
}
