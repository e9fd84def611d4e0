/* SPDX-License-Identifier: Apache-2.0 */
/* What a server counts, read from another thread while it runs. Each case meets one limit and finds it in its counter, and
 * in no other. */
#include "stack.h"
#include <stdio.h>
#include <unistd.h>

#define MS PROA_MILLISECOND

static proa_code never(proa_call *call)
{
    (void)call;
    return PROA_WAIT;
}

static proa_code read_all(proa_call *call)
{
    proa_slice message;
    while (proa_call_pop(call, &message))
        proa_slice_free(&message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static void start(running *r, proa_server_options options)
{
    options.grace_ns = 1;
    proa_server *server = proa_server_new(&options);
    proa_server_serve_bytes(server, "/t.T/Never", never, NULL);
    proa_server_serve_bytes(server, "/t.T/Read", read_all, NULL);
    running_start(r, server);
}

/* Waits until a member is at least `least`; gives all. */
static proa_counters wait_for(running *r, size_t member, uint64_t least)
{
    proa_counters c;
    for (int i = 0; i < 500; i++) {
        proa_server_get_counters(r->server, &c);
        if (*(const uint64_t *)(const void *)((const char *)&c + member) >= least)
            return c;
        usleep(10000);
    }
    fail_msg("the counter at %zu stays under %d", member / 8, (int)least);
    return c;
}
#define WAIT_FOR(r, member, least) wait_for((r), offsetof(proa_counters, member), (least))

/* Of the limits, that one alone was met. */
static void only(const proa_counters *c, size_t member)
{
    for (size_t at = offsetof(proa_counters, connections_max); at < sizeof *c; at += sizeof(uint64_t)) {
        uint64_t count = *(const uint64_t *)(const void *)((const char *)c + at);
        if ((at == member) != (count > 0))
            fail_msg("limit %zu was met %d times", at / 8, (int)count);
    }
}
#define ONLY(c, member) only((c), offsetof(proa_counters, member))

static void calls_and_connections_are_counted(void **state)
{
    (void)state;
    running r;
    start(&r, (proa_server_options){ 0 });
    for (int i = 1; i <= 3; i++) {
        proa_channel *channel = proa_channel_open(r.target, NULL);
        assert_int_equal(call_once(channel, "/t.T/Read", 0).code, PROA_OK);
        assert_int_equal(call_once(channel, "/t.T/Unknown", 0).code, PROA_UNIMPLEMENTED);
        proa_channel_close(channel);
        WAIT_FOR(&r, connections_closed, (uint64_t)i);
        proa_counters c = WAIT_FOR(&r, calls_ended, (uint64_t)i * 2);
        assert_int_equal(c.connections_opened, i);
        assert_int_equal(c.connections_closed, i);
        assert_int_equal(c.calls_begun, i * 2);
        assert_int_equal(c.faults_stream + c.faults_connection, 0);
        ONLY(&c, calls_begun); /* none */
    }
    running_stop(&r);
}

static void connections_over_the_limit_are_closed_as_they_come(void **state)
{
    (void)state;
    for (unsigned loops = 1; loops <= 3; loops += 2) { /* the limit is that of all loops together */
        running r;
        start(&r, (proa_server_options){ .connections_max = 2, .loops = loops });
        int held[2];
        for (int i = 0; i < 2; i++)
            held[i] = peer_connect(r.target);
        WAIT_FOR(&r, connections_opened, 2);
        for (int i = 1; i <= 3; i++) {
            int fd = peer_connect(r.target);
            assert_true(peer_wait_closed(fd));
            close(fd);
        }
        proa_counters c = WAIT_FOR(&r, connections_max, 3);
        assert_int_equal(c.connections_opened, 2);
        ONLY(&c, connections_max);
        close(held[0]);
        WAIT_FOR(&r, connections_closed, 1);
        proa_channel *channel = proa_channel_open(r.target, NULL); /* there is room again */
        assert_int_equal(call_once(channel, "/t.T/Read", 0).code, PROA_OK);
        proa_channel_close(channel);
        close(held[1]);
        running_stop(&r);
    }
}

static void streams_over_the_limit_are_refused(void **state)
{
    (void)state;
    running r;
    start(&r, (proa_server_options){ .limits = &(proa_limits){ .streams_max = 2 } });
    int fd = peer_connect(r.target);
    peer_preface(fd);
    for (unsigned char id = 1; id <= 9; id += 2)
        peer_request(fd, id, "/t.T/Never");
    proa_counters c = WAIT_FOR(&r, streams_max, 3);
    assert_int_equal(c.streams_max, 3);
    assert_int_equal(c.calls_begun, 2);
    assert_int_equal(c.faults_stream, 3);
    ONLY(&c, streams_max);
    close(fd);
    c = WAIT_FOR(&r, connections_closed, 1); /* what a connection counted stays when it is gone */
    assert_int_equal(c.streams_max, 3);
    running_stop(&r);
}

static void messages_over_the_limit_are_refused(void **state)
{
    (void)state;
    running r;
    start(&r, (proa_server_options){ .receive_bytes_max = 1000 });
    proa_channel *channel = proa_channel_open(r.target, NULL);
    for (int i = 0; i < 2; i++) {
        proa_call *call = proa_call_begin(channel, "/t.T/Read", NULL);
        proa_slice message = slice_of_size(1001);
        proa_call_send(call, &message);
        assert_int_equal(proa_call_status(call).code, PROA_RESOURCE_EXHAUSTED);
        proa_call_end(call);
    }
    proa_counters c = WAIT_FOR(&r, receive_bytes_max, 2);
    assert_int_equal(c.receive_bytes_max, 2);
    ONLY(&c, receive_bytes_max);
    proa_channel_close(channel);
    running_stop(&r);
}

/* A client of ours would not send it: it knows the server's limit from its SETTINGS. */
static void request_with_a_large_header(int fd)
{
    static const char head[] =
        "\x83\x86\x04\x09/t.T/Read\x01\x01x\x00\x05large\x7f\xb9\x16"; /* 127 + 0x39 + 0x16 * 128 */
    char block[sizeof head - 1 + 3000];
    memset(block, 'x', sizeof block);
    memcpy(block, head, sizeof head - 1);
    peer_preface(fd);
    peer_frame(fd, 1, 5, 1, block, sizeof block);
}

static void header_lists_over_the_limits_are_refused(void **state)
{
    (void)state;
    running r;
    start(&r,
          (proa_server_options){ .limits = &(proa_limits){ .header_list_bytes_max = 2000, .header_fields_max = 20 } });
    proa_channel *channel = proa_channel_open(r.target, NULL);
    char value[3000];
    memset(value, 'x', sizeof value);
    proa_header large = { PROA_STR("large"), { value, sizeof value } }, many[20];
    for (int i = 0; i < 20; i++)
        many[i] = (proa_header){ PROA_STR("k"), PROA_STR("v") };
    int fd = peer_connect(r.target);
    request_with_a_large_header(fd);
    proa_counters c = WAIT_FOR(&r, header_list_bytes_max, 1);
    ONLY(&c, header_list_bytes_max);
    close(fd);
    proa_call *call = proa_call_begin(channel, "/t.T/Read", &(proa_call_options){ .headers = { &large, 1 } });
    assert_int_equal(proa_call_status(call).code, PROA_RESOURCE_EXHAUSTED);
    proa_call_end(call);
    call = proa_call_begin(channel, "/t.T/Read", &(proa_call_options){ .headers = { many, 20 } });
    assert_int_equal(proa_call_status(call).code, PROA_RESOURCE_EXHAUSTED);
    proa_call_end(call);
    c = WAIT_FOR(&r, header_fields_max, 1);
    assert_int_equal(c.header_list_bytes_max, 1);
    proa_channel_close(channel);
    running_stop(&r);
}

/* ---- Connections that break a rule: one counter of the limit, one of the faults */

static void preface_only(int fd)
{
    peer_preface(fd);
}

static void nothing(int fd)
{
    (void)fd;
}

static void many_settings(int fd)
{
    char entries[40 * 6] = { 0 };
    for (int i = 0; i < 40; i++)
        entries[i * 6 + 1] = 3;
    peer_preface(fd);
    peer_frame(fd, 4, 0, 0, entries, sizeof entries);
}

static void large_frame(int fd)
{
    static char payload[16385];
    peer_preface(fd);
    peer_frame(fd, 0, 0, 1, payload, sizeof payload);
}

static void continuations(int fd)
{
    peer_preface(fd);
    peer_frame(fd, 1, 0, 1, "\x83", 1);
    for (int i = 0; i < 10; i++)
        peer_frame(fd, 9, 0, 1, "\x86", 1);
}

static void empty_data(int fd)
{
    peer_preface(fd);
    peer_request(fd, 1, "/t.T/Never");
    for (int i = 0; i < 110; i++)
        peer_frame(fd, 0, 0, 1, NULL, 0);
}

static void pings(int fd)
{
    peer_preface(fd);
    for (int i = 0; i < 10; i++)
        peer_frame(fd, 6, 0, 0, "12345678", 8);
}

static void half_a_frame(int fd)
{
    peer_preface(fd);
    peer_frame(fd, 4, 1, 0, NULL, 0);
    peer_write(fd, "\0\0\x10\1", 4);
}

static void connections_that_break_a_limit_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*script)(int fd);
        proa_limits limits;
        size_t member;
    } cases[] = {
        { "preface", nothing, { .preface_ns = 50 * MS }, offsetof(proa_counters, preface_ns) },
        { "ack", preface_only, { .settings_ack_ns = 50 * MS }, offsetof(proa_counters, settings_ack_ns) },
        { "headers", half_a_frame, { .headers_ns = 50 * MS }, offsetof(proa_counters, headers_ns) },
        { "settings", many_settings, { 0 }, offsetof(proa_counters, settings_entries_max) },
        { "frame", large_frame, { .frame_bytes_max = 16384 }, offsetof(proa_counters, frame_bytes_max) },
        { "continuations", continuations, { 0 }, offsetof(proa_counters, continuations_max) },
        { "empty", empty_data, { 0 }, offsetof(proa_counters, empty_frames_max) },
        { "pings", pings, { 0 }, offsetof(proa_counters, ping_strikes_max) },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        running r;
        start(&r, (proa_server_options){ .limits = &cases[i].limits });
        int fd = peer_connect(r.target);
        cases[i].script(fd);
        proa_counters c = wait_for(&r, cases[i].member, 1);
        only(&c, cases[i].member);
        assert_true(peer_wait_closed(fd));
        close(fd);
        c = WAIT_FOR(&r, connections_closed, 1);
        if (c.faults_connection != 1)
            fail_msg("%s: %d faults", cases[i].name, (int)c.faults_connection);
        running_stop(&r);
    }
}

static void loops_are_counted_together(void **state)
{
    (void)state;
    running r;
    start(&r, (proa_server_options){ .loops = 3 });
    for (int i = 0; i < 12; i++) {
        proa_channel *channel = proa_channel_open(r.target, NULL);
        assert_int_equal(call_once(channel, "/t.T/Read", 0).code, PROA_OK);
        proa_channel_close(channel);
    }
    proa_counters c = WAIT_FOR(&r, calls_ended, 12);
    assert_int_equal(c.connections_opened, 12);
    assert_int_equal(c.calls_begun, 12);
    running_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_connections_are_counted),
        cmocka_unit_test(connections_over_the_limit_are_closed_as_they_come),
        cmocka_unit_test(streams_over_the_limit_are_refused),
        cmocka_unit_test(messages_over_the_limit_are_refused),
        cmocka_unit_test(header_lists_over_the_limits_are_refused),
        cmocka_unit_test(connections_that_break_a_limit_are_counted),
        cmocka_unit_test(loops_are_counted_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
