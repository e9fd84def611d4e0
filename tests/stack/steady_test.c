/* SPDX-License-Identifier: Apache-2.0 */
/* In the steady state nothing is allocated, on either end: not for a call, not for a message of a stream. */
#include "base/memory.h"
#include "shapes.h"

enum { WARM = 300, STEADY = 300 };

typedef struct ends {
    running server;
    proa_channel *channel;
    proa_arena *arena;
} ends;

static proa_code pass_on(proa_call *call)
{
    proa_slice message;
    while (proa_call_can_push(call) && proa_call_pop(call, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static void open_ends(ends *e, const test_Shapes *handlers, bool on_workers)
{
    proa_server *server = proa_server_new(NULL);
    if (handlers)
        test_Shapes_serve(server, handlers, &(proa_serve_options){ .on_workers = on_workers });
    else
        proa_server_serve_bytes(server, "/test.Shapes/Both", pass_on, NULL);
    running_start(&e->server, server);
    e->channel = proa_channel_open(e->server.target, NULL);
    e->arena = proa_arena_new(0);
}

static void close_ends(ends *e)
{
    proa_arena_free(e->arena);
    proa_channel_close(e->channel);
    running_stop(&e->server);
}

static void one_call(ends *e)
{
    test_Item request = { .number = 7, .text = PROA_STR("a text") }, reply;
    proa_arena_reset(e->arena);
    assert_int_equal(test_Shapes_One(e->channel, &request, &reply, e->arena, NULL).code, PROA_OK);
    assert_int_equal(reply.number, 7);
}

static void unary_calls(const test_Shapes *handlers, bool on_workers)
{
    ends e;
    open_ends(&e, handlers, on_workers);
    for (int i = 0; i < WARM; i++)
        one_call(&e);
    memory_watch(0);
    for (int i = 0; i < STEADY; i++)
        one_call(&e);
    assert_int_equal(memory_unwatch(), 0);
    close_ends(&e);
}

static void one_message(proa_call *call)
{
    test_Item item = { .number = 7, .text = PROA_STR("a text") };
    assert_true(test_Shapes_Both_send_request(call, &item));
    const test_Item *back = test_Shapes_Both_receive_reply(call);
    assert_non_null(back);
    assert_int_equal(back->number, 7);
}

static void streamed_messages(const test_Shapes *handlers)
{
    ends e;
    open_ends(&e, handlers, false);
    proa_call *call = test_Shapes_Both_begin(e.channel, NULL);
    for (int i = 0; i < WARM; i++)
        one_message(call);
    memory_watch(0);
    for (int i = 0; i < STEADY; i++)
        one_message(call);
    assert_int_equal(memory_unwatch(), 0);
    assert_int_equal(proa_call_status(call).code, PROA_OK);
    proa_call_end(call);
    close_ends(&e);
}

static void a_blocking_unary_call_allocates_nothing(void **state)
{
    (void)state;
    unary_calls(&shapes_on_loop, false);
}

static void a_unary_call_on_workers_allocates_nothing(void **state)
{
    (void)state;
    unary_calls(&shapes_on_workers, true);
}

static void a_streamed_message_allocates_nothing(void **state)
{
    (void)state;
    streamed_messages(&shapes_on_loop);
}

static void a_slice_that_is_passed_on_allocates_nothing(void **state)
{
    (void)state;
    streamed_messages(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blocking_unary_call_allocates_nothing),
        cmocka_unit_test(a_unary_call_on_workers_allocates_nothing),
        cmocka_unit_test(a_streamed_message_allocates_nothing),
        cmocka_unit_test(a_slice_that_is_passed_on_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
