/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of an exchange: a request arrives, a reply begins, a status ends it. */
#include "rpc/exchange.h"
#include "rpc/response.h"

#define REFUSED_BYTES_MAX (16 * 1024)             /* of a body that nobody reads; a stream that sends more is reset */
#define FORGIVEN_NS       (10 * PROA_MILLISECOND) /* a shorter timeout would make resets free */

/* ---- What arrives */

static bool send_answer(rpc_exchange *exchange, const request_answer *answer)
{
    if (h2_stream_send_headers(exchange->stream, answer->fields, answer->count, !answer->has_body))
        return false;
    proa_bytes body[] = { proa_bytes_of(answer->text), PROA_STR("\n") };
    return !answer->has_body || !h2_stream_send_data(exchange->stream, body, 2, true);
}

/* Answers what nobody will see. A gRPC client is told at once to stop sending; of what is no gRPC some more is read,
 * because h2 may have more to say about it than that we do not serve it. */
static void refuse(rpc_exchange *exchange, request_refusal refusal)
{
    const request_answer *answer = request_answer_of(refusal);
    exchange_step(exchange, EXCHANGE_REFUSE);
    EXCHANGE_TRACE(exchange, "%u refused %s: %s", h2_stream_id(exchange->stream), proa_code_name(answer->code),
                   answer->text);
    if (!send_answer(exchange, answer))
        return;
    exchange->cut_after = answer->is_http ? REFUSED_BYTES_MAX : 0;
    if (!answer->is_http)
        h2_stream_reset(exchange->stream, H2_NO_ERROR); /* nothing, if the client has ended its side */
}

/* A client whose deadline is over resets the stream, which is no abuse; its clock began a little before ours. */
static proa_err set_timeout(rpc_exchange *exchange, int64_t timeout)
{
    int64_t now = exchange->endpoint->now;
    if (timeout > INT64_MAX - now - EXCHANGE_PATIENCE_NS)
        return PROA_ERR_NONE;
    if (timeout >= FORGIVEN_NS)
        h2_stream_forgive(exchange->stream, now + timeout - timeout / 8);
    exchange->is_patient = true;
    return exchange_set_deadline(exchange, now + timeout + EXCHANGE_PATIENCE_NS);
}

static request_refusal judge(rpc_exchange *exchange, const request_head *head)
{
    if (head->refusal)
        return head->refusal;
    if (head->timeout_ns == 0)
        return REQUEST_EXPIRED;
    if (set_timeout(exchange, head->timeout_ns))
        return REQUEST_NO_MEMORY;
    return REQUEST_FINE;
}

void serving_take_request(rpc_endpoint *endpoint, const h2_event *event)
{
    static const request_head too_large = { .refusal = REQUEST_HEADERS_TOO_LARGE };
    rpc_exchange *exchange = h2_stream_extra(event->stream);
    request_head scratch;
    const request_head *head = event->is_too_large ? &too_large : request_read(event->block, &scratch);
    exchange_init(exchange, endpoint, event->stream);
    request_refusal refusal = judge(exchange, head);
    if (refusal) {
        refuse(exchange, refusal);
        return;
    }
    exchange_step(exchange, EXCHANGE_BEGIN);
    endpoint->running++;
    exchange->head = h2_connection_take_block(endpoint->h2);
    exchange->path = head->path;
    exchange->is_foreign = head->is_foreign;
    EXCHANGE_TRACE(exchange, "%u call %.*s", h2_stream_id(exchange->stream), PROA_FMT(exchange->path));
    exchange_raise(exchange, RPC_EVENT_CALL);
    if (event->is_end)
        serving_half_close(exchange);
}

void serving_half_close(rpc_exchange *exchange)
{
    if (!exchange_is_running(exchange))
        return;
    exchange->is_half_closed = true;
    if (!envelope_is_between(&exchange->envelope))
        exchange_fail(exchange, PROA_INTERNAL, "the request ended inside a message");
    else
        exchange_raise(exchange, RPC_EVENT_HALF_CLOSE);
}

/* gRPC has no request trailers; what HTTP allows is let pass. */
void serving_take_trailers(rpc_exchange *exchange)
{
    serving_half_close(exchange);
}

/* ---- What is sent */

/* The lists of a call that ends well are always the same: from the second time on their blocks are copied. prepared NULL: it
 * is another list. */
static proa_err send_list(rpc_exchange *exchange, response_fields fields, h2_prepared *prepared, bool is_end)
{
    if (!prepared)
        return h2_stream_send_headers(exchange->stream, fields.data, fields.count, is_end);
    return h2_stream_prepare_headers(exchange->stream, fields.data, fields.count, is_end, prepared);
}

static proa_err send_headers(rpc_exchange *exchange, proa_headers headers)
{
    rpc_endpoint *endpoint = exchange->endpoint;
    h2_prepared *prepared = headers.count ? NULL : &endpoint->reply_headers;
    proa_err err = PROA_ERR_NONE;
    if (!prepared || !h2_stream_send_prepared(exchange->stream, prepared, false)) {
        response_fields fields;
        err = response_write_headers(headers, &endpoint->fields, &fields);
        if (err)
            return err;
        err = send_list(exchange, fields, prepared, false);
        if (err == PROA_ERR_LIMIT)
            return err;
    }
    exchange_step(exchange, EXCHANGE_REPLY);
    EXCHANGE_TRACE(exchange, "%u headers out", h2_stream_id(exchange->stream));
    return err;
}

proa_err rpc_exchange_send_headers(rpc_exchange *exchange, proa_headers headers)
{
    if (!exchange->endpoint || exchange->state != EXCHANGE_OPEN)
        return PROA_ERR_CLOSED;
    PROA_ASSERT(exchange->endpoint->role == H2_SERVER, "a server sends the headers of a reply");
    proa_err err = send_headers(exchange, headers);
    if (err == PROA_ERR_LIMIT)
        exchange_fail(exchange, PROA_RESOURCE_EXHAUSTED, exchange_text_over_peer);
    return err;
}

bool serving_begin_reply(rpc_exchange *exchange)
{
    return exchange->state == EXCHANGE_REPLYING || !send_headers(exchange, (proa_headers){ NULL, 0 });
}

/* The end of our side. A client that still sends is told that nobody will read it (PROTOCOL-HTTP2.md, Errors). */
static proa_err finish(rpc_exchange *exchange, const proa_status *status, const char *text, proa_headers trailers)
{
    rpc_endpoint *endpoint = exchange->endpoint;
    bool is_only = exchange->state == EXCHANGE_OPEN, is_plain = response_is_plain(status, trailers);
    h2_prepared *prepared = !is_plain ? NULL : is_only ? &endpoint->reply_only : &endpoint->reply_trailers;
    proa_err err = PROA_ERR_NONE;
    if (!prepared || !h2_stream_send_prepared(exchange->stream, prepared, true)) {
        response_fields fields;
        err = response_write_trailers(status, trailers, is_only, &endpoint->fields, &fields);
        if (err)
            return err;
        err = send_list(exchange, fields, prepared, true);
        if (err == PROA_ERR_LIMIT)
            return err;
    }
    exchange_settle(exchange, status->code, text);
    exchange->is_done_sending = true;
    if (!exchange->is_half_closed && !err)
        h2_stream_reset(exchange->stream, H2_NO_ERROR);
    exchange_take_end(exchange);
    return err;
}

proa_err rpc_exchange_finish(rpc_exchange *exchange, const proa_status *status, proa_headers trailers)
{
    if (!exchange->endpoint || !exchange_is_running(exchange))
        return PROA_ERR_NONE;
    PROA_ASSERT(exchange->endpoint->role == H2_SERVER, "a server finishes with a status");
    proa_err err = finish(exchange, status, NULL, trailers);
    if (err != PROA_ERR_LIMIT)
        return err;
    /* A failure stays that failure, without its text; what would have been OK is none without its trailers. */
    serving_finish_static(exchange, status->code == PROA_OK ? PROA_RESOURCE_EXHAUSTED : status->code,
                          exchange_text_over_peer);
    return PROA_ERR_NONE;
}

void serving_finish_static(rpc_exchange *exchange, proa_code code, const char *text)
{
    proa_status status = { .code = code, .message = proa_bytes_of(text) };
    if (exchange_is_running(exchange) && finish(exchange, &status, text, (proa_headers){ NULL, 0 }))
        exchange_abort(exchange, code, text);
}

/* ---- What it is asked */

proa_bytes rpc_exchange_path(const rpc_exchange *exchange)
{
    return exchange->path;
}

bool rpc_exchange_is_foreign(const rpc_exchange *exchange)
{
    return exchange->is_foreign;
}
