/* SPDX-License-Identifier: Apache-2.0 */
/* Answers from elsewhere: a ticket is answered before the handler has returned, later, by another thread, after the caller
 * has gone; on loops and on workers. */
#include "shapes.h"
#include <stdatomic.h>
#include <unistd.h>

#define MS PROA_MILLISECOND

static struct tickets {
    proa_later later[32];
    unsigned count, ends;
    proa_code end_code;
    test_Item *reply;
    const test_Item *request;
    atomic_uint taken;
} t;

static void note_end(proa_call *call, void *user)
{
    (void)user;
    t.ends++;
    t.end_code = proa_call_status(call).code;
}

static proa_code keep_ticket(proa_call *call, const test_Item *request, test_Item *reply)
{
    proa_call_on_end(call, note_end, NULL);
    t.request = request;
    t.reply = reply;
    proa_code code = proa_call_later(call, &t.later[t.count++]);
    atomic_fetch_add(&t.taken, 1);
    return code;
}

static proa_code answer_before_returning(proa_call *call, const test_Item *request, test_Item *reply)
{
    proa_later later;
    proa_call_on_end(call, note_end, NULL);
    reply->number = request->number + 1;
    proa_code code = proa_call_later(call, &later);
    proa_later_finish(&later, PROA_OK);
    return code;
}

static proa_code fail_before_returning(proa_call *call, const test_Item *request, test_Item *reply)
{
    proa_later later;
    (void)reply;
    proa_call_on_end(call, note_end, NULL);
    proa_code code = proa_call_later(call, &later);
    proa_later_fail(&later, PROA_NOT_FOUND, "no %d", (int)request->number);
    return code;
}

typedef struct asked {
    seen seen;
    int64_t number;
} asked;

static void done(proa_call *call, void *user)
{
    asked *a = user;
    const test_Item *reply = test_Shapes_One_reply(call);
    a->number = reply ? reply->number : -1;
    seen_done(call, &a->seen);
}

static void open_with(inside *in, const test_Shapes *handlers, bool on_workers)
{
    memset(&t, 0, sizeof t);
    inside_open(in, (proa_server_options){ .workers = 1 });
    test_Shapes_serve(in->server, handlers, &(proa_serve_options){ .on_workers = on_workers });
}

static proa_call *ask(inside *in, asked *a, int64_t number, int64_t timeout_ns)
{
    return a->seen.call =
               test_Shapes_One_begin(in->channel, &(test_Item){ .number = number, .text = PROA_STR("some text") },
                                     &(proa_call_options){ .on_done = done, .user = a, .timeout_ns = timeout_ns });
}

static const test_Shapes keeping = { .One = keep_ticket };

static void ticket_is_answered_before_the_handler_returns(void **state)
{
    (void)state;
    static const test_Shapes good = { .One = answer_before_returning }, bad = { .One = fail_before_returning };
    for (int on_workers = 0; on_workers < 2; on_workers++) {
        inside in;
        asked a = { 0 };
        open_with(&in, &good, on_workers);
        ask(&in, &a, 41, 0);
        TURN_UNTIL(in.loop, a.seen.done && t.ends);
        assert_int_equal(a.seen.code, PROA_OK);
        assert_int_equal(a.number, 42);
        assert_int_equal(t.end_code, PROA_OK);
        inside_close(&in);

        a = (asked){ 0 };
        open_with(&in, &bad, on_workers);
        ask(&in, &a, 7, 0);
        TURN_UNTIL(in.loop, a.seen.done && t.ends);
        assert_int_equal(a.seen.code, PROA_NOT_FOUND);
        assert_string_equal(a.seen.text, "no 7");
        assert_int_equal(t.ends, 1);
        inside_close(&in);
    }
}

static void *answer_in_thread(void *user)
{
    proa_later *later = user;
    usleep(20000);
    t.reply->number = t.request->number * 2;
    t.reply->text = proa_arena_format(proa_call_arena(later->call), "twice %.*s", PROA_FMT(t.request->text));
    proa_later_finish(later, PROA_OK);
    return NULL;
}

static void another_thread_answers(void **state)
{
    (void)state;
    for (int on_workers = 0; on_workers < 2; on_workers++) {
        inside in;
        asked a = { 0 };
        open_with(&in, &keeping, on_workers);
        ask(&in, &a, 21, 0);
        TURN_UNTIL(in.loop, atomic_load(&t.taken));
        pthread_t thread;
        pthread_create(&thread, NULL, answer_in_thread, &t.later[0]);
        TURN_UNTIL(in.loop, a.seen.done && t.ends);
        pthread_join(thread, NULL);
        assert_int_equal(a.seen.code, PROA_OK);
        assert_int_equal(a.number, 42);
        inside_close(&in);
    }
}

/* The call, its request and its arena stay until the answer, which nobody hears. */
static void ticket_outlives_the_caller(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        inside in;
        asked a = { 0 };
        open_with(&in, &keeping, false);
        proa_call *call = ask(&in, &a, 1, how == 2 ? 30 * MS : 0);
        TURN_UNTIL(in.loop, t.count == 1);
        if (how == 0)
            proa_call_cancel(call);
        if (how == 1) { /* the connection goes */
            proa_channel_close(in.channel);
            in.channel = NULL;
        }
        TURN_UNTIL(in.loop, a.seen.done && proa_call_is_cancelled(t.later[0].call));
        inside_rest(in.loop);
        assert_int_equal(t.ends, 0);
        assert_true(proa_bytes_is_equal(t.request->text, PROA_STR("some text")));
        t.reply->number = 5;
        t.reply->text = proa_arena_format(proa_call_arena(t.later[0].call), "too late");
        proa_later_finish(&t.later[0], PROA_OK);
        assert_null(t.later[0].call);
        assert_int_equal(t.ends, 0); /* D10 */
        TURN_UNTIL(in.loop, t.ends);
        assert_true(t.end_code == PROA_CANCELLED || t.end_code == PROA_DEADLINE_EXCEEDED);
        inside_close(&in);
    }
}

static void answer_and_cancellation_meet(void **state)
{
    (void)state;
    inside in;
    asked a = { 0 };
    open_with(&in, &keeping, false);
    proa_call *call = ask(&in, &a, 1, 0);
    TURN_UNTIL(in.loop, t.count == 1);
    proa_call_cancel(call);
    proa_later_finish(&t.later[0], PROA_OK);
    TURN_UNTIL(in.loop, a.seen.done && t.ends);
    inside_rest(in.loop);
    assert_int_equal(a.seen.code, PROA_CANCELLED);
    assert_int_equal(t.ends, 1);
    inside_close(&in);
}

static void *answer_all_in_thread(void *user)
{
    (void)user;
    usleep(50000);
    for (unsigned i = 0; i < t.count; i++)
        proa_later_finish(&t.later[i], PROA_OK);
    return NULL;
}

static void free_of_the_server_waits_for_tickets(void **state)
{
    (void)state;
    for (int loop_first = 0; loop_first < 2; loop_first++) {
        inside in;
        asked a[3] = { 0 };
        open_with(&in, &keeping, false);
        for (int i = 0; i < 3; i++)
            ask(&in, &a[i], i, 0);
        TURN_UNTIL(in.loop, t.count == 3);
        pthread_t thread;
        pthread_create(&thread, NULL, answer_all_in_thread, NULL);
        if (loop_first) {
            proa_loop_free(in.loop);
            in.loop = NULL;
            assert_int_equal(t.ends, 3);
        } else {
            proa_server_free(in.server);
            in.server = NULL;
            assert_int_equal(t.ends, 3);
            TURN_UNTIL(in.loop, a[0].seen.done && a[1].seen.done && a[2].seen.done);
            assert_int_equal(a[0].seen.code, PROA_UNAVAILABLE);
        }
        pthread_join(thread, NULL);
        inside_close(&in);
    }
}

static void drain_lets_tickets_answer(void **state)
{
    (void)state;
    inside in;
    asked a = { 0 };
    open_with(&in, &keeping, false);
    ask(&in, &a, 1, 0);
    TURN_UNTIL(in.loop, t.count == 1);
    proa_server_drain(in.server);
    inside_rest(in.loop);
    proa_later_finish(&t.later[0], PROA_OK);
    TURN_UNTIL(in.loop, a.seen.done && t.ends);
    assert_int_equal(a.seen.code, PROA_OK);
    inside_close(&in);
}

/* ---- Streams: who holds the ticket of a call of bytes may use the waiting verbs. */

static proa_later stream_later;
static atomic_bool has_stream;

static proa_code hand_over_stream(proa_call *call)
{
    proa_code code = proa_call_later(call, &stream_later);
    atomic_store(&has_stream, true);
    return code;
}

static void *echo_in_thread(void *user)
{
    (void)user;
    while (!atomic_load(&has_stream))
        usleep(1000);
    proa_slice message;
    while (proa_call_receive(stream_later.call, &message))
        proa_call_send(stream_later.call, &message);
    proa_later_finish(&stream_later, PROA_OK);
    return NULL;
}

static void holder_of_a_ticket_waits_for_messages(void **state)
{
    (void)state;
    for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
        inside in;
        seen s = { 0 };
        inside_open(&in, (proa_server_options){ 0 });
        atomic_store(&has_stream, false);
        proa_server_serve_bytes(in.server, "/test.Ticket/Stream", hand_over_stream, NULL);
        pthread_t thread;
        pthread_create(&thread, NULL, echo_in_thread, NULL);
        proa_call *call = proa_call_begin(in.channel, "/test.Ticket/Stream", &(proa_call_options){ SEEN(&s) });
        for (int i = 0; i < 300; i++) { /* more, and more bytes, than are handed over at once */
            while (!proa_call_can_push(call))
                inside_turn(in.loop, 20);
            proa_slice message = slice_of_size((size_t)i * 10);
            proa_call_push(call, &message);
        }
        TURN_UNTIL(in.loop, s.pops == 300);
        if (is_cancelled)
            proa_call_cancel(call);
        else
            proa_call_end_requests(call);
        TURN_UNTIL(in.loop, s.done);
        assert_int_equal(s.code, is_cancelled ? PROA_CANCELLED : PROA_OK);
        inside_close(&in);
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticket_is_answered_before_the_handler_returns),
        cmocka_unit_test(another_thread_answers),
        cmocka_unit_test(ticket_outlives_the_caller),
        cmocka_unit_test(answer_and_cancellation_meet),
        cmocka_unit_test(free_of_the_server_waits_for_tickets),
        cmocka_unit_test(drain_lets_tickets_answer),
        cmocka_unit_test(holder_of_a_ticket_waits_for_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
