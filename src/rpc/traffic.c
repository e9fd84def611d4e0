/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of an exchange, both ways, and what holds them back: unread ones keep the peer's window shut, unsent ones
 * make a push say false. */
#include "rpc/exchange.h"

/* ---- In */

static const struct {
    proa_code code;
    const char *text;
} faults[] = {
    [ENVELOPE_COMPRESSED] = { PROA_INTERNAL, "a message is compressed, and no grpc-encoding was agreed on" },
    [ENVELOPE_FLAG] = { PROA_INTERNAL, "a message has an unknown flag" },
    [ENVELOPE_TOO_LARGE] = { PROA_RESOURCE_EXHAUSTED, "a message is larger than the limit" },
    [ENVELOPE_NOMEM] = { PROA_RESOURCE_EXHAUSTED, "no memory for a message" },
};

/* Who found nothing to read waits for the rest of a message: let the peer send all of it, however small its window. */
static void open_window(rpc_exchange *exchange)
{
    size_t missing = envelope_missing(&exchange->envelope);
    if (missing)
        h2_stream_want(exchange->stream, missing);
}

static bool may_come(const rpc_exchange *exchange)
{
    /* A reply's messages stand behind its headers; h2 holds a server's peer to the same order. */
    return exchange->endpoint->role == H2_SERVER ? exchange_is_running(exchange) : exchange->state == EXCHANGE_REPLYING;
}

static void take_bytes(rpc_exchange *exchange, proa_bytes bytes)
{
    unsigned before = exchange->envelope.count;
    exchange->held += bytes.size;
    envelope_fault fault = envelope_feed(&exchange->envelope, &exchange->endpoint->home, bytes);
    exchange->endpoint->oversized += fault == ENVELOPE_TOO_LARGE;
    /* Behind a full ring messages wait as bytes, uncounted. */
    if (exchange->envelope.count > before || before == ENVELOPE_READY_MAX)
        exchange_raise(exchange, RPC_EVENT_MESSAGE);
    if (fault)
        exchange_fail(exchange, faults[fault].code, faults[fault].text);
    else
        open_window(exchange);
}

static void cut_refused(rpc_exchange *exchange, size_t size)
{
    if (size < exchange->cut_after) {
        exchange->cut_after -= (uint16_t)size;
        return;
    }
    exchange->cut_after = 0;
    h2_stream_reset(exchange->stream, H2_NO_ERROR);
}

void traffic_take_data(rpc_exchange *exchange, const h2_event *event)
{
    if (!may_come(exchange)) {
        h2_stream_consume(exchange->stream, event->bytes.size);
        if (exchange->cut_after && !event->is_end)
            cut_refused(exchange, event->bytes.size);
        return;
    }
    if (event->bytes.size)
        take_bytes(exchange, event->bytes);
    if (!event->is_end || !exchange_is_running(exchange))
        return;
    if (exchange->endpoint->role == H2_SERVER)
        serving_half_close(exchange);
    else
        calling_take_end(exchange);
}

bool rpc_exchange_has_message(const rpc_exchange *exchange)
{
    return envelope_has_message(&exchange->envelope);
}

/* It has ended, and somebody may know its status: that is another one when there is no memory for all its messages. */
static bool pop_detached(rpc_exchange *exchange, proa_slice *out)
{
    envelope_fault fault;
    if (!exchange_pop_detached(exchange, out, &fault))
        return false;
    if (fault && exchange->code == PROA_OK) {
        exchange->code = (int8_t)faults[fault].code;
        exchange->text = faults[fault].text;
    }
    return true;
}

bool rpc_exchange_pop(rpc_exchange *exchange, proa_slice *out)
{
    envelope_fault fault;
    if (!envelope_has_message(&exchange->envelope)) /* most ask once more than there are messages */
        return false;
    if (!exchange->endpoint)
        return pop_detached(exchange, out);
    if (!envelope_pop(&exchange->envelope, &exchange->endpoint->home, out, &fault))
        return false;
    size_t size = RPC_ENVELOPE_SIZE + out->bytes.size;
    EXCHANGE_TRACE(exchange, "%u message in, %zu bytes", h2_stream_id(exchange->stream), out->bytes.size);
    exchange->held -= size;
    h2_stream_consume(exchange->stream, size);
    if (fault)
        exchange_fail(exchange, faults[fault].code, faults[fault].text);
    else if (exchange_is_running(exchange))
        open_window(exchange);
    return true;
}

/* ---- Out */

static bool may_push(const rpc_exchange *exchange)
{
    return exchange->endpoint && exchange_is_running(exchange) && !exchange->is_done_sending;
}

bool rpc_exchange_can_push(const rpc_exchange *exchange)
{
    return may_push(exchange) && h2_stream_queued(exchange->stream) < exchange->queue_max;
}

/* false: nothing can be sent. */
static bool begin_message(rpc_exchange *exchange, size_t size)
{
    if (!may_push(exchange))
        return false;
    if (size > UINT32_MAX) {
        exchange_abort(exchange, PROA_RESOURCE_EXHAUSTED, "a message is larger than its length can tell");
        return false;
    }
    if (exchange->endpoint->role == H2_SERVER && !serving_begin_reply(exchange)) {
        exchange_abort(exchange, PROA_RESOURCE_EXHAUSTED, "no memory for the headers of the reply");
        return false;
    }
    EXCHANGE_TRACE(exchange, "%u message out, %zu bytes", h2_stream_id(exchange->stream), size);
    return true;
}

static bool has_room(rpc_exchange *exchange)
{
    if (rpc_exchange_can_push(exchange))
        return true;
    h2_stream_watch(exchange->stream, exchange->queue_max);
    return false;
}

bool rpc_exchange_push(rpc_exchange *exchange, char *body, size_t size)
{
    if (!begin_message(exchange, size))
        return false;
    char *head = body - RPC_ENVELOPE_SIZE;
    envelope_write_head(head, size);
    /* Out of memory resets the stream: CLOSED follows. */
    return !h2_stream_send_data(exchange->stream, &(proa_bytes){ head, RPC_ENVELOPE_SIZE + size }, 1, false) &&
           has_room(exchange);
}

void rpc_exchange_push_last(rpc_exchange *exchange, char *body, size_t size)
{
    PROA_ASSERT(!exchange->endpoint || exchange->endpoint->role == H2_CLIENT, "a client ends the requests");
    if (!begin_message(exchange, size))
        return;
    char *head = body - RPC_ENVELOPE_SIZE;
    envelope_write_head(head, size);
    exchange->is_done_sending = true;
    (void)!h2_stream_send_data(exchange->stream, &(proa_bytes){ head, RPC_ENVELOPE_SIZE + size }, 1, true);
    exchange_take_end(exchange);
}

bool rpc_exchange_push_slice(rpc_exchange *exchange, proa_slice *slice)
{
    char head[RPC_ENVELOPE_SIZE];
    if (!begin_message(exchange, slice->bytes.size)) {
        proa_slice_free(slice);
        return false;
    }
    envelope_write_head(head, slice->bytes.size);
    return !h2_stream_send_slice(exchange->stream, (proa_bytes){ head, sizeof head }, slice, false) &&
           has_room(exchange);
}

size_t rpc_exchange_queued(const rpc_exchange *exchange)
{
    return exchange->endpoint ? h2_stream_queued(exchange->stream) : 0;
}

void rpc_exchange_set_queue_max(rpc_exchange *exchange, size_t bytes)
{
    exchange->queue_max = bytes ? bytes : LIMITS_QUEUE_BYTES_MAX;
}
