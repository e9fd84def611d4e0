/* SPDX-License-Identifier: Apache-2.0 */
/* A pump between a socket and an endpoint: what it moves, when it ends, and that it rests when there is nothing to do. The
 * other end is a pump as well, or a bare socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "link/link.h"

#define MS PROA_MILLISECOND

typedef struct end {
    link_pump *pump;
    rpc_endpoint *endpoint;
    rpc_exchange *exchange; /* the latest that began or ended */
    unsigned ready, calls, messages, ends, goaways, closes, flushes, gone;
    bool answers; /* a server: each call with a message */
    proa_slice message;
} end;

typedef struct bench {
    io_loop *loop;
    io_listener *listener;
    io_socket *accepted;
    end client, server;
} bench;

static void pop(end *e, rpc_exchange *exchange)
{
    proa_slice slice;
    while (rpc_exchange_pop(exchange, &slice)) {
        proa_slice_free(&e->message);
        e->message = slice;
    }
}

static void answer(rpc_exchange *exchange)
{
    static const proa_status ok = { PROA_OK, PROA_STR_INIT(""), { NULL, 0 } };
    char body[] = "     pong";
    rpc_exchange_push(exchange, body + RPC_ENVELOPE_SIZE, 4);
    assert_int_equal(rpc_exchange_finish(exchange, &ok, (proa_headers){ NULL, 0 }), PROA_ERR_NONE);
}

static void on_event(void *owner, const rpc_event *event)
{
    end *e = owner;
    switch (event->type) {
    case RPC_EVENT_READY: e->ready++; break;
    case RPC_EVENT_CALL:
        e->calls++;
        e->exchange = event->exchange;
        break;
    case RPC_EVENT_HALF_CLOSE:
        if (e->answers)
            answer(event->exchange);
        break;
    case RPC_EVENT_MESSAGE:
        e->messages++;
        pop(e, event->exchange);
        break;
    case RPC_EVENT_END:
        e->ends++;
        pop(e, event->exchange);
        rpc_exchange_release(event->exchange);
        break;
    case RPC_EVENT_GOAWAY: e->goaways++; break;
    case RPC_EVENT_CLOSED: e->closes++; break;
    default: break;
    }
}

static void on_flushed(void *owner)
{
    end *e = owner;
    e->flushes++;
    assert_int_equal(e->gone, 0);
}

static void on_closed(void *owner)
{
    end *e = owner;
    e->gone++;
    e->pump = NULL;
}

static const link_handler handler = { .on_event = on_event, .on_flushed = on_flushed, .on_closed = on_closed };

static void attach(bench *b, end *e, h2_role role, io_socket *socket, limits limits)
{
    e->endpoint = rpc_endpoint_new(
        &(rpc_options){ .role = role, .limits = limits, .pool = io_loop_pool(b->loop), .authority = PROA_STR("test") },
        io_loop_now(b->loop));
    e->pump = link_pump_new(b->loop, socket, e->endpoint, &handler, e);
    assert_non_null(e->pump);
    assert_ptr_equal(link_pump_endpoint(e->pump), e->endpoint);
    assert_ptr_equal(link_pump_socket(e->pump), socket);
}

static void on_accept(void *owner, io_socket *socket)
{
    ((bench *)owner)->accepted = socket;
}

static io_socket *connecting;
static bool is_connected;

static void on_connected(void *owner)
{
    (void)owner;
    is_connected = true;
}

static void on_bytes(void *owner, proa_bytes bytes)
{
    (void)owner;
    (void)bytes;
}

static void on_end(void *owner, const proa_error *error)
{
    (void)owner;
    (void)error;
}

static const io_socket_handler bare = { .on_connected = on_connected, .on_bytes = on_bytes, .on_end = on_end };

#define TURN_UNTIL(b, condition) \
    do { \
        int64_t give_up_ = io_clock_now() + 30 * PROA_SECOND; \
        while (!(condition)) { \
            if (io_clock_now() > give_up_) \
                fail_msg("never: %s", #condition); \
            io_loop_turn((b)->loop, 20 * MS); \
        } \
    } while (0)

/* Two sockets: one to be owned by a client's pump, or nobody's; the other accepted. */
static void bench_begin(bench *b, bool has_client, bool has_server, limits limits_of_server)
{
    io_target target;
    memset(b, 0, sizeof *b);
    b->loop = io_loop_new(NULL);
    assert_int_equal(io_target_parse("127.0.0.1:0", -1, &target, NULL), PROA_ERR_NONE);
    b->listener = io_listener_open(b->loop, &target.addresses.items[0], NULL, on_accept, b, NULL);
    is_connected = false;
    connecting = io_socket_connect(b->loop, io_listener_address(b->listener), &bare, b, NULL);
    TURN_UNTIL(b, b->accepted && is_connected);
    if (has_client)
        attach(b, &b->client, H2_CLIENT, connecting, (limits){ 0 });
    if (has_server)
        attach(b, &b->server, H2_SERVER, b->accepted, limits_of_server);
}

static void bench_end(bench *b)
{
    if (b->client.pump)
        link_pump_close(b->client.pump);
    if (b->server.pump)
        link_pump_close(b->server.pump);
    for (int i = 0; i < 3; i++)
        io_loop_turn(b->loop, 0);
    assert_null(b->client.pump);
    assert_null(b->server.pump);
    proa_slice_free(&b->client.message);
    proa_slice_free(&b->server.message);
    io_listener_close(b->listener);
    io_loop_free(b->loop);
}

static rpc_exchange *call(bench *b)
{
    rpc_exchange *exchange;
    rpc_request request = { .path = PROA_STR("/a.B/C"), .deadline_ns = INT64_MAX };
    assert_int_equal(rpc_exchange_begin(b->client.endpoint, &request, io_loop_now(b->loop), &exchange), PROA_ERR_NONE);
    char body[] = "     ping";
    rpc_exchange_push(exchange, body + RPC_ENVELOPE_SIZE, 4);
    rpc_exchange_end_requests(exchange);
    link_pump_touch(b->client.pump);
    return exchange;
}

static void a_call_goes_there_and_back(void **state)
{
    (void)state;
    bench b;
    bench_begin(&b, true, true, (limits){ 0 });
    b.server.answers = true;
    TURN_UNTIL(&b, b.client.ready && b.server.ready);
    call(&b);
    TURN_UNTIL(&b, b.client.ends && b.server.ends);
    assert_int_equal(b.client.messages, 1);
    assert_int_equal(b.server.messages, 1);
    assert_true(proa_bytes_is_equal(b.client.message.bytes, PROA_STR("pong")));
    assert_true(proa_bytes_is_equal(b.server.message.bytes, PROA_STR("ping")));
    assert_true(b.client.flushes > 0 && b.server.flushes > 0);
    bench_end(&b);
    assert_int_equal(b.client.gone, 1);
    assert_int_equal(b.server.gone, 1);
    assert_int_equal(b.client.closes, 1);
}

/* Nothing to do: no turn is due at once, and a turn flushes nothing. */
static void an_idle_pump_rests(void **state)
{
    (void)state;
    bench b;
    bench_begin(&b, true, true, (limits){ 0 });
    TURN_UNTIL(&b, b.client.ready && b.server.ready);
    for (int i = 0; i < 20; i++)
        io_loop_turn(b.loop, 5 * MS);
    unsigned flushes = b.client.flushes + b.server.flushes;
    assert_true(io_loop_wait_ns(b.loop) > 0);
    for (int i = 0; i < 20; i++)
        io_loop_turn(b.loop, 0);
    assert_int_equal(b.client.flushes + b.server.flushes, flushes);
    bench_end(&b);
}

/* Nobody reads from the accepted socket: enough of calls fills the buffers of both. */
static void fill(bench *b)
{
    io_loop_turn(b->loop, 0);
    io_socket_own(b->accepted, &bare, NULL);
    io_socket_pause(b->accepted, true);
    for (int i = 0; i < 600; i++) {
        char settings[9] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };
        proa_bytes part = { settings, sizeof settings };
        if (i == 0)
            io_socket_write(b->accepted, &part, 1);
        io_loop_turn(b->loop, 0);
        if (!b->client.ready || b->client.gone)
            continue;
        rpc_exchange *exchange;
        static char value[8000];
        memset(value, 'x', sizeof value);
        proa_header header = { PROA_STR("filler"), { value, sizeof value } };
        rpc_request request = { .path = PROA_STR("/a.B/C"), .deadline_ns = INT64_MAX, .headers = { &header, 1 } };
        if (rpc_exchange_begin(b->client.endpoint, &request, io_loop_now(b->loop), &exchange) == PROA_ERR_NONE)
            link_pump_touch(b->client.pump);
    }
    assert_true(b->client.ready);
}

/* The kernel takes no more: the pump waits for that, and does not turn in circles. */
static void a_peer_that_reads_nothing_costs_nothing(void **state)
{
    (void)state;
    bench b;
    bench_begin(&b, true, false, (limits){ 0 });
    fill(&b);
    for (int i = 0; i < 10; i++)
        io_loop_turn(b.loop, 1 * MS);
    unsigned flushes = b.client.flushes;
    int64_t wait_ns = io_loop_wait_ns(b.loop);
    assert_true(wait_ns > 0);
    for (int i = 0; i < 50; i++)
        io_loop_turn(b.loop, 0);
    assert_int_equal(b.client.flushes, flushes);
    io_socket_close(b.accepted);
    TURN_UNTIL(&b, b.client.gone);
    bench_end(&b);
}

/* It keeps its end open and reads nothing: when h2 gives it up, the transport goes as well. */
static void a_peer_that_never_reads_is_left(void **state)
{
    (void)state;
    bench b;
    bench_begin(&b, false, false, (limits){ 0 });
    attach(&b, &b.client, H2_CLIENT, connecting, (limits){ .write_stall_ns = 300 * MS });
    fill(&b);
    TURN_UNTIL(&b, b.client.gone);
    assert_int_equal(b.client.closes, 1);
    io_socket_close(b.accepted);
    bench_end(&b);
}

static void drained_pump_ends_both_sides(void **state)
{
    (void)state;
    bench b;
    bench_begin(&b, true, true, (limits){ 0 });
    TURN_UNTIL(&b, b.client.ready && b.server.ready);
    call(&b);
    TURN_UNTIL(&b, b.server.calls);
    rpc_endpoint_drain(b.server.endpoint);
    link_pump_touch(b.server.pump);
    TURN_UNTIL(&b, b.client.goaways);
    assert_int_equal(b.client.gone + b.server.gone, 0); /* one call runs */
    answer(b.server.exchange);
    link_pump_touch(b.server.pump);
    TURN_UNTIL(&b, b.client.ends && b.server.gone);
    assert_int_equal(b.server.closes, 1);
    TURN_UNTIL(&b, b.client.gone);
    bench_end(&b);
}

/* Our last frames are sent and our side is shut; a peer that keeps its own open is left after a second. */
static void a_peer_that_does_not_close_is_left(void **state)
{
    (void)state;
    bench b;
    bench_begin(&b, false, true, (limits){ 0 });
    io_socket_own(connecting, &bare, NULL);
    rpc_endpoint_stop(b.server.endpoint);
    int64_t begun = io_clock_now();
    link_pump_touch(b.server.pump);
    TURN_UNTIL(&b, b.server.gone);
    int64_t took = io_clock_now() - begun;
    assert_true(took >= 900 * MS && took < 30 * PROA_SECOND);
    io_socket_close(connecting);
    bench_end(&b);
}

static void a_connection_that_breaks_ends_its_exchanges(void **state)
{
    (void)state;
    bench b;
    bench_begin(&b, true, true, (limits){ 0 });
    TURN_UNTIL(&b, b.client.ready && b.server.ready);
    call(&b);
    TURN_UNTIL(&b, b.server.calls);
    link_pump_close(b.client.pump);
    assert_int_equal(b.client.gone, 0); /* later in the turn */
    TURN_UNTIL(&b, b.client.gone && b.server.gone);
    assert_int_equal(b.client.ends, 1);
    assert_int_equal(b.server.ends, 1);
    bench_end(&b);
}

static void garbage_is_answered_and_closed(void **state)
{
    (void)state;
    bench b;
    bench_begin(&b, false, true, (limits){ 0 });
    io_socket_own(connecting, &bare, NULL);
    proa_bytes part = PROA_STR("GET / HTTP/1.1\r\n\r\n and more than a preface");
    io_socket_write(connecting, &part, 1);
    TURN_UNTIL(&b, b.server.closes);
    io_socket_close(connecting);
    TURN_UNTIL(&b, b.server.gone);
    bench_end(&b);
}

/* A flush at once, and one that nothing is left to do for. */
static void flush_is_done_at_once(void **state)
{
    (void)state;
    bench b;
    bench_begin(&b, true, true, (limits){ 0 });
    b.server.answers = true;
    TURN_UNTIL(&b, b.client.ready && b.server.ready);
    call(&b);
    unsigned flushes = b.client.flushes;
    link_pump_flush(b.client.pump);
    assert_int_equal(b.client.flushes, flushes + 1);
    TURN_UNTIL(&b, b.client.ends);
    bench_end(&b);
}

/* Many streams of one read are put off to the next turn, which comes at once and not with the next tick. */
static void streams_that_were_put_off_come_in_later_turns(void **state)
{
    (void)state;
    bench b;
    bench_begin(&b, true, true, (limits){ .streams_per_feed_max = 2 });
    b.server.answers = true;
    TURN_UNTIL(&b, b.client.ready && b.server.ready);
    for (int i = 0; i < 20; i++)
        call(&b);
    TURN_UNTIL(&b, b.server.calls);
    for (; b.server.calls < 20; io_loop_turn(b.loop, 0))
        assert_int_equal(io_loop_wait_ns(b.loop), 0);
    TURN_UNTIL(&b, b.client.ends == 20 && b.server.ends == 20);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_goes_there_and_back),
        cmocka_unit_test(an_idle_pump_rests),
        cmocka_unit_test(a_peer_that_reads_nothing_costs_nothing),
        cmocka_unit_test(a_peer_that_never_reads_is_left),
        cmocka_unit_test(drained_pump_ends_both_sides),
        cmocka_unit_test(a_peer_that_does_not_close_is_left),
        cmocka_unit_test(a_connection_that_breaks_ends_its_exchanges),
        cmocka_unit_test(garbage_is_answered_and_closed),
        cmocka_unit_test(flush_is_done_at_once),
        cmocka_unit_test(streams_that_were_put_off_come_in_later_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
