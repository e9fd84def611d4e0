/* SPDX-License-Identifier: Apache-2.0 */
/* Windows that grow with what is under way: the arithmetic, then two engines on a path of 50 ms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "h2/connection.h"

#define MS INT64_C(1000000)
#define KB 1024u
#define MB (1024u * KB)

/* One round trip in which `size` bytes come in frames of 16 KiB. */
static uint32_t round_trip(bandwidth *b, int64_t *now, int64_t rtt_ns, uint32_t size)
{
    while (!bandwidth_received(b, 16 * KB, *now)) {}
    for (uint32_t at = 0; at < size; at += 16 * KB)
        assert_false(bandwidth_received(b, 16 * KB, *now));
    *now += rtt_ns;
    return bandwidth_answered(b, *now);
}

static void a_full_window_doubles(void **state)
{
    (void)state;
    bandwidth b;
    int64_t now = 0;
    bandwidth_init(&b, 256 * KB, 16 * MB);
    assert_int_equal(round_trip(&b, &now, 50 * MS, 256 * KB), 512 * KB);
    assert_int_equal(round_trip(&b, &now, 50 * MS, 512 * KB), 1 * MB);
    assert_int_equal(round_trip(&b, &now, 50 * MS, 1 * MB), 2 * MB);
}

static void it_stops_at_its_bound_and_asks_no_more(void **state)
{
    (void)state;
    bandwidth b;
    int64_t now = 0;
    bandwidth_init(&b, 256 * KB, 300 * KB);
    assert_int_equal(round_trip(&b, &now, 50 * MS, 256 * KB), 300 * KB);
    for (int i = 0; i < 10000; i++)
        assert_false(bandwidth_received(&b, 16 * KB, now));
    bandwidth_init(&b, 256 * KB, 256 * KB);
    assert_false(bandwidth_received(&b, UINT32_MAX, now));
}

static void a_window_with_room_in_it_stays(void **state)
{
    (void)state;
    bandwidth b;
    int64_t now = 0;
    bandwidth_init(&b, 256 * KB, 16 * MB);
    for (int i = 0; i < 10; i++)
        assert_int_equal(round_trip(&b, &now, 50 * MS, 128 * KB), 256 * KB);
}

/* More bytes in a longer time: the path is full, and a larger window would only fill queues on the way. */
static void slower_is_not_larger(void **state)
{
    (void)state;
    bandwidth b;
    int64_t now = 0;
    bandwidth_init(&b, 256 * KB, 16 * MB);
    assert_int_equal(round_trip(&b, &now, 10 * MS, 256 * KB), 512 * KB);
    assert_int_equal(round_trip(&b, &now, 400 * MS, 512 * KB), 512 * KB);
}

static void few_bytes_cost_no_pings(void **state)
{
    (void)state;
    bandwidth b;
    unsigned pings = 0;
    bandwidth_init(&b, 256 * KB, 16 * MB);
    for (int i = 0; i < 10000; i++) /* calls of 107 bytes, each answered at once */
        if (bandwidth_received(&b, 107, i * MS)) {
            pings++;
            bandwidth_answered(&b, i * MS + 1);
        }
    assert_in_range(pings, 1, 10000 * 107 / (128 * KB) + 1);
}

static void a_clock_that_stands_still_is_borne(void **state)
{
    (void)state;
    bandwidth b;
    int64_t now = 5;
    bandwidth_init(&b, 64 * KB, 16 * MB);
    assert_int_equal(round_trip(&b, &now, 0, 64 * KB), 128 * KB);
    assert_int_equal(round_trip(&b, &now, INT64_MAX / 2, 128 * KB), 128 * KB);
}

/* ---- A path */

enum { DELAY_MS = 25, RATE = 40000 /* bytes in a millisecond */, SECONDS = 3 };

typedef struct side {
    h2_connection *c;
    buffer wire[DELAY_MS + 1]; /* what it wrote, by the millisecond of its arrival */
    h2_stream *stream;
    uint64_t heard, heard_last; /* of DATA; in the last second */
    bool has_stopped;
} side;

typedef struct path {
    side client, server;
    int64_t at;
    bool is_last;
} path;

static void events_of(path *p, side *s)
{
    h2_event e;
    static const hpack_field ok[] = { { .token = HPACK_NAME_STATUS, .value = PROA_STR_INIT("200") } };
    while (h2_connection_next_event(s->c, &e)) {
        if (e.type == H2_EVENT_DATA) {
            s->heard += e.bytes.size;
            s->heard_last += p->is_last ? e.bytes.size : 0;
            h2_stream_consume(e.stream, e.bytes.size);
        } else if (e.type == H2_EVENT_HEADERS && s == &p->server) {
            s->stream = e.stream;
            assert_int_equal(h2_stream_send_headers(s->stream, ok, 1, false), PROA_ERR_NONE);
        } else if (e.type == H2_EVENT_STOPPED) {
            s->has_stopped = true;
        }
    }
}

static void write_of(path *p, side *s)
{
    buffer *to = &s->wire[(p->at + DELAY_MS) % (DELAY_MS + 1)];
    h2_output out;
    while (buffer_size(to) < RATE && h2_connection_emit(s->c, &out, p->at * MS)) {
        size_t left = RATE - buffer_size(to), taken = 0;
        for (size_t i = 0; i < out.count && left; i++) {
            size_t n = out.parts[i].size < left ? out.parts[i].size : left;
            assert_int_equal(buffer_append(to, out.parts[i].data, n), PROA_ERR_NONE);
            left -= n;
            taken += n;
        }
        h2_connection_sent(s->c, taken);
    }
}

static void step(path *p, side *from, side *to)
{
    buffer *wire = &from->wire[p->at % (DELAY_MS + 1)];
    if (buffer_size(wire))
        h2_connection_feed(to->c, buffer_bytes(wire), p->at * MS);
    events_of(p, to);
    buffer_consume(wire, buffer_size(wire));
    if (h2_connection_deadline(to->c) <= p->at * MS)
        h2_connection_tick(to->c, p->at * MS);
    assert_null(h2_connection_audit(to->c));
}

static void push(side *s)
{
    static char zeros[128 * KB];
    proa_bytes part = { zeros, sizeof zeros };
    while (s->stream && h2_stream_queued(s->stream) < 256 * KB)
        assert_int_equal(h2_stream_send_data(s->stream, &part, 1, false), PROA_ERR_NONE);
}

/* One stream of bytes, up or down; returns what came in the last second. */
static uint64_t stream_over(path *p, limits limits, bool is_down)
{
    static const hpack_field get[] = { { .token = HPACK_NAME_METHOD, .value = PROA_STR_INIT("POST") },
                                       { .token = HPACK_NAME_SCHEME, .value = PROA_STR_INIT("http") },
                                       { .token = HPACK_NAME_PATH, .value = PROA_STR_INIT("/") } };
    *p = (path){ .at = 0 };
    p->client.c = h2_connection_new(&(h2_options){ .role = H2_CLIENT, .limits = limits }, 0);
    p->server.c = h2_connection_new(&(h2_options){ .role = H2_SERVER, .limits = limits }, 0);
    p->client.stream = h2_stream_open(p->client.c);
    assert_int_equal(h2_stream_send_headers(p->client.stream, get, 3, false), PROA_ERR_NONE);
    for (; p->at < SECONDS * 1000; p->at++) {
        p->is_last = p->at >= (SECONDS - 1) * 1000;
        step(p, &p->client, &p->server);
        step(p, &p->server, &p->client);
        push(is_down ? &p->server : &p->client);
        write_of(p, &p->client);
        write_of(p, &p->server);
    }
    assert_false(p->client.has_stopped || p->server.has_stopped);
    return is_down ? p->client.heard_last : p->server.heard_last;
}

static void end(path *p)
{
    for (side *s = &p->client; s; s = s == &p->client ? &p->server : NULL) {
        h2_connection_free(s->c);
        h2_stream_release(s->stream);
        for (size_t i = 0; i <= DELAY_MS; i++)
            buffer_fini(&s->wire[i]);
    }
}

static void a_long_path_fills(void **state)
{
    (void)state;
    for (int is_down = 0; is_down < 2; is_down++) {
        path p;
        uint64_t last = stream_over(&p, (limits){ 0 }, is_down);
        const h2_connection *to = is_down ? p.client.c : p.server.c, *from = is_down ? p.server.c : p.client.c;
        assert_true(last > 1000 * RATE / 10 * 9); /* and not 20 windows of 256 KiB */
        assert_true(to->stream_window > 2 * DELAY_MS * RATE);
        assert_true(to->stream_window <= to->limits.window_bytes_max);
        assert_true(to->receive.target <= to->receive_base + to->limits.held_bytes_max);
        assert_true(to->counters.windows_grown >= 2 && to->counters.windows_grown <= 8);
        /* Each PING paid for by DATA: a server counts no strike (gRFC A8). */
        assert_true(from->counters.pings_received >= to->counters.windows_grown);
        assert_int_equal(from->ping.strikes, 0);
        end(&p);
    }
}

static void windows_that_were_chosen_stay(void **state)
{
    (void)state;
    path p;
    uint64_t last = stream_over(&p, (limits){ .stream_window_bytes = 256 * KB }, false);
    assert_in_range(last, 15 * 256 * KB, 21 * 256 * KB);
    assert_int_equal(p.server.c->counters.windows_grown, 0);
    assert_int_equal(p.client.c->counters.pings_received, 0);
    end(&p);
    last = stream_over(&p, (limits){ .stream_window_bytes = 128 * KB, .window_bytes_max = 512 * KB }, false);
    assert_in_range(last, 15 * 512 * KB, 21 * 512 * KB);
    assert_int_equal(p.server.c->stream_window, 512 * KB);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_window_doubles),
        cmocka_unit_test(it_stops_at_its_bound_and_asks_no_more),
        cmocka_unit_test(a_window_with_room_in_it_stays),
        cmocka_unit_test(slower_is_not_larger),
        cmocka_unit_test(few_bytes_cost_no_pings),
        cmocka_unit_test(a_clock_that_stands_still_is_borne),
        cmocka_unit_test(a_long_path_fills),
        cmocka_unit_test(windows_that_were_chosen_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
