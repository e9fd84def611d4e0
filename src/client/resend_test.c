/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are sent again without their user's knowing: refused once, above GOAWAY, never sent; and those that are not (A6). */
#include "client/client_testlib.h"
#include <stdio.h>

enum { REFUSED_STREAM = 7, CANCEL = 8 };

typedef struct bench {
    raw_server server;
    proa_loop *home;
    proa_channel *channel;
} bench;

static unsigned readies, dones, refusals_left;
static proa_code done_code;

static void refuse_some(raw_line *l)
{
    if (refusals_left) {
        refusals_left--;
        raw_reset(l, l->stream, REFUSED_STREAM);
    }
}

static int begin(void **state)
{
    bench *b = memory_new(sizeof *b);
    readies = dones = refusals_left = 0;
    b->home = virtual_home();
    raw_open(&b->server, b->home);
    b->server.on_call = refuse_some;
    b->channel = proa_channel_open(b->server.address, &(proa_channel_options){ .loop = b->home, .seed = 1 });
    *state = b;
    return 0;
}

static int finish(void **state)
{
    bench *b = *state;
    proa_channel_close(b->channel);
    rest(b->home, MS);
    raw_shut(&b->server);
    rest(b->home, MS);
    proa_loop_free(b->home);
    memory_free(b);
    return 0;
}

static void push(proa_call *call, const char *text)
{
    proa_slice slice;
    assert_int_equal(proa_slice_copy(proa_bytes_of(text), &slice), PROA_ERR_NONE);
    proa_call_push(call, &slice);
}

static void push_size(proa_call *call, size_t size)
{
    proa_slice slice;
    char *bytes = memory_new(size);
    assert_int_equal(proa_slice_copy((proa_bytes){ bytes, size }, &slice), PROA_ERR_NONE);
    memory_free(bytes);
    proa_call_push(call, &slice);
}

static void on_ready(proa_call *call, void *user)
{
    (void)call;
    (void)user;
    readies++;
}

static void on_done(proa_call *call, void *user)
{
    (void)user;
    dones++;
    done_code = proa_call_status(call).code;
}

static raw_line *last(bench *b)
{
    return &b->server.lines[b->server.count - 1];
}

static void data_is(const raw_line *l, const char *bytes, size_t size)
{
    proa_bytes got = buffer_bytes(&l->data);
    assert_int_equal(got.size, size);
    assert_memory_equal(got.data, bytes, size);
}
#define DATA_IS(line, text) data_is(line, text, sizeof text - 1)

/* ---- Sent again */

static void refused_call_is_sent_once_more(void **state)
{
    bench *b = *state;
    b->server.answers = true;
    refusals_left = 1;
    proa_call *call = proa_call_begin(b->channel, "/a.B/C", NULL);
    push(call, "ask");
    proa_call_end_requests(call);
    assert_int_equal(code_of(call), PROA_OK);
    assert_int_equal(b->server.count, 1);
    assert_int_equal(b->server.lines[0].calls, 2);
    refusals_left = 2;
    call = begin_call(b->channel, NULL);
    assert_true(says(call, ""));
    assert_int_equal(code_of(call), PROA_UNAVAILABLE);
    assert_int_equal(b->server.lines[0].calls, 4);
}

static void callbacks_hear_of_the_call_and_not_of_attempts(void **state)
{
    bench *b = *state;
    b->server.answers = true;
    refusals_left = 1;
    proa_call *call =
        proa_call_begin(b->channel, "/a.B/C", &(proa_call_options){ .on_ready = on_ready, .on_done = on_done });
    push(call, "ask");
    proa_call_end_requests(call);
    TURN_UNTIL(b->home, dones);
    rest(b->home, MS);
    assert_int_equal(dones, 1);
    assert_int_equal(done_code, PROA_OK);
    assert_int_equal(b->server.lines[0].calls, 2);
    assert_true(readies < 6);
}

/* The server that goes away cleanly names the last call that it takes (RFC 9113 6.8). */
static void call_above_goaway_goes_to_the_next_connection(void **state)
{
    bench *b = *state;
    proa_call *kept = proa_call_begin(b->channel, "/a.B/C", NULL), *moved = proa_call_begin(b->channel, "/a.B/C", NULL);
    push(kept, "kept");
    push(moved, "moved");
    proa_call_end_requests(moved);
    TURN_UNTIL(b->home, b->server.count && b->server.lines[0].calls == 2);
    raw_goaway(&b->server.lines[0], 1, 0, "");
    TURN_UNTIL(b->home, b->server.count == 2 && last(b)->half_closes == 1);
    DATA_IS(last(b), "\0\0\0\0\5moved");
    raw_ok(last(b), 1);
    raw_ok(&b->server.lines[0], 1);
    assert_int_equal(code_of(kept), PROA_OK);
    assert_int_equal(code_of(moved), PROA_OK);
}

static void no_header_tells_of_the_attempt_before(void **state)
{
    bench *b = *state;
    proa_call *call = begin_call(b->channel, NULL);
    TURN_UNTIL(b->home, b->server.count && b->server.lines[0].calls == 1);
    raw_goaway(&b->server.lines[0], 0, 0, "");
    TURN_UNTIL(b->home, b->server.count == 2 && last(b)->calls == 1);
    /* Both are the first of their connection, so the same list is the same bytes. */
    assert_int_equal(last(b)->headers_size, b->server.lines[0].headers_size);
    assert_memory_equal(last(b)->headers, b->server.lines[0].headers, last(b)->headers_size);
    raw_ok(last(b), 1);
    assert_int_equal(code_of(call), PROA_OK);
}

static void stream_of_messages_is_repeated_in_order_and_goes_on(void **state)
{
    bench *b = *state;
    proa_call *call = proa_call_begin(b->channel, "/a.B/C", &(proa_call_options){ .wait_for_ready = true });
    push(call, "one");
    push(call, "");
    TURN_UNTIL(b->home, b->server.count && b->server.lines[0].calls == 1);
    push(call, "three");
    rest(b->home, MS);
    DATA_IS(&b->server.lines[0], "\0\0\0\0\3one\0\0\0\0\0\0\0\0\0\5three");
    io_listener_close(b->server.listener);
    b->server.listener = NULL;
    raw_goaway(&b->server.lines[0], 0, 0, "");
    /* It is in nobody's hands: the user goes on and does not know. */
    home_turn(b->home, 1);
    push(call, "four");
    proa_call_end_requests(call);
    raw_server again;
    raw_open_at(&again, b->home, b->server.address);
    TURN_UNTIL(b->home, again.count == 1 && again.lines[0].half_closes == 1);
    DATA_IS(&again.lines[0], "\0\0\0\0\3one\0\0\0\0\0\0\0\0\0\5three\0\0\0\0\4four");
    raw_ok(&again.lines[0], 1);
    assert_int_equal(code_of(call), PROA_OK);
    proa_channel_close(b->channel);
    b->channel = NULL;
    rest(b->home, MS);
    raw_shut(&again);
}

/* Large ones are held, not copied, and go out whole. */
static void large_messages_are_repeated_too(void **state)
{
    bench *b = *state;
    b->server.answers = true;
    refusals_left = 1;
    proa_call *call = proa_call_begin(b->channel, "/a.B/C", NULL);
    push_size(call, 100000);
    push_size(call, 100000);
    proa_call_end_requests(call);
    assert_int_equal(code_of(call), PROA_OK);
    assert_int_equal(b->server.lines[0].calls, 2);
    size_t got = buffer_size(&b->server.lines[0].data); /* the first attempt was cut somewhere */
    assert_in_range(got, 2 * 100005, 4 * 100005);
}

/* What was repeated is not what the user pushes too much: it saw room for it once. */
static void repeated_messages_are_no_overflow(void **state)
{
    bench *b = *state;
    proa_call *call = proa_call_begin(b->channel, "/a.B/C", NULL);
    for (int i = 0; i < 6; i++) {
        push_size(call, 32 * 1024);
        TURN_UNTIL(b->home, proa_call_can_push(call));
    }
    TURN_UNTIL(b->home, b->server.count && buffer_size(&b->server.lines[0].data) == 6 * (32 * 1024 + 5));
    b->server.is_mute = true; /* no SETTINGS for now: nothing of what is repeated can leave */
    raw_goaway(&b->server.lines[0], 0, 0, "");
    TURN_UNTIL(b->home, b->server.count == 2 && last(b)->has_preface);
    raw_frame(last(b), 4, 0, 0, "\0\4\0\0\0\0", 6); /* INITIAL_WINDOW_SIZE 0 */
    rest(b->home, 10 * MS);
    assert_int_equal(last(b)->calls, 1);
    assert_false(proa_call_can_push(call));
    push_size(call, 32 * 1024); /* it was told that there is room, before */
    rest(b->home, MS);
    assert_false(proa_call_is_at_end(call));
    raw_frame(last(b), 4, 0, 0, "\0\4\0\x10\0\0", 6);
    raw_frame(last(b), 8, 0, 0, "\0\x10\0\0", 4);
    proa_call_end_requests(call);
    TURN_UNTIL(b->home, last(b)->half_closes == 1);
    assert_int_equal(buffer_size(&last(b)->data), 7 * (32 * 1024 + 5));
    raw_ok(last(b), 1);
    assert_int_equal(code_of(call), PROA_OK);
}

/* gRFC A6: what never left is sent again as often as it takes. */
static void call_that_never_left_is_sent_until_it_does(void **state)
{
    bench *b = *state;
    b->server.answers = true;
    assert_int_equal(code_of(begin_call(b->channel, NULL)), PROA_OK);
    for (unsigned i = 0; i < 5; i++) {
        rest(b->home, 2 * PROA_SECOND);
        raw_hang_up(last(b));
        proa_call *call = begin_call(b->channel, NULL); /* the channel has not heard of it yet */
        assert_int_equal(proa_channel_get_state(b->channel, false), PROA_CHANNEL_READY);
        assert_int_equal(code_of(call), PROA_OK);
        assert_int_equal(b->server.count, i + 2);
    }
}

static void call_that_never_leaves_ends_with_its_deadline(void **state)
{
    bench *b = *state;
    b->server.answers = true;
    assert_int_equal(code_of(begin_call(b->channel, NULL)), PROA_OK);
    io_listener_close(b->server.listener);
    b->server.listener = NULL;
    raw_hang_up(last(b));
    proa_call *patient =
        begin_call(b->channel, &(proa_call_options){ .timeout_ns = 5 * PROA_SECOND, .wait_for_ready = true });
    proa_call *hasty = begin_call(b->channel, &(proa_call_options){ .timeout_ns = 5 * PROA_SECOND });
    int64_t begun = home_now(b->home);
    assert_true(says(hasty, "connection refused"));
    assert_int_equal(code_of(hasty), PROA_UNAVAILABLE); /* there is no way, and it does not wait for one */
    assert_int_equal(code_of(patient), PROA_DEADLINE_EXCEEDED);
    assert_in_range(home_now(b->home) - begun, 5 * PROA_SECOND, 5 * PROA_SECOND + 20 * MS);
}

static void cancelled_call_is_not_sent_again(void **state)
{
    bench *b = *state;
    proa_call *call = begin_call(b->channel, NULL);
    TURN_UNTIL(b->home, b->server.count && b->server.lines[0].calls == 1);
    b->server.is_mute = true;
    raw_goaway(&b->server.lines[0], 0, 0, "");
    TURN_UNTIL(b->home, b->server.count == 2);
    assert_false(proa_call_is_at_end(call));
    proa_call_cancel(call);
    assert_int_equal(code_of(call), PROA_CANCELLED);
    raw_settings(last(b), 0);
    rest(b->home, PROA_SECOND);
    assert_int_equal(last(b)->calls, 0);
}

static void call_ends_with_its_deadline_between_two_attempts(void **state)
{
    bench *b = *state;
    proa_call *call = begin_call(b->channel, &(proa_call_options){ .timeout_ns = 5 * PROA_SECOND });
    TURN_UNTIL(b->home, b->server.count && b->server.lines[0].calls == 1);
    b->server.is_mute = true;
    raw_goaway(&b->server.lines[0], 0, 0, "");
    int64_t begun = home_now(b->home);
    assert_int_equal(code_of(call), PROA_DEADLINE_EXCEEDED);
    assert_in_range(home_now(b->home) - begun, 4900 * MS, 5020 * MS);
}

static void channel_closes_between_two_attempts(void **state)
{
    bench *b = *state;
    proa_call *call = begin_call(b->channel, NULL);
    TURN_UNTIL(b->home, b->server.count && b->server.lines[0].calls == 1);
    b->server.is_mute = true;
    raw_goaway(&b->server.lines[0], 0, 0, "");
    TURN_UNTIL(b->home, b->server.count == 2);
    proa_channel_close(b->channel);
    b->channel = NULL;
    assert_int_equal(code_of(call), PROA_CANCELLED);
}

/* ---- Not sent again */

static void what_may_have_been_acted_upon_is_not_sent_again(void **state)
{
    bench *b = *state;
    for (int i = 0; i < 3; i++) {
        proa_call *call = begin_call(b->channel, NULL);
        TURN_UNTIL(b->home, b->server.count && last(b)->half_closes == 1);
        if (i == 0) {
            raw_headers(last(b), last(b)->stream); /* it had begun to answer */
            raw_reset(last(b), last(b)->stream, REFUSED_STREAM);
        } else if (i == 1) {
            raw_reset(last(b), last(b)->stream, CANCEL);
        } else {
            raw_hang_up(last(b));
        }
        assert_int_equal(code_of(call), i == 1 ? PROA_CANCELLED : PROA_UNAVAILABLE);
        last(b)->half_closes = 0;
    }
    assert_int_equal(b->server.count, 1);
    assert_int_equal(b->server.lines[0].calls, 3);
}

static void call_over_the_bound_is_not_kept(void **state)
{
    bench *b = *state;
    proa_call *call = proa_call_begin(b->channel, "/a.B/C", NULL);
    for (int i = 0; i < 9; i++) { /* 9 * 32 KiB are more than 256 KiB */
        push_size(call, 32 * 1024);
        TURN_UNTIL(b->home, proa_call_can_push(call));
    }
    TURN_UNTIL(b->home, buffer_size(&b->server.lines[0].data) == 9 * (32 * 1024 + 5));
    raw_reset(&b->server.lines[0], 1, REFUSED_STREAM);
    assert_int_equal(code_of(call), PROA_UNAVAILABLE);
    assert_int_equal(b->server.lines[0].calls, 1);
}

/* ---- Out of memory: whatever fails, each call ends once, and nothing leaks */

static unsigned call_ends, bad_ends;

static void note_end(proa_call *call, void *user)
{
    (void)user;
    proa_code code = proa_call_status(call).code;
    call_ends++;
    bad_ends += code != PROA_OK && code != PROA_UNAVAILABLE && code != PROA_RESOURCE_EXHAUSTED &&
                code != PROA_DEADLINE_EXCEEDED && code != PROA_INTERNAL;
}

static void try_all(bench *b, const char *target)
{
    unsigned begun = 0;
    call_ends = bad_ends = 0;
    refusals_left = 2;
    proa_channel *channel = proa_channel_open(target, &(proa_channel_options){ .loop = b->home, .seed = 1 });
    for (int i = 0; i < 3; i++) {
        proa_call *call = proa_call_begin(
            channel, "/a.B/C",
            &(proa_call_options){ .timeout_ns = 60 * PROA_SECOND, .on_done = note_end, .wait_for_ready = i == 2 });
        begun += call != NULL;
        for (int k = 0; call && k < i; k++) {
            proa_slice slice;
            if (proa_slice_copy(PROA_STR("message"), &slice) == PROA_ERR_NONE)
                proa_call_push(call, &slice);
        }
        proa_call_end_requests(call);
    }
    TURN_UNTIL(b->home, call_ends == begun);
    assert_int_equal(bad_ends, 0);
    proa_channel_close(channel);
    rest(b->home, MS);
}

static size_t try_with(bench *b, const char *target, void (*watch)(size_t), size_t from)
{
    watch(from);
    try_all(b, target);
    size_t count = memory_unwatch();
    for (unsigned k = 0; k < b->server.count; k++) {
        raw_hang_up(&b->server.lines[k]);
        buffer_fini(&b->server.lines[k].in);
        buffer_fini(&b->server.lines[k].data);
    }
    b->server.count = 0;
    rest(b->home, MS);
    return count;
}

static void every_allocation_may_fail(void **state)
{
    bench *b = *state;
    char target[128];
    b->server.answers = true;
    snprintf(target, sizeof target, "ipv4:127.0.0.1:1,%s", b->server.address);
    size_t asked = try_with(b, target, memory_watch, 0);
    assert_true(asked > 20);
    for (size_t i = 1; i <= asked; i++) {
        try_with(b, target, memory_watch, i);
        try_with(b, target, memory_watch_from, i);
    }
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(refused_call_is_sent_once_more),
        ON_BENCH(callbacks_hear_of_the_call_and_not_of_attempts),
        ON_BENCH(call_above_goaway_goes_to_the_next_connection),
        ON_BENCH(no_header_tells_of_the_attempt_before),
        ON_BENCH(stream_of_messages_is_repeated_in_order_and_goes_on),
        ON_BENCH(large_messages_are_repeated_too),
        ON_BENCH(repeated_messages_are_no_overflow),
        ON_BENCH(call_that_never_left_is_sent_until_it_does),
        ON_BENCH(call_that_never_leaves_ends_with_its_deadline),
        ON_BENCH(cancelled_call_is_not_sent_again),
        ON_BENCH(call_ends_with_its_deadline_between_two_attempts),
        ON_BENCH(channel_closes_between_two_attempts),
        ON_BENCH(what_may_have_been_acted_upon_is_not_sent_again),
        ON_BENCH(call_over_the_bound_is_not_kept),
        ON_BENCH(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
