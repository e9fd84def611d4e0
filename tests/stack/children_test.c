/* SPDX-License-Identifier: Apache-2.0 */
/* Calls with a parent: deadline, cancellation, wake and end go on to them, from the loop and from workers. */
#include "shapes.h"
#include <stdatomic.h>
#include <stdio.h>

#define MS PROA_MILLISECOND

/* ---- The far server, in a thread of its own; and the near one, whose handlers make the children. */

static struct {
    atomic_uint begun, ended;
    atomic_int remaining_ms;
} far_calls;

static void far_end(proa_call *call, void *user)
{
    (void)call;
    (void)user;
    atomic_fetch_add(&far_calls.ended, 1);
}

static proa_code far_never(proa_call *call)
{
    int64_t left = proa_call_remaining_ns(call);
    proa_call_on_end(call, far_end, NULL);
    atomic_store(&far_calls.remaining_ms, left == INT64_MAX ? -1 : (int)(left / MS));
    if (!proa_call_state(call, 1) || !*(char *)proa_call_state(call, 1)) {
        *(char *)proa_call_state(call, 1) = 1;
        atomic_fetch_add(&far_calls.begun, 1);
    }
    return PROA_WAIT;
}

static proa_code far_three(proa_call *call)
{
    for (int i = 0; i < 3; i++) {
        proa_slice message = text_slice("abc");
        proa_call_push(call, &message);
    }
    return PROA_OK;
}

static proa_code far_echo(proa_call *call)
{
    proa_slice message;
    while (proa_call_can_push(call) && proa_call_pop(call, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static void far_begin(running *r)
{
    memset(&far_calls, 0, sizeof far_calls);
    proa_server *server = proa_server_new(NULL);
    proa_server_serve_bytes(server, "/far.Away/Never", far_never, NULL);
    proa_server_serve_bytes(server, "/far.Away/Three", far_three, NULL);
    proa_server_serve_bytes(server, "/far.Away/Echo", far_echo, NULL);
    test_Shapes_serve(server, &shapes_on_loop, NULL);
    running_start(r, server);
}

typedef struct world {
    running far_server;
    proa_channel *far; /* without a loop: its children live on their parents' */
    inside near;
} world;

static struct parent {
    unsigned steps, ends, done, ready;
    proa_code end_code, child_code;
    proa_call *child;
    const char *path;
    proa_call_options options;
    bool wants_callbacks;
} p; /* of the parent */

static proa_code bare_parent(proa_call *call);

static void open_world(world *w, proa_handler parent, bool on_workers)
{
    memset(&p, 0, sizeof p);
    far_begin(&w->far_server);
    w->far = proa_channel_open(w->far_server.target, NULL);
    inside_open(&w->near, (proa_server_options){ .workers = 1 });
    proa_server_serve_bytes(w->near.server, "/near.By/Parent", parent ? parent : bare_parent,
                            &(proa_serve_options){ .on_workers = on_workers, .user = w->far });
}

static void close_world(world *w)
{
    inside_close(&w->near);
    proa_channel_close(w->far);
    running_stop(&w->far_server);
}

static void parent_end(proa_call *call, void *user)
{
    (void)user;
    p.ends++;
    p.end_code = proa_call_status(call).code;
}

static void child_ready(proa_call *call, void *user)
{
    (void)call;
    (void)user;
    assert_int_equal(p.ends + p.done, 0);
    p.ready++;
}

static void child_done(proa_call *call, void *user)
{
    (void)user;
    assert_int_equal(p.ends, 0); /* a child's last callback comes before its parent's */
    p.done++;
    p.child_code = proa_call_status(call).code;
}

static proa_code bare_parent(proa_call *call)
{
    proa_call_on_end(call, parent_end, NULL);
    if (p.steps++ == 0) {
        proa_call_options options = p.options;
        options.parent = call;
        if (p.wants_callbacks) {
            options.on_ready = child_ready;
            options.on_done = child_done;
        }
        p.child = proa_call_begin(proa_call_user(call), p.path, &options);
        proa_call_end_requests(p.child);
    }
    if (!proa_call_is_at_end(p.child))
        return PROA_WAIT;
    return proa_call_set_status(call, proa_call_status(p.child));
}

static proa_call *call_parent(world *w, seen *s, int64_t timeout_ns)
{
    return s->call = proa_call_begin(w->near.channel, "/near.By/Parent",
                                     &(proa_call_options){ SEEN(s), .timeout_ns = timeout_ns });
}

static void child_wakes_its_parent(void **state)
{
    (void)state;
    world w;
    open_world(&w, NULL, false);
    p.path = "/far.Away/Echo";
    seen s = { 0 };
    call_parent(&w, &s, 0);
    TURN_UNTIL(w.near.loop, s.done);
    assert_int_equal(s.code, PROA_OK);
    assert_int_equal(p.ends, 1);
    close_world(&w);
}

/* The child fails inside begin, while its parent runs: the parent is called again all the same. */
static void child_that_fails_at_once_wakes_its_parent(void **state)
{
    (void)state;
    world w;
    open_world(&w, NULL, false);
    p.path = "no path";
    seen s = { 0 };
    call_parent(&w, &s, 0);
    TURN_UNTIL(w.near.loop, s.done);
    assert_int_equal(s.code, PROA_INTERNAL);
    p = (struct parent){ .path = "/far.Away/Never", .options = { .timeout_ns = -1 } };
    s = (seen){ 0 };
    call_parent(&w, &s, 0);
    TURN_UNTIL(w.near.loop, s.done);
    assert_int_equal(s.code, PROA_DEADLINE_EXCEEDED);
    close_world(&w);
}

static void child_has_the_deadline_that_ends_first(void **state)
{
    (void)state;
    static const struct {
        int64_t parent, child;
        int most, least;
    } cases[] = {
        { 0, 0, -1, -1 },
        { 60000 * MS, 0, 60700, 50000 },
        { 0, 60000 * MS, 60700, 50000 },
        { 60000 * MS, 90000 * MS, 60700, 50000 },
        { 90000 * MS, 60000 * MS, 60700, 50000 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world w;
        open_world(&w, NULL, false);
        p.path = "/far.Away/Never";
        p.options.timeout_ns = cases[i].child;
        seen s = { 0 };
        proa_call *call = call_parent(&w, &s, cases[i].parent);
        TURN_UNTIL(w.near.loop, atomic_load(&far_calls.begun));
        int left = atomic_load(&far_calls.remaining_ms);
        assert_true(left <= cases[i].most && left >= cases[i].least);
        proa_call_cancel(call);
        TURN_UNTIL(w.near.loop, s.done);
        close_world(&w);
    }
}

static void cancelled_parent_cancels_its_children(void **state)
{
    (void)state;
    for (int with_callbacks = 0; with_callbacks < 2; with_callbacks++) {
        world w;
        open_world(&w, NULL, false);
        p.path = "/far.Away/Never";
        p.wants_callbacks = with_callbacks;
        seen s = { 0 };
        proa_call *call = call_parent(&w, &s, 0);
        TURN_UNTIL(w.near.loop, atomic_load(&far_calls.begun));
        proa_call_cancel(call);
        TURN_UNTIL(w.near.loop, s.done && p.ends && atomic_load(&far_calls.ended));
        assert_int_equal(p.ends, 1);
        assert_int_equal(p.end_code, PROA_CANCELLED);
        assert_int_equal(p.done, with_callbacks);
        if (with_callbacks)
            assert_int_equal(p.child_code, PROA_CANCELLED);
        close_world(&w);
    }
}

static void deadline_of_the_parent_ends_its_children(void **state)
{
    (void)state;
    world w;
    open_world(&w, NULL, false);
    p.path = "/far.Away/Never";
    p.wants_callbacks = true;
    seen s = { 0 };
    call_parent(&w, &s, PROA_SECOND);
    TURN_UNTIL(w.near.loop, s.done && p.ends && atomic_load(&far_calls.ended));
    assert_int_equal(s.code, PROA_DEADLINE_EXCEEDED);
    assert_int_equal(p.done, 1);
    close_world(&w);
}

/* Its messages are never popped, which must not keep the parent. */
static void parent_ends_though_nobody_popped_what_its_child_received(void **state)
{
    (void)state;
    world w;
    open_world(&w, NULL, false);
    p.path = "/far.Away/Three";
    p.wants_callbacks = true;
    seen s = { 0 };
    proa_call *call = call_parent(&w, &s, 0);
    TURN_UNTIL(w.near.loop, p.ready >= 1 && p.steps > 1);
    inside_rest(w.near.loop);
    assert_int_equal(p.done, 0);
    proa_call_cancel(call);
    TURN_UNTIL(w.near.loop, s.done && p.ends);
    assert_int_equal(p.done, 1);
    assert_int_equal(p.child_code, PROA_OK);
    close_world(&w);
}

static proa_code answer_before_the_child(proa_call *call)
{
    if (p.steps++ == 0) {
        proa_call_on_end(call, parent_end, NULL);
        proa_call_options options = { .parent = call, .on_done = child_done };
        p.child = proa_call_begin(proa_call_user(call), "/far.Away/Never", &options);
        return proa_call_wait_ns(call, 50 * MS);
    }
    return PROA_OK;
}

static void parent_that_answers_ends_its_children(void **state)
{
    (void)state;
    world w;
    open_world(&w, answer_before_the_child, false);
    seen s = { 0 };
    call_parent(&w, &s, 0);
    TURN_UNTIL(w.near.loop, s.done && p.ends);
    assert_int_equal(s.code, PROA_OK);
    assert_int_equal(p.done, 1);
    assert_int_equal(p.child_code, PROA_CANCELLED);
    close_world(&w);
}

static void channel_of_the_children_closes_first(void **state)
{
    (void)state;
    world w;
    open_world(&w, NULL, false);
    p.path = "/far.Away/Never";
    seen s = { 0 };
    call_parent(&w, &s, 0);
    TURN_UNTIL(w.near.loop, atomic_load(&far_calls.begun));
    proa_channel_close(w.far);
    w.far = NULL;
    TURN_UNTIL(w.near.loop, s.done);
    assert_int_equal(s.code, PROA_CANCELLED);
    close_world(&w);
}

static void server_is_freed_with_children_under_way(void **state)
{
    (void)state;
    for (int channel_first = 0; channel_first < 2; channel_first++) {
        world w;
        open_world(&w, NULL, false);
        p.path = "/far.Away/Never";
        p.wants_callbacks = true;
        seen s = { 0 };
        call_parent(&w, &s, 0);
        TURN_UNTIL(w.near.loop, atomic_load(&far_calls.begun));
        if (channel_first)
            proa_channel_close(w.far);
        proa_server_free(w.near.server);
        w.near.server = NULL;
        assert_int_equal(p.ends, 1);
        assert_int_equal(p.done, 1);
        if (channel_first)
            w.far = NULL;
        close_world(&w);
    }
}

/* ---- Workers */

static atomic_uint worked;

static proa_code working_parent(proa_call *call)
{
    proa_arena *arena = proa_call_arena(call);
    test_Item reply;
    test_Item item = { .text = PROA_STR("hello") };
    proa_channel *far = proa_call_user(call);
    for (int i = 0; i < 5; i++) {
        proa_status status = test_Shapes_One(far, &item, &reply, arena, &(proa_call_options){ .parent = call });
        if (status.code != PROA_OK)
            return proa_call_set_status(call, status);
    }
    proa_call *both = test_Shapes_Both_begin(far, &(proa_call_options){ .parent = call });
    for (int i = 0; i < 50; i++)
        if (!test_Shapes_Both_send_request(both, &item) || !test_Shapes_Both_receive_reply(both))
            return PROA_DATA_LOSS;
    atomic_fetch_add(&worked, 1);
    return PROA_OK; /* and the stream with it */
}

static bool all_done(const seen *s, unsigned count)
{
    unsigned done = 0;
    for (unsigned i = 0; i < count; i++)
        done += s[i].done;
    return done == count;
}

static void worker_makes_children_of_all_kinds(void **state)
{
    (void)state;
    world w;
    open_world(&w, working_parent, true);
    atomic_store(&worked, 0);
    seen s[20] = { 0 };
    for (int i = 0; i < 20; i++)
        call_parent(&w, &s[i], 0);
    TURN_UNTIL(w.near.loop, all_done(s, 20));
    for (int i = 0; i < 20; i++)
        assert_int_equal(s[i].code, PROA_OK);
    assert_int_equal(atomic_load(&worked), 20);
    close_world(&w);
}

static proa_code working_parent_waits(proa_call *call)
{
    proa_call_on_end(call, parent_end, NULL);
    proa_call *child = proa_call_begin(proa_call_user(call), "/far.Away/Never", &(proa_call_options){ .parent = call });
    proa_slice message;
    bool has = proa_call_receive(child, &message);
    atomic_fetch_add(&worked, 1);
    return has ? PROA_DATA_LOSS : proa_call_set_status(call, proa_call_status(child));
}

static void cancelled_worker_is_freed_from_waiting_on_its_child(void **state)
{
    (void)state;
    for (int by_deadline = 0; by_deadline < 2; by_deadline++) {
        world w;
        open_world(&w, working_parent_waits, true);
        atomic_store(&worked, 0);
        seen s = { 0 };
        proa_call *call = call_parent(&w, &s, by_deadline ? PROA_SECOND : 0);
        TURN_UNTIL(w.near.loop, atomic_load(&far_calls.begun));
        if (!by_deadline)
            proa_call_cancel(call);
        TURN_UNTIL(w.near.loop, s.done && atomic_load(&worked) && p.ends);
        assert_true(p.end_code == PROA_CANCELLED || (by_deadline && p.end_code == PROA_DEADLINE_EXCEEDED));
        assert_int_equal(s.code, by_deadline ? PROA_DEADLINE_EXCEEDED : PROA_CANCELLED);
        close_world(&w);
    }
}

/* The answer goes out while the child's begin is still on its way to the loop. */
static proa_code leave_children_behind(proa_call *call)
{
    for (int i = 0; i < 3; i++)
        proa_call_begin(proa_call_user(call), "/far.Away/Never", &(proa_call_options){ .parent = call });
    return PROA_OK;
}

static void worker_may_leave_its_children_behind(void **state)
{
    (void)state;
    world w;
    open_world(&w, leave_children_behind, true);
    for (int i = 0; i < 100; i++) {
        seen s = { 0 };
        call_parent(&w, &s, 0);
        TURN_UNTIL(w.near.loop, s.done);
        assert_int_equal(s.code, PROA_OK);
    }
    close_world(&w);
}

static proa_code request_that_cannot_be_encoded(proa_call *call)
{
    test_Item reply, item = { .text = { "\xff", 1 } }; /* no UTF-8 */
    proa_status status = test_Shapes_One(proa_call_user(call), &item, &reply, proa_call_arena(call),
                                         &(proa_call_options){ .parent = call });
    return status.code == PROA_OK ? PROA_OK : PROA_INVALID_ARGUMENT;
}

static void child_whose_request_cannot_be_encoded_fails_well(void **state)
{
    (void)state;
    world w;
    open_world(&w, request_that_cannot_be_encoded, true);
    for (int i = 0; i < 50; i++) {
        seen s = { 0 };
        call_parent(&w, &s, 0);
        TURN_UNTIL(w.near.loop, s.done);
        assert_true(s.code == PROA_INVALID_ARGUMENT || s.code == PROA_OK);
    }
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_wakes_its_parent),
        cmocka_unit_test(child_that_fails_at_once_wakes_its_parent),
        cmocka_unit_test(child_has_the_deadline_that_ends_first),
        cmocka_unit_test(cancelled_parent_cancels_its_children),
        cmocka_unit_test(deadline_of_the_parent_ends_its_children),
        cmocka_unit_test(parent_ends_though_nobody_popped_what_its_child_received),
        cmocka_unit_test(parent_that_answers_ends_its_children),
        cmocka_unit_test(channel_of_the_children_closes_first),
        cmocka_unit_test(server_is_freed_with_children_under_way),
        cmocka_unit_test(worker_makes_children_of_all_kinds),
        cmocka_unit_test(cancelled_worker_is_freed_from_waiting_on_its_child),
        cmocka_unit_test(worker_may_leave_its_children_behind),
        cmocka_unit_test(child_whose_request_cannot_be_encoded_fails_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
