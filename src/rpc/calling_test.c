/* SPDX-License-Identifier: Apache-2.0 */
/* A client endpoint and a scripted server: the rules of PROTOCOL-HTTP2.md that a client keeps, each in a test. */
#include "rpc/rpc_testlib.h"

#define NO_HEADERS ((proa_headers){ NULL, 0 })
#define REQUEST \
    " :method=POST :scheme=http :path=/a.B/C :authority=host te=trailers content-type=application/grpc user-agent=test"

static void begin(raw *raw, uint64_t cut)
{
    raw_begin(raw, H2_CLIENT, (rpc_options){ .role = H2_CLIENT }, cut);
}

static rpc_exchange *call_until(raw *raw, int64_t deadline_ns)
{
    rpc_exchange *call = NULL;
    rpc_request request = { .path = PROA_STR("/a.B/C"), .deadline_ns = deadline_ns, .user = raw };
    assert_int_equal(rpc_exchange_begin(raw->side.endpoint, &request, raw->side.now, &call), PROA_ERR_NONE);
    assert_ptr_equal(rpc_exchange_user(call), raw);
    return call;
}

/* A call whose request has gone out whole. */
static rpc_exchange *call_whole(raw *raw)
{
    rpc_exchange *call = call_until(raw, INT64_MAX);
    push_text(call, "ask");
    rpc_exchange_end_requests(call);
    raw_run(raw);
    raw->frames.size = 0;
    return call;
}

static void end(raw *raw, rpc_exchange *call)
{
    rpc_exchange_release(call);
    raw_end(raw);
}

static void request_goes_out_in_the_order_of_the_specification(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    static const proa_header custom[] = { { PROA_STR_INIT("x"), PROA_STR_INIT("1") },
                                          { PROA_STR_INIT("y-bin"), PROA_STR_INIT("f") } };
    rpc_request request = { .path = PROA_STR("/a.B/C"),
                            .headers = { custom, 2 },
                            .deadline_ns = raw.side.now + 2 * PROA_SECOND };
    rpc_exchange *call;
    assert_int_equal(rpc_exchange_begin(raw.side.endpoint, &request, raw.side.now, &call), PROA_ERR_NONE);
    assert_true(push_text(call, "hello"));
    raw_is(&raw, "1 HEADERS :method=POST :scheme=http :path=/a.B/C :authority=host te=trailers grpc-timeout=2S "
                 "content-type=application/grpc user-agent=test x=1 y-bin=Zg\n"
                 "1 DATA 10");
    raw_abandon(&raw, call);
}

static void request_that_ends_with_nothing_left_is_an_empty_data_with_end_stream(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_until(&raw, INT64_MAX);
    raw_is(&raw, "1 HEADERS" REQUEST);
    rpc_exchange_end_requests(call);
    rpc_exchange_end_requests(call); /* a second one does nothing */
    assert_false(push_text(call, "late"));
    assert_false(rpc_exchange_can_push(call));
    raw_is(&raw, "1 DATA 0 END");
    raw_abandon(&raw, call);
}

static void reply_is_headers_messages_and_trailers(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        rpc_exchange *call = call_whole(&raw);
        proa_arena *arena = proa_arena_new(0);
        assert_null(rpc_exchange_reply_headers(call, arena).data);
        raw_reply(&raw, 1, "x", "1", "y-bin", "Zg==,Zm8", NULL);
        raw_is(&raw, "");
        side_is(&raw.side, "HEADERS");
        proa_headers headers = rpc_exchange_reply_headers(call, arena);
        assert_int_equal(headers.count, 3);
        assert_ptr_equal(rpc_exchange_reply_headers(call, arena).data, headers.data);
        assert_null(rpc_exchange_trailers(call, arena).data);
        raw_message(&raw, 1, false, PROA_STR("one"));
        raw_message(&raw, 1, false, PROA_STR("two"));
        raw_headers(&raw, 1, true, "grpc-status", "0", "grpc-message", "fine%21", "z", "9", NULL);
        raw_is(&raw, "");
        side_is(&raw.side, "MESSAGE END");
        /* doc/status_ordering.md: the status is there, what was received before it still is as well */
        status_is(call, PROA_OK, "fine!");
        pop_is_text(call, "one");
        pop_is_text(call, "two");
        headers = rpc_exchange_trailers(call, arena);
        assert_int_equal(headers.count, 1);
        assert_true(bytes_is(headers.data[0].name, "z", 1));
        assert_null(rpc_exchange_request_headers(call, arena).data);
        proa_arena_free(arena);
        end(&raw, call);
    }
}

static void trailers_only_is_one_header_list_that_ends_the_stream(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        rpc_exchange *call = call_whole(&raw);
        raw_headers(&raw, 1, true, ":status", "200", "content-type", "application/grpc", "grpc-status", "5",
                    "grpc-message", "no", "x", "1", NULL);
        raw_is(&raw, "");
        side_is(&raw.side, "END");
        status_is(call, PROA_NOT_FOUND, "no");
        proa_arena *arena = proa_arena_new(0);
        assert_int_equal(rpc_exchange_trailers(call, arena).count, 1);
        assert_non_null(rpc_exchange_reply_headers(call, arena).data);
        assert_int_equal(rpc_exchange_reply_headers(call, arena).count, 0);
        proa_arena_free(arena);
        end(&raw, call);
    }
}

static void informational_headers_are_skipped(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_whole(&raw);
    raw_headers(&raw, 1, false, ":status", "103", "x", "1", NULL);
    raw_headers(&raw, 1, false, ":status", "100", NULL);
    raw_reply(&raw, 1, NULL);
    raw_headers(&raw, 1, true, "grpc-status", "0", NULL);
    raw_is(&raw, "");
    side_is(&raw.side, "HEADERS END");
    status_is(call, PROA_OK, NULL);
    end(&raw, call);
}

static void http_status_gives_the_code_where_grpc_status_is_absent(void **state)
{
    (void)state;
    static const struct {
        const char *http;
        proa_code code;
    } rows[] = {
        { "400", PROA_INTERNAL },      { "401", PROA_UNAUTHENTICATED }, { "403", PROA_PERMISSION_DENIED },
        { "404", PROA_UNIMPLEMENTED }, { "429", PROA_UNAVAILABLE },     { "431", PROA_UNKNOWN },
        { "503", PROA_UNAVAILABLE },   { "500", PROA_UNKNOWN },         { "302", PROA_UNKNOWN },
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        bool is_end = i % 2;
        raw raw;
        begin(&raw, 0);
        rpc_exchange *call = call_whole(&raw);
        raw_headers(&raw, 1, is_end, ":status", rows[i / 2].http, "content-type", "text/html", NULL);
        if (!is_end)
            raw_data(&raw, 1, false, PROA_STR("<html>"));
        raw_is(&raw, is_end ? "" : "1 RST CANCEL");
        side_is(&raw.side, "END");
        char text[100];
        snprintf(text, sizeof text, "the peer answered with HTTP status %s", rows[i / 2].http);
        status_is(call, rows[i / 2].code, text);
        end(&raw, call);
    }
}

static void reply_that_is_no_grpc_is_unknown(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_whole(&raw);
    raw_headers(&raw, 1, false, ":status", "200", "content-type", "text/html", NULL);
    raw_is(&raw, "1 RST CANCEL");
    side_is(&raw.side, "END");
    status_is(call, PROA_UNKNOWN, "the content-type of the reply is not application/grpc");
    end(&raw, call);
}

/* What follows the headers of a reply, and how the call ends. */
static void ends_as(void (*send)(raw *raw), const char *log, proa_code code, const char *frames)
{
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        rpc_exchange *call = call_whole(&raw);
        raw_reply(&raw, 1, NULL);
        send(&raw);
        raw_is(&raw, frames);
        side_is(&raw.side, log);
        status_is(call, code, NULL);
        rpc_exchange_release(call);
        call = call_whole(&raw); /* the connection goes on */
        raw_headers(&raw, 3, true, ":status", "200", "content-type", "application/grpc", "grpc-status", "0", NULL);
        raw_is(&raw, "");
        side_is(&raw.side, "END");
        end(&raw, call);
    }
}

static void send_no_status(raw *raw)
{
    raw_headers(raw, 1, true, "x", "1", NULL);
}

static void send_no_trailers(raw *raw)
{
    raw_message(raw, 1, true, PROA_STR("x"));
}

static void reply_without_grpc_status_is_unknown(void **state)
{
    (void)state;
    ends_as(send_no_status, "HEADERS END", PROA_UNKNOWN, "");
    ends_as(send_no_trailers, "HEADERS MESSAGE END", PROA_UNKNOWN, "");
}

static void send_status_17(raw *raw)
{
    raw_headers(raw, 1, true, "grpc-status", "17", NULL);
}

static void grpc_status_above_16_is_unknown(void **state)
{
    (void)state;
    ends_as(send_status_17, "HEADERS END", PROA_UNKNOWN, "");
}

static void send_half_data(raw *raw)
{
    raw_data(raw, 1, true, (proa_bytes){ "\0\0\0\0\2x", 6 });
}

static void send_half_and_ok(raw *raw)
{
    raw_data(raw, 1, false, (proa_bytes){ "\0\0\0\0\2x", 6 });
    raw_headers(raw, 1, true, "grpc-status", "0", NULL);
}

static void send_half_and_error(raw *raw)
{
    raw_data(raw, 1, false, (proa_bytes){ "\0\0", 2 });
    raw_headers(raw, 1, true, "grpc-status", "10", NULL);
}

static void reply_that_ends_within_a_message_is_internal_unless_it_says_why(void **state)
{
    (void)state;
    ends_as(send_half_data, "HEADERS END", PROA_INTERNAL, "");
    ends_as(send_half_and_ok, "HEADERS END", PROA_INTERNAL, "");
    ends_as(send_half_and_error, "HEADERS END", PROA_ABORTED, "");
}

static void send_compressed(raw *raw)
{
    raw_data(raw, 1, false, (proa_bytes){ "\1\0\0\0\1x", 6 });
}

static void send_bad_flag(raw *raw)
{
    raw_data(raw, 1, false, (proa_bytes){ "\0\0\0\0\0\7\0\0\0\1x", 11 });
}

static void bad_message_flags_are_internal(void **state)
{
    (void)state;
    ends_as(send_compressed, "HEADERS END", PROA_INTERNAL, "1 RST INTERNAL_ERROR");
    ends_as(send_bad_flag, "HEADERS MESSAGE END", PROA_INTERNAL, "1 RST INTERNAL_ERROR");
}

static void send_huge(raw *raw)
{
    raw_data(raw, 1, false, (proa_bytes){ "\0\377\377\377\377", 5 });
}

static void message_over_the_limit_is_resource_exhausted(void **state)
{
    (void)state;
    ends_as(send_huge, "HEADERS END", PROA_RESOURCE_EXHAUSTED, "1 RST ENHANCE_YOUR_CALM");
}

static void limit_of_a_call_goes_before_that_of_the_endpoint(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call;
    rpc_request request = { .path = PROA_STR("/a/b"), .deadline_ns = INT64_MAX, .receive_bytes_max = 2 };
    assert_int_equal(rpc_exchange_begin(raw.side.endpoint, &request, raw.side.now, &call), PROA_ERR_NONE);
    raw_reply(&raw, 1, NULL);
    raw_message(&raw, 1, false, PROA_STR("ab"));
    raw_message(&raw, 1, false, PROA_STR("abc"));
    raw_run(&raw);
    side_is(&raw.side, "HEADERS MESSAGE END");
    status_is(call, PROA_RESOURCE_EXHAUSTED, NULL);
    pop_is_text(call, "ab"); /* it was good */
    end(&raw, call);
}

static void send_bad_bin(raw *raw)
{
    raw_headers(raw, 1, true, "grpc-status", "0", "x-bin", "!", NULL);
}

static void bad_base64_in_trailers_is_internal(void **state)
{
    (void)state;
    ends_as(send_bad_bin, "HEADERS END", PROA_INTERNAL, "");
}

static void details_that_contradict_the_status_are_ignored(void **state)
{
    (void)state;
    for (int agrees = 0; agrees < 2; agrees++) {
        raw raw;
        begin(&raw, 0);
        rpc_exchange *call = call_whole(&raw);
        raw_reply(&raw, 1, NULL);
        raw_headers(&raw, 1, true, "grpc-status", agrees ? "5" : "6", "grpc-status-details-bin", "CAU", NULL);
        raw_run(&raw);
        side_is(&raw.side, "HEADERS END");
        proa_arena *arena = proa_arena_new(0);
        assert_int_equal(rpc_exchange_status(call, arena).details.size, agrees ? 2 : 0);
        assert_int_equal(rpc_exchange_trailers(call, arena).count, 0);
        proa_arena_free(arena);
        end(&raw, call);
    }
}

static void header_list_of_a_reply_too_large_is_resource_exhausted(void **state)
{
    (void)state;
    static char value[20000];
    memset(value, 'v', sizeof value - 1);
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_whole(&raw), *other = call_whole(&raw);
    raw_reply(&raw, 1, "x", value, NULL);
    raw_reply(&raw, 3, NULL);
    raw_headers(&raw, 3, true, "grpc-status", "0", "x", value, NULL);
    raw_is(&raw, "1 RST ENHANCE_YOUR_CALM");
    side_is(&raw.side, "END HEADERS END");
    status_is(call, PROA_RESOURCE_EXHAUSTED, NULL);
    status_is(other, PROA_RESOURCE_EXHAUSTED, NULL);
    rpc_exchange_release(other);
    end(&raw, call);
}

/* ---- Ends */

static void trailers_before_our_own_end_are_followed_by_rst_no_error(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        rpc_exchange *call = call_until(&raw, INT64_MAX);
        push_text(call, "x");
        raw_run(&raw);
        raw.frames.size = 0;
        raw_reply(&raw, 1, NULL);
        raw_headers(&raw, 1, true, "grpc-status", "8", NULL);
        raw_is(&raw, "1 RST NO_ERROR");
        side_is(&raw.side, "HEADERS END");
        status_is(call, PROA_RESOURCE_EXHAUSTED, "");
        assert_false(push_text(call, "y"));
        end(&raw, call);
    }
}

static void trailers_end_a_request_that_waits_for_window(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    raw_setting(&raw, 4, 3);
    raw_run(&raw);
    rpc_exchange *call = call_until(&raw, INT64_MAX);
    push_text(call, "hello");
    rpc_exchange_end_requests(call);
    raw_is(&raw, "1 HEADERS" REQUEST "\n1 DATA 3");
    raw_headers(&raw, 1, true, ":status", "200", "content-type", "application/grpc", "grpc-status", "8", NULL);
    raw_is(&raw, "1 RST CANCEL");
    side_is(&raw.side, "END");
    status_is(call, PROA_RESOURCE_EXHAUSTED, "");
    end(&raw, call);
}

static void status_counts_when_rst_no_error_follows_the_trailers(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_until(&raw, INT64_MAX);
    raw_reply(&raw, 1, NULL);
    raw_headers(&raw, 1, true, "grpc-status", "9", NULL);
    raw_reset(&raw, 1, H2_NO_ERROR);
    raw_run(&raw);
    side_is(&raw.side, "HEADERS END");
    status_is(call, PROA_FAILED_PRECONDITION, NULL);
    end(&raw, call);
}

static void rst_stream_gives_the_code_of_its_table(void **state)
{
    (void)state;
    static const struct {
        uint32_t h2;
        proa_code code;
        const char *text;
    } rows[] = {
        { H2_NO_ERROR, PROA_INTERNAL, "the stream was reset (NO_ERROR)" },
        { H2_PROTOCOL_ERROR, PROA_INTERNAL, "the stream was reset (PROTOCOL_ERROR)" },
        { H2_CANCEL, PROA_CANCELLED, "the stream was reset (CANCEL)" },
        { H2_ENHANCE_YOUR_CALM, PROA_RESOURCE_EXHAUSTED, NULL },
        { H2_INADEQUATE_SECURITY, PROA_PERMISSION_DENIED, NULL },
        { 99, PROA_UNKNOWN, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        raw raw;
        begin(&raw, 0);
        rpc_exchange *call = call_whole(&raw);
        raw_reset(&raw, 1, (h2_code)rows[i].h2);
        raw_is(&raw, "");
        side_is(&raw.side, "END");
        status_is(call, rows[i].code, rows[i].text);
        assert_false(raw.side.is_unprocessed);
        end(&raw, call);
    }
}

static void refused_stream_is_unavailable_and_unprocessed(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_whole(&raw), *begun = call_whole(&raw);
    raw_reset(&raw, 1, H2_REFUSED_STREAM);
    raw_is(&raw, "");
    side_is(&raw.side, "END");
    assert_true(raw.side.is_unprocessed);
    assert_false(raw.side.is_unsent);
    status_is(call, PROA_UNAVAILABLE, NULL);
    raw_reply(&raw, 3, NULL);
    raw_reset(&raw, 3, H2_REFUSED_STREAM);
    raw_is(&raw, "");
    side_is(&raw.side, "HEADERS END");
    assert_false(raw.side.is_unprocessed); /* it had begun to answer */
    status_is(begun, PROA_UNAVAILABLE, NULL);
    rpc_exchange_release(begun);
    end(&raw, call);
}

/* More than the ring holds, so that some are unpacked behind the end of the connection. */
static void messages_outlive_the_connection_that_brought_them(void **state)
{
    (void)state;
    for (int is_popped = 0; is_popped < 2; is_popped++) {
        raw raw;
        begin(&raw, 0);
        rpc_exchange *call = call_whole(&raw);
        raw_reply(&raw, 1, NULL);
        for (int i = 0; i < 40; i++)
            raw_message(&raw, 1, false, PROA_STR("kept"));
        raw_headers(&raw, 1, 1, "grpc-status", "0", NULL);
        raw_run(&raw);
        raw_end(&raw);
        status_is(call, PROA_OK, NULL);
        for (int i = 0; is_popped && i < 40; i++)
            pop_is_text(call, "kept");
        assert_int_equal(rpc_exchange_has_message(call), !is_popped);
        rpc_exchange_release(call);
    }
}

/* gRFC A6: what did not leave may be sent again as often as it takes; what left and may have been read, never. */
static void connection_that_is_lost_tells_which_calls_have_not_left(void **state)
{
    (void)state;
    for (int has_left = 0; has_left < 2; has_left++) {
        raw raw;
        begin(&raw, 0);
        rpc_exchange *call = has_left ? call_whole(&raw) : call_until(&raw, INT64_MAX);
        rpc_endpoint_lost(raw.side.endpoint, "gone");
        side_events(&raw.side);
        side_is(&raw.side, "END CLOSED");
        status_is(call, PROA_UNAVAILABLE, "gone");
        assert_int_equal(raw.side.is_unprocessed, !has_left);
        assert_int_equal(raw.side.is_unsent, !has_left);
        end(&raw, call);
    }
}

static void goaway_ends_what_it_did_not_process_and_leaves_the_rest(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        rpc_exchange *first = call_whole(&raw), *second = call_whole(&raw);
        raw_frame(&raw, 7, 0, 0, (proa_bytes){ "\0\0\0\1\0\0\0\0bye", 11 });
        raw_run(&raw);
        side_is(&raw.side, "GOAWAY END");
        assert_true(raw.side.is_unprocessed);
        assert_false(raw.side.is_unsent);
        status_is(second, PROA_UNAVAILABLE, NULL);
        assert_false(rpc_endpoint_can_begin(raw.side.endpoint));
        rpc_exchange *none = NULL;
        rpc_request request = { .path = PROA_STR("/a/b"), .deadline_ns = INT64_MAX };
        assert_int_equal(rpc_exchange_begin(raw.side.endpoint, &request, raw.side.now, &none), PROA_ERR_CLOSED);
        assert_null(none);
        raw_headers(&raw, 1, true, ":status", "200", "content-type", "application/grpc", "grpc-status", "0", NULL);
        raw_run(&raw);
        side_is(&raw.side, "END CLOSED");
        status_is(first, PROA_OK, NULL);
        assert_true(rpc_endpoint_is_over(raw.side.endpoint));
        rpc_exchange_release(first);
        end(&raw, second);
    }
}

static void deadline_is_exceeded_locally_and_cancels_at_the_peer(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_until(&raw, raw.side.now + 5 * PROA_MILLISECOND);
    assert_int_equal(rpc_exchange_deadline(call), raw.side.now + 5 * PROA_MILLISECOND);
    raw_run(&raw);
    assert_int_equal(rpc_endpoint_deadline(raw.side.endpoint), raw.side.now + 5 * PROA_MILLISECOND);
    raw.frames.size = 0;
    raw.side.now += 5 * PROA_MILLISECOND;
    rpc_endpoint_tick(raw.side.endpoint, raw.side.now);
    raw_is(&raw, "1 RST CANCEL");
    side_is(&raw.side, "END");
    status_is(call, PROA_DEADLINE_EXCEEDED, "the deadline is over");
    assert_false(raw.side.is_unprocessed);
    end(&raw, call);
}

static void deadline_that_is_over_sends_not_a_byte(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_until(&raw, raw.side.now);
    assert_false(push_text(call, "x"));
    rpc_exchange_end_requests(call);
    raw_is(&raw, "");
    side_is(&raw.side, "END");
    status_is(call, PROA_DEADLINE_EXCEEDED, NULL);
    rpc_exchange_release(call);
    call = call_whole(&raw); /* and it used up no stream number */
    raw_reset(&raw, 1, H2_CANCEL);
    raw_run(&raw);
    side_is(&raw.side, "END");
    end(&raw, call);
}

static void cancelled_after_our_deadline_is_deadline_exceeded(void **state)
{
    (void)state;
    for (int by_trailers = 0; by_trailers < 2; by_trailers++) {
        raw raw;
        begin(&raw, 0);
        rpc_exchange *call = call_until(&raw, raw.side.now + PROA_SECOND);
        rpc_exchange_end_requests(call);
        raw_run(&raw);
        raw.side.now += PROA_SECOND; /* nobody ticked yet */
        if (by_trailers)
            raw_headers(&raw, 1, true, ":status", "200", "content-type", "application/grpc", "grpc-status", "1", NULL);
        else
            raw_reset(&raw, 1, H2_CANCEL);
        raw_run(&raw);
        side_is(&raw.side, "END");
        status_is(call, PROA_DEADLINE_EXCEEDED, "the deadline is over");
        end(&raw, call);
    }
}

static void cancel_is_rst_stream_cancel(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_whole(&raw);
    raw_reply(&raw, 1, NULL);
    raw_message(&raw, 1, false, PROA_STR("x"));
    raw_run(&raw);
    side_is(&raw.side, "HEADERS MESSAGE");
    rpc_exchange_cancel(call, PROA_CANCELLED, "enough");
    raw_message(&raw, 1, false, PROA_STR("y"));
    raw_is(&raw, "1 RST CANCEL");
    side_is(&raw.side, "END");
    status_is(call, PROA_CANCELLED, "enough");
    assert_false(rpc_exchange_has_message(call));
    end(&raw, call);
}

static void lost_connection_is_unavailable_at_the_client(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_whole(&raw);
    raw_reply(&raw, 1, NULL);
    raw_message(&raw, 1, false, PROA_STR("x"));
    raw_data(&raw, 1, false, (proa_bytes){ "\0\0", 2 });
    raw_run(&raw);
    rpc_endpoint_lost(raw.side.endpoint, "connection reset");
    side_is(&raw.side, "HEADERS MESSAGE END CLOSED");
    status_is(call, PROA_UNAVAILABLE, "connection reset");
    assert_false(raw.side.is_unprocessed);
    pop_is_text(call, "x");
    end(&raw, call);
}

static void broken_connection_is_unavailable_at_the_client(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_whole(&raw);
    raw_frame(&raw, 0, 0, 0, PROA_STR("x")); /* DATA on stream 0 */
    raw_is(&raw, "GOAWAY 0 PROTOCOL_ERROR");
    side_is(&raw.side, "END CLOSED");
    status_is(call, PROA_UNAVAILABLE, NULL);
    end(&raw, call);
}

static void stop_cancels_running_calls(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_whole(&raw);
    rpc_endpoint_stop(raw.side.endpoint);
    rpc_endpoint_stop(raw.side.endpoint);
    raw_is(&raw, "1 RST CANCEL\nGOAWAY 0 NO_ERROR");
    side_is(&raw.side, "END CLOSED");
    status_is(call, PROA_CANCELLED, NULL);
    end(&raw, call);
}

static void drain_of_a_client_begins_no_more_and_ends_with_the_last(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_whole(&raw);
    rpc_endpoint_drain(raw.side.endpoint);
    rpc_exchange *none = NULL;
    rpc_request request = { .path = PROA_STR("/a/b"), .deadline_ns = INT64_MAX };
    assert_int_equal(rpc_exchange_begin(raw.side.endpoint, &request, raw.side.now, &none), PROA_ERR_CLOSED);
    raw_is(&raw, "");
    raw_headers(&raw, 1, true, ":status", "200", "content-type", "application/grpc", "grpc-status", "0", NULL);
    raw_is(&raw, "GOAWAY 0 NO_ERROR");
    side_is(&raw.side, "END CLOSED");
    end(&raw, call);
}

static void calls_over_the_limit_of_the_peer_wait_for_room(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    raw_setting(&raw, 3, 1);
    raw_run(&raw);
    rpc_exchange *call = call_whole(&raw), *none = NULL;
    rpc_request request = { .path = PROA_STR("/a/b"), .deadline_ns = INT64_MAX };
    assert_false(rpc_endpoint_can_begin(raw.side.endpoint));
    assert_int_equal(rpc_exchange_begin(raw.side.endpoint, &request, raw.side.now, &none), PROA_ERR_LIMIT);
    raw_headers(&raw, 1, true, ":status", "200", "content-type", "application/grpc", "grpc-status", "0", NULL);
    raw_run(&raw);
    assert_true(rpc_endpoint_can_begin(raw.side.endpoint));
    side_events(&raw.side);
    assert_non_null(strstr(raw.side.log.data, "END"));
    assert_non_null(strstr(raw.side.log.data, "ROOM"));
    end(&raw, call);
}

static void request_that_http_forbids_is_malformed_and_opens_no_stream(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    static const proa_header bad = { PROA_STR_INIT("x"), PROA_STR_INIT("a\r\nb: c") };
    rpc_exchange *none = NULL;
    rpc_request request = { .path = PROA_STR("/a/b"), .headers = { &bad, 1 }, .deadline_ns = INT64_MAX };
    assert_int_equal(rpc_exchange_begin(raw.side.endpoint, &request, raw.side.now, &none), PROA_ERR_MALFORMED);
    request = (rpc_request){ .path = PROA_STR("/a"), .deadline_ns = INT64_MAX };
    assert_int_equal(rpc_exchange_begin(raw.side.endpoint, &request, raw.side.now, &none), PROA_ERR_MALFORMED);
    assert_null(none);
    raw_is(&raw, "");
    assert_int_equal(rpc_endpoint_exchanges(raw.side.endpoint), 0);
    raw_end(&raw);
}

static void unread_replies_keep_the_window_of_the_peer_shut(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_whole(&raw);
    raw_reply(&raw, 1, NULL);
    raw.is_verbose = true;
    char message[16000];
    memset(message, 'm', sizeof message);
    for (int i = 0; i < 16; i++)
        raw_message(&raw, 1, false, (proa_bytes){ message, sizeof message });
    raw_run(&raw);
    assert_null(strstr(raw.frames.data, "1 WINDOW"));
    proa_slice slice;
    while (rpc_exchange_pop(call, &slice))
        proa_slice_free(&slice);
    raw_run(&raw);
    assert_non_null(strstr(raw.frames.data, "1 WINDOW"));
    raw_abandon(&raw, call);
}

static void push_of_a_slice_takes_it(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = call_until(&raw, INT64_MAX);
    for (size_t size = 0; size < 30000; size = size * 3 + 1) {
        hold *hold = hold_new(size);
        memset(hold_data(hold), 'h', size);
        proa_slice slice = slice_of(hold, 0, size);
        assert_true(rpc_exchange_push_slice(call, &slice));
        assert_null(slice.hold);
        raw.frames.size = 0;
        raw_run(&raw);
    }
    rpc_exchange_end_requests(call);
    proa_slice late = slice_of(hold_new(5), 0, 5);
    assert_false(rpc_exchange_push_slice(call, &late));
    assert_null(late.hold);
    raw_abandon(&raw, call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_goes_out_in_the_order_of_the_specification),
        cmocka_unit_test(request_that_ends_with_nothing_left_is_an_empty_data_with_end_stream),
        cmocka_unit_test(reply_is_headers_messages_and_trailers),
        cmocka_unit_test(trailers_only_is_one_header_list_that_ends_the_stream),
        cmocka_unit_test(informational_headers_are_skipped),
        cmocka_unit_test(http_status_gives_the_code_where_grpc_status_is_absent),
        cmocka_unit_test(reply_that_is_no_grpc_is_unknown),
        cmocka_unit_test(reply_without_grpc_status_is_unknown),
        cmocka_unit_test(grpc_status_above_16_is_unknown),
        cmocka_unit_test(reply_that_ends_within_a_message_is_internal_unless_it_says_why),
        cmocka_unit_test(bad_message_flags_are_internal),
        cmocka_unit_test(message_over_the_limit_is_resource_exhausted),
        cmocka_unit_test(limit_of_a_call_goes_before_that_of_the_endpoint),
        cmocka_unit_test(bad_base64_in_trailers_is_internal),
        cmocka_unit_test(details_that_contradict_the_status_are_ignored),
        cmocka_unit_test(header_list_of_a_reply_too_large_is_resource_exhausted),
        cmocka_unit_test(trailers_before_our_own_end_are_followed_by_rst_no_error),
        cmocka_unit_test(trailers_end_a_request_that_waits_for_window),
        cmocka_unit_test(status_counts_when_rst_no_error_follows_the_trailers),
        cmocka_unit_test(rst_stream_gives_the_code_of_its_table),
        cmocka_unit_test(refused_stream_is_unavailable_and_unprocessed),
        cmocka_unit_test(messages_outlive_the_connection_that_brought_them),
        cmocka_unit_test(connection_that_is_lost_tells_which_calls_have_not_left),
        cmocka_unit_test(goaway_ends_what_it_did_not_process_and_leaves_the_rest),
        cmocka_unit_test(deadline_is_exceeded_locally_and_cancels_at_the_peer),
        cmocka_unit_test(deadline_that_is_over_sends_not_a_byte),
        cmocka_unit_test(cancelled_after_our_deadline_is_deadline_exceeded),
        cmocka_unit_test(cancel_is_rst_stream_cancel),
        cmocka_unit_test(lost_connection_is_unavailable_at_the_client),
        cmocka_unit_test(broken_connection_is_unavailable_at_the_client),
        cmocka_unit_test(stop_cancels_running_calls),
        cmocka_unit_test(drain_of_a_client_begins_no_more_and_ends_with_the_last),
        cmocka_unit_test(calls_over_the_limit_of_the_peer_wait_for_room),
        cmocka_unit_test(request_that_http_forbids_is_malformed_and_opens_no_stream),
        cmocka_unit_test(unread_replies_keep_the_window_of_the_peer_shut),
        cmocka_unit_test(push_of_a_slice_takes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
