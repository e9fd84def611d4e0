/* SPDX-License-Identifier: Apache-2.0 */
/* What a server's options do to its connections by themselves, hours of it in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "server/station.h"

#define SECOND PROA_SECOND

typedef struct client { /* one connection to the server; without an endpoint it acknowledges nothing */
    io_socket *socket;
    link_pump *pump;
    rpc_endpoint *endpoint;
    unsigned ready, ends, goaways;
    proa_code code;
    h2_code goaway;
    char debug[40];
    int64_t goaway_at, gone_at;
} client;

static proa_loop *loop;
static proa_server *server;
static unsigned ended;

static void on_event(void *owner, const rpc_event *event)
{
    client *c = owner;
    if (event->type == RPC_EVENT_READY) {
        c->ready++;
    } else if (event->type == RPC_EVENT_GOAWAY) {
        if (!c->goaways++)
            c->goaway_at = home_now(loop);
        c->goaway = (h2_code)event->fault.code;
        assert_true(event->debug.size < sizeof c->debug);
        memcpy(c->debug, event->debug.data, event->debug.size);
    } else if (event->type == RPC_EVENT_END) {
        proa_arena *arena = proa_arena_new(0);
        c->code = rpc_exchange_status(event->exchange, arena).code;
        proa_arena_free(arena);
        rpc_exchange_release(event->exchange);
        c->ends++;
    }
}

static void on_closed(void *owner)
{
    client *c = owner;
    c->pump = NULL;
    c->gone_at = home_now(loop);
}

static const link_handler handler = { .on_event = on_event, .on_closed = on_closed };

static void on_connected(void *owner)
{
    client *c = owner;
    c->endpoint = rpc_endpoint_new(&(rpc_options){ .role = H2_CLIENT, .authority = PROA_STR("x") }, home_now(loop));
    c->pump = link_pump_new(home_io(loop), c->socket, c->endpoint, &handler, c);
}

static const io_socket_handler connecting = { .on_connected = on_connected };

/* Virtual time only passes when nothing moves: so many turns mean that it never comes. */
#define TURN_UNTIL(condition) \
    do { \
        for (unsigned turns_ = 0; !(condition); turns_++) { \
            if (turns_ > 100000) \
                fail_msg("never: %s", #condition); \
            home_turn(loop, 600 * SECOND); \
        } \
    } while (0)

static proa_code at_once(proa_call *c)
{
    (void)c;
    return PROA_OK;
}

static void note_end(proa_call *c, void *user)
{
    (void)c, (void)user;
    ended++;
}

static proa_code never(proa_call *c)
{
    proa_call_on_end(c, note_end, NULL);
    return PROA_WAIT;
}

static void begin(client *c, proa_server_options options)
{
    ended = 0;
    loop = home_new(&(proa_loop_options){ .virtual_time = true }, false);
    options.loop = loop;
    server = proa_server_new(&options);
    proa_server_serve_bytes(server, "/a.B/AtOnce", at_once, NULL);
    proa_server_serve_bytes(server, "/a.B/Never", never, NULL);
    assert_int_equal(proa_server_listen(server, "127.0.0.1:0", NULL), PROA_ERR_NONE);
    io_target target;
    *c = (client){ 0 };
    assert_int_equal(io_target_parse(proa_server_address(server, 0), -1, &target, NULL), PROA_ERR_NONE);
    c->socket = io_socket_connect(home_io(loop), &target.addresses.items[0], &connecting, c, NULL);
    TURN_UNTIL(c->ready);
}

static void end(client *c)
{
    if (c->pump) {
        link_pump_close(c->pump);
        link_pump_flush(c->pump);
    }
    proa_server_free(server);
    proa_loop_free(loop);
}

static void call(client *c, const char *path)
{
    rpc_exchange *exchange;
    rpc_request request = { .path = proa_bytes_of(path), .deadline_ns = INT64_MAX };
    assert_int_equal(rpc_exchange_begin(c->endpoint, &request, home_now(loop), &exchange), PROA_ERR_NONE);
    rpc_exchange_end_requests(exchange);
    link_pump_touch(c->pump);
}

static void idle_connections_go(void **state)
{
    (void)state;
    client c;
    begin(&c, (proa_server_options){ .idle_max_ns = 90 * SECOND });
    call(&c, "/a.B/AtOnce");
    TURN_UNTIL(c.ends);
    assert_int_equal(c.code, PROA_OK);
    int64_t ended_at = home_now(loop);
    TURN_UNTIL(c.gone_at);
    assert_int_equal(c.goaway, H2_NO_ERROR);
    assert_string_equal(c.debug, "max_idle");
    assert_in_range(c.goaway_at - ended_at, 90 * SECOND, 91 * SECOND);
    assert_int_equal(server->stations[0]->connection_count, 0);
    end(&c);
}

static void old_connections_go_and_end_what_outstays_the_grace(void **state)
{
    (void)state;
    client c;
    begin(&c, (proa_server_options){ .age_max_ns = 1000 * SECOND, .age_grace_ns = 60 * SECOND });
    int64_t begun = home_now(loop);
    call(&c, "/a.B/Never");
    TURN_UNTIL(c.goaways);
    assert_string_equal(c.debug, "max_age");
    assert_in_range(c.goaway_at - begun, 899 * SECOND, 1101 * SECOND);
    assert_int_equal(c.ends, 0);
    TURN_UNTIL(c.ends);
    assert_int_equal(c.code, PROA_UNAVAILABLE);
    assert_in_range(home_now(loop) - c.goaway_at, 60 * SECOND, 62 * SECOND);
    TURN_UNTIL(ended == 1 && c.gone_at);
    end(&c);
}

static void connections_live_for_ever_by_default(void **state)
{
    (void)state;
    client c;
    begin(&c, (proa_server_options){ 0 });
    call(&c, "/a.B/Never");
    int64_t begun = home_now(loop);
    TURN_UNTIL(home_now(loop) - begun > 100 * 3600 * SECOND); /* 49 PINGs that are answered */
    assert_true(c.pump && !c.goaways && !c.ends);
    assert_in_range(rpc_endpoint_counters(c.endpoint)->pings_received, 45, 50);
    end(&c);
}

/* A client that is there and reads nothing: no answer to the PING. */
static void silent_clients_are_given_up(void **state)
{
    (void)state;
    client c;
    begin(&c, (proa_server_options){ .keepalive_ns = 30 * SECOND, .keepalive_timeout_ns = 5 * SECOND });
    call(&c, "/a.B/Never");
    TURN_UNTIL(server->stations[0]->call_count == 1);
    home_turn(loop, 0);
    io_socket_pause(c.socket, true);
    int64_t begun = home_now(loop);
    TURN_UNTIL(server->stations[0]->connection_count == 0);
    assert_in_range(home_now(loop) - begun, 34 * SECOND, 37 * SECOND);
    assert_int_equal(ended, 1);
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_connections_go),
        cmocka_unit_test(old_connections_go_and_end_what_outstays_the_grace),
        cmocka_unit_test(connections_live_for_ever_by_default),
        cmocka_unit_test(silent_clients_are_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
