/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of either side against a peer that may send anything, while the layer above does whatever it may. The
 * input is a list of steps. Held against it, after every step: the books (h2_connection_audit); one CLOSED for each stream
 * and nothing of it afterwards; STOPPED once and last; what is kept of the input is bounded. */
#ifndef TESTS_FUZZ_H2_PLAY_H
#define TESTS_FUZZ_H2_PLAY_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "h2/h2.h"

#define PLAY_STREAMS_MAX 64
#define MUST(condition)  ((condition) ? (void)0 : broken(#condition, __LINE__))

static void broken(const char *what, int line)
{
    fprintf(stderr, "line %d: %s does not hold\n", line, what);
    abort();
}

typedef struct played {
    h2_stream *stream;
    size_t held;              /* received and not consumed */
    bool is_closed;
} played;

typedef struct playing {
    h2_connection *c;
    h2_role role;
    int64_t now;
    played streams[PLAY_STREAMS_MAX];
    bool is_stopped;
    const uint8_t *at, *end;
    hold *shared;
} playing;

static unsigned next_byte(playing *p)
{
    return p->at < p->end ? *p->at++ : 0;
}

static proa_bytes next_bytes(playing *p, size_t size)
{
    size_t left = (size_t)(p->end - p->at);
    proa_bytes bytes = { (const char *)p->at, size < left ? size : left };
    p->at += bytes.size;
    return bytes;
}

static played *find(playing *p, const h2_stream *stream)
{
    for (int i = 0; i < PLAY_STREAMS_MAX; i++)
        if (p->streams[i].stream == stream)
            return &p->streams[i];
    return NULL;
}

static void release(played *s)
{
    h2_stream_release(s->stream);
    *s = (played){ 0 };
}

/* A stream that begins; without a place for it, the oldest is let go. */
static played *begin(playing *p, h2_stream *stream)
{
    played *s = find(p, NULL);
    if (!s) {
        h2_stream_reset(stream, H2_CANCEL);   /* its CLOSED finds no place: released at once */
        return NULL;
    }
    s->stream = stream;
    MUST(*(uint64_t *)h2_stream_extra(stream) == 0);
    *(uint64_t *)h2_stream_extra(stream) = UINT64_MAX;
    return s;
}

static void take_event(playing *p, const h2_event *e)
{
    MUST(!p->is_stopped);
    played *s = e->stream ? find(p, e->stream) : NULL;
    switch (e->type) {
    case H2_EVENT_HEADERS:
        if (!s && e->headers_kind == H2_HEADERS_REQUEST)
            s = begin(p, e->stream);
        MUST(e->is_too_large == !e->block);
        break;
    case H2_EVENT_DATA:
        MUST(e->bytes.size || e->is_end);
        if (s)
            s->held += e->bytes.size;
        else
            h2_stream_consume(e->stream, e->bytes.size);
        break;
    case H2_EVENT_CLOSED:
        if (s)
            s->is_closed = true;
        else
            h2_stream_release(e->stream);
        return;
    case H2_EVENT_STOPPED:
        p->is_stopped = true;
        for (int i = 0; i < PLAY_STREAMS_MAX; i++)
            MUST(!p->streams[i].stream || p->streams[i].is_closed);
        return;
    default:
        break;
    }
    MUST(!s || !s->is_closed);
}

static void check(playing *p)
{
    const char *rule = h2_connection_audit(p->c);
    if (rule) {
        fprintf(stderr, "%s\n", rule);
        abort();
    }
    MUST(!h2_connection_is_over(p->c) || p->is_stopped);
}

static void pull(playing *p)
{
    h2_event e;
    while (h2_connection_next_event(p->c, &e))
        take_event(p, &e);
    check(p);
}

static void feed(playing *p, proa_bytes bytes)
{
    char *copy = malloc(bytes.size + 1);   /* gone after the last event */
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    h2_connection_feed(p->c, (proa_bytes){ copy, bytes.size }, p->now);
    pull(p);
    free(copy);
}

/* A frame with a true length, so that the fuzzer gets behind the header. */
static void feed_frame(playing *p)
{
    char frame[9 + 255];
    unsigned type = next_byte(p), flags = next_byte(p), id = next_byte(p);
    proa_bytes payload = next_bytes(p, next_byte(p));
    memcpy(frame, (char[]){ 0, 0, (char)payload.size, (char)(type % 12), (char)flags, 0, 0, 0, (char)(id % 40) }, 9);
    if (payload.size)
        memcpy(frame + 9, payload.data, payload.size);
    feed(p, (proa_bytes){ frame, 9 + payload.size });
}

static void feed_request(playing *p)
{
    static unsigned char frame[] = { 0, 0, 3, 1, 4, 0, 0, 0, 0, 0x82, 0x86, 0x84 };
    unsigned id = next_byte(p);
    frame[4] = (unsigned char)(4 | (next_byte(p) & 1));
    frame[8] = (unsigned char)id;
    frame[7] = (unsigned char)next_byte(p) % 4;
    frame[2] = p->role == H2_SERVER ? 3 : 1;
    frame[9] = p->role == H2_SERVER ? 0x82 : 0x88;
    feed(p, (proa_bytes){ (char *)frame, 9u + frame[2] });
}

static void feed_data(playing *p)
{
    unsigned size = next_byte(p) << 6, id = next_byte(p);
    char *frame = calloc(1, 9 + size);
    frame[1] = (char)(size >> 8);
    frame[2] = (char)size;
    frame[4] = (char)(next_byte(p) & 9);
    frame[8] = (char)id;
    if (size)
        frame[9] = (char)next_byte(p);
    feed(p, (proa_bytes){ frame, 9 + size });
    free(frame);
}

static void send(playing *p, h2_stream *stream, unsigned verb)
{
    char text[300];
    memset(text, 'a', sizeof text);
    hpack_field fields[2] = { { .name = PROA_STR("a"), .value = { text, next_byte(p) } },
                              { .name = PROA_STR("content-type"), .value = PROA_STR("x") } };
    bool is_end = next_byte(p) & 1;
    proa_slice slice = slice_of(hold_retain(p->shared), 0, next_byte(p) << 8);
    switch (verb % 3) {
    case 0:
        if (h2_stream_id(stream) == 0 || h2_stream_queued(stream) == 0 || is_end)
            (void)h2_stream_send_headers(stream, fields, 2, is_end);
        break;
    case 1:
        if (h2_stream_id(stream))
            (void)h2_stream_send_data(stream, &(proa_bytes){ text, next_byte(p) }, 1, is_end);
        break;
    default:
        if (h2_stream_id(stream))
            (void)h2_stream_send_slice(stream, (proa_bytes){ text, 5 }, &slice, is_end);
        break;
    }
    proa_slice_free(&slice);
}

static void command_stream(playing *p)
{
    played *s = &p->streams[next_byte(p) % PLAY_STREAMS_MAX];
    unsigned verb = next_byte(p) % 8;
    if (!s->stream)
        return;
    if (verb < 3) {
        send(p, s->stream, verb);
    } else if (verb == 3) {
        h2_stream_reset(s->stream, (h2_code)(next_byte(p) % 14));
    } else if (verb == 4) {
        size_t size = (size_t)next_byte(p) << 7;
        size = size < s->held ? size : s->held;
        s->held -= size;
        h2_stream_consume(s->stream, size);
    } else if (verb == 5) {
        h2_stream_want(s->stream, (size_t)next_byte(p) << 13);
    } else if (verb == 6) {
        h2_stream_watch(s->stream, (size_t)next_byte(p) << 6);
    } else if (s->is_closed) {
        release(s);
    }
}

static void command(playing *p)
{
    switch (next_byte(p) % 8) {
    case 0: h2_connection_drain(p->c, NULL); break;
    case 1: h2_connection_stop(p->c, H2_NO_ERROR, PROA_STR("bye")); break;
    case 2: h2_connection_lost(p->c, "gone"); break;
    case 3: (void)h2_connection_ping(p->c, next_byte(p)); break;
    default:
        if (p->role == H2_CLIENT && find(p, NULL)) {
            h2_stream *stream = h2_stream_open(p->c);
            if (stream)
                begin(p, stream);
        }
        break;
    }
}

static void emit(playing *p)
{
    static h2_output out;
    if (!h2_connection_emit(p->c, &out, p->now))
        return;
    size_t size = 0;
    for (size_t i = 0; i < out.count; i++) {
        MUST(out.parts[i].size);
        size += out.parts[i].size;
    }
    MUST(size == out.size && size && out.count <= H2_OUTPUT_PARTS_MAX);
    unsigned part = next_byte(p);
    h2_connection_sent(p->c, part % 4 ? size : size * part / 256);
}

static void step(playing *p)
{
    switch (next_byte(p) % 10) {
    case 0: feed(p, next_bytes(p, next_byte(p))); break;
    case 1:
    case 2: feed_frame(p); break;
    case 3: feed_request(p); break;
    case 4: feed_data(p); break;
    case 5:
    case 6: command_stream(p); break;
    case 7: command(p); break;
    case 8: emit(p); break;
    default:
        p->now += (int64_t)next_byte(p) * 20000000;
        h2_connection_tick(p->c, p->now);
        break;
    }
    check(p);
    pull(p);
}

/* Small limits are near; the first byte says whether the peer begins well. */
static int play(h2_role role, const uint8_t *data, size_t size)
{
    playing p = { .role = role, .now = 1000000000, .at = data, .end = data + size };
    unsigned mode = next_byte(&p);
    h2_options options = { .role = role, .stream_extra = sizeof(uint64_t), .seed = 1 };
    if (mode & 2)
        options.limits = (limits){ .streams_max = 5, .header_list_bytes_max = 200, .stream_window_bytes = 1000,
                                   .held_bytes_max = 3000, .output_bytes_max = 5000, .output_control_max = 20,
                                   .reset_burst = 20, .glitch_burst = 20, .streams_per_feed_max = 3 };
    p.c = h2_connection_new(&options, p.now);
    p.shared = hold_new(65536);
    MUST(p.c && p.shared);
    memset(hold_data(p.shared), 's', 65536);
    if (mode & 1) {
        if (role == H2_SERVER)
            feed(&p, PROA_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        feed(&p, PROA_STR("\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0"));
    }
    while (p.at < p.end)
        step(&p);
    if (mode & 4)
        h2_connection_lost(p.c, "the end");
    pull(&p);
    MUST(!(mode & 4) || (p.is_stopped && h2_connection_is_over(p.c)));
    if (mode & 8)
        for (int i = 0; i < PLAY_STREAMS_MAX; i++)
            if (p.streams[i].stream && p.streams[i].is_closed)
                release(&p.streams[i]);
    check(&p);
    h2_connection_free(p.c);
    for (int i = 0; i < PLAY_STREAMS_MAX; i++)   /* detached */
        if (p.streams[i].stream)
            release(&p.streams[i]);
    hold_release(p.shared);
    return 0;
}
#endif
