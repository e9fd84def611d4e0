/* SPDX-License-Identifier: Apache-2.0 */
/* One loop of a server against bare endpoints: accepting, dispatch, and each way to stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "server/station.h"

#define MS PROA_MILLISECOND

typedef struct client { /* one connection to the server */
    io_socket *socket;
    link_pump *pump;
    rpc_endpoint *endpoint;
    unsigned ready, ends, goaways, gone;
    proa_code code;
    char text[120];
} client;

static proa_loop *loop;
static proa_server *server;
static unsigned drained, ended;

static void on_event(void *owner, const rpc_event *event)
{
    client *c = owner;
    if (event->type == RPC_EVENT_READY)
        c->ready++;
    else if (event->type == RPC_EVENT_GOAWAY)
        c->goaways++;
    else if (event->type == RPC_EVENT_END) {
        proa_arena *arena = proa_arena_new(0);
        proa_status status = rpc_exchange_status(event->exchange, arena);
        c->code = status.code;
        snprintf(c->text, sizeof c->text, "%.*s", PROA_FMT(status.message));
        c->ends++;
        proa_arena_free(arena);
        rpc_exchange_release(event->exchange);
    }
}

static void on_closed(void *owner)
{
    client *c = owner;
    c->pump = NULL;
    c->gone++;
}

static const link_handler handler = { .on_event = on_event, .on_closed = on_closed };

static void on_connected(void *owner)
{
    client *c = owner;
    c->endpoint = rpc_endpoint_new(&(rpc_options){ .role = H2_CLIENT, .authority = PROA_STR("x") }, home_now(loop));
    c->pump = link_pump_new(home_io(loop), c->socket, c->endpoint, &handler, c);
}

static const io_socket_handler connecting = { .on_connected = on_connected };

#define TURN_UNTIL(condition) \
    do { \
        int64_t give_up_ = io_clock_now() + 30 * PROA_SECOND; \
        while (!(condition)) { \
            if (io_clock_now() > give_up_) \
                fail_msg("never: %s", #condition); \
            home_turn(loop, 10 * MS); \
        } \
    } while (0)

static void client_open(client *c)
{
    io_target target;
    *c = (client){ 0 };
    assert_int_equal(io_target_parse(proa_server_address(server, 0), -1, &target, NULL), PROA_ERR_NONE);
    c->socket = io_socket_connect(home_io(loop), &target.addresses.items[0], &connecting, c, NULL);
    TURN_UNTIL(c->ready);
}

static rpc_exchange *call(client *c, const char *path)
{
    rpc_exchange *exchange;
    rpc_request request = { .path = proa_bytes_of(path), .deadline_ns = INT64_MAX };
    assert_int_equal(rpc_exchange_begin(c->endpoint, &request, home_now(loop), &exchange), PROA_ERR_NONE);
    rpc_exchange_end_requests(exchange);
    link_pump_touch(c->pump);
    return exchange;
}

static void client_close(client *c)
{
    if (c->pump) {
        link_pump_close(c->pump);
        link_pump_flush(c->pump);
    }
}

static void count_drained(proa_server *s, void *user)
{
    (void)s;
    (void)user;
    drained++;
}

static void note_end(proa_call *c, void *user)
{
    (void)c;
    (void)user;
    ended++;
}

static proa_code at_once(proa_call *c)
{
    (void)c;
    return PROA_OK;
}

static proa_code never(proa_call *c)
{
    proa_call_on_end(c, note_end, NULL);
    return PROA_WAIT;
}

static void open_server(int64_t grace_ns)
{
    drained = ended = 0;
    loop = home_new(&(proa_loop_options){ 0 }, false);
    server = proa_server_new(&(proa_server_options){ .loop = loop, .grace_ns = grace_ns, .on_drained = count_drained });
    proa_server_serve_bytes(server, "/a.B/AtOnce", at_once, NULL);
    proa_server_serve_bytes(server, "/a.B/Never", never, NULL);
    assert_int_equal(proa_server_listen(server, "127.0.0.1:0", NULL), PROA_ERR_NONE);
}

static void close_server(void)
{
    proa_server_free(server);
    proa_loop_free(loop);
}

static void paths_are_dispatched(void **state)
{
    (void)state;
    open_server(0);
    client c;
    client_open(&c);
    call(&c, "/a.B/AtOnce");
    TURN_UNTIL(c.ends == 1);
    assert_int_equal(c.code, PROA_OK);
    call(&c, "/a.B/Other");
    TURN_UNTIL(c.ends == 2);
    assert_int_equal(c.code, PROA_UNIMPLEMENTED);
    assert_non_null(strstr(c.text, "unknown method"));
    call(&c, "/a.Bee/Other");
    TURN_UNTIL(c.ends == 3);
    assert_int_equal(c.code, PROA_UNIMPLEMENTED);
    assert_non_null(strstr(c.text, "unknown service"));
    client_close(&c);
    close_server();
}

static void long_path_is_cut_in_the_status(void **state)
{
    (void)state;
    open_server(0);
    client c;
    client_open(&c);
    char path[400] = "/a.B/";
    memset(path + 5, 'x', 300); /* longer than what is said of it */
    call(&c, path);
    TURN_UNTIL(c.ends == 1);
    assert_int_equal(c.code, PROA_UNIMPLEMENTED);
    client_close(&c);
    close_server();
}

static void drain_tells_idle_clients_and_ends(void **state)
{
    (void)state;
    open_server(0);
    client c[3];
    for (int i = 0; i < 3; i++)
        client_open(&c[i]);
    proa_server_drain(server);
    TURN_UNTIL(drained);
    TURN_UNTIL(c[0].gone && c[1].gone && c[2].gone);
    assert_true(c[0].goaways && c[1].goaways && c[2].goaways);
    assert_int_equal(drained, 1);
    close_server();
}

static void grace_lets_end_what_can_and_then_stops(void **state)
{
    (void)state;
    open_server(100 * MS);
    client c;
    client_open(&c);
    call(&c, "/a.B/Never");
    TURN_UNTIL(server->stations[0]->call_count == 1);
    int64_t begun = io_clock_now();
    proa_server_drain(server);
    TURN_UNTIL(c.ends);
    assert_true(io_clock_now() - begun >= 100 * MS);
    assert_int_equal(c.code, PROA_UNAVAILABLE);
    TURN_UNTIL(drained && ended);
    client_close(&c);
    close_server();
}

/* A peer that takes no answer and does not go is cut off a second behind the grace. */
static void connection_that_stays_is_cut_in_the_end(void **state)
{
    (void)state;
    open_server(20 * MS);
    client c;
    client_open(&c);
    call(&c, "/a.B/Never");
    TURN_UNTIL(server->stations[0]->call_count == 1);
    io_socket_pause(c.socket, true);
    int64_t begun = io_clock_now();
    proa_server_drain(server);
    TURN_UNTIL(drained);
    assert_true(io_clock_now() - begun < 30 * PROA_SECOND);
    client_close(&c);
    close_server();
}

static void nobody_connects_to_a_server_that_drains(void **state)
{
    (void)state;
    open_server(50 * MS);
    client c;
    client_open(&c);
    call(&c, "/a.B/Never");
    TURN_UNTIL(server->stations[0]->call_count == 1);
    proa_server_drain(server);
    home_turn(loop, 0);
    assert_true(list_is_empty(&server->stations[0]->listeners));
    TURN_UNTIL(drained);
    client_close(&c);
    close_server();
}

static void counts_come_back_to_zero(void **state)
{
    (void)state;
    open_server(0);
    for (int i = 0; i < 5; i++) {
        client c;
        client_open(&c);
        call(&c, "/a.B/AtOnce");
        call(&c, "/a.B/Never");
        TURN_UNTIL(c.ends == 1 && server->stations[0]->call_count == 1);
        assert_int_equal(atomic_load(&server->connection_count), 1);
        client_close(&c);
        TURN_UNTIL(atomic_load(&server->connection_count) == 0 && server->stations[0]->call_count == 0);
        assert_int_equal(server->stations[0]->connection_count, 0);
    }
    assert_int_equal(ended, 5);
    close_server();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_dispatched),
        cmocka_unit_test(long_path_is_cut_in_the_status),
        cmocka_unit_test(drain_tells_idle_clients_and_ends),
        cmocka_unit_test(grace_lets_end_what_can_and_then_stops),
        cmocka_unit_test(connection_that_stays_is_cut_in_the_end),
        cmocka_unit_test(nobody_connects_to_a_server_that_drains),
        cmocka_unit_test(counts_come_back_to_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
