/* SPDX-License-Identifier: Apache-2.0 */
/* Served calls: their way to a worker and back, how they are answered, stopped, and told of it. */
#include <stdio.h>
#include "call/call_testlib.h"

static unsigned steps, ends;
static proa_status end_status;
static char end_text[100];
static bool was_cancelled;

static void note_end(proa_call *call, void *user)
{
    (void)user;
    ends++;
    end_status = proa_call_status(call);
    snprintf(end_text, sizeof end_text, "%.*s", PROA_FMT(end_status.message));
    was_cancelled = proa_call_is_cancelled(call);
}

static proa_code wait_for_ever(proa_call *call)
{
    steps++;
    proa_call_on_end(call, note_end, NULL);
    return PROA_WAIT;
}

static proa_code echo_one(proa_call *call)
{
    proa_slice message;
    steps++;
    proa_call_on_end(call, note_end, NULL);
    if (!proa_call_receive(call, &message))
        return PROA_CANCELLED;
    proa_call_send(call, &message);
    return proa_call_fail(call, PROA_NOT_FOUND, "looked %s", "everywhere");
}

static void setup(desk *d, proa_handler handler, bool on_workers)
{
    steps = ends = 0;
    was_cancelled = false;
    end_status = (proa_status){ 0 };
    desk_open(d, handler);
    d->binding.on_workers = on_workers;
}

static void *work(void *call)
{
    call_work(call);
    return NULL;
}

static proa_call *begin(desk *d, const proa_call_options *options)
{
    proa_call *call = desk_call(d, options);
    TURN_UNTIL(d, d->served_count);
    desk_rest(d);
    return call;
}

static proa_call *working;

static void *work_in_thread(void *user)
{
    (void)user;
    call_work(working);
    return NULL;
}

static void worker_waits_while_the_loop_turns(void **state)
{
    (void)state;
    desk d;
    setup(&d, echo_one, true);
    proa_call *call = begin(&d, NULL);
    pthread_t thread;
    working = d.worked;
    d.is_taken = true;
    assert_int_equal(pthread_create(&thread, NULL, work_in_thread, NULL), 0);
    desk_push(call, "hello");
    TURN_UNTIL(&d, call_is_over(call) && ends);
    pthread_join(thread, NULL);
    assert_true(desk_pop_is(call, "hello"));
    assert_int_equal(proa_call_status(call).code, PROA_NOT_FOUND);
    assert_int_equal(end_status.code, PROA_NOT_FOUND);
    assert_string_equal(end_text, "looked everywhere");
    assert_false(was_cancelled);
    proa_call_end(call);
    desk_close(&d);
}

static void call_that_ends_before_a_worker_had_it_is_taken_back(void **state)
{
    (void)state;
    desk d;
    setup(&d, echo_one, true);
    proa_call *call = begin(&d, NULL);
    proa_call_cancel(call);
    TURN_UNTIL(&d, d.gones == 1);
    assert_int_equal(d.unworks, 1);
    assert_int_equal(steps, 0);
    proa_call_end(call);
    desk_close(&d);
}

static void call_that_ends_while_a_worker_has_it_waits_for_him(void **state)
{
    (void)state;
    desk d;
    setup(&d, echo_one, true);
    proa_call *call = begin(&d, NULL);
    d.is_taken = true;
    proa_call_cancel(call);
    TURN_UNTIL(&d, d.unworks);
    desk_rest(&d);
    assert_int_equal(d.gones, 0);
    desk_in_thread(work, d.worked);
    TURN_UNTIL(&d, d.gones == 1);
    assert_int_equal(steps, 0); /* it was cancelled: the handler never ran */
    proa_call_end(call);
    desk_close(&d);
}

static void full_queue_is_resource_exhausted(void **state)
{
    (void)state;
    desk d;
    setup(&d, echo_one, true);
    d.is_worker_full = true;
    proa_call *call = begin(&d, NULL);
    TURN_UNTIL(&d, call_is_over(call));
    assert_int_equal(proa_call_status(call).code, PROA_RESOURCE_EXHAUSTED);
    assert_int_equal(d.unworks, 0);
    proa_call_end(call);
    desk_rest(&d);
    assert_int_equal(d.gones, 2);
    desk_close(&d);
}

static void stopped_call_says_why_on_both_sides(void **state)
{
    (void)state;
    desk d;
    setup(&d, wait_for_ever, false);
    proa_call *call = begin(&d, NULL);
    call_stop(d.served, PROA_UNAVAILABLE, "closing time");
    call_stop(d.served, PROA_INTERNAL, "again");
    TURN_UNTIL(&d, call_is_over(call) && ends);
    proa_status status = proa_call_status(call);
    assert_int_equal(status.code, PROA_UNAVAILABLE);
    assert_true(proa_bytes_is_equal(status.message, PROA_STR("closing time")));
    assert_int_equal(end_status.code, PROA_UNAVAILABLE);
    assert_string_equal(end_text, "closing time");
    assert_true(was_cancelled);
    assert_int_equal(steps, 1);
    proa_call_end(call);
    desk_close(&d);
}

static void connection_that_goes_cancels(void **state)
{
    (void)state;
    desk d;
    setup(&d, wait_for_ever, false);
    proa_call *call = begin(&d, NULL);
    link_pump_close(d.server.pump);
    TURN_UNTIL(&d, ends && call_is_over(call));
    assert_int_equal(end_status.code, PROA_CANCELLED);
    assert_true(was_cancelled);
    assert_int_equal(proa_call_status(call).code, PROA_UNAVAILABLE);
    proa_call_end(call);
    desk_close(&d);
}

/* ---- What has it called again, and what not */

static void cancelled_call_whose_step_was_due_is_not_called(void **state)
{
    (void)state;
    desk d;
    setup(&d, wait_for_ever, false);
    proa_call *call = begin(&d, NULL);
    assert_int_equal(steps, 1);
    proa_call_wake(d.served);
    proa_call_cancel(d.served);
    TURN_UNTIL(&d, ends);
    assert_int_equal(steps, 1);
    TURN_UNTIL(&d, call_is_over(call));
    proa_call_end(call);
    desk_close(&d);
}

static desk *here;

static proa_code begin_child_and_wait(proa_call *call)
{
    proa_call **child = proa_call_state(call, sizeof *child);
    if (steps++)
        return call_is_over(*child) ? PROA_OK : PROA_DATA_LOSS;
    *child = desk_make(here, &(proa_call_options){ .parent = call });
    call_refuse(*child, PROA_UNAVAILABLE, "at once");
    return PROA_WAIT; /* without a look at it */
}

static void child_that_moves_during_the_step_is_not_missed(void **state)
{
    (void)state;
    desk d;
    setup(&d, begin_child_and_wait, false);
    here = &d;
    proa_call *call = begin(&d, NULL);
    TURN_UNTIL(&d, call_is_over(call));
    assert_int_equal(proa_call_status(call).code, PROA_OK);
    assert_int_equal(steps, 2);
    proa_call_end(call);
    desk_close(&d);
}

static proa_code next_turn_then_sleep(proa_call *call)
{
    if (steps++ == 0) {
        proa_call_wake(call);
        return proa_call_wait_ns(call, 0);
    }
    return steps == 2 ? proa_call_sleep_ns(call, PROA_SECOND) : PROA_OK;
}

static void a_turn_that_was_waited_for_before_does_not_end_a_sleep(void **state)
{
    (void)state;
    desk d;
    setup(&d, next_turn_then_sleep, false);
    proa_call *call = begin(&d, NULL);
    desk_rest(&d);
    assert_int_equal(steps, 2);
    proa_call_end(call);
    desk_rest(&d);
    desk_close(&d);
}

/* ---- Answers that cannot be said as they are */

static proa_code end_with_bad_trailer(proa_call *call)
{
    proa_call_on_end(call, note_end, NULL);
    /* behind the back of proa_call_add_trailer, which checks */
    header_list_add(&call->user.trailers, &call->user.arena, PROA_STR("Bad"), PROA_STR("x"));
    return PROA_OK;
}

static void trailer_that_cannot_be_sent_ends_as_internal(void **state)
{
    (void)state;
    desk d;
    setup(&d, end_with_bad_trailer, false);
    proa_call *call = begin(&d, NULL);
    TURN_UNTIL(&d, call_is_over(call) && ends);
    assert_int_equal(proa_call_status(call).code, PROA_INTERNAL);
    assert_int_equal(end_status.code, PROA_INTERNAL);
    proa_call_end(call);
    desk_close(&d);
}

static proa_code made_up_code(proa_call *call)
{
    proa_call_on_end(call, note_end, NULL);
    return (proa_code)77;
}

static void code_that_is_none_is_unknown(void **state)
{
    (void)state;
    desk d;
    setup(&d, made_up_code, false);
    proa_call *call = begin(&d, NULL);
    TURN_UNTIL(&d, call_is_over(call) && ends);
    assert_int_equal(proa_call_status(call).code, PROA_UNKNOWN);
    assert_int_equal(end_status.code, PROA_UNKNOWN);
    proa_call_end(call);
    desk_close(&d);
}

static proa_code later_without_returning_it(proa_call *call)
{
    proa_later later;
    (void)!proa_call_later(call, &later);
    return PROA_OK;
}

static proa_code returns_later(proa_call *call)
{
    (void)call;
    return PROA_LATER;
}

static void run_task(proa_call *call)
{
    call->task.run(&call->task);
}

static void later_and_its_code_come_together(void **state)
{
    (void)state;
    static const proa_handler handlers[] = { later_without_returning_it, returns_later };
    for (int i = 0; i < 2; i++) {
        desk d;
        setup(&d, wait_for_ever, false);
        proa_call *call = begin(&d, NULL);
        d.binding.handler = handlers[i];
        d.served->state = CALL_READY;
        desk_breaks("PROA_LATER comes from proa_call_later", run_task, d.served);
        /* It stays as the broken rule left it: let go what it holds. */
        d.served->state = CALL_WAITS;
        if (i == 0)
            call_unpin(d.served);
        call_unpin(d.served);
        proa_call_end(call);
        desk_close(&d);
    }
}

static proa_later kept;

static proa_code keep_ticket(proa_call *call)
{
    proa_call_on_end(call, note_end, NULL);
    return proa_call_later(call, &kept);
}

static void finish_kept(proa_call *call)
{
    (void)call;
    proa_later_finish(&kept, PROA_OK);
}

static void ticket_answers_once(void **state)
{
    (void)state;
    desk d;
    setup(&d, keep_ticket, false);
    proa_call *call = begin(&d, NULL);
    proa_later copy = kept;
    proa_later_finish(&kept, PROA_OK);
    desk_breaks("a ticket answers once", finish_kept, call);
    kept = copy;
    desk_breaks("a ticket answers once", finish_kept, call); /* not through a copy either */
    TURN_UNTIL(&d, call_is_over(call) && ends);
    /* Nor a later call in the same place. */
    proa_call_end(call);
    desk_rest(&d);
    call = desk_call(&d, NULL);
    TURN_UNTIL(&d, d.served_count == 2);
    desk_rest(&d);
    proa_later fresh = kept;
    copy.call = fresh.call;
    kept = copy;
    desk_breaks("a ticket answers once", finish_kept, call);
    proa_later_finish(&fresh, PROA_OK);
    TURN_UNTIL(&d, call_is_over(call) && ends == 2);
    proa_call_end(call);
    desk_close(&d);
}

static struct {
    atomic_int stage;
    bool results[3];
} paused;

static proa_code pause_thrice(proa_call *call)
{
    paused.results[0] = proa_call_pause_ns(call, 5 * PROA_MILLISECOND);
    atomic_store(&paused.stage, 1);
    paused.results[1] = proa_call_pause_ns(call, INT64_MAX); /* no overflow */
    atomic_store(&paused.stage, 2);
    paused.results[2] = proa_call_pause_ns(call, 100 * PROA_SECOND);
    atomic_store(&paused.stage, 3);
    return PROA_OK;
}

static void pause_ends_by_time_by_wake_and_by_the_end(void **state)
{
    (void)state;
    desk d;
    setup(&d, pause_thrice, true);
    proa_call *call = begin(&d, NULL);
    pthread_t thread;
    working = d.worked;
    d.is_taken = true;
    assert_int_equal(pthread_create(&thread, NULL, work_in_thread, NULL), 0);
    TURN_UNTIL(&d, atomic_load(&paused.stage) == 1);
    proa_call_wake(d.served);
    TURN_UNTIL(&d, atomic_load(&paused.stage) == 2);
    proa_call_cancel(call);
    TURN_UNTIL(&d, atomic_load(&paused.stage) == 3 && d.gones == 1);
    pthread_join(thread, NULL);
    assert_true(paused.results[0]);
    assert_true(paused.results[1]);
    assert_false(paused.results[2]);
    proa_call_end(call);
    desk_close(&d);
}

static proa_code read_slowly(proa_call *call)
{
    proa_slice message;
    size_t count = 0;
    for (; proa_call_receive(call, &message); count++)
        proa_slice_free(&message);
    return proa_call_fail(call, PROA_ABORTED, "%zu", count);
}

/* Empty messages are many in few bytes: what lies ready for a worker is bounded by number too. */
static void many_empty_messages_reach_a_worker_in_turns(void **state)
{
    (void)state;
    desk d;
    setup(&d, read_slowly, true);
    proa_call *call = begin(&d, NULL);
    for (int i = 0; i < 3000; i++) {
        desk_push(call, "");
        if (i % 500 == 0)
            desk_rest(&d);
    }
    proa_call_end_requests(call);
    desk_rest(&d);
    assert_int_equal(d.worked->remote.in.count, 256);
    pthread_t thread;
    working = d.worked;
    d.is_taken = true;
    assert_int_equal(pthread_create(&thread, NULL, work_in_thread, NULL), 0);
    TURN_UNTIL(&d, call_is_over(call));
    pthread_join(thread, NULL);
    assert_true(proa_bytes_is_equal(proa_call_status(call).message, PROA_STR("3000")));
    proa_call_end(call);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worker_waits_while_the_loop_turns),
        cmocka_unit_test(call_that_ends_before_a_worker_had_it_is_taken_back),
        cmocka_unit_test(call_that_ends_while_a_worker_has_it_waits_for_him),
        cmocka_unit_test(full_queue_is_resource_exhausted),
        cmocka_unit_test(stopped_call_says_why_on_both_sides),
        cmocka_unit_test(connection_that_goes_cancels),
        cmocka_unit_test(cancelled_call_whose_step_was_due_is_not_called),
        cmocka_unit_test(child_that_moves_during_the_step_is_not_missed),
        cmocka_unit_test(a_turn_that_was_waited_for_before_does_not_end_a_sleep),
        cmocka_unit_test(trailer_that_cannot_be_sent_ends_as_internal),
        cmocka_unit_test(code_that_is_none_is_unknown),
        cmocka_unit_test(later_and_its_code_come_together),
        cmocka_unit_test(ticket_answers_once),
        cmocka_unit_test(pause_ends_by_time_by_wake_and_by_the_end),
        cmocka_unit_test(many_empty_messages_reach_a_worker_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
