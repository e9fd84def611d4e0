/* SPDX-License-Identifier: Apache-2.0 */
/* The arena of a call is its thread's, whoever drives the home meanwhile. */
#include "stack.h"
#include <stdio.h>

enum { THREADS = 4, CALLS_EACH = 40 };

static proa_code answer(proa_call *call)
{
    proa_slice message;
    while (proa_call_pop(call, &message))
        proa_slice_free(&message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

typedef struct caller {
    proa_channel *channel;
    pthread_t thread;
    int failed;
} caller;

/* What is pushed waits for the stream of another thread's call, whose thread may then send it; this one goes on meanwhile. */
static void *run_calls(void *user)
{
    caller *c = user;
    for (int i = 0; i < CALLS_EACH; i++) {
        proa_call *call = proa_call_begin(c->channel, "/test.Arenas/Answer", NULL);
        proa_slice message = slice_of_size(20);
        proa_call_push(call, &message);
        proa_arena *arena = proa_call_arena(call);
        for (int k = 0; k < 100; k++)
            c->failed += !proa_arena_format(arena, "%d of %d", k, i).data;
        c->failed += proa_call_status(call).code != PROA_OK;
        proa_call_end(call);
    }
    return NULL;
}

static void an_arena_is_its_threads(void **state)
{
    (void)state;
    running r;
    proa_server *server = proa_server_new(&(proa_server_options){ .limits = &(proa_limits){ .streams_max = 1 } });
    proa_server_serve_bytes(server, "/test.Arenas/Answer", answer, NULL);
    running_start(&r, server);
    proa_channel *channel = proa_channel_open(r.target, NULL);
    caller callers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (caller){ .channel = channel };
        assert_int_equal(pthread_create(&callers[i].thread, NULL, run_calls, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].failed, 0);
    }
    proa_channel_close(channel);
    running_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(an_arena_is_its_threads) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
