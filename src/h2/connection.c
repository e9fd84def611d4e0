/* SPDX-License-Identifier: Apache-2.0 */
/* The five verbs, the order of events, the ways a stream or the connection ends, and what is due by time. */
#include "h2/connection.h"
#include "base/assert.h"
#include "base/memory.h"

#define TRIM_NS INT64_C(1000000000) /* a connection on which nothing moves gives its buffers back after this */

static void preface(h2_connection *c);

/* ---- Begin and end */

/* Windows that a program chose stay as they are, unless it also says how far they may grow. */
static void set_windows(limits *l, const limits *d)
{
    bool is_chosen = l->stream_window_bytes || l->connection_window_bytes;
    l->stream_window_bytes = l->stream_window_bytes ? l->stream_window_bytes : d->stream_window_bytes;
    l->connection_window_bytes = l->connection_window_bytes ? l->connection_window_bytes : d->connection_window_bytes;
    if (l->stream_window_bytes > FLOW_WINDOW_MAX / 2) /* leaves room for what waiting readers open */
        l->stream_window_bytes = FLOW_WINDOW_MAX / 2;
    if (l->connection_window_bytes < SETTINGS_WINDOW_DEFAULT) /* RFC 9113 6.9.2: SETTINGS cannot change this one */
        l->connection_window_bytes = SETTINGS_WINDOW_DEFAULT;
    if (l->connection_window_bytes > FLOW_WINDOW_MAX)
        l->connection_window_bytes = FLOW_WINDOW_MAX;
    if (!l->window_bytes_max)
        l->window_bytes_max = is_chosen ? l->stream_window_bytes : d->window_bytes_max;
    /* What a window has grown comes off what may be held (credit.c), and something has to be left of that. */
    uint64_t bound = (uint64_t)l->connection_window_bytes + l->held_bytes_max / 8 * 7;
    if (l->window_bytes_max > bound)
        l->window_bytes_max = (uint32_t)bound;
    if (l->window_bytes_max > FLOW_WINDOW_MAX / 2)
        l->window_bytes_max = FLOW_WINDOW_MAX / 2;
}

static void set_defaults(limits *l)
{
    const limits d = LIMITS_DEFAULT;
#define DEFAULT(member) l->member = l->member ? l->member : d.member
    DEFAULT(streams_max);
    DEFAULT(header_list_bytes_max);
    DEFAULT(header_fields_max);
    DEFAULT(header_table_bytes_max);
    DEFAULT(continuations_max);
    DEFAULT(settings_entries_max);
    DEFAULT(frame_bytes_max);
    DEFAULT(held_bytes_max);
    DEFAULT(output_bytes_max);
    DEFAULT(output_control_max);
    DEFAULT(reset_burst);
    DEFAULT(reset_per_second);
    DEFAULT(glitch_burst);
    DEFAULT(glitch_per_second);
    DEFAULT(empty_frames_max);
    DEFAULT(streams_per_feed_max);
    DEFAULT(ping_strikes_max);
    DEFAULT(ping_interval_min_ns);
    DEFAULT(preface_ns);
    DEFAULT(headers_ns);
    DEFAULT(settings_ack_ns);
    DEFAULT(write_stall_ns);
#undef DEFAULT
    if (l->frame_bytes_max < FRAME_LENGTH_MIN) /* RFC 9113 6.5.2 */
        l->frame_bytes_max = FRAME_LENGTH_MIN;
    if (l->frame_bytes_max > FRAME_LENGTH_MAX)
        l->frame_bytes_max = FRAME_LENGTH_MAX;
    if (l->header_table_bytes_max > HPACK_TABLE_BYTES_MAX)
        l->header_table_bytes_max = HPACK_TABLE_BYTES_MAX;
    set_windows(l, &d);
}

h2_connection *h2_connection_new(const h2_options *options, int64_t now)
{
    h2_connection *c = memory_new(sizeof *c);
    if (!c)
        return NULL;
    c->role = options->role;
    c->limits = options->limits;
    set_defaults(&c->limits);
    c->trace = c->output.trace = options->trace;
    c->now = now;
    c->phase = c->role == H2_SERVER ? PHASE_MAGIC : PHASE_SETTINGS;
    c->next_id = 1;
    c->peer = settings_default;
    c->send_window = SETTINGS_WINDOW_DEFAULT;
    c->stream_window = SETTINGS_WINDOW_DEFAULT < c->limits.stream_window_bytes ? c->limits.stream_window_bytes
                                                                               : SETTINGS_WINDOW_DEFAULT;
    c->receive = flow_receive_of(SETTINGS_WINDOW_DEFAULT, c->limits.connection_window_bytes);
    c->receive.owed = c->receive.target - SETTINGS_WINDOW_DEFAULT;
    c->receive_base = c->receive.target;
    bandwidth_init(&c->bandwidth, c->limits.stream_window_bytes, 0); /* until the peer knows the first windows */
    c->settings_at = c->preface_at = now;
    c->partial_since = c->stalled_since = c->trim_at = INT64_MAX;
    c->paused_until = INT64_MIN;
    c->ping.last = INT64_MIN;
    c->ping.is_permitted = options->is_ping_permitted;
    c->goaway.final_at = INT64_MAX;
    c->budget.earned = 10; /* a first few, for peers that open their windows at once */
    bucket_init(&c->budget.resets, c->limits.reset_burst, c->limits.reset_per_second, now);
    bucket_init(&c->budget.glitches, c->limits.glitch_burst, c->limits.glitch_per_second, now);
    list_init(&c->due);
    list_init(&c->ready);
    list_init(&c->hungry);
    streams_init(&c->streams, c->role, options->streams, options->stream_extra);
    c->decoder = hpack_decoder_new(&c->limits);
    c->encoder = hpack_encoder_new(&(hpack_encoder_options){ .table_bytes_max = c->limits.header_table_bytes_max });
    if (c->decoder && c->encoder)
        preface(c);
    if (!c->decoder || !c->encoder || c->output.is_failed) {
        h2_connection_free(c);
        return NULL;
    }
    return c;
}

/* RFC 9113 3.4: both sides begin with SETTINGS, the client with the magic in front. */
static void preface(h2_connection *c)
{
    if (c->role == H2_CLIENT && queue_push(&c->output.queue, PROA_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
        c->output.is_failed = true;
    settings ours = { .header_table_bytes = c->limits.header_table_bytes_max,
                      .is_push_on = c->role == H2_SERVER, /* a client refuses pushes; a server's default says nothing */
                      .streams_max = c->role == H2_SERVER ? c->limits.streams_max : settings_default.streams_max,
                      .window_bytes = c->limits.stream_window_bytes,
                      .frame_bytes_max = c->limits.frame_bytes_max,
                      .header_list_bytes_max = c->limits.header_list_bytes_max };
    char payload[SETTINGS_SIZE_MAX];
    output_settings(&c->output, payload, settings_encode(&ours, payload));
    c->settings_waiting = 1;
    uint32_t increment = flow_announce(&c->receive, true);
    if (increment)
        output_window(&c->output, 0, increment);
}

void h2_connection_free(h2_connection *c)
{
    if (!c)
        return;
    hpack_block_release(c->event_block);
    hpack_decoder_free(c->decoder);
    hpack_encoder_free(c->encoder);
    buffer_fini(&c->input.kept);
    buffer_fini(&c->block.bytes);
    output_fini(&c->output);
    streams_fini(&c->streams);
    memory_free(c);
}

/* ---- How things end */

void connection_due(h2_connection *c, h2_stream *s)
{
    if (!list_has(&s->due))
        list_push(&c->due, &s->due);
}

void connection_end_stream(h2_connection *c, h2_stream *s)
{
    if (c->data.stream == s)
        c->data.stream = NULL;
    s->want = 0;
    s->watch = 0;
    s->is_closed_due = true;
    streams_close(&c->streams, s, STREAMS_ENDED);
    connection_tell_ended(c);
    c->ended = s;
}

void connection_tell_ended(h2_connection *c)
{
    if (c->ended)
        connection_due(c, c->ended);
    c->ended = NULL;
}

void connection_close_stream(h2_connection *c, h2_stream *s, h2_fault fault, streams_past past)
{
    if (s->state == STREAM_CLOSED)
        return;
    if (c->data.stream == s)
        c->data.stream = NULL;
    if (past == STREAMS_RESET_HERE && s->state != STREAM_HALF_REMOTE && s->receive.window > 0)
        budget_expect_late(&c->budget, (uint32_t)s->receive.window);
    s->want = 0;
    s->watch = 0;
    s->fault = fault;
    s->is_closed_due = true;
    streams_close(&c->streams, s, past);
    connection_due(c, s);
}

typedef enum end_kind { END_FRAMED, END_SILENT } end_kind;

/* The end of the connection: every stream ends with it. FRAMED: GOAWAY goes out; SILENT: nothing does any more. */
static void stop(h2_connection *c, h2_fault fault, end_kind kind, proa_bytes debug)
{
    if (connection_is_stopped(c))
        return;
    c->phase = PHASE_STOPPED;
    c->stop_fault = fault;
    TRACE(c->trace, TRACE_H2, "h2 - stopped code=%s %s", h2_code_name(fault.code), fault.reason ? fault.reason : "");
    for (list_node *n = list_first(&c->streams.all); n; n = list_next(&c->streams.all, n)) {
        h2_stream *s = CONTAINER_OF(n, h2_stream, all);
        if (s->state == STREAM_CLOSED)
            continue;
        s->is_unprocessed = s->id == 0 || (kind == END_SILENT && s->headers_end > c->output.sent);
        connection_close_stream(c, s, fault, STREAMS_RESET_HERE);
    }
    if (kind == END_SILENT || c->output.is_failed) {
        output_clear(&c->output);
        c->stalled_since = INT64_MAX;
        return;
    }
    uint32_t last_id = c->role == H2_CLIENT ? 0 : c->streams.last_id;
    if (c->role == H2_SERVER && c->goaway.step == GOAWAY_FINAL)
        last_id = c->goaway.last_id; /* RFC 9113 6.8: never raised */
    output_goaway(&c->output, last_id, fault.code, debug);
}

void connection_fail(h2_connection *c, h2_fault fault)
{
    c->counters.faults_connection++;
    if (fault.code == H2_ENHANCE_YOUR_CALM)
        c->counters.calmed++;
    stop(c, fault, END_FRAMED, proa_bytes_of(fault.reason));
}

void connection_refuse(h2_connection *c, uint32_t id, h2_stream *s, h2_fault fault)
{
    if (connection_is_stopped(c))
        return;
    bool is_new = !s && id > c->streams.last_id;
    TRACE(c->trace, TRACE_H2, "h2 - stream=%u refused: %s", id, fault.reason);
    output_reset(&c->output, id, fault.code);
    c->counters.resets_sent++;
    c->counters.faults_stream++;
    if (s)
        connection_close_stream(c, s, fault, STREAMS_RESET_HERE);
    else if (is_new)
        streams_note(&c->streams, id, STREAMS_RESET_HERE);
    bool is_reset = c->role == H2_SERVER && fault.code != H2_REFUSED_STREAM;
    connection_charge(c, is_reset ? COST_RESET : COST_GLITCH); /* CVE-2025-8671 */
}

void connection_charge(h2_connection *c, connection_cost cost)
{
    if (connection_is_stopped(c) || (cost == COST_ANSWER && budget_spend(&c->budget)))
        return;
    bool is_reset = cost == COST_RESET;
    c->counters.glitches += !is_reset;
    switch (bucket_take(is_reset ? &c->budget.resets : &c->budget.glitches, c->now)) {
    case BUDGET_FINE: return;
    case BUDGET_SLOW:
        c->paused_until = c->now + BUDGET_PAUSE_NS;
        *(is_reset ? &c->counters.reset_slowed : &c->counters.glitch_slowed) += 1;
        return;
    case BUDGET_CALM:
        connection_fail(
            c, fault_connection(H2_ENHANCE_YOUR_CALM, is_reset ? "too many resets" : "too many useless frames"));
        return;
    }
}

void connection_finish_drain(h2_connection *c)
{
    if (c->goaway.step != GOAWAY_WARNED)
        return;
    c->goaway.step = GOAWAY_FINAL;
    c->goaway.last_id = c->streams.last_id;
    c->goaway.final_at = c->now;
    output_goaway(&c->output, c->goaway.last_id, H2_NO_ERROR, proa_bytes_of(c->goaway.debug));
}

/* Drained, and the last stream reported its end. */
static void finish_drained(h2_connection *c)
{
    if (c->goaway.step != GOAWAY_FINAL || c->streams.open || connection_is_stopped(c))
        return;
    if (c->role == H2_CLIENT) {
        stop(c, (h2_fault){ 0 }, END_FRAMED, (proa_bytes){ 0 });
    } else { /* its GOAWAY went out long ago */
        c->phase = PHASE_STOPPED;
        TRACE(c->trace, TRACE_H2, "h2 - drained");
    }
}

/* ---- Feed and events */

void h2_connection_feed(h2_connection *c, proa_bytes bytes, int64_t now)
{
    c->now = now;
    c->opened_now = 0;
    c->active_at = now;
    if (c->trim_at == INT64_MAX)
        c->trim_at = now + TRIM_NS;
    if (connection_is_stopped(c))
        return;
    if (input_feed(&c->input, bytes))
        stop(c, fault_connection(H2_INTERNAL_ERROR, "no memory"), END_SILENT, (proa_bytes){ 0 });
}

static bool is_output_full(const h2_connection *c)
{
    return c->output.queue.size > c->limits.output_bytes_max || c->output.controls > c->limits.output_control_max;
}

static bool may_receive(const h2_connection *c)
{
    return !connection_is_stopped(c) && !c->is_put_off && c->now >= c->paused_until && !is_output_full(c);
}

static bool report_due(h2_connection *c, h2_event *out)
{
    connection_tell_ended(c);
    list_node *n = list_pop(&c->due);
    if (!n)
        return false;
    h2_stream *s = CONTAINER_OF(n, h2_stream, due);
    if (s->is_closed_due) {
        s->is_closed_due = false;
        s->is_closed_told = true;
        *out =
            (h2_event){ .type = H2_EVENT_CLOSED, .stream = s, .fault = s->fault, .is_unprocessed = s->is_unprocessed };
    } else {
        s->is_writable_due = false;
        *out = (h2_event){ .type = H2_EVENT_WRITABLE, .stream = s };
    }
    return true;
}

/* Something that report may have to say. */
static bool has_report(const h2_connection *c)
{
    return c->ended || !list_is_empty(&c->due) || c->is_ids_out_due || c->wants_room || connection_is_stopped(c) ||
           c->output.is_failed;
}

static bool report(h2_connection *c, h2_event *out)
{
    if (report_due(c, out))
        return true;
    if (c->is_ids_out_due) {
        c->is_ids_out_due = false;
        *out = (h2_event){ .type = H2_EVENT_GOAWAY,
                           .last_stream_id = FRAME_STREAM_ID_MAX,
                           .fault = { H2_SCOPE_CONNECTION, H2_NO_ERROR, false, "stream numbers ran out" } };
        return true;
    }
    if (connection_is_stopped(c) && !c->is_stop_told) {
        c->is_stop_told = true;
        *out = (h2_event){ .type = H2_EVENT_STOPPED, .fault = c->stop_fault };
        return true;
    }
    if (c->wants_room && connection_has_room(c)) {
        c->wants_room = false;
        *out = (h2_event){ .type = H2_EVENT_ROOM };
        return true;
    }
    return false;
}

/* No event is left: what was fed goes back to its owner, and the clock of an unfinished frame starts. */
static void settle(h2_connection *c, bool is_cut)
{
    if (connection_is_stopped(c)) {
        c->input.fed = (proa_bytes){ 0 };
        buffer_fini(&c->input.kept);
        return;
    }
    if (input_keep(&c->input))
        stop(c, fault_connection(H2_INTERNAL_ERROR, "no memory"), END_SILENT, (proa_bytes){ 0 });
    c->is_cut = is_cut;
    if (!is_cut || (input_size(&c->input) == 0 && !c->block.stream_id))
        c->partial_since = INT64_MAX;
    else if (c->partial_since == INT64_MAX)
        c->partial_since = c->now;
    if (!is_output_full(c)) {
        c->is_stuck = false;
    } else if (!c->is_stuck) {
        c->is_stuck = true;
        c->counters.output_stalls++;
        c->counters.controls_stalled += c->output.controls > c->limits.output_control_max;
    }
}

bool h2_connection_next_event(h2_connection *c, h2_event *out)
{
    if (c->event_block) {
        hpack_block_release(c->event_block);
        c->event_block = NULL;
    }
    out->type = H2_EVENT_NONE;
    while (!has_report(c) && may_receive(c) && receive_plain(c, out)) {
        c->partial_since = INT64_MAX;
        if (out->type)
            return true;
    }
    bool is_cut = false;
    for (;;) {
        if (c->output.is_failed && !connection_is_stopped(c))
            stop(c, fault_connection(H2_INTERNAL_ERROR, "no memory"), END_SILENT, (proa_bytes){ 0 });
        if (report(c, out))
            return true;
        if (is_cut || !may_receive(c)) {
            finish_drained(c);
            if (!connection_is_stopped(c) || c->is_stop_told)
                break;
            continue;
        }
        receive_result result = receive_next(c, out);
        if (result == RECEIVE_DONE && !c->block.stream_id && !c->data.is_active)
            c->partial_since = INT64_MAX;
        is_cut = result == RECEIVE_MORE;
        if (out->type)
            return true;
    }
    settle(c, is_cut);
    return false;
}

hpack_block *h2_connection_take_block(h2_connection *c)
{
    hpack_block *block = c->event_block;
    c->event_block = NULL;
    return block;
}

/* ---- Output */

bool h2_connection_emit(h2_connection *c, h2_output *out, int64_t now)
{
    c->now = now;
    if (!connection_is_stopped(c)) {
        credit_announce(c);
        send_queued(c);
    }
    output_seal(&c->output);
    if (c->output.is_failed || c->output.queue.size == 0)
        return false;
    out->count = queue_parts(&c->output.queue, out->parts, H2_OUTPUT_PARTS_MAX, &out->size);
    if (c->stalled_since == INT64_MAX)
        c->stalled_since = now;
    if (c->trim_at == INT64_MAX)
        c->trim_at = now + TRIM_NS;
    return true;
}

void h2_connection_sent(h2_connection *c, size_t size)
{
    output_drop(&c->output, size);
    c->active_at = c->now;
    if (c->output.queue.size == 0)
        c->stalled_since = INT64_MAX;
    else if (size)
        c->stalled_since = c->now;
}

/* ---- Time */

static void earlier(int64_t *deadline, int64_t since, int64_t after)
{
    if (since != INT64_MAX && since + after < *deadline)
        *deadline = since + after;
}

static bool has_waiting_input(const h2_connection *c)
{
    return !c->is_cut && input_size(&c->input) && may_receive(c);
}

/* Something to pull, or to write that emit has not offered yet. */
static bool has_work(const h2_connection *c)
{
    if (c->ended || !list_is_empty(&c->due) || c->is_put_off || c->is_ids_out_due || has_waiting_input(c))
        return true;
    if ((connection_is_stopped(c) && !c->is_stop_told) || (c->wants_room && connection_has_room(c)))
        return true;
    return c->stalled_since == INT64_MAX && (c->output.queue.size || send_has_work(c));
}

int64_t h2_connection_deadline(const h2_connection *c)
{
    if (has_work(c))
        return c->now;
    int64_t deadline = INT64_MAX;
    earlier(&deadline, c->stalled_since, c->limits.write_stall_ns);
    if (connection_is_stopped(c))
        return deadline;
    if (c->paused_until > c->now)
        earlier(&deadline, c->paused_until, 0);
    earlier(&deadline, c->preface_at, c->role == H2_SERVER ? c->limits.preface_ns : c->limits.settings_ack_ns);
    earlier(&deadline, c->settings_at, c->limits.settings_ack_ns);
    earlier(&deadline, c->partial_since, c->limits.headers_ns);
    earlier(&deadline, c->trim_at, 0);
    if (c->goaway.step == GOAWAY_WARNED)
        earlier(&deadline, c->goaway.warned_at, GOAWAY_NOTICE_NS);
    return deadline;
}

/* Nothing has moved for a while. Streams may be open: who waits for an event of tomorrow holds no buffers either, and does
 * not wake the loop every second. */
static void trim(h2_connection *c)
{
    if (c->output.queue.size || c->now - c->active_at < TRIM_NS) {
        c->trim_at = c->now + TRIM_NS;
        return;
    }
    c->trim_at = INT64_MAX;
    buffer_shrink(&c->input.kept, 0);
    buffer_shrink(&c->block.bytes, 0);
    queue_trim(&c->output.queue, 0);
    hpack_decoder_trim(c->decoder);
    streams_trim(&c->streams);
}

static bool is_over_time(const h2_connection *c, int64_t since, int64_t after)
{
    return since != INT64_MAX && c->now - since >= after;
}

void h2_connection_tick(h2_connection *c, int64_t now)
{
    c->now = now;
    c->is_put_off = false;
    c->opened_now = 0;
    if (is_over_time(c, c->stalled_since, c->limits.write_stall_ns)) { /* CVE-2019-9517 */
        c->counters.writes_stalled++;
        stop(c, fault_connection(H2_INTERNAL_ERROR, "the peer reads nothing"), END_SILENT, (proa_bytes){ 0 });
        output_clear(&c->output);
        c->stalled_since = INT64_MAX;
    }
    if (connection_is_stopped(c))
        return;
    if (is_over_time(c, c->preface_at, c->role == H2_SERVER ? c->limits.preface_ns : c->limits.settings_ack_ns)) {
        c->counters.prefaces_late++;
        connection_fail(c, fault_connection(H2_PROTOCOL_ERROR, "no connection preface in time"));
    } else if (is_over_time(c, c->settings_at, c->limits.settings_ack_ns)) { /* RFC 9113 6.5.3 */
        c->counters.settings_late++;
        connection_fail(c, fault_connection(H2_SETTINGS_TIMEOUT, "SETTINGS not acknowledged in time"));
    } else if (is_over_time(c, c->partial_since, c->limits.headers_ns)) {
        c->counters.headers_late++;
        connection_fail(c, fault_connection(H2_ENHANCE_YOUR_CALM, "a frame took too long"));
    } else if (goaway_is_late(&c->goaway, now)) {
        c->ping.is_drain_waiting = false;
        connection_finish_drain(c);
    }
    if (now >= c->trim_at)
        trim(c);
}

/* ---- State */

bool h2_connection_wants_input(const h2_connection *c)
{
    return may_receive(c);
}

bool h2_connection_is_over(const h2_connection *c)
{
    return connection_is_stopped(c) && c->is_stop_told && c->output.queue.size == 0;
}

bool h2_connection_is_idle(const h2_connection *c)
{
    return c->streams.open == 0 && c->output.queue.size == 0;
}

uint32_t h2_connection_streams(const h2_connection *c)
{
    return c->streams.open;
}

bool connection_has_room(const h2_connection *c)
{
    if (c->role != H2_CLIENT || connection_is_stopped(c) || c->goaway.step != GOAWAY_NONE)
        return false;
    uint32_t max = c->phase == PHASE_OPEN ? c->peer.streams_max : SETTINGS_STREAMS_ASSUMED;
    return c->streams.open < max && c->next_id <= FRAME_STREAM_ID_MAX;
}

bool h2_connection_can_open(const h2_connection *c)
{
    return connection_has_room(c);
}

const h2_counters *h2_connection_counters(const h2_connection *c)
{
    return &c->counters;
}

/* ---- Commands */

void h2_connection_drain(h2_connection *c, const char *debug)
{
    if (connection_is_stopped(c) || c->goaway.step != GOAWAY_NONE)
        return;
    if (c->role == H2_CLIENT) {
        c->goaway.step = GOAWAY_FINAL;
        return;
    }
    c->goaway.step = GOAWAY_WARNED; /* RFC 9113 6.8 */
    c->goaway.warned_at = c->now;
    c->goaway.debug = debug;
    c->ping.is_drain_waiting = true;
    output_goaway(&c->output, FRAME_STREAM_ID_MAX, H2_NO_ERROR, proa_bytes_of(debug));
    output_ping(&c->output, PING_DRAIN, false);
}

int64_t h2_connection_final_at(const h2_connection *c)
{
    return c->goaway.final_at;
}

void h2_connection_stop(h2_connection *c, h2_code code, proa_bytes debug)
{
    stop(c, fault_connection(code, "stopped on this side"), END_FRAMED, debug);
}

void h2_connection_lost(h2_connection *c, const char *reason)
{
    h2_fault fault = { H2_SCOPE_CONNECTION, H2_INTERNAL_ERROR, true, reason };
    stop(c, fault, END_SILENT, (proa_bytes){ 0 });
    output_clear(&c->output);
    c->stalled_since = INT64_MAX;
}

proa_err h2_connection_ping(h2_connection *c, uint64_t payload)
{
    if (connection_is_stopped(c))
        return PROA_ERR_CLOSED;
    output_ping(&c->output, payload, false);
    c->ping.waiting++;
    return c->output.is_failed ? PROA_ERR_NOMEM : PROA_ERR_NONE;
}

/* ---- Streams as their holders see them */

h2_stream *h2_stream_open(h2_connection *c)
{
    if (!connection_has_room(c)) {
        c->wants_room = true;
        return NULL;
    }
    h2_stream *s = streams_add(&c->streams);
    if (!s)
        return NULL;
    s->connection = c;
    s->send_window = (int32_t)c->peer.window_bytes;
    s->receive = flow_receive_of(c->stream_window, c->stream_window);
    s->forgiven_at = INT64_MAX;
    return s;
}

h2_stream *h2_stream_next(h2_connection *c, h2_stream *after)
{
    list_node *n = after ? list_next(&c->streams.all, &after->all) : list_first(&c->streams.all);
    return n ? CONTAINER_OF(n, h2_stream, all) : NULL;
}

uint32_t h2_stream_id(const h2_stream *s)
{
    return s->id;
}

h2_connection *h2_stream_connection(h2_stream *s)
{
    return s->connection;
}

bool h2_stream_take_end(h2_stream *s)
{
    if (!s->is_closed_due || s->fault.scope != H2_SCOPE_NONE)
        return false;
    s->is_closed_due = false;
    s->is_closed_told = true;
    if (s->connection->ended == s)
        s->connection->ended = NULL;
    list_remove(&s->due); /* WRITABLE is nothing any more */
    return true;
}

void h2_stream_release(h2_stream *s)
{
    h2_connection *c = s->connection;
    if (!c) {
        memory_free(s); /* detached: h2_connection_free took everything but the block */
        return;
    }
    PROA_ASSERT(s->is_closed_told, "a stream is released after its H2_EVENT_CLOSED");
    credit_released(c, s);
    streams_release(&c->streams, s);
}
