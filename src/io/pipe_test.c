/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: the contract of sockets, without a kernel; and that an exchange takes one turn and no memory. */
#include "io/peer_testlib.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

typedef struct bench {
    io_loop *loop;
    peer a, b;
} bench;

static void open_bench(bench *x)
{
    io_socket *ends[2];
    *x = (bench){ .loop = io_loop_new(&(io_loop_options){ .virtual_time = true }) };
    assert_non_null(x->loop);
    assert_int_equal(io_pipe_open(x->loop, ends), PROA_ERR_NONE);
    x->a.socket = ends[0];
    x->b.socket = ends[1];
    io_socket_own(x->a.socket, &peer_handler, &x->a);
    io_socket_own(x->b.socket, &peer_handler, &x->b);
}

static void close_bench(bench *x)
{
    if (x->a.socket)
        peer_close(&x->a);
    if (x->b.socket)
        peer_close(&x->b);
    io_loop_turn(x->loop, 0);
    io_loop_free(x->loop);
}

static void bytes_arrive_in_the_turn_and_never_inside_a_verb(void **state)
{
    (void)state;
    bench x;
    open_bench(&x);
    assert_int_equal(peer_write(&x.a, "ping", 4), 4);
    assert_int_equal(peer_write(&x.a, "pong", 4), 4);
    assert_int_equal(x.b.reads, 0);
    assert_int_equal(io_loop_wait_ns(x.loop), 0);
    io_loop_turn(x.loop, 0);
    assert_int_equal(x.b.reads, 1); /* as one piece */
    assert_memory_equal(buffer_bytes(&x.b.in).data, "pingpong", 8);
    assert_int_equal(io_loop_wait_ns(x.loop), INT64_MAX);
    close_bench(&x);
}

typedef struct echo {
    io_task task;
    peer *peer;
} echo;

static void run_echo(io_task *task)
{
    echo *e = CONTAINER_OF(task, echo, task);
    peer_write(e->peer, "x", 1);
}

static void what_a_flush_wrote_is_read_in_the_same_turn(void **state)
{
    (void)state;
    bench x;
    open_bench(&x);
    echo e = { .task = { .run = run_echo }, .peer = &x.a };
    io_loop_defer(x.loop, &e.task, IO_FLUSH);
    io_loop_turn(x.loop, 0);
    assert_int_equal(x.b.reads, 1);
    close_bench(&x);
}

static void a_pipe_takes_64_kib_and_asks_for_more_when_they_were_read(void **state)
{
    (void)state;
    bench x;
    static char much[100 * 1024];
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)(i * 31);
    open_bench(&x);
    io_socket_pause(x.b.socket, true);
    size_t taken = peer_write(&x.a, much, sizeof much);
    assert_int_equal(taken, 64 * 1024);
    assert_int_equal(peer_write(&x.a, much, 1), 0);
    for (int i = 0; i < 3; i++)
        io_loop_turn(x.loop, 0);
    assert_int_equal(x.b.reads + x.a.writable, 0);
    io_socket_pause(x.b.socket, false);
    io_loop_turn(x.loop, 0);
    io_loop_turn(x.loop, 0);
    assert_int_equal(x.a.writable, 1);
    assert_int_equal(peer_write(&x.a, much + taken, sizeof much - taken), sizeof much - taken);
    io_loop_turn(x.loop, 0);
    assert_int_equal(buffer_size(&x.b.in), sizeof much);
    assert_memory_equal(buffer_bytes(&x.b.in).data, much, sizeof much);
    close_bench(&x);
}

static void bytes_wait_for_an_owner(void **state)
{
    (void)state;
    io_loop *loop = io_loop_new(NULL);
    io_socket *ends[2];
    peer late = { .socket = NULL };
    assert_int_equal(io_pipe_open(loop, ends), PROA_ERR_NONE);
    assert_int_equal(io_socket_write(ends[0], &(proa_bytes){ "early", 5 }, 1), 5);
    io_socket_close(ends[0]);
    io_loop_turn(loop, 0);
    late.socket = ends[1];
    io_socket_own(ends[1], &peer_handler, &late);
    assert_int_equal(late.reads, 0);
    io_loop_turn(loop, 0);
    assert_memory_equal(buffer_bytes(&late.in).data, "early", 5);
    assert_int_equal(late.ends, 1);
    peer_close(&late);
    io_loop_turn(loop, 0);
    io_loop_free(loop);
}

static void an_end_comes_behind_the_bytes_and_the_other_way_stays_open(void **state)
{
    (void)state;
    bench x;
    open_bench(&x);
    peer_write(&x.a, "last", 4);
    io_socket_end(x.a.socket);
    io_loop_turn(x.loop, 0);
    assert_int_equal(buffer_size(&x.b.in), 4);
    assert_int_equal(x.b.ends, 1);
    assert_int_equal(x.b.error.code, PROA_ERR_NONE);
    assert_int_equal(peer_write(&x.b, "answer", 6), 6);
    io_loop_turn(x.loop, 0);
    assert_int_equal(buffer_size(&x.a.in), 6);
    assert_int_equal(x.a.ends, 0);
    close_bench(&x);
}

static void a_close_is_an_end_for_the_other(void **state)
{
    (void)state;
    bench x;
    open_bench(&x);
    peer_write(&x.a, "bye", 3);
    peer_close(&x.a);
    io_loop_turn(x.loop, 0);
    assert_int_equal(buffer_size(&x.b.in), 3);
    assert_int_equal(x.b.ends, 1);
    assert_int_equal(x.b.error.code, PROA_ERR_NONE);
    assert_int_equal(peer_write(&x.b, "?", 1), 0);
    io_loop_turn(x.loop, 0);
    assert_int_equal(x.b.ends, 1); /* once */
    close_bench(&x);
}

static void a_close_on_unread_bytes_is_a_reset_that_the_paused_hear(void **state)
{
    (void)state;
    bench x;
    open_bench(&x);
    io_socket_pause(x.a.socket, true);
    io_socket_pause(x.b.socket, true);
    peer_write(&x.b, "unread", 6);
    io_loop_turn(x.loop, 0);
    peer_close(&x.a);
    io_loop_turn(x.loop, 0);
    assert_int_equal(x.b.ends, 1);
    assert_int_equal(x.b.error.code, PROA_ERR_IO);
    close_bench(&x);
}

static void writing_to_a_closed_end_fails_later(void **state)
{
    (void)state;
    bench x;
    open_bench(&x);
    peer_close(&x.b);
    assert_int_equal(peer_write(&x.a, "x", 1), 0);
    assert_int_equal(x.a.ends, 0);
    io_loop_turn(x.loop, 0);
    assert_int_equal(x.a.ends, 1);
    close_bench(&x);
}

static void an_owner_may_close_in_his_handler(void **state)
{
    (void)state;
    bench x;
    open_bench(&x);
    x.b.closes_on_bytes = x.a.closes_on_end = true;
    peer_write(&x.a, "x", 1);
    io_loop_turn(x.loop, 0);
    io_loop_turn(x.loop, 0);
    assert_null(x.b.socket);
    assert_null(x.a.socket);
    assert_int_equal(x.a.ends, 1);
    close_bench(&x);
}

static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    bench x;
    open_bench(&x);
    for (int i = 0; i < 4; i++) {
        if (i == 2)
            memory_watch(0);
        peer_write(&x.a, "request", 7);
        io_loop_turn(x.loop, 0);
        peer_write(&x.b, "reply", 5);
        io_loop_turn(x.loop, 0);
        buffer_consume(&x.a.in, buffer_size(&x.a.in));
        buffer_consume(&x.b.in, buffer_size(&x.b.in));
    }
    assert_int_equal(memory_unwatch(), 0);
    close_bench(&x);
}

static void without_memory_a_write_takes_nothing_and_the_pipe_breaks(void **state)
{
    (void)state;
    bench x;
    open_bench(&x);
    memory_watch(1);
    assert_int_equal(peer_write(&x.a, "x", 1), 0);
    memory_unwatch();
    io_loop_turn(x.loop, 0);
    assert_int_equal(x.a.ends, 1);
    assert_int_equal(x.a.error.code, PROA_ERR_IO);
    close_bench(&x);
}

static void its_address_says_what_it_is(void **state)
{
    (void)state;
    bench x;
    char text[64];
    open_bench(&x);
    io_address_format(io_socket_peer(x.a.socket), text, sizeof text);
    assert_string_equal(text, "inproc:");
    assert_true(io_address_is_loopback(io_socket_peer(x.b.socket)));
    close_bench(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_in_the_turn_and_never_inside_a_verb),
        cmocka_unit_test(what_a_flush_wrote_is_read_in_the_same_turn),
        cmocka_unit_test(a_pipe_takes_64_kib_and_asks_for_more_when_they_were_read),
        cmocka_unit_test(bytes_wait_for_an_owner),
        cmocka_unit_test(an_end_comes_behind_the_bytes_and_the_other_way_stays_open),
        cmocka_unit_test(a_close_is_an_end_for_the_other),
        cmocka_unit_test(a_close_on_unread_bytes_is_a_reset_that_the_paused_hear),
        cmocka_unit_test(writing_to_a_closed_end_fails_later),
        cmocka_unit_test(an_owner_may_close_in_his_handler),
        cmocka_unit_test(steady_state_allocates_nothing),
        cmocka_unit_test(without_memory_a_write_takes_nothing_and_the_pipe_breaks),
        cmocka_unit_test(its_address_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
