/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups against a DNS server of a few lines in this process: answers, refusals, nonsense, silence, cancelling. */
#include "io/dns.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/peer_testlib.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MS PROA_MILLISECOND

enum { TYPE_A = 1, TYPE_AAAA = 28 };

/* What the server answers to all questions. */
typedef enum answer { GOOD, ONLY_V4, MANY, NO_NAME, EMPTY, NONSENSE, SILENCE } answer;

typedef struct resolver {
    io_loop *loop;
    int fd;
    answer answer;
    unsigned questions;
} resolver;

typedef struct result {
    unsigned count;
    io_addresses addresses;
    proa_error error;
} result;

static void on_done(void *owner, const io_addresses *addresses, const proa_error *error)
{
    result *r = owner;
    r->count++;
    r->addresses = *addresses;
    r->error = *error;
}

static int begin(void **state)
{
    resolver *r = memory_new(sizeof *r);
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof in;
    char server[32];
    r->loop = io_loop_new(NULL);
    r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (bind(r->fd, (struct sockaddr *)&in, sizeof in) || getsockname(r->fd, (struct sockaddr *)&in, &size))
        return -1;
    snprintf(server, sizeof server, "127.0.0.1:%d", ntohs(in.sin_port));
    *state = r;
    return io_lookup_servers(r->loop, server) != PROA_ERR_NONE;
}

static int finish(void **state)
{
    resolver *r = *state;
    io_loop_free(r->loop);
    close(r->fd);
    memory_free(r);
    return 0;
}

static size_t add_record(unsigned char *to, int type, unsigned char last)
{
    static const unsigned char v6[15] = { 0x20, 0x01, 0x0d, 0xb8 };
    size_t data_size = type == TYPE_A ? 4 : 16;
    /* A pointer to the name in the question, type, class IN, 60 s, size. */
    const unsigned char head[12] = { 0xc0, 12, 0, (unsigned char)type, 0, 1, 0, 0, 0, 60, 0, (unsigned char)data_size };
    memcpy(to, head, sizeof head);
    memcpy(to + 12, type == TYPE_A ? (const unsigned char[]){ 192, 0, 2 } : v6, data_size - 1);
    to[12 + data_size - 1] = last;
    return 12 + data_size;
}

/* RFC 1035 4.1, enough for one question. */
static void serve(resolver *r)
{
    unsigned char message[2048];
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    ssize_t size = recvfrom(r->fd, message, 512, 0, (struct sockaddr *)&from, &from_size);
    if (size < 17)
        return;
    r->questions++;
    size_t end = 12;
    while (message[end])
        end += message[end] + 1u;
    int type = message[end + 2];
    end += 5;
    int records = r->answer == GOOD ? 1 : r->answer == ONLY_V4 ? type == TYPE_A : r->answer == MANY ? 20 : 0;
    if (r->answer == SILENCE)
        return;
    message[2] = 0x81, message[3] = r->answer == NO_NAME ? 0x83 : 0x80;
    memset(message + 6, 0, 6);
    message[7] = (unsigned char)records;
    for (int i = 0; i < records; i++)
        end += add_record(message + end, type, (unsigned char)(i + 1));
    if (r->answer == NONSENSE) {
        message[7] = 9;
        memset(message + end, 0xff, 20);
        end += 20;
    }
    sendto(r->fd, message, end, 0, (struct sockaddr *)&from, from_size);
}

static io_lookup *start(resolver *r, const char *text, result *out)
{
    io_target target;
    assert_int_equal(io_target_parse(text, -1, &target, NULL), PROA_ERR_NONE);
    *out = (result){ .count = 0 };
    io_lookup *lookup = io_lookup_start(r->loop, &target, on_done, out);
    assert_int_equal(out->count, 0);
    return lookup;
}

static void turn_until_done(resolver *r, const result *result)
{
    for (int64_t until = io_clock_now() + 5 * PROA_SECOND; result->count == 0 && io_clock_now() < until;) {
        serve(r);
        io_loop_turn(r->loop, MS);
    }
    assert_int_equal(result->count, 1);
    io_loop_turn(r->loop, 0);
    assert_int_equal(result->count, 1);
}

static bool has(const result *result, const char *address)
{
    for (unsigned i = 0; i < result->addresses.count; i++) {
        char text[80];
        io_address_format(&result->addresses.items[i], text, sizeof text);
        if (strcmp(text, address) == 0)
            return true;
    }
    return false;
}

static void names_become_addresses_of_both_families(void **state)
{
    resolver *r = *state;
    result got;
    start(r, "host.example:81", &got);
    turn_until_done(r, &got);
    assert_int_equal(got.error.code, PROA_ERR_NONE);
    assert_int_equal(got.addresses.count, 2);
    assert_true(has(&got, "ipv4:192.0.2.1:81"));
    assert_true(has(&got, "ipv6:[2001:db8::1]:81"));
    assert_int_equal(r->questions, 2);
    r->answer = ONLY_V4;
    start(r, "dns:///host.example:82", &got);
    turn_until_done(r, &got);
    assert_int_equal(got.addresses.count, 1);
    assert_true(has(&got, "ipv4:192.0.2.1:82"));
}

static void more_addresses_than_we_hold_are_cut(void **state)
{
    resolver *r = *state;
    result got;
    r->answer = MANY;
    start(r, "host.example:81", &got);
    turn_until_done(r, &got);
    assert_int_equal(got.error.code, PROA_ERR_NONE);
    assert_int_equal(got.addresses.count, IO_ADDRESSES_MAX);
}

static void failures_name_the_host(void **state)
{
    resolver *r = *state;
    static const answer answers[] = { NO_NAME, EMPTY, NONSENSE };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        result got;
        r->answer = answers[i];
        start(r, "nowhere.example:81", &got);
        turn_until_done(r, &got);
        assert_int_equal(got.error.code, PROA_ERR_ADDRESS);
        assert_int_equal(got.addresses.count, 0);
        assert_int_equal(strncmp(got.error.text, "looking up \"nowhere.example\": ", 30), 0);
    }
}

static void what_needs_no_question_is_answered_later_too(void **state)
{
    resolver *r = *state;
    static const char *const texts[] = { "127.0.0.1:80", "localhost:80", "unix:/a" };
    for (size_t i = 0; i < 3; i++) {
        result got;
        start(r, texts[i], &got);
        assert_true(io_loop_wait_ns(r->loop) == 0);
        io_loop_turn(r->loop, -1);
        assert_int_equal(got.count, 1);
        assert_int_equal(got.error.code, PROA_ERR_NONE);
        assert_int_equal(got.addresses.count, i == 1 ? 2 : 1);
    }
    assert_int_equal(r->questions, 0);
}

static void a_cancelled_lookup_says_nothing(void **state)
{
    resolver *r = *state;
    result first, second, third;
    io_lookup *numeric = start(r, "127.0.0.1:80", &first);
    io_lookup_cancel(numeric);
    io_lookup *asked = start(r, "host.example:81", &second);
    io_lookup_cancel(asked);
    start(r, "host.example:81", &third);
    turn_until_done(r, &third);
    assert_int_equal(first.count + second.count, 0);
    io_lookup_cancel(NULL);
}

static void a_silent_server_leaves_the_loop_asleep_and_free(void **state)
{
    resolver *r = *state;
    result got;
    r->answer = SILENCE;
    io_lookup *lookup = start(r, "host.example:81", &got);
    int turns = 0;
    for (int64_t until = io_clock_now() + 50 * MS, now; (now = io_clock_now()) < until; turns++) {
        serve(r);
        io_loop_turn(r->loop, until - now);
    }
    assert_true(turns < 10);
    assert_true(io_loop_wait_ns(r->loop) < 30 * PROA_SECOND);
    assert_int_equal(got.count, 0);
    io_lookup_cancel(lookup); /* and goes with the loop */
}

static void no_memory_is_an_answer(void **state)
{
    (void)state;
    io_target target;
    assert_int_equal(io_target_parse("host.example:80", -1, &target, NULL), PROA_ERR_NONE);
    io_loop *loop = io_loop_new(NULL);
    result got = { .count = 0 };
    memory_watch(1);
    assert_null(io_lookup_start(loop, &target, on_done, &got));
    memory_watch(2);
    assert_non_null(io_lookup_start(loop, &target, on_done, &got));
    memory_unwatch();
    io_loop_turn(loop, 0);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.error.code, PROA_ERR_NOMEM);
    io_loop_free(loop);
}

#define WITH_RESOLVER(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RESOLVER(names_become_addresses_of_both_families),
        WITH_RESOLVER(more_addresses_than_we_hold_are_cut),
        WITH_RESOLVER(failures_name_the_host),
        WITH_RESOLVER(what_needs_no_question_is_answered_later_too),
        WITH_RESOLVER(a_cancelled_lookup_says_nothing),
        WITH_RESOLVER(a_silent_server_leaves_the_loop_asleep_and_free),
        cmocka_unit_test(no_memory_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
