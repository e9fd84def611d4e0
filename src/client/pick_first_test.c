/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several addresses takes the calls, when each is tried, and what is said when none can be reached (gRFC A61). */
#include "client/client_testlib.h"
#include <stdio.h>

#define REFUSES "127.0.0.1:1"

/* A channel to these addresses, in that order. */
static proa_channel *open_to(proa_loop *home, proa_channel_options options, unsigned count, ...)
{
    char target[400] = "ipv4:";
    va_list addresses;
    va_start(addresses, count);
    for (unsigned i = 0; i < count; i++) {
        strcat(target, i ? "," : "");
        strcat(target, va_arg(addresses, const char *));
    }
    va_end(addresses);
    options.loop = home;
    options.seed = 1;
    return proa_channel_open(target, &options);
}

static void close_all(proa_loop *home, proa_channel *channel, raw_server *a, raw_server *b)
{
    proa_channel_close(channel);
    rest(home, MS);
    raw_shut(a);
    if (b)
        raw_shut(b);
    rest(home, MS);
    proa_loop_free(home);
}

static io_addresses addresses_of(const raw_server *s)
{
    io_target target;
    assert_int_equal(io_target_parse(s->address, -1, &target, NULL), PROA_ERR_NONE);
    return target.addresses;
}

static void next_is_tried_beside_one_that_does_not_answer(void **state)
{
    (void)state;
    static const int64_t delays[][2] = {
        { 0, 250 }, { 10, 100 }, { 700, 700 }, { 9000, 2000 }
    }; /* asked for, used; ms */
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        proa_loop *home = virtual_home();
        raw_server mute, good;
        raw_open(&mute, home);
        raw_open(&good, home);
        mute.is_mute = good.answers = true;
        proa_channel *channel = open_to(home, (proa_channel_options){ .attempt_delay_ns = delays[i][0] * MS }, 2,
                                        mute.address, good.address);
        assert_int_equal(code_of(begin_call(channel, NULL)), PROA_OK);
        assert_int_equal(mute.count, 1);
        int64_t between = good.lines[0].begun_at - mute.lines[0].begun_at;
        assert_in_range(between, delays[i][1] * MS, delays[i][1] * MS + 12 * MS);
        TURN_UNTIL(home, mute.lines[0].saw_end); /* the loser is closed */
        assert_true(raw_line_is_open(&good.lines[0]));
        close_all(home, channel, &mute, &good);
    }
}

static void first_that_answers_wins_however_late_it_was_tried(void **state)
{
    (void)state;
    proa_loop *home = virtual_home();
    raw_server slow, mute;
    raw_open(&slow, home);
    raw_open(&mute, home);
    slow.is_mute = mute.is_mute = slow.answers = true;
    proa_channel *channel = open_to(home, (proa_channel_options){ 0 }, 2, slow.address, mute.address);
    proa_call *call = begin_call(channel, NULL);
    TURN_UNTIL(home, mute.count == 1);
    rest(home, 5 * PROA_SECOND); /* nobody is given up for that */
    assert_true(raw_line_is_open(&slow.lines[0]) && raw_line_is_open(&mute.lines[0]));
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_CONNECTING);
    raw_settings(&slow.lines[0], 0);
    assert_int_equal(code_of(call), PROA_OK);
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_READY);
    TURN_UNTIL(home, mute.lines[0].saw_end);
    assert_int_equal(slow.count + mute.count, 2);
    close_all(home, channel, &slow, &mute);
}

static void next_is_tried_at_once_when_one_fails(void **state)
{
    (void)state;
    proa_loop *home = virtual_home();
    raw_server good;
    raw_open(&good, home);
    good.answers = true;
    proa_channel *channel = open_to(home, (proa_channel_options){ 0 }, 3, REFUSES, "127.0.0.2:1", good.address);
    int64_t begun = home_now(home);
    assert_int_equal(code_of(begin_call(channel, NULL)), PROA_OK);
    assert_true(good.lines[0].begun_at - begun < 200 * MS);
    close_all(home, channel, &good, NULL);
}

static void when_none_can_be_reached_calls_hear_why_until_one_can(void **state)
{
    (void)state;
    proa_loop *home = virtual_home();
    raw_server later;
    raw_open(&later, home);
    char address[64];
    memcpy(address, later.address, sizeof address);
    raw_shut(&later);
    rest(home, MS);
    proa_channel *channel = open_to(home, (proa_channel_options){ 0 }, 2, REFUSES, address);
    proa_call *patient = begin_call(channel, &(proa_call_options){ .wait_for_ready = true });
    proa_call *hasty = begin_call(channel, NULL);
    char text[160];
    snprintf(text, sizeof text, "none of 2 addresses can be reached; the last was %s: connection refused", address);
    assert_true(says(hasty, text));
    assert_int_equal(code_of(hasty), PROA_UNAVAILABLE);
    for (int i = 0; i < 3; i++) { /* it tries again meanwhile, and calls itself CONNECTING no more */
        assert_int_equal(proa_channel_get_state(channel, true), PROA_CHANNEL_TRANSIENT_FAILURE);
        proa_call *another = begin_call(channel, NULL);
        assert_true(call_is_over(another));
        assert_int_equal(code_of(another), PROA_UNAVAILABLE);
        rest(home, 700 * MS);
    }
    assert_false(proa_call_is_at_end(patient));
    raw_open_at(&later, home, address);
    later.answers = true;
    int64_t since = home_now(home);
    assert_int_equal(code_of(patient), PROA_OK);
    assert_true(home_now(home) - since < 2 * PROA_SECOND);
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_READY);
    close_all(home, channel, &later, NULL);
}

static void one_address_is_named_without_a_count(void **state)
{
    (void)state;
    proa_loop *home = virtual_home();
    proa_channel *channel = open_to(home, (proa_channel_options){ 0 }, 1, REFUSES);
    proa_call *call = begin_call(channel, NULL);
    assert_true(says(call, REFUSES ": connection refused"));
    assert_false(says(call, "none of"));
    assert_int_equal(code_of(call), PROA_UNAVAILABLE);
    proa_channel_close(channel);
    proa_loop_free(home);
}

/* What the resolver says later: a connection whose address stays is kept, one whose address is gone ends with its calls. */
static void new_addresses_move_new_calls_only_when_they_must(void **state)
{
    (void)state;
    proa_loop *home = virtual_home();
    raw_server a, b;
    raw_open(&a, home);
    raw_open(&b, home);
    proa_channel *channel = open_to(home, (proa_channel_options){ 0 }, 1, a.address);
    proa_call *old = begin_call(channel, NULL);
    TURN_UNTIL(home, a.count && a.lines[0].half_closes == 1);
    io_addresses both = addresses_of(&b), only_b = both;
    both.items[both.count++] = addresses_of(&a).items[0];
    pick_first_update(&channel->own->policy, &both);
    rest(home, 10 * MS);
    assert_int_equal(b.count, 0);
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_READY);
    pick_first_update(&channel->own->policy, &only_b);
    proa_call *fresh = begin_call(channel, NULL);
    TURN_UNTIL(home, b.count && b.lines[0].half_closes == 1);
    raw_ok(&b.lines[0], 1);
    assert_int_equal(code_of(fresh), PROA_OK);
    assert_false(proa_call_is_at_end(old));
    raw_ok(&a.lines[0], 1);
    assert_int_equal(code_of(old), PROA_OK);
    TURN_UNTIL(home, a.lines[0].saw_end);
    assert_int_equal(a.lines[0].goaways, 1);
    close_all(home, channel, &a, &b);
}

/* In the middle of a pass, too: attempts that run for addresses that stay go on. */
static void new_addresses_while_connecting_keep_what_runs(void **state)
{
    (void)state;
    proa_loop *home = virtual_home();
    raw_server a, b;
    raw_open(&a, home);
    raw_open(&b, home);
    a.is_mute = b.is_mute = a.answers = true;
    proa_channel *channel = open_to(home, (proa_channel_options){ 0 }, 2, a.address, b.address);
    proa_call *call = begin_call(channel, NULL);
    TURN_UNTIL(home, a.count == 1 && b.count == 1);
    io_addresses only_a = addresses_of(&a);
    pick_first_update(&channel->own->policy, &only_a);
    TURN_UNTIL(home, b.lines[0].saw_end);
    assert_true(raw_line_is_open(&a.lines[0]));
    raw_settings(&a.lines[0], 0);
    assert_int_equal(code_of(call), PROA_OK);
    assert_int_equal(a.count, 1);
    close_all(home, channel, &a, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_is_tried_beside_one_that_does_not_answer),
        cmocka_unit_test(first_that_answers_wins_however_late_it_was_tried),
        cmocka_unit_test(next_is_tried_at_once_when_one_fails),
        cmocka_unit_test(when_none_can_be_reached_calls_hear_why_until_one_can),
        cmocka_unit_test(one_address_is_named_without_a_count),
        cmocka_unit_test(new_addresses_move_new_calls_only_when_they_must),
        cmocka_unit_test(new_addresses_while_connecting_keep_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
