/* SPDX-License-Identifier: Apache-2.0 */
/* How a channel stands, as a program sees it: asked, waited for in threads, told on a loop. */
#include "client/client_testlib.h"
#include <stdio.h>

typedef struct log {
    char text[200];
    proa_channel *closes; /* this one, when it hears of something */
    proa_loop *home;
} log;

static void on_state(proa_channel *channel, proa_channel_state state, void *user)
{
    static const char *const names[] = { "idle", "connecting", "ready", "failure", "shutdown" };
    log *l = user;
    size_t size = strlen(l->text);
    assert_true(!l->home || home_is_turning(l->home));
    assert_int_equal(proa_channel_get_state(channel, false), state);
    snprintf(l->text + size, sizeof l->text - size, "%s ", names[state]);
    if (l->closes == channel)
        proa_channel_close(channel);
}

static void log_is(log *l, const char *expected)
{
    assert_string_equal(l->text, expected);
    l->text[0] = '\0';
}

static void loop_is_told_of_each_state(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    s.answers = true;
    log l = { .home = s.home };
    proa_channel *channel = proa_channel_open(
        s.address, &(proa_channel_options){ .loop = s.home, .on_state = on_state, .user = &l, .idle_ns = PROA_SECOND });
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_IDLE);
    rest(s.home, PROA_SECOND);
    log_is(&l, "");
    assert_int_equal(s.count, 0);
    assert_int_equal(proa_channel_get_state(channel, true), PROA_CHANNEL_CONNECTING);
    log_is(&l, ""); /* never inside a verb */
    TURN_UNTIL(s.home, proa_channel_get_state(channel, false) == PROA_CHANNEL_READY);
    rest(s.home, MS);
    log_is(&l, "connecting ready ");
    rest(s.home, 2 * PROA_SECOND);
    log_is(&l, "idle ");
    assert_int_equal(code_of(begin_call(channel, NULL)), PROA_OK);
    log_is(&l, "connecting ready ");
    raw_hang_up(&s.lines[1]);
    io_listener_close(s.listener);
    s.listener = NULL;
    rest(s.home, 10 * MS);
    log_is(&l, "idle ");
    assert_int_equal(code_of(begin_call(channel, NULL)), PROA_UNAVAILABLE);
    rest(s.home, 10 * MS);
    log_is(&l, "failure "); /* it was refused before it could be told that it tries */
    rest(s.home, 500 * MS);
    log_is(&l, ""); /* and so it stays, though it tries */
    proa_channel_close(channel);
    rest(s.home, MS);
    log_is(&l, "");
    raw_shut(&s);
    rest(s.home, MS);
    proa_loop_free(s.home);
}

static void channel_may_be_closed_when_it_tells(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    log l = { .home = s.home };
    proa_channel *channel =
        proa_channel_open(s.address, &(proa_channel_options){ .loop = s.home, .on_state = on_state, .user = &l });
    proa_call *call = begin_call(channel, NULL);
    l.closes = channel;
    assert_int_equal(code_of(call), PROA_CANCELLED);
    rest(s.home, PROA_SECOND);
    log_is(&l, "connecting ");
    raw_shut(&s);
    rest(s.home, MS);
    proa_loop_free(s.home);
}

static void loop_may_go_first(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    log l = { .home = s.home };
    proa_channel *channel =
        proa_channel_open(s.address, &(proa_channel_options){ .loop = s.home, .on_state = on_state, .user = &l });
    proa_channel_get_state(channel, true);
    raw_shut(&s);
    l.home = NULL;
    proa_loop_free(s.home);
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_SHUTDOWN);
    proa_channel_close(channel);
}

static void what_cannot_be_used_says_so_at_once(void **state)
{
    (void)state;
    proa_loop *home = virtual_home();
    proa_channel *channel = proa_channel_open("http://a:1", &(proa_channel_options){ .loop = home });
    assert_int_equal(proa_channel_get_state(channel, true), PROA_CHANNEL_TRANSIENT_FAILURE);
    proa_channel_reset_backoff(channel);
    proa_channel_close(channel);
    assert_int_equal(proa_channel_get_state(NULL, true), PROA_CHANNEL_SHUTDOWN);
    assert_true(proa_channel_wait_state(NULL, PROA_CHANNEL_SHUTDOWN, -1));
    assert_false(proa_channel_wait_state(NULL, PROA_CHANNEL_READY, -1));
    proa_loop_free(home);
}

/* Calls with a parent lie on its loop, and there the channel has connections of its own. */
static void state_is_that_of_the_channels_own_loop(void **state)
{
    (void)state;
    proa_loop *other = virtual_home();
    raw_server s;
    raw_open(&s, virtual_home());
    s.hangs_up = true;
    proa_channel *channel =
        proa_channel_open(s.address, &(proa_channel_options){ .loop = s.home, .initial_backoff_ns = 50 * PROA_SECOND });
    channel_part *part;
    assert_int_equal(part_of(channel, other, &part), PROA_ERR_NONE);
    part_connect(part);
    while (part->state != PROA_CHANNEL_TRANSIENT_FAILURE) {
        home_turn(other, MS);
        home_turn(s.home, MS);
    }
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_IDLE);
    assert_null(channel->own);
    s.hangs_up = false;
    proa_channel_reset_backoff(channel); /* of all */
    int64_t begun = home_now(other);
    while (part->state != PROA_CHANNEL_READY) {
        home_turn(other, MS);
        home_turn(s.home, MS);
    }
    assert_true(home_now(other) - begun < 10 * PROA_SECOND);
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_IDLE);
    proa_channel_close(channel);
    rest(other, MS);
    raw_shut(&s);
    rest(other, MS);
    rest(s.home, MS);
    proa_loop_free(other);
    proa_loop_free(s.home);
}

/* ---- Other threads */

static void *ask_to_connect(void *channel)
{
    proa_channel_get_state(channel, true);
    return NULL;
}

static void *ask_to_reset(void *channel)
{
    proa_channel_reset_backoff(channel);
    return NULL;
}

static void in_thread(void *(*run)(void *), void *user)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, user), 0);
    pthread_join(thread, NULL);
}

static void other_threads_may_ask_for_a_connection_and_end_waits(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    s.hangs_up = true;
    proa_channel *channel =
        proa_channel_open(s.address, &(proa_channel_options){ .loop = s.home, .initial_backoff_ns = 60 * PROA_SECOND });
    in_thread(ask_to_connect, channel);
    TURN_UNTIL(s.home, proa_channel_get_state(channel, false) == PROA_CHANNEL_TRANSIENT_FAILURE);
    assert_int_equal(s.count, 1);
    s.hangs_up = false;
    in_thread(ask_to_reset, channel);
    int64_t begun = home_now(s.home);
    TURN_UNTIL(s.home, proa_channel_get_state(channel, false) == PROA_CHANNEL_READY);
    assert_true(home_now(s.home) - begun < 100 * MS);
    in_thread(ask_to_connect, channel); /* on its way while the channel goes */
    in_thread(ask_to_reset, channel);
    proa_channel_close(channel);
    rest(s.home, MS);
    raw_shut(&s);
    rest(s.home, MS);
    proa_loop_free(s.home);
}

typedef struct waiter {
    proa_channel *channel;
    proa_channel_state state;
    int64_t timeout_ns;
    bool result;
    atomic_bool is_done;
} waiter;

static void *wait_for_state(void *user)
{
    waiter *w = user;
    w->result = proa_channel_wait_state(w->channel, w->state, w->timeout_ns);
    atomic_store(&w->is_done, true);
    return NULL;
}

static void thread_waits_until_it_is_ready_or_not(void **state)
{
    (void)state;
    proa_loop *home = home_new(&(proa_loop_options){ 0 }, false);
    raw_server s;
    raw_open(&s, home);
    waiter w = { .channel = proa_channel_open(s.address, NULL), .state = PROA_CHANNEL_READY, .timeout_ns = -1 };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_state, &w), 0);
    while (!atomic_load(&w.is_done))
        home_turn(home, MS);
    pthread_join(thread, NULL);
    assert_true(w.result);
    assert_int_equal(proa_channel_get_state(w.channel, false), PROA_CHANNEL_READY);
    raw_shut(&s);
    assert_true(proa_channel_wait_state(w.channel, PROA_CHANNEL_IDLE, 60 * PROA_SECOND));
    assert_false(proa_channel_wait_state(w.channel, PROA_CHANNEL_READY, 30 * MS));
    assert_int_equal(proa_channel_get_state(w.channel, false), PROA_CHANNEL_TRANSIENT_FAILURE);
    assert_false(proa_channel_wait_state(w.channel, PROA_CHANNEL_READY, 0));
    proa_channel_close(w.channel);
    rest(home, MS);
    proa_loop_free(home);
}

static void waiting_ends_when_the_channel_is_closed(void **state)
{
    (void)state;
    for (int is_wanted = 0; is_wanted < 2; is_wanted++) {
        waiter w = { .channel = proa_channel_open("127.0.0.1:1", NULL),
                     .state = is_wanted ? PROA_CHANNEL_SHUTDOWN : PROA_CHANNEL_READY,
                     .timeout_ns = -1 };
        pthread_t thread;
        channel_retain(w.channel); /* that it may be closed before the other one has come so far */
        assert_int_equal(pthread_create(&thread, NULL, wait_for_state, &w), 0);
        proa_channel_close(w.channel);
        pthread_join(thread, NULL);
        assert_int_equal(w.result, is_wanted);
        channel_release(w.channel, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop_is_told_of_each_state),
        cmocka_unit_test(channel_may_be_closed_when_it_tells),
        cmocka_unit_test(loop_may_go_first),
        cmocka_unit_test(state_is_that_of_the_channels_own_loop),
        cmocka_unit_test(what_cannot_be_used_says_so_at_once),
        cmocka_unit_test(other_threads_may_ask_for_a_connection_and_end_waits),
        cmocka_unit_test(thread_waits_until_it_is_ready_or_not),
        cmocka_unit_test(waiting_ends_when_the_channel_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
