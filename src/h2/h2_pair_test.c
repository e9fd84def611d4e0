/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines back to back: calls that echo, in seeded random order, through small windows and cut transports. What the
 * client sends is what comes back, every stream closes once, and no credit is lost on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "h2/connection.h"

enum { CALLS = 60 };

typedef struct call {
    h2_stream *stream;
    size_t to_send, sent, to_hear, heard;
    unsigned key; /* byte i of its body is key + i */
    bool is_done, is_cancelled;
} call;

typedef struct side {
    h2_connection *c;
    buffer wire; /* what it wrote and the other has not read */
    size_t streams_closed;
    bool is_stopped;
} side;

typedef struct pair {
    uint64_t random;
    int64_t now;
    side client, server;
    call calls[CALLS];
    size_t begun, done;
    size_t next_body;
    bool has_trailers;
} pair;

typedef struct echo {
    size_t heard, sent;
    bool is_ended, is_answered;
    buffer waiting;
} echo;

static uint64_t draw(pair *p, uint64_t below)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return p->random % below;
}

static call *call_of(pair *p, const h2_stream *stream)
{
    for (size_t i = 0; i < p->begun; i++)
        if (p->calls[i].stream == stream)
            return &p->calls[i];
    fail_msg("an event of no call");
    return NULL;
}

/* ---- The client */

static void begin_call(pair *p)
{
    h2_stream *stream = h2_stream_open(p->client.c);
    if (!stream)
        return;
    call *c = &p->calls[p->begun++];
    *c = (call){ .stream = stream,
                 .to_send = draw(p, 4) ? draw(p, 3000) : draw(p, 60000),
                 .key = (unsigned)draw(p, 256) };
    char text[16] = "v";
    text[0] = (char)('a' + draw(p, 26));
    hpack_field fields[] = { hpack_field_of(HPACK_NAME_METHOD, PROA_STR("POST")),
                             hpack_field_of(HPACK_NAME_SCHEME, PROA_STR("http")),
                             hpack_field_of(HPACK_NAME_PATH, PROA_STR("/echo")),
                             { .name = PROA_STR("x-some"), .value = proa_bytes_of(text) } };
    assert_int_equal(h2_stream_send_headers(stream, fields, 4, false), 0);
}

static void send_some(pair *p, call *c)
{
    if (c->is_done || c->is_cancelled || c->sent > c->to_send)
        return;
    size_t size = draw(p, 5000), left = c->to_send - c->sent;
    size = size < left ? size : left;
    bool is_end = size == left;
    hold *h = hold_new(size + 1);
    for (size_t i = 0; i < size; i++)
        hold_data(h)[i] = (char)(c->key + c->sent + i);
    c->sent += size + is_end; /* one more: ended */
    proa_bytes whole = { hold_data(h), size };
    if (draw(p, 2)) {
        size_t cut = size ? draw(p, size) : 0;
        proa_bytes parts[2] = { { whole.data, cut }, { whole.data + cut, size - cut } };
        assert_int_equal(h2_stream_send_data(c->stream, parts, 2, is_end), 0);
        hold_release(h);
    } else {
        proa_slice slice = slice_of(h, 0, size);
        assert_int_equal(h2_stream_send_slice(c->stream, (proa_bytes){ 0 }, &slice, is_end), 0);
    }
    if (draw(p, 300) == 0) {
        c->is_cancelled = true;
        h2_stream_reset(c->stream, H2_CANCEL);
    }
}

static void client_event(pair *p, const h2_event *e)
{
    call *c = e->stream ? call_of(p, e->stream) : NULL;
    switch (e->type) {
    case H2_EVENT_DATA:
        for (size_t i = 0; i < e->bytes.size; i++)
            assert_int_equal((unsigned char)e->bytes.data[i], (unsigned char)(c->key + c->heard + i));
        c->heard += e->bytes.size;
        h2_stream_consume(e->stream, e->bytes.size);
        break;
    case H2_EVENT_CLOSED:
        assert_false(c->is_done);
        c->is_done = true;
        p->done++;
        if (!c->is_cancelled) {
            if (e->fault.scope)
                fail_msg("%s %s", h2_code_name(e->fault.code), e->fault.reason);
            assert_int_equal(c->heard, c->to_send);
        }
        c->stream = NULL;
        h2_stream_release(e->stream);
        break;
    case H2_EVENT_STOPPED: p->client.is_stopped = true; break;
    default: break;
    }
}

/* ---- The server */

static void server_event(pair *p, const h2_event *e)
{
    echo *s = e->stream ? h2_stream_extra(e->stream) : NULL;
    switch (e->type) {
    case H2_EVENT_DATA:
        assert_int_equal(buffer_append(&s->waiting, e->bytes.data, e->bytes.size), 0);
        s->is_ended = e->is_end;
        if (draw(p, 3) == 0)
            h2_stream_want(e->stream, draw(p, 30000));
        break;
    case H2_EVENT_CLOSED:
        p->server.streams_closed++;
        buffer_fini(&s->waiting);
        h2_stream_release(e->stream);
        break;
    case H2_EVENT_STOPPED: p->server.is_stopped = true; break;
    default: break;
    }
}

static void echo_some(pair *p, h2_stream *stream)
{
    echo *s = h2_stream_extra(stream);
    if (stream->state == STREAM_CLOSED || h2_stream_queued(stream) > 20000 || draw(p, 2))
        return;
    if (!s->is_answered) {
        hpack_field field = hpack_field_of(HPACK_NAME_STATUS, PROA_STR("200"));
        assert_int_equal(h2_stream_send_headers(stream, &field, 1, false), 0);
        s->is_answered = true;
    }
    size_t left = buffer_size(&s->waiting), size = left ? 1 + draw(p, left) : 0;
    proa_bytes bytes = { buffer_bytes(&s->waiting).data, size };
    bool is_end = s->is_ended && size == left, has_trailers = draw(p, 2);
    assert_int_equal(h2_stream_send_data(stream, &bytes, 1, is_end && !has_trailers), 0);
    h2_stream_consume(stream, size);
    buffer_consume(&s->waiting, size);
    if (is_end && has_trailers) {
        hpack_field field = hpack_field_of(HPACK_NAME_GRPC_STATUS, PROA_STR("0"));
        assert_int_equal(h2_stream_send_headers(stream, &field, 1, true), 0);
    }
}

/* ---- The wire */

static void pull(pair *p, side *s)
{
    h2_event e;
    while (h2_connection_next_event(s->c, &e)) {
        assert_false(s->is_stopped);
        if (s == &p->client)
            client_event(p, &e);
        else
            server_event(p, &e);
    }
    const char *rule = h2_connection_audit(s->c);
    if (rule)
        fail_msg("%s", rule);
}

static void move(pair *p, side *from, side *to)
{
    static h2_output out;
    if (h2_connection_emit(from->c, &out, p->now)) {
        size_t size = draw(p, 2) ? out.size : draw(p, out.size) + 1, left = size;
        for (size_t i = 0; i < out.count && left; i++) {
            size_t n = out.parts[i].size < left ? out.parts[i].size : left;
            assert_int_equal(buffer_append(&from->wire, out.parts[i].data, n), 0);
            left -= n;
        }
        h2_connection_sent(from->c, size);
    }
    pull(p, from);
    size_t ready = buffer_size(&from->wire);
    if (!ready || !h2_connection_wants_input(to->c))
        return;
    size_t size = draw(p, 3) ? draw(p, ready) + 1 : draw(p, ready < 20 ? ready : 20) + 1;
    char *copy = malloc(size);
    memcpy(copy, buffer_bytes(&from->wire).data, size);
    buffer_consume(&from->wire, size);
    h2_connection_feed(to->c, (proa_bytes){ copy, size }, p->now);
    pull(p, to);
    free(copy);
}

static void run_turn(pair *p)
{
    if (p->begun < CALLS && draw(p, 3) == 0)
        begin_call(p);
    for (size_t i = 0; i < p->begun; i++)
        if (p->calls[i].stream && draw(p, 3) == 0)
            send_some(p, &p->calls[i]);
    for (list_node *n = list_first(&p->server.c->streams.all), *next; n; n = next) {
        next = list_next(&p->server.c->streams.all, n);
        echo_some(p, CONTAINER_OF(n, h2_stream, all));
    }
    move(p, &p->client, &p->server);
    move(p, &p->server, &p->client);
    p->now += 1000000;
    h2_connection_tick(p->client.c, p->now);
    h2_connection_tick(p->server.c, p->now);
    pull(p, &p->client);
    pull(p, &p->server);
}

/* The peer's window as it sees it, with what is under way either way, is ours as we grant it. */
static void expect_conserved(const h2_connection *sender, const h2_connection *receiver)
{
    assert_int_equal(sender->send_window, receiver->receive.window);
    assert_int_equal(receiver->receive.window + receiver->receive.owed, receiver->receive.target);
    assert_int_equal(receiver->held + receiver->lent, 0);
}

static void run_pair(uint64_t seed, const limits *l)
{
    pair p = { .random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1, .now = 1000000000 };
    h2_options options = { .role = H2_CLIENT, .limits = *l };
    p.client.c = h2_connection_new(&options, p.now);
    options.role = H2_SERVER;
    options.stream_extra = sizeof(echo);
    p.server.c = h2_connection_new(&options, p.now);
    assert_true(p.client.c && p.server.c);
    for (int i = 0; p.done < CALLS; i++) {
        if (i == 100000)
            fail_msg("seed %llu: %zu of %zu calls ended", (unsigned long long)seed, p.done, p.begun);
        run_turn(&p);
    }
    h2_connection_drain(p.client.c, NULL);
    for (int i = 0; i < 2000 && !p.client.is_stopped; i++)
        run_turn(&p);
    for (int i = 0; i < 2000 && (buffer_size(&p.server.wire) || buffer_size(&p.client.wire)); i++)
        run_turn(&p);
    assert_true(p.client.is_stopped && !p.server.is_stopped);
    assert_int_equal(h2_connection_streams(p.server.c), 0);
    assert_true(list_is_empty(&p.server.c->streams.all));
    expect_conserved(p.client.c, p.server.c);
    h2_connection_free(p.client.c);
    h2_connection_free(p.server.c);
    buffer_fini(&p.client.wire);
    buffer_fini(&p.server.wire);
}

static void echoes_come_back_whole(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        run_pair(seed, &(limits){ .connection_window_bytes = 0 });
}

static void echoes_come_back_through_small_windows(void **state)
{
    (void)state;
    static const limits tight = { .stream_window_bytes = 700,
                                  .connection_window_bytes = 65535,
                                  .held_bytes_max = 4000,
                                  .streams_max = 7,
                                  .streams_per_feed_max = 2 };
    for (uint64_t seed = 1; seed <= 6; seed++)
        run_pair(seed, &tight);
}

static void echoes_come_back_through_large_frames(void **state)
{
    (void)state;
    static const limits large = { .frame_bytes_max = 1u << 20,
                                  .stream_window_bytes = 1u << 22,
                                  .connection_window_bytes = 1u << 24,
                                  .header_table_bytes_max = 200 };
    for (uint64_t seed = 1; seed <= 4; seed++)
        run_pair(seed, &large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_come_back_whole),
        cmocka_unit_test(echoes_come_back_through_small_windows),
        cmocka_unit_test(echoes_come_back_through_large_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
