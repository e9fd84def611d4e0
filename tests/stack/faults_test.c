/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that are dead, absent, half there, or break off: each gives its status, in time. */
#include "stack.h"
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT (5 * PROA_SECOND)

static void expect(proa_status status, proa_code code)
{
    if (status.code != code)
        fail_msg("%s \"%.*s\", expected %s", proa_code_name(status.code), PROA_FMT(status.message),
                 proa_code_name(code));
}

static void with_peer(void (*script)(int fd), int64_t timeout_ns, proa_code code)
{
    peer p;
    peer_start(&p, script);
    proa_channel *channel = proa_channel_open(p.target, NULL);
    int64_t begin = now_ns();
    expect(call_once(channel, "/test.Echo/Say", timeout_ns), code);
    assert_true(now_ns() - begin < LIMIT);
    proa_channel_close(channel);
    peer_join(&p);
}

static void refused_connection_is_unavailable_at_once(void **state)
{
    (void)state;
    peer p;
    peer_start(&p, NULL);
    peer_join(&p);
    proa_channel *channel = proa_channel_open(p.target, NULL);
    proa_status status = call_once(channel, "/test.Echo/Say", LIMIT);
    expect(status, PROA_UNAVAILABLE);
    assert_non_null(strstr(status.message.data, "refused"));
    proa_channel_close(channel);
}

static void say_nothing(int fd)
{
    peer_wait_closed(fd);
}

static void dead_peer_ends_the_call_at_its_deadline(void **state)
{
    (void)state;
    with_peer(say_nothing, 200 * PROA_MILLISECOND, PROA_DEADLINE_EXCEEDED);
}

static void close_at_once(int fd)
{
    (void)fd;
}

static void closed_before_settings_is_unavailable(void **state)
{
    (void)state;
    with_peer(close_at_once, LIMIT, PROA_UNAVAILABLE);
}

static void speak_http_1(int fd)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    peer_write(fd, text, sizeof text - 1);
    peer_wait_closed(fd);
}

static void peer_without_http_2_is_unavailable(void **state)
{
    (void)state;
    with_peer(speak_http_1, LIMIT, PROA_UNAVAILABLE);
}

static void half_close(int fd)
{
    peer_settings(fd);
    peer_read_request(fd);
    shutdown(fd, SHUT_WR);
    peer_wait_closed(fd);
}

static void half_closed_socket_is_unavailable(void **state)
{
    (void)state;
    with_peer(half_close, LIMIT, PROA_UNAVAILABLE);
}

static void reset_in_message(int fd)
{
    peer_settings(fd);
    peer_read_request(fd);
    peer_reply_headers(fd);
    peer_data(fd, "\0\0\0\0\x64 half of it", 15);
    peer_reset(fd);
}

static void reset_in_the_middle_of_a_message_is_unavailable(void **state)
{
    (void)state;
    with_peer(reset_in_message, LIMIT, PROA_UNAVAILABLE);
}

static void answer_then_stay_silent(int fd)
{
    peer_settings(fd);
    peer_read_request(fd);
    peer_reply_headers(fd);
    peer_wait_closed(fd);
}

static void silence_after_headers_ends_at_the_deadline(void **state)
{
    (void)state;
    with_peer(answer_then_stay_silent, 200 * PROA_MILLISECOND, PROA_DEADLINE_EXCEEDED);
}

static void deadline_that_is_over_fails_without_a_connection(void **state)
{
    (void)state;
    proa_channel *channel = proa_channel_open("127.0.0.1:1", NULL);
    expect(call_once(channel, "/test.Echo/Say", -1), PROA_DEADLINE_EXCEEDED);
    proa_channel_close(channel);
}

static void wait_for_ready_waits_for_its_deadline(void **state)
{
    (void)state;
    proa_channel *channel = proa_channel_open("127.0.0.1:1", NULL);
    proa_call *call =
        proa_call_begin(channel, "/test.Echo/Say",
                        &(proa_call_options){ .timeout_ns = 200 * PROA_MILLISECOND, .wait_for_ready = true });
    expect(proa_call_status(call), PROA_DEADLINE_EXCEEDED);
    proa_call_end(call);
    proa_channel_close(channel);
}

static void bad_targets_and_tls_say_what_is_wrong(void **state)
{
    (void)state;
    proa_channel *bad = proa_channel_open("127.0.0.1:notaport", NULL);
    proa_status status = call_once(bad, "/test.Echo/Say", LIMIT);
    expect(status, PROA_UNAVAILABLE);
    assert_non_null(strstr(status.message.data, "notaport"));
    proa_channel_close(bad);

    proa_channel *far = proa_channel_open("192.0.2.1:50051", NULL);
    status = call_once(far, "/test.Echo/Say", LIMIT);
    expect(status, PROA_UNAVAILABLE);
    assert_non_null(strstr(status.message.data, "plaintext"));
    proa_channel_close(far);
}

static proa_code echo(proa_call *call)
{
    proa_slice message;
    while (proa_call_can_push(call) && proa_call_pop(call, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

/* The server stays whole whatever its clients do: calls that were begun end, connections go. */
static void server_survives_clients_that_break_off(void **state)
{
    (void)state;
    running r;
    proa_server *server = proa_server_new(NULL);
    proa_server_serve_bytes(server, "/test.Echo/Say", echo, NULL);
    running_start(&r, server);
    for (int i = 0; i < 20; i++) {
        proa_channel *channel = proa_channel_open(r.target, NULL);
        proa_call *call = proa_call_begin(channel, "/test.Echo/Say", NULL);
        proa_slice message = slice_of_size(1000);
        proa_call_send(call, &message);
        if (i % 2)
            assert_true(proa_call_receive(call, &message));
        if (i % 2)
            proa_slice_free(&message);
        if (i % 3 == 0)
            proa_call_cancel(call);
        proa_call_end(call);
        proa_channel_close(channel);
    }
    proa_channel *channel = proa_channel_open(r.target, NULL);
    expect(call_once(channel, "/test.Echo/Say", LIMIT), PROA_OK);
    expect(call_once(channel, "/test.Echo/Shout", LIMIT), PROA_UNIMPLEMENTED);
    expect(call_once(channel, "/test.Else/Say", LIMIT), PROA_UNIMPLEMENTED);
    proa_channel_close(channel);
    running_stop(&r);
}

static void second_address_in_use_fails_the_run(void **state)
{
    (void)state;
    proa_server *holder = proa_server_new(NULL);
    assert_int_equal(proa_server_listen(holder, "127.0.0.1:0", NULL), PROA_ERR_NONE);
    proa_server *server = proa_server_new(NULL);
    assert_int_equal(proa_server_listen(server, "127.0.0.1:0", NULL), PROA_ERR_NONE);
    assert_int_equal(proa_server_listen(server, proa_server_address(holder, 0), NULL), PROA_ERR_ADDRESS);
    proa_error error = { 0 };
    assert_int_equal(proa_server_run(server, &error), PROA_ERR_ADDRESS);
    assert_non_null(strstr(error.text, proa_server_address(holder, 0)));
    proa_server_free(server);
    proa_server_free(holder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_connection_is_unavailable_at_once),
        cmocka_unit_test(dead_peer_ends_the_call_at_its_deadline),
        cmocka_unit_test(closed_before_settings_is_unavailable),
        cmocka_unit_test(peer_without_http_2_is_unavailable),
        cmocka_unit_test(half_closed_socket_is_unavailable),
        cmocka_unit_test(reset_in_the_middle_of_a_message_is_unavailable),
        cmocka_unit_test(silence_after_headers_ends_at_the_deadline),
        cmocka_unit_test(deadline_that_is_over_fails_without_a_connection),
        cmocka_unit_test(wait_for_ready_waits_for_its_deadline),
        cmocka_unit_test(bad_targets_and_tls_say_what_is_wrong),
        cmocka_unit_test(server_survives_clients_that_break_off),
        cmocka_unit_test(second_address_in_use_fails_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
