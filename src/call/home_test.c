/* SPDX-License-Identifier: Apache-2.0 */
/* Homes: whose thread may do what, and driven ones, where each of several threads hears of what moved, whoever turned. */
#include <sched.h>
#include <time.h>
#include "call/call_testlib.h"

enum { WAITERS = 4 };

typedef struct waiter {
    proa_loop *home;
    pthread_t thread;
    bool *is_met; /* under the home's lock */
    unsigned rounds;
} waiter;

static void *wait_for_it(void *user)
{
    waiter *w = user;
    home_enter(w->home);
    for (; !*w->is_met; w->rounds++)
        home_wait(w->home);
    home_leave(w->home);
    return NULL;
}

static unsigned waiting(proa_loop *home)
{
    home_enter(home);
    unsigned count = home->shared.waiting;
    home_leave(home);
    return count;
}

static void begin_waiting(proa_loop *home, waiter *waiters, bool *conditions)
{
    for (unsigned i = 0; i < WAITERS; i++) {
        conditions[i] = false;
        waiters[i] = (waiter){ .home = home, .is_met = &conditions[i] };
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for_it, &waiters[i]), 0);
        while (waiting(home) < i + 1)
            sched_yield();
    }
}

static proa_loop *driven(void)
{
    proa_loop *home = home_new(&(proa_loop_options){ 0 }, true);
    assert_non_null(home);
    assert_true(home_is_driven(home));
    assert_false(home_is_here(home));
    return home;
}

/* The first of them polls, the others sleep. What ends the wait of one is done by a thread that waits for nothing. */
static void everybody_hears_of_what_another_thread_did(void **state)
{
    (void)state;
    proa_loop *home = driven();
    waiter waiters[WAITERS];
    bool conditions[WAITERS];
    begin_waiting(home, waiters, conditions);
    for (unsigned i = 0; i < WAITERS; i++) {
        home_enter(home);
        conditions[i] = true;
        home_note(home);
        home_leave(home);
        pthread_join(waiters[i].thread, NULL); /* i == 0: the one in poll hands its place on */
    }
    proa_loop_free(home);
}

static void do_nothing(io_task *task)
{
    (void)task;
}

/* Each turn of another thread empties the wake-up that was meant for the one in poll. */
static void wake_up_that_another_turn_took_is_sent_again(void **state)
{
    (void)state;
    proa_loop *home = driven();
    io_task task = { .run = do_nothing };
    for (int round = 0; round < 50; round++) {
        waiter waiters[WAITERS];
        bool conditions[WAITERS];
        begin_waiting(home, waiters, conditions);
        home_enter(home);
        memset(conditions, true, sizeof conditions);
        home_note(home);
        home_leave(home);
        for (int i = 0; i < 20; i++) {
            home_enter(home);
            io_loop_defer(home_io(home), &task, IO_DISPATCH);
            home_leave(home); /* turns */
        }
        for (unsigned i = 0; i < WAITERS; i++)
            pthread_join(waiters[i].thread, NULL);
    }
    proa_loop_free(home);
}

static bool *fired;

static void on_time(io_timer *timer)
{
    (void)timer;
    *fired = true;
    /* nothing is noted: who turned looks for itself */
}

/* A timer that starts while somebody polls for longer is not late. */
static void one_in_poll_hears_of_an_earlier_deadline(void **state)
{
    (void)state;
    proa_loop *home = driven();
    bool condition = false;
    waiter w = { .home = home, .is_met = &condition };
    io_timer timer = { .fire = on_time };
    fired = &condition;
    assert_int_equal(pthread_create(&w.thread, NULL, wait_for_it, &w), 0);
    while (!waiting(home))
        sched_yield();
    int64_t begun = io_clock_now();
    home_enter(home);
    io_timer_start(home_io(home), &timer, home_now(home) + 20 * PROA_MILLISECOND);
    home_leave(home);
    pthread_join(w.thread, NULL);
    int64_t took = io_clock_now() - begun;
    assert_true(took >= 20 * PROA_MILLISECOND && took < 30 * PROA_SECOND);
    proa_loop_free(home);
}

static void count(void *user)
{
    ++*(unsigned *)user;
}

static void end_with_runs_behind_the_leave(void **state)
{
    (void)state;
    proa_loop *home = driven();
    unsigned runs = 0;
    home_enter(home);
    home_end_with(home, count, &runs);
    assert_int_equal(runs, 0);
    home_leave(home);
    assert_int_equal(runs, 1);
    proa_loop_free(home);
}

static void spin(io_timer *timer)
{
    proa_loop *home = *(proa_loop **)(void *)(timer + 1);
    io_timer_start(home_io(home), timer, 0);
}

/* Something that is due for ever must not keep a thread that only passes by. */
static void leave_makes_no_endless_turns(void **state)
{
    (void)state;
    proa_loop *home = driven();
    struct {
        io_timer timer;
        proa_loop *home;
    } due = { { .fire = spin }, home };
    home_enter(home);
    io_timer_start(home_io(home), &due.timer, 0);
    home_leave(home);
    home_enter(home);
    io_timer_stop(home_io(home), &due.timer);
    home_leave(home);
    proa_loop_free(home);
}

/* ---- Loops */

static proa_loop *other;

static void enter_other(proa_call *call)
{
    (void)call;
    home_enter(other);
}

static void *own_other(void *user)
{
    (void)user;
    home_own(other);
    assert_true(home_is_here(other));
    return NULL;
}

static void loop_belongs_to_one_thread(void **state)
{
    (void)state;
    other = home_new(&(proa_loop_options){ 0 }, false);
    assert_true(home_is_here(other));
    home_enter(other);
    home_leave(other);
    desk_in_thread(own_other, NULL);
    assert_false(home_is_here(other));
    desk_breaks("in the loop's thread alone", enter_other, NULL);
    home_own(other);
    assert_true(home_is_here(other));
    proa_loop_free(other);
}

static void virtual_time_jumps(void **state)
{
    (void)state;
    proa_loop *home = home_new(&(proa_loop_options){ .virtual_time = true }, false);
    bool condition = false;
    io_timer timer = { .fire = on_time };
    fired = &condition;
    int64_t begun = home_now(home);
    io_timer_start(home_io(home), &timer, begun + 36000 * PROA_SECOND);
    while (!condition)
        home_turn(home, -1);
    assert_true(home_now(home) - begun >= 36000 * PROA_SECOND);
    proa_loop_free(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_hears_of_what_another_thread_did),
        cmocka_unit_test(wake_up_that_another_turn_took_is_sent_again),
        cmocka_unit_test(one_in_poll_hears_of_an_earlier_deadline),
        cmocka_unit_test(end_with_runs_behind_the_leave),
        cmocka_unit_test(leave_makes_no_endless_turns),
        cmocka_unit_test(loop_belongs_to_one_thread),
        cmocka_unit_test(virtual_time_jumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
