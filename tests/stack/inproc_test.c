/* SPDX-License-Identifier: Apache-2.0 */
/* Channels to a server of the same process: every shape, who drives, who may wait, and in which order things end. */
#include "shapes.h"

#define SECOND INT64_C(1000000000)

static proa_code echo(proa_call *call)
{
    proa_slice message;
    while (proa_call_can_push(call) && proa_call_pop(call, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static proa_code echo_on_worker(proa_call *call)
{
    for (proa_slice message; proa_call_receive(call, &message);)
        if (!proa_call_send(call, &message))
            return PROA_CANCELLED;
    return PROA_OK;
}

static proa_code never(proa_call *call)
{
    (void)call;
    return PROA_WAIT;
}

static proa_code names_the_peer(proa_call *call)
{
    proa_slice message;
    (void)!proa_slice_copy(proa_call_peer(call)->address, &message);
    proa_call_push(call, &message);
    return PROA_OK;
}

static proa_server *new_server(proa_server_options options)
{
    proa_server *server = proa_server_new(&options);
    proa_server_serve_bytes(server, "/t.Inproc/Echo", echo, NULL);
    proa_server_serve_bytes(server, "/t.Inproc/Never", never, NULL);
    proa_server_serve_bytes(server, "/t.Inproc/Peer", names_the_peer, NULL);
    return server;
}

static void echoes(proa_channel *channel, const char *path, size_t size, int count)
{
    proa_call *call = proa_call_begin(channel, path, &(proa_call_options){ .timeout_ns = 60 * SECOND });
    for (int i = 0; i < count; i++) {
        proa_slice message = slice_of_size(size), back;
        assert_true(proa_call_send(call, &message));
        assert_true(proa_call_receive(call, &back));
        assert_int_equal(back.bytes.size, size);
        proa_slice_free(&back);
    }
    proa_call_end_requests(call);
    assert_int_equal(proa_call_status(call).code, PROA_OK);
    proa_call_end(call);
}

static void messages_of_all_sizes_come_back(void **state)
{
    (void)state;
    proa_server *server = new_server((proa_server_options){ .loops = 0 });
    proa_channel *channel = proa_server_channel(server);
    echoes(channel, "/t.Inproc/Echo", 1, 100);
    echoes(channel, "/t.Inproc/Echo", 65536, 10);
    echoes(channel, "/t.Inproc/Echo", 3000000, 3);
    proa_channel_close(channel);
    proa_server_free(server);
}

static void both_ends_say_who_they_are(void **state)
{
    (void)state;
    proa_server *server = new_server((proa_server_options){ .loops = 0 });
    proa_channel *channel = proa_server_channel(server);
    proa_call *call = proa_call_begin(channel, "/t.Inproc/Peer", NULL);
    proa_slice said;
    proa_call_end_requests(call);
    assert_true(proa_call_receive(call, &said));
    assert_memory_equal(said.bytes.data, "inproc:", 7);
    assert_memory_equal(proa_call_peer(call)->address.data, "inproc:", 7);
    proa_slice_free(&said);
    proa_call_end(call);
    proa_channel_close(channel);
    proa_server_free(server);
}

static void workers_serve_as_over_a_network(void **state)
{
    (void)state;
    proa_server *server = new_server((proa_server_options){ .workers = 2 });
    proa_server_serve_bytes(server, "/t.Inproc/Worker", echo_on_worker, &(proa_serve_options){ .on_workers = true });
    proa_channel *channel = proa_server_channel(server);
    echoes(channel, "/t.Inproc/Worker", 1000, 50);
    proa_channel_close(channel);
    proa_server_free(server);
}

typedef struct thread {
    pthread_t thread;
    proa_channel *channel;
    const char *path;
} thread;

static void *run_thread(void *user)
{
    thread *t = user;
    for (int i = 0; i < 20; i++)
        echoes(t->channel, t->path, (size_t)(i + 1) * 100, 5);
    return NULL;
}

static void threads_share_channels_and_server(void **state)
{
    (void)state;
    proa_server *server = new_server((proa_server_options){ .workers = 2 });
    proa_server_serve_bytes(server, "/t.Inproc/Worker", echo_on_worker, &(proa_serve_options){ .on_workers = true });
    proa_channel *channels[2] = { proa_server_channel(server), proa_server_channel(server) };
    thread threads[6];
    for (int i = 0; i < 6; i++) {
        threads[i] = (thread){ .channel = channels[i % 2], .path = i % 3 ? "/t.Inproc/Echo" : "/t.Inproc/Worker" };
        assert_int_equal(pthread_create(&threads[i].thread, NULL, run_thread, &threads[i]), 0);
    }
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i].thread, NULL);
    proa_counters counters;
    proa_server_get_counters(server, &counters);
    assert_int_equal(counters.calls_ended, 120);
    assert_int_equal(counters.connections_opened, 2);
    proa_channel_close(channels[0]);
    proa_channel_close(channels[1]);
    proa_server_free(server);
}

static void a_call_that_nobody_answers_ends_in_time(void **state)
{
    (void)state;
    proa_server *server = new_server((proa_server_options){ .loops = 0 });
    proa_channel *channel = proa_server_channel(server);
    assert_int_equal(call_once(channel, "/t.Inproc/Never", SECOND / 100).code, PROA_DEADLINE_EXCEEDED);
    assert_int_equal(call_once(channel, "/t.Inproc/Nobody", SECOND).code, PROA_UNIMPLEMENTED);
    proa_channel_close(channel);
    proa_server_free(server);
}

/* Its handlers run in the thread that waits, inside of a turn, as on a loop. */
static proa_channel *onward;
static proa_code asks_another(proa_call *call)
{
    proa_call **child = proa_call_state(call, sizeof *child);
    proa_slice message;
    if (!*child) {
        *child = proa_call_begin(onward, "/t.Inproc/Peer", &(proa_call_options){ .parent = call });
        proa_call_end_requests(*child);
    }
    if (proa_call_pop(*child, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(*child) ? proa_call_set_status(call, proa_call_status(*child)) : PROA_WAIT;
}

static void a_server_may_call_another_and_itself(void **state)
{
    (void)state;
    proa_server *front = new_server((proa_server_options){ .loops = 0 });
    proa_server *back = new_server((proa_server_options){ .loops = 0 });
    proa_server_serve_bytes(front, "/t.Inproc/Ask", asks_another, NULL);
    proa_channel *channel = proa_server_channel(front);
    proa_server *servers[2] = { back, front };
    for (int i = 0; i < 2; i++) {
        onward = proa_server_channel(servers[i]);
        proa_call *call = proa_call_begin(channel, "/t.Inproc/Ask", &(proa_call_options){ .timeout_ns = 60 * SECOND });
        proa_slice said;
        proa_call_end_requests(call);
        assert_true(proa_call_receive(call, &said));
        assert_int_equal(said.bytes.size, 7);
        proa_slice_free(&said);
        assert_int_equal(proa_call_status(call).code, PROA_OK);
        proa_call_end(call);
        proa_channel_close(onward);
    }
    proa_channel_close(channel);
    proa_server_free(back);
    proa_server_free(front);
}

static void closing_cancels_and_calls_may_end_last(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        proa_server *server = new_server((proa_server_options){ .loops = 0 });
        proa_channel *channels[2] = { proa_server_channel(server), proa_server_channel(server) };
        proa_call *calls[2];
        for (int i = 0; i < 2; i++) {
            proa_slice message = text_slice("x"), back;
            calls[i] = proa_call_begin(channels[i], "/t.Inproc/Echo", NULL);
            assert_true(proa_call_send(calls[i], &message));
            assert_true(proa_call_receive(calls[i], &back));
            proa_slice_free(&back);
        }
        for (int i = 0; i < 2; i++)
            proa_channel_close(channels[i]);
        if (order)
            proa_server_free(server);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(proa_call_status(calls[i]).code, PROA_CANCELLED);
            proa_call_end(calls[i]);
        }
        if (!order)
            proa_server_free(server);
    }
}

static void a_drained_server_takes_no_more_calls(void **state)
{
    (void)state;
    proa_server *server = new_server((proa_server_options){ .loops = 0 });
    proa_channel *channel = proa_server_channel(server);
    proa_slice message = text_slice("x"), back;
    proa_call *call = proa_call_begin(channel, "/t.Inproc/Echo", NULL);
    assert_true(proa_call_send(call, &message));
    assert_true(proa_call_receive(call, &back));
    proa_slice_free(&back);
    proa_server_drain(server);
    call_once(channel, "/t.Inproc/Nobody", 10 * SECOND); /* who begins before GOAWAY came is still answered */
    assert_int_equal(call_once(channel, "/t.Inproc/Never", 10 * SECOND).code, PROA_UNAVAILABLE);
    proa_call_end_requests(call); /* this one ends in its own time */
    assert_int_equal(proa_call_status(call).code, PROA_OK);
    proa_call_end(call);
    proa_channel_close(channel);
    proa_server_free(server);
}

static void a_channel_that_was_never_used_costs_nothing_to_close(void **state)
{
    (void)state;
    proa_server *server = new_server((proa_server_options){ .loops = 0 });
    proa_channel_close(proa_server_channel(server));
    proa_server_free(server);
    assert_null(proa_server_channel(NULL));
}

static unsigned drained;
static void on_drained(proa_server *server, void *user)
{
    (void)server;
    (void)user;
    drained++;
}

static void on_a_loop_callbacks_and_waiting_go_together(void **state)
{
    (void)state;
    proa_loop *loop = proa_loop_new(&(proa_loop_options){ .virtual_time = true });
    proa_server *server = new_server((proa_server_options){ .loop = loop, .on_drained = on_drained });
    proa_channel *channel = proa_server_channel(server);
    seen s = { .call = NULL };
    drained = 0;
    s.call = proa_call_begin(channel, "/t.Inproc/Never", &(proa_call_options){ SEEN(&s), .timeout_ns = 3600 * SECOND });
    echoes(channel, "/t.Inproc/Echo", 100000, 5);
    assert_int_equal(s.done, 0);
    proa_server_drain(server);
    proa_loop_run(loop); /* an hour goes by, in which the grace ends */
    assert_int_equal(s.done, 1);
    assert_int_equal(s.code, PROA_UNAVAILABLE);
    assert_int_equal(drained, 1);
    proa_channel_close(channel);
    proa_server_free(server);
    proa_loop_free(loop);
}

static void the_loop_may_go_first(void **state)
{
    (void)state;
    proa_loop *loop = proa_loop_new(NULL);
    proa_server *server = new_server((proa_server_options){ .loop = loop });
    proa_channel *channel = proa_server_channel(server);
    seen s = { .call = NULL };
    s.call = proa_call_begin(channel, "/t.Inproc/Never", &(proa_call_options){ SEEN(&s) });
    proa_loop_turn(loop);
    proa_loop_free(loop);
    assert_int_equal(s.done, 1);
    proa_channel_close(channel);
    proa_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_all_sizes_come_back),
        cmocka_unit_test(both_ends_say_who_they_are),
        cmocka_unit_test(workers_serve_as_over_a_network),
        cmocka_unit_test(threads_share_channels_and_server),
        cmocka_unit_test(a_call_that_nobody_answers_ends_in_time),
        cmocka_unit_test(a_server_may_call_another_and_itself),
        cmocka_unit_test(closing_cancels_and_calls_may_end_last),
        cmocka_unit_test(a_drained_server_takes_no_more_calls),
        cmocka_unit_test(a_channel_that_was_never_used_costs_nothing_to_close),
        cmocka_unit_test(on_a_loop_callbacks_and_waiting_go_together),
        cmocka_unit_test(the_loop_may_go_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
