/* SPDX-License-Identifier: Apache-2.0 */
/* Names: asked when a call needs them, again when connections end, not too often, not for ever. The DNS server is a few lines. */
#include "client/client_testlib.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

typedef enum answer { LOOPBACK, OTHER, NO_NAME, SILENCE } answer; /* 127.0.0.1, 127.0.0.2 */

typedef struct names {
    raw_server server; /* at 127.0.0.1 */
    proa_loop *home;
    proa_channel *channel;
    int fd;
    answer answer;
    unsigned questions; /* for an IPv4 address */
    int64_t asked_at[64];
} names;

/* RFC 1035 4.1, enough for one question. */
static bool serve(names *n)
{
    unsigned char message[2048];
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    ssize_t size = recvfrom(n->fd, message, 512, 0, (struct sockaddr *)(void *)&from, &from_size);
    if (size < 17)
        return false;
    size_t end = 12;
    while (message[end])
        end += message[end] + 1u;
    bool is_v4 = message[end + 2] == 1;
    end += 5;
    if (is_v4)
        n->asked_at[n->questions++ % 64] = home_now(n->home);
    if (n->answer == SILENCE)
        return true;
    message[2] = 0x81, message[3] = n->answer == NO_NAME ? 0x83 : 0x80;
    memset(message + 6, 0, 6);
    if (is_v4 && n->answer != NO_NAME) {
        const unsigned char record[] = {
            0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, n->answer == OTHER ? 2 : 1
        };
        message[7] = 1;
        memcpy(message + end, record, sizeof record);
        end += sizeof record;
    }
    sendto(n->fd, message, end, 0, (struct sockaddr *)(void *)&from, from_size);
    return true;
}

static void turn(names *n)
{
    while (serve(n))
        ;
    home_turn(n->home, 10 * MS);
}

#define SERVE_UNTIL(n, condition) \
    do { \
        int64_t give_up_ = home_now((n)->home) + 3000 * PROA_SECOND; \
        while (!(condition)) { \
            if (home_now((n)->home) > give_up_) \
                fail_msg("never: %s", #condition); \
            turn(n); \
        } \
    } while (0)

static void serve_for(names *n, int64_t ns)
{
    for (int64_t until = home_now(n->home) + ns; home_now(n->home) < until;)
        turn(n);
}

static int begin(void **state)
{
    names *n = memory_new(sizeof *n);
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof in;
    char text[64];
    n->home = virtual_home();
    raw_open(&n->server, n->home);
    n->server.answers = true;
    n->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (bind(n->fd, (struct sockaddr *)(void *)&in, sizeof in) ||
        getsockname(n->fd, (struct sockaddr *)(void *)&in, &size))
        return -1;
    snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(in.sin_port));
    if (io_lookup_servers(home_io(n->home), text))
        return -1;
    snprintf(text, sizeof text, "dns:///host.example:%s", strrchr(n->server.address, ':') + 1);
    n->channel = proa_channel_open(text, &(proa_channel_options){ .loop = n->home, .seed = 1 });
    *state = n;
    return 0;
}

static int finish(void **state)
{
    names *n = *state;
    proa_channel_close(n->channel);
    raw_shut(&n->server);
    rest(n->home, MS);
    proa_loop_free(n->home);
    close(n->fd);
    memory_free(n);
    return 0;
}

static proa_code code_with_names(names *n, proa_call *call)
{
    SERVE_UNTIL(n, proa_call_is_at_end(call));
    return code_of(call);
}

static void name_is_asked_for_with_the_first_call(void **state)
{
    names *n = *state;
    serve_for(n, 5 * PROA_SECOND);
    assert_int_equal(n->questions, 0);
    assert_int_equal(code_with_names(n, begin_call(n->channel, NULL)), PROA_OK);
    assert_int_equal(n->questions, 1);
    assert_string_equal(n->channel->authority, strstr(n->channel->authority, "host.example:"));
}

static void it_is_asked_for_again_when_connections_end_but_not_within_30_s(void **state)
{
    names *n = *state;
    assert_int_equal(code_with_names(n, begin_call(n->channel, NULL)), PROA_OK);
    for (unsigned i = 0; i < 5; i++) { /* the address that is known serves meanwhile */
        serve_for(n, PROA_SECOND);
        raw_hang_up(&n->server.lines[i]);
        turn(n);
        assert_int_equal(code_with_names(n, begin_call(n->channel, NULL)), PROA_OK);
    }
    assert_int_equal(n->questions, 1);
    serve_for(n, 40 * PROA_SECOND);
    assert_int_equal(n->questions, 2);
    assert_in_range(n->asked_at[1] - n->asked_at[0], 29 * PROA_SECOND, 31 * PROA_SECOND);
    serve_for(n, 100 * PROA_SECOND);
    assert_int_equal(n->questions, 2); /* all is well: no reason to ask */
}

static void server_that_moved_is_found(void **state)
{
    names *n = *state;
    assert_int_equal(code_with_names(n, begin_call(n->channel, NULL)), PROA_OK);
    char moved[64];
    raw_server other;
    snprintf(moved, sizeof moved, "127.0.0.2:%s", strrchr(n->server.address, ':') + 1);
    raw_shut(&n->server);
    raw_open_at(&other, n->home, moved);
    other.answers = true;
    n->answer = OTHER;
    turn(n);
    proa_call *hasty = begin_call(n->channel, NULL);
    proa_call *patient = begin_call(n->channel, &(proa_call_options){ .wait_for_ready = true });
    assert_int_equal(code_with_names(n, hasty), PROA_UNAVAILABLE);
    int64_t begun = home_now(n->home);
    assert_int_equal(code_with_names(n, patient), PROA_OK);
    assert_true(home_now(n->home) - begun < 32 * PROA_SECOND);
    assert_int_equal(other.count, 1);
    raw_shut(&other);
}

static void name_that_is_not_there_is_said_and_tried_again(void **state)
{
    names *n = *state;
    n->answer = NO_NAME;
    proa_call *patient = begin_call(n->channel, &(proa_call_options){ .wait_for_ready = true });
    proa_call *hasty = begin_call(n->channel, NULL);
    SERVE_UNTIL(n, proa_call_is_at_end(hasty));
    assert_true(says(hasty, "looking up \"host.example\""));
    assert_int_equal(code_of(hasty), PROA_UNAVAILABLE);
    assert_int_equal(proa_channel_get_state(n->channel, false), PROA_CHANNEL_TRANSIENT_FAILURE);
    SERVE_UNTIL(n, n->questions == 4);
    for (unsigned i = 1; i < 4; i++) /* with backoff: 1 s, 1.6 s, 2.56 s */
        assert_in_range(n->asked_at[i] - n->asked_at[i - 1], 790 * MS, 3200 * MS);
    n->answer = LOOPBACK;
    assert_int_equal(code_with_names(n, patient), PROA_OK);
}

/* c-ares would wait for its own good time. */
static void lookup_that_hangs_ends(void **state)
{
    names *n = *state;
    n->answer = SILENCE;
    int64_t begun = home_now(n->home);
    proa_call *call = begin_call(n->channel, NULL);
    SERVE_UNTIL(n, proa_call_is_at_end(call));
    assert_true(home_now(n->home) - begun <= 21 * PROA_SECOND);
    assert_true(says(call, "looking up \"host.example\""));
    assert_int_equal(code_of(call), PROA_UNAVAILABLE);
    n->answer = LOOPBACK;
    assert_int_equal(code_with_names(n, begin_call(n->channel, &(proa_call_options){ .wait_for_ready = true })),
                     PROA_OK);
}

static void channel_closes_while_it_asks(void **state)
{
    names *n = *state;
    n->answer = SILENCE;
    proa_call *call = begin_call(n->channel, NULL);
    serve_for(n, 100 * MS);
    proa_channel_close(n->channel);
    n->channel = NULL;
    assert_int_equal(code_of(call), PROA_CANCELLED);
    serve_for(n, 100 * MS);
}

#define WITH_NAMES(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_NAMES(name_is_asked_for_with_the_first_call),
        WITH_NAMES(it_is_asked_for_again_when_connections_end_but_not_within_30_s),
        WITH_NAMES(server_that_moved_is_found),
        WITH_NAMES(name_that_is_not_there_is_said_and_tried_again),
        WITH_NAMES(lookup_that_hangs_ends),
        WITH_NAMES(channel_closes_while_it_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
