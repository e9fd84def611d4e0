/* SPDX-License-Identifier: Apache-2.0 */
/* A channel is closed in one thread while another drives a home that is not the channel's, where calls of it have parents. */
#include "stack.h"
#include <sched.h>
#include <stdatomic.h>

enum { ROUNDS = 60 };

static atomic_bool is_over;
static atomic_uint begun;

static proa_code answer(proa_call *call)
{
    proa_slice message;
    while (proa_call_pop(call, &message))
        proa_slice_free(&message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

/* A channel is not used any more when it is closed: that much is the program's to see to. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static proa_channel *far_channel;

static void set_far(proa_channel *channel)
{
    pthread_mutex_lock(&lock);
    far_channel = channel;
    pthread_mutex_unlock(&lock);
}

static proa_call *begin_child(proa_call *call)
{
    pthread_mutex_lock(&lock);
    proa_call *child = NULL;
    if (far_channel)
        child = proa_call_begin(far_channel, "/test.Far/Answer", &(proa_call_options){ .parent = call });
    pthread_mutex_unlock(&lock);
    return child;
}

static proa_code ask(proa_call *call)
{
    proa_call **child = proa_call_state(call, sizeof *child);
    if (!*child) {
        *child = begin_child(call);
        if (!*child)
            return PROA_OK;
        proa_call_end_requests(*child);
        atomic_fetch_add(&begun, 1);
    }
    return proa_call_is_at_end(*child) ? PROA_OK : PROA_WAIT;
}

static void *keep_calling(void *channel)
{
    while (!atomic_load(&is_over))
        (void)call_once(channel, "/test.Near/Ask", PROA_SECOND);
    return NULL;
}

/* Calls with a parent lie on the home of that parent: here one that the thread drives which waits for the parent. */
static void a_channel_closes_while_another_thread_drives_its_calls(void **state)
{
    (void)state;
    running far;
    pthread_t thread;
    proa_server *server = proa_server_new(NULL), *near = proa_server_new(NULL);
    proa_server_serve_bytes(server, "/test.Far/Answer", answer, NULL);
    running_start(&far, server);
    proa_server_serve_bytes(near, "/test.Near/Ask", ask, NULL);
    proa_channel *inside = proa_server_channel(near);
    assert_int_equal(pthread_create(&thread, NULL, keep_calling, inside), 0);
    for (int i = 0; i < ROUNDS; i++) {
        proa_channel *channel = proa_channel_open(far.target, NULL);
        unsigned before = atomic_load(&begun);
        set_far(channel);
        while (atomic_load(&begun) < before + 3)
            sched_yield();
        set_far(NULL); /* none of it begins any more; those that run do so in the other thread */
        proa_channel_close(channel);
    }
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
    proa_channel_close(inside);
    proa_server_free(near);
    running_stop(&far);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_channel_closes_while_another_thread_drives_its_calls) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
