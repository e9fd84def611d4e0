/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: many that share one channel, workers, several loops, cancellation and answers from elsewhere. */
#include "stack.h"
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define THREADS    8
#define CALLS_EACH 50
#define LIMIT      (10 * PROA_SECOND)

static proa_code echo_on_loop(proa_call *call)
{
    proa_slice message;
    while (proa_call_can_push(call) && proa_call_pop(call, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static proa_code echo_on_worker(proa_call *call)
{
    proa_slice message;
    while (proa_call_receive(call, &message))
        proa_call_send(call, &message);
    return PROA_OK;
}

static void start(running *r, const proa_server_options *options)
{
    proa_server *server = proa_server_new(options);
    proa_server_serve_bytes(server, "/test.Echo/Loop", echo_on_loop, NULL);
    proa_server_serve_bytes(server, "/test.Echo/Worker", echo_on_worker, &(proa_serve_options){ .on_workers = true });
    running_start(r, server);
}

/* ---- One channel, many threads */

typedef struct caller {
    proa_channel *channel;
    const char *path;
    pthread_t thread;
    int failed;
} caller;

static bool echo_once(proa_channel *channel, const char *path, int i)
{
    proa_call *call = proa_call_begin(channel, path, &(proa_call_options){ .timeout_ns = LIMIT });
    size_t size = (size_t)(i * 997 % 5000);
    bool ok = true;
    for (int k = 0; k < 3 && ok; k++) {
        proa_slice message = slice_of_size(size + (size_t)k), back;
        ok = proa_call_send(call, &message) && proa_call_receive(call, &back) && back.bytes.size == size + (size_t)k;
        if (ok)
            proa_slice_free(&back);
    }
    ok = proa_call_status(call).code == PROA_OK && ok;
    proa_call_end(call);
    return ok;
}

static void *run_calls(void *user)
{
    caller *c = user;
    for (int i = 0; i < CALLS_EACH; i++)
        c->failed += !echo_once(c->channel, c->path, i);
    return NULL;
}

static void share(const char *path, const proa_server_options *options, bool is_one_channel)
{
    running r;
    start(&r, options);
    proa_channel *shared = proa_channel_open(r.target, NULL);
    caller callers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (caller){ .channel = is_one_channel ? shared : proa_channel_open(r.target, NULL), .path = path };
        assert_int_equal(pthread_create(&callers[i].thread, NULL, run_calls, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].failed, 0);
        if (!is_one_channel)
            proa_channel_close(callers[i].channel);
    }
    proa_channel_close(shared);
    running_stop(&r);
}

static void threads_share_a_channel_without_loop(void **state)
{
    (void)state;
    share("/test.Echo/Loop", NULL, true);
}

static void workers_echo_for_many_threads(void **state)
{
    (void)state;
    share("/test.Echo/Worker", &(proa_server_options){ .workers = 4 }, true);
}

static void two_loops_share_a_port(void **state)
{
    (void)state;
    share("/test.Echo/Loop", &(proa_server_options){ .loops = 2 }, false);
    share("/test.Echo/Worker", &(proa_server_options){ .loops = 2, .workers = 2 }, false);
}

/* ---- Workers that are all busy */

static atomic_bool may_go;

static proa_code hold_on(proa_call *call)
{
    while (!atomic_load(&may_go) && proa_call_pause_ns(call, 5 * PROA_MILLISECOND))
        ;
    return PROA_OK;
}

static void full_queue_of_workers_is_resource_exhausted(void **state)
{
    (void)state;
    running r;
    proa_server *server = proa_server_new(&(proa_server_options){ .workers = 1, .workers_queue_max = 2 });
    proa_server_serve_bytes(server, "/test.Hold/On", hold_on, &(proa_serve_options){ .on_workers = true });
    atomic_store(&may_go, false);
    running_start(&r, server);
    proa_channel *channel = proa_channel_open(r.target, NULL);
    enum { MANY = 12 };
    proa_call *calls[MANY];
    for (int i = 0; i < MANY; i++)
        calls[i] = proa_call_begin(channel, "/test.Hold/On", &(proa_call_options){ .timeout_ns = LIMIT });
    /* The last ones are answered while the first still run. */
    int refused = 0, done = 0;
    refused += proa_call_status(calls[MANY - 1]).code == PROA_RESOURCE_EXHAUSTED;
    assert_int_equal(refused, 1);
    atomic_store(&may_go, true);
    for (int i = 0; i < MANY; i++) {
        proa_code code = proa_call_status(calls[i]).code;
        done += code == PROA_OK;
        proa_call_end(calls[i]);
    }
    assert_true(done >= 2 && done <= 4);
    proa_counters counters;
    proa_server_get_counters(server, &counters);
    assert_true(counters.workers_queue_max >= MANY - 4);
    proa_channel_close(channel);
    running_stop(&r);
}

/* ---- From another thread */

static void *cancel_soon(void *call)
{
    usleep(50000);
    proa_call_cancel(call);
    return NULL;
}

static void another_thread_cancels_a_waiting_call(void **state)
{
    (void)state;
    running r;
    start(&r, NULL);
    proa_channel *channel = proa_channel_open(r.target, NULL);
    proa_call *call = proa_call_begin(channel, "/test.Echo/Loop", NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, call), 0);
    proa_slice message;
    assert_false(proa_call_receive(call, &message));
    pthread_join(thread, NULL);
    assert_int_equal(proa_call_status(call).code, PROA_CANCELLED);
    assert_true(proa_call_is_cancelled(call));
    proa_call_end(call);
    proa_channel_close(channel);
    running_stop(&r);
}

static atomic_int ends;

static void count_end(proa_call *call, void *user)
{
    (void)call;
    (void)user;
    atomic_fetch_add(&ends, 1);
}

static proa_code wait_for_ever(proa_call *call)
{
    proa_call_on_end(call, count_end, NULL);
    return PROA_WAIT;
}

static proa_code work_until_cancelled(proa_call *call)
{
    proa_call_on_end(call, count_end, NULL);
    while (proa_call_pause_ns(call, 10 * PROA_SECOND))
        ;
    return PROA_OK;
}

/* A deadline at the client ends the handler at the server as well, on a loop and on a worker, and on_end runs once. */
static void deadline_reaches_the_handler(void **state)
{
    (void)state;
    running r;
    proa_server *server = proa_server_new(NULL);
    proa_server_serve_bytes(server, "/test.Wait/Loop", wait_for_ever, NULL);
    proa_server_serve_bytes(server, "/test.Wait/Worker", work_until_cancelled,
                            &(proa_serve_options){ .on_workers = true });
    running_start(&r, server);
    atomic_store(&ends, 0);
    proa_channel *channel = proa_channel_open(r.target, NULL);
    assert_int_equal(call_once(channel, "/test.Wait/Loop", PROA_SECOND).code, PROA_DEADLINE_EXCEEDED);
    assert_int_equal(call_once(channel, "/test.Wait/Worker", PROA_SECOND).code, PROA_DEADLINE_EXCEEDED);
    proa_channel_close(channel);
    running_stop(&r);
    assert_int_equal(atomic_load(&ends), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_channel_without_loop),
        cmocka_unit_test(workers_echo_for_many_threads),
        cmocka_unit_test(two_loops_share_a_port),
        cmocka_unit_test(full_queue_of_workers_is_resource_exhausted),
        cmocka_unit_test(another_thread_cancels_a_waiting_call),
        cmocka_unit_test(deadline_reaches_the_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
