/* SPDX-License-Identifier: Apache-2.0 */
/* Loops of the program's own: what ends when, in which order things may be closed and freed, and what runs how often. */
#include "shapes.h"

static proa_code echo(proa_call *call)
{
    proa_slice message;
    while (proa_call_can_push(call) && proa_call_pop(call, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static proa_code never(proa_call *call)
{
    (void)call;
    return PROA_WAIT;
}

static unsigned ended, drained;
static proa_code end_code;

static void count_end(proa_call *call, void *user)
{
    (void)user;
    ended++;
    end_code = proa_call_status(call).code;
}

static proa_code never_and_tell(proa_call *call)
{
    proa_call_on_end(call, count_end, NULL);
    return PROA_WAIT;
}

static proa_code three_at_once(proa_call *call)
{
    for (int i = 0; i < 3; i++) {
        proa_slice message = text_slice("abc");
        proa_call_push(call, &message);
    }
    return PROA_OK;
}

static void open_all(inside *in, proa_server_options options)
{
    ended = drained = 0;
    end_code = (proa_code)99;
    inside_open(in, options);
    proa_server_serve_bytes(in->server, "/test.Inside/Echo", echo, NULL);
    proa_server_serve_bytes(in->server, "/test.Inside/Never", never_and_tell, NULL);
    proa_server_serve_bytes(in->server, "/test.Inside/Quiet", never, NULL);
    proa_server_serve_bytes(in->server, "/test.Inside/Three", three_at_once, NULL);
}

static proa_call *begin(inside *in, const char *path, seen *s)
{
    return s->call = proa_call_begin(in->channel, path, &(proa_call_options){ SEEN(s) });
}

static void begin_running(inside *in, seen *s)
{
    begin(in, "/test.Inside/Never", s);
    unsigned before = ended;
    proa_counters counters;
    do {
        inside_turn(in->loop, 20);
        proa_server_get_counters(in->server, &counters);
    } while (counters.calls_begun == counters.calls_ended);
    assert_int_equal(ended, before);
    inside_rest(in->loop);
}

/* ---- Running */

static void run_returns_when_the_last_call_is_over(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    proa_server_drain(in.server); /* without calls: a server keeps a loop running */
    proa_loop_run(in.loop);
    inside_close(&in);

    running r;
    proa_server *server = proa_server_new(NULL);
    proa_server_serve_bytes(server, "/test.Inside/Three", three_at_once, NULL);
    running_start(&r, server);
    proa_loop *loop = proa_loop_new(NULL);
    proa_channel *channel = proa_channel_open(r.target, &(proa_channel_options){ .loop = loop });
    seen s[3] = { 0 };
    for (int i = 0; i < 3; i++)
        proa_call_begin(channel, "/test.Inside/Three", &(proa_call_options){ SEEN(&s[i]) });
    proa_loop_run(loop);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(s[i].done, 1);
        assert_int_equal(s[i].code, PROA_OK);
        assert_int_equal(s[i].pops, 3);
    }
    proa_channel_close(channel);
    proa_loop_free(loop);
    running_stop(&r);
}

static void count_up(void *user)
{
    ++*(int *)user;
}

static void what_was_posted_keeps_run_going(void **state)
{
    (void)state;
    proa_loop *loop = proa_loop_new(NULL);
    int count = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(proa_loop_post(loop, count_up, &count), PROA_ERR_NONE);
    assert_int_equal(count, 0);
    proa_loop_run(loop);
    assert_int_equal(count, 3);
    proa_loop_run(loop); /* nothing is left: at once */
    assert_int_equal(proa_loop_post(loop, count_up, &count), PROA_ERR_NONE);
    proa_loop_free(loop); /* delivers the last events */
    assert_int_equal(count, 4);
    proa_loop_free(NULL);
}

static void stop(void *user)
{
    proa_loop_stop(user);
}

static void stop_makes_run_return_now_or_the_next_time(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    assert_int_equal(proa_loop_post(in.loop, stop, in.loop), PROA_ERR_NONE);
    proa_loop_run(in.loop); /* the server would keep it going */
    proa_loop_stop(in.loop);
    proa_loop_run(in.loop);
    inside_close(&in);
}

static void post_late(void *user)
{
    assert_int_equal(proa_loop_post(user, count_up, NULL), PROA_ERR_CLOSED);
    drained++;
}

static void post_to_a_loop_that_is_being_freed_is_closed(void **state)
{
    (void)state;
    drained = 0;
    proa_loop *loop = proa_loop_new(NULL);
    assert_int_equal(proa_loop_post(loop, post_late, loop), PROA_ERR_NONE);
    proa_loop_free(loop);
    assert_int_equal(drained, 1);
}

/* ---- Callbacks */

static void on_done_is_last_and_once(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    seen s = { 0 };
    begin(&in, "/test.Inside/Three", &s);
    assert_int_equal(s.ready + s.done, 0); /* D10 */
    TURN_UNTIL(in.loop, s.done);
    unsigned ready = s.ready;
    inside_rest(in.loop);
    assert_int_equal(s.done, 1);
    assert_int_equal(s.ready, ready);
    inside_close(&in);
}

static void on_done_waits_until_all_was_popped(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    seen s = { .is_lazy = true };
    proa_call *call = begin(&in, "/test.Inside/Three", &s);
    TURN_UNTIL(in.loop, s.ready >= 1);
    inside_rest(in.loop);
    assert_int_equal(s.done, 0);
    proa_slice message;
    for (int i = 0; i < 3; i++) {
        assert_false(proa_call_is_at_end(call));
        assert_true(proa_call_pop(call, &message));
        proa_slice_free(&message);
        if (i < 2) {
            inside_rest(in.loop);
            assert_int_equal(s.done, 0);
        }
    }
    assert_true(proa_call_is_at_end(call));
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(s.code, PROA_OK);
    inside_close(&in);
}

static void who_pops_one_is_called_for_the_others(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    seen s = { .is_slow = true };
    begin(&in, "/test.Inside/Three", &s);
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(s.pops, 3);
    inside_close(&in);
}

static void channel_that_closes_ends_calls_whose_messages_nobody_popped(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    seen lazy = { .is_lazy = true }, running = { 0 };
    begin(&in, "/test.Inside/Three", &lazy);
    begin_running(&in, &running);
    assert_int_equal(lazy.done, 0);
    proa_channel_close(in.channel);
    in.channel = NULL;
    TURN_UNTIL(in.loop, running.done);
    assert_int_equal(running.code, PROA_CANCELLED);
    assert_int_equal(lazy.done, 0); /* it had ended well, and its messages can still be popped */
    proa_loop_free(in.loop);        /* which ends that */
    assert_int_equal(lazy.done, 1);
    assert_int_equal(lazy.code, PROA_OK);
    in.loop = NULL;
    inside_close(&in);
}

static void end_at_first_message(proa_call *call, void *user)
{
    seen *s = user;
    proa_slice message;
    if (!proa_call_pop(call, &message))
        return;
    proa_slice_free(&message);
    s->pops++;
    proa_call_end(call);
}

static void call_is_ended_in_its_own_callback(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    seen s[2] = { 0 };
    proa_call *calls[2];
    for (int i = 0; i < 2; i++) /* one that is over by then, and one that runs */
        calls[i] = proa_call_begin(in.channel, i ? "/test.Inside/Echo" : "/test.Inside/Three",
                                   &(proa_call_options){ .on_ready = end_at_first_message, .user = &s[i] });
    proa_slice message = text_slice("x");
    proa_call_push(calls[1], &message);
    TURN_UNTIL(in.loop, s[0].pops && s[1].pops);
    inside_rest(in.loop);
    assert_int_equal(s[0].pops, 1);
    assert_int_equal(s[1].pops, 1);
    inside_close(&in);
}

static proa_channel *closing;

static void close_channel(struct seen *s)
{
    (void)s;
    proa_channel_close(closing);
}

static void channel_is_closed_in_a_callback(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    seen s = { .on_pop = close_channel }, other = { 0 };
    closing = in.channel;
    s.is_slow = true;
    proa_call *call =
        proa_call_begin(in.channel, "/test.Inside/Echo", &(proa_call_options){ .on_ready = seen_ready, .user = &s });
    begin(&in, "/test.Inside/Never", &other);
    proa_slice message = text_slice("close");
    proa_call_push(call, &message);
    TURN_UNTIL(in.loop, other.done);
    assert_int_equal(other.code, PROA_CANCELLED);
    TURN_UNTIL(in.loop, proa_call_is_at_end(call));
    assert_int_equal(proa_call_status(call).code, PROA_CANCELLED);
    proa_call_end(call);
    in.channel = NULL;
    inside_close(&in);
}

static void call_outlives_its_channel_and_is_ended_still(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    proa_call *call = proa_call_begin(in.channel, "/test.Inside/Quiet", NULL);
    proa_call *pending = proa_call_begin(in.channel, "/test.Inside/Quiet", NULL);
    inside_rest(in.loop);
    proa_call *fresh = proa_call_begin(in.channel, "/test.Inside/Quiet", NULL);
    proa_channel_close(in.channel);
    in.channel = NULL;
    assert_int_equal(proa_call_status(call).code, PROA_CANCELLED);
    assert_int_equal(proa_call_status(pending).code, PROA_CANCELLED);
    assert_int_equal(proa_call_status(fresh).code, PROA_CANCELLED);
    proa_slice message = text_slice("late");
    assert_false(proa_call_push(call, &message));
    assert_false(proa_call_pop(call, &message));
    proa_call_end(call);
    proa_call_end(pending);
    proa_call_end(fresh);
    inside_close(&in);
}

/* ---- Draining and freeing */

static void count_drained(proa_server *server, void *user)
{
    (void)server;
    (void)user;
    drained++;
}

static void free_drained(proa_server *server, void *user)
{
    drained++;
    ((inside *)user)->server = NULL;
    proa_server_free(server);
}

static void idle_server_drains_at_once_and_once(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ .on_drained = count_drained });
    proa_server_drain(in.server);
    assert_int_equal(drained, 0); /* D10 */
    proa_server_drain(in.server);
    TURN_UNTIL(in.loop, drained);
    proa_server_drain(in.server);
    inside_rest(in.loop);
    assert_int_equal(drained, 1);
    inside_close(&in);
    assert_int_equal(drained, 1);
}

static void server_is_freed_in_on_drained(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ .on_drained = free_drained, .user = &in, .grace_ns = 50 * PROA_MILLISECOND });
    seen s = { 0 }, t = { 0 };
    begin_running(&in, &s);
    begin(&in, "/test.Inside/Three", &t);
    proa_server_drain(in.server);
    TURN_UNTIL(in.loop, drained && s.done && t.done);
    assert_int_equal(s.code, PROA_UNAVAILABLE);
    assert_int_equal(ended, 1);
    assert_int_equal(end_code, PROA_UNAVAILABLE);
    proa_loop_run(in.loop); /* nothing keeps it any more */
    assert_null(in.server);
    inside_close(&in);
}

static void calls_end_well_within_the_grace(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ .on_drained = count_drained });
    seen s = { 0 };
    proa_call *call = begin(&in, "/test.Inside/Echo", &s);
    proa_slice message = text_slice("one");
    proa_call_push(call, &message);
    TURN_UNTIL(in.loop, s.pops == 1);
    proa_server_drain(in.server);
    inside_rest(in.loop);
    assert_int_equal(drained, 0);
    message = text_slice("two");
    proa_call_push(call, &message);
    TURN_UNTIL(in.loop, s.pops == 2);
    proa_call_end_requests(call);
    TURN_UNTIL(in.loop, s.done && drained);
    assert_int_equal(s.code, PROA_OK);
    inside_close(&in);
}

static void serving_server_is_freed_at_once_outside_of_a_turn(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ .on_drained = count_drained });
    seen s = { 0 };
    begin_running(&in, &s);
    proa_server_free(in.server);
    in.server = NULL;
    assert_int_equal(ended, 1);
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(s.code, PROA_UNAVAILABLE);
    assert_int_equal(drained, 0);
    inside_close(&in);
}

static void draining_server_is_freed(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ .on_drained = count_drained });
    seen s = { 0 };
    begin_running(&in, &s);
    proa_server_drain(in.server);
    proa_server_free(in.server); /* before its loop heard of it */
    in.server = NULL;
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(drained, 0);
    inside_close(&in);

    open_all(&in, (proa_server_options){ .on_drained = count_drained });
    s = (seen){ 0 };
    begin_running(&in, &s);
    proa_server_drain(in.server);
    inside_rest(in.loop);
    proa_server_free(in.server); /* in the middle */
    in.server = NULL;
    TURN_UNTIL(in.loop, s.done);
    assert_int_equal(drained, 0);
    assert_int_equal(ended, 1);
    inside_close(&in);
}

/* Whatever the order, every call gets its last event and nothing is touched that is gone. */
static void loop_goes_before_server_and_channel(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ .on_drained = count_drained });
    seen s = { 0 };
    begin_running(&in, &s);
    proa_loop_free(in.loop);
    in.loop = NULL;
    assert_int_equal(s.done, 1);
    assert_int_equal(ended, 1);
    assert_int_equal(drained, 1);
    proa_server_drain(in.server);
    inside_close(&in);
}

static void loop_goes_while_connecting_and_while_pending(void **state)
{
    (void)state;
    proa_loop *loop = proa_loop_new(NULL);
    proa_channel *channel = proa_channel_open("127.0.0.1:1", &(proa_channel_options){ .loop = loop });
    proa_channel *bad = proa_channel_open("nothing:here:1", &(proa_channel_options){ .loop = loop });
    seen s[3] = { 0 };
    proa_call_begin(channel, "/a.B/C", &(proa_call_options){ SEEN(&s[0]) });
    proa_call_begin(channel, "/a.B/C", &(proa_call_options){ SEEN(&s[1]), .wait_for_ready = true });
    proa_call_begin(bad, "/a.B/C", &(proa_call_options){ SEEN(&s[2]) });
    proa_loop_free(loop);
    for (int i = 0; i < 3; i++)
        assert_int_equal(s[i].done, 1);
    assert_int_equal(s[1].code, PROA_CANCELLED);
    assert_int_equal(s[2].code, PROA_UNAVAILABLE);
    proa_channel_close(channel);
    proa_channel_close(bad);
}

static void server_goes_before_its_clients(void **state)
{
    (void)state;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    seen s = { 0 };
    begin_running(&in, &s);
    proa_server_free(in.server);
    proa_channel_close(in.channel);
    proa_loop_free(in.loop);
    assert_int_equal(s.done, 1);
}

/* ---- Programs without memory, or that pass what an older header had */

static void null_is_a_call_that_ended(void **state)
{
    (void)state;
    proa_slice message = text_slice("x"), out;
    assert_string_equal(proa_call_path(NULL), "");
    assert_null(proa_call_request_headers(NULL).data);
    assert_null(proa_call_reply_headers(NULL).data);
    assert_null(proa_call_trailers(NULL).data);
    assert_int_equal(proa_call_remaining_ns(NULL), INT64_MAX);
    proa_call_cancel(NULL);
    proa_call_wake(NULL);
    assert_false(proa_call_is_cancelled(NULL));
    assert_false(proa_call_can_push(NULL));
    assert_true(proa_call_is_at_end(NULL));
    assert_int_equal(proa_call_status(NULL).code, PROA_RESOURCE_EXHAUSTED);
    proa_call_end_requests(NULL);
    assert_false(proa_call_push(NULL, &message));
    message = text_slice("x");
    assert_false(proa_call_send(NULL, &message));
    assert_false(proa_call_pop(NULL, &out));
    assert_false(proa_call_receive(NULL, &out));
    assert_non_null(proa_call_peer(NULL));
    proa_call_end(NULL);
    proa_channel_close(NULL);
    assert_null(proa_call_begin(NULL, "/a.B/C", NULL));
    test_Item reply;
    assert_int_equal(test_Shapes_One(NULL, &(test_Item){ 0 }, &reply, NULL, NULL).code, PROA_RESOURCE_EXHAUSTED);
    assert_false(test_Shapes_In_push_request(NULL, &reply));
    assert_false(test_Shapes_In_send_request(NULL, &reply));
    assert_null(test_Shapes_Out_pop_reply(NULL));
    assert_null(test_Shapes_Out_receive_reply(NULL));
    assert_null(test_Shapes_One_reply(NULL));
    proa_error error;
    assert_int_equal(proa_server_run(NULL, &error), PROA_ERR_NOMEM);
    assert_int_equal(proa_server_listen(NULL, "127.0.0.1:0", NULL), PROA_ERR_NOMEM);
    assert_int_equal(proa_server_serve_bytes(NULL, "/a.B/C", never, NULL), PROA_ERR_NOMEM);
    assert_int_equal(test_Shapes_serve(NULL, &shapes_on_loop, NULL), PROA_ERR_NOMEM);
    assert_null(proa_server_address(NULL, 0));
    proa_server_drain(NULL);
    proa_server_free(NULL);
    proa_counters counters;
    proa_server_get_counters(NULL, &counters);
    assert_int_equal(counters.calls_begun, 0);
}

static void shorter_structs_of_older_headers_are_taken(void **state)
{
    (void)state;
    struct {
        void *loop;
    } old_channel;
    struct {
        void *parent;
        int64_t timeout_ns;
    } old_call = { NULL, -1 };
    struct {
        uint64_t opened, closed;
        uint64_t guard;
    } old_counters = { .guard = 7 };
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    old_channel.loop = in.loop;
    proa_channel *channel =
        proa_channel_open_(proa_server_address(in.server, 0), (void *)&old_channel, sizeof old_channel);
    proa_call *call = proa_call_begin_(channel, "/test.Inside/Echo", (void *)&old_call, sizeof old_call);
    assert_true(proa_call_is_at_end(call));
    assert_int_equal(proa_call_status(call).code, PROA_DEADLINE_EXCEEDED);
    proa_call_end(call);
    call = proa_call_begin_(channel, "/test.Inside/Echo", NULL, sizeof old_call);
    proa_call_end_requests(call);
    TURN_UNTIL(in.loop, proa_call_is_at_end(call));
    assert_int_equal(proa_call_status(call).code, PROA_OK);
    proa_call_end(call);
    proa_server_get_counters_(in.server, (void *)&old_counters, offsetof(proa_counters, calls_begun));
    assert_int_equal(old_counters.opened, 1);
    assert_int_equal(old_counters.guard, 7);
    proa_channel_close(channel);
    inside_close(&in);
}

static void longer_structs_of_newer_headers_are_taken(void **state)
{
    (void)state;
    struct {
        proa_call_options known;
        uint64_t unknown[4];
    } call_options = { .unknown = { 1, 2, 3, 4 } };
    struct {
        proa_counters known;
        uint64_t unknown[4];
    } counters;
    inside in;
    open_all(&in, (proa_server_options){ 0 });
    proa_call *call = proa_call_begin_(in.channel, "/test.Inside/Echo", &call_options.known, sizeof call_options);
    proa_call_end_requests(call);
    TURN_UNTIL(in.loop, proa_call_is_at_end(call));
    proa_call_end(call);
    memset(&counters, 9, sizeof counters);
    proa_server_get_counters_(in.server, &counters.known, sizeof counters);
    assert_int_equal(counters.known.calls_begun, 1);
    assert_int_equal(counters.unknown[3], 0); /* what we do not count */
    inside_close(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_returns_when_the_last_call_is_over),
        cmocka_unit_test(what_was_posted_keeps_run_going),
        cmocka_unit_test(stop_makes_run_return_now_or_the_next_time),
        cmocka_unit_test(post_to_a_loop_that_is_being_freed_is_closed),
        cmocka_unit_test(on_done_is_last_and_once),
        cmocka_unit_test(on_done_waits_until_all_was_popped),
        cmocka_unit_test(who_pops_one_is_called_for_the_others),
        cmocka_unit_test(channel_that_closes_ends_calls_whose_messages_nobody_popped),
        cmocka_unit_test(call_is_ended_in_its_own_callback),
        cmocka_unit_test(channel_is_closed_in_a_callback),
        cmocka_unit_test(call_outlives_its_channel_and_is_ended_still),
        cmocka_unit_test(idle_server_drains_at_once_and_once),
        cmocka_unit_test(server_is_freed_in_on_drained),
        cmocka_unit_test(calls_end_well_within_the_grace),
        cmocka_unit_test(serving_server_is_freed_at_once_outside_of_a_turn),
        cmocka_unit_test(draining_server_is_freed),
        cmocka_unit_test(loop_goes_before_server_and_channel),
        cmocka_unit_test(loop_goes_while_connecting_and_while_pending),
        cmocka_unit_test(server_goes_before_its_clients),
        cmocka_unit_test(null_is_a_call_that_ended),
        cmocka_unit_test(shorter_structs_of_older_headers_are_taken),
        cmocka_unit_test(longer_structs_of_newer_headers_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
