/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a server's exchange: their framing, what breaks it, and what holds them back both ways. */
#include "rpc/rpc_testlib.h"

static void begin(raw *raw, uint64_t cut)
{
    raw_begin(raw, H2_SERVER, (rpc_options){ .role = H2_SERVER }, cut);
}

static proa_bytes bytes_of(const char *text, size_t size)
{
    return (proa_bytes){ text, size };
}
#define B(literal) bytes_of(literal, sizeof(literal) - 1)

static void data_boundaries_mean_nothing(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, false);
    proa_bytes wire = B("\0\0\0\0\3abc\0\0\0\0\0\0\0\0\0\2de");
    for (size_t i = 0; i < wire.size; i++)
        raw_data(&raw, 1, i + 1 == wire.size, bytes_of(wire.data + i, 1));
    raw_is(&raw, "");
    side_is(&raw.side, "MESSAGE HALF_CLOSE");
    pop_is_text(call, "abc");
    pop_is_text(call, "");
    pop_is_text(call, "de");
    finish_with(call, PROA_OK, NULL);
    raw_run(&raw);
    raw_finish(&raw, call);
}

static void further_messages_are_told_of_while_the_first_is_unread(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, false);
    for (size_t i = 1; i <= 40; i++) { /* 32 fit unpacked */
        raw_message(&raw, 1, false, PROA_STR("x"));
        raw_run(&raw);
        assert_int_equal(raw.side.messages, i);
    }
    raw_data(&raw, 1, false, B("\0\0\0\0\1a\0\0\0\0\1b"));
    raw_run(&raw);
    assert_int_equal(raw.side.messages, 41); /* those that come together are told of once */
    raw_abandon(&raw, call);
}

static void half_a_message_is_not_told_of(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, false);
    raw_data(&raw, 1, false, B("\0\0\0\0\3abc\0\0\0\0"));
    raw_run(&raw);
    assert_int_equal(raw.side.messages, 1);
    raw_data(&raw, 1, false, B("\3de"));
    raw_run(&raw);
    assert_int_equal(raw.side.messages, 1);
    raw_data(&raw, 1, false, B("f"));
    raw_run(&raw);
    assert_int_equal(raw.side.messages, 2);
    raw_abandon(&raw, call);
}

/* ---- Messages that break a rule */

static void is_failed(proa_bytes wire, bool is_end, const char *log, const char *frames)
{
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        rpc_exchange *call = raw_take(&raw, 1, false);
        raw_data(&raw, 1, is_end, wire);
        raw_is(&raw, frames);
        side_is(&raw.side, log);
        rpc_exchange_release(call);
        call = raw_take(&raw, 3, true); /* the connection goes on */
        finish_with(call, PROA_OK, NULL);
        raw_run(&raw);
        raw_finish(&raw, call);
    }
}

#define FAILED(code, text) \
    "1 HEADERS END :status=200 content-type=application/grpc grpc-status=" code " grpc-message=" text

static void compressed_flag_without_encoding_is_internal(void **state)
{
    (void)state;
    static const char frames[] =
        FAILED("13", "a_message_is_compressed,_and_no_grpc-encoding_was_agreed_on") "\n1 RST NO_ERROR";
    is_failed(B("\1\0\0\0\1x"), false, "END", frames);
    is_failed(B("\0\0\0\0\1x\1\0\0\0\1x"), false, "MESSAGE END", frames);
}

static void unknown_flag_is_internal(void **state)
{
    (void)state;
    is_failed(B("\2\0\0\0\0"), false, "END", FAILED("13", "a_message_has_an_unknown_flag") "\n1 RST NO_ERROR");
}

static void message_over_the_limit_is_resource_exhausted_before_it_is_allocated_cve_2024_37168(void **state)
{
    (void)state;
    static const char frames[] = FAILED("8", "a_message_is_larger_than_the_limit") "\n1 RST NO_ERROR";
    is_failed(B("\0\377\377\377\377"), false, "END", frames);
    is_failed(B("\0\0\x40\0\1"), false, "END", frames); /* 4 MiB and one */
}

static void stream_that_ends_within_a_message_is_internal(void **state)
{
    (void)state;
    static const char frames[] = FAILED("13", "the_request_ended_inside_a_message");
    is_failed(B("\0\0\0\0\2x"), true, "END", frames);
    is_failed(B("\0\0"), true, "END", frames);
    is_failed(B("\0\0\0\0\1x\0"), true, "MESSAGE END", frames);
}

static void fault_behind_replies_that_wait_resets_the_stream(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    raw_setting(&raw, 4, 2);
    rpc_exchange *call = raw_take(&raw, 1, false);
    push_text(call, "hello");
    raw_is(&raw, "1 HEADERS :status=200 content-type=application/grpc\n1 DATA 2");
    raw_data(&raw, 1, false, B("\2\0\0\0\0"));
    raw_is(&raw, "1 RST INTERNAL_ERROR");
    side_is(&raw.side, "END");
    status_is(call, PROA_INTERNAL, "a message has an unknown flag");
    rpc_exchange_release(call);
    raw_end(&raw);
}

/* ---- Backpressure */

static void unread_messages_keep_the_window_of_the_peer_shut(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, false);
    raw.is_verbose = true;
    char message[16000];
    memset(message, 'm', sizeof message);
    for (int i = 0; i < 16; i++) /* 256 KiB, but for a little */
        raw_message(&raw, 1, false, bytes_of(message, sizeof message));
    raw_run(&raw);
    assert_null(strstr(raw.frames.data, "1 WINDOW"));
    proa_slice slice;
    for (int i = 0; i < 16; i++) {
        assert_true(rpc_exchange_pop(call, &slice));
        proa_slice_free(&slice);
    }
    raw_run(&raw);
    assert_non_null(strstr(raw.frames.data, "1 WINDOW"));
    raw_abandon(&raw, call);
}

static void message_larger_than_the_window_opens_it_when_somebody_waits(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, false);
    enum { SIZE = 1 << 20 };
    raw.is_verbose = true;
    raw_data(&raw, 1, false, B("\0\0\x10\0\0"));
    raw_run(&raw);
    assert_non_null(strstr(raw.frames.data, "1 WINDOW"));
    static char body[16384];
    for (size_t sent = 0; sent < SIZE; sent += sizeof body) {
        raw_data(&raw, 1, sent + sizeof body == SIZE, bytes_of(body, sizeof body));
        raw_run(&raw);
    }
    side_is(&raw.side, "MESSAGE HALF_CLOSE");
    proa_slice slice;
    assert_true(rpc_exchange_pop(call, &slice));
    assert_int_equal(slice.bytes.size, SIZE);
    proa_slice_free(&slice);
    raw_abandon(&raw, call);
}

static void message_larger_than_the_window_waits_until_those_before_it_were_read(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, false);
    raw_message(&raw, 1, false, PROA_STR("first"));
    raw.is_verbose = true;
    raw_data(&raw, 1, false, B("\0\0\x10\0\0"));
    raw_is(&raw, "");
    pop_is_text(call, "first");
    raw_run(&raw);
    assert_non_null(strstr(raw.frames.data, "1 WINDOW"));
    raw_abandon(&raw, call);
}

static void a_million_bytes_of_empty_messages_cost_what_they_are(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, false);
    static char zeros[16000];
    memory_watch(0);
    for (int i = 0; i < 16; i++) {
        raw_data(&raw, 1, false, bytes_of(zeros, sizeof zeros));
        raw_run(&raw);
    }
    assert_true(memory_unwatch() < 100);
    size_t count = 0;
    proa_slice slice;
    for (; rpc_exchange_pop(call, &slice); count++)
        proa_slice_free(&slice);
    assert_int_equal(count, 16 * sizeof zeros / 5);
    raw_abandon(&raw, call);
}

static void push_says_false_at_the_bound_and_writable_follows(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    raw_setting(&raw, 4, 0);
    rpc_exchange *call = raw_take(&raw, 1, true);
    rpc_exchange_set_queue_max(call, 1000);
    assert_true(push_size(call, 500));
    assert_true(rpc_exchange_can_push(call));
    assert_false(push_size(call, 600)); /* taken all the same */
    assert_false(rpc_exchange_can_push(call));
    assert_int_equal(rpc_exchange_queued(call), 1110);
    raw_run(&raw);
    side_is(&raw.side, "");
    raw_window(&raw, 1, 600);
    raw_run(&raw);
    side_is(&raw.side, ""); /* 510 are left */
    raw_window(&raw, 1, 11);
    raw_run(&raw);
    side_is(&raw.side, "WRITABLE");
    assert_true(rpc_exchange_can_push(call));
    assert_false(push_size(call, 1000));
    finish_with(call, PROA_OK, NULL);
    raw_window(&raw, 1, 1000);
    raw_run(&raw);
    side_is(&raw.side, ""); /* nobody is to push any more */
    raw_abandon(&raw, call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_boundaries_mean_nothing),
        cmocka_unit_test(further_messages_are_told_of_while_the_first_is_unread),
        cmocka_unit_test(half_a_message_is_not_told_of),
        cmocka_unit_test(compressed_flag_without_encoding_is_internal),
        cmocka_unit_test(unknown_flag_is_internal),
        cmocka_unit_test(message_over_the_limit_is_resource_exhausted_before_it_is_allocated_cve_2024_37168),
        cmocka_unit_test(stream_that_ends_within_a_message_is_internal),
        cmocka_unit_test(fault_behind_replies_that_wait_resets_the_stream),
        cmocka_unit_test(unread_messages_keep_the_window_of_the_peer_shut),
        cmocka_unit_test(message_larger_than_the_window_opens_it_when_somebody_waits),
        cmocka_unit_test(message_larger_than_the_window_waits_until_those_before_it_were_read),
        cmocka_unit_test(a_million_bytes_of_empty_messages_cost_what_they_are),
        cmocka_unit_test(push_says_false_at_the_bound_and_writable_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
