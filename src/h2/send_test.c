/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that are sent again without being encoded, END_STREAM that finds the last frame, ends that are told at once. */
#include "h2/h2_testlib.h"

static const hpack_field reply[] = {
    { .token = HPACK_NAME_STATUS, .value = PROA_STR_INIT("200") },
    { .token = HPACK_NAME_CONTENT_TYPE, .value = PROA_STR_INIT("application/grpc") },
};

static h2_stream *request(stage *s, unsigned id, const char *more)
{
    char script[64];
    snprintf(script, sizeof script, "> HEADERS %u %s REQ\n", id, more);
    stage_run(s, script);
    stage_turn(s);
    return s->streams[s->stream_count - 1];
}

/* As a holder does it. true: the note was used. */
static bool send_known(h2_stream *stream, h2_prepared *note, bool is_end)
{
    if (h2_stream_send_prepared(stream, note, is_end))
        return true;
    assert_int_equal(h2_stream_prepare_headers(stream, reply, 2, is_end, note), PROA_ERR_NONE);
    return false;
}

static void feed_lines(stage *s, const char *lines)
{
    stage_run(s, lines);
    stage_run(s, "@ 1ms\n");
}

static void a_list_is_encoded_until_it_would_be_the_same_again(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    s.is_holding = true;
    h2_prepared note = { 0 };
    bool known[4];
    for (unsigned i = 0; i < 4; i++) {
        char line[64];
        snprintf(line, sizeof line, "> HEADERS %u END REQ\n", 2 * i + 1);
        feed_lines(&s, line);
        known[i] = send_known(s.streams[i], &note, true);
        stage_turn(&s);
    }
    /* The first one puts content-type into the table, the second finds it there. */
    assert_true(!known[0] && !known[1] && known[2] && known[3]);
    assert_int_equal(note.size, 2);
    s.frames[s.frames_size] = '\0';
    assert_non_null(strstr(s.frames, "HEADERS 1 END :status=200 content-type=application/grpc\n"
                                     "HEADERS 3 END :status=200 content-type=application/grpc\n"
                                     "HEADERS 5 END :status=200 content-type=application/grpc\n"
                                     "HEADERS 7 END :status=200 content-type=application/grpc\n"));
    stage_fini(&s);
}

static void a_note_is_nothing_when_the_table_or_the_peer_has_changed(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    s.is_holding = true;
    h2_prepared note = { 0 };
    for (unsigned i = 0; i < 5; i++) {
        char line[64];
        snprintf(line, sizeof line, "> HEADERS %u END REQ\n", 2 * i + 1);
        feed_lines(&s, line);
    }
    send_known(s.streams[0], &note, true);
    send_known(s.streams[1], &note, true);
    assert_int_equal(note.size, 2);
    feed_lines(&s, "> SETTINGS 1=0\n"); /* RFC 7541 4.2: the next block says so, and the table is empty */
    assert_false(h2_stream_send_prepared(s.streams[2], &note, true));
    assert_false(send_known(s.streams[2], &note, true));
    stage_turn(&s);
    feed_lines(&s, "> SETTINGS 6=10\n");
    assert_false(h2_stream_send_prepared(s.streams[3], &note, true));
    assert_int_equal(h2_stream_prepare_headers(s.streams[3], reply, 2, true, &note), PROA_ERR_LIMIT);
    assert_int_equal(note.size, 0);
    stage_fini(&s);
}

static void a_note_is_not_for_a_stream_that_cannot_send_at_once(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    s.is_holding = true;
    h2_prepared note = { 0 };
    feed_lines(&s, "> SETTINGS 4=0\n> HEADERS 1 END REQ\n> HEADERS 3 END REQ\n> HEADERS 5 END REQ\n");
    send_known(s.streams[0], &note, true);
    send_known(s.streams[1], &note, true);
    assert_true(h2_stream_send_prepared(s.streams[2], &note, false));
    stage_run(&s, "! s2 data hello\n");
    assert_false(h2_stream_send_prepared(s.streams[2], &note, true)); /* it would overtake the data */
    assert_int_equal(h2_stream_prepare_headers(s.streams[2], reply, 2, true, &note), PROA_ERR_NONE);
    assert_int_equal(note.size, 0);
    assert_false(h2_stream_send_prepared(s.streams[0], &note, true));
    stage_fini(&s);
}

static void what_is_not_only_headers_is_not_noted(void **state)
{
    (void)state;
    static const hpack_field early[] = { { .token = HPACK_NAME_STATUS, .value = PROA_STR_INIT("103") } };
    static const hpack_field head[] = { { .token = HPACK_NAME_METHOD, .value = PROA_STR_INIT("HEAD") },
                                        { .token = HPACK_NAME_SCHEME, .value = PROA_STR_INIT("http") },
                                        { .token = HPACK_NAME_PATH, .value = PROA_STR_INIT("/") } };
    stage s;
    h2_prepared note = { 0 };
    stage_open(&s, H2_SERVER, NULL);
    s.is_holding = true;
    h2_stream *stream = request(&s, 1, "END");
    for (int i = 0; i < 2; i++)
        assert_int_equal(h2_stream_prepare_headers(stream, early, 1, false, &note), PROA_ERR_NONE);
    assert_int_equal(note.size, 0);
    stage_fini(&s);
    stage_open(&s, H2_CLIENT, NULL);
    s.is_holding = true;
    stage_run(&s, "! open\n! open\n");
    for (int i = 0; i < 2; i++)
        assert_int_equal(h2_stream_prepare_headers(s.streams[i], head, 3, false, &note), PROA_ERR_NONE);
    assert_int_equal(note.size, 0);
    stage_fini(&s);
}

#define ASK(stream) "! " stream " headers :method=GET :scheme=http :path=/\n"
#define OUT(id)     "HEADERS " id " :method=GET :scheme=http :path=/\n"

static void the_end_joins_the_last_frame_while_that_is_there(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "! open\n" ASK("s0") "! s0 data ask\n! s0 data END\n", OUT("1") "DATA 1 END ask\n" },
        { "! open\n" ASK("s0") "! s0 data ask\n@ 1ms\n! s0 data END\n",
          OUT("1") "DATA 1 ask\nDATA 1 END\n" }, /* it has left */
        { "! open\n! open\n" ASK("s0") ASK("s1") "! s0 data ask\n! s1 data END ask\n! s0 data END\n",
          OUT("1") OUT("3") "DATA 1 ask\nDATA 3 END ask\nDATA 1 END\n" },
        { "! open\n" ASK("s0") "! s0 data END\n", OUT("1") "DATA 1 END\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stage s;
        stage_open(&s, H2_CLIENT, NULL);
        s.is_holding = true;
        stage_run(&s, cases[i][0]);
        stage_turn(&s);
        stage_expect(&s, "", cases[i][1]);
        stage_fini(&s);
    }
}

static void an_end_is_told_once(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    s.is_holding = true;
    h2_stream *stream = request(&s, 1, "END");
    assert_false(h2_stream_take_end(stream));
    assert_int_equal(h2_stream_send_headers(stream, reply, 2, true), PROA_ERR_NONE);
    assert_true(h2_stream_take_end(stream));
    assert_false(h2_stream_take_end(stream));
    stage_turn(&s);
    stage_expect(&s, "s0 request END :method=GET :scheme=http :path=/\n",
                 "HEADERS 1 END :status=200 content-type=application/grpc\n");
    stream = request(&s, 3, "END");
    h2_stream_reset(stream, H2_CANCEL);
    assert_false(h2_stream_take_end(stream)); /* no good end: H2_EVENT_CLOSED says how */
    stage_fini(&s);
}

/* RFC 9113 6.4: RST_STREAM for a stream that the peer never heard of ends the whole connection. */
static void headers_without_memory_leave_nothing_on_the_wire(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_CLIENT, NULL);
    s.is_holding = true;
    static char value[60000];
    memset(value, 'x', sizeof value);
    const hpack_field request[] = {
        { .token = HPACK_NAME_METHOD, .value = PROA_STR_INIT("POST") },
        { .token = HPACK_NAME_SCHEME, .value = PROA_STR_INIT("http") },
        { .token = HPACK_NAME_PATH, .value = PROA_STR_INIT("/a.B/C") },
        { .name = PROA_STR_INIT("long"), .value = { value, sizeof value } },
    };
    h2_stream *stream = h2_stream_open(s.c);
    assert_non_null(stream);
    memory_watch_from(1);
    proa_err err = h2_stream_send_headers(stream, request, 4, true);
    memory_unwatch();
    assert_int_equal(err, PROA_ERR_NOMEM);
    h2_event event;
    while (h2_connection_next_event(s.c, &event))
        if (event.type == H2_EVENT_CLOSED)
            assert_true(event.is_unprocessed);
    h2_output out;
    assert_false(h2_connection_emit(s.c, &out, s.now));
    h2_stream_release(stream);
    stage_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_encoded_until_it_would_be_the_same_again),
        cmocka_unit_test(a_note_is_nothing_when_the_table_or_the_peer_has_changed),
        cmocka_unit_test(a_note_is_not_for_a_stream_that_cannot_send_at_once),
        cmocka_unit_test(what_is_not_only_headers_is_not_noted),
        cmocka_unit_test(the_end_joins_the_last_frame_while_that_is_there),
        cmocka_unit_test(an_end_is_told_once),
        cmocka_unit_test(headers_without_memory_leave_nothing_on_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
