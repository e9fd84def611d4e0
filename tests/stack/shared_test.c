/* SPDX-License-Identifier: Apache-2.0 */
/* One channel in many hands: threads that wait while others cancel and close, and handlers of several loops whose children
 * live on each of these. */
#include "shapes.h"
#include <stdatomic.h>
#include <unistd.h>

#define LIMIT (5 * PROA_SECOND)

static proa_code never(proa_call *call)
{
    (void)call;
    return PROA_WAIT;
}

static proa_code many(proa_call *call)
{
    int *sent = proa_call_state(call, sizeof *sent);
    while ((*sent)++ < 2000) {
        proa_slice message = slice_of_size(500);
        if (!proa_call_push(call, &message))
            return PROA_WAIT;
    }
    return PROA_OK;
}

/* ---- Threads that wait */

typedef struct waiter {
    proa_call *call;
    pthread_t thread;
    proa_code code;
} waiter;

static void *wait_for_status(void *user)
{
    waiter *w = user;
    w->code = proa_call_status(w->call).code;
    return NULL;
}

enum { WAITERS = 4 };

static void begin_waiting(waiter *waiters, proa_channel *channel, const char *path)
{
    for (int i = 0; i < WAITERS; i++) {
        waiters[i].call = proa_call_begin(channel, path, &(proa_call_options){ .wait_for_ready = true });
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for_status, &waiters[i]), 0);
    }
    usleep(30000);
}

/* The call has no connection, so that nothing but the cancellation can wake whoever waits. */
static void pending_calls_are_cancelled_by_another_thread(void **state)
{
    (void)state;
    proa_channel *channel = proa_channel_open("127.0.0.1:1", NULL);
    waiter waiters[WAITERS];
    begin_waiting(waiters, channel, "/a.B/C");
    int64_t begun = now_ns();
    for (int i = 0; i < WAITERS; i++) {
        proa_call_cancel(waiters[i].call);
        pthread_join(waiters[i].thread, NULL);
        assert_int_equal(waiters[i].code, PROA_CANCELLED);
        proa_call_end(waiters[i].call);
    }
    assert_true(now_ns() - begun < LIMIT);
    proa_channel_close(channel);
}

static void channel_closes_under_those_who_wait(void **state)
{
    (void)state;
    for (int is_connected = 0; is_connected < 2; is_connected++) {
        running r;
        proa_server *server = proa_server_new(&(proa_server_options){ .grace_ns = 1 });
        proa_server_serve_bytes(server, "/a.B/C", never, NULL);
        running_start(&r, server);
        proa_channel *channel = proa_channel_open(is_connected ? r.target : "127.0.0.1:1", NULL);
        waiter waiters[WAITERS];
        begin_waiting(waiters, channel, "/a.B/C");
        int64_t begun = now_ns();
        proa_channel_close(channel);
        for (int i = 0; i < WAITERS; i++) {
            pthread_join(waiters[i].thread, NULL);
            assert_int_equal(waiters[i].code, PROA_CANCELLED);
            proa_call_end(waiters[i].call);
        }
        assert_true(now_ns() - begun < LIMIT);
        running_stop(&r);
    }
}

/* Each reply may be read by the turn of any other thread. */
static void *ask_often(void *user)
{
    proa_channel *channel = user;
    for (int i = 0; i < 200; i++) {
        proa_arena *arena = proa_arena_new(0);
        test_Item reply;
        proa_status status = test_Shapes_One(channel, &(test_Item){ .number = i }, &reply, arena,
                                             &(proa_call_options){ .timeout_ns = LIMIT });
        if (status.code != PROA_OK || reply.number != i)
            return (void *)"failed";
        proa_arena_free(arena);
    }
    return NULL;
}

static void replies_that_others_read_are_heard_of(void **state)
{
    (void)state;
    running r;
    proa_server *server = proa_server_new(NULL);
    test_Shapes_serve(server, &shapes_on_loop, NULL);
    running_start(&r, server);
    proa_channel *channel = proa_channel_open(r.target, NULL);
    pthread_t threads[6];
    int64_t begun = now_ns();
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, channel), 0);
    for (int i = 0; i < 6; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_true(now_ns() - begun < LIMIT);
    proa_channel_close(channel);
    running_stop(&r);
}

static void status_drops_what_nobody_read(void **state)
{
    (void)state;
    running r;
    proa_server *server = proa_server_new(NULL);
    proa_server_serve_bytes(server, "/a.B/Many", many, NULL);
    running_start(&r, server);
    proa_channel *channel = proa_channel_open(r.target, NULL);
    proa_call *call = proa_call_begin(channel, "/a.B/Many", &(proa_call_options){ .timeout_ns = LIMIT });
    proa_slice message;
    assert_true(proa_call_receive(call, &message));
    proa_slice_free(&message);
    assert_int_equal(proa_call_status(call).code, PROA_OK);
    assert_true(proa_call_is_at_end(call));
    assert_false(proa_call_pop(call, &message));
    proa_call_end(call);
    proa_channel_close(channel);
    running_stop(&r);
}

/* One thread sends while another receives. */
typedef struct both_ways {
    proa_call *call;
    int received;
} both_ways;

static void *receive_all(void *user)
{
    both_ways *b = user;
    for (const test_Item *item; (item = test_Shapes_Both_receive_reply(b->call)); b->received++)
        if (item->number != b->received)
            return (void *)"out of order";
    return NULL;
}

static void one_thread_sends_while_another_receives(void **state)
{
    (void)state;
    running r;
    proa_server *server = proa_server_new(NULL);
    test_Shapes_serve(server, &shapes_on_loop, NULL);
    running_start(&r, server);
    proa_channel *channel = proa_channel_open(r.target, NULL);
    both_ways b = { .call = test_Shapes_Both_begin(channel, &(proa_call_options){ .timeout_ns = LIMIT }) };
    pthread_t thread;
    static char body[1000];
    assert_int_equal(pthread_create(&thread, NULL, receive_all, &b), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(test_Shapes_Both_send_request(b.call, &(test_Item){ .number = i, .data = { body, sizeof body } }));
    proa_call_end_requests(b.call);
    void *failed;
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(b.received, 1000);
    assert_int_equal(proa_call_status(b.call).code, PROA_OK);
    proa_call_end(b.call);
    proa_channel_close(channel);
    running_stop(&r);
}

/* ---- Handlers of several loops with children through one channel */

static proa_code ask_far_on_loop(proa_call *call, const test_Item *request, test_Item *reply)
{
    proa_call **child = proa_call_state(call, sizeof *child);
    if (!*child)
        *child = test_Shapes_One_begin(proa_call_user(call), request, &(proa_call_options){ .parent = call });
    if (!proa_call_is_at_end(*child))
        return PROA_WAIT;
    const test_Item *got = test_Shapes_One_reply(*child);
    if (!got)
        return proa_call_set_status(call, proa_call_status(*child));
    *reply = *got;
    return PROA_OK;
}

static proa_code ask_far_on_worker(proa_call *call, const test_Item *request, test_Item *reply)
{
    return proa_call_set_status(call, test_Shapes_One(proa_call_user(call), request, reply, proa_call_arena(call),
                                                      &(proa_call_options){ .parent = call }));
}

static void *ask_near(void *user)
{
    proa_channel *channel = user;
    const char *failed = NULL;
    for (int i = 0; i < 30 && !failed; i++) {
        proa_arena *arena = proa_arena_new(0);
        test_Item reply;
        proa_status status = test_Shapes_One(channel, &(test_Item){ .number = i }, &reply, arena,
                                             &(proa_call_options){ .timeout_ns = LIMIT });
        if (status.code != PROA_OK || reply.number != i)
            failed = proa_code_name(status.code);
        proa_arena_free(arena);
    }
    return (void *)(uintptr_t)failed;
}

enum { ASKERS = 4 };

/* Channels are opened and closed by this thread: libuv closes descriptors behind ThreadSanitizer's back, which then sees
 * races when other threads are given the same numbers. */
static void relay(const test_Shapes *handlers, bool on_workers, bool closes_early)
{
    running far, near;
    proa_server *server = proa_server_new(&(proa_server_options){ .loops = 2 });
    test_Shapes_serve(server, &shapes_on_loop, NULL);
    running_start(&far, server);
    proa_channel *channel = proa_channel_open(far.target, NULL), *clients[ASKERS];
    server = proa_server_new(&(proa_server_options){ .loops = 3, .workers = 3 });
    test_Shapes_serve(server, handlers, &(proa_serve_options){ .on_workers = on_workers, .user = channel });
    running_start(&near, server);
    pthread_t threads[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        clients[i] = proa_channel_open(near.target, NULL);
        assert_int_equal(pthread_create(&threads[i], NULL, ask_near, clients[i]), 0);
    }
    if (closes_early) {
        usleep(10000);
        proa_server_drain(near.server); /* what was not accepted is UNAVAILABLE */
    }
    for (int i = 0; i < ASKERS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        if (failed && (!closes_early || strcmp(failed, "UNAVAILABLE") != 0))
            fail_msg("%s", (const char *)failed);
    }
    if (closes_early)
        proa_channel_close(channel); /* before the server whose loops have its parts */
    for (int i = 0; i < ASKERS; i++)
        proa_channel_close(clients[i]);
    running_stop(&near);
    if (!closes_early)
        proa_channel_close(channel);
    running_stop(&far);
}

static void children_of_several_loops_share_a_channel(void **state)
{
    (void)state;
    static const test_Shapes on_loop = { .One = ask_far_on_loop }, on_workers = { .One = ask_far_on_worker };
    for (int closes_early = 0; closes_early < 2; closes_early++) {
        relay(&on_loop, false, closes_early);
        relay(&on_workers, true, closes_early);
    }
}

/* The last to let go of the channel is a loop that is not its own. */
static void channel_goes_with_the_last_part_of_another_loop(void **state)
{
    (void)state;
    running far;
    proa_server *server = proa_server_new(NULL);
    test_Shapes_serve(server, &shapes_on_loop, NULL);
    running_start(&far, server);
    proa_channel *channel = proa_channel_open(far.target, NULL);
    static const test_Shapes on_loop = { .One = ask_far_on_loop };
    running near;
    server = proa_server_new(NULL);
    test_Shapes_serve(server, &on_loop, &(proa_serve_options){ .user = channel });
    running_start(&near, server);
    proa_channel *client = proa_channel_open(near.target, NULL);
    assert_int_equal(call_once(client, "/test.Shapes/One", LIMIT).code, PROA_OK);
    proa_channel_close(channel); /* its part closes in the other thread */
    proa_channel_close(client);
    running_stop(&near);
    running_stop(&far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending_calls_are_cancelled_by_another_thread),
        cmocka_unit_test(channel_closes_under_those_who_wait),
        cmocka_unit_test(replies_that_others_read_are_heard_of),
        cmocka_unit_test(status_drops_what_nobody_read),
        cmocka_unit_test(one_thread_sends_while_another_receives),
        cmocka_unit_test(children_of_several_loops_share_a_channel),
        cmocka_unit_test(channel_goes_with_the_last_part_of_another_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
