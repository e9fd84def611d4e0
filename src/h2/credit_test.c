/* SPDX-License-Identifier: Apache-2.0 */
/* Flow control of the whole connection, both ways: who gets credit back, when, and who waits for it. */
#include "h2/h2_testlib.h"

#define SERVER "> PREFACE\n> SETTINGS\n> SETTINGS ACK\n"
#define POST   "HEADERS 1 REQ\n"

static const limits small = { .stream_window_bytes = 1000, .connection_window_bytes = 65535, .held_bytes_max = 2000 };

static void expect_exact(const stage *s, size_t withheld)
{
    assert_int_equal(s->c->receive.window + s->c->receive.owed, s->c->receive.target - withheld);
}

/* ---- Receiving */

static void a_quarter_of_the_window_goes_back_at_once(void **state)
{
    (void)state;
    static const play plays[] = {
        { "consumed", H2_SERVER, &small,
          SERVER "! hold\n> " POST "> DATA 1 *249\n! s0 consume 249\n> DATA 1 x\n! s0 consume 1\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 data *250\n", "SETTINGS ACK\nWINDOW 1 250\n" },
        { "padding goes back though nobody consumes it", H2_SERVER, &small,
          SERVER "! hold\n> " POST "> DATA 1 PAD=255 x\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 data *1\n", "SETTINGS ACK\nWINDOW 1 256\n" },
        { "a stream whose peer ended gets none", H2_SERVER, &small,
          SERVER "! hold\n> " POST "> DATA 1 END *900\n! s0 consume 900\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 data *900 END\n", "SETTINGS ACK\n" },
        { "over the window of the stream", H2_SERVER, &small, SERVER "! hold\n> " POST "> DATA 1 *600\n> DATA 1 *401\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 data *600\ns0 closed FLOW_CONTROL_ERROR local\n",
          "SETTINGS ACK\nRST 1 FLOW_CONTROL_ERROR\n" },
        { "the whole window, to the byte", H2_SERVER, &small, SERVER "! hold\n> " POST "> DATA 1 *1000\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 data *1000\n", "SETTINGS ACK\n" },
        { "until it is acknowledged our smaller window does not hold", H2_SERVER, &small,
          "> PREFACE\n> SETTINGS\n! hold\n> " POST "> DATA 1 *5000\n> SETTINGS ACK\n> DATA 1 x\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 data *5000\ns0 closed FLOW_CONTROL_ERROR local\n",
          "SETTINGS ACK\nRST 1 FLOW_CONTROL_ERROR\n" },
    };
    PLAY_ALL(plays);
}

static void padding_finds_room_up_to_the_last_byte_of_a_message(void **state)
{
    (void)state;
    enum { FRAME = 1 + 1 + 255 };
    stage s;
    stage_open(&s, H2_SERVER, &small);
    stage_run(&s, "! hold\n> " POST "> DATA 1 *500\n! s0 want 600\n");
    for (int left = 600; left > 0; left--) {
        assert_true(s.streams[0]->receive.window >= FRAME);
        char line[64];
        snprintf(line, sizeof line, "> DATA 1 PAD=255 x\n! s0 want %d\n", left - 1);
        stage_run(&s, line);
    }
    expect_exact(&s, 0);
    assert_true(s.streams[0]->receive.debt <= 600 + FRAME);
    stage_fini(&s);
}

/* A proxy reads frames in order and may have much to pass on before; a larger window binds nobody. */
static void a_larger_window_has_no_time_limit_to_be_acknowledged(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, &small);
    credit_grow(s.c, 4000);
    stage_run(&s, "@ 60s\n");
    assert_int_equal(s.c->settings_waiting, 1);
    assert_false(connection_is_stopped(s.c));
    stage_run(&s, "> SETTINGS ACK\n");
    assert_int_equal(s.c->settings_waiting, 0);
    assert_false(connection_is_stopped(s.c));
    stage_fini(&s);
}

/* The value that a peer assumes before any SETTINGS, and not the one that it has. */
static void a_window_that_grows_to_the_default_is_announced(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, &small);
    credit_grow(s.c, SETTINGS_WINDOW_DEFAULT);
    stage_turn(&s);
    assert_non_null(strstr(s.frames, "SETTINGS 4=65535\n"));
    stage_fini(&s);
}

static void a_window_is_negative_after_a_smaller_one_was_acknowledged(void **state)
{
    (void)state;
    stage s;
    stage_init(&s, H2_SERVER, &small, 0);
    stage_run(&s, "> PREFACE\n> SETTINGS\n! hold\n> " POST "> DATA 1 *5000\n> SETTINGS ACK\n");
    assert_int_equal(s.streams[0]->receive.window, 1000 - 5000);
    stage_expect(&s, NULL, NULL);
    stage_run(&s, "! s0 consume 5000\n");
    stage_expect(&s, "", "WINDOW 1 5000\n");
    assert_int_equal(s.streams[0]->receive.window, 1000);
    stage_fini(&s);
}

static void credit_of_the_connection_goes_back_on_receipt_until_too_much_is_held(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, &small);
    stage_run(
        &s, "! hold\n> HEADERS 1 REQ\n> HEADERS 3 REQ\n> HEADERS 5 REQ\n> DATA 1 *1000\n> DATA 3 *1000\n> DATA 5 *1\n");
    expect_exact(&s, 0); /* the first bytes of a stream are always free */
    stage_run(&s, "> DATA 5 *900\n");
    expect_exact(&s, 900);
    assert_int_equal(h2_connection_counters(s.c)->held_exceeded, 1);
    stage_run(&s, "! s2 consume 500\n");
    expect_exact(&s, 400);
    stage_run(&s, "> RST 5 8\n");
    expect_exact(&s, 400);
    stage_run(&s, "! s2 release\n");
    expect_exact(&s, 0);
    stage_fini(&s);
}

static void a_peer_that_ignores_the_connection_window_is_cut_off(void **state)
{
    (void)state;
    static const limits tight = { .stream_window_bytes = 100000,
                                  .connection_window_bytes = 65535,
                                  .held_bytes_max = 1 };
    stage s;
    stage_open(&s, H2_SERVER, &tight);
    stage_run(&s,
              "! hold\n> " POST "> DATA 1 *1\n> DATA 1 *16383\n> DATA 1 *16384\n> DATA 1 *16384\n> DATA 1 *16383\n");
    expect_exact(&s, 65534);
    assert_int_equal(s.c->receive.window, 1); /* the first byte's, announced as the window ran low */
    stage_run(&s, "> DATA 1 *1\n> DATA 1 *1\n");
    assert_non_null(strstr(s.events, "stopped FLOW_CONTROL_ERROR: DATA over the connection's window\n"));
    stage_fini(&s);
}

static void a_waiting_reader_opens_the_window_as_far_as_it_waits(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, &small);
    stage_run(&s, "! hold\n> " POST "! s0 want 1500\n");
    stage_expect(&s, NULL, "WINDOW 1 500\n");
    stage_run(&s, "! s0 want 800\n> DATA 1 *1500\n");
    stage_expect(&s, NULL, "");
    stage_run(&s, "! s0 consume 1500\n");
    stage_expect(&s, NULL, "WINDOW 1 1000\n"); /* back to its size: what was lent is paid */
    assert_int_equal(s.c->lent, 0);
    stage_fini(&s);
}

static void what_is_lent_to_waiting_readers_is_bounded_and_goes_in_turn(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, &small);
    stage_run(
        &s,
        "! hold\n> HEADERS 1 REQ\n> HEADERS 3 REQ\n> HEADERS 5 REQ\n! s0 want 9000\n! s1 want 1500\n! s2 want 1200\n");
    stage_expect(&s, NULL, "WINDOW 1 8000\n"); /* one always may; the others wait */
    stage_run(&s, "> DATA 1 *9000\n");
    expect_exact(&s, 0);
    stage_expect(&s, NULL, "");
    stage_run(&s, "! s0 consume 9000\n");
    stage_expect(&s, NULL, "WINDOW 3 500\nWINDOW 5 200\nWINDOW 1 1000\n");
    stage_fini(&s);
}

/* Messages over the bound, each begun on a loan: when all who owe wait for more, one of them gets it and then pays. */
static void readers_that_all_wait_for_each_others_loans_go_on_one_by_one(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, &small);
    stage_run(&s, "! hold\n> " POST "> DATA 1 *500\n! s0 want 600\n> DATA 1 *600\n"
                  "! s0 want 2500\n");
    assert_int_equal(s.streams[0]->receive.window, 2500); /* its own loan alone is no reason to wait */
    stage_run(&s, "> DATA 1 *2500\n! s0 consume 3600\n");
    assert_int_equal(s.c->lent, 0);
    stage_run(&s, "> DATA 1 *500\n! s0 want 600\n> DATA 1 *600\n"
                  "> HEADERS 3 REQ\n> DATA 3 *500\n! s1 want 600\n> DATA 3 *600\n");
    assert_int_equal(s.c->lent, 200);
    stage_run(&s, "! s0 want 1900\n");
    assert_int_equal(s.streams[0]->receive.window, 0); /* the other one may pay */
    stage_run(&s, "! s1 want 1900\n");
    assert_int_equal(s.streams[1]->receive.window, 1900); /* no: nobody would */
    stage_run(&s, "> DATA 3 *1900\n! s1 consume 3000\n");
    assert_int_equal(s.streams[0]->receive.window, 1900);
    expect_exact(&s, 0);
    stage_fini(&s);
}

static void credit_is_exact_after_ten_thousand_reset_streams(void **state)
{
    (void)state;
    limits l = { .reset_burst = 100000, .glitch_burst = 100000, .streams_per_feed_max = 10 };
    stage s;
    stage_open(&s, H2_SERVER, &l);
    s.is_quiet = true;
    static const char data[700];
    for (uint32_t id = 1; id < 20001; id += 2) {
        buffer in = { 0 };
        frame_put(&in, FRAME_HEADERS, FRAME_END_HEADERS, id, "\x82\x86\x84", 3);
        frame_put(&in, FRAME_DATA, FRAME_PADDED, id, data, 300);
        stage_feed(&s, buffer_bytes(&in));
        buffer_consume(&in, buffer_size(&in));
        if (id % 4 == 1) { /* by us: what was under way still comes */
            for (size_t i = 0; i < s.stream_count; i++)
                if (s.streams[i] && s.streams[i]->id == id)
                    h2_stream_reset(s.streams[i], H2_CANCEL);
            frame_put(&in, FRAME_DATA, 0, id, data, 700);
            frame_put(&in, FRAME_DATA, FRAME_PADDED | FRAME_END_STREAM, id, data, 20);
        } else {
            frame_put(&in, FRAME_RST_STREAM, 0, id, "\0\0\0\x8", 4);
        }
        stage_feed(&s, buffer_bytes(&in));
        buffer_fini(&in);
    }
    assert_int_equal(h2_connection_streams(s.c), 0);
    assert_false(s.is_stopped);
    expect_exact(&s, 0);
    assert_int_equal(s.c->held + s.c->lent, 0);
    stage_fini(&s);
}

/* ---- Sending */

#define ANSWER "> " POST "! s0 headers :status=200\n"
static const char asked[] = "settings\ns0 request :method=GET :scheme=http :path=/\n";

static void data_waits_for_the_windows(void **state)
{
    (void)state;
    char writable[256];
    snprintf(writable, sizeof writable, "%ss0 writable\n", asked);
    const play plays[] = {
        { "of the stream", H2_SERVER, NULL,
          "> PREFACE\n> SETTINGS 4=3\n" ANSWER "! s0 data END hello\n> WINDOW 1 1\n@ 0ms\n> WINDOW 1 100\n", asked,
          "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 hel\nDATA 1 l\nDATA 1 END o\n" },
        { "made negative by SETTINGS", H2_SERVER, NULL,
          "> PREFACE\n> SETTINGS 4=3\n" ANSWER
          "! s0 data hello\n> SETTINGS 4=1\n> WINDOW 1 2\n> WINDOW 1 1\n@ 0ms\n> SETTINGS 4=2\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\nsettings\nsettings\n",
          "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 hel\nSETTINGS ACK\nDATA 1 l\nSETTINGS ACK\nDATA 1 o\n" },
        { "the end alone needs no window", H2_SERVER, NULL, "> PREFACE\n> SETTINGS 4=0\n" ANSWER "! s0 data END\n",
          asked, "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 END\n" },
        { "trailers wait behind data", H2_SERVER, NULL,
          "> PREFACE\n> SETTINGS 4=1\n" ANSWER "! s0 data ab\n! s0 headers END grpc-status=0\n> WINDOW 1 1\n", asked,
          "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 a\nDATA 1 b\nHEADERS 1 END grpc-status=0\n" },
        { "a reset drops what waits", H2_SERVER, NULL,
          "> PREFACE\n> SETTINGS 4=1\n> HEADERS 1 END REQ\n! s0 headers :status=200\n! s0 data END ab\n"
          "! s0 reset 2\n> WINDOW 1 1\n",
          "settings\ns0 request END :method=GET :scheme=http :path=/\ns0 closed INTERNAL_ERROR local\n",
          "SETTINGS ACK\nHEADERS 1 :status=200\nRST 1 INTERNAL_ERROR\n" },
        { "NO_ERROR waits behind the end", H2_SERVER, NULL,
          "> PREFACE\n> SETTINGS 4=1\n" ANSWER
          "! s0 data ab\n! s0 headers END x=y\n! s0 reset 0\n> DATA 1 dropped\n> WINDOW 1 1\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 closed NO_ERROR local\n",
          "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 a\nDATA 1 b\nHEADERS 1 END x=y\nRST 1 NO_ERROR\n" },
        { "writable under half of what was asked", H2_SERVER, NULL,
          "> PREFACE\n> SETTINGS 4=1\n" ANSWER
          "! s0 data abcdef\n! s0 watch 6\n> WINDOW 1 2\n@ 0ms\n> WINDOW 1 1\n@ 0ms\n> WINDOW 1 1\n",
          writable, "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 a\nDATA 1 bc\nDATA 1 d\nDATA 1 e\n" },
        { "writable at once", H2_SERVER, NULL, "> PREFACE\n> SETTINGS\n" ANSWER "! s0 watch 6\n", writable,
          "SETTINGS ACK\nHEADERS 1 :status=200\n" },
        { "a slice", H2_SERVER, NULL, "> PREFACE\n> SETTINGS\n" ANSWER "! s0 slice END *20000\n", asked,
          "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 *16384\nDATA 1 END *3621\n" },
        { "a short slice is copied", H2_SERVER, NULL, "> PREFACE\n> SETTINGS\n" ANSWER "! s0 slice END abc\n", asked,
          "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 END head:abc\n" },
    };
    PLAY_ALL(plays);
}

static void streams_take_turns(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> SETTINGS 4=100000\n> HEADERS 1 END REQ\n> HEADERS 3 END REQ\n> HEADERS 5 END REQ\n"
                  "! s0 headers :status=200\n! s1 headers :status=200\n! s2 headers :status=200\n");
    stage_expect(&s, NULL, NULL);
    stage_run(&s, "! s0 slice *40000\n! s1 slice *20000\n! s2 data END tiny\n");
    stage_expect(&s, NULL,
                 "DATA 1 *16384\nDATA 3 *16384\nDATA 5 END tiny\nDATA 1 *16384\nDATA 3 *3621\nDATA 1 *7237\n");
    stage_run(&s, "! s0 slice *40000\n"); /* what is left of the connection's 65535 */
    stage_expect(&s, NULL, "DATA 1 *5521\n");
    stage_run(&s, "> WINDOW 0 3\n");
    stage_expect(&s, NULL, "DATA 1 ddd\n");
    stage_fini(&s);
}

static void a_long_header_block_is_cut_into_continuations(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 END REQ\n");
    stage_expect(&s, NULL, NULL);
    char *value = malloc(40001);
    memset(value, '~', 40000); /* not shorter in Huffman */
    hpack_field fields[2] = { { .name = PROA_STR(":status"), .value = PROA_STR("200") },
                              { .name = PROA_STR("x"), .value = { value, 40000 } } };
    assert_int_equal(h2_stream_send_headers(s.streams[0], fields, 2, true), 0);
    h2_output out;
    assert_true(h2_connection_emit(s.c, &out, s.now));
    buffer block = { 0 };
    const char *at = out.parts[0].data, *end = at + out.parts[0].size;
    for (int i = 0; at < end; i++) {
        frame f = frame_decode(at);
        assert_int_equal(f.type, i ? FRAME_CONTINUATION : FRAME_HEADERS);
        assert_int_equal(!!(f.flags & FRAME_END_HEADERS), at + FRAME_HEADER_SIZE + f.length == end);
        assert_true(f.length == 16384 || at + FRAME_HEADER_SIZE + f.length == end);
        buffer_append(&block, at + FRAME_HEADER_SIZE, f.length);
        at += FRAME_HEADER_SIZE + f.length;
    }
    hpack_block *read = NULL;
    assert_int_equal(hpack_decode(s.reader, buffer_bytes(&block), &read, NULL), HPACK_OK);
    assert_int_equal(read->count, 2);
    assert_true(proa_bytes_is_equal(read->fields[1].value, fields[1].value));
    hpack_block_release(read);
    buffer_fini(&block);
    free(value);
    stage_fini(&s);
}

static void a_slice_is_not_copied(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 END REQ\n! s0 headers :status=200\n");
    hold *h = hold_new(10000);
    proa_slice slice = slice_of(h, 0, 10000);
    assert_int_equal(h2_stream_send_slice(s.streams[0], PROA_STR("12345"), &slice, true), 0);
    h2_output out;
    assert_true(h2_connection_emit(s.c, &out, s.now));
    assert_int_equal(out.count, 2);
    assert_ptr_equal(out.parts[1].data, hold_data(h));
    assert_int_equal(out.size, FRAME_HEADER_SIZE + 5 + 10000);
    stage_fini(&s);
}

static void a_client_upload_obeys_both_windows(void **state)
{
    (void)state;
    static const play plays[] = {
        { "upload", H2_CLIENT, NULL,
          "> SETTINGS 4=10\n! open\n! s0 headers :method=POST\n! s0 data END *15\n> WINDOW 1 5\n> HEADERS 1 END RES\n",
          "settings\ns0 response END :status=200\ns0 closed\n",
          "SETTINGS ACK\nHEADERS 1 :method=POST\nDATA 1 dddddddddd\nDATA 1 END ddddd\n" },
    };
    PLAY_ALL(plays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quarter_of_the_window_goes_back_at_once),
        cmocka_unit_test(padding_finds_room_up_to_the_last_byte_of_a_message),
        cmocka_unit_test(a_larger_window_has_no_time_limit_to_be_acknowledged),
        cmocka_unit_test(a_window_that_grows_to_the_default_is_announced),
        cmocka_unit_test(a_window_is_negative_after_a_smaller_one_was_acknowledged),
        cmocka_unit_test(credit_of_the_connection_goes_back_on_receipt_until_too_much_is_held),
        cmocka_unit_test(a_peer_that_ignores_the_connection_window_is_cut_off),
        cmocka_unit_test(a_waiting_reader_opens_the_window_as_far_as_it_waits),
        cmocka_unit_test(what_is_lent_to_waiting_readers_is_bounded_and_goes_in_turn),
        cmocka_unit_test(readers_that_all_wait_for_each_others_loans_go_on_one_by_one),
        cmocka_unit_test(credit_is_exact_after_ten_thousand_reset_streams),
        cmocka_unit_test(data_waits_for_the_windows),
        cmocka_unit_test(streams_take_turns),
        cmocka_unit_test(a_long_header_block_is_cut_into_continuations),
        cmocka_unit_test(a_slice_is_not_copied),
        cmocka_unit_test(a_client_upload_obeys_both_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
