/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: keepalive and who wants less of it, GOAWAY, idleness, plaintext, and how each of its ends is told. */
#include "client/client_testlib.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static proa_channel *open_to(const raw_server *s, proa_channel_options options)
{
    options.loop = s->home;
    options.seed = 1;
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

/* Some machines have none. */
static bool has_ipv6(void)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)(void *)&in6, sizeof in6) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

/* gRFC A8 */
static void keepalive_pings_while_calls_run_and_ends_what_does_not_answer(void **state)
{
    (void)state;
    static const int64_t settings[][3] = { /* keepalive, its least, and what is used; s */
                                           { 30, 0, 30 },
                                           { 1, 0, 10 },
                                           { 1, 1, 1 }
    };
    for (size_t i = 0; i < 3; i++) {
        raw_server s;
        raw_open(&s, virtual_home());
        proa_channel *channel = open_to(&s, (proa_channel_options){ .keepalive_ns = settings[i][0] * PROA_SECOND,
                                                                    .keepalive_min_ns = settings[i][1] * PROA_SECOND,
                                                                    .keepalive_timeout_ns = 7 * PROA_SECOND });
        proa_call *call = begin_call(channel, NULL);
        TURN_UNTIL(s.home, s.count && s.lines[0].half_closes);
        int64_t begun = home_now(s.home);
        TURN_UNTIL(s.home, s.lines[0].pings == 1);
        assert_in_range(home_now(s.home) - begun, settings[i][2] * PROA_SECOND - 20 * MS,
                        settings[i][2] * PROA_SECOND + 20 * MS);
        assert_true(says(call, "keepalive"));
        assert_in_range(home_now(s.home) - begun, (settings[i][2] + 7) * PROA_SECOND - 20 * MS,
                        (settings[i][2] + 7) * PROA_SECOND + 30 * MS);
        assert_int_equal(code_of(call), PROA_UNAVAILABLE);
        close_all(&s, channel);
    }
}

/* As with idle_ns, a negative time is none. */
static void a_negative_keepalive_is_none(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    proa_channel *channel =
        open_to(&s, (proa_channel_options){ .keepalive_ns = -1, .keepalive_timeout_ns = 7 * PROA_SECOND });
    proa_call *call = begin_call(channel, NULL);
    TURN_UNTIL(s.home, s.count && s.lines[0].half_closes);
    rest(s.home, 200 * PROA_SECOND);
    assert_int_equal(s.lines[0].pings, 0);
    proa_call_end(call);
    close_all(&s, channel);
}

/* A negative wait would be none at all: a server that is not there would be asked as fast as the loop turns. */
static void negative_backoff_is_the_default(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    s.hangs_up = true;
    proa_channel *channel =
        open_to(&s, (proa_channel_options){ .initial_backoff_ns = -PROA_SECOND, .max_backoff_ns = -1 });
    proa_call *call = begin_call(channel, &(proa_call_options){ .wait_for_ready = true });
    rest(s.home, 20 * PROA_SECOND);
    assert_in_range(s.count, 2, 30);
    proa_call_end(call);
    close_all(&s, channel);
}

static unsigned sockets_with_timeout(unsigned ms)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++) {
        unsigned got = 0;
        socklen_t size = sizeof got;
        count += getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &got, &size) == 0 && got == ms;
    }
    return count;
}

/* gRFC A18 */
static void tcp_is_given_the_same_time(void **state)
{
    (void)state;
    for (int is_on = 0; is_on < 2; is_on++) {
        raw_server s;
        raw_open(&s, virtual_home());
        s.answers = true;
        proa_channel *channel = open_to(
            &s, (proa_channel_options){ .keepalive_ns = is_on * 60 * PROA_SECOND, .keepalive_timeout_ns = 7654 * MS });
        assert_int_equal(code_of(begin_call(channel, NULL)), PROA_OK);
        assert_int_equal(sockets_with_timeout(7654), is_on);
        close_all(&s, channel);
    }
}

static void server_that_finds_pings_too_many_gets_half(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    proa_channel *channel = open_to(&s, (proa_channel_options){ .keepalive_ns = 10 * PROA_SECOND });
    for (unsigned i = 0; i < 3; i++) {
        proa_call *call = begin_call(channel, NULL);
        TURN_UNTIL(s.home, s.count == i + 1 && s.lines[i].half_closes == 1);
        int64_t begun = home_now(s.home);
        TURN_UNTIL(s.home, s.lines[i].pings == 1);
        assert_in_range(home_now(s.home) - begun, (10 << i) * PROA_SECOND - 20 * MS, (10 << i) * PROA_SECOND + 20 * MS);
        raw_goaway(&s.lines[i], s.lines[i].stream, 11 /* ENHANCE_YOUR_CALM */, i == 2 ? "other" : "too_many_pings");
        raw_ok(&s.lines[i], s.lines[i].stream);
        assert_int_equal(code_of(call), PROA_OK);
    }
    assert_int_equal(channel->own->keepalive_ns, 40 * PROA_SECOND); /* "other" is no reason */
    close_all(&s, channel);
}

/* gRFC A62, doc/connectivity-semantics-and-api.md */
static void connection_without_calls_is_closed_after_a_while(void **state)
{
    (void)state;
    static const int64_t minutes[] = { 0, 2 };
    for (size_t i = 0; i < 2; i++) {
        int64_t idle_ns = (minutes[i] ? minutes[i] : 30) * 60 * PROA_SECOND;
        raw_server s;
        raw_open(&s, virtual_home());
        s.answers = true;
        proa_channel *channel = open_to(&s, (proa_channel_options){ .idle_ns = minutes[i] * 60 * PROA_SECOND });
        for (int k = 0; k < 3; k++) { /* each call counts anew */
            assert_int_equal(code_of(begin_call(channel, NULL)), PROA_OK);
            rest(s.home, idle_ns - PROA_SECOND);
            assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_READY);
        }
        assert_int_equal(s.count, 1);
        rest(s.home, 2 * PROA_SECOND);
        assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_IDLE);
        TURN_UNTIL(s.home, s.lines[0].saw_end);
        assert_int_equal(s.lines[0].goaways, 1);
        assert_int_equal(code_of(begin_call(channel, NULL)), PROA_OK);
        assert_int_equal(s.count, 2);
        close_all(&s, channel);
    }
}

static void call_that_runs_keeps_its_connection_from_being_idle(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    proa_channel *channel = open_to(&s, (proa_channel_options){ 0 });
    proa_call *call = begin_call(channel, NULL);
    rest(s.home, 100 * 60 * PROA_SECOND);
    assert_false(proa_call_is_at_end(call));
    raw_ok(&s.lines[0], 1);
    assert_int_equal(code_of(call), PROA_OK);
    rest(s.home, 30 * 60 * PROA_SECOND - PROA_SECOND);
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_READY);
    rest(s.home, 2 * PROA_SECOND);
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_IDLE);
    close_all(&s, channel);
}

static void channel_that_fails_is_idle_too_when_nobody_asks(void **state)
{
    (void)state;
    proa_loop *home = virtual_home();
    proa_channel *channel = proa_channel_open("127.0.0.1:1", &(proa_channel_options){ .loop = home });
    assert_int_equal(code_of(begin_call(channel, NULL)), PROA_UNAVAILABLE);
    rest(home, 29 * 60 * PROA_SECOND);
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_TRANSIENT_FAILURE);
    rest(home, 2 * 60 * PROA_SECOND);
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_IDLE);
    assert_int_equal(io_loop_wait_ns(home_io(home)), INT64_MAX); /* no timer is left */
    proa_channel_close(channel);
    proa_loop_free(home);
}

static void never_idle_means_never(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    s.answers = true;
    proa_channel *channel = open_to(&s, (proa_channel_options){ .idle_ns = -1 });
    assert_int_equal(code_of(begin_call(channel, NULL)), PROA_OK);
    rest(s.home, 1000 * 60 * PROA_SECOND);
    assert_int_equal(proa_channel_get_state(channel, false), PROA_CHANNEL_READY);
    close_all(&s, channel);
}

static void targets_of_each_kind_reach_their_server(void **state)
{
    (void)state;
    static const struct {
        const char *listens, *target; /* %d: our pid; %s: the port, or the whole */
    } cases[] = {
        { "127.0.0.1:0", "127.0.0.1:%s" },
        { "127.0.0.1:0", "localhost:%s" },
        { "127.0.0.1:0", "dns:///localhost:%s" },
        { "127.0.0.1:0", "ipv4:127.0.0.1:1,127.0.0.1:%s" },
        { "[::1]:0", "[::1]:%s" },
        { "[::1]:0", "ipv6:[::1]:%s" },
        { "unix:transport_test-%d.sock", "%s" }, /* two runs at once must not meet */
        { "unix-abstract:proa-transport-test-%d", "%s" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        proa_loop *home = virtual_home();
        raw_server s;
        char listens[64], target[128];
        if (strncmp(cases[i].listens, "[::1]", 5) == 0 && !has_ipv6()) {
            proa_loop_free(home);
            continue;
        }
        snprintf(listens, sizeof listens, cases[i].listens, (int)getpid());
        raw_open_at(&s, home, listens);
        s.answers = true;
        bool is_unix = strncmp(listens, "unix", 4) == 0;
        snprintf(target, sizeof target, cases[i].target, is_unix ? s.address : strrchr(s.address, ':') + 1);
        proa_channel *channel = proa_channel_open(target, &(proa_channel_options){ .loop = home });
        assert_int_equal(code_of(begin_call(channel, NULL)), PROA_OK);
        assert_int_equal(s.count, 1);
        close_all(&s, channel);
    }
}

static void each_end_before_it_stood_says_where_and_why(void **state)
{
    (void)state;
    raw_server s;
    raw_open(&s, virtual_home());
    s.hangs_up = true;
    proa_channel *channel = open_to(&s, (proa_channel_options){ 0 });
    proa_call *call = begin_call(channel, NULL);
    assert_true(says(call, s.address));
    assert_int_equal(code_of(call), PROA_UNAVAILABLE);
    proa_channel_close(channel);
    s.hangs_up = false;
    s.is_mute = true;
    channel = open_to(&s, (proa_channel_options){ 0 });
    call = begin_call(channel, NULL);
    TURN_UNTIL(s.home, s.count == 2);
    raw_frame(&s.lines[1], 0, 0, 1, "HTTP/1.1 400 Bad Request", 24);
    assert_true(says(call, "the first frame is not SETTINGS"));
    assert_int_equal(code_of(call), PROA_UNAVAILABLE);
    close_all(&s, channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keepalive_pings_while_calls_run_and_ends_what_does_not_answer),
        cmocka_unit_test(a_negative_keepalive_is_none),
        cmocka_unit_test(negative_backoff_is_the_default),
        cmocka_unit_test(tcp_is_given_the_same_time),
        cmocka_unit_test(server_that_finds_pings_too_many_gets_half),
        cmocka_unit_test(connection_without_calls_is_closed_after_a_while),
        cmocka_unit_test(call_that_runs_keeps_its_connection_from_being_idle),
        cmocka_unit_test(channel_that_fails_is_idle_too_when_nobody_asks),
        cmocka_unit_test(never_idle_means_never),
        cmocka_unit_test(targets_of_each_kind_reach_their_server),
        cmocka_unit_test(each_end_before_it_stood_says_where_and_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
