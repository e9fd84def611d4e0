/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of an exchange: a request goes out, a reply arrives, a status ends it. */
#include "base/bytes.h"
#include "rpc/exchange.h"
#include "rpc/metadata.h"
#include "rpc/response.h"

/* ---- What is sent */

/* Nobody has seen it, and nobody will: its stream goes back when h2 says CLOSED. */
static proa_err give_up(rpc_exchange *exchange, proa_err err)
{
    exchange_step(exchange, EXCHANGE_REFUSE);
    h2_stream_reset(exchange->stream, H2_CANCEL);
    return err;
}

/* A head like one before, of the same path, the same time and no metadata, is sent as that one was. */
static recall_entry *find_known(rpc_endpoint *endpoint, const rpc_request *request, proa_bytes timeout)
{
    if (request->headers.count || !endpoint->recall)
        return NULL;
    return recall_find(endpoint->recall, request->path, timeout);
}

static recall_entry *add_known(rpc_endpoint *endpoint, const rpc_request *request, proa_bytes timeout)
{
    if (request->headers.count)
        return NULL;
    if (!endpoint->recall)
        endpoint->recall = memory_new(sizeof *endpoint->recall);
    return endpoint->recall ? recall_add(endpoint->recall, request->path, timeout) : NULL;
}

typedef struct head {
    proa_bytes timeout;  /* data NULL: none */
    recall_entry *known; /* NULL: it is in the endpoint's fields */
    char text[TIMEOUT_TEXT_MAX];
} head;

static proa_err write_head(rpc_endpoint *endpoint, const rpc_request *request, head *h)
{
    int64_t left = request->deadline_ns - endpoint->now;
    *h = (head){ .known = NULL };
    if (request->deadline_ns != INT64_MAX)
        h->timeout = (proa_bytes){ h->text, timeout_format(left > 0 ? left : 0, h->text) };
    h->known = find_known(endpoint, request, h->timeout);
    return h->known ? PROA_ERR_NONE : request_write(request, &endpoint->origin, h->timeout, &endpoint->fields);
}

static proa_err send_head(rpc_exchange *exchange, const rpc_request *request, const head *h)
{
    rpc_endpoint *endpoint = exchange->endpoint;
    const fields *fields = &endpoint->fields;
    if (h->known && h2_stream_send_prepared(exchange->stream, &h->known->block, false))
        return PROA_ERR_NONE;
    proa_err err = h->known ? request_write(request, &endpoint->origin, h->timeout, &endpoint->fields) : PROA_ERR_NONE;
    if (err)
        return err;
    recall_entry *kept = h->known ? h->known : add_known(endpoint, request, h->timeout);
    if (!kept)
        return h2_stream_send_headers(exchange->stream, fields->data, fields->count, false);
    return h2_stream_prepare_headers(exchange->stream, fields->data, fields->count, false, &kept->block);
}

static proa_err open_exchange(rpc_endpoint *endpoint, const rpc_request *request, const head *head, rpc_exchange **out)
{
    h2_stream *stream = h2_stream_open(endpoint->h2);
    if (!stream)
        return PROA_ERR_NOMEM;
    rpc_exchange *exchange = h2_stream_extra(stream);
    exchange_init(exchange, endpoint, stream);
    if (request->receive_bytes_max)
        exchange->envelope.receive_bytes_max = request->receive_bytes_max;
    exchange->user = request->user;
    bool is_late = request->deadline_ns <= endpoint->now;
    proa_err err = exchange_set_deadline(exchange, request->deadline_ns);
    if (!err && !is_late) {
        endpoint_begin_call(endpoint);
        err = send_head(exchange, request, head);
    }
    if (err && err != PROA_ERR_LIMIT)
        return give_up(exchange, err);
    exchange_step(exchange, EXCHANGE_BEGIN);
    endpoint->running++;
    EXCHANGE_TRACE(exchange, "%u call %.*s", h2_stream_id(stream), PROA_FMT(request->path));
    if (is_late)
        exchange_expire(exchange); /* not a byte of it is sent */
    else if (err)                  /* nor of this */
        exchange_abort(exchange, PROA_RESOURCE_EXHAUSTED, exchange_text_over_peer);
    *out = exchange;
    return PROA_ERR_NONE;
}

proa_err rpc_exchange_begin(rpc_endpoint *endpoint, const rpc_request *request, int64_t now, rpc_exchange **out)
{
    PROA_ASSERT(endpoint->role == H2_CLIENT, "a client begins calls");
    endpoint->now = now;
    if (endpoint->is_closing)
        return PROA_ERR_CLOSED;
    if (!h2_connection_can_open(endpoint->h2)) {
        (void)h2_stream_open(endpoint->h2); /* it says no, and ROOM when that changes */
        return PROA_ERR_LIMIT;
    }
    head head;
    proa_err err = write_head(endpoint, request, &head);
    return err ? err : open_exchange(endpoint, request, &head, out);
}

void rpc_exchange_end_requests(rpc_exchange *exchange)
{
    if (!exchange->endpoint || !exchange_is_running(exchange) || exchange->is_done_sending)
        return;
    PROA_ASSERT(exchange->endpoint->role == H2_CLIENT, "a client ends the requests");
    exchange->is_done_sending = true;
    /* Out of memory resets the stream, and CLOSED follows. */
    (void)!h2_stream_send_data(exchange->stream, NULL, 0, true);
    exchange_take_end(exchange);
}

/* ---- What arrives */

/* The peer has said all: a request that has not left whole is not needed any more (PROTOCOL-HTTP2.md, Errors). */
static void conclude(rpc_exchange *exchange, bool is_end)
{
    if (is_end && !exchange->is_done_sending)
        h2_stream_reset(exchange->stream, H2_NO_ERROR);
    else if (!is_end || h2_stream_queued(exchange->stream))
        h2_stream_reset(exchange->stream, H2_CANCEL);
}

static void take_verdict(rpc_exchange *exchange, const h2_event *event, response_verdict verdict)
{
    if (verdict.code == PROA_OK && !envelope_is_between(&exchange->envelope))
        verdict =
            (response_verdict){ .is_final = true, .code = PROA_INTERNAL, .text = "the reply ended inside a message" };
    if (verdict.is_from_peer)
        exchange->trailers = h2_connection_take_block(exchange->endpoint->h2);
    if (exchange_is_late(exchange, verdict.code)) {
        verdict.code = PROA_DEADLINE_EXCEEDED;
        verdict.text = exchange_text_late;
    }
    exchange->http_status = (uint16_t)verdict.http_status;
    exchange_settle(exchange, verdict.code, verdict.text);
    conclude(exchange, event->is_end);
}

void calling_take_headers(rpc_exchange *exchange, const h2_event *event)
{
    if (event->headers_kind == H2_HEADERS_INFORMATIONAL || !exchange_is_running(exchange))
        return; /* 1xx: the reply is still to come (RFC 9110 15.2) */
    exchange->is_half_closed |= event->is_end;
    if (event->is_too_large) {
        exchange_abort(exchange, PROA_RESOURCE_EXHAUSTED, "the header list of the reply is too large");
        return;
    }
    bool is_trailers = event->headers_kind == H2_HEADERS_TRAILERS;
    response_verdict verdict =
        is_trailers ? response_read_trailers(event->block) : response_read_headers(event->block, event->is_end);
    if (verdict.is_final) {
        take_verdict(exchange, event, verdict);
    } else if (exchange_step(exchange, EXCHANGE_REPLY)) {
        exchange->head = h2_connection_take_block(exchange->endpoint->h2);
        EXCHANGE_TRACE(exchange, "%u headers in", h2_stream_id(exchange->stream));
        exchange_raise(exchange, RPC_EVENT_HEADERS);
    }
}

void calling_take_end(rpc_exchange *exchange)
{
    exchange->is_half_closed = true;
    if (!envelope_is_between(&exchange->envelope))
        exchange_settle(exchange, PROA_INTERNAL, "the reply ended inside a message");
    else
        exchange_settle(exchange, PROA_UNKNOWN, "the reply ended without trailers");
    conclude(exchange, true);
}

/* ---- What it is asked */

static const proa_header none[1];

/* Built in the first caller's arena, then the same for all. */
static proa_headers read_once(proa_headers *read, const hpack_block *block, proa_arena *arena)
{
    if (!read->data && block) {
        *read = metadata_read(block, arena);
        if (!read->data)
            arena_exhaust(arena);
    }
    return *read;
}

static bool is_client(const rpc_exchange *exchange)
{
    return exchange->path.data == NULL; /* only a server's exchange has read one */
}

proa_headers rpc_exchange_request_headers(rpc_exchange *exchange, proa_arena *arena)
{
    return is_client(exchange) ? (proa_headers){ NULL, 0 } : read_once(&exchange->head_read, exchange->head, arena);
}

proa_headers rpc_exchange_reply_headers(rpc_exchange *exchange, proa_arena *arena)
{
    if (!is_client(exchange))
        return (proa_headers){ NULL, 0 };
    if (!exchange->head && exchange->state == EXCHANGE_ENDED)
        return (proa_headers){ none, 0 }; /* Trailers-Only: they will never come */
    return read_once(&exchange->head_read, exchange->head, arena);
}

proa_headers rpc_exchange_trailers(rpc_exchange *exchange, proa_arena *arena)
{
    if (!is_client(exchange))
        return (proa_headers){ NULL, 0 };
    if (!exchange->trailers && exchange->state == EXCHANGE_ENDED)
        return (proa_headers){ none, 0 };
    return read_once(&exchange->trailers_read, exchange->trailers, arena);
}
