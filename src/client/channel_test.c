/* SPDX-License-Identifier: Apache-2.0 */
/* A channel against a scripted server: bare endpoints over real sockets, in the channel's own loop. Which connection takes
 * which call, and what becomes of those that none takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "client/channel.h"

#define MS PROA_MILLISECOND

typedef struct line { /* one accepted connection */
    struct peer *peer;
    link_pump *pump;
    rpc_endpoint *endpoint;
    unsigned calls, ends;
    rpc_exchange *running[64];
} line;

typedef struct peer {
    proa_loop *home;
    io_listener *listener;
    char target[64];
    line lines[8];
    unsigned line_count, open;
    limits limits;
    bool is_mute; /* accepts, and says nothing */
    bool answers;
    io_socket *mute[8];
    unsigned mute_count;
} peer;

static void answer(line *l, rpc_exchange *exchange)
{
    static const proa_status ok = { PROA_OK, PROA_STR_INIT(""), { NULL, 0 } };
    rpc_exchange_finish(exchange, &ok, (proa_headers){ NULL, 0 });
    link_pump_touch(l->pump);
}

static void on_event(void *owner, const rpc_event *event)
{
    line *l = owner;
    if (event->type == RPC_EVENT_CALL) {
        l->running[l->calls++ % 64] = event->exchange;
        if (l->peer->answers)
            answer(l, event->exchange);
    } else if (event->type == RPC_EVENT_END) {
        l->ends++;
        rpc_exchange_release(event->exchange);
    }
}

static void on_closed(void *owner)
{
    line *l = owner;
    l->pump = NULL;
    l->peer->open--;
}

static const link_handler handler = { .on_event = on_event, .on_closed = on_closed };

static void on_accept(void *owner, io_socket *socket)
{
    peer *p = owner;
    if (p->is_mute) {
        p->mute[p->mute_count++] = socket;
        return;
    }
    line *l = &p->lines[p->line_count++];
    *l = (line){ .peer = p };
    l->endpoint = rpc_endpoint_new(&(rpc_options){ .role = H2_SERVER, .limits = p->limits }, home_now(p->home));
    l->pump = link_pump_new(home_io(p->home), socket, l->endpoint, &handler, l);
    p->open++;
}

static void listen_at(peer *p, const char *text)
{
    io_target target;
    proa_error error;
    assert_int_equal(io_target_parse(text, -1, &target, &error), PROA_ERR_NONE);
    p->listener = io_listener_open(home_io(p->home), &target.addresses.items[0], NULL, on_accept, p, &error);
    assert_non_null(p->listener);
    char name[64];
    io_address_format(io_listener_address(p->listener), name, sizeof name);
    snprintf(p->target, sizeof p->target, "%s", name + strlen("ipv4:"));
}

static void peer_open(peer *p)
{
    *p = (peer){ .home = home_new(&(proa_loop_options){ .virtual_time = true }, false), .answers = true };
    listen_at(p, "127.0.0.1:0");
}

static void turn(peer *p, int times)
{
    for (int i = 0; i < times; i++)
        home_turn(p->home, MS);
}

static void peer_close(peer *p)
{
    for (unsigned i = 0; i < p->line_count; i++)
        if (p->lines[i].pump)
            link_pump_close(p->lines[i].pump);
    for (unsigned i = 0; i < p->mute_count; i++)
        io_socket_close(p->mute[i]);
    io_listener_close(p->listener);
    turn(p, 5);
    proa_loop_free(p->home);
}

#define TURN_UNTIL(p, condition) \
    do { \
        int64_t give_up_ = io_clock_now() + 60 * PROA_SECOND; \
        while (!(condition)) { \
            if (io_clock_now() > give_up_) \
                fail_msg("never: %s", #condition); \
            home_turn((p)->home, 10 * MS); \
        } \
    } while (0)

static proa_channel *open_to(peer *p, proa_channel_options options)
{
    options.loop = p->home;
    return proa_channel_open(p->target, &options);
}

static proa_call *call(proa_channel *channel, const proa_call_options *options)
{
    proa_call *c = proa_call_begin(channel, "/a.B/C", options);
    proa_call_end_requests(c);
    return c;
}

/* The text of a status has no NUL behind it. */
static bool says(proa_call *c, const char *word)
{
    char text[256];
    snprintf(text, sizeof text, "%.*s", PROA_FMT(proa_call_status(c).message));
    return strstr(text, word) != NULL;
}

static proa_code code_of(peer *p, proa_call *c)
{
    TURN_UNTIL(p, proa_call_is_at_end(c));
    proa_code code = proa_call_status(c).code;
    proa_call_end(c);
    return code;
}

/* ---- Connecting */

static void channel_connects_with_its_first_call_and_keeps_the_connection(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    proa_channel *channel = open_to(&p, (proa_channel_options){ 0 });
    turn(&p, 5);
    assert_int_equal(p.line_count, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(code_of(&p, call(channel, NULL)), PROA_OK);
    assert_int_equal(p.line_count, 1);
    assert_int_equal(p.lines[0].calls, 3);
    proa_channel_close(channel);
    TURN_UNTIL(&p, p.open == 0);
    peer_close(&p);
}

/* doc/connection-backoff.md: a server that accepts and says nothing is none. */
static void connection_without_settings_fails_in_time(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    p.is_mute = true;
    proa_channel *channel = open_to(&p, (proa_channel_options){ .connect_ns = 50 * MS });
    proa_call *c = call(channel, NULL);
    TURN_UNTIL(&p, proa_call_is_at_end(c));
    assert_true(says(c, "no connection within the time"));
    assert_int_equal(code_of(&p, c), PROA_UNAVAILABLE);
    proa_channel_close(channel);
    peer_close(&p);
}

static void second_address_is_tried(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    proa_channel *channel = open_to(&p, (proa_channel_options){ 0 });
    /* the first one refuses */
    io_addresses *all = &channel->target.addresses;
    all->items[1] = all->items[0];
    io_address_set_port(&all->items[0], 1);
    all->count = 2;
    assert_int_equal(code_of(&p, call(channel, NULL)), PROA_OK);
    proa_channel_close(channel);
    peer_close(&p);
}

static void call_that_waits_for_ready_gets_the_server_that_comes_later(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    char target[64];
    memcpy(target, p.target, sizeof target);
    io_listener_close(p.listener);
    turn(&p, 2);
    proa_channel *channel = open_to(&p, (proa_channel_options){ 0 });
    proa_call *patient = call(channel, &(proa_call_options){ .wait_for_ready = true });
    proa_call *hasty = call(channel, NULL);
    assert_int_equal(code_of(&p, hasty), PROA_UNAVAILABLE);
    assert_false(proa_call_is_at_end(patient));
    listen_at(&p, target);
    assert_int_equal(code_of(&p, patient), PROA_OK); /* within the second between two attempts */
    proa_channel_close(channel);
    peer_close(&p);
}

/* ---- Calls that wait */

static void calls_over_the_peers_limit_wait_for_room(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    p.limits.streams_max = 2;
    p.answers = false;
    proa_channel *channel = open_to(&p, (proa_channel_options){ 0 });
    proa_call *calls[6];
    for (int i = 0; i < 6; i++)
        calls[i] = call(channel, NULL);
    TURN_UNTIL(&p, p.line_count && p.lines[0].calls == 2);
    turn(&p, 10);
    assert_int_equal(p.lines[0].calls, 2);
    for (unsigned i = 0; i < 6; i++) {
        TURN_UNTIL(&p, p.lines[0].calls > i);
        answer(&p.lines[0], p.lines[0].running[i]);
        assert_int_equal(code_of(&p, calls[i]), PROA_OK); /* in the order of their begin */
    }
    assert_int_equal(p.line_count, 1);
    proa_channel_close(channel);
    peer_close(&p);
}

static void too_many_that_wait_are_unavailable(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    p.is_mute = true;
    proa_channel *channel = open_to(&p, (proa_channel_options){ .pending_calls_max = 2 });
    proa_call *calls[4];
    for (int i = 0; i < 4; i++)
        calls[i] = call(channel, NULL);
    assert_int_equal(code_of(&p, calls[2]), PROA_UNAVAILABLE);
    proa_call_cancel(calls[0]); /* makes room for one */
    assert_int_equal(code_of(&p, calls[0]), PROA_CANCELLED);
    proa_call *another = call(channel, NULL);
    assert_false(proa_call_is_at_end(another));
    assert_int_equal(code_of(&p, calls[3]), PROA_UNAVAILABLE);
    proa_channel_close(channel);
    assert_int_equal(code_of(&p, calls[1]), PROA_CANCELLED);
    assert_int_equal(code_of(&p, another), PROA_CANCELLED);
    peer_close(&p);
}

/* ---- The connection goes */

static void goaway_moves_new_calls_and_lets_old_ones_end(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    p.answers = false;
    proa_channel *channel = open_to(&p, (proa_channel_options){ 0 });
    proa_call *old = call(channel, NULL);
    TURN_UNTIL(&p, p.line_count && p.lines[0].calls == 1);
    rpc_endpoint_drain(p.lines[0].endpoint);
    link_pump_touch(p.lines[0].pump);
    turn(&p, 10);
    proa_call *fresh = call(channel, NULL);
    TURN_UNTIL(&p, p.line_count == 2 && p.lines[1].calls == 1);
    answer(&p.lines[1], p.lines[1].running[0]);
    assert_int_equal(code_of(&p, fresh), PROA_OK);
    assert_false(proa_call_is_at_end(old));
    answer(&p.lines[0], p.lines[0].running[0]);
    assert_int_equal(code_of(&p, old), PROA_OK);
    TURN_UNTIL(&p, p.open == 1);
    proa_channel_close(channel);
    peer_close(&p);
}

static void lost_connection_is_replaced_for_the_next_call(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    p.answers = false;
    proa_channel *channel = open_to(&p, (proa_channel_options){ 0 });
    proa_call *lost = call(channel, NULL);
    TURN_UNTIL(&p, p.line_count && p.lines[0].calls == 1);
    link_pump_close(p.lines[0].pump);
    assert_int_equal(code_of(&p, lost), PROA_UNAVAILABLE);
    p.answers = true;
    assert_int_equal(code_of(&p, call(channel, NULL)), PROA_OK);
    assert_int_equal(p.line_count, 2);
    proa_channel_close(channel);
    peer_close(&p);
}

static void calls_that_wait_for_room_move_when_the_connection_goes(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    p.limits.streams_max = 1;
    p.answers = false;
    proa_channel *channel = open_to(&p, (proa_channel_options){ 0 });
    proa_call *first = call(channel, NULL), *second = call(channel, NULL);
    TURN_UNTIL(&p, p.line_count && p.lines[0].calls == 1);
    p.answers = true;
    link_pump_close(p.lines[0].pump);
    assert_int_equal(code_of(&p, first), PROA_UNAVAILABLE);
    assert_int_equal(code_of(&p, second), PROA_OK);
    assert_int_equal(p.line_count, 2);
    proa_channel_close(channel);
    peer_close(&p);
}

/* ---- Closing, in every state of the connection */

static void channel_closes_in_every_state(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        peer p;
        peer_open(&p);
        p.answers = turns % 2;
        proa_channel *channel = open_to(&p, (proa_channel_options){ 0 });
        proa_call *running = call(channel, NULL),
                  *patient = call(channel, &(proa_call_options){ .wait_for_ready = true });
        for (int i = 0; i < turns; i++)
            home_turn(p.home, 0);
        proa_channel_close(channel);
        proa_code code = code_of(&p, running);
        assert_true(code == PROA_CANCELLED || (p.answers && code == PROA_OK));
        code = code_of(&p, patient);
        assert_true(code == PROA_CANCELLED || (p.answers && code == PROA_OK));
        TURN_UNTIL(&p, p.open == 0);
        peer_close(&p);
    }
}

static void call_on_a_closed_channel_is_cancelled(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    proa_channel *channel = open_to(&p, (proa_channel_options){ 0 });
    channel_retain(channel); /* as a call does */
    proa_channel_close(channel);
    assert_int_equal(code_of(&p, call(channel, NULL)), PROA_CANCELLED);
    channel_release(channel, p.home);
    peer_close(&p);
}

/* ---- What a channel refuses */

static void plaintext_to_the_world_has_to_be_asked_for(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    proa_channel *channel = proa_channel_open("192.0.2.1:1", &(proa_channel_options){ .loop = p.home });
    proa_call *c = call(channel, NULL);
    TURN_UNTIL(&p, proa_call_is_at_end(c));
    assert_true(says(c, "plaintext"));
    assert_int_equal(code_of(&p, c), PROA_UNAVAILABLE);
    proa_channel_close(channel);
    peer_close(&p);
}

static void what_a_channel_cannot_do_its_calls_say(void **state)
{
    (void)state;
    static const char *const targets[] = { "", "x:y:z", "127.0.0.1:99999", "inproc:" };
    peer p;
    peer_open(&p);
    for (size_t i = 0; i <= sizeof targets / sizeof targets[0]; i++) {
        bool is_null = i == sizeof targets / sizeof targets[0];
        proa_channel *channel =
            proa_channel_open(is_null ? NULL : targets[i], &(proa_channel_options){ .loop = p.home });
        assert_int_equal(code_of(&p, call(channel, NULL)), PROA_UNAVAILABLE);
        proa_channel_close(channel);
    }
    proa_tls *tls = proa_tls_new(NULL);
    proa_channel *secure = open_to(&p, (proa_channel_options){ .tls = tls });
    proa_call *c = call(secure, NULL);
    TURN_UNTIL(&p, proa_call_is_at_end(c)); /* the server speaks plaintext */
    assert_true(says(c, "TLS"));
    assert_int_equal(code_of(&p, c), PROA_UNAVAILABLE);
    proa_channel_close(secure);
    proa_tls_free(tls);
    peer_close(&p);
}

static void timeout_of_the_channel_is_that_of_calls_without_one(void **state)
{
    (void)state;
    peer p;
    peer_open(&p);
    p.is_mute = true;
    proa_channel *channel = open_to(&p, (proa_channel_options){ .timeout_ns = 30 * MS });
    proa_call *own = call(channel, &(proa_call_options){ .timeout_ns = 60 * PROA_SECOND }), *its = call(channel, NULL);
    assert_true(proa_call_remaining_ns(own) > 50 * PROA_SECOND);
    assert_true(proa_call_remaining_ns(its) <= 30 * MS);
    assert_int_equal(code_of(&p, its), PROA_DEADLINE_EXCEEDED);
    assert_false(proa_call_is_at_end(own));
    proa_call_end(own);
    proa_channel_close(channel);
    peer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channel_connects_with_its_first_call_and_keeps_the_connection),
        cmocka_unit_test(connection_without_settings_fails_in_time),
        cmocka_unit_test(second_address_is_tried),
        cmocka_unit_test(call_that_waits_for_ready_gets_the_server_that_comes_later),
        cmocka_unit_test(calls_over_the_peers_limit_wait_for_room),
        cmocka_unit_test(too_many_that_wait_are_unavailable),
        cmocka_unit_test(goaway_moves_new_calls_and_lets_old_ones_end),
        cmocka_unit_test(lost_connection_is_replaced_for_the_next_call),
        cmocka_unit_test(calls_that_wait_for_room_move_when_the_connection_goes),
        cmocka_unit_test(channel_closes_in_every_state),
        cmocka_unit_test(call_on_a_closed_channel_is_cancelled),
        cmocka_unit_test(plaintext_to_the_world_has_to_be_asked_for),
        cmocka_unit_test(what_a_channel_cannot_do_its_calls_say),
        cmocka_unit_test(timeout_of_the_channel_is_that_of_calls_without_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
