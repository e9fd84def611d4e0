/* SPDX-License-Identifier: Apache-2.0 */
/* A server endpoint and a scripted client: the rules of PROTOCOL-HTTP2.md that a server keeps, each in a test. */
#include "rpc/exchange.h"
#include "rpc/rpc_testlib.h"

#define NO_HEADERS ((proa_headers){ NULL, 0 })

static void begin(raw *raw, uint64_t cut)
{
    raw_begin(raw, H2_SERVER, (rpc_options){ .role = H2_SERVER }, cut);
}

static void call_is_answered_by_headers_messages_and_trailers(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        raw_request(&raw, 1, false, NULL);
        raw_message(&raw, 1, true, PROA_STR("hello"));
        raw_is(&raw, "");
        side_is(&raw.side, "CALL MESSAGE HALF_CLOSE");
        rpc_exchange *call = raw.side.seen[0];
        assert_true(bytes_is(rpc_exchange_path(call), "/a.B/C", 6));
        assert_int_equal(rpc_exchange_deadline(call), INT64_MAX);
        assert_true(rpc_exchange_is_half_closed(call));
        assert_int_equal(rpc_endpoint_exchanges(raw.side.endpoint), 1);
        pop_is_text(call, "hello");
        assert_false(rpc_exchange_has_message(call));
        assert_true(push_text(call, "hi"));
        finish_with(call, PROA_OK, NULL);
        raw_is(&raw, "1 HEADERS :status=200 content-type=application/grpc\n"
                     "1 DATA 7\n"
                     "1 HEADERS END grpc-status=0");
        assert_memory_equal(raw.body.data, "\0\0\0\0\2hi", 7);
        side_is(&raw.side, "END");
        assert_true(rpc_exchange_has_ended(call));
        status_is(call, PROA_OK, "");
        assert_int_equal(rpc_endpoint_exchanges(raw.side.endpoint), 0);
        rpc_exchange_release(call);
        raw_end(&raw);
    }
}

static void response_headers_wait_for_the_first_message_or_an_explicit_send(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, true);
    static const proa_header custom = { PROA_STR_INIT("x"), PROA_STR_INIT("1") };
    assert_int_equal(rpc_exchange_send_headers(call, (proa_headers){ &custom, 1 }), PROA_ERR_NONE);
    raw_is(&raw, "1 HEADERS :status=200 content-type=application/grpc x=1");
    assert_int_equal(rpc_exchange_send_headers(call, NO_HEADERS), PROA_ERR_CLOSED); /* once */
    push_text(call, "");
    raw_is(&raw, "1 DATA 5");
    finish_with(call, PROA_OK, NULL);
    raw_is(&raw, "1 HEADERS END grpc-status=0");
    raw_finish(&raw, call);
}

static void early_error_is_trailers_only(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, true);
    static const proa_header custom = { PROA_STR_INIT("x-bin"), PROA_STR_INIT("\xab\xab\xab") };
    proa_status status = { PROA_NOT_FOUND, PROA_STR("no \xe2\x98\xba"), PROA_STR("\x08\x05") };
    assert_int_equal(rpc_exchange_finish(call, &status, (proa_headers){ &custom, 1 }), PROA_ERR_NONE);
    assert_int_equal(rpc_exchange_finish(call, &status, NO_HEADERS), PROA_ERR_NONE); /* a second one does nothing */
    raw_is(&raw, "1 HEADERS END :status=200 content-type=application/grpc grpc-status=5 grpc-message=no_%E2%98%BA "
                 "grpc-status-details-bin=CAU x-bin=q6ur");
    side_is(&raw.side, "END");
    status_is(call, PROA_NOT_FOUND, "");
    rpc_exchange_release(call);
    raw_end(&raw);
}

static void status_is_sent_even_if_ok(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, true);
    finish_with(call, PROA_OK, NULL);
    raw_is(&raw, "1 HEADERS END :status=200 content-type=application/grpc grpc-status=0");
    raw_finish(&raw, call);
}

static void early_close_is_followed_by_rst_no_error(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        rpc_exchange *call = raw_take(&raw, 1, false);
        push_text(call, "x");
        finish_with(call, PROA_OK, NULL);
        raw_is(&raw, "1 HEADERS :status=200 content-type=application/grpc\n"
                     "1 DATA 6\n"
                     "1 HEADERS END grpc-status=0\n"
                     "1 RST NO_ERROR");
        side_is(&raw.side, "END");
        status_is(call, PROA_OK, "");
        rpc_exchange_release(call);
        raw_message(&raw, 1, true, PROA_STR("late"));
        raw_is(&raw, "");
        side_is(&raw.side, "");
        raw_end(&raw);
    }
}

static void early_close_behind_a_shut_window_keeps_its_order(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    raw_setting(&raw, 4, 4);
    rpc_exchange *call = raw_take(&raw, 1, false);
    push_text(call, "hello");
    finish_with(call, PROA_ABORTED, "why");
    raw_is(&raw, "1 HEADERS :status=200 content-type=application/grpc\n1 DATA 4");
    side_is(&raw.side, "");
    raw_window(&raw, 1, 100);
    raw_is(&raw, "1 DATA 6\n1 HEADERS END grpc-status=10 grpc-message=why\n1 RST NO_ERROR");
    raw_finish(&raw, call);
}

static void empty_data_with_end_stream_is_the_end_of_the_requests(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        rpc_exchange *call = raw_take(&raw, 1, false);
        raw_message(&raw, 1, false, PROA_STR("a"));
        raw_message(&raw, 1, false, PROA_STR(""));
        raw_data(&raw, 1, true, PROA_STR(""));
        raw_is(&raw, "");
        side_is(&raw.side, "MESSAGE HALF_CLOSE");
        pop_is_text(call, "a");
        pop_is_text(call, "");
        finish_with(call, PROA_OK, NULL);
        raw_run(&raw);
        raw_finish(&raw, call);
    }
}

static void request_trailers_are_the_end_of_the_requests(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, false);
    raw_headers(&raw, 1, true, "x", "1", NULL);
    raw_is(&raw, "");
    side_is(&raw.side, "HALF_CLOSE");
    finish_with(call, PROA_OK, NULL);
    raw_run(&raw);
    raw_finish(&raw, call);
}

/* ---- Requests that nobody sees. `send` writes stream 1; the connection must go on with stream 3. */

static void is_refused(void (*send)(raw *raw), const char *frames)
{
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        send(&raw);
        raw_is(&raw, frames);
        side_is(&raw.side, "");
        assert_int_equal(rpc_endpoint_exchanges(raw.side.endpoint), 0);
        rpc_exchange *call = raw_take(&raw, 3, true);
        finish_with(call, PROA_OK, NULL);
        raw_is(&raw, "3 HEADERS END :status=200 content-type=application/grpc grpc-status=0");
        raw_finish(&raw, call);
    }
}

static void send_get(raw *raw)
{
    raw_headers(raw, 1, true, ":method", "GET", ":scheme", "http", ":path", "/", ":authority", "h", NULL);
}

static void method_other_than_post_is_answered_405(void **state)
{
    (void)state;
    is_refused(send_get, "1 HEADERS :status=405 content-type=text/plain grpc-status=13 "
                         "grpc-message=the_method_is_not_POST allow=POST\n1 DATA 23 END");
}

static void send_json(raw *raw)
{
    raw_headers(raw, 1, true, ":method", "POST", ":scheme", "http", ":path", "/a/b", ":authority", "h", "content-type",
                "application/json", NULL);
}

static void send_no_type(raw *raw)
{
    raw_headers(raw, 1, true, ":method", "POST", ":scheme", "http", ":path", "/a/b", ":authority", "h", NULL);
}

static void wrong_content_type_is_answered_415(void **state)
{
    (void)state;
    static const char answer[] = "1 HEADERS :status=415 content-type=text/plain grpc-status=13 "
                                 "grpc-message=the_content-type_is_not_application/grpc\n1 DATA 41 END";
    is_refused(send_json, answer);
    is_refused(send_no_type, answer);
}

static void send_text(raw *raw, const char *content_length)
{
    raw_headers(raw, 1, false, ":method", "POST", ":scheme", "http", ":path", "/a/b", ":authority", "h", "content-type",
                "text/plain", "content-length", content_length, NULL);
    raw_is(raw, "1 HEADERS :status=415 content-type=text/plain grpc-status=13 "
                "grpc-message=the_content-type_is_not_application/grpc\n1 DATA 41 END");
}

static void what_is_no_grpc_is_still_judged_as_http(void **state)
{
    (void)state;
    for (int is_good = 0; is_good < 2; is_good++) {
        raw raw;
        begin(&raw, 0);
        send_text(&raw, is_good ? "3" : "5");
        raw_data(&raw, 1, true, PROA_STR("abc"));
        raw_is(&raw, is_good ? "" : "1 RST PROTOCOL_ERROR");
        side_is(&raw.side, "");
        raw_end(&raw);
    }
}

static void what_is_no_grpc_is_cut_off_after_16_kib(void **state)
{
    (void)state;
    static char block[8 * 1024];
    raw raw;
    begin(&raw, 0);
    send_text(&raw, "1000000");
    raw_data(&raw, 1, false, (proa_bytes){ block, sizeof block });
    raw_is(&raw, "");
    raw_data(&raw, 1, false, (proa_bytes){ block, sizeof block });
    raw_is(&raw, "1 RST NO_ERROR");
    side_is(&raw.side, "");
    raw_end(&raw);
}

static const char *bad_path;

static void send_bad_path(raw *raw)
{
    raw_headers(raw, 1, false, ":method", "POST", ":scheme", "http", ":path", bad_path, ":authority", "h", "te",
                "trailers", "content-type", "application/grpc", NULL);
}

static void odd_path_is_unimplemented_before_anybody_sees_it_cve_2026_33186(void **state)
{
    (void)state;
    static const char *const paths[] = { "a.B/C",       "/a.B//C", "//a.B/C", "/a.B/C/", "/a.B%2FC",
                                         "/x/../a.B/C", "/a.B",    "/./C",    "*" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        bad_path = paths[i];
        is_refused(send_bad_path, "1 HEADERS END :status=200 content-type=application/grpc grpc-status=12 "
                                  "grpc-message=the_path_is_not_/service/method\n1 RST NO_ERROR");
    }
}

static void send_long_path(raw *raw)
{
    static char path[20 * 1024];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    bad_path = path;
    send_bad_path(raw);
    static char body[16 * 1024]; /* what is answered by HTTP is cut off there */
    raw_data(raw, 1, false, (proa_bytes){ body, sizeof body });
}

static void header_list_too_large_is_answered_431_and_resource_exhausted(void **state)
{
    (void)state;
    is_refused(send_long_path, "1 HEADERS END :status=431 content-type=application/grpc grpc-status=8 "
                               "grpc-message=the_header_list_is_too_large\n1 RST NO_ERROR");
}

static void send_many_fields(raw *raw)
{
    hpack_field fields[200];
    static const char *const usual[][2] = { { ":method", "POST" }, { ":scheme", "http" }, { ":path", "/a/b" } };
    for (size_t i = 0; i < 200; i++)
        fields[i] = (hpack_field){ proa_bytes_of(i < 3 ? usual[i][0] : "x"), proa_bytes_of(i < 3 ? usual[i][1] : "y"),
                                   0, false };
    buffer block = { 0 };
    assert_int_equal(hpack_encode(raw->encoder, fields, 200, &block), PROA_ERR_NONE);
    raw_frame(raw, 1, 4 | 1, 1, buffer_bytes(&block));
    buffer_fini(&block);
}

static void too_many_header_fields_are_answered_431_cve_2026_49975(void **state)
{
    (void)state;
    is_refused(send_many_fields, "1 HEADERS END :status=431 content-type=application/grpc grpc-status=8 "
                                 "grpc-message=the_header_list_is_too_large");
}

static void send_bad_timeout(raw *raw)
{
    raw_request(raw, 1, true, "grpc-timeout", "1.5S", NULL);
}

static void malformed_grpc_timeout_is_internal(void **state)
{
    (void)state;
    is_refused(send_bad_timeout, "1 HEADERS END :status=400 content-type=application/grpc grpc-status=13 "
                                 "grpc-message=the_grpc-timeout_is_malformed");
}

static void send_no_time(raw *raw)
{
    raw_request(raw, 1, false, "grpc-timeout", "0n", NULL);
}

static void grpc_timeout_of_nothing_is_deadline_exceeded(void **state)
{
    (void)state;
    is_refused(send_no_time, "1 HEADERS END :status=200 content-type=application/grpc grpc-status=4 "
                             "grpc-message=the_deadline_was_over_when_the_request_arrived\n1 RST NO_ERROR");
}

static void send_gzip(raw *raw)
{
    raw_request(raw, 1, true, "grpc-encoding", "gzip", NULL);
}

static void unknown_grpc_encoding_is_unimplemented_and_told_what_is_accepted(void **state)
{
    (void)state;
    is_refused(send_gzip, "1 HEADERS END :status=200 content-type=application/grpc grpc-status=12 "
                          "grpc-message=the_grpc-encoding_is_not_supported grpc-accept-encoding=identity");
}

static void send_bad_bin(raw *raw)
{
    raw_request(raw, 1, true, "x-bin", "!", NULL);
}

static void bad_base64_ends_its_stream_and_no_more_cve_2023_32732(void **state)
{
    (void)state;
    is_refused(send_bad_bin, "1 HEADERS END :status=400 content-type=application/grpc grpc-status=13 "
                             "grpc-message=a_-bin_header_is_not_base64");
}

static size_t malformed;

#define REQUEST_OF(path, ...) \
    ":method", "POST", ":scheme", "http", ":path", path, "content-type", "application/grpc", __VA_ARGS__

static void send_malformed(raw *raw)
{
    switch (malformed) {
    case 0: raw_headers(raw, 1, true, REQUEST_OF("/a/b", "x", "a\r\nb: c", NULL)); break;
    case 1: raw_headers(raw, 1, true, REQUEST_OF("/a/b", "Upper", "x", NULL)); break;
    case 2: raw_headers(raw, 1, true, REQUEST_OF("/a/b", ":authority", "late", NULL)); break;
    case 3: raw_headers(raw, 1, true, ":path", "/c/d", REQUEST_OF("/a/b", NULL)); break;
    case 4: raw_headers(raw, 1, true, ":authority", "me@host", REQUEST_OF("/a/b", NULL)); break;
    case 5: raw_headers(raw, 1, true, ":authority", "one", REQUEST_OF("/a/b", "host", "two", NULL)); break;
    case 6: raw_headers(raw, 1, true, REQUEST_OF("/a/b", "connection", "close", NULL)); break;
    case 7: raw_headers(raw, 1, true, REQUEST_OF("/a/b", "te", "gzip", NULL)); break;
    case 8: raw_headers(raw, 1, true, REQUEST_OF("/a/b", "content-length", "5", NULL)); break;
    case 9: raw_headers(raw, 1, true, REQUEST_OF("", NULL)); break;
    case 10: raw_headers(raw, 1, true, REQUEST_OF("/a/b", ":unknown", "x", NULL)); break;
    default: break;
    }
}

/* Abuse of the rules of HTTP is h2's to find; what matters here is that nobody sees such a call. */
static void request_that_is_malformed_http_ends_its_stream_and_no_more(void **state)
{
    (void)state;
    for (malformed = 0; malformed <= 10; malformed++)
        is_refused(send_malformed, "1 RST PROTOCOL_ERROR");
}

static void foreign_codec_is_told(void **state)
{
    (void)state;
    static const char *const types[] = { "application/grpc", "application/grpc+json" };
    for (size_t i = 0; i < 2; i++) {
        raw raw;
        begin(&raw, 0);
        raw_headers(&raw, 1, true, ":method", "POST", ":scheme", "http", ":path", "/a.B/C", ":authority", "h",
                    "content-type", types[i], NULL);
        raw_is(&raw, "");
        side_is(&raw.side, "CALL HALF_CLOSE");
        assert_int_equal(rpc_exchange_is_foreign(raw.side.seen[0]), i == 1);
        raw_abandon(&raw, raw.side.seen[0]);
    }
}

static void missing_te_is_accepted(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    raw_headers(&raw, 1, true, ":method", "POST", ":scheme", "http", ":path", "/a.B/C", ":authority", "h",
                "content-type", "application/grpc+proto", "grpc-encoding", "identity", NULL);
    raw_is(&raw, "");
    side_is(&raw.side, "CALL HALF_CLOSE");
    raw_abandon(&raw, raw.side.seen[0]);
}

/* ---- Ends */

static void rst_stream_of_the_client_is_cancelled(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        raw raw;
        begin(&raw, cut);
        rpc_exchange *call = raw_take(&raw, 1, false);
        raw_message(&raw, 1, false, PROA_STR("x"));
        raw_reset(&raw, 1, H2_CANCEL);
        raw_is(&raw, "");
        side_is(&raw.side, "MESSAGE END");
        status_is(call, PROA_CANCELLED, "the client cancelled the call");
        assert_true(rpc_exchange_is_half_closed(call));
        assert_false(push_text(call, "y"));
        finish_with(call, PROA_OK, NULL); /* does nothing */
        raw_is(&raw, "");
        pop_is_text(call, "x"); /* what was received stays */
        rpc_exchange_release(call);
        raw_end(&raw);
    }
}

static void deadline_is_kept_by_the_server_and_cancels_both_ways(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    raw_request(&raw, 1, false, "grpc-timeout", "100m", NULL);
    raw_is(&raw, "");
    side_is(&raw.side, "CALL");
    rpc_exchange *call = raw.side.seen[0];
    int64_t deadline = rpc_exchange_deadline(call);
    assert_int_equal(deadline, raw.side.now + 100 * PROA_MILLISECOND);
    deadline += EXCHANGE_PATIENCE_NS; /* the client's turn to notice */
    assert_true(rpc_endpoint_deadline(raw.side.endpoint) <= deadline);
    raw.side.now = deadline - 1;
    rpc_endpoint_tick(raw.side.endpoint, raw.side.now);
    raw_is(&raw, "");
    raw.side.now = deadline;
    rpc_endpoint_tick(raw.side.endpoint, raw.side.now);
    assert_false(push_text(call, "late"));
    raw_is(&raw, "1 RST CANCEL");
    side_is(&raw.side, "END");
    status_is(call, PROA_DEADLINE_EXCEEDED, "the deadline is over");
    rpc_exchange_release(call);
    raw_end(&raw);
}

static void deadline_ends_a_call_whose_trailers_are_stuck(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    raw_setting(&raw, 4, 0);
    raw_request(&raw, 1, true, "grpc-timeout", "1S", NULL);
    raw_is(&raw, "");
    side_is(&raw.side, "CALL HALF_CLOSE");
    rpc_exchange *call = raw.side.seen[0];
    push_text(call, "x");
    finish_with(call, PROA_OK, NULL);
    raw_is(&raw, "1 HEADERS :status=200 content-type=application/grpc");
    raw.side.now += PROA_SECOND + EXCHANGE_PATIENCE_NS;
    rpc_endpoint_tick(raw.side.endpoint, raw.side.now);
    raw_is(&raw, "1 RST CANCEL");
    side_is(&raw.side, "END");
    status_is(call, PROA_DEADLINE_EXCEEDED, NULL);
    rpc_exchange_release(call);
    raw_end(&raw);
}

static void answer_that_the_client_does_not_wait_for_is_cancelled(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    raw_setting(&raw, 4, 0);
    rpc_exchange *call = raw_take(&raw, 1, true);
    push_text(call, "x");
    finish_with(call, PROA_OK, NULL);
    raw_reset(&raw, 1, H2_CANCEL);
    raw_run(&raw);
    side_is(&raw.side, "END");
    status_is(call, PROA_CANCELLED, NULL);
    rpc_exchange_release(call);
    raw.frames.size = 0;
    call = raw_take(&raw, 3, true);
    push_text(call, "x");
    finish_with(call, PROA_OK, NULL);
    rpc_endpoint_lost(raw.side.endpoint, "gone");
    side_is(&raw.side, "END CLOSED");
    status_is(call, PROA_CANCELLED, NULL);
    rpc_exchange_release(call);
    raw_end(&raw);
}

static void client_whose_deadlines_run_out_is_not_slowed_down(void **state)
{
    (void)state;
    for (int has_timeout = 0; has_timeout < 2; has_timeout++) {
        raw raw;
        raw_begin(&raw, H2_SERVER, (rpc_options){ .limits = { .reset_burst = 10, .reset_per_second = 1 } }, 0);
        for (uint32_t id = 1; id < 60; id += 2) {
            raw_request(&raw, id, false, has_timeout ? "grpc-timeout" : NULL, "20m", NULL);
            raw_run(&raw);
            raw.side.now += 20 * PROA_MILLISECOND;
            raw_reset(&raw, id, H2_CANCEL);
            raw_run(&raw);
        }
        assert_int_equal(rpc_endpoint_counters(raw.side.endpoint)->reset_slowed > 0, !has_timeout);
        for (size_t i = 0; i < raw.side.count; i++)
            rpc_exchange_cancel(raw.side.seen[i], PROA_CANCELLED, "over");
        raw_end(&raw);
        for (size_t i = 0; i < raw.side.count; i++)
            rpc_exchange_release(raw.side.seen[i]);
    }
}

static void cancel_on_the_server_resets_with_the_code_of_its_status(void **state)
{
    (void)state;
    static const struct {
        proa_code code;
        const char *frames;
    } rows[] = {
        { PROA_CANCELLED, "1 RST CANCEL" },        { PROA_DEADLINE_EXCEEDED, "1 RST CANCEL" },
        { PROA_INTERNAL, "1 RST INTERNAL_ERROR" }, { PROA_RESOURCE_EXHAUSTED, "1 RST ENHANCE_YOUR_CALM" },
        { PROA_UNAVAILABLE, "1 RST CANCEL" }, /* not REFUSED_STREAM: somebody saw the call (RFC 9113 8.7) */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        raw raw;
        begin(&raw, 0);
        rpc_exchange *call = raw_take(&raw, 1, false);
        rpc_exchange_cancel(call, rows[i].code, "why");
        rpc_exchange_cancel(call, PROA_OK, "too late");
        raw_is(&raw, rows[i].frames);
        side_is(&raw.side, "END");
        status_is(call, rows[i].code, "why");
        rpc_exchange_release(call);
        raw_end(&raw);
    }
}

static void lost_connection_is_cancelled_at_the_server(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, false);
    rpc_endpoint_lost(raw.side.endpoint, "reset by peer");
    side_is(&raw.side, "END CLOSED");
    status_is(call, PROA_CANCELLED, "the connection was lost");
    assert_true(rpc_endpoint_is_over(raw.side.endpoint));
    rpc_exchange_release(call);
    raw_end(&raw);
}

static void stop_answers_running_calls_unavailable_and_ends(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, false), *other = raw_take(&raw, 3, true);
    push_text(other, "x");
    raw_run(&raw);
    raw.frames.size = 0;
    rpc_endpoint_stop(raw.side.endpoint);
    raw_is(&raw, "1 HEADERS END :status=200 content-type=application/grpc grpc-status=14 "
                 "grpc-message=the_server_is_shutting_down\n"
                 "1 RST NO_ERROR\n"
                 "3 HEADERS END grpc-status=14 grpc-message=the_server_is_shutting_down\n"
                 "GOAWAY 3 NO_ERROR");
    side_is(&raw.side, "END END CLOSED");
    status_is(call, PROA_UNAVAILABLE, NULL);
    status_is(other, PROA_UNAVAILABLE, NULL);
    assert_true(rpc_endpoint_is_over(raw.side.endpoint));
    rpc_exchange_release(call);
    rpc_exchange_release(other);
    raw_end(&raw);
}

static void drain_lets_running_calls_end(void **state)
{
    (void)state;
    raw raw;
    begin(&raw, 0);
    rpc_exchange *call = raw_take(&raw, 1, true);
    rpc_endpoint_drain(raw.side.endpoint);
    raw_is(&raw, "GOAWAY 2147483647 NO_ERROR");
    rpc_exchange *late = raw_take(&raw, 3, true); /* sent before the client knew */
    push_text(call, "x");
    finish_with(call, PROA_OK, NULL);
    finish_with(late, PROA_OK, NULL);
    raw_run(&raw);
    side_is(&raw.side, "END END");
    rpc_exchange_release(call);
    rpc_exchange_release(late);
    raw_end(&raw);
}

static void headers_larger_than_the_client_takes_end_the_call(void **state)
{
    (void)state;
    static char value[1000];
    memset(value, 'x', sizeof value);
    proa_header header = { PROA_STR("a"), { value, sizeof value } };
    proa_headers headers = { &header, 1 };
    proa_status ok = { .code = PROA_OK }, failure = { .code = PROA_NOT_FOUND, .message = { value, sizeof value } };
    for (int way = 0; way < 3; way++) {
        raw raw;
        raw_begin(&raw, H2_SERVER, (rpc_options){ .role = H2_SERVER }, 0);
        raw_setting(&raw, 6, 800);
        rpc_exchange *call = raw_take(&raw, 1, true);
        if (way == 0)
            assert_int_equal(rpc_exchange_send_headers(call, headers), PROA_ERR_LIMIT);
        else
            assert_int_equal(
                rpc_exchange_finish(call, way == 1 ? &ok : &failure, way == 1 ? headers : (proa_headers){ 0 }),
                PROA_ERR_NONE);
        raw_run(&raw);
        raw.frames.data[raw.frames.size] = '\0';
        assert_non_null(strstr(raw.frames.data, way == 2 ? "grpc-status=5" : "grpc-status=8"));
        assert_non_null(strstr(raw.frames.data, "grpc-message=the_headers_are_larger"));
        raw.frames.size = 0;
        raw_finish(&raw, call);
    }
}

/* Its trailers cannot pass the messages, and RST_STREAM would say that somebody cancelled: the connection ends it. */
static void stopping_does_not_reset_what_the_peer_does_not_take(void **state)
{
    (void)state;
    for (int is_answered = 0; is_answered < 2; is_answered++) {
        raw raw;
        begin(&raw, 0);
        raw_setting(&raw, 4, 10); /* INITIAL_WINDOW_SIZE */
        rpc_exchange *call = raw_take(&raw, 1, true);
        push_size(call, 100);
        if (is_answered)
            finish_with(call, PROA_OK, NULL);
        raw_run(&raw);
        raw.frames = (text){ .size = 0 };
        raw.side.log = (text){ .size = 0 };
        rpc_endpoint_stop(raw.side.endpoint);
        raw_run(&raw);
        assert_null(strstr(raw.frames.data, "RST"));
        status_is(call, PROA_UNAVAILABLE, "the server is shutting down");
        rpc_exchange_release(call);
        raw_end(&raw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_larger_than_the_client_takes_end_the_call),
        cmocka_unit_test(call_is_answered_by_headers_messages_and_trailers),
        cmocka_unit_test(response_headers_wait_for_the_first_message_or_an_explicit_send),
        cmocka_unit_test(early_error_is_trailers_only),
        cmocka_unit_test(status_is_sent_even_if_ok),
        cmocka_unit_test(early_close_is_followed_by_rst_no_error),
        cmocka_unit_test(early_close_behind_a_shut_window_keeps_its_order),
        cmocka_unit_test(empty_data_with_end_stream_is_the_end_of_the_requests),
        cmocka_unit_test(request_trailers_are_the_end_of_the_requests),
        cmocka_unit_test(method_other_than_post_is_answered_405),
        cmocka_unit_test(wrong_content_type_is_answered_415),
        cmocka_unit_test(what_is_no_grpc_is_still_judged_as_http),
        cmocka_unit_test(what_is_no_grpc_is_cut_off_after_16_kib),
        cmocka_unit_test(odd_path_is_unimplemented_before_anybody_sees_it_cve_2026_33186),
        cmocka_unit_test(header_list_too_large_is_answered_431_and_resource_exhausted),
        cmocka_unit_test(too_many_header_fields_are_answered_431_cve_2026_49975),
        cmocka_unit_test(malformed_grpc_timeout_is_internal),
        cmocka_unit_test(grpc_timeout_of_nothing_is_deadline_exceeded),
        cmocka_unit_test(unknown_grpc_encoding_is_unimplemented_and_told_what_is_accepted),
        cmocka_unit_test(bad_base64_ends_its_stream_and_no_more_cve_2023_32732),
        cmocka_unit_test(request_that_is_malformed_http_ends_its_stream_and_no_more),
        cmocka_unit_test(foreign_codec_is_told),
        cmocka_unit_test(missing_te_is_accepted),
        cmocka_unit_test(rst_stream_of_the_client_is_cancelled),
        cmocka_unit_test(stopping_does_not_reset_what_the_peer_does_not_take),
        cmocka_unit_test(deadline_is_kept_by_the_server_and_cancels_both_ways),
        cmocka_unit_test(deadline_ends_a_call_whose_trailers_are_stuck),
        cmocka_unit_test(answer_that_the_client_does_not_wait_for_is_cancelled),
        cmocka_unit_test(client_whose_deadlines_run_out_is_not_slowed_down),
        cmocka_unit_test(cancel_on_the_server_resets_with_the_code_of_its_status),
        cmocka_unit_test(lost_connection_is_cancelled_at_the_server),
        cmocka_unit_test(stop_answers_running_calls_unavailable_and_ends),
        cmocka_unit_test(drain_lets_running_calls_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
