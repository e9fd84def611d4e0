/* SPDX-License-Identifier: Apache-2.0 */
/* gRFC A8, A9: when a connection is asked, given up, and sent home. First the clockwork alone, then two endpoints. */
#include "rpc/rpc_testlib.h"
#include "rpc/upkeep.h"

#define SECOND     PROA_SECOND
#define NO_HEADERS ((proa_headers){ NULL, 0 })
static const upkeep_view idle = { .final_at = INT64_MAX };
static const upkeep_view busy = { .calls = 1, .final_at = INT64_MAX };

static upkeep begin(rpc_options options)
{
    upkeep u;
    upkeep_init(&u, &options, 0);
    return u;
}

/* Nothing a moment before, `due` at the moment. */
static void due_at(upkeep *u, upkeep_view view, int64_t at, upkeep_due due)
{
    assert_int_equal(upkeep_deadline(u, view), at);
    assert_int_equal(upkeep_tick(u, view, at - 1), UPKEEP_NOTHING);
    assert_int_equal(upkeep_tick(u, view, at), due);
}

static void nothing_is_due_by_default(void **state)
{
    (void)state;
    for (h2_role role = H2_CLIENT; role <= H2_SERVER; role++) {
        upkeep u = begin((rpc_options){ .role = role });
        assert_int_equal(upkeep_deadline(&u, idle), INT64_MAX);
        assert_int_equal(upkeep_deadline(&u, busy), INT64_MAX);
        assert_int_equal(upkeep_tick(&u, busy, INT64_MAX - 1), UPKEEP_NOTHING);
    }
}

static void a_silent_peer_is_asked_and_then_given_up(void **state)
{
    (void)state;
    upkeep u = begin((rpc_options){ .role = H2_CLIENT, .keepalive_ns = 10 * SECOND });
    upkeep_read(&u, 3 * SECOND);
    due_at(&u, busy, 13 * SECOND, UPKEEP_PING);
    due_at(&u, busy, 33 * SECOND, UPKEEP_LOST);
}

static void any_byte_is_an_answer(void **state)
{
    (void)state;
    upkeep u =
        begin((rpc_options){ .role = H2_CLIENT, .keepalive_ns = 10 * SECOND, .keepalive_timeout_ns = 5 * SECOND });
    due_at(&u, busy, 10 * SECOND, UPKEEP_PING);
    upkeep_read(&u, 14 * SECOND);
    due_at(&u, busy, 24 * SECOND, UPKEEP_PING);
    due_at(&u, busy, 29 * SECOND, UPKEEP_LOST);
}

static void a_client_without_calls_asks_only_if_told_to(void **state)
{
    (void)state;
    upkeep u = begin((rpc_options){ .role = H2_CLIENT, .keepalive_ns = 10 * SECOND });
    assert_int_equal(upkeep_deadline(&u, idle), INT64_MAX);
    u = begin((rpc_options){ .role = H2_CLIENT, .keepalive_ns = 10 * SECOND, .keepalive_without_calls = true });
    due_at(&u, idle, 10 * SECOND, UPKEEP_PING);
    u = begin((rpc_options){ .role = H2_SERVER, .keepalive_ns = 10 * SECOND });
    due_at(&u, idle, 10 * SECOND, UPKEEP_PING);
}

static void a_call_after_a_silence_asks_first(void **state)
{
    (void)state;
    upkeep u = begin((rpc_options){ .role = H2_CLIENT, .keepalive_ns = 10 * SECOND });
    assert_false(upkeep_begin(&u, 0, 10 * SECOND - 1));
    assert_true(upkeep_begin(&u, 0, 10 * SECOND));
    assert_false(upkeep_begin(&u, 0, 11 * SECOND)); /* the first one still waits */
    due_at(&u, idle, 30 * SECOND, UPKEEP_LOST);
    u = begin((rpc_options){ .role = H2_CLIENT });
    assert_false(upkeep_begin(&u, 0, INT64_MAX - 1));
}

static void a_silence_of_our_own_says_nothing(void **state)
{
    (void)state;
    upkeep u = begin((rpc_options){ .role = H2_SERVER, .keepalive_ns = 10 * SECOND });
    upkeep_view deaf = { .calls = 1, .is_deaf = true, .final_at = INT64_MAX };
    due_at(&u, busy, 10 * SECOND, UPKEEP_PING);
    assert_int_equal(upkeep_tick(&u, deaf, 30 * SECOND), UPKEEP_NOTHING);
    due_at(&u, busy, 40 * SECOND, UPKEEP_PING);
}

static void idleness_counts_from_the_last_call(void **state)
{
    (void)state;
    upkeep u = begin((rpc_options){ .role = H2_SERVER, .idle_max_ns = 10 * SECOND });
    assert_int_equal(upkeep_deadline(&u, busy), INT64_MAX);
    upkeep_idle(&u, 7 * SECOND);
    due_at(&u, idle, 17 * SECOND, UPKEEP_DRAIN_IDLE);
    assert_int_equal(upkeep_tick(&u, idle, 60 * SECOND), UPKEEP_NOTHING); /* once */
    u = begin((rpc_options){ .role = H2_CLIENT, .idle_max_ns = 10 * SECOND });
    assert_int_equal(upkeep_deadline(&u, idle), INT64_MAX);
}

static void ages_differ_by_a_tenth_either_way(void **state)
{
    (void)state;
    int64_t least = INT64_MAX, most = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        upkeep u = begin((rpc_options){ .role = H2_SERVER, .age_max_ns = 1000 * SECOND, .seed = seed });
        int64_t at = upkeep_deadline(&u, idle);
        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    assert_in_range(least, 900 * SECOND, 905 * SECOND);
    assert_in_range(most, 1095 * SECOND, 1100 * SECOND);
}

static void the_grace_counts_from_the_last_goaway(void **state)
{
    (void)state;
    upkeep u =
        begin((rpc_options){ .role = H2_SERVER, .age_max_ns = 10 * SECOND, .age_grace_ns = 5 * SECOND, .seed = 7 });
    int64_t age = upkeep_deadline(&u, busy);
    due_at(&u, busy, age, UPKEEP_DRAIN_AGE);
    assert_int_equal(upkeep_deadline(&u, busy), INT64_MAX); /* the last GOAWAY has not left */
    upkeep_view drained = { .calls = 1, .final_at = 20 * SECOND };
    due_at(&u, drained, 25 * SECOND, UPKEEP_STOP);
    assert_int_equal(upkeep_tick(&u, drained, 60 * SECOND), UPKEEP_NOTHING);
}

/* ---- In endpoints */

static void tick_both(pair *pair, int64_t now)
{
    pair->client.now = pair->server.now = now;
    rpc_endpoint_tick(pair->client.endpoint, now);
    rpc_endpoint_tick(pair->server.endpoint, now);
}

static void the_connection_of_a_dead_peer_is_lost(void **state)
{
    (void)state;
    for (h2_role role = H2_CLIENT; role <= H2_SERVER; role++) {
        pair pair;
        pair_begin(&pair, (rpc_options){ .role = role, .keepalive_ns = 10 * SECOND }, 0);
        rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, INT64_MAX);
        pair_run(&pair);
        rpc_exchange *served = pair.server.seen[0];
        side_is(&pair.server, "CALL");
        side *alone = role == H2_CLIENT ? &pair.client : &pair.server;
        int64_t read = alone->now;
        assert_int_equal(rpc_endpoint_deadline(alone->endpoint) <= read + 10 * SECOND, true);
        alone->now = read + 10 * SECOND;
        rpc_endpoint_tick(alone->endpoint, alone->now);
        h2_output out;
        assert_true(rpc_endpoint_emit(alone->endpoint, &out, alone->now));
        assert_int_equal(out.size, 17); /* PING, and it goes nowhere */
        rpc_endpoint_sent(alone->endpoint, out.size);
        alone->now += 20 * SECOND;
        rpc_endpoint_tick(alone->endpoint, alone->now);
        side_events(alone);
        side_is(alone, "END CLOSED");
        assert_true(rpc_endpoint_is_over(alone->endpoint));
        assert_int_equal(rpc_endpoint_deadline(alone->endpoint), INT64_MAX);
        if (role == H2_CLIENT)
            status_is(call, PROA_UNAVAILABLE, "keepalive: no answer to a PING");
        else
            status_is(served, PROA_CANCELLED, NULL);
        side *other = role == H2_CLIENT ? &pair.server : &pair.client;
        rpc_endpoint_lost(other->endpoint, "gone");
        side_events(other);
        rpc_exchange_release(call);
        rpc_exchange_release(served);
        pair_end(&pair);
    }
}

static void a_living_peer_answers_for_ever(void **state)
{
    (void)state;
    pair pair;
    pair_begin(&pair, (rpc_options){ .keepalive_ns = 400 * SECOND }, 0);
    rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, INT64_MAX);
    pair_run(&pair);
    for (int i = 0; i < 50; i++) {
        tick_both(&pair, pair.client.now + 400 * SECOND);
        pair_run(&pair);
    }
    side_is(&pair.client, "");
    rpc_exchange_cancel(call, PROA_CANCELLED, "enough");
    pair_run(&pair);
    rpc_exchange_release(call);
    rpc_exchange_release(pair.server.seen[0]);
    pair_end(&pair);
}

static void who_asks_too_often_is_told_so(void **state)
{
    (void)state;
    pair pair;
    pair_begin(&pair, (rpc_options){ .keepalive_ns = 10 * SECOND }, 0);
    rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, INT64_MAX);
    pair_run(&pair);
    unsigned pings = 0;
    for (; pings < 10 && !rpc_endpoint_is_over(pair.server.endpoint); pings++) {
        tick_both(&pair, pair.client.now + 10 * SECOND);
        pair_run(&pair);
    }
    assert_int_equal(pings, 4); /* the first is free, two strikes are borne */
    side_is(&pair.client, "GOAWAY");
    assert_int_equal(pair.client.fault.code, H2_ENHANCE_YOUR_CALM);
    rpc_endpoint_lost(pair.client.endpoint, "the server closed");
    side_is(&pair.client, "END CLOSED");
    rpc_event goaway = { .type = RPC_EVENT_GOAWAY,
                         .fault = { H2_SCOPE_CONNECTION, H2_ENHANCE_YOUR_CALM, true, "" },
                         .debug = PROA_STR("too_many_pings") };
    assert_true(rpc_event_is_too_many_pings(&goaway));
    goaway.debug = PROA_STR("too_many_cooks");
    assert_false(rpc_event_is_too_many_pings(&goaway));
    rpc_exchange_release(call);
    rpc_exchange_release(pair.server.seen[0]);
    pair_end(&pair);
}

static void an_idle_connection_goes_and_says_why(void **state)
{
    (void)state;
    raw raw;
    raw_begin(&raw, H2_SERVER, (rpc_options){ .idle_max_ns = 10 * SECOND }, 0);
    rpc_exchange *exchange = raw_take(&raw, 1, true);
    finish_with(exchange, PROA_OK, NULL);
    raw_is(&raw, "1 HEADERS END :status=200 content-type=application/grpc grpc-status=0");
    side_is(&raw.side, "END");
    rpc_exchange_release(exchange);
    raw.is_verbose = true;
    raw.side.now += 10 * SECOND;
    rpc_endpoint_tick(raw.side.endpoint, raw.side.now);
    raw_is(&raw, "GOAWAY 2147483647 NO_ERROR max_idle\nPING");
    raw.side.now += SECOND; /* no answer: the last GOAWAY goes all the same */
    rpc_endpoint_tick(raw.side.endpoint, raw.side.now);
    raw_is(&raw, "GOAWAY 1 NO_ERROR max_idle");
    side_is(&raw.side, "CLOSED");
    raw_end(&raw);
}

static void an_old_connection_ends_its_last_calls_when_the_grace_is_over(void **state)
{
    (void)state;
    pair pair;
    pair_begin(&pair, (rpc_options){ .age_max_ns = 100 * SECOND, .age_grace_ns = 5 * SECOND }, 0);
    rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, INT64_MAX);
    pair_run(&pair);
    rpc_exchange *served = pair.server.seen[0];
    tick_both(&pair, pair.server.now + 110 * SECOND);
    pair_run(&pair); /* both GOAWAY */
    side_is(&pair.client, "GOAWAY GOAWAY");
    assert_int_equal(pair.client.fault.code, H2_NO_ERROR);
    assert_int_equal(rpc_endpoint_deadline(pair.server.endpoint) <= pair.server.now + 5 * SECOND, true);
    tick_both(&pair, pair.server.now + 5 * SECOND - 1);
    pair_run(&pair);
    assert_false(rpc_exchange_has_ended(call));
    tick_both(&pair, pair.server.now + 1);
    pair_run(&pair);
    status_is(call, PROA_UNAVAILABLE, NULL);
    assert_true(rpc_exchange_has_ended(served));
    rpc_exchange_release(call);
    rpc_exchange_release(served);
    pair_end(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_due_by_default),
        cmocka_unit_test(a_silent_peer_is_asked_and_then_given_up),
        cmocka_unit_test(any_byte_is_an_answer),
        cmocka_unit_test(a_client_without_calls_asks_only_if_told_to),
        cmocka_unit_test(a_call_after_a_silence_asks_first),
        cmocka_unit_test(a_silence_of_our_own_says_nothing),
        cmocka_unit_test(idleness_counts_from_the_last_call),
        cmocka_unit_test(ages_differ_by_a_tenth_either_way),
        cmocka_unit_test(the_grace_counts_from_the_last_goaway),
        cmocka_unit_test(the_connection_of_a_dead_peer_is_lost),
        cmocka_unit_test(a_living_peer_answers_for_ever),
        cmocka_unit_test(who_asks_too_often_is_told_so),
        cmocka_unit_test(an_idle_connection_goes_and_says_why),
        cmocka_unit_test(an_old_connection_ends_its_last_calls_when_the_grace_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
