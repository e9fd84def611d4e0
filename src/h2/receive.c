/* SPDX-License-Identifier: Apache-2.0 */
/* A frame came: what each type does to the connection. One frame, or one piece of DATA, a call; at most one event. */
#include "h2/connection.h"
#include "h2/headers.h"
#include "base/assert.h"
#include <stdio.h>

#define NO_FAULT      ((h2_fault){ 0 })
#define RESET_SOON_NS INT64_C(1000000000) /* a reset later than this after HEADERS is not charged */

static h2_fault no_memory(void)
{
    return fault_connection(H2_INTERNAL_ERROR, "no memory");
}

/* ---- Streams */

/* The peer ended its side. */
void receive_end(h2_connection *c, h2_stream *s)
{
    stream_state next = stream_table[s->state][STREAM_R_END].next;
    s->want = 0;
    list_remove(&s->hungry);
    if (next == STREAM_CLOSED)
        connection_end_stream(c, s);
    else
        s->state = (uint8_t)next;
}

/* A frame other than HEADERS, of a stream that is not open (RFC 9113 5.1). */
static h2_fault late_frame(h2_connection *c, uint32_t id, stream_input input, uint32_t size)
{
    switch (streams_recall(&c->streams, id)) {
    case STREAMS_IDLE: return fault_connection(H2_PROTOCOL_ERROR, stream_table[STREAM_IDLE][input].reason);
    case STREAMS_SKIPPED: return fault_connection(H2_PROTOCOL_ERROR, "frame on a stream that was never opened");
    case STREAMS_ENDED:
        if (input == STREAM_R_DATA) /* the peer itself had ended it */
            return fault_connection(H2_STREAM_CLOSED, "DATA on a stream that ended");
        break; /* WINDOW_UPDATE and RST_STREAM may have been under way */
    case STREAMS_RESET_THERE:
        if (input == STREAM_R_DATA)
            return fault_stream(H2_STREAM_CLOSED, "DATA after RST_STREAM");
        break;
    case STREAMS_RESET_HERE:
    case STREAMS_FORGOTTEN:
        if (input == STREAM_R_DATA && budget_is_late(&c->budget, size))
            return NO_FAULT; /* it was under way when we reset */
        break;
    }
    connection_charge(c, COST_ANSWER);
    return NO_FAULT;
}

/* ---- Header blocks (RFC 9113 4.3, 6.2, 6.10) */

typedef struct received_block {
    uint32_t id;
    bool is_end, is_too_large;
    hpack_block *block;    /* NULL when too large, or when an event took it */
    const h2_fault *fault; /* of the stream, found in HEADERS; NULL: none */
} received_block;

static void report_headers(h2_connection *c, h2_stream *s, received_block *r, h2_headers_kind kind, h2_event *out)
{
    out->type = H2_EVENT_HEADERS;
    out->stream = s;
    out->headers_kind = kind;
    out->is_end = r->is_end;
    out->is_too_large = r->is_too_large;
    out->block = c->event_block = r->block;
    r->block = NULL;
    if (r->is_end)
        receive_end(c, s);
}

static void expect_length(h2_stream *s, const hpack_block *block)
{
    s->has_length = block && (block->verdict & HEADERS_HAS_LENGTH);
    s->length_left = s->has_length ? headers_content_length(block) : 0;
}

static h2_fault open_stream(h2_connection *c, received_block *r, h2_event *out)
{
    if (c->goaway.step == GOAWAY_FINAL) { /* RFC 9113 6.8: ignored, but the table stays in step */
        streams_note(&c->streams, r->id, STREAMS_RESET_HERE);
        return NO_FAULT;
    }
    c->opened_now++;
    c->counters.streams_opened++;
    if (r->fault)
        return *r->fault;
    if (c->streams.open + c->streams.zombies >= c->limits.streams_max) { /* RFC 9113 5.1.2 */
        c->counters.streams_refused++;
        return fault_stream(H2_REFUSED_STREAM, "over SETTINGS_MAX_CONCURRENT_STREAMS");
    }
    const char *reason = r->block ? headers_check(r->block, H2_HEADERS_REQUEST) : NULL;
    if (reason)
        return fault_stream(H2_PROTOCOL_ERROR, reason);
    h2_stream *s = streams_add(&c->streams);
    if (!s)
        return fault_stream(H2_REFUSED_STREAM, "no memory");
    s->connection = c;
    s->state = stream_table[STREAM_IDLE][STREAM_R_HEADERS].next;
    s->has_headers = true;
    s->send_window = (int32_t)c->peer.window_bytes;
    s->receive = flow_receive_of(c->stream_window, c->stream_window);
    s->opened_at = c->now;
    s->forgiven_at = INT64_MAX;
    expect_length(s, r->block);
    streams_number(&c->streams, s, r->id);
    if (r->is_end && s->length_left) { /* RFC 9113 8.1.1; nobody heard of it */
        streams_close(&c->streams, s, STREAMS_RESET_HERE);
        streams_release(&c->streams, s);
        return fault_stream(H2_PROTOCOL_ERROR, "content-length without content");
    }
    report_headers(c, s, r, H2_HEADERS_REQUEST, out);
    return NO_FAULT;
}

static h2_fault receive_response(h2_connection *c, h2_stream *s, received_block *r, h2_event *out)
{
    const char *reason = r->block ? headers_check(r->block, H2_HEADERS_RESPONSE) : NULL;
    if (reason)
        return fault_stream(H2_PROTOCOL_ERROR, reason);
    if (r->block && (r->block->verdict & HEADERS_IS_INFORMATIONAL)) {
        if (r->is_end) /* RFC 9113 8.1 */
            return fault_stream(H2_PROTOCOL_ERROR, "informational response with END_STREAM");
        connection_charge(c, COST_ANSWER);
        report_headers(c, s, r, H2_HEADERS_INFORMATIONAL, out);
        return NO_FAULT;
    }
    s->has_headers = true;
    expect_length(s, r->block);
    if (s->is_head || (r->block && (r->block->verdict & HEADERS_IS_BODILESS))) { /* RFC 9110 6.4.1 */
        s->has_length = true;
        s->length_left = 0;
    }
    if (r->is_end && s->length_left)
        return fault_stream(H2_PROTOCOL_ERROR, "content-length without content");
    report_headers(c, s, r, H2_HEADERS_RESPONSE, out);
    return NO_FAULT;
}

static h2_fault continue_stream(h2_connection *c, h2_stream *s, received_block *r, h2_event *out)
{
    const stream_step *step = &stream_table[s->state][STREAM_R_HEADERS];
    if (step->scope)
        return (h2_fault){ (h2_scope)step->scope, step->code, false, step->reason };
    if (r->fault)
        return *r->fault;
    if (s->is_resetting) {
        if (r->is_end)
            receive_end(c, s);
        return NO_FAULT;
    }
    if (!s->has_headers)
        return receive_response(c, s, r, out);
    if (!r->is_end) /* RFC 9113 8.1 */
        return fault_stream(H2_PROTOCOL_ERROR, "trailers without END_STREAM");
    const char *reason = r->block ? headers_check(r->block, H2_HEADERS_TRAILERS) : NULL;
    if (!reason && s->has_length && s->length_left)
        reason = "less content than content-length"; /* RFC 9113 8.1.1 */
    if (reason)
        return fault_stream(H2_PROTOCOL_ERROR, reason);
    report_headers(c, s, r, H2_HEADERS_TRAILERS, out);
    return NO_FAULT;
}

static h2_fault late_headers(h2_connection *c, uint32_t id)
{
    switch (streams_recall(&c->streams, id)) {
    case STREAMS_IDLE: return fault_connection(H2_PROTOCOL_ERROR, "HEADERS on a stream that the peer may not open");
    case STREAMS_SKIPPED: /* RFC 9113 5.1.1 */
        return fault_connection(H2_PROTOCOL_ERROR, "stream number under an earlier one");
    case STREAMS_ENDED: /* RFC 9113 5.1 */ return fault_connection(H2_STREAM_CLOSED, "HEADERS on a stream that ended");
    case STREAMS_RESET_THERE: return fault_stream(H2_STREAM_CLOSED, "HEADERS after RST_STREAM");
    case STREAMS_RESET_HERE:
    case STREAMS_FORGOTTEN: break;
    }
    connection_charge(c, COST_ANSWER);
    return NO_FAULT;
}

/* NONE: r->block or r->is_too_large is set. */
static h2_fault decode_block(h2_connection *c, proa_bytes bytes, received_block *r)
{
    hpack_result result = { 0 };
    switch (hpack_decode(c->decoder, bytes, &r->block, &result)) {
    case HPACK_OK: break;
    case HPACK_TOO_LARGE:
        r->is_too_large = true;
        if (result.list_bytes > c->limits.header_list_bytes_max)
            c->counters.header_lists_too_large++;
        else
            c->counters.header_fields_too_many++;
        break;
    case HPACK_COMPRESSION: return fault_connection(H2_COMPRESSION_ERROR, result.reason);
    case HPACK_NOMEM: return no_memory();
    }
    return NO_FAULT;
}

/* The whole block is there. It is decoded whatever its stream is: the table must stay in step. */
h2_fault receive_block(h2_connection *c, uint32_t id, uint8_t flags, proa_bytes bytes, const h2_fault *fault,
                       h2_event *out)
{
    received_block r = { .id = id, .is_end = (flags & FRAME_END_STREAM) != 0, .fault = fault };
    r.block = hpack_recognise(c->decoder, bytes);
    if (!r.block) {
        h2_fault broken = decode_block(c, bytes, &r);
        if (broken.scope)
            return broken;
    }
    h2_stream *s = streams_find(&c->streams, id);
    h2_fault outcome;
    if (s)
        outcome = continue_stream(c, s, &r, out);
    else if (c->role == H2_SERVER && id > c->streams.last_id && id % 2 == 1)
        outcome = open_stream(c, &r, out);
    else
        outcome = late_headers(c, id);
    hpack_block_release(r.block);
    return outcome;
}

static h2_fault gather(h2_connection *c, proa_bytes fragment)
{
    connection_block *b = &c->block;
    if (buffer_size(&b->bytes) + fragment.size > 2 * (size_t)c->limits.header_list_bytes_max) { /* VU#421644 */
        c->counters.continuations_exceeded++;
        return fault_connection(H2_ENHANCE_YOUR_CALM, "header block too long");
    }
    return buffer_append(&b->bytes, fragment.data, fragment.size) ? no_memory() : NO_FAULT;
}

static h2_fault receive_headers(h2_connection *c, frame f, proa_bytes payload, h2_event *out)
{
    h2_fault fault = frame_unpad(f, &payload), stream_fault = { 0 };
    if (fault.scope)
        return fault;
    if (f.flags & FRAME_HAS_PRIORITY) {
        if (payload.size < 5)
            return fault_connection(H2_FRAME_SIZE_ERROR, "HEADERS too short for its priority");
        if ((bytes_u32_be(payload.data) & FRAME_STREAM_ID_MAX) == f.stream_id) /* RFC 7540 5.3.1 */
            stream_fault = fault_stream(H2_PROTOCOL_ERROR, "stream depends on itself");
        payload = (proa_bytes){ payload.data + 5, payload.size - 5 };
    }
    if (f.flags & FRAME_END_HEADERS)
        return receive_block(c, f.stream_id, f.flags, payload, stream_fault.scope ? &stream_fault : NULL, out);
    c->block.stream_id = f.stream_id;
    c->block.flags = f.flags;
    c->block.continuations = 0;
    c->block.fault = stream_fault;
    return gather(c, payload);
}

static h2_fault receive_continuation(h2_connection *c, frame f, proa_bytes payload, h2_event *out)
{
    connection_block *b = &c->block;
    if (++b->continuations > c->limits.continuations_max) { /* VU#421644; frames, not bytes: empty ones count */
        c->counters.continuations_exceeded++;
        return fault_connection(H2_ENHANCE_YOUR_CALM, "too many CONTINUATION");
    }
    h2_fault fault = gather(c, payload);
    if (fault.scope || !(f.flags & FRAME_END_HEADERS))
        return fault;
    fault = receive_block(c, b->stream_id, b->flags, buffer_bytes(&b->bytes), b->fault.scope ? &b->fault : NULL, out);
    b->stream_id = 0;
    buffer_consume(&b->bytes, buffer_size(&b->bytes));
    return fault;
}

/* ---- The other frames, whole */

/* RFC 9113 6.4: an idle stream is never reset, so there the fault is the connection's. */
static h2_fault priority_fault(h2_connection *c, uint32_t id, h2_fault fault)
{
    if (!streams_find(&c->streams, id) && streams_recall(&c->streams, id) == STREAMS_IDLE)
        fault.scope = H2_SCOPE_CONNECTION;
    return fault;
}

static h2_fault receive_priority(h2_connection *c, frame f, proa_bytes payload, h2_event *out)
{
    (void)out;
    if ((bytes_u32_be(payload.data) & FRAME_STREAM_ID_MAX) == f.stream_id) /* RFC 7540 5.3.1 */
        return priority_fault(c, f.stream_id, fault_stream(H2_PROTOCOL_ERROR, "stream depends on itself"));
    connection_charge(c, COST_ANSWER); /* RFC 9113 5.3.2: read and dropped */
    return NO_FAULT;
}

static h2_fault receive_reset(h2_connection *c, frame f, proa_bytes payload, h2_event *out)
{
    (void)out;
    c->counters.resets_received++;
    h2_stream *s = streams_find(&c->streams, f.stream_id);
    if (!s)
        return late_frame(c, f.stream_id, STREAM_R_RESET, f.length);
    uint32_t code = bytes_u32_be(payload.data);
    bool is_early = !s->has_sent_headers && c->now - s->opened_at < RESET_SOON_NS && c->now < s->forgiven_at;
    s->is_unprocessed = code == H2_REFUSED_STREAM; /* RFC 9113 8.7 */
    connection_close_stream(c, s, (h2_fault){ H2_SCOPE_STREAM, code, true, "reset by the peer" }, STREAMS_RESET_THERE);
    if (c->role == H2_SERVER && is_early)
        connection_charge(c, COST_RESET);
    return NO_FAULT;
}

static h2_fault shift_windows(h2_connection *c, int64_t delta)
{
    for (list_node *n = list_first(&c->streams.all); n; n = list_next(&c->streams.all, n)) {
        h2_stream *s = CONTAINER_OF(n, h2_stream, all);
        if (s->state == STREAM_CLOSED)
            continue;
        if (!flow_grow(&s->send_window, delta)) /* RFC 9113 6.9.2 */
            return fault_connection(H2_FLOW_CONTROL_ERROR, "SETTINGS raise a window over 2^31-1");
        if (s->send_window > 0)
            send_ready(c, s);
        else
            list_remove(&s->ready);
    }
    return NO_FAULT;
}

/* RFC 9113 6.5.3, 6.9.2: from here on the peer keeps to what we announced. */
static h2_fault receive_settings_ack(h2_connection *c)
{
    if (c->settings_waiting == 0) {
        connection_charge(c, COST_GLITCH);
        return NO_FAULT;
    }
    c->settings_waiting--;
    c->settings_at = INT64_MAX;
    if (c->is_settings_acked) /* a larger window: it held from when it was sent */
        return NO_FAULT;
    c->is_settings_acked = true;
    bandwidth_init(&c->bandwidth, c->limits.stream_window_bytes, c->limits.window_bytes_max);
    if (c->limits.header_table_bytes_max != SETTINGS_TABLE_DEFAULT)
        hpack_decoder_set_table_bytes_max(c->decoder, c->limits.header_table_bytes_max);
    int64_t delta = (int64_t)c->limits.stream_window_bytes - c->stream_window;
    c->stream_window = c->limits.stream_window_bytes;
    for (list_node *n = list_first(&c->streams.all); n && delta; n = list_next(&c->streams.all, n)) {
        h2_stream *s = CONTAINER_OF(n, h2_stream, all);
        flow_grow(&s->receive.window, delta);
        s->receive.target = c->stream_window;
    }
    return NO_FAULT;
}

static h2_fault receive_settings(h2_connection *c, frame f, proa_bytes payload, h2_event *out)
{
    if (f.flags & FRAME_ACK)
        return receive_settings_ack(c);
    c->counters.settings_received++;
    settings next = c->peer;
    h2_fault fault =
        settings_decode(payload, c->role == H2_SERVER ? H2_CLIENT : H2_SERVER, c->limits.settings_entries_max, &next);
    if (fault.scope) {
        c->counters.settings_too_long += fault.code == H2_ENHANCE_YOUR_CALM;
        return fault;
    }
    int64_t delta = (int64_t)next.window_bytes - c->peer.window_bytes;
    if (next.header_table_bytes != c->peer.header_table_bytes)
        hpack_encoder_set_table_bytes_max(c->encoder, next.header_table_bytes);
    c->peer = next;
    if (delta)
        fault = shift_windows(c, delta);
    if (fault.scope)
        return fault;
    output_settings_ack(&c->output);
    if (c->phase == PHASE_SETTINGS) {
        c->phase = PHASE_OPEN;
        c->preface_at = INT64_MAX;
    } else {
        connection_charge(c, COST_GLITCH); /* CVE-2019-9515 */
    }
    *out = (h2_event){ .type = H2_EVENT_SETTINGS };
    return NO_FAULT;
}

static h2_fault receive_push(h2_connection *c, frame f, proa_bytes payload, h2_event *out)
{
    (void)f, (void)payload, (void)out;
    return fault_connection(H2_PROTOCOL_ERROR, c->role == H2_SERVER ? "PUSH_PROMISE of a client"   /* RFC 9113 8.4 */
                                                                    : "PUSH_PROMISE was refused"); /* RFC 9113 6.6 */
}

static h2_fault receive_ping_ack(h2_connection *c, uint64_t payload, h2_event *out)
{
    if (c->ping.is_drain_waiting && payload == PING_DRAIN) {
        c->ping.is_drain_waiting = false;
        connection_finish_drain(c);
    } else if (payload == BANDWIDTH_PING && c->bandwidth.pinged_at != INT64_MAX) {
        credit_grow(c, bandwidth_answered(&c->bandwidth, c->now));
    } else if (c->ping.waiting) {
        c->ping.waiting--;
        *out = (h2_event){ .type = H2_EVENT_PING_ACK, .payload = payload };
    } else {
        connection_charge(c, COST_GLITCH);
    }
    return NO_FAULT;
}

static h2_fault receive_ping(h2_connection *c, frame f, proa_bytes payload, h2_event *out)
{
    uint64_t value = (uint64_t)bytes_u32_be(payload.data) << 32 | bytes_u32_be(payload.data + 4);
    if (f.flags & FRAME_ACK)
        return receive_ping_ack(c, value, out);
    c->counters.pings_received++;
    bool is_free = c->ping.has_sent;
    bool is_early = ping_is_early(&c->ping, c->streams.open > 0, c->limits.ping_interval_min_ns, c->now);
    if (c->role == H2_SERVER && is_early && c->ping.strikes > c->limits.ping_strikes_max) { /* gRFC A8 */
        c->counters.ping_strikes++;
        return fault_connection(H2_ENHANCE_YOUR_CALM, "too_many_pings");
    }
    output_ping(&c->output, value, true);
    if (!is_free)
        connection_charge(c, COST_GLITCH); /* CVE-2019-9512 */
    return NO_FAULT;
}

static h2_fault receive_goaway(h2_connection *c, frame f, proa_bytes payload, h2_event *out)
{
    (void)f;
    uint32_t last_id = bytes_u32_be(payload.data) & FRAME_STREAM_ID_MAX, code = bytes_u32_be(payload.data + 4);
    bool is_repeated = c->goaway.is_received;
    bool is_raised = goaway_receive(&c->goaway, last_id);
    if (is_repeated || is_raised)
        connection_charge(c, COST_GLITCH);
    *out = (h2_event){ .type = H2_EVENT_GOAWAY,
                       .last_stream_id = c->goaway.peer_last_id,
                       .fault = { H2_SCOPE_CONNECTION, code, true, "GOAWAY" },
                       .bytes = { payload.data + 8, payload.size - 8 } };
    if (c->role == H2_SERVER || connection_is_stopped(c))
        return NO_FAULT;
    c->goaway.step = GOAWAY_FINAL; /* opens no more */
    for (list_node *n = list_first(&c->streams.all), *next; n; n = next) {
        next = list_next(&c->streams.all, n);
        h2_stream *s = CONTAINER_OF(n, h2_stream, all);
        if (s->state == STREAM_CLOSED || (s->id && s->id <= c->goaway.peer_last_id))
            continue;
        s->is_unprocessed = true; /* RFC 9113 6.8 */
        connection_close_stream(
            c, s,
            (h2_fault){ H2_SCOPE_STREAM, code ? code : H2_REFUSED_STREAM, true, "above the last stream of GOAWAY" },
            STREAMS_RESET_HERE);
    }
    return NO_FAULT;
}

static h2_fault receive_window(h2_connection *c, frame f, proa_bytes payload, h2_event *out)
{
    (void)out;
    uint32_t increment = bytes_u32_be(payload.data) & FRAME_STREAM_ID_MAX;
    if (f.stream_id == 0) { /* RFC 9113 6.9, 6.9.1 */
        if (increment == 0)
            return fault_connection(H2_PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
        if (!flow_grow(&c->send_window, increment))
            return fault_connection(H2_FLOW_CONTROL_ERROR, "connection window over 2^31-1");
        connection_charge(c, COST_ANSWER);
        return NO_FAULT;
    }
    h2_stream *s = streams_find(&c->streams, f.stream_id);
    if (!s)
        return late_frame(c, f.stream_id, STREAM_R_WINDOW, f.length);
    if (increment == 0)
        return fault_stream(H2_PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
    if (!flow_grow(&s->send_window, increment))
        return fault_stream(H2_FLOW_CONTROL_ERROR, "stream window over 2^31-1");
    send_ready(c, s);
    connection_charge(c, COST_ANSWER); /* CVE-2019-9511 */
    return NO_FAULT;
}

/* ---- DATA (RFC 9113 6.1) */

/* Counts it against the windows. A fault of the stream leaves the connection's books right: the bytes are dropped. */
static h2_fault accept_data(h2_stream *s, frame f, uint32_t size)
{
    const stream_step *step = &stream_table[s->state][STREAM_R_DATA];
    if (step->scope)
        return (h2_fault){ (h2_scope)step->scope, step->code, false, step->reason };
    if (!s->has_headers) /* RFC 9113 8.1 */
        return fault_stream(H2_PROTOCOL_ERROR, "DATA before the response's headers");
    if (!flow_take(&s->receive, f.length)) /* RFC 9113 6.9.1 */
        return fault_stream(H2_FLOW_CONTROL_ERROR, "DATA over the stream's window");
    if (s->has_length) { /* RFC 9113 8.1.1 */
        if (size > s->length_left || ((f.flags & FRAME_END_STREAM) && size < s->length_left))
            return fault_stream(H2_PROTOCOL_ERROR, "content-length is not the length of the content");
        s->length_left -= size;
    }
    return NO_FAULT;
}

static h2_fault begin_data(h2_connection *c, frame f, uint32_t padding, uint32_t pad_bytes)
{
    uint32_t size = f.length - padding - pad_bytes;
    c->data = (connection_data){
        .left = size, .padding = padding, .is_active = true, .is_end = (f.flags & FRAME_END_STREAM) != 0
    };
    if (!flow_take(&c->receive, f.length))
        return fault_connection(H2_FLOW_CONTROL_ERROR, "DATA over the connection's window");
    h2_stream *s = streams_find(&c->streams, f.stream_id);
    h2_fault fault = s ? accept_data(s, f, size) : late_frame(c, f.stream_id, STREAM_R_DATA, f.length);
    if (!s || fault.scope || s->is_resetting) {
        credit_dropped(c, padding + pad_bytes);
        if (s && !fault.scope && c->data.is_end)
            receive_end(c, s);
        return fault;
    }
    c->data.stream = s;
    if (padding + pad_bytes) /* nobody consumes it */
        credit_padding(c, s, padding + pad_bytes);
    if (size) {
        c->budget.empty_row = 0;
        return NO_FAULT;
    }
    if (c->data.is_end)
        return NO_FAULT;
    c->counters.empty_frames++;
    if (++c->budget.empty_row > c->limits.empty_frames_max) { /* CVE-2019-9518 */
        c->counters.empties_exceeded++;
        return fault_connection(H2_ENHANCE_YOUR_CALM, "too many empty DATA");
    }
    connection_charge(c, COST_GLITCH);
    return NO_FAULT;
}

static void report_data(h2_connection *c, h2_stream *s, proa_bytes bytes, h2_event *out)
{
    bool is_end = c->data.is_end && c->data.left == 0;
    c->data.is_active = c->data.left || c->data.padding;
    out->type = H2_EVENT_DATA;
    out->stream = s;
    out->bytes = bytes;
    out->is_end = is_end;
    credit_received(c, s, (uint32_t)bytes.size);
    if (is_end) {
        c->data.stream = NULL; /* only padding may follow */
        receive_end(c, s);
    }
}

static receive_result continue_data(h2_connection *c, h2_event *out)
{
    connection_data *d = &c->data;
    if (d->stream && d->left == 0 && d->is_end) {
        report_data(c, d->stream, (proa_bytes){ "", 0 }, out);
        return RECEIVE_DONE;
    }
    if (d->left == 0 && d->padding == 0) {
        d->is_active = false;
        return RECEIVE_DONE;
    }
    proa_bytes some = input_some(&c->input);
    if (some.size == 0)
        return RECEIVE_MORE;
    if (d->left == 0) {
        uint32_t n = some.size < d->padding ? (uint32_t)some.size : d->padding;
        d->padding -= n;
        input_skip(&c->input, n);
        return RECEIVE_DONE;
    }
    uint32_t n = some.size < d->left ? (uint32_t)some.size : d->left;
    d->left -= n;
    input_skip(&c->input, n);
    if (d->stream)
        report_data(c, d->stream, (proa_bytes){ some.data, n }, out);
    else
        credit_dropped(c, n);
    return RECEIVE_DONE;
}

/* ---- One frame */

typedef h2_fault handler(h2_connection *c, frame f, proa_bytes payload, h2_event *out);
static handler *const handlers[FRAME_TYPES] = { [FRAME_HEADERS] = receive_headers,
                                                [FRAME_PRIORITY] = receive_priority,
                                                [FRAME_RST_STREAM] = receive_reset,
                                                [FRAME_SETTINGS] = receive_settings,
                                                [FRAME_PUSH_PROMISE] = receive_push,
                                                [FRAME_PING] = receive_ping,
                                                [FRAME_GOAWAY] = receive_goaway,
                                                [FRAME_WINDOW_UPDATE] = receive_window,
                                                [FRAME_CONTINUATION] = receive_continuation };

/* What must come here (RFC 9113 3.4, 4.3, 6.10). */
static h2_fault check_order(const h2_connection *c, frame f)
{
    if (c->phase == PHASE_SETTINGS && (f.type != FRAME_SETTINGS || (f.flags & FRAME_ACK)))
        return fault_connection(H2_PROTOCOL_ERROR, "the first frame is not SETTINGS");
    if (c->block.stream_id) {
        if (f.type != FRAME_CONTINUATION || f.stream_id != c->block.stream_id)
            return fault_connection(H2_PROTOCOL_ERROR, "a frame inside a header block");
    } else if (f.type == FRAME_CONTINUATION) {
        return fault_connection(H2_PROTOCOL_ERROR, "CONTINUATION without HEADERS");
    }
    return NO_FAULT;
}

void receive_fault(h2_connection *c, uint32_t id, h2_fault fault)
{
    if (fault.scope == H2_SCOPE_CONNECTION)
        connection_fail(c, fault);
    else if (fault.scope == H2_SCOPE_STREAM)
        connection_refuse(c, id, streams_find(&c->streams, id), fault);
}

static void trace_frame(const h2_connection *c, frame f, const char *payload)
{
    char more[64] = "";
    if (payload && f.type == FRAME_WINDOW_UPDATE)
        snprintf(more, sizeof more, " increment=%u", bytes_u32_be(payload) & FRAME_STREAM_ID_MAX);
    else if (payload && f.type == FRAME_RST_STREAM)
        snprintf(more, sizeof more, " code=%s", h2_code_name(bytes_u32_be(payload)));
    else if (payload && f.type == FRAME_GOAWAY)
        snprintf(more, sizeof more, " last=%u code=%s", bytes_u32_be(payload) & FRAME_STREAM_ID_MAX,
                 h2_code_name(bytes_u32_be(payload + 4)));
    output_trace(&c->output, '<', f, more);
}

static receive_result receive_data(h2_connection *c, frame f, proa_bytes head, h2_event *out)
{
    uint32_t padding = 0, pad_bytes = (f.flags & FRAME_PADDED) ? 1 : 0;
    if (pad_bytes) {
        if (f.length == 0) {
            connection_fail(c, fault_connection(H2_FRAME_SIZE_ERROR, "padded frame without pad length"));
            return RECEIVE_DONE;
        }
        padding = (unsigned char)head.data[FRAME_HEADER_SIZE];
        if (padding >= f.length) { /* RFC 9113 6.1 */
            connection_fail(c, fault_connection(H2_PROTOCOL_ERROR, "padding as long as the frame"));
            return RECEIVE_DONE;
        }
    }
    if (output_is_traced(&c->output))
        trace_frame(c, f, NULL);
    input_skip(&c->input, FRAME_HEADER_SIZE + pad_bytes);
    receive_fault(c, f.stream_id, begin_data(c, f, padding, pad_bytes));
    return connection_is_stopped(c) ? RECEIVE_DONE : continue_data(c, out);
}

static receive_result receive_whole(h2_connection *c, frame f, proa_bytes whole, h2_fault fault, h2_event *out)
{
    proa_bytes payload = { whole.data + FRAME_HEADER_SIZE, f.length };
    input_skip(&c->input, whole.size);
    if (output_is_traced(&c->output))
        trace_frame(c, f, fault.scope ? NULL : payload.data);
    if (fault.scope) /* PRIORITY of a wrong length: the rest was caught before */
        receive_fault(c, f.stream_id, priority_fault(c, f.stream_id, fault));
    else if (f.type < FRAME_TYPES)
        receive_fault(c, f.stream_id, handlers[f.type](c, f, payload, out));
    else
        connection_charge(c, COST_GLITCH); /* RFC 9113 4.1, 5.5: ignored */
    return RECEIVE_DONE;
}

static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
#define MAGIC_SIZE (sizeof magic - 1)

/* RFC 9113 3.4 */
static receive_result receive_magic(h2_connection *c)
{
    proa_err err = PROA_ERR_NONE;
    size_t size = input_size(&c->input) < MAGIC_SIZE ? input_size(&c->input) : MAGIC_SIZE;
    proa_bytes seen = input_need(&c->input, size, &err);
    if (err || (seen.data && memcmp(seen.data, magic, size) != 0)) {
        connection_fail(c, err ? no_memory() : fault_connection(H2_PROTOCOL_ERROR, "no HTTP/2 connection preface"));
        return RECEIVE_DONE;
    }
    if (size < MAGIC_SIZE)
        return RECEIVE_MORE;
    input_skip(&c->input, MAGIC_SIZE);
    c->phase = PHASE_SETTINGS;
    return RECEIVE_DONE;
}

/* DATA streams through; of the others we hold the whole frame, so theirs is not the length that we announced for DATA. */
static h2_fault check_whole(const h2_connection *c, frame f)
{
    size_t max = 2 * (size_t)c->limits.header_list_bytes_max;
    if (f.type == FRAME_DATA || f.length <= FRAME_LENGTH_MIN || f.length <= max)
        return NO_FAULT;
    return fault_connection(H2_ENHANCE_YOUR_CALM, "a frame that is not DATA is too long");
}

static h2_fault check_frame(h2_connection *c, frame f)
{
    h2_fault fault = frame_check(f, c->limits.frame_bytes_max);
    if (fault.scope != H2_SCOPE_CONNECTION) {
        h2_fault too_long = check_whole(c, f);
        fault = too_long.scope ? too_long : fault;
    }
    if (fault.scope != H2_SCOPE_CONNECTION) {
        h2_fault misplaced = check_order(c, f);
        fault = misplaced.scope ? misplaced : fault;
    }
    if (fault.scope == H2_SCOPE_CONNECTION) {
        c->counters.frames_too_large += f.length > c->limits.frame_bytes_max || check_whole(c, f).scope;
        if (output_is_traced(&c->output))
            trace_frame(c, f, NULL);
    }
    return fault;
}

receive_result receive_next(h2_connection *c, h2_event *out)
{
    if (c->data.is_active)
        return continue_data(c, out);
    if (c->phase == PHASE_MAGIC)
        return receive_magic(c);
    proa_err err = PROA_ERR_NONE;
    proa_bytes head = input_need(&c->input, FRAME_HEADER_SIZE, &err);
    if (!head.data)
        goto more;
    frame f = frame_decode(head.data);
    h2_fault fault = { 0 };
    if (!receive_is_plain(c, f)) {
        fault = check_frame(c, f);
        if (fault.scope == H2_SCOPE_CONNECTION) {
            connection_fail(c, fault);
            return RECEIVE_DONE;
        }
    }
    if (f.type == FRAME_HEADERS && receive_is_put_off(c, f)) {
        c->counters.streams_put_off++; /* the rest of this read in the next turn: other connections come first */
        c->is_put_off = true;
        return RECEIVE_PAUSED;
    }
    if (f.type == FRAME_DATA) {
        head = input_need(&c->input, FRAME_HEADER_SIZE + (f.flags & FRAME_PADDED && f.length ? 1 : 0), &err);
        if (head.data)
            return receive_data(c, f, head, out);
        goto more;
    }
    proa_bytes whole = input_need(&c->input, FRAME_HEADER_SIZE + f.length, &err);
    if (whole.data)
        return receive_whole(c, f, whole, fault, out);
more:
    if (!err)
        return RECEIVE_MORE;
    connection_fail(c, no_memory());
    return RECEIVE_DONE;
}
