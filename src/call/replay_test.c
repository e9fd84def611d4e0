/* SPDX-License-Identifier: Apache-2.0 */
/* What a call keeps to be sent again, and for how long; calls of other threads, too. Who refuses them is client's resend_test. */
#include "call/call_testlib.h"

static proa_code gather(proa_call *call)
{
    proa_slice message;
    while (proa_call_pop(call, &message))
        proa_slice_free(&message);
    return PROA_WAIT;
}

static proa_code echo(proa_call *call)
{
    proa_slice message;
    while (proa_call_can_push(call) && proa_call_pop(call, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static void push_size(proa_call *call, size_t size)
{
    proa_slice slice;
    char *bytes = memory_new(size);
    assert_int_equal(proa_slice_copy((proa_bytes){ bytes, size }, &slice), PROA_ERR_NONE);
    memory_free(bytes);
    proa_call_push(call, &slice);
}

/* The connection is gone before the call has left. A new one is there then, as the layer above would make one. */
static void lose(desk_end *client)
{
    link_pump_close(client->pump);
    link_pump_flush(client->pump);
    assert_null(client->pump);
}

static void call_that_never_left_comes_back_to_its_owner(void **state)
{
    (void)state;
    desk d;
    desk_open(&d, gather);
    proa_call *call = desk_make(&d, NULL);
    desk_push(call, "before the attempt");
    desk_attach(&d, call);
    desk_push(call, "with it");
    assert_int_equal(d.submits, 0);
    lose(&d.client);
    assert_int_equal(d.submits, 1);
    assert_ptr_equal(d.submitted, call);
    assert_false(call_is_over(call));
    assert_true(call->made.replay.bytes > 0);
    assert_int_equal(call->made.replay.sends, 1);
    proa_call_cancel(call);
    assert_true(call_is_over(call));
    assert_int_equal(proa_call_status(call).code, PROA_CANCELLED);
    assert_int_equal(call->made.replay.bytes, 0);
    proa_call_end(call);
    desk_close(&d);
}

static void attempts_of_one_call_are_bounded(void **state)
{
    (void)state;
    desk d;
    desk_open(&d, gather);
    proa_call *call = desk_call(&d, NULL);
    call->made.replay.sends = LIMITS_SENDS_MAX;
    lose(&d.client);
    assert_int_equal(d.submits, 0);
    assert_true(call_is_over(call));
    assert_int_equal(proa_call_status(call).code, PROA_UNAVAILABLE);
    proa_call_end(call);
    desk_close(&d);
}

static void more_than_the_bound_is_not_kept(void **state)
{
    (void)state;
    desk d;
    desk_open(&d, gather);
    proa_call *call = desk_call(&d, NULL);
    push_size(call, 100);
    assert_true(call->made.replay.bytes > 100 && call->made.replay.is_open);
    for (int i = 0; i < 8; i++) {
        push_size(call, 32 * 1024);
        TURN_UNTIL(&d, proa_call_can_push(call));
    }
    assert_int_equal(call->made.replay.bytes, 0);
    assert_false(call->made.replay.is_open);
    push_size(call, 100);
    assert_int_equal(call->made.replay.bytes, 0);
    proa_call_end(call);
    desk_close(&d);
}

static proa_code answer_first(proa_call *call)
{
    proa_call_push_headers(call);
    return gather(call);
}

static void nothing_is_kept_once_the_server_answers(void **state)
{
    (void)state;
    desk d;
    desk_open(&d, answer_first);
    proa_call *call = desk_call(&d, NULL);
    desk_push(call, "one");
    push_size(call, 20000);
    assert_true(call->made.replay.bytes > 20000);
    TURN_UNTIL(&d, proa_call_reply_headers(call).data);
    assert_int_equal(call->made.replay.bytes, 0);
    desk_push(call, "two");
    assert_int_equal(call->made.replay.bytes, 0);
    proa_call_end(call);
    desk_close(&d);
}

static void without_memory_the_call_goes_on_and_is_not_kept(void **state)
{
    (void)state;
    desk d;
    desk_open(&d, gather);
    proa_call *call = desk_call(&d, NULL);
    static char body[3000];
    desk_push(call, "one");
    assert_true(call->made.replay.is_open);
    memory_watch(1);
    replay_keep_body(call, body, sizeof body);
    assert_int_equal(memory_unwatch(), 1);
    assert_false(call->made.replay.is_open);
    assert_int_equal(call->made.replay.bytes, 0);
    desk_push(call, "two");
    assert_false(call_is_over(call));
    proa_call_end(call);
    desk_close(&d);
}

/* Who was told of a peer may hold it until the call ends. */
static void earlier_peers_stay_until_the_call_ends(void **state)
{
    (void)state;
    desk d;
    desk_open(&d, gather);
    proa_call *call = desk_call(&d, NULL);
    const proa_peer *first = proa_call_peer(call);
    char address[128];
    memcpy(address, first->address.data, first->address.size + 1);
    call_peer *others[3];
    for (int i = 0; i < 3; i++) {
        others[i] = call_peer_new(link_pump_socket(d.client.pump));
        call->made.replay.sends = 0;
        replay_begin(call, others[i]);
        assert_ptr_equal(proa_call_peer(call), &others[i]->peer);
        call_peer_drop(others[i]);
    }
    replay_begin(call, others[2]); /* the same one: nothing */
    call_peer_drop(d.client.peer);
    d.client.peer = NULL;
    assert_string_equal(first->address.data, address);
    proa_call_end(call);
    desk_close(&d);
}

/* ---- Of another thread */

typedef struct maker {
    desk *desk;
    proa_call *parent, *child;
} maker;

static void *make_remote(void *user)
{
    maker *m = user;
    proa_call_options options = { .parent = m->parent };
    m->child = call_make(
        m->desk->home,
        &(call_making){
            .path = "/a.B/C", .options = &options, .hooks = &desk_hooks, .owner = m->desk, .is_remote = true });
    desk_push(m->child, "one");
    call_submit(m->child);
    return NULL;
}

static void *push_more(void *user)
{
    maker *m = user;
    desk_push(m->child, "two");
    proa_call_end_requests(m->child);
    return NULL;
}

/* Everything that the thread said before the first attempt, during it and after it, in order, and once. */
static void call_of_another_thread_is_repeated_whole(void **state)
{
    (void)state;
    desk d;
    desk_open(&d, echo);
    proa_call *client = desk_call(&d, NULL);
    TURN_UNTIL(&d, d.served_count);
    maker m = { .desk = &d, .parent = d.served };
    desk_in_thread(make_remote, &m);
    TURN_UNTIL(&d, d.submits == 1);
    desk_end clients[2], servers[2];
    desk_connect(&d, &clients[0], &servers[0]);
    assert_int_equal(call_attach(m.child, clients[0].pump, clients[0].peer), PROA_ERR_NONE);
    lose(&clients[0]);
    assert_int_equal(d.submits, 2);
    assert_ptr_equal(d.submitted, m.child);
    desk_in_thread(push_more, &m);
    desk_rest(&d);
    desk_connect(&d, &clients[1], &servers[1]);
    assert_int_equal(call_attach(m.child, clients[1].pump, clients[1].peer), PROA_ERR_NONE);
    TURN_UNTIL(&d, m.child->is_over);
    assert_true(desk_pop_is(m.child, "one"));
    assert_true(desk_pop_is(m.child, "two"));
    assert_true(proa_call_is_at_end(m.child));
    proa_call_cancel(client);
    proa_call_end(client);
    lose(&clients[1]);
    desk_rest(&d);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_that_never_left_comes_back_to_its_owner),
        cmocka_unit_test(attempts_of_one_call_are_bounded),
        cmocka_unit_test(more_than_the_bound_is_not_kept),
        cmocka_unit_test(nothing_is_kept_once_the_server_answers),
        cmocka_unit_test(without_memory_the_call_goes_on_and_is_not_kept),
        cmocka_unit_test(earlier_peers_stay_until_the_call_ends),
        cmocka_unit_test(call_of_another_thread_is_repeated_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
