/* SPDX-License-Identifier: Apache-2.0 */
/* Turns: the order of their phases, timers in real and virtual time, waiting and waking, a foreign poll loop. */
#include "io/loop.h"
#include <poll.h>
#include <pthread.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MS PROA_MILLISECOND

/* What ran, a letter each. */
static char ran[256];

static void note(char letter)
{
    size_t size = strlen(ran);
    assert_true(size + 1 < sizeof ran);
    ran[size] = letter;
    ran[size + 1] = '\0';
}

typedef struct step {
    io_task task;
    io_timer timer;
    io_mail mail;
    io_loop *loop;
    char letter;
    struct step *next; /* deferred when this one runs */
    io_phase next_phase;
    int again; /* defer itself so many times */
} step;

static void run_step(step *s)
{
    note(s->letter);
    if (s->next)
        io_loop_defer(s->loop, &s->next->task, s->next_phase);
    if (s->again-- > 0)
        io_loop_defer(s->loop, &s->task, IO_DISPATCH);
}

static void run_task(io_task *task)
{
    run_step(CONTAINER_OF(task, step, task));
}

static void run_timer(io_timer *timer)
{
    run_step(CONTAINER_OF(timer, step, timer));
}

static void run_mail(io_mail *mail)
{
    run_step(CONTAINER_OF(mail, step, mail));
}

static step make(io_loop *loop, char letter)
{
    return (step){
        .loop = loop, .letter = letter, .task.run = run_task, .timer.fire = run_timer, .mail.deliver = run_mail
    };
}

static int begin(void **state)
{
    ran[0] = '\0';
    *state = io_loop_new(NULL);
    return *state == NULL;
}

static int finish(void **state)
{
    io_loop_free(*state);
    return 0;
}

static void phases_run_in_their_order(void **state)
{
    io_loop *loop = *state;
    step flush = make(loop, 'F'), dispatch = make(loop, 'D'), timer = make(loop, 'T'), mail = make(loop, 'M');
    io_loop_defer(loop, &flush.task, IO_FLUSH);
    io_loop_defer(loop, &dispatch.task, IO_DISPATCH);
    io_loop_defer(loop, &dispatch.task, IO_DISPATCH);
    io_loop_post(loop, &mail.mail);
    io_timer_start(loop, &timer.timer, 0);
    io_loop_turn(loop, 0);
    assert_string_equal(ran, "TMDF");
    io_loop_turn(loop, 0);
    assert_string_equal(ran, "TMDF");
}

static void flushing_waits_until_dispatch_settled(void **state)
{
    io_loop *loop = *state;
    step flush = make(loop, 'f'), late = make(loop, 'L'), third = make(loop, '3'), second = make(loop, '2'),
         first = make(loop, '1');
    first.next = &second, first.next_phase = IO_DISPATCH;
    second.next = &third, second.next_phase = IO_DISPATCH;
    third.next = &flush, third.next_phase = IO_FLUSH;
    flush.next = &late, flush.next_phase = IO_DISPATCH;
    io_loop_defer(loop, &first.task, IO_DISPATCH);
    step other = make(loop, 'g');
    io_loop_defer(loop, &other.task, IO_FLUSH);
    io_loop_turn(loop, 0);
    assert_string_equal(ran, "123gfL");
}

static void a_task_that_defers_itself_does_not_hold_the_turn(void **state)
{
    io_loop *loop = *state;
    step endless = make(loop, '.');
    endless.again = 20;
    io_loop_defer(loop, &endless.task, IO_DISPATCH);
    io_loop_turn(loop, 0);
    assert_true(strlen(ran) < 20);
    assert_true(io_loop_wait_ns(loop) == 0);
    while (io_loop_wait_ns(loop) == 0)
        io_loop_turn(loop, -1);
    assert_int_equal(strlen(ran), 21);
    assert_true(io_loop_wait_ns(loop) == INT64_MAX);
}

static step *victim;

static void cancel_victim(io_task *task)
{
    run_task(task);
    io_task_cancel(&victim->task);
}

static void a_cancelled_task_does_not_run(void **state)
{
    io_loop *loop = *state;
    step first = make(loop, '1'), second = make(loop, '2');
    first.task.run = cancel_victim;
    victim = &second;
    io_loop_defer(loop, &first.task, IO_DISPATCH);
    io_loop_defer(loop, &second.task, IO_DISPATCH);
    io_loop_turn(loop, 0);
    assert_string_equal(ran, "1");
    io_task_cancel(&second.task);
}

static void a_timer_fires_within_a_millisecond_and_never_early(void **state)
{
    io_loop *loop = *state;
    int64_t latest = INT64_MAX;
    /* Until one was in time: a busy machine may be late, the code may not. */
    for (int try = 0; try < 12 || (latest >= MS && try < 5000); try++) {
        step timer = make(loop, 'T');
        ran[0] = '\0';
        int64_t deadline = io_clock_now() + 3 * MS + try % 12 * 170000;
        io_timer_start(loop, &timer.timer, deadline);
        assert_true(io_timer_is_running(&timer.timer));
        while (!ran[0])
            io_loop_turn(loop, -1);
        int64_t late = io_clock_now() - deadline;
        assert_true(late >= 0);
        assert_true(io_loop_now(loop) >= deadline);
        assert_false(io_timer_is_running(&timer.timer));
        latest = late < latest ? late : latest;
    }
    assert_true(latest < MS);
}

static void waiting_for_a_timer_costs_few_turns(void **state)
{
    io_loop *loop = *state;
    step timer = make(loop, 'T');
    io_timer_start(loop, &timer.timer, io_clock_now() + 30 * MS + 500000);
    int turns = 0;
    while (!ran[0]) {
        io_loop_turn(loop, -1);
        turns++;
    }
    assert_true(turns <= 4); /* not one for each millisecond */
}

static void a_turn_waits_no_longer_than_told(void **state)
{
    io_loop *loop = *state;
    step timer = make(loop, 'T');
    io_timer_start(loop, &timer.timer, io_clock_now() + 3600 * PROA_SECOND);
    int64_t begin_ns = io_clock_now();
    io_loop_turn(loop, 0);
    assert_true(io_clock_now() - begin_ns < 60 * PROA_SECOND);
    begin_ns = io_clock_now();
    io_loop_turn(loop, 5 * MS);
    assert_true(io_clock_now() - begin_ns >= 5 * MS);
    io_loop_turn(loop, 300000);
    assert_true(io_clock_now() - begin_ns < 60 * PROA_SECOND);
    assert_string_equal(ran, "");
    io_timer_stop(loop, &timer.timer);
    io_timer_stop(loop, &timer.timer);
    assert_true(io_loop_wait_ns(loop) == INT64_MAX);
}

static void restart(io_timer *timer)
{
    run_timer(timer);
    io_timer_start(CONTAINER_OF(timer, step, timer)->loop, timer, 0);
}

static void a_timer_that_starts_itself_again_fires_once_a_turn(void **state)
{
    io_loop *loop = *state;
    step timer = make(loop, 'T');
    timer.timer.fire = restart;
    io_timer_start(loop, &timer.timer, 0);
    io_loop_turn(loop, -1);
    assert_string_equal(ran, "T");
    io_loop_turn(loop, -1);
    assert_string_equal(ran, "TT");
    io_timer_stop(loop, &timer.timer);
}

static void stop_victim(io_timer *timer)
{
    run_timer(timer);
    step *s = CONTAINER_OF(timer, step, timer);
    io_timer_stop(s->loop, &victim->timer);
}

static void a_timer_may_stop_another_that_is_due(void **state)
{
    io_loop *loop = *state;
    step first = make(loop, '1'), second = make(loop, '2'), third = make(loop, '3');
    first.timer.fire = stop_victim;
    victim = &second;
    io_timer_start(loop, &first.timer, 1);
    io_timer_start(loop, &second.timer, 2);
    io_timer_start(loop, &third.timer, 3);
    io_loop_turn(loop, 0);
    assert_string_equal(ran, "13");
}

static void *wake_soon(void *loop)
{
    usleep(5000);
    io_loop_wake(loop);
    return NULL;
}

static void a_wake_ends_a_wait(void **state)
{
    io_loop *loop = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, loop), 0);
    int64_t begin_ns = io_clock_now();
    io_loop_turn(loop, 3600 * PROA_SECOND);
    assert_true(io_clock_now() - begin_ns < 60 * PROA_SECOND);
    assert_int_equal(pthread_join(thread, NULL), 0);
    io_loop_wake(loop);
    io_loop_turn(loop, -1);
}

static void virtual_time_jumps_from_timer_to_timer(void **state)
{
    (void)state;
    io_loop *loop = io_loop_new(&(io_loop_options){ .virtual_time = true });
    const int64_t hour = 3600 * PROA_SECOND;
    ran[0] = '\0';
    int64_t real = io_clock_now(), start = io_loop_now(loop);
    step soon = make(loop, 's'), late = make(loop, 'l');
    io_timer_start(loop, &late.timer, start + 10 * hour);
    io_timer_start(loop, &soon.timer, start + hour);
    assert_true(io_loop_wait_ns(loop) == 0);
    io_loop_turn(loop, -1);
    assert_string_equal(ran, "s");
    assert_true(io_loop_now(loop) == start + hour);
    io_loop_turn(loop, 2 * hour);
    assert_true(io_loop_now(loop) == start + 3 * hour);
    step task = make(loop, 't');
    io_loop_defer(loop, &task.task, IO_DISPATCH);
    io_loop_turn(loop, -1);
    assert_string_equal(ran, "st");
    assert_true(io_loop_now(loop) == start + 3 * hour);
    io_loop_turn(loop, 0);
    assert_string_equal(ran, "stl");
    assert_true(io_loop_now(loop) == start + 10 * hour);
    io_loop_turn(loop, 0);
    assert_true(io_loop_now(loop) == start + 10 * hour);
    assert_true(io_clock_now() - real < 60 * PROA_SECOND);
    io_loop_free(loop);
}

static void *post_soon(void *arg)
{
    usleep(5000);
    step *s = arg;
    io_loop_post(s->loop, &s->mail);
    return NULL;
}

static void a_foreign_loop_needs_only_fd_and_timeout(void **state)
{
    io_loop *loop = *state;
    step mail = make(loop, 'M'), timer = make(loop, 'T');
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_soon, &mail), 0);
    io_timer_start(loop, &timer.timer, io_clock_now() + 20 * MS);
    for (int turns = 0; strlen(ran) < 2; turns++) {
        assert_true(turns < 100);
        struct pollfd fd = { .fd = io_loop_fd(loop), .events = POLLIN };
        int64_t wait = io_loop_wait_ns(loop);
        poll(&fd, 1, wait > 1000 * MS ? 1000 : (int)((wait + MS - 1) / MS));
        io_loop_turn(loop, 0);
    }
    assert_string_equal(ran, "MT");
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void no_memory_makes_no_loop(void **state)
{
    (void)state;
    for (size_t nth = 1; nth <= 4; nth++) {
        memory_watch(nth);
        assert_null(io_loop_new(NULL));
        memory_unwatch();
    }
    io_loop_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(phases_run_in_their_order, begin, finish),
        cmocka_unit_test_setup_teardown(flushing_waits_until_dispatch_settled, begin, finish),
        cmocka_unit_test_setup_teardown(a_task_that_defers_itself_does_not_hold_the_turn, begin, finish),
        cmocka_unit_test_setup_teardown(a_cancelled_task_does_not_run, begin, finish),
        cmocka_unit_test_setup_teardown(a_timer_fires_within_a_millisecond_and_never_early, begin, finish),
        cmocka_unit_test_setup_teardown(waiting_for_a_timer_costs_few_turns, begin, finish),
        cmocka_unit_test_setup_teardown(a_turn_waits_no_longer_than_told, begin, finish),
        cmocka_unit_test_setup_teardown(a_timer_that_starts_itself_again_fires_once_a_turn, begin, finish),
        cmocka_unit_test_setup_teardown(a_timer_may_stop_another_that_is_due, begin, finish),
        cmocka_unit_test_setup_teardown(a_wake_ends_a_wait, begin, finish),
        cmocka_unit_test_setup_teardown(a_foreign_loop_needs_only_fd_and_timeout, begin, finish),
        cmocka_unit_test(virtual_time_jumps_from_timer_to_timer),
        cmocka_unit_test(no_memory_makes_no_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
