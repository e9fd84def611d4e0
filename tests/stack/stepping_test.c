/* SPDX-License-Identifier: Apache-2.0 */
/* When a handler on a loop is called again, and when it is not; what fails a call; what on_end is told. */
#include "shapes.h"
#include <stdio.h>

#define MS PROA_MILLISECOND

static struct {
    unsigned steps, ends;
    int64_t begun, stepped;
    proa_code end_code;
    char end_text[200];
    proa_call *call;
    bool was_cancelled;
    int64_t remaining;
} h; /* of the handler that runs */

static void note_end(proa_call *call, void *user)
{
    (void)user;
    proa_status status = proa_call_status(call);
    h.ends++;
    h.end_code = status.code;
    h.was_cancelled = proa_call_is_cancelled(call);
    snprintf(h.end_text, sizeof h.end_text, "%.*s", PROA_FMT(status.message));
}

static void note_step(proa_call *call)
{
    h.stepped = now_ns();
    if (h.steps++ == 0)
        h.begun = h.stepped;
    h.call = call;
    proa_call_on_end(call, note_end, NULL);
}

static proa_call *start(inside *in, proa_handler handler, const proa_serve_options *serve, seen *s)
{
    memset(&h, 0, sizeof h);
    inside_open(in, (proa_server_options){ 0 });
    proa_server_serve_bytes(in->server, "/test.Step/It", handler, serve);
    return s->call = proa_call_begin(in->channel, "/test.Step/It", &(proa_call_options){ SEEN(s) });
}

static void push_text(proa_call *call, const char *text)
{
    proa_slice message = text_slice(text);
    proa_call_push(call, &message);
}

/* ---- Waiting */

static proa_code pop_one(proa_call *call)
{
    proa_slice message;
    note_step(call);
    if (!proa_call_pop(call, &message))
        return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
    proa_call_push(call, &message);
    return PROA_WAIT;
}

static void handler_that_pops_one_is_called_for_the_others_and_for_the_end(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 };
    proa_call *call = start(&in, pop_one, NULL, &s);
    for (int i = 0; i < 100; i++) /* more than are unpacked at once */
        push_text(call, "x");
    proa_call_end_requests(call);
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(s.code, PROA_OK);
    assert_int_equal(s.pops, 100);
    assert_int_equal(h.ends, 1);
    inside_close(&in);
}

static proa_code pop_nothing(proa_call *call)
{
    note_step(call);
    return PROA_WAIT;
}

static void every_message_wakes_also_while_others_are_unread(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 };
    proa_call *call = start(&in, pop_nothing, NULL, &s);
    TURN_UNTIL(in.loop, h.steps == 1);
    for (unsigned i = 1; i <= 3; i++) {
        push_text(call, "x");
        TURN_UNTIL(in.loop, h.steps == 1 + i);
        inside_rest(in.loop);
        assert_int_equal(h.steps, 1 + i); /* what is left unread does not call again */
    }
    proa_call_end_requests(call);
    TURN_UNTIL(in.loop, h.steps == 5);
    inside_rest(in.loop);
    assert_int_equal(h.steps, 5);
    inside_close(&in);
    assert_int_equal(h.ends, 1);
}

static proa_code sleep_once(proa_call *call)
{
    note_step(call);
    return h.steps == 1 ? proa_call_sleep_ns(call, 60 * MS) : PROA_OK;
}

static void after_sleep_traffic_does_not_call(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 };
    proa_call *call = start(&in, sleep_once, NULL, &s);
    TURN_UNTIL(in.loop, h.steps == 1);
    push_text(call, "x");
    proa_call_end_requests(call);
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(h.steps, 2);
    assert_true(h.stepped - h.begun >= 60 * MS);
    inside_close(&in);
}

static proa_code sleep_for_ever(proa_call *call)
{
    note_step(call);
    return h.steps == 1 ? proa_call_sleep_ns(call, INT64_MAX) : PROA_OK;
}

static void *wake(void *call)
{
    proa_call_wake(call);
    return NULL;
}

static void a_wake_ends_a_sleep_also_from_another_thread(void **state)
{
    (void)state;
    for (int from_elsewhere = 0; from_elsewhere < 2; from_elsewhere++) {
        inside in;
        seen s = { 0 };
        start(&in, sleep_for_ever, NULL, &s);
        TURN_UNTIL(in.loop, h.steps == 1);
        if (from_elsewhere) {
            pthread_t thread;
            assert_int_equal(pthread_create(&thread, NULL, wake, h.call), 0);
            pthread_join(thread, NULL);
        } else {
            proa_call_wake(h.call);
        }
        assert_int_equal(h.steps, 1);
        TURN_UNTIL(in.loop, s.done);
        assert_int_equal(h.steps, 2);
        inside_close(&in);
    }
}

static proa_code wake_itself(proa_call *call)
{
    note_step(call);
    if (h.steps == 3)
        return PROA_OK;
    proa_call_wake(call);
    return proa_call_sleep_ns(call, INT64_MAX);
}

static void a_wake_during_the_step_is_not_lost(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 };
    start(&in, wake_itself, NULL, &s);
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(h.steps, 3);
    inside_close(&in);
}

static proa_code wait_and_count(proa_call *call)
{
    note_step(call);
    return h.steps < 4 ? proa_call_wait_ns(call, h.steps == 3 ? 30 * MS : 0) : PROA_OK;
}

static void wait_of_nothing_is_the_next_turn(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 };
    start(&in, wait_and_count, NULL, &s);
    TURN_UNTIL(in.loop, h.steps == 1);
    proa_loop_turn(in.loop);
    assert_int_equal(h.steps, 2);
    assert_int_equal(proa_loop_timeout_ms(in.loop), 0);
    proa_loop_turn(in.loop);
    assert_int_equal(h.steps, 3);
    assert_true(proa_loop_timeout_ms(in.loop) > 0);
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(h.steps, 4);
    assert_true(h.stepped - h.begun >= 30 * MS);
    inside_close(&in);
}

static proa_code wait_or_message(proa_call *call)
{
    proa_slice message;
    note_step(call);
    if (!proa_call_pop(call, &message))
        return proa_call_wait_ns(call, 10 * PROA_SECOND);
    proa_slice_free(&message);
    return PROA_OK;
}

static void traffic_ends_a_wait_before_its_time(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 };
    proa_call *call = start(&in, wait_or_message, NULL, &s);
    TURN_UNTIL(in.loop, h.steps == 1);
    push_text(call, "x");
    TURN_UNTIL(in.loop, s.done);
    assert_true(h.stepped - h.begun < PROA_SECOND);
    inside_close(&in);
}

/* ---- The end */

static void cancelled_call_is_not_called_again_and_on_end_runs_once(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 };
    proa_call *call = start(&in, pop_nothing, NULL, &s);
    TURN_UNTIL(in.loop, h.steps == 1);
    proa_call_cancel(call);
    TURN_UNTIL(in.loop, s.done && h.ends);
    inside_rest(in.loop);
    assert_int_equal(s.code, PROA_CANCELLED);
    assert_int_equal(h.steps, 1);
    assert_int_equal(h.ends, 1);
    assert_int_equal(h.end_code, PROA_CANCELLED);
    assert_true(h.was_cancelled);
    inside_close(&in);
}

static proa_code cancel_itself(proa_call *call)
{
    note_step(call);
    proa_call_cancel(call);
    return PROA_OK; /* too late */
}

static void handler_that_cancels_its_call_ends_it_as_cancelled(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 };
    start(&in, cancel_itself, NULL, &s);
    TURN_UNTIL(in.loop, s.done && h.ends);
    assert_int_equal(s.code, PROA_CANCELLED);
    assert_int_equal(h.end_code, PROA_CANCELLED);
    assert_int_equal(h.steps, 1);
    inside_close(&in);
}

static proa_code answer_with_text(proa_call *call)
{
    note_step(call);
    return proa_call_fail(call, PROA_NOT_FOUND, "%0400d", 1); /* longer than any buffer on a stack */
}

static void on_end_is_told_what_was_answered(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 };
    start(&in, answer_with_text, NULL, &s);
    TURN_UNTIL(in.loop, s.done && h.ends);
    assert_int_equal(s.code, PROA_NOT_FOUND);
    assert_int_equal(strlen(s.text), sizeof s.text - 1);
    assert_int_equal(h.end_code, PROA_NOT_FOUND);
    assert_false(h.was_cancelled);
    inside_close(&in);
}

static proa_code deadline_of(proa_call *call)
{
    note_step(call);
    h.remaining = proa_call_remaining_ns(call);
    return PROA_WAIT;
}

static void deadline_arrives_and_ends_both_sides(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 }, t = { 0 };
    start(&in, deadline_of, NULL, &s);
    TURN_UNTIL(in.loop, h.steps);
    assert_int_equal(h.remaining, INT64_MAX);
    proa_call *call =
        proa_call_begin(in.channel, "/test.Step/It", &(proa_call_options){ SEEN(&t), .timeout_ns = 1000 * MS });
    assert_true(proa_call_remaining_ns(call) > 0 && proa_call_remaining_ns(call) <= 1000 * MS);
    TURN_UNTIL(in.loop, h.steps == 2);
    assert_true(h.remaining > 0 && h.remaining <= 1010 * MS);
    TURN_UNTIL(in.loop, t.done && h.ends);
    assert_int_equal(t.code, PROA_DEADLINE_EXCEEDED);
    assert_true(h.was_cancelled);
    inside_close(&in);
}

static void deadlines_of_calls_without_a_connection(void **state)
{
    (void)state;
    inside in;
    inside_open(&in, (proa_server_options){ 0 });
    proa_channel *dead = proa_channel_open("127.0.0.1:1", &(proa_channel_options){ .loop = in.loop });
    seen s = { 0 }, over = { 0 };
    int64_t begun = now_ns();
    proa_call *call = proa_call_begin(dead, "/a.B/C",
                                      &(proa_call_options){ SEEN(&s), .timeout_ns = 50 * MS, .wait_for_ready = true });
    proa_call *late = proa_call_begin(dead, "/a.B/C", &(proa_call_options){ SEEN(&over), .timeout_ns = -1 });
    assert_true(proa_call_remaining_ns(late) < 0);
    assert_int_equal(over.done, 0); /* D10 */
    TURN_UNTIL(in.loop, s.done && over.done);
    assert_true(now_ns() - begun >= 50 * MS);
    assert_int_equal(s.code, PROA_DEADLINE_EXCEEDED);
    assert_int_equal(over.code, PROA_DEADLINE_EXCEEDED);
    (void)call;
    proa_channel_close(dead);
    inside_close(&in);
}

/* ---- What goes on at false fails at twice the bound */

static proa_code push_on(proa_call *call)
{
    note_step(call);
    while (proa_call_can_push(call) || !proa_call_is_cancelled(call)) {
        proa_slice message = slice_of_size(1000);
        proa_call_push(call, &message);
        if (h.steps++ > 1000)
            break;
    }
    return PROA_WAIT;
}

static void handler_that_pushes_on_fails_its_call(void **state)
{
    (void)state;
    inside in;
    seen s = { .is_lazy = true };
    start(&in, push_on, &(proa_serve_options){ .queue_bytes_max = 10000 }, &s);
    proa_channel *narrow =
        inside_channel(&in, (proa_channel_options){ .limits = &(proa_limits){ .stream_window_bytes = 1000 } });
    seen t = { 0 };
    proa_call_begin(narrow, "/test.Step/It", &(proa_call_options){ SEEN(&t) });
    TURN_UNTIL(in.loop, t.done);
    assert_int_equal(t.code, PROA_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(t.text, "twice the bound"));
    assert_true(t.pops >= 20 && t.pops <= 22);
    proa_channel_close(narrow);
    inside_close(&in);
}

static void client_that_pushes_on_fails_its_call_before_and_behind_the_connection(void **state)
{
    (void)state;
    for (int is_connected = 0; is_connected < 2; is_connected++) {
        inside in;
        memset(&h, 0, sizeof h);
        inside_open(&in, (proa_server_options){ .limits = &(proa_limits){ .stream_window_bytes = 1000 } });
        proa_server_serve_bytes(in.server, "/test.Step/It", pop_nothing, NULL);
        proa_channel *channel = inside_channel(&in, (proa_channel_options){ .queue_bytes_max = 10000 });
        seen s = { 0 };
        proa_call *call = proa_call_begin(channel, "/test.Step/It", &(proa_call_options){ SEEN(&s) });
        if (is_connected)
            TURN_UNTIL(in.loop, h.steps == 1);
        int taken = 0;
        for (bool has_room = true; has_room; taken++) {
            proa_slice message = slice_of_size(1000);
            has_room = proa_call_push(call, &message);
        }
        assert_true(taken == 10 || taken == 11);
        assert_false(proa_call_can_push(call));
        assert_false(proa_call_is_cancelled(call));
        for (; !proa_call_is_cancelled(call) && taken < 100; taken++) {
            proa_slice message = slice_of_size(1000);
            assert_false(proa_call_push(call, &message));
        }
        assert_true(taken >= 20 && taken <= 23);
        TURN_UNTIL(in.loop, s.done);
        assert_int_equal(s.code, PROA_RESOURCE_EXHAUSTED);
        proa_channel_close(channel);
        inside_close(&in);
    }
}

/* ---- Headers */

static const char *header_name;
static proa_bytes header_value;

static proa_code add_that_header(proa_call *call)
{
    note_step(call);
    proa_call_add_header(call, header_name, header_value);
    return PROA_OK;
}

static proa_code add_that_trailer(proa_call *call)
{
    note_step(call);
    proa_call_add_trailers(call, (proa_headers){ &(proa_header){ proa_bytes_of(header_name), header_value }, 1 });
    return PROA_OK;
}

static proa_code code_with(proa_handler handler, const char *name, proa_bytes value)
{
    inside in;
    seen s = { 0 };
    header_name = name;
    header_value = value;
    start(&in, handler, NULL, &s);
    TURN_UNTIL(in.loop, s.done && h.ends);
    assert_int_equal(h.ends, 1);
    assert_int_equal(h.end_code, s.code);
    inside_close(&in);
    return s.code;
}

static void headers_that_cannot_be_fail_the_call(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "Upper", "grpc-status", ":path", "te", "content-type", "connection", "a b" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(code_with(add_that_header, bad[i], PROA_STR("x")), PROA_INTERNAL);
        assert_int_equal(code_with(add_that_trailer, bad[i], PROA_STR("x")), PROA_INTERNAL);
    }
    assert_int_equal(code_with(add_that_header, "good", PROA_STR("two\nlines")), PROA_INTERNAL);
    assert_int_equal(code_with(add_that_trailer, "good", PROA_STR("two\nlines")), PROA_INTERNAL);
    assert_int_equal(code_with(add_that_header, "good-bin", PROA_STR("two\nlines")), PROA_OK);
    assert_int_equal(code_with(add_that_trailer, "good_1.x", PROA_STR("")), PROA_OK);
}

static proa_code header_behind_the_message(proa_call *call)
{
    note_step(call);
    push_text(call, "first");
    proa_call_add_header(call, "late", PROA_STR("x"));
    return PROA_OK;
}

static proa_code header_behind_the_headers(proa_call *call)
{
    note_step(call);
    proa_call_push_headers(call);
    proa_call_add_header(call, "late", PROA_STR("x"));
    return PROA_OK;
}

static void header_that_comes_too_late_fails_the_call(void **state)
{
    (void)state;
    assert_int_equal(code_with(header_behind_the_message, NULL, PROA_STR("")), PROA_INTERNAL);
    assert_int_equal(code_with(header_behind_the_headers, NULL, PROA_STR("")), PROA_INTERNAL);
}

static proa_code push_headers_then_wait(proa_call *call)
{
    note_step(call);
    if (h.steps > 1)
        return PROA_OK;
    proa_call_add_header(call, "early", PROA_STR("bird"));
    proa_call_push_headers(call);
    proa_call_push_headers(call);
    return PROA_WAIT;
}

static void headers_arrive_before_the_first_message(void **state)
{
    (void)state;
    inside in;
    seen s = { .is_lazy = true };
    proa_call *call = start(&in, push_headers_then_wait, NULL, &s);
    assert_null(proa_call_reply_headers(call).data);
    TURN_UNTIL(in.loop, proa_call_reply_headers(call).data);
    proa_bytes early = proa_headers_get(proa_call_reply_headers(call), "Early");
    assert_true(proa_bytes_is_equal(early, PROA_STR("bird")));
    assert_null(proa_headers_get(proa_call_reply_headers(call), "other").data);
    assert_null(proa_call_trailers(call).data);
    proa_call_end_requests(call);
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(s.code, PROA_OK);
    inside_close(&in);
}

/* ---- on_call */

static proa_code let_in(proa_call *call)
{
    proa_bytes key = proa_headers_get(proa_call_request_headers(call), "key");
    assert_string_equal(proa_call_user(call), "user of on_call");
    if (!key.data)
        return proa_call_fail(call, PROA_UNAUTHENTICATED, "no key");
    if (proa_bytes_is_equal(key, PROA_STR("cancel")))
        proa_call_cancel(call);
    return PROA_OK;
}

static proa_code step_with_user(proa_call *call)
{
    note_step(call);
    assert_string_equal(proa_call_user(call), "user of serve");
    return PROA_OK;
}

static void on_call_decides_before_the_handler(void **state)
{
    (void)state;
    inside in;
    memset(&h, 0, sizeof h);
    char of_server[] = "user of on_call", of_serve[] = "user of serve";
    inside_open(&in, (proa_server_options){ .on_call = let_in, .user = of_server });
    proa_server_serve_bytes(in.server, "/test.Step/It", step_with_user, &(proa_serve_options){ .user = of_serve });
    const proa_header good = { PROA_STR("key"), PROA_STR("x") }, cancel = { PROA_STR("key"), PROA_STR("cancel") };
    seen s[3] = { 0 };
    proa_call_begin(in.channel, "/test.Step/It", &(proa_call_options){ SEEN(&s[0]) });
    proa_call_begin(in.channel, "/test.Step/It", &(proa_call_options){ SEEN(&s[1]), .headers = { &good, 1 } });
    proa_call_begin(in.channel, "/test.Step/It", &(proa_call_options){ SEEN(&s[2]), .headers = { &cancel, 1 } });
    TURN_UNTIL(in.loop, s[0].done && s[1].done && s[2].done);
    assert_int_equal(s[0].code, PROA_UNAUTHENTICATED);
    assert_string_equal(s[0].text, "no key");
    assert_int_equal(s[1].code, PROA_OK);
    assert_int_equal(s[2].code, PROA_CANCELLED);
    assert_int_equal(h.steps, 1);
    inside_close(&in);
}

static void names_of_headers_of_a_call_are_checked(void **state)
{
    (void)state;
    inside in;
    seen s = { 0 };
    memset(&h, 0, sizeof h);
    inside_open(&in, (proa_server_options){ 0 });
    const proa_header reserved = { PROA_STR("grpc-timeout"), PROA_STR("1S") };
    proa_call_begin(in.channel, "/test.Step/It", &(proa_call_options){ SEEN(&s), .headers = { &reserved, 1 } });
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(s.code, PROA_INTERNAL);
    inside_close(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handler_that_pops_one_is_called_for_the_others_and_for_the_end),
        cmocka_unit_test(every_message_wakes_also_while_others_are_unread),
        cmocka_unit_test(after_sleep_traffic_does_not_call),
        cmocka_unit_test(a_wake_ends_a_sleep_also_from_another_thread),
        cmocka_unit_test(a_wake_during_the_step_is_not_lost),
        cmocka_unit_test(wait_of_nothing_is_the_next_turn),
        cmocka_unit_test(traffic_ends_a_wait_before_its_time),
        cmocka_unit_test(cancelled_call_is_not_called_again_and_on_end_runs_once),
        cmocka_unit_test(handler_that_cancels_its_call_ends_it_as_cancelled),
        cmocka_unit_test(on_end_is_told_what_was_answered),
        cmocka_unit_test(deadline_arrives_and_ends_both_sides),
        cmocka_unit_test(deadlines_of_calls_without_a_connection),
        cmocka_unit_test(handler_that_pushes_on_fails_its_call),
        cmocka_unit_test(client_that_pushes_on_fails_its_call_before_and_behind_the_connection),
        cmocka_unit_test(headers_that_cannot_be_fail_the_call),
        cmocka_unit_test(header_that_comes_too_late_fails_the_call),
        cmocka_unit_test(headers_arrive_before_the_first_message),
        cmocka_unit_test(on_call_decides_before_the_handler),
        cmocka_unit_test(names_of_headers_of_a_call_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
