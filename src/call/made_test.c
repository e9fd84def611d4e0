/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that we make: before their attempt, refused, remote, with a parent; who frees them. */
#include "call/call_testlib.h"

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

static unsigned readies, dones;

static void count_ready(proa_call *call, void *user)
{
    (void)call;
    (void)user;
    readies++;
}

static void count_done(proa_call *call, void *user)
{
    (void)call;
    (void)user;
    dones++;
}

#define COUNTED .on_ready = count_ready, .on_done = count_done

static void setup(desk *d, proa_handler handler)
{
    readies = dones = 0;
    desk_open(d, handler);
}

static void what_is_pushed_before_the_attempt_goes_with_it(void **state)
{
    (void)state;
    desk d;
    setup(&d, echo);
    proa_call *call = desk_make(&d, NULL);
    desk_push(call, "one");
    desk_push(call, "");
    desk_push(call, "three");
    proa_call_end_requests(call);
    proa_call_end_requests(call);
    assert_false(proa_call_can_push(call));
    desk_rest(&d);
    assert_int_equal(d.served_count, 0);
    desk_attach(&d, call);
    TURN_UNTIL(&d, call_is_over(call));
    assert_false(proa_call_is_at_end(call));
    assert_true(desk_pop_is(call, "one"));
    assert_true(desk_pop_is(call, ""));
    assert_true(desk_pop_is(call, "three"));
    assert_true(proa_call_is_at_end(call));
    assert_int_equal(proa_call_status(call).code, PROA_OK);
    proa_call_end(call);
    desk_rest(&d);
    assert_int_equal(d.gones, 2);
    desk_close(&d);
}

static void peer_is_known_with_the_attempt(void **state)
{
    (void)state;
    desk d;
    setup(&d, never);
    proa_call *call = desk_make(&d, NULL);
    assert_int_equal(proa_call_peer(call)->address.size, 0);
    desk_attach(&d, call);
    assert_non_null(strstr(proa_call_peer(call)->address.data, "ipv4:127.0.0.1:"));
    proa_call_end(call);
    desk_close(&d);
}

static void refused_call_says_why_and_is_done_once(void **state)
{
    (void)state;
    desk d;
    setup(&d, never);
    proa_call *call = desk_make(&d, &(proa_call_options){ COUNTED });
    call_refuse(call, PROA_UNAVAILABLE, "no %s", "way");
    call_refuse(call, PROA_INTERNAL, "again");
    assert_int_equal(dones, 0);
    assert_true(call_is_over(call));
    proa_status status = proa_call_status(call);
    assert_int_equal(status.code, PROA_UNAVAILABLE);
    assert_true(proa_bytes_is_equal(status.message, PROA_STR("no way")));
    desk_push(call, "nobody takes it");
    assert_null(proa_call_trailers(call).data);
    desk_rest(&d);
    assert_int_equal(dones, 1);
    assert_int_equal(d.gones, 1);
    desk_close(&d);
}

static void cancelled_call_leaves_the_queue_of_those_that_wait(void **state)
{
    (void)state;
    desk d;
    list waiting;
    list_init(&waiting);
    setup(&d, never);
    proa_call *calls[3];
    for (int i = 0; i < 3; i++) {
        calls[i] = desk_make(&d, &(proa_call_options){ .timeout_ns = i == 1 ? 10 * PROA_MILLISECOND : 0 });
        list_push(&waiting, call_node(calls[i]));
    }
    assert_ptr_equal(call_of_node(list_first(&waiting)), calls[0]);
    proa_call_cancel(calls[0]);
    assert_int_equal(d.forgets, 1);
    TURN_UNTIL(&d, call_is_over(calls[1]));
    assert_int_equal(proa_call_status(calls[1]).code, PROA_DEADLINE_EXCEEDED);
    assert_true(proa_call_is_cancelled(calls[1]));
    proa_call_end(calls[2]);
    assert_int_equal(d.forgets, 3);
    assert_true(list_is_empty(&waiting));
    proa_call_end(calls[0]);
    proa_call_end(calls[1]);
    desk_rest(&d);
    assert_int_equal(d.gones, 3);
    desk_close(&d);
}

static void attempt_that_cannot_be_made_is_said_or_waited_for(void **state)
{
    (void)state;
    desk d;
    setup(&d, never);
    const proa_header bad = { PROA_STR("Bad Name"), PROA_STR("x") };
    proa_call *call = desk_call(&d, &(proa_call_options){ .headers = { &bad, 1 } });
    assert_int_equal(proa_call_status(call).code, PROA_INTERNAL);
    proa_call_end(call);
    call = desk_make(&d, NULL);
    rpc_endpoint_drain(link_pump_endpoint(d.client.pump));
    assert_int_equal(call_attach(call, d.client.pump, d.client.peer), PROA_ERR_CLOSED);
    assert_false(call_is_over(call));
    proa_call_end(call);
    desk_close(&d);
}

static void end_is_let_go_once(void **state)
{
    (void)state;
    desk d;
    setup(&d, never);
    proa_call *call = desk_call(&d, NULL);
    TURN_UNTIL(&d, d.served_count);
    made_end(call);
    made_end(call);
    desk_rest(&d);
    assert_int_equal(d.gones, 2);
    desk_close(&d);
}

/* ---- Made by another thread, for a parent on this loop */

typedef struct maker {
    desk *desk;
    proa_call *parent, *child;
    void (*before_submit)(struct maker *maker);
} maker;

static void *make_remote(void *user)
{
    maker *m = user;
    proa_call_options options = { .parent = m->parent };
    m->child = call_make(
        m->desk->home,
        &(call_making){
            .path = "/a.B/C", .options = &options, .hooks = &desk_hooks, .owner = m->desk, .is_remote = true });
    if (m->before_submit)
        m->before_submit(m);
    return NULL;
}

static void *submit_remote(void *user)
{
    call_submit(((maker *)user)->child);
    return NULL;
}

static void cancel_child(maker *m)
{
    proa_call_cancel(m->child);
}

static void break_child(maker *m)
{
    call_break(m->child, PROA_INTERNAL, "it is broken");
}

static void push_to_child(maker *m)
{
    desk_push(m->child, "early");
}

static proa_call *parent_of(desk *d, proa_call **client)
{
    *client = desk_call(d, NULL);
    TURN_UNTIL(d, d->served_count);
    desk_rest(d);
    return d->served;
}

static void what_comes_before_the_submit_waits_for_it(void **state)
{
    (void)state;
    static void (*const before[])(maker *) = { cancel_child, break_child, push_to_child };
    static const proa_code codes[] = { PROA_CANCELLED, PROA_INTERNAL, PROA_OK };
    for (int i = 0; i < 3; i++) {
        desk d;
        proa_call *client;
        setup(&d, never);
        maker m = { .desk = &d, .parent = parent_of(&d, &client), .before_submit = before[i] };
        desk_in_thread(make_remote, &m);
        desk_rest(&d); /* the mail comes, and is not yet for us */
        assert_int_equal(d.submits, 0);
        assert_false(call_is_over(m.child));
        desk_in_thread(submit_remote, &m);
        TURN_UNTIL(&d, d.submits == 1);
        assert_ptr_equal(d.submitted, m.child);
        assert_int_equal(call_is_over(m.child), codes[i] != PROA_OK);
        proa_call_cancel(client);
        TURN_UNTIL(&d, d.gones == 2); /* parent and child */
        proa_call_end(client);
        desk_rest(&d);
        assert_int_equal(d.gones, 3);
        desk_close(&d);
    }
}

static void parent_waits_for_a_child_that_is_on_its_way(void **state)
{
    (void)state;
    desk d;
    proa_call *client;
    setup(&d, never);
    maker m = { .desk = &d, .parent = parent_of(&d, &client) };
    desk_in_thread(make_remote, &m);
    proa_call_cancel(client);
    desk_rest(&d);
    assert_true(call_is_over(client));
    assert_true(m.parent->is_over);
    assert_int_equal(d.gones, 0);
    desk_in_thread(submit_remote, &m);
    TURN_UNTIL(&d, d.gones == 2);
    proa_call_end(client);
    desk_close(&d);
}

/* ---- With callbacks and a parent */

static void last_callbacks_of_children_come_before_their_parents_memory_goes(void **state)
{
    (void)state;
    desk d;
    proa_call *client;
    setup(&d, never);
    proa_call *parent = parent_of(&d, &client);
    desk_make(&d, &(proa_call_options){ .parent = parent, COUNTED });
    proa_call *refused = desk_make(&d, &(proa_call_options){ .parent = parent, COUNTED });
    desk_make(&d, &(proa_call_options){ .parent = parent });
    call_refuse(refused, PROA_UNAVAILABLE, "no");
    assert_int_equal(dones, 0);
    proa_call_cancel(client);
    TURN_UNTIL(&d, d.gones == 4);
    assert_int_equal(dones, 2);
    proa_call_end(client);
    desk_close(&d);
}

static void add_header(proa_call *call)
{
    proa_call_add_header(call, "a", PROA_STR("b"));
}

static void ask_status(proa_call *call)
{
    proa_call_status(call);
}

static void receive(proa_call *call)
{
    proa_slice slice;
    proa_call_receive(call, &slice);
}

static void send(proa_call *call)
{
    proa_slice empty = { 0 };
    proa_call_send(call, &empty);
}

static void take_ticket(proa_call *call)
{
    proa_later later;
    (void)!proa_call_later(call, &later);
}

static void wait_a_while(proa_call *call)
{
    proa_call_wait_ns(call, 1);
}

static void pause_a_while(proa_call *call)
{
    proa_call_pause_ns(call, 1);
}

static void rules_are_asserted(void **state)
{
    (void)state;
    desk d;
    setup(&d, never);
    proa_call *call = desk_call(&d, &(proa_call_options){ COUNTED });
    desk_breaks("goes by itself", proa_call_end, call);
    desk_breaks("headers are added to a call that is served", add_header, call);
    desk_breaks("on a loop a call has a status at its end", ask_status, call);
    desk_breaks("waiting verbs are for threads", receive, call);
    desk_breaks("waiting verbs are for threads", send, call); /* also when there is room */
    TURN_UNTIL(&d, d.served_count);
    desk_breaks("a client ends the requests", proa_call_end_requests, d.served);
    desk_breaks("a ticket is taken in the handler", take_ticket, d.served);
    desk_breaks("for handlers on a loop", wait_a_while, d.served);
    desk_breaks("for handlers on workers", pause_a_while, d.served);
    proa_call_cancel(call);
    TURN_UNTIL(&d, dones);
    desk_close(&d);
}

static proa_loop *freed;

static void free_loop(proa_call *call)
{
    (void)call;
    proa_loop_free(freed);
}

static void loop_is_not_freed_with_calls_that_somebody_owns(void **state)
{
    (void)state;
    desk d;
    setup(&d, never);
    proa_call *call = desk_call(&d, NULL);
    TURN_UNTIL(&d, d.served_count);
    link_pump_close(d.client.pump);
    desk_rest(&d);
    assert_true(call_is_over(call));
    assert_int_equal(proa_call_status(call).code, PROA_UNAVAILABLE);
    assert_int_equal(d.home->busy, 0);
    freed = d.home;
    desk_breaks("calls are ended before their loop is freed", free_loop, call);
    proa_call_end(call);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_pushed_before_the_attempt_goes_with_it),
        cmocka_unit_test(peer_is_known_with_the_attempt),
        cmocka_unit_test(refused_call_says_why_and_is_done_once),
        cmocka_unit_test(cancelled_call_leaves_the_queue_of_those_that_wait),
        cmocka_unit_test(attempt_that_cannot_be_made_is_said_or_waited_for),
        cmocka_unit_test(end_is_let_go_once),
        cmocka_unit_test(what_comes_before_the_submit_waits_for_it),
        cmocka_unit_test(parent_waits_for_a_child_that_is_on_its_way),
        cmocka_unit_test(last_callbacks_of_children_come_before_their_parents_memory_goes),
        cmocka_unit_test(rules_are_asserted),
        cmocka_unit_test(loop_is_not_freed_with_calls_that_somebody_owns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
