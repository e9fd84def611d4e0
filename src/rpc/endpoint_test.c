/* SPDX-License-Identifier: Apache-2.0 */
/* Two endpoints back to back: whole calls, many at once, what they cost, and what happens when memory runs out. */
#include "rpc/rpc_testlib.h"

#define NO_HEADERS ((proa_headers){ NULL, 0 })

static void unary_call(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        pair pair;
        pair_begin(&pair, (rpc_options){ .role = H2_CLIENT }, cut);
        static const proa_header custom[] = { { PROA_STR_INIT("a"), PROA_STR_INIT("1") },
                                              { PROA_STR_INIT("b-bin"), PROA_STR_INIT("\0\xff") } };
        rpc_exchange *call = pair_call(&pair, "/a.B/C", (proa_headers){ custom, 2 }, pair.client.now + PROA_SECOND);
        push_text(call, "ask");
        rpc_exchange_end_requests(call);
        pair_run(&pair);
        side_is(&pair.server, "CALL MESSAGE HALF_CLOSE");
        rpc_exchange *served = pair.server.seen[0];
        proa_arena *arena = proa_arena_new(0);
        proa_headers headers = rpc_exchange_request_headers(served, arena);
        assert_int_equal(headers.count, 3);
        assert_true(bytes_is(headers.data[0].name, "user-agent", 10));
        assert_true(bytes_is(headers.data[2].value, "\0\xff", 2));
        assert_int_equal(rpc_exchange_deadline(served), pair.client.now + PROA_SECOND);
        pop_is_text(served, "ask");
        assert_int_equal(rpc_exchange_send_headers(served, (proa_headers){ custom, 1 }), PROA_ERR_NONE);
        push_text(served, "answer");
        proa_status ok = { .code = PROA_OK };
        assert_int_equal(rpc_exchange_finish(served, &ok, (proa_headers){ custom + 1, 1 }), PROA_ERR_NONE);
        pair_run(&pair);
        side_is(&pair.server, "END");
        side_is(&pair.client, "HEADERS MESSAGE END");
        status_is(call, PROA_OK, NULL);
        pop_is_text(call, "answer");
        assert_int_equal(rpc_exchange_reply_headers(call, arena).count, 1);
        assert_int_equal(rpc_exchange_trailers(call, arena).count, 1);
        proa_arena_free(arena);
        rpc_exchange_release(call);
        rpc_exchange_release(served);
        pair_end(&pair);
    }
}

static void streams_both_ways(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        pair pair;
        pair_begin(&pair, (rpc_options){ .role = H2_CLIENT }, cut);
        rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, INT64_MAX);
        pair_run(&pair);
        rpc_exchange *served = pair.server.seen[0];
        char text[32];
        for (int i = 0; i < 40; i++) {
            snprintf(text, sizeof text, "ping %d", i);
            push_text(call, text);
            pair_run(&pair);
            pop_is_text(served, text);
            push_text(served, text);
            pair_run(&pair);
            pop_is_text(call, text);
        }
        rpc_exchange_end_requests(call);
        pair_run(&pair);
        finish_with(served, PROA_OK, NULL);
        pair_run(&pair);
        assert_true(rpc_exchange_has_ended(call) && rpc_exchange_has_ended(served));
        rpc_exchange_release(call);
        rpc_exchange_release(served);
        pair_end(&pair);
    }
}

static void large_messages_cross_windows_that_are_smaller(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 16379, 16384, 70000, 300000, 3 << 20 };
    pair pair;
    pair_begin(&pair, (rpc_options){ .role = H2_CLIENT }, 7);
    rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, INT64_MAX);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        push_size(call, sizes[i]);
    rpc_exchange_end_requests(call);
    pair_run(&pair);
    rpc_exchange *served = pair.server.seen[0];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        proa_slice slice;
        assert_true(rpc_exchange_pop(served, &slice));
        assert_int_equal(slice.bytes.size, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at += 997)
            assert_int_equal(slice.bytes.data[at], (char)(at * 31 + sizes[i]));
        rpc_exchange_push_slice(served, &slice);
        pair_run(&pair);
        assert_true(rpc_exchange_pop(call, &slice));
        assert_int_equal(slice.bytes.size, sizes[i]);
        proa_slice_free(&slice);
        pair_run(&pair);
    }
    assert_true(rpc_exchange_is_half_closed(served));
    finish_with(served, PROA_OK, NULL);
    pair_run(&pair);
    status_is(call, PROA_OK, NULL);
    rpc_exchange_release(call);
    rpc_exchange_release(served);
    pair_end(&pair);
}

static void cancellation_goes_to_the_peer(void **state)
{
    (void)state;
    for (int by_deadline = 0; by_deadline < 2; by_deadline++) {
        pair pair;
        pair_begin(&pair, (rpc_options){ .role = H2_CLIENT }, 0);
        rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, pair.client.now + PROA_SECOND);
        pair_run(&pair);
        rpc_exchange *served = pair.server.seen[0];
        if (by_deadline) {
            pair.client.now += PROA_SECOND;
            rpc_endpoint_tick(pair.client.endpoint, pair.client.now);
        } else {
            rpc_exchange_cancel(call, PROA_CANCELLED, "enough");
        }
        pair_run(&pair);
        status_is(call, by_deadline ? PROA_DEADLINE_EXCEEDED : PROA_CANCELLED, NULL);
        status_is(served, PROA_CANCELLED, NULL);
        assert_true(rpc_exchange_has_ended(served));
        rpc_exchange_release(call);
        rpc_exchange_release(served);
        pair_end(&pair);
    }
}

static void deadlines_fire_in_their_order_and_at_their_time(void **state)
{
    (void)state;
    pair pair;
    pair_begin(&pair, (rpc_options){ .role = H2_CLIENT }, 0);
    rpc_exchange *calls[20];
    int64_t start = pair.client.now;
    for (int i = 0; i < 20; i++)
        calls[i] = pair_call(&pair, "/a.B/C", NO_HEADERS, start + (1 + i * 7 % 20) * PROA_MILLISECOND);
    pair_run(&pair);
    for (int ms = 1; ms <= 20; ms++) {
        assert_int_equal(rpc_endpoint_deadline(pair.client.endpoint), start + ms * PROA_MILLISECOND);
        pair.client.now = start + ms * PROA_MILLISECOND;
        rpc_endpoint_tick(pair.client.endpoint, pair.client.now);
        pair_run(&pair);
        for (int i = 0; i < 20; i++)
            assert_int_equal(rpc_exchange_has_ended(calls[i]), 1 + i * 7 % 20 <= ms);
    }
    for (int i = 0; i < 20; i++) {
        status_is(calls[i], PROA_DEADLINE_EXCEEDED, NULL);
        rpc_exchange_release(calls[i]);
        rpc_exchange_release(pair.server.seen[i]);
    }
    pair_end(&pair);
}

static void reader_that_stops_holds_its_peer_and_memory_stays_flat(void **state)
{
    (void)state;
    pair pair;
    pair_begin(&pair, (rpc_options){ .role = H2_CLIENT }, 0);
    rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, INT64_MAX);
    size_t pushed = 0, popped = 0;
    while (push_size(call, 1000) || rpc_exchange_can_push(call)) {
        pushed++;
        pair_run(&pair);
    }
    pushed++;
    assert_true(pushed * 1005 < 400 * 1024); /* the server's window and our bound */
    size_t carried = pair.carried;
    pair_run(&pair);
    assert_int_equal(pair.carried, carried);
    rpc_exchange *served = pair.server.seen[0];
    proa_slice slice;
    pair.client.log.size = 0;
    for (; rpc_exchange_pop(served, &slice); popped++) {
        proa_slice_free(&slice);
        pair_run(&pair);
    }
    assert_int_equal(popped, pushed);
    side_is(&pair.client, "WRITABLE");
    pair_end(&pair);
    rpc_exchange_release(call);
    rpc_exchange_release(served);
}

static void freed_endpoint_leaves_its_exchanges_to_their_holders(void **state)
{
    (void)state;
    pair pair;
    pair_begin(&pair, (rpc_options){ .role = H2_CLIENT }, 0);
    rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, pair.client.now + PROA_SECOND);
    push_text(call, "a");
    push_text(call, "b");
    pair_run(&pair);
    rpc_exchange *served = pair.server.seen[0];
    pair_end(&pair);
    proa_slice slice;
    proa_status status = { .code = PROA_OK };
    rpc_exchange *both[] = { call, served };
    for (int i = 0; i < 2; i++) {
        assert_true(rpc_exchange_has_ended(both[i]));
        assert_false(push_text(both[i], "x"));
        assert_false(rpc_exchange_pop(both[i], &slice));
        assert_false(rpc_exchange_can_push(both[i]));
        assert_int_equal(rpc_exchange_queued(both[i]), 0);
        assert_int_equal(rpc_exchange_finish(both[i], &status, NO_HEADERS), PROA_ERR_NONE);
        rpc_exchange_cancel(both[i], PROA_CANCELLED, "x");
        rpc_exchange_end_requests(both[i]);
        status_is(both[i], PROA_CANCELLED, NULL);
        rpc_exchange_release(both[i]);
    }
}

static void lost_connection_ends_every_call_on_both_sides(void **state)
{
    (void)state;
    pair pair;
    pair_begin(&pair, (rpc_options){ .role = H2_CLIENT }, 0);
    rpc_exchange *calls[5];
    for (int i = 0; i < 5; i++)
        calls[i] = pair_call(&pair, "/a.B/C", NO_HEADERS, INT64_MAX);
    pair_run(&pair);
    pair.client.log.size = pair.server.log.size = 0;
    rpc_endpoint_lost(pair.client.endpoint, "gone");
    rpc_endpoint_lost(pair.server.endpoint, "gone");
    side_is(&pair.client, "END END END END END CLOSED");
    side_is(&pair.server, "END END END END END CLOSED");
    for (int i = 0; i < 5; i++) {
        status_is(calls[i], PROA_UNAVAILABLE, "gone");
        status_is(pair.server.seen[i], PROA_CANCELLED, NULL);
        rpc_exchange_release(calls[i]);
        rpc_exchange_release(pair.server.seen[i]);
    }
    assert_int_equal(rpc_endpoint_exchanges(pair.client.endpoint), 0);
    pair_end(&pair);
}

/* ---- Cost */

/* A server program that answers each unary call as soon as it is whole. */
static void echo(side *side, const rpc_event *event, void *user)
{
    hold_pool *pool = user;
    static const proa_status ok = { .code = PROA_OK };
    proa_slice slice;
    if (event->type == RPC_EVENT_HALF_CLOSE && rpc_exchange_pop(event->exchange, &slice)) {
        char body[RPC_ENVELOPE_SIZE + 128];
        memcpy(body + RPC_ENVELOPE_SIZE, slice.bytes.data, slice.bytes.size);
        rpc_exchange_push(event->exchange, body + RPC_ENVELOPE_SIZE, slice.bytes.size);
        hold_release_to(pool, slice.hold);
        assert_int_equal(rpc_exchange_finish(event->exchange, &ok, NO_HEADERS), PROA_ERR_NONE);
    }
    if (event->type == RPC_EVENT_END)
        rpc_exchange_release(event->exchange);
    side->count = 0;
    side->log.size = 0;
}

static void steady_unary_calls_allocate_nothing(void **state)
{
    (void)state;
    hold_pool *pool = hold_pool_new();
    pair pair;
    pair_begin(&pair, (rpc_options){ .role = H2_CLIENT, .pool = pool }, 0);
    pair.server.on_event = echo;
    pair.server.user = pool;
    buffer between = { 0 };
    for (int i = 0; i < 200; i++) {
        if (i == 100)
            memory_watch(0);
        rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, pair.client.now + 10 * PROA_SECOND);
        push_size(call, 100);
        rpc_exchange_end_requests(call);
        side *sides[2] = { &pair.client, &pair.server };
        h2_output out;
        for (int turn = 0; turn < 6; turn++) {
            side *from = sides[turn % 2], *to = sides[(turn + 1) % 2];
            while (rpc_endpoint_emit(from->endpoint, &out, from->now)) {
                for (size_t part = 0; part < out.count; part++)
                    assert_int_equal(buffer_append(&between, out.parts[part].data, out.parts[part].size),
                                     PROA_ERR_NONE);
                rpc_endpoint_sent(from->endpoint, out.size);
            }
            rpc_endpoint_feed(to->endpoint, buffer_bytes(&between), to->now);
            side_events(to);
            buffer_consume(&between, buffer_size(&between));
        }
        pair.client.log.size = 0;
        proa_slice slice;
        assert_true(rpc_exchange_pop(call, &slice));
        hold_release_to(pool, slice.hold);
        rpc_exchange_release(call);
    }
    assert_int_equal(memory_unwatch(), 0);
    buffer_fini(&between);
    pair_end(&pair);
    hold_pool_free(pool);
}

static void exchange_is_small(void **state)
{
    (void)state;
    assert_true(rpc_exchange_block_size() - h2_stream_size(0) <= 320);
}

static void collect(void *user, const char *line)
{
    text_add(user, "%s\n", line);
}

static void trace_tells_one_line_an_event(void **state)
{
    (void)state;
    static text lines;
    trace trace = { .line = collect, .user = &lines, .areas = TRACE_RPC };
    pair pair;
    pair_begin(&pair, (rpc_options){ .role = H2_CLIENT, .trace = &trace }, 0);
    rpc_exchange *call = pair_call(&pair, "/a.B/C", NO_HEADERS, INT64_MAX);
    push_text(call, "ask");
    rpc_exchange_end_requests(call);
    pair_run(&pair);
    pop_is_text(pair.server.seen[0], "ask");
    push_text(pair.server.seen[0], "x");
    finish_with(pair.server.seen[0], PROA_NOT_FOUND, "no");
    pair_run(&pair);
    assert_string_equal(lines.data, "rpc 1 call /a.B/C\n"
                                    "rpc 1 message out, 3 bytes\n"
                                    "rpc 1 call /a.B/C\n"
                                    "rpc 1 message in, 3 bytes\n"
                                    "rpc 1 headers out\n"
                                    "rpc 1 message out, 1 bytes\n"
                                    "rpc 1 end NOT_FOUND\n"
                                    "rpc 1 headers in\n"
                                    "rpc 1 end NOT_FOUND\n");
    rpc_exchange_release(call);
    rpc_exchange_release(pair.server.seen[0]);
    pair_end(&pair);
}

/* ---- Many calls in any order: each ends once, and as one of the two sides said. */

enum { CALLS = 40 };

typedef struct oracle {
    rpc_exchange *calls[CALLS], *served[CALLS];
    proa_code said[CALLS]; /* by either side; -1: nothing yet */
    unsigned asked[CALLS], answered[CALLS], ends[2][CALLS];
    bool is_cancelled[CALLS];
    size_t begun, arrived;
} oracle;

static size_t index_of(rpc_exchange *const *list, const rpc_exchange *exchange)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (list[i] == exchange)
            return i;
    }
    fail_msg("an event names an exchange that is none");
    return 0;
}

static void note(side *side, const rpc_event *event, void *user)
{
    oracle *oracle = user;
    bool is_server = side->count > 0 || event->type == RPC_EVENT_CALL;
    side->log.size = 0;
    if (event->type == RPC_EVENT_CALL)
        oracle->served[oracle->arrived++] = event->exchange;
    if (!event->exchange)
        return;
    for (size_t i = 0; !is_server && i < CALLS; i++)
        is_server |= oracle->served[i] == event->exchange;
    size_t i = index_of(is_server ? oracle->served : oracle->calls, event->exchange);
    assert_int_equal(oracle->ends[is_server][i], 0);
    oracle->ends[is_server][i] += event->type == RPC_EVENT_END;
}

static void act(pair *pair, oracle *oracle, uint64_t random)
{
    static const proa_code codes[] = { PROA_OK, PROA_ABORTED, PROA_INTERNAL };
    size_t i = oracle->begun ? (random >> 8) % oracle->begun : 0;
    rpc_exchange *call = oracle->calls[i], *served = oracle->served[i];
    proa_slice slice;
    switch (random % 10) {
    case 0:
    case 1:
        if (oracle->begun < CALLS && rpc_endpoint_can_begin(pair->client.endpoint)) {
            oracle->said[oracle->begun] = (proa_code)-1;
            oracle->calls[oracle->begun++] = pair_call(pair, "/a.B/C", NO_HEADERS, INT64_MAX);
        }
        break;
    case 2:
    case 3:
        if (call && rpc_exchange_can_push(call))
            push_size(call, (random >> 20) % 3000);
        break;
    case 4:
        if (call)
            rpc_exchange_end_requests(call);
        break;
    case 5:
        if (call && !oracle->is_cancelled[i] && !rpc_exchange_has_ended(call) && random >> 60 == 0) {
            oracle->is_cancelled[i] = true;
            rpc_exchange_cancel(call, PROA_CANCELLED, "enough");
        }
        break;
    case 6:
    case 7:
        if (served && rpc_exchange_can_push(served) && rpc_exchange_pop(served, &slice))
            rpc_exchange_push_slice(served, &slice);
        break;
    case 8:
        if (served && oracle->said[i] == (proa_code)-1 && rpc_exchange_is_half_closed(served) &&
            !rpc_exchange_has_message(served) && !rpc_exchange_has_ended(served)) {
            oracle->said[i] = codes[(random >> 30) % 3];
            finish_with(served, oracle->said[i], "said");
        }
        break;
    case 9:
        if (call && rpc_exchange_pop(call, &slice))
            proa_slice_free(&slice);
        break;
    }
}

static void many_calls_end_once_each_and_as_somebody_said(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        oracle oracle = { .begun = 0 };
        pair pair;
        pair_begin(&pair, (rpc_options){ .role = H2_CLIENT }, seed);
        pair.client.on_event = pair.server.on_event = note;
        pair.client.user = pair.server.user = &oracle;
        uint64_t random = seed;
        for (int step = 0; step < 3000; step++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            act(&pair, &oracle, random >> 3 ^ random << 40);
            if (random >> 61 == 0)
                pair_run(&pair);
        }
        pair_run(&pair);
        rpc_endpoint_stop(pair.server.endpoint);
        pair_run(&pair);
        assert_int_equal(oracle.begun, CALLS);
        for (size_t i = 0; i < CALLS; i++) {
            assert_true(rpc_exchange_has_ended(oracle.calls[i]));
            assert_int_equal(oracle.ends[0][i], 1);
            proa_arena *arena = proa_arena_new(0);
            proa_code code = rpc_exchange_status(oracle.calls[i], arena).code;
            proa_arena_free(arena);
            assert_true(code == oracle.said[i] || (oracle.is_cancelled[i] && code == PROA_CANCELLED) ||
                        code == PROA_UNAVAILABLE || code == PROA_CANCELLED);
            assert_true(code != PROA_OK || oracle.said[i] == PROA_OK);
            rpc_exchange_release(oracle.calls[i]);
        }
        for (size_t i = 0; i < oracle.arrived; i++) {
            assert_int_equal(oracle.ends[1][i], 1);
            rpc_exchange_release(oracle.served[i]);
        }
        pair_end(&pair);
    }
}

/* ---- Running out */

static void leave(side *side, const rpc_event *event, void *user)
{
    unsigned *ends = user;
    if (event->type == RPC_EVENT_MESSAGE) {
        proa_slice slice;
        while (rpc_exchange_pop(event->exchange, &slice))
            rpc_exchange_push_slice(event->exchange, &slice);
    }
    if (event->type == RPC_EVENT_HALF_CLOSE) {
        static const proa_header custom = { PROA_STR_INIT("x-bin"), PROA_STR_INIT("1") };
        proa_status status = { .code = PROA_OK, .message = PROA_STR("%") };
        if (rpc_exchange_finish(event->exchange, &status, (proa_headers){ &custom, 1 }))
            rpc_exchange_cancel(event->exchange, PROA_RESOURCE_EXHAUSTED, "no memory");
    }
    if (event->type == RPC_EVENT_END) {
        ++*ends;
        rpc_exchange_release(event->exchange);
    }
    side->count = 0;
}

/* true: nothing failed. */
static bool survives(size_t nth)
{
    memory_watch(nth);
    hold_pool *pool = hold_pool_new();
    rpc_options options = { .role = H2_CLIENT, .pool = pool, .authority = PROA_STR("h") };
    side sides[2] = { { .now = 1 }, { .now = 1 } };
    unsigned ends[2] = { 0, 0 };
    for (int i = 0; i < 2; i++) {
        options.role = i ? H2_SERVER : H2_CLIENT;
        sides[i].endpoint = rpc_endpoint_new(&options, 1);
        sides[i].on_event = leave;
        sides[i].user = &ends[i];
    }
    static const proa_header custom = { PROA_STR_INIT("y-bin"), PROA_STR_INIT("22") };
    unsigned begun = 0;
    if (sides[0].endpoint && sides[1].endpoint) {
        for (int i = 0; i < 3; i++) {
            rpc_request request = { .path = PROA_STR("/a/b"), .headers = { &custom, 1 }, .deadline_ns = PROA_SECOND };
            rpc_exchange *call = NULL;
            if (rpc_exchange_begin(sides[0].endpoint, &request, 1, &call))
                continue;
            begun++;
            char body[RPC_ENVELOPE_SIZE + 9000] = { 0 };
            rpc_exchange_push(call, body + RPC_ENVELOPE_SIZE, 9000);
            rpc_exchange_push(call, body + RPC_ENVELOPE_SIZE, 10);
            rpc_exchange_end_requests(call);
        }
        for (int turn = 0; turn < 12; turn++) {
            side *from = &sides[turn % 2], *to = &sides[(turn + 1) % 2];
            h2_output out;
            side_events(from);
            while (rpc_endpoint_emit(from->endpoint, &out, 1)) {
                for (size_t part = 0; part < out.count; part++) {
                    rpc_endpoint_feed(to->endpoint, out.parts[part], 1);
                    side_events(to);
                }
                rpc_endpoint_sent(from->endpoint, out.size);
            }
            side_events(from);
            if (rpc_endpoint_is_over(from->endpoint))
                rpc_endpoint_lost(to->endpoint, "closed");
        }
        rpc_endpoint_lost(sides[0].endpoint, "closed");
        rpc_endpoint_lost(sides[1].endpoint, "closed");
        side_events(&sides[0]);
        side_events(&sides[1]);
        assert_int_equal(ends[0], begun);
        assert_int_equal(rpc_endpoint_exchanges(sides[0].endpoint), 0);
        assert_int_equal(rpc_endpoint_exchanges(sides[1].endpoint), 0);
    }
    rpc_endpoint_free(sides[0].endpoint);
    rpc_endpoint_free(sides[1].endpoint);
    hold_pool_free(pool);
    return memory_unwatch() < nth;
}

static void running_out_of_memory_at_any_allocation_ends_every_call_once(void **state)
{
    (void)state;
    size_t nth = 1;
    while (!survives(nth))
        nth++;
    assert_true(nth > 30);
}

static void headers_larger_than_the_server_takes_are_not_sent(void **state)
{
    (void)state;
    raw raw;
    raw_begin(&raw, H2_CLIENT, (rpc_options){ .role = H2_CLIENT }, 0);
    raw_setting(&raw, 6, 1000);
    raw_run(&raw);
    char value[1000];
    memset(value, 'x', sizeof value);
    proa_header header = { PROA_STR("a"), { value, sizeof value } };
    rpc_exchange *call = NULL;
    rpc_request request = { .path = PROA_STR("/a.B/C"), .headers = { &header, 1 }, .deadline_ns = INT64_MAX };
    assert_int_equal(rpc_exchange_begin(raw.side.endpoint, &request, raw.side.now, &call), PROA_ERR_NONE);
    raw_is(&raw, "");
    side_is(&raw.side, "END");
    status_is(call, PROA_RESOURCE_EXHAUSTED, "the headers are larger than the peer takes");
    rpc_exchange_release(call);
    header.value.size = 500; /* the connection and its table go on */
    assert_int_equal(rpc_exchange_begin(raw.side.endpoint, &request, raw.side.now, &call), PROA_ERR_NONE);
    raw_run(&raw);
    side_is(&raw.side, "");
    rpc_exchange_cancel(call, PROA_CANCELLED, "enough");
    side_is(&raw.side, "END");
    rpc_exchange_release(call);
    raw_end(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_larger_than_the_server_takes_are_not_sent),
        cmocka_unit_test(unary_call),
        cmocka_unit_test(streams_both_ways),
        cmocka_unit_test(large_messages_cross_windows_that_are_smaller),
        cmocka_unit_test(cancellation_goes_to_the_peer),
        cmocka_unit_test(deadlines_fire_in_their_order_and_at_their_time),
        cmocka_unit_test(reader_that_stops_holds_its_peer_and_memory_stays_flat),
        cmocka_unit_test(freed_endpoint_leaves_its_exchanges_to_their_holders),
        cmocka_unit_test(lost_connection_ends_every_call_on_both_sides),
        cmocka_unit_test(steady_unary_calls_allocate_nothing),
        cmocka_unit_test(exchange_is_small),
        cmocka_unit_test(trace_tells_one_line_an_event),
        cmocka_unit_test(many_calls_end_once_each_and_as_somebody_said),
        cmocka_unit_test(running_out_of_memory_at_any_allocation_ends_every_call_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
