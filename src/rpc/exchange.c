/* SPDX-License-Identifier: Apache-2.0 */
/* The states of an exchange, the same on both sides:
 *
 *          BEGIN                 REPLY
 *   FRESH -------> OPEN ----------------------> REPLYING
 *     |             |                              |
 *     | REFUSE      '----------. STATUS .----------'
 *     v                        v        v
 *   REFUSED                    ENDING ------> ENDED ------> (release)
 *     |  CLOSED                       CLOSED
 *     '-------> gone, unseen
 *
 * A client REPLYs when headers arrive, a server when it sends them. STATUS comes once and names the status. CLOSED is
 * h2's last word about the stream, and the moment of RPC_EVENT_END: nothing follows it. CLOSED without STATUS before, a
 * reset or a lost connection, names the status as well. */
#include "rpc/exchange.h"
#include "rpc/response.h"

enum { NEVER = EXCHANGE_STATES };

/* clang-format off */
const uint8_t exchange_table[EXCHANGE_STATES][EXCHANGE_INPUTS] = {
    /*                       BEGIN          REFUSE            REPLY              STATUS           CLOSED */
    [EXCHANGE_FRESH]    = { EXCHANGE_OPEN, EXCHANGE_REFUSED, NEVER,             NEVER,           NEVER },
    [EXCHANGE_OPEN]     = { NEVER,         NEVER,            EXCHANGE_REPLYING, EXCHANGE_ENDING, EXCHANGE_ENDED },
    [EXCHANGE_REPLYING] = { NEVER,         NEVER,            NEVER,             EXCHANGE_ENDING, EXCHANGE_ENDED },
    [EXCHANGE_ENDING]   = { NEVER,         NEVER,            NEVER,             NEVER,           EXCHANGE_ENDED },
    [EXCHANGE_ENDED]    = { NEVER,         NEVER,            NEVER,             NEVER,           NEVER },
    [EXCHANGE_REFUSED]  = { NEVER,         NEVER,            NEVER,             NEVER,           NEVER },
};
/* clang-format on */

bool exchange_step(rpc_exchange *exchange, exchange_input input)
{
    uint8_t next = exchange_table[exchange->state][input];
    if (next == NEVER)
        return false;
    exchange->state = next;
    return true;
}

/* ---- Begin and memory */

void exchange_init(rpc_exchange *exchange, rpc_endpoint *endpoint, h2_stream *stream)
{
    exchange->endpoint = endpoint;
    exchange->stream = stream;
    exchange->deadline.key = INT64_MAX;
    exchange->queue_max = LIMITS_QUEUE_BYTES_MAX;
    envelope_init(&exchange->envelope, endpoint->receive_bytes_max);
}

proa_err exchange_set_deadline(rpc_exchange *exchange, int64_t deadline_ns)
{
    exchange->deadline.key = deadline_ns;
    if (deadline_ns == INT64_MAX)
        return PROA_ERR_NONE;
    return heap_add(&exchange->endpoint->deadlines, &exchange->deadline, deadline_ns);
}

static void give_credit_back(rpc_exchange *exchange)
{
    if (exchange->held)
        h2_stream_consume(exchange->stream, exchange->held);
    exchange->held = 0;
}

/* What is received and will not be read: its flow-control credit goes back. */
void exchange_drop_input(rpc_exchange *exchange)
{
    if (exchange->held || exchange->envelope.queue) /* else all was popped */
        envelope_fini(&exchange->envelope, &exchange->endpoint->home);
    give_credit_back(exchange);
}

/* The heap, where all blocks come from, and nothing is kept for others. */
static envelope_home no_home(slab *none)
{
    slab_init(none, envelope_queue_size(), 0);
    return (envelope_home){ .pool = NULL, .queues = none };
}

bool exchange_pop_detached(rpc_exchange *exchange, proa_slice *out, envelope_fault *fault)
{
    slab none;
    envelope_home home = no_home(&none);
    return envelope_pop(&exchange->envelope, &home, out, fault);
}

static void drop_detached(rpc_exchange *exchange)
{
    slab none;
    envelope_home home = no_home(&none);
    envelope_fini(&exchange->envelope, &home);
}

static void lose_turn(rpc_exchange *exchange)
{
    if (exchange->endpoint->current == exchange)
        exchange->endpoint->current = NULL;
    list_remove(&exchange->ready);
}

void exchange_dispose(rpc_exchange *exchange)
{
    if (exchange->endpoint) {
        lose_turn(exchange);
        heap_remove(&exchange->endpoint->deadlines, &exchange->deadline);
        exchange_drop_input(exchange);
    } else {
        drop_detached(exchange);
    }
    hpack_block_release(exchange->head);
    hpack_block_release(exchange->trailers);
    h2_stream_release(exchange->stream);
}

/* A call that ended well has its messages, whatever becomes of the connection afterwards. */
void exchange_detach(rpc_exchange *exchange)
{
    heap_remove(&exchange->endpoint->deadlines, &exchange->deadline);
    if (exchange->state == EXCHANGE_ENDED)
        give_credit_back(exchange);
    else
        exchange_drop_input(exchange);
    lose_turn(exchange);
    exchange->events = 0;
    exchange->endpoint = NULL;
}

void rpc_exchange_release(rpc_exchange *exchange)
{
    PROA_ASSERT(exchange->state == EXCHANGE_ENDED || !exchange->endpoint, "an exchange is released after its END");
    PROA_ASSERT(exchange->events == 0, "an exchange is released after its END was taken");
    exchange_dispose(exchange);
}

/* ---- Events */

void exchange_raise(rpc_exchange *exchange, rpc_event_type event)
{
    rpc_endpoint *endpoint = exchange->endpoint;
    bool has_turn = exchange->events != 0;
    exchange->events |= (uint16_t)(1u << event);
    if (has_turn)
        return;
    if (!endpoint->current && list_is_empty(&endpoint->ready))
        endpoint->current = exchange;
    else
        list_push(&endpoint->ready, &exchange->ready);
}

/* ---- The end */

bool exchange_settle(rpc_exchange *exchange, proa_code code, const char *text)
{
    if (!exchange_step(exchange, EXCHANGE_STATUS))
        return false;
    exchange->code = (int8_t)code;
    exchange->text = text;
    return true;
}

/* REFUSED_STREAM says that nothing was done and the call may be sent again (RFC 9113 8.7). That is not ours to say once
 * somebody saw the call, nor is it a client's at all; and an end is no success. */
static h2_code reset_code(proa_code code)
{
    uint32_t h2 = rpc_h2_of_code(code);
    return h2 == H2_REFUSED_STREAM || h2 == H2_NO_ERROR ? H2_CANCEL : (h2_code)h2;
}

void exchange_abort(rpc_exchange *exchange, proa_code code, const char *text)
{
    if (!exchange_settle(exchange, code, text)) {
        /* A server's trailers may be stuck behind messages that the peer does not read. */
        if (exchange->state != EXCHANGE_ENDING || h2_stream_queued(exchange->stream) == 0)
            return;
        exchange->code = (int8_t)code;
        exchange->text = text;
    }
    h2_stream_reset(exchange->stream, reset_code(code));
}

void exchange_fail(rpc_exchange *exchange, proa_code code, const char *text)
{
    if (exchange->endpoint->role == H2_SERVER && h2_stream_queued(exchange->stream) == 0)
        serving_finish_static(exchange, code, text);
    else
        exchange_abort(exchange, code, text);
}

const char exchange_text_late[] = "the deadline is over";
/* The code is that of C-core for a header list over SETTINGS_MAX_HEADER_LIST_SIZE. */
const char exchange_text_over_peer[] = "the headers are larger than the peer takes";

void exchange_expire(rpc_exchange *exchange)
{
    heap_remove(&exchange->endpoint->deadlines, &exchange->deadline);
    exchange_abort(exchange, PROA_DEADLINE_EXCEEDED, exchange_text_late);
    exchange_drop_input(exchange);
}

/* CANCELLED may be how the peer saw the end of our own deadline (PROTOCOL-HTTP2.md, Errors). */
bool exchange_is_late(const rpc_exchange *exchange, proa_code code)
{
    return code == PROA_CANCELLED && exchange->deadline.key <= exchange->endpoint->now;
}

/* What a stream that just went means to a client. */
static void judge_client(rpc_exchange *exchange, const h2_fault *fault, bool is_unprocessed)
{
    exchange->is_unprocessed = is_unprocessed && exchange->state == EXCHANGE_OPEN;
    exchange->is_unsent =
        exchange->is_unprocessed && (fault->scope == H2_SCOPE_CONNECTION || h2_stream_id(exchange->stream) == 0);
    if (exchange->is_unprocessed || fault->scope == H2_SCOPE_CONNECTION) {
        exchange->code = PROA_UNAVAILABLE;
        exchange->text = fault->reason ? fault->reason : "the connection was lost";
    } else if (fault->scope == H2_SCOPE_NONE) {
        exchange->code = PROA_INTERNAL;
        exchange->text = "the stream ended without a status";
    } else if (exchange_is_late(exchange, rpc_code_of_h2(fault->code))) {
        exchange->code = PROA_DEADLINE_EXCEEDED;
        exchange->text = exchange_text_late;
    } else {
        exchange->code = (int8_t)rpc_code_of_h2(fault->code);
        exchange->text = fault->is_remote || !fault->reason ? "the stream was reset" : fault->reason;
        exchange->h2_code = fault->code;
        exchange->has_h2_code = true;
    }
}

/* A server's call that nobody waits for is CANCELLED, whatever took the caller away. */
static void judge_server(rpc_exchange *exchange, const h2_fault *fault)
{
    exchange->code = PROA_CANCELLED;
    exchange->text = fault->scope == H2_SCOPE_CONNECTION ? "the connection was lost"
                     : fault->is_remote                  ? "the client cancelled the call"
                                                         : "the stream was in error";
}

/* A server that answered was heard unless the stream was taken from it before all had left; one that stops has said what of its
 * calls. */
static bool is_unheard(const rpc_exchange *exchange, const h2_fault *fault)
{
    return exchange->endpoint->role == H2_SERVER && exchange->is_done_sending && !exchange->endpoint->is_stopped &&
           (fault->scope == H2_SCOPE_CONNECTION || (fault->scope == H2_SCOPE_STREAM && fault->is_remote));
}

void exchange_close(rpc_exchange *exchange, const h2_fault *fault, bool is_unprocessed)
{
    rpc_endpoint *endpoint = exchange->endpoint;
    if (exchange->state == EXCHANGE_REFUSED) {
        exchange_dispose(exchange);
        return;
    }
    if (exchange_is_running(exchange) && endpoint->role == H2_CLIENT)
        judge_client(exchange, fault, is_unprocessed);
    else if (exchange_is_running(exchange) || is_unheard(exchange, fault))
        judge_server(exchange, fault);
    if (!exchange_step(exchange, EXCHANGE_CLOSED))
        return;
    heap_remove(&endpoint->deadlines, &exchange->deadline);
    exchange->is_half_closed = true;
    endpoint_end_call(endpoint);
    EXCHANGE_TRACE(exchange, "%u end %s%s%s", h2_stream_id(exchange->stream), proa_code_name((proa_code)exchange->code),
                   exchange->text ? ": " : "", exchange->text ? exchange->text : "");
    exchange_raise(exchange, RPC_EVENT_END);
}

void rpc_exchange_cancel(rpc_exchange *exchange, proa_code code, const char *text)
{
    if (!exchange->endpoint)
        return;
    exchange_abort(exchange, code, text);
    if (exchange->state == EXCHANGE_ENDING)
        exchange_drop_input(exchange);
}

/* ---- What it is asked */

void *rpc_exchange_user(const rpc_exchange *exchange)
{
    return exchange->user;
}

void rpc_exchange_set_user(rpc_exchange *exchange, void *user)
{
    exchange->user = user;
}

int64_t rpc_exchange_deadline(const rpc_exchange *exchange)
{
    return exchange->deadline.key - (exchange->is_patient ? EXCHANGE_PATIENCE_NS : 0);
}

bool rpc_exchange_is_half_closed(const rpc_exchange *exchange)
{
    return exchange->is_half_closed;
}

bool rpc_exchange_has_ended(const rpc_exchange *exchange)
{
    return exchange->state == EXCHANGE_ENDED || !exchange->endpoint;
}

proa_status rpc_exchange_status(rpc_exchange *exchange, proa_arena *arena)
{
    proa_status status = { .code = (proa_code)exchange->code };
    if (exchange->state != EXCHANGE_ENDED && !exchange->endpoint)
        return (proa_status){ .code = PROA_CANCELLED, .message = PROA_STR("the connection was freed") };
    if (!exchange->text) {
        if (exchange->trailers && !response_is_plain_end(exchange->trailers))
            response_read_status(exchange->trailers, arena, &status);
    } else if (exchange->http_status) {
        status.message = proa_arena_format(arena, "%s %u", exchange->text, exchange->http_status);
    } else if (exchange->has_h2_code) {
        status.message = proa_arena_format(arena, "%s (%s)", exchange->text, h2_code_name(exchange->h2_code));
    } else {
        status.message = proa_bytes_of(exchange->text);
    }
    return status;
}
