/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile peers: each flood is slowed, then told to calm down; memory and output stay bounded, honest peers are left alone. */
#include "h2/h2_testlib.h"
#include "base/memory.h"

#define SERVER "> PREFACE\n> SETTINGS\n> SETTINGS ACK\n"
#define CHUNK  16384

typedef void maker(buffer *out, uint32_t i);

typedef struct outcome {
    size_t bytes_in, bytes_out;
    uint32_t units;   /* that were taken before the end */
    int64_t took;     /* virtual time */
    size_t input_max; /* bytes kept */
    uint32_t streams_max;
} outcome;

/* Feeds count units as fast as the connection takes them; time passes only while it does not want input. */
static outcome flood(stage *s, maker *make, uint32_t count)
{
    outcome o = { 0 };
    int64_t begin = s->now;
    size_t out_begin = s->bytes_out;
    buffer chunk = { 0 };
    s->is_quiet = true;
    for (uint32_t i = 0; i < count && !s->is_stopped; i++) {
        make(&chunk, i);
        if (buffer_size(&chunk) < CHUNK && i + 1 < count)
            continue;
        for (int turns = 0; !h2_connection_wants_input(s->c) && !s->is_stopped; turns++) {
            assert_true(turns < 100000);
            int64_t deadline = h2_connection_deadline(s->c);
            stage_pass(s, deadline > s->now ? deadline - s->now : 0);
        }
        if (s->is_stopped)
            break;
        o.bytes_in += buffer_size(&chunk);
        stage_feed(s, buffer_bytes(&chunk));
        buffer_consume(&chunk, buffer_size(&chunk));
        o.units = i + 1;
        size_t kept = s->c->input.kept.capacity;
        o.input_max = kept > o.input_max ? kept : o.input_max;
        uint32_t streams = s->c->streams.open + s->c->streams.zombies;
        o.streams_max = streams > o.streams_max ? streams : o.streams_max;
    }
    o.took = s->now - begin;
    o.bytes_out = s->bytes_out - out_begin;
    buffer_fini(&chunk);
    assert_true(o.input_max <= 8 * CHUNK);
    return o;
}

static void expect_calmed(const stage *s, const outcome *o)
{
    assert_true(s->is_stopped);
    assert_int_equal(h2_connection_counters(s->c)->calmed, 1);
    assert_true(o->took >= BUDGET_PATIENCE_NS && o->took < 2 * BUDGET_PATIENCE_NS); /* slowed first */
    assert_true(o->bytes_out <= 4 * o->bytes_in + 1000);
}

static uint32_t id_of(uint32_t i)
{
    return 2 * i + 1;
}

static void put_request(buffer *out, uint32_t id, bool is_end)
{
    frame_put(out, FRAME_HEADERS, FRAME_END_HEADERS | (is_end ? FRAME_END_STREAM : 0), id, "\x82\x86\x84", 3);
}

/* ---- Resets */

static void request_and_reset(buffer *out, uint32_t i)
{
    put_request(out, id_of(i), true);
    frame_put(out, FRAME_RST_STREAM, 0, id_of(i), "\0\0\0\x8", 4);
}

/* CVE-2023-44487 */
static void rapid_reset_is_slowed_then_calmed(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    outcome o = flood(&s, request_and_reset, 30000);
    expect_calmed(&s, &o);
    assert_true(o.units < 5000);
    assert_true(h2_connection_counters(s.c)->reset_slowed >= 40);
    stage_fini(&s);
}

static void a_handler_that_runs_on_is_counted_until_it_returns(void **state)
{
    (void)state;
    limits l = { .streams_max = 10 };
    stage s;
    stage_open(&s, H2_SERVER, &l);
    stage_run(&s, "! hold\n"); /* nobody releases */
    outcome o = flood(&s, request_and_reset, 100);
    assert_int_equal(o.streams_max, 10);
    assert_int_equal(h2_connection_counters(s.c)->streams_refused, 90);
    stage_fini(&s);
}

/* In gRPC a deadline is a reset: 1,000 a second, for ten. */
static void expired_deadlines_cost_nothing(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    s.is_quiet = true;
    for (uint32_t i = 0; i < 10000; i++) {
        buffer in = { 0 };
        put_request(&in, id_of(i), true);
        stage_feed(&s, buffer_bytes(&in));
        for (size_t k = 0; k < s.stream_count; k++)
            if (s.streams[k] && s.streams[k]->id == id_of(i))
                h2_stream_forgive(s.streams[k], s.now + 9 * 1000000);
        buffer_consume(&in, buffer_size(&in));
        if (i >= 10)
            frame_put(&in, FRAME_RST_STREAM, 0, id_of(i - 10), "\0\0\0\x8", 4);
        stage_feed(&s, buffer_bytes(&in));
        buffer_fini(&in);
        s.now += 1000000;
    }
    assert_false(s.is_stopped);
    assert_int_equal(h2_connection_counters(s.c)->reset_slowed, 0);
    assert_int_equal(h2_connection_counters(s.c)->streams_refused, 0);
    assert_int_equal(s.c->budget.resets.tokens, s.c->limits.reset_burst);
    stage_fini(&s);
}

/* Both clocks run out at once: the client's reset finds the stream that we reset ourselves. */
static void resets_that_cross_ours_cost_nothing(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    s.is_quiet = true;
    for (uint32_t i = 0; i < 10000; i++) {
        buffer in = { 0 };
        put_request(&in, id_of(i), true);
        stage_feed(&s, buffer_bytes(&in));
        for (size_t k = 0; k < s.stream_count; k++)
            if (s.streams[k] && s.streams[k]->id == id_of(i))
                h2_stream_reset(s.streams[k], H2_CANCEL);
        buffer_consume(&in, buffer_size(&in));
        frame_put(&in, FRAME_RST_STREAM, 0, id_of(i), "\0\0\0\x8", 4);
        stage_feed(&s, buffer_bytes(&in));
        buffer_fini(&in);
    }
    assert_false(s.is_stopped);
    assert_int_equal(s.c->budget.glitches.tokens, s.c->limits.glitch_burst);
    assert_int_equal(s.c->budget.resets.tokens, s.c->limits.reset_burst);
    stage_fini(&s);
}

static void a_reset_is_charged_only_early_and_unanswered(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s,
              "> HEADERS 1 END REQ\n> HEADERS 3 END REQ\n> HEADERS 5 END REQ\n! s0 headers :status=200\n> RST 1 8\n");
    assert_int_equal(s.c->budget.resets.tokens, 1000);
    stage_run(&s, "> RST 3 8\n");
    assert_int_equal(s.c->budget.resets.tokens, 999);
    stage_run(&s, "@ 1s\n> RST 5 8\n");
    assert_int_equal(s.c->budget.resets.tokens, 999);
    stage_fini(&s);
}

/* CVE-2025-8671: six ways to make us reset. */
static void window_of_zero(buffer *out, uint32_t i)
{
    put_request(out, id_of(i), false);
    frame_put(out, FRAME_WINDOW_UPDATE, 0, id_of(i), "\0\0\0\0", 4);
}

static void window_overflow(buffer *out, uint32_t i)
{
    put_request(out, id_of(i), false);
    frame_put(out, FRAME_WINDOW_UPDATE, 0, id_of(i), "\x7f\xff\xff\xff", 4);
}

static void headers_after_end(buffer *out, uint32_t i)
{
    put_request(out, id_of(i), true);
    put_request(out, id_of(i), true);
}

static void data_after_end(buffer *out, uint32_t i)
{
    put_request(out, id_of(i), true);
    frame_put(out, FRAME_DATA, 0, id_of(i), "x", 1);
}

static void short_priority(buffer *out, uint32_t i)
{
    put_request(out, id_of(i), false);
    frame_put(out, FRAME_PRIORITY, 0, id_of(i), "\0\0\0\0", 4);
}

static void self_dependency(buffer *out, uint32_t i)
{
    char payload[5] = { 0 };
    bytes_put_u32_be(payload, id_of(i));
    put_request(out, id_of(i), false);
    frame_put(out, FRAME_PRIORITY, 0, id_of(i), payload, 5);
}

static void resets_that_a_peer_provokes_are_its_own(void **state)
{
    (void)state;
    static maker *const makers[] = { window_of_zero, window_overflow, headers_after_end,
                                     data_after_end, short_priority,  self_dependency };
    for (size_t k = 0; k < sizeof makers / sizeof makers[0]; k++) {
        stage s;
        stage_open(&s, H2_SERVER, NULL);
        outcome o = flood(&s, makers[k], 20000);
        expect_calmed(&s, &o);
        assert_true(o.units < 5000);
        stage_fini(&s);
    }
}

/* ---- Streams */

static void only_a_request(buffer *out, uint32_t i)
{
    put_request(out, id_of(i), true);
}

static void refusals_are_useless_frames(void **state)
{
    (void)state;
    limits l = { .streams_max = 10 };
    stage s;
    stage_open(&s, H2_SERVER, &l);
    outcome o = flood(&s, only_a_request, 30000);
    expect_calmed(&s, &o);
    assert_int_equal(o.streams_max, 10);
    stage_fini(&s);
}

static void the_limit_of_streams_holds_before_it_is_acknowledged(void **state)
{
    (void)state;
    limits l = { .streams_max = 2 };
    stage s;
    stage_init(&s, H2_SERVER, &l, 0);
    stage_run(&s, "> PREFACE\n> SETTINGS\n> HEADERS 1 REQ\n> HEADERS 3 REQ\n> HEADERS 5 END REQ +a=b\n> RST 1 8\n"
                  "> RAW 000004 01 05 00000007 828684be\n");
    assert_non_null(strstr(s.frames, "RST 5 REFUSED_STREAM\n"));
    assert_non_null(strstr(s.events, "request END :method=GET :scheme=http :path=/ a=b\n")); /* the table is in step */
    stage_fini(&s);
}

static void new_streams_of_one_read_are_put_off(void **state)
{
    (void)state;
    limits l = { .streams_per_feed_max = 32 };
    stage s;
    stage_open(&s, H2_SERVER, &l);
    buffer in = { 0 };
    for (uint32_t i = 0; i < 100; i++)
        only_a_request(&in, i);
    h2_event e;
    uint32_t seen = 0, turns = 0;
    h2_connection_feed(s.c, buffer_bytes(&in), s.now);
    while (seen < 100) {
        uint32_t before = seen;
        while (h2_connection_next_event(s.c, &e))
            seen++;
        assert_true(seen - before <= 32 && seen > before);
        assert_int_equal(h2_connection_wants_input(s.c), seen == 100);
        assert_true(seen == 100 || h2_connection_deadline(s.c) == s.now); /* the next turn goes on at once */
        memset(in.data, 0, in.capacity);                                  /* the bytes were given back */
        h2_connection_tick(s.c, s.now);
        turns++;
    }
    assert_int_equal(turns, 4);
    assert_int_equal(h2_connection_counters(s.c)->streams_put_off, 3);
    for (list_node *n = list_first(&s.c->streams.all); n; n = list_next(&s.c->streams.all, n))
        s.streams[s.stream_count++] = CONTAINER_OF(n, h2_stream, all);
    buffer_fini(&in);
    stage_fini(&s);
}

/* ---- Header blocks */

static void continuations_are_counted(void **state)
{
    (void)state;
    static const char *const scripts[] = { "> CONTINUATION 1 a=b\n",
                                           "> CONTINUATION 1\n" }; /* VU#421644, CVE-2026-33871 */
    for (size_t k = 0; k < 2; k++) {
        stage s;
        stage_open(&s, H2_SERVER, NULL);
        stage_run(&s, "> HEADERS 1 OPEN REQ\n");
        for (int i = 0; i < 8; i++)
            stage_run(&s, scripts[k]);
        assert_false(s.is_stopped);
        stage_run(&s, scripts[k]);
        assert_non_null(strstr(s.frames, "GOAWAY 0 ENHANCE_YOUR_CALM too many CONTINUATION\n"));
        assert_int_equal(h2_connection_counters(s.c)->continuations_exceeded, 1);
        stage_fini(&s);
    }
}

static void a_header_block_is_gathered_up_to_twice_the_limit(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 OPEN REQ a=*16000\n> CONTINUATION 1 a=*16000\n");
    assert_false(s.is_stopped);
    stage_run(&s, "> CONTINUATION 1 a=*2000\n");
    assert_non_null(strstr(s.frames, "GOAWAY 0 ENHANCE_YOUR_CALM header block too long\n"));
    stage_fini(&s);
}

static void a_list_that_is_too_large_leaves_the_table_in_step(void **state)
{
    (void)state;
    static const limits l = { .header_list_bytes_max = 1000, .header_fields_max = 10 };
    static const play plays[] = {
        { "bytes", H2_SERVER, &l, SERVER "> HEADERS 1 END REQ a=*1200 +x=y\n> RAW 000004 01 05 00000003 828684be\n",
          "settings\ns0 request END TOO_LARGE\ns1 request END :method=GET :scheme=http :path=/ x=y\n",
          "SETTINGS ACK\n" },
        { "fields", H2_SERVER, &l,
          SERVER "> HEADERS 1 END REQ a=1 a=1 a=1 a=1 a=1 a=1 a=1 a=1 +x=y\n"
                 "> RAW 000004 01 05 00000003 828684be\n",
          "settings\ns0 request END TOO_LARGE\ns1 request END :method=GET :scheme=http :path=/ x=y\n",
          "SETTINGS ACK\n" },
        { "a bomb: one large entry, many references", H2_SERVER, &l,
          SERVER
          "> HEADERS 1 END REQ +a=*800\n> RAW 000008 01 05 00000003 828684bebebebebe\n! s1 headers END :status=431\n"
          "> RAW 000003 01 05 00000005 828684\n",
          "settings\ns0 request END :method=GET :scheme=http :path=/ a=*800\ns1 request END TOO_LARGE\ns1 closed\n"
          "s2 request END :method=GET :scheme=http :path=/\n",
          "SETTINGS ACK\nHEADERS 3 END :status=431\n" },
        { "of a response", H2_CLIENT, &l,
          "> SETTINGS\n! open\n! s0 headers END :method=GET\n> HEADERS 1 RES a=*1200\n! s0 reset 8\n",
          "settings\ns0 response TOO_LARGE\ns0 closed CANCEL local\n",
          "SETTINGS ACK\nHEADERS 1 END :method=GET\nRST 1 CANCEL\n" },
    };
    PLAY_ALL(plays);
}

/* ---- Frames without use */

static void settings_unit(buffer *out, uint32_t i)
{
    (void)i;
    frame_put(out, FRAME_SETTINGS, 0, 0, "", 0);
}

static void oscillation_unit(buffer *out, uint32_t i)
{
    frame_put(out, FRAME_SETTINGS, 0, 0, i % 2 ? "\0\x4\0\0\0\0" : "\0\x4\x7f\xff\xff\xff", 6);
}

static void priority_unit(buffer *out, uint32_t i)
{
    (void)i;
    frame_put(out, FRAME_PRIORITY, 0, 9, "\0\0\0\0\0", 5);
}

static void window_unit(buffer *out, uint32_t i)
{
    (void)i;
    frame_put(out, FRAME_WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4);
}

static void unknown_unit(buffer *out, uint32_t i)
{
    frame_put(out, 10 + i % 200, 0xff, i % 7, "ALTSVC", 6);
}

static void settings_ack_unit(buffer *out, uint32_t i)
{
    (void)i;
    frame_put(out, FRAME_SETTINGS, FRAME_ACK, 0, "", 0);
}

static void ping_ack_unit(buffer *out, uint32_t i)
{
    (void)i;
    frame_put(out, FRAME_PING, FRAME_ACK, 0, "12345678", 8);
}

static void late_data_unit(buffer *out, uint32_t i)
{
    (void)i;
    frame_put(out, FRAME_DATA, 0, 1, "x", 1);
}

static void useless_frames_are_slowed_then_calmed(void **state)
{
    (void)state;
    static maker *const makers[] = { settings_unit, oscillation_unit,  priority_unit, window_unit,
                                     unknown_unit,  settings_ack_unit, ping_ack_unit, late_data_unit };
    for (size_t k = 0; k < sizeof makers / sizeof makers[0]; k++) {
        stage s;
        stage_open(&s, H2_SERVER, &(limits){ .stream_window_bytes = 500 });
        stage_run(&s, "> HEADERS 1 REQ\n! s0 reset 8\n");
        outcome o = flood(&s, makers[k], 100000);
        expect_calmed(&s, &o);
        assert_true(h2_connection_counters(s.c)->glitch_slowed >= 40);
        stage_fini(&s);
    }
}

/* An upload in small frames that we cut off: what fills the window was under way. */
static void data_that_was_under_way_costs_nothing(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 REQ\n! s0 reset 8\n");
    uint32_t glitches = s.c->budget.glitches.tokens;
    flood(&s, late_data_unit, 262144);
    assert_int_equal(s.c->budget.glitches.tokens, glitches);
    flood(&s, late_data_unit, 100);
    assert_true(s.c->budget.glitches.tokens < glitches);
    assert_false(s.is_stopped);
    stage_fini(&s);
}

static void a_settings_of_thousands_of_entries_is_refused(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    char payload[33 * 6] = { 0 };
    buffer in = { 0 };
    frame_put(&in, FRAME_SETTINGS, 0, 0, payload, 32 * 6);
    stage_feed(&s, buffer_bytes(&in));
    assert_false(s.is_stopped);
    buffer_consume(&in, buffer_size(&in));
    frame_put(&in, FRAME_SETTINGS, 0, 0, payload, 33 * 6);
    stage_feed(&s, buffer_bytes(&in));
    assert_non_null(strstr(s.frames, "GOAWAY 0 ENHANCE_YOUR_CALM too many entries in one SETTINGS\n"));
    assert_int_equal(h2_connection_counters(s.c)->settings_too_long, 1);
    buffer_fini(&in);
    stage_fini(&s);
}

/* gRFC A8 */
static void pings_too_early_are_strikes(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 REQ\n> PING 1\n> PING 2\n> PING 3\n");
    assert_false(s.is_stopped);
    stage_run(&s, "! s0 headers :status=200\n> PING 4\n> PING 5\n> PING 6\n@ 301s\n> PING 7\n");
    assert_false(s.is_stopped); /* sending forgave the strikes, and the last one was in time */
    stage_run(&s, "> PING 8\n");
    assert_non_null(strstr(s.frames, "GOAWAY 1 ENHANCE_YOUR_CALM too_many_pings\n"));
    assert_int_equal(h2_connection_counters(s.c)->ping_strikes, 1);
    stage_fini(&s);
    stage_open(&s, H2_SERVER, NULL); /* without calls: one in two hours */
    stage_run(&s, "> PING 1\n@ 301s\n> PING 2\n@ 301s\n> PING 3\n@ 7200s\n> PING 4\n");
    assert_false(s.is_stopped);
    stage_run(&s, "@ 301s\n> PING 5\n");
    assert_true(s.is_stopped);
    stage_fini(&s);
}

static void empty_data_in_a_row_is_bounded(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 REQ\n");
    for (int i = 0; i < 100; i++)
        stage_run(&s, "> DATA 1\n");
    stage_run(&s, "> DATA 1 x\n> DATA 1 PAD=3\n");
    assert_false(s.is_stopped);
    for (int i = 0; i < 100; i++)
        stage_run(&s, "> DATA 1\n");
    assert_non_null(strstr(s.frames, "GOAWAY 1 ENHANCE_YOUR_CALM too many empty DATA\n"));
    stage_fini(&s);
}

static void one_byte_of_data(buffer *out, uint32_t i)
{
    (void)i;
    frame_put(out, FRAME_DATA, 0, 1, "x", 1);
}

static void tiny_data_costs_no_memory(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 REQ\n");
    flood(&s, one_byte_of_data, 2000); /* warm */
    memory_watch(0);
    for (int i = 0; i < 30; i++) {
        h2_event e;
        static char frames[2000 * 10];
        for (int k = 0; k < 2000; k++) {
            frame_encode(frames + k * 10, (frame){ .type = FRAME_DATA, .length = 1, .stream_id = 1 });
            frames[k * 10 + 9] = 'x';
        }
        h2_connection_feed(s.c, (proa_bytes){ frames, sizeof frames }, s.now);
        while (h2_connection_next_event(s.c, &e))
            h2_stream_consume(e.stream, e.bytes.size);
        for (h2_output out; h2_connection_emit(s.c, &out, s.now);)
            h2_connection_sent(s.c, out.size);
    }
    assert_int_equal(memory_unwatch(), 0);
    assert_false(s.is_stopped);
    stage_fini(&s);
}

/* CVE-2019-9511: the peer opens its window byte by byte. */
static void one_byte_of_window(buffer *out, uint32_t i)
{
    (void)i;
    frame_put(out, FRAME_WINDOW_UPDATE, 0, 1, "\0\0\0\1", 4);
}

static void a_window_opened_byte_by_byte_is_not_paid_for(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> SETTINGS 4=0\n> HEADERS 1 REQ\n! s0 headers :status=200\n! s0 slice *200000\n");
    outcome o = flood(&s, one_byte_of_window, 100000);
    expect_calmed(&s, &o);
    stage_fini(&s);
}

static void honest_windows_cost_nothing(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 REQ\n! s0 headers :status=200\n");
    uint32_t glitches = s.c->budget.glitches.tokens;
    for (int i = 0; i < 1000; i++) /* two for each frame, at one instant */
        stage_run(&s, "! s0 data *16384\n> WINDOW 0 16384\n> WINDOW 1 16384\n");
    assert_int_equal(s.c->budget.glitches.tokens, glitches);
    assert_int_equal(s.came_out[FRAME_DATA], 1000);
    stage_fini(&s);
}

/* ---- Slow peers, and those that do not read */

static void a_peer_that_does_not_read_is_not_read(void **state)
{
    (void)state;
    limits l = { .output_control_max = 100, .ping_strikes_max = 1000000, .glitch_burst = 1000000 };
    stage s;
    stage_open(&s, H2_SERVER, &l);
    stage_run(&s, "! block\n");
    buffer in = { 0 };
    for (uint32_t i = 0; i < 5000; i++)
        frame_put(&in, FRAME_PING, 0, 0, "12345678", 8);
    h2_event e;
    h2_connection_feed(s.c, buffer_bytes(&in), s.now);
    assert_false(h2_connection_next_event(s.c, &e));
    assert_false(h2_connection_wants_input(s.c));
    assert_int_equal(s.c->output.controls, 101);
    assert_int_equal(h2_connection_counters(s.c)->output_stalls, 1);
    h2_output out;
    assert_true(h2_connection_emit(s.c, &out, s.now));
    assert_int_equal(s.c->stalled_since, s.now);
    s.is_blocked = false;
    s.is_quiet = true;
    stage_turn(&s); /* it reads again: all are answered */
    assert_int_equal(s.came_out[FRAME_PING], 5000);
    buffer_fini(&in);
    stage_fini(&s);
}

static void a_write_that_stalls_ends_the_connection(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 REQ\n! block\n! s0 headers :status=200\n");
    h2_output out;
    assert_true(h2_connection_emit(s.c, &out, s.now));
    stage_run(&s, "@ 29s\n");
    assert_false(s.is_stopped);
    h2_connection_sent(s.c, 1); /* a byte is progress */
    assert_true(h2_connection_emit(s.c, &out, s.now));
    stage_run(&s, "@ 29s\n");
    assert_false(s.is_stopped);
    stage_run(&s, "@ 1s\n");
    assert_non_null(strstr(s.events, "stopped INTERNAL_ERROR: the peer reads nothing\n"));
    assert_true(h2_connection_is_over(s.c));
    assert_int_equal(h2_connection_counters(s.c)->writes_stalled, 1);
    stage_fini(&s);
}

static void drips_are_cut_off(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int64_t after;
        const char *stopped;
    } cases[] = {
        { "", 5, "stopped PROTOCOL_ERROR: no connection preface in time\n" },
        { "> PREFACE\n@ 4s\n", 1, "stopped PROTOCOL_ERROR: no connection preface in time\n" },
        { "> PREFACE\n> SETTINGS\n@ 4s\n", 6, "stopped SETTINGS_TIMEOUT: SETTINGS not acknowledged in time\n" },
        { SERVER "> HEADERS 1 OPEN REQ\n@ 4s\n> CONTINUATION 1 a=b\n@ 4s\n", 2,
          "stopped ENHANCE_YOUR_CALM: a frame took too long\n" },
        { SERVER "> RAW 000010 01\n@ 4s\n> RAW 04 000000\n@ 4s\n", 2,
          "stopped ENHANCE_YOUR_CALM: a frame took too long\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stage s;
        stage_init(&s, H2_SERVER, NULL, 0);
        stage_turn(&s);
        stage_run(&s, cases[i].script);
        int64_t end = s.now + cases[i].after * INT64_C(1000000000);
        while (s.now < end && !s.is_stopped) {
            int64_t deadline = h2_connection_deadline(s.c);
            assert_true(deadline > s.now);
            stage_pass(&s, deadline < end ? deadline - s.now : end - s.now);
            assert_true(!s.is_stopped || s.now == end);
        }
        if (!strstr(s.events, cases[i].stopped))
            fail_msg("case %zu: %s", i, s.events);
        stage_fini(&s);
    }
}

static void a_body_may_drip(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 REQ\n> RAW 000005 00 01 00000001 6161\n@ 3600s\n> RAW 616161\n");
    assert_non_null(strstr(s.events, "data *5 END\n"));
    stage_fini(&s);
}

/* ---- Hostile servers */

static void informational_unit(buffer *out, uint32_t i)
{
    (void)i;
    frame_line(out, "HEADERS 1 :status=103");
}

static void goaway_unit(buffer *out, uint32_t i)
{
    char payload[8] = { 0 };
    bytes_put_u32_be(payload, i % 2 ? 1 : 0x7fffffff);
    frame_put(out, FRAME_GOAWAY, 0, 0, payload, 8);
}

static void ping_unit(buffer *out, uint32_t i)
{
    (void)i;
    frame_put(out, FRAME_PING, 0, 0, "12345678", 8);
}

static void a_client_defends_itself_as_well(void **state)
{
    (void)state;
    static maker *const makers[] = { informational_unit, goaway_unit, ping_unit };
    for (size_t k = 0; k < sizeof makers / sizeof makers[0]; k++) {
        stage s;
        stage_open(&s, H2_CLIENT, NULL);
        stage_run(&s, "! open\n! s0 headers :method=POST\n");
        outcome o = flood(&s, makers[k], 100000);
        expect_calmed(&s, &o);
        stage_fini(&s);
    }
}

/* ---- Bookkeeping */

/* CVE-2023-35945: whatever a stream's end, nothing of it stays. And steady state allocates nothing. */
static void forty_thousand_streams_leave_nothing(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    static const hpack_field status = { .name = { ":status", 7 }, .value = { "200", 3 }, .token = HPACK_NAME_STATUS };
    size_t allocations = 0;
    for (uint32_t i = 0; i < 40000; i++) {
        if (i == 1000)
            memory_watch(0);
        char in[64];
        frame_encode(in,
                     (frame){ .type = FRAME_HEADERS, .flags = FRAME_END_HEADERS, .length = 3, .stream_id = id_of(i) });
        memcpy(in + 9, "\x82\x86\x84", 3);
        frame_encode(in + 12,
                     (frame){ .type = FRAME_DATA, .flags = FRAME_END_STREAM, .length = 2, .stream_id = id_of(i) });
        memcpy(in + 21, "hi", 2);
        h2_connection_feed(s.c, (proa_bytes){ in, 23 }, s.now);
        for (h2_event e; h2_connection_next_event(s.c, &e);) {
            if (e.type == H2_EVENT_DATA) {
                h2_stream_consume(e.stream, e.bytes.size);
                assert_int_equal(h2_stream_send_headers(e.stream, &status, 1, false), 0);
                assert_int_equal(h2_stream_send_data(e.stream, &e.bytes, 1, true), 0);
            }
            if (e.type == H2_EVENT_CLOSED)
                h2_stream_release(e.stream);
        }
        for (h2_output out; h2_connection_emit(s.c, &out, s.now);)
            h2_connection_sent(s.c, out.size);
        if (i % 16 == 0) { /* the peer gives its credit back */
            frame_encode(in, (frame){ .type = FRAME_WINDOW_UPDATE, .length = 4 });
            bytes_put_u32_be(in + 9, 32);
            h2_connection_feed(s.c, (proa_bytes){ in, 13 }, s.now);
            for (h2_event e; h2_connection_next_event(s.c, &e);)
                fail();
        }
    }
    allocations = memory_unwatch();
    assert_int_equal(allocations, 0);
    assert_int_equal(s.c->streams.table.count, 0);
    assert_true(list_is_empty(&s.c->streams.all));
    stage_fini(&s);
}

static void an_idle_connection_is_small(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s,
              "> HEADERS 1 OPEN REQ a=*3000\n> CONTINUATION 1 LAST b=*3000\n> DATA 1 *9000\n! s0 headers :status=200\n"
              "! s0 data END *60000\n> DATA 1 END\n");
    assert_int_equal(h2_connection_streams(s.c), 0);
    stage_run(&s, "@ 1s\n@ 1s\n");
    assert_int_equal(h2_connection_deadline(s.c), INT64_MAX);
    assert_null(s.c->input.kept.data);
    assert_null(s.c->block.bytes.data);
    assert_null(s.c->output.queue.bytes.data);
    assert_ptr_equal(s.c->streams.table.slots, s.c->streams.table.few);
    assert_true(sizeof *s.c < 1536);
    stage_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rapid_reset_is_slowed_then_calmed),
        cmocka_unit_test(a_handler_that_runs_on_is_counted_until_it_returns),
        cmocka_unit_test(expired_deadlines_cost_nothing),
        cmocka_unit_test(resets_that_cross_ours_cost_nothing),
        cmocka_unit_test(a_reset_is_charged_only_early_and_unanswered),
        cmocka_unit_test(resets_that_a_peer_provokes_are_its_own),
        cmocka_unit_test(refusals_are_useless_frames),
        cmocka_unit_test(the_limit_of_streams_holds_before_it_is_acknowledged),
        cmocka_unit_test(new_streams_of_one_read_are_put_off),
        cmocka_unit_test(continuations_are_counted),
        cmocka_unit_test(a_header_block_is_gathered_up_to_twice_the_limit),
        cmocka_unit_test(a_list_that_is_too_large_leaves_the_table_in_step),
        cmocka_unit_test(useless_frames_are_slowed_then_calmed),
        cmocka_unit_test(data_that_was_under_way_costs_nothing),
        cmocka_unit_test(a_settings_of_thousands_of_entries_is_refused),
        cmocka_unit_test(pings_too_early_are_strikes),
        cmocka_unit_test(empty_data_in_a_row_is_bounded),
        cmocka_unit_test(tiny_data_costs_no_memory),
        cmocka_unit_test(a_window_opened_byte_by_byte_is_not_paid_for),
        cmocka_unit_test(honest_windows_cost_nothing),
        cmocka_unit_test(a_peer_that_does_not_read_is_not_read),
        cmocka_unit_test(a_write_that_stalls_ends_the_connection),
        cmocka_unit_test(drips_are_cut_off),
        cmocka_unit_test(a_body_may_drip),
        cmocka_unit_test(a_client_defends_itself_as_well),
        cmocka_unit_test(forty_thousand_streams_leave_nothing),
        cmocka_unit_test(an_idle_connection_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
