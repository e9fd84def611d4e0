/* SPDX-License-Identifier: Apache-2.0 */
/* When an address is tried again: backoff, where it ends, what ends it, and connections that die as soon as they stand. */
#include "client/client_testlib.h"

static proa_channel *open_to(const raw_server *s, proa_channel_options options)
{
    options.loop = s->home;
    options.seed = options.seed ? options.seed : 1;
    return proa_channel_open(s->address, &options);
}

static void close_all(raw_server *s, proa_channel *channel)
{
    proa_loop *home = s->home;
    proa_channel_close(channel);
    rest(home, MS);
    raw_shut(s);
    rest(home, MS);
    proa_loop_free(home);
}

static int64_t gap(const raw_server *s, unsigned i)
{
    return s->lines[i].begun_at - s->lines[i - 1].begun_at;
}

/* doc/connection-backoff.md */
static void attempts_begin_1_s_then_1_6_times_as_far_apart_up_to_the_bound(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        raw_server s;
        raw_open(&s, virtual_home());
        s.hangs_up = true;
        proa_channel *channel = open_to(&s, (proa_channel_options){ .max_backoff_ns = 10 * PROA_SECOND, .seed = seed });
        proa_call *call = begin_call(channel, &(proa_call_options){ .wait_for_ready = true });
        TURN_UNTIL(s.home, s.count == 12);
        int64_t base = PROA_SECOND;
        for (unsigned i = 1; i < 12; i++, base = base * 8 / 5 < 10 * PROA_SECOND ? base * 8 / 5 : 10 * PROA_SECOND)
            assert_in_range(gap(&s, i), base / 1000 * 799, base / 10 * 12 + 15 * MS);
        assert_false(proa_call_is_at_end(call));
        proa_call_end(call);
        close_all(&s, channel);
    }
}

/* Ours: an attempt on this machine costs no network anything, and its servers come back within two seconds. */
static void to_this_machine_the_wait_stays_at_1_s(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    s.hangs_up = true;
    proa_channel *channel = open_to(&s, (proa_channel_options){ 0 });
    proa_call *call = begin_call(channel, &(proa_call_options){ .wait_for_ready = true });
    TURN_UNTIL(s.home, s.count == 40);
    for (unsigned i = 1; i < 40; i++)
        assert_in_range(gap(&s, i), 799 * MS, 1215 * MS);
    proa_call_end(call);
    close_all(&s, channel);
}

static void attempt_that_is_not_answered_ends_after_20_s_or_as_it_was_said(void **state)
{
    (void)state;
    static const int64_t limits[][2] = { { 0, 20 }, { 3, 3 } };
    for (size_t i = 0; i < 2; i++) {
        raw_server s;
        raw_open(&s, virtual_home());
        s.is_mute = true;
        proa_channel *channel = open_to(&s, (proa_channel_options){ .connect_ns = limits[i][0] * PROA_SECOND });
        proa_call *call = begin_call(channel, NULL);
        int64_t begun = home_now(s.home);
        assert_true(says(call, "no connection within the time for one attempt"));
        assert_in_range(home_now(s.home) - begun, limits[i][1] * PROA_SECOND, limits[i][1] * PROA_SECOND + 15 * MS);
        assert_int_equal(code_of(call), PROA_UNAVAILABLE);
        TURN_UNTIL(s.home, s.count == 2); /* the wait was over long ago, so it is tried again at once */
        assert_in_range(gap(&s, 1), limits[i][1] * PROA_SECOND, limits[i][1] * PROA_SECOND + 30 * MS);
        close_all(&s, channel);
    }
}

static void settings_of_the_server_end_the_backoff(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    s.hangs_up = s.answers = true;
    proa_channel *channel = open_to(&s, (proa_channel_options){ .max_backoff_ns = 120 * PROA_SECOND });
    proa_call *call = begin_call(channel, &(proa_call_options){ .wait_for_ready = true });
    TURN_UNTIL(s.home, s.count == 8);
    s.hangs_up = false;
    assert_int_equal(code_of(call), PROA_OK);
    assert_int_equal(s.count, 9);
    s.hangs_up = true;
    rest(s.home, 5 * PROA_SECOND);
    raw_hang_up(&s.lines[8]);
    rest(s.home, MS);
    call = begin_call(channel, &(proa_call_options){ .wait_for_ready = true });
    TURN_UNTIL(s.home, s.count == 12);
    assert_in_range(gap(&s, 10), 799 * MS, 1215 * MS);
    assert_in_range(gap(&s, 11), 1279 * MS, 1935 * MS);
    proa_call_end(call);
    close_all(&s, channel);
}

static void who_knows_better_ends_the_wait(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    s.hangs_up = true;
    proa_channel *channel = open_to(&s, (proa_channel_options){ .max_backoff_ns = 120 * PROA_SECOND });
    proa_channel_reset_backoff(channel); /* nothing waits yet */
    proa_call *call = begin_call(channel, &(proa_call_options){ .wait_for_ready = true });
    TURN_UNTIL(s.home, s.count == 10);
    rest(s.home, PROA_SECOND);
    assert_int_equal(s.count, 10);
    s.hangs_up = false;
    s.answers = true;
    proa_channel_reset_backoff(channel);
    int64_t now = home_now(s.home);
    assert_int_equal(code_of(call), PROA_OK);
    assert_true(home_now(s.home) - now < 100 * MS);
    proa_channel_reset_backoff(channel); /* READY: it changes nothing */
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_READY);
    proa_channel_reset_backoff(NULL);
    close_all(&s, channel);
}

static void hang_up_later(raw_server *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (raw_line_is_open(&s->lines[i]) && s->lines[i].has_preface)
            raw_hang_up(&s->lines[i]);
}

/* A server in a restart loop is not connected to as fast as the network can. */
static void connections_that_die_as_soon_as_they_stand_are_waited_for(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    proa_channel *channel = open_to(&s, (proa_channel_options){ 0 });
    int64_t begun = home_now(s.home);
    while (home_now(s.home) - begun < 10 * PROA_SECOND) {
        proa_channel_get_state(channel, true);
        home_turn(s.home, MS);
        if (proa_channel_get_state(channel, false) == PROA_CHANNEL_READY)
            hang_up_later(&s);
    }
    assert_in_range(s.count, 4 + 8, 4 + 13); /* some at once, then each second */
    /* One that lives and serves forgives all. */
    s.answers = true;
    assert_int_equal(code_of(begin_call(channel, &(proa_call_options){ .wait_for_ready = true })), PROA_OK);
    rest(s.home, 2 * PROA_SECOND);
    unsigned before = s.count;
    raw_hang_up(&s.lines[before - 1]);
    rest(s.home, MS);
    begun = home_now(s.home);
    assert_int_equal(code_of(begin_call(channel, NULL)), PROA_OK);
    assert_true(home_now(s.home) - begun < 100 * MS);
    close_all(&s, channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attempts_begin_1_s_then_1_6_times_as_far_apart_up_to_the_bound),
        cmocka_unit_test(to_this_machine_the_wait_stays_at_1_s),
        cmocka_unit_test(attempt_that_is_not_answered_ends_after_20_s_or_as_it_was_said),
        cmocka_unit_test(settings_of_the_server_end_the_backoff),
        cmocka_unit_test(who_knows_better_ends_the_wait),
        cmocka_unit_test(connections_that_die_as_soon_as_they_stand_are_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
