/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of a stream that send, and the framing of what waits. */
#include "base/assert.h"
#include "base/memory.h"
#include "h2/connection.h"
#include "h2/headers.h"

#define OUTPUT_DIRECT (64u * 1024) /* DATA is copied straight into the output up to here */
#define OUTPUT_MEASURE \
    (256u * 1024)              /* and framed up to here, as much as one write is worth: what comes later stays in its
                                         stream, and in turn */
#define FRAME_TURN_MAX  16384u /* of a stream, while others wait */
#define FRAME_ALONE_MAX (64u * 1024)

#define DRIBBLE_BYTES 128 /* who opens its window by less than this pays for it: CVE-2019-9511 */

/* ---- What a frame out means for the books */

/* Sending DATA pays for the WINDOW_UPDATE that answer it, unless the peer's own small window made it small
 * (CVE-2019-9511). */
static void note_data_sent(h2_connection *c, h2_stream *s, size_t size, bool is_cut_by_window)
{
    s->send_window -= (int32_t)size;
    c->send_window -= (int32_t)size;
    ping_note_sent(&c->ping);
    if (size >= DRIBBLE_BYTES || !is_cut_by_window)
        budget_earn(&c->budget, 2 + (uint32_t)(size / 1024));
}

static void reset_now(h2_connection *c, h2_stream *s, uint32_t code)
{
    bool is_known = s->state != STREAM_IDLE; /* RFC 9113 6.4: no RST_STREAM when its HEADERS never went out */
    if (is_known)
        output_reset(&c->output, s->id, code);
    budget_earn(&c->budget, 2); /* what was under way comes late, its own reset above all */
    c->counters.resets_sent++;
    s->is_unprocessed = !is_known;
    connection_close_stream(c, s, fault_stream(code, "reset on this side"), STREAMS_RESET_HERE);
}

/* END_STREAM was framed. */
static void end_local(h2_connection *c, h2_stream *s)
{
    s->is_end_sent = s->is_mute = true;
    stream_state next = stream_table[s->state][STREAM_S_END].next;
    if (next == STREAM_CLOSED) {
        connection_end_stream(c, s);
        return;
    }
    s->state = (uint8_t)next;
    if (s->is_resetting)
        reset_now(c, s, H2_NO_ERROR); /* RFC 9113 8.1: the response is whole, the rest of the request is not needed */
}

static bool can_send(const h2_stream *s)
{
    return !s->is_mute;
}

static proa_err fail_stream(h2_connection *c, h2_stream *s)
{
    reset_now(c, s, H2_INTERNAL_ERROR);
    s->fault.reason = "no memory";
    return PROA_ERR_NOMEM;
}

/* ---- Headers */

/* A block longer than the peer's frames is cut: each fragment moves behind the header that it gets (RFC 9113 4.3). */
static bool cut_block(h2_connection *c, size_t start, size_t length, frame first)
{
    size_t max = c->peer.frame_bytes_max, extra = (length - 1) / max;
    queue *q = &c->output.queue;
    if (!queue_reserve(q, extra * FRAME_HEADER_SIZE))
        return false;
    char *base = q->bytes.data + q->bytes.begin + start;
    for (size_t i = extra; i > 0; i--) {
        size_t from = i * max, size = length - from < max ? length - from : max;
        char *to = base + i * (max + FRAME_HEADER_SIZE);
        memmove(to + FRAME_HEADER_SIZE, base + FRAME_HEADER_SIZE + from, size);
        frame f = { .type = FRAME_CONTINUATION,
                    .stream_id = first.stream_id,
                    .length = (uint32_t)size,
                    .flags = i == extra ? FRAME_END_HEADERS : 0 };
        frame_encode(to, f);
    }
    queue_commit(q, extra * FRAME_HEADER_SIZE);
    first.length = (uint32_t)max;
    first.flags &= (uint8_t)~FRAME_END_HEADERS;
    frame_encode(base, first);
    if (output_is_traced(&c->output))
        output_trace(&c->output, '>', first, " and CONTINUATION");
    return true;
}

static void note_headers_sent(h2_connection *c, h2_stream *s)
{
    ping_note_sent(&c->ping);
    budget_earn(&c->budget, 2);
    if (!s->headers_end)
        s->headers_end = output_position(&c->output);
}

static frame headers_frame(const h2_stream *s, size_t length, bool is_end)
{
    return (frame){ .type = FRAME_HEADERS,
                    .stream_id = s->id,
                    .length = (uint32_t)length,
                    .flags = (uint8_t)(FRAME_END_HEADERS | (is_end ? FRAME_END_STREAM : 0)) };
}

static proa_err write_headers(h2_connection *c, h2_stream *s, const hpack_field *fields, size_t count, bool is_end)
{
    output_seal(&c->output);
    queue *q = &c->output.queue;
    if (c->output.is_failed || !queue_reserve(q, FRAME_HEADER_SIZE))
        return PROA_ERR_NOMEM;
    size_t start = buffer_size(&q->bytes);
    q->bytes.end += FRAME_HEADER_SIZE;
    proa_err err = hpack_encode(c->encoder, fields, count, &q->bytes);
    if (err) {
        q->bytes.end -= FRAME_HEADER_SIZE;
        return err;
    }
    size_t length = buffer_size(&q->bytes) - start - FRAME_HEADER_SIZE;
    q->size += FRAME_HEADER_SIZE + length;
    frame f = headers_frame(s, length, is_end);
    if (length <= c->peer.frame_bytes_max) {
        frame_encode(q->bytes.data + q->bytes.begin + start, f);
        if (output_is_traced(&c->output))
            output_trace(&c->output, '>', f, "");
    } else if (!cut_block(c, start, length, f)) {
        c->output.is_failed = true; /* the encoder has moved on: this connection cannot be saved */
        return PROA_ERR_NOMEM;
    }
    note_headers_sent(c, s);
    return PROA_ERR_NONE;
}

/* RFC 9113 5.1.1: the first headers number the stream, so that numbers rise in the order of frames. */
static bool number_stream(h2_connection *c, h2_stream *s)
{
    if (c->next_id > FRAME_STREAM_ID_MAX)
        return false;
    streams_number(&c->streams, s, c->next_id);
    c->next_id += 2;
    c->is_ids_out_due = c->next_id > FRAME_STREAM_ID_MAX;
    if (c->is_ids_out_due)
        c->goaway.step = GOAWAY_FINAL; /* RFC 9113 5.1.1: only a new connection has more */
    s->opened_at = c->now;
    c->counters.streams_opened++;
    return true;
}

/* RFC 9113 6.5.2: as SETTINGS_MAX_HEADER_LIST_SIZE counts. */
static uint64_t list_bytes(const hpack_field *fields, size_t count)
{
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += 32 + fields[i].value.size +
                (fields[i].token ? hpack_name_text((hpack_name)fields[i].token).size : fields[i].name.size);
    return size;
}

static void sent_headers(h2_connection *c, h2_stream *s, bool is_informational, bool is_end)
{
    s->state = stream_table[s->state][STREAM_S_HEADERS].next;
    if (!s->has_sent_headers)
        s->has_sent_headers = !is_informational;
    if (is_end)
        end_local(c, s);
}

proa_err h2_stream_send_headers(h2_stream *s, const hpack_field *fields, size_t count, bool is_end)
{
    h2_connection *c = s->connection;
    if (!can_send(s))
        return PROA_ERR_NONE;
    if (list_bytes(fields, count) >
        c->peer.header_list_bytes_max) /* it would be refused there, with less to tell from */
        return PROA_ERR_LIMIT;
    if (s->queue.size) { /* trailers wait behind DATA; encoded when they go, as the table demands */
        PROA_ASSERT(is_end, "headers behind data are trailers");
        s->trailers = stream_fields_copy(fields, count);
        if (!s->trailers)
            return fail_stream(c, s);
        s->is_end_queued = s->is_mute = true;
        return PROA_ERR_NONE;
    }
    if (s->state == STREAM_IDLE) {
        if (!number_stream(c, s)) {
            reset_now(c, s, H2_REFUSED_STREAM);
            return PROA_ERR_NONE;
        }
        s->is_head = headers_is_head(fields, count);
    }
    if (write_headers(c, s, fields, count, is_end))
        return fail_stream(c, s);
    sent_headers(c, s, headers_is_informational(fields, count), is_end);
    return PROA_ERR_NONE;
}

/* The block that was written last, if it may be sent again. Not one that means more to the stream than headers do. */
static void keep_block(h2_connection *c, const h2_stream *s, const hpack_field *fields, size_t count, size_t size,
                       h2_prepared *keep)
{
    if (size > H2_PREPARED_MAX || s->is_head || headers_is_informational(fields, count))
        return;
    keep->generation = hpack_encoder_generation(c->encoder);
    keep->list_bytes = (uint32_t)list_bytes(fields, count);
    keep->size = (uint8_t)size;
    memcpy(keep->block, buffer_tail(&c->output.queue.bytes) - size, size);
}

proa_err h2_stream_prepare_headers(h2_stream *s, const hpack_field *fields, size_t count, bool is_end,
                                   h2_prepared *keep)
{
    h2_connection *c = s->connection;
    keep->size = 0;
    if (!can_send(s) || s->queue.size)
        return h2_stream_send_headers(s, fields, count, is_end);
    output_seal(&c->output);
    uint64_t generation = hpack_encoder_generation(c->encoder);
    size_t before = c->output.queue.size;
    proa_err err = h2_stream_send_headers(s, fields, count, is_end);
    size_t size = c->output.queue.size - before;
    /* A frame of its own and nothing else; encoding it once more would give the same. */
    if (!err && !c->output.is_failed && !s->is_resetting && size > FRAME_HEADER_SIZE &&
        hpack_encoder_generation(c->encoder) == generation)
        keep_block(c, s, fields, count, size - FRAME_HEADER_SIZE, keep);
    return err;
}

/* The bytes are what h2_stream_send_headers would write: the list is the same, and so is the encoder's table. */
bool h2_stream_send_prepared(h2_stream *s, const h2_prepared *p, bool is_end)
{
    h2_connection *c = s->connection;
    if (!p->size || !can_send(s) || s->queue.size || c->output.is_failed ||
        p->generation != hpack_encoder_generation(c->encoder) || p->list_bytes > c->peer.header_list_bytes_max)
        return false;
    output_seal(&c->output);
    char *to = queue_reserve(&c->output.queue, FRAME_HEADER_SIZE + sizeof p->block);
    if (!to || (s->state == STREAM_IDLE && !number_stream(c, s)))
        return false;
    frame f = headers_frame(s, p->size, is_end);
    frame_encode(to, f);
    memcpy(to + FRAME_HEADER_SIZE, p->block, sizeof p->block); /* all of it: a copy of known size is cheaper */
    queue_commit(&c->output.queue, FRAME_HEADER_SIZE + p->size);
    if (output_is_traced(&c->output))
        output_trace(&c->output, '>', f, "");
    note_headers_sent(c, s);
    sent_headers(c, s, false, is_end);
    return true;
}

/* ---- Data */

void send_ready(h2_connection *c, h2_stream *s)
{
    if (s->queue.size && s->send_window > 0 && !list_has(&s->ready))
        list_push(&c->ready, &s->ready);
}

static void note_writable(h2_connection *c, h2_stream *s)
{
    if (s->watch && s->queue.size < s->watch) {
        s->watch = 0;
        s->is_writable_due = true;
        connection_due(c, s);
    }
}

/* Straight into the output: nobody waits, and it fits. */
static bool is_direct(const h2_connection *c, const h2_stream *s, size_t size)
{
    return s->queue.size == 0 && list_is_empty(&c->ready) && c->output.queue.size < OUTPUT_DIRECT &&
           (int64_t)size <= s->send_window && (int64_t)size <= c->send_window;
}

static uint32_t frame_max(const h2_connection *c)
{
    return c->peer.frame_bytes_max < FRAME_ALONE_MAX ? c->peer.frame_bytes_max : FRAME_ALONE_MAX;
}

static void send_direct(h2_connection *c, h2_stream *s, const proa_bytes *parts, size_t count, size_t size, bool is_end)
{
    output_cursor from = { .parts = parts, .count = count };
    size_t max = frame_max(c);
    do {
        size_t n = size < max ? size : max;
        size -= n;
        note_data_sent(c, s, n, false);
        output_data(&c->output, s->id, &from, n, is_end && size == 0, (uint32_t)max);
    } while (size);
}

/* A message that fits into a frame, and may go at once. */
static bool send_part(h2_connection *c, h2_stream *s, proa_bytes part, bool is_end)
{
    if (part.size == 0 || part.size > FRAME_LENGTH_MIN || !is_direct(c, s, part.size))
        return false;
    note_data_sent(c, s, part.size, false);
    output_part(&c->output, s->id, part, is_end, frame_max(c));
    if (is_end)
        end_local(c, s);
    return true;
}

proa_err h2_stream_send_data(h2_stream *s, const proa_bytes *parts, size_t count, bool is_end)
{
    h2_connection *c = s->connection;
    if (!can_send(s))
        return PROA_ERR_NONE;
    PROA_ASSERT(s->id, "headers come before data");
    if (count == 1 && send_part(c, s, parts[0], is_end))
        return PROA_ERR_NONE;
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    if (size == 0 && !is_end)
        return PROA_ERR_NONE;
    if (size == 0 && s->queue.size == 0 && output_end_tail(&c->output, s->id)) {
        end_local(c, s);
        return PROA_ERR_NONE;
    }
    if (is_direct(c, s, size) || (size == 0 && s->queue.size == 0)) {
        send_direct(c, s, parts, count, size, is_end);
        if (is_end)
            end_local(c, s);
        return PROA_ERR_NONE;
    }
    for (size_t i = 0; i < count; i++)
        if (queue_push(&s->queue, parts[i]))
            return fail_stream(c, s);
    s->is_end_queued = s->is_mute = is_end;
    send_ready(c, s);
    return PROA_ERR_NONE;
}

proa_err h2_stream_send_slice(h2_stream *s, proa_bytes head, proa_slice *slice, bool is_end)
{
    h2_connection *c = s->connection;
    proa_err err = PROA_ERR_NONE;
    if (!can_send(s) || slice->bytes.size <= QUEUE_COPY_MAX || !slice->hold) {
        proa_bytes parts[2] = { head, slice->bytes };
        err = h2_stream_send_data(s, parts, 2, is_end);
        hold_release(slice->hold);
    } else if (queue_push(&s->queue, head) || queue_push_slice(&s->queue, slice->bytes, slice->hold)) {
        hold_release(slice->hold);
        err = fail_stream(c, s);
    } else {
        s->is_end_queued = s->is_mute = is_end;
        send_ready(c, s);
    }
    *slice = (proa_slice){ 0 };
    return err;
}

/* Everything of the stream is framed: what comes behind it. */
static void finish_queue(h2_connection *c, h2_stream *s, bool is_end)
{
    if (s->trailers) {
        stream_fields *trailers = s->trailers;
        s->trailers = NULL;
        s->is_end_queued = false;
        if (write_headers(c, s, trailers->fields, trailers->count, true))
            fail_stream(c, s);
        else
            end_local(c, s);
        memory_free(trailers);
    } else if (is_end) {
        end_local(c, s);
    }
}

static void frame_turn(h2_connection *c, h2_stream *s)
{
    size_t turn = list_is_empty(&c->ready) ? FRAME_ALONE_MAX : FRAME_TURN_MAX;
    size_t window = (size_t)(s->send_window < c->send_window ? s->send_window : c->send_window);
    size_t n = s->queue.size;
    if (n > c->peer.frame_bytes_max)
        n = c->peer.frame_bytes_max;
    if (n > turn)
        n = turn;
    bool is_cut = n > window;
    if (is_cut)
        n = window;
    bool is_end = n == s->queue.size && s->is_end_queued && !s->trailers;
    note_data_sent(c, s, n, is_cut);
    output_data_of(&c->output, s->id, &s->queue, n, is_end);
    note_writable(c, s);
    if (s->queue.size == 0)
        finish_queue(c, s, is_end);
    else
        send_ready(c, s);
}

bool send_has_work(const h2_connection *c)
{
    return !list_is_empty(&c->ready) && c->send_window > 0;
}

void send_queued(h2_connection *c)
{
    while (send_has_work(c) && c->output.queue.size < OUTPUT_MEASURE && !c->output.is_failed)
        frame_turn(c, CONTAINER_OF(list_pop(&c->ready), h2_stream, ready));
}

/* ---- The rest of a stream's commands */

size_t h2_stream_queued(const h2_stream *s)
{
    return s->queue.size;
}

void h2_stream_watch(h2_stream *s, size_t high)
{
    if (!s->connection || s->state == STREAM_CLOSED)
        return;
    s->watch = high / 2 ? high / 2 : 1;
    note_writable(s->connection, s);
}

void h2_stream_reset(h2_stream *s, h2_code code)
{
    if (!s->connection || s->state == STREAM_CLOSED)
        return;
    if (code == H2_NO_ERROR && s->is_end_queued)
        s->is_resetting = true; /* after what is queued */
    else
        reset_now(s->connection, s, code);
}

void h2_stream_forgive(h2_stream *s, int64_t from)
{
    s->forgiven_at = from;
}
