/* SPDX-License-Identifier: Apache-2.0 */
/* Credit for received DATA: when the peer gets its windows back.
 *
 * The connection's credit goes back on receipt, so that a paused reader stops only its own stream, until held_bytes_max
 * are held; then it goes back as bytes are consumed. Never withheld is that of a stream whose reader waits for the rest of
 * a message (h2_stream_want): withholding it could stop every stream for ever, each in mid-message.
 * A window is opened beyond its size for such a reader, in turn, as long as all that was lent so is at most
 * held_bytes_max, and for one stream always: for the first, when all who owe something wait for more. So what a peer can
 * make us hold is bounded by held_bytes_max twice, plus one window for each stream.
 * Windows that grew with the bandwidth (bandwidth.c) change nothing about that: by what the connection's has grown, less
 * may be held before credit is withheld. */
#include "base/assert.h"
#include "h2/connection.h"

static void give_connection(h2_connection *c, size_t size)
{
    c->receive.owed += (uint32_t)size; /* nothing is ever lent to the connection */
    if (c->receive.owed < c->receive.target / 4)
        return;
    uint32_t increment = flow_announce(&c->receive, false);
    if (increment && !connection_is_stopped(c))
        output_window(&c->output, 0, increment);
}

void credit_announce(h2_connection *c)
{
    flow_receive *f = &c->receive;
    bool is_urgent = flow_is_low(f) && (f->window <= 0 || f->owed >= f->target / 16); /* no dribble of our own */
    uint32_t increment = is_urgent ? flow_announce(f, true) : 0;
    if (increment)
        output_window(&c->output, 0, increment);
}

static bool is_receiving(const h2_stream *s)
{
    return s->state == STREAM_OPEN || s->state == STREAM_HALF_LOCAL;
}

void credit_received(h2_connection *c, h2_stream *s, uint32_t size)
{
    bool is_first = s->held == 0;
    s->held += size;
    c->held += size;
    uint32_t grown = c->receive.target - c->receive_base;
    bool is_wanted = s->want || is_first;
    if (bandwidth_received(&c->bandwidth, size, c->now))
        output_ping(&c->output, BANDWIDTH_PING, false);
    s->want -= size < s->want ? size : s->want;
    if (is_wanted || c->held + grown <= c->limits.held_bytes_max) {
        give_connection(c, size);
        return;
    }
    s->withheld += size;
    c->counters.held_exceeded++;
}

void credit_dropped(h2_connection *c, uint32_t size)
{
    if (size)
        give_connection(c, size);
}

/* RFC 9113 6.9.2: SETTINGS move the windows of all streams, those there are as well; larger ones may be relied on at once,
 * since the peer uses no more than it knows of. */
void credit_grow(h2_connection *c, uint32_t window)
{
    if (window <= c->stream_window || connection_is_stopped(c))
        return;
    uint32_t delta = window - c->stream_window;
    c->stream_window = window;
    c->counters.windows_grown++;
    for (list_node *n = list_first(&c->streams.all); n; n = list_next(&c->streams.all, n)) {
        h2_stream *s = CONTAINER_OF(n, h2_stream, all);
        flow_grow(&s->receive.window, delta);
        s->receive.target += delta;
    }
    char payload[6] = { 0, SETTINGS_INITIAL_WINDOW_SIZE }; /* also when it is the default: what the peer has is not */
    bytes_put_u32_be(payload + 2, window);
    output_settings(&c->output, payload, sizeof payload);
    c->settings_waiting++; /* no time limit: nothing gets smaller, and a proxy may read it behind much that it must pass on */
    if (window > c->receive.target) {
        c->receive.owed += window - c->receive.target;
        c->receive.target = window;
        output_window(&c->output, 0, flow_announce(&c->receive, true));
    }
}

static void give_withheld(h2_connection *c, h2_stream *s, size_t size)
{
    size_t n = size < s->withheld ? size : s->withheld;
    s->withheld -= n;
    if (n)
        give_connection(c, n);
}

/* Do all who owe wait themselves? Then nobody will ever pay, unless one of them gets what it waits for. */
static bool is_stuck(h2_connection *c, const h2_stream *s)
{
    uint64_t waiting = list_has(&s->hungry) ? 0 : s->receive.debt;
    for (list_node *n = list_first(&c->hungry); n; n = list_next(&c->hungry, n))
        waiting += CONTAINER_OF(n, h2_stream, hungry)->receive.debt;
    return waiting == c->lent;
}

/* Opens the window as far as the reader waits, and for padding, if enough is left to lend. false: its turn comes later. */
static bool open_window(h2_connection *c, h2_stream *s, uint32_t padding)
{
    uint32_t size = s->want + padding;
    uint32_t extra = flow_missing(&s->receive, size);
    if (extra && c->lent && c->lent + extra > c->limits.held_bytes_max && !is_stuck(c, s))
        return false;
    if ((uint32_t)(s->receive.window > 0 ? s->receive.window : 0) >= size)
        return true;
    c->lent += extra;
    uint32_t increment = flow_open(&s->receive, extra);
    if (increment)
        output_window(&c->output, s->id, increment);
    return true;
}

static void serve_hungry(h2_connection *c)
{
    for (list_node *n; (n = list_first(&c->hungry)) != NULL;) {
        if (!open_window(c, CONTAINER_OF(n, h2_stream, hungry), 0))
            break;
        list_remove(n);
    }
}

/* size bytes came back to the stream: they pay what was lent to it first, and others may have it. */
static void give_stream(h2_connection *c, h2_stream *s, uint32_t size)
{
    uint32_t debt = s->receive.debt;
    flow_give(&s->receive, size);
    c->lent -= debt - s->receive.debt;
    if (debt != s->receive.debt)
        serve_hungry(c);
    if (!is_receiving(s)) /* the peer sends no more: it needs no credit */
        return;
    bool is_waiting = s->want > (uint32_t)(s->receive.window > 0 ? s->receive.window : 0);
    uint32_t increment = flow_announce(&s->receive, is_waiting);
    if (increment)
        output_window(&c->output, s->id, increment);
}

void h2_stream_consume(h2_stream *s, size_t size)
{
    h2_connection *c = s->connection;
    if (!c)
        return;
    PROA_ASSERT(size <= s->held, "no more is consumed than was received");
    s->held -= size;
    c->held -= size;
    give_withheld(c, s, size);
    give_stream(c, s, (uint32_t)size);
}

/* Who pads one frame pads the next: a window that is just what a reader waits for would hold the peer before its last bytes,
 * since padding counts (RFC 9113 6.9.1). */
void credit_padding(h2_connection *c, h2_stream *s, uint32_t size)
{
    give_connection(c, size);
    give_stream(c, s, size);
    if (s->want && is_receiving(s) && !list_has(&s->hungry) && !open_window(c, s, size))
        list_push(&c->hungry, &s->hungry);
}

void h2_stream_want(h2_stream *s, size_t size)
{
    h2_connection *c = s->connection;
    if (!c || !is_receiving(s))
        return;
    s->want = size > FLOW_WINDOW_MAX / 2 ? FLOW_WINDOW_MAX / 2 : (uint32_t)size;
    if (!s->want)
        return;
    give_withheld(c, s, s->withheld);
    if (!list_has(&s->hungry) && !open_window(c, s, 0))
        list_push(&c->hungry, &s->hungry);
}

/* What was lent to a stream is paid by consuming, or here: until then its bytes may still be held. */
void credit_released(h2_connection *c, h2_stream *s)
{
    if (s->held == 0 && s->receive.debt == 0 && list_is_empty(&c->hungry))
        return;
    c->held -= s->held;
    s->held = 0;
    c->lent -= s->receive.debt;
    s->receive.debt = 0;
    give_withheld(c, s, s->withheld);
    serve_hungry(c);
}
