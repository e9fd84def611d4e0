/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets, TCP and Unix alike: bytes, ends, resets, refusals, pauses, short writes, and who may close when. */
#include "io/loop.h"
#include "io/peer_testlib.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MS PROA_MILLISECOND

static const char *const places[] = { "127.0.0.1:0", "unix-abstract:proa-socket-test" };
static char place_unix[64];

static int begin(void **state)
{
    *state = io_loop_new(NULL);
    return *state == NULL;
}

static int finish(void **state)
{
    io_loop_free(*state);
    return 0;
}

static const char *place(int which)
{
    /* Two runs of this test at once must not meet. */
    snprintf(place_unix, sizeof place_unix, "%s-%ld", places[1], (long)getpid());
    return which ? place_unix : places[0];
}

/* How many turns a span takes: a loop that spins takes thousands. */
static int turns_in(io_loop *loop, int64_t ns)
{
    int turns = 0;
    for (int64_t until = io_clock_now() + ns, now; (now = io_clock_now()) < until; turns++)
        io_loop_turn(loop, until - now);
    return turns;
}

static void bytes_go_both_ways(void **state)
{
    io_loop *loop = *state;
    for (int which = 0; which < 2; which++) {
        peer client, server;
        pair_open(loop, place(which), &client, &server);
        assert_int_equal(peer_write(&client, "ping", 4), 4);
        TURN_UNTIL(loop, buffer_size(&server.in) == 4);
        assert_true(BYTES_IS(buffer_bytes(&server.in), "ping"));
        const proa_bytes parts[] = { PROA_STR("po"), { NULL, 0 }, PROA_STR("ng") };
        assert_int_equal(io_socket_write(server.socket, parts, 3), 4);
        TURN_UNTIL(loop, buffer_size(&client.in) == 4);
        assert_true(BYTES_IS(buffer_bytes(&client.in), "pong"));
        assert_int_equal(io_socket_write(server.socket, parts, 0), 0);
        assert_int_equal(io_socket_write(server.socket, parts + 1, 1), 0);
        assert_int_equal(client.writable + server.writable, 0);
        peer_close(&client);
        peer_close(&server);
    }
}

static void a_fin_is_the_last_event_and_the_other_way_stays_open(void **state)
{
    io_loop *loop = *state;
    for (int which = 0; which < 2; which++) {
        peer client, server;
        pair_open(loop, place(which), &client, &server);
        assert_int_equal(peer_write(&client, "last", 4), 4);
        io_socket_end(client.socket);
        io_socket_end(client.socket);
        TURN_UNTIL(loop, server.ends);
        assert_true(BYTES_IS(buffer_bytes(&server.in), "last"));
        assert_int_equal(server.error.code, PROA_ERR_NONE);
        assert_int_equal(client.ends, 0);
        assert_true(turns_in(loop, 20 * MS) < 10);
        assert_int_equal(peer_write(&server, "answer", 6), 6);
        TURN_UNTIL(loop, buffer_size(&client.in) == 6);
        peer_close(&server);
        TURN_UNTIL(loop, client.ends);
        assert_int_equal(client.error.code, PROA_ERR_NONE);
        assert_int_equal(server.ends, 1);
        peer_close(&client);
    }
}

static void a_reset_is_an_error_that_names_the_peer(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    pair_open(loop, place(0), &client, &server);
    char text[64], expected[128];
    io_address_format(io_socket_peer(client.socket), text, sizeof text);
    snprintf(expected, sizeof expected, "%s: connection reset by peer", text + strlen("ipv4:"));
    /* Closing with unread bytes resets (RFC 9293 3.6.1; RFC 2525 2.17). */
    io_socket_pause(server.socket, true);
    assert_int_equal(peer_write(&client, "unread", 6), 6);
    io_loop_turn(loop, 5 * MS);
    peer_close(&server);
    TURN_UNTIL(loop, client.ends);
    assert_int_equal(client.error.code, PROA_ERR_IO);
    assert_string_equal(client.error.text, expected);
    assert_true(turns_in(loop, 20 * MS) < 10);
    assert_int_equal(client.ends, 1);
    peer_close(&client);
}

static void a_reset_is_noticed_while_paused(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    pair_open(loop, place(0), &client, &server);
    client.pauses_on_bytes = true;
    assert_int_equal(peer_write(&server, "1", 1), 1);
    TURN_UNTIL(loop, client.reads == 1);
    assert_int_equal(peer_write(&server, "2", 1), 1);
    io_socket_pause(server.socket, true);
    assert_int_equal(peer_write(&client, "unread", 6), 6);
    assert_true(turns_in(loop, 20 * MS) < 10);
    assert_int_equal(client.reads, 1);
    peer_close(&server);
    TURN_UNTIL(loop, client.ends);
    assert_int_equal(client.error.code, PROA_ERR_IO);
    peer_close(&client);
}

static void what_came_before_a_reset_is_given(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    pair_open(loop, place(0), &client, &server);
    io_socket_pause(server.socket, true);
    assert_int_equal(peer_write(&client, "unread", 6), 6);
    io_loop_turn(loop, 5 * MS);
    assert_int_equal(peer_write(&server, "answer", 6), 6);
    peer_close(&server);
    /* The client finds out by writing, before it looks. */
    assert_int_equal(peer_write(&client, "more", 4), 0);
    assert_int_equal(client.ends, 0);
    assert_true(io_loop_wait_ns(loop) == 0);
    io_loop_turn(loop, -1);
    assert_true(BYTES_IS(buffer_bytes(&client.in), "answer"));
    assert_int_equal(client.ends, 1);
    assert_int_equal(client.error.code, PROA_ERR_IO);
    assert_int_equal(peer_write(&client, "more", 4), 0);
    peer_close(&client);
}

static void a_failed_write_comes_through_on_end(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    pair_open(loop, place(1), &client, &server);
    peer_close(&server);
    assert_int_equal(peer_write(&client, "lost", 4), 0);
    assert_int_equal(client.ends, 0);
    TURN_UNTIL(loop, client.ends);
    assert_int_equal(client.error.code, PROA_ERR_IO);
    assert_non_null(strstr(client.error.text, "broken pipe"));
    peer_close(&client);
}

static void a_refused_connect_says_so(void **state)
{
    io_loop *loop = *state;
    host h = { .count = 0 };
    host_open(loop, &h, place(0));
    io_address address = *io_listener_address(h.listener);
    io_listener_close(h.listener);
    peer client = { .closes_on_end = true };
    peer_connect(loop, &client, &address);
    assert_int_equal(peer_write(&client, "early", 5), 0);
    assert_int_equal(client.ends, 0);
    TURN_UNTIL(loop, client.ends);
    assert_int_equal(client.connected + client.writable, 0);
    assert_int_equal(client.error.code, PROA_ERR_IO);
    assert_non_null(strstr(client.error.text, ": connection refused"));
}

static void a_connect_that_fails_at_once_fails_later(void **state)
{
    io_loop *loop = *state;
    const char *const nowhere[] = { "unix:/nonexistent/proa.sock", "255.255.255.255:1" };
    for (int which = 0; which < 2; which++) {
        io_address address = address_of(nowhere[which]);
        peer client = { .closes_on_end = true };
        peer_connect(loop, &client, &address);
        assert_int_equal(client.ends, 0);
        assert_true(which == 1 || io_loop_wait_ns(loop) == 0);
        TURN_UNTIL(loop, client.ends);
        assert_int_equal(client.connected, 0);
        assert_int_equal(client.error.code, PROA_ERR_IO);
    }
    io_address address = address_of(nowhere[0]);
    peer client = { .socket = NULL };
    peer_connect(loop, &client, &address);
    peer_close(&client);
    io_loop_turn(loop, 0);
    assert_int_equal(client.ends, 0);
}

static void a_write_before_the_connection_stands_is_asked_for_later(void **state)
{
    io_loop *loop = *state;
    for (int which = 0; which < 2; which++) {
        host h = { .count = 0 };
        host_open(loop, &h, place(which));
        peer client = { .socket = NULL };
        peer_connect(loop, &client, io_listener_address(h.listener));
        assert_int_equal(peer_write(&client, "early", 5), 0);
        TURN_UNTIL(loop, client.writable);
        assert_int_equal(client.connected, 1);
        assert_int_equal(peer_write(&client, "early", 5), 5);
        TURN_UNTIL(loop, buffer_size(&h.accepted.in) == 5);
        assert_true(turns_in(loop, 20 * MS) < 10);
        assert_int_equal(client.writable, 1);
        peer_close(&client);
        peer_close(&h.accepted);
        io_listener_close(h.listener);
    }
}

static void an_end_before_the_connection_stands_is_kept(void **state)
{
    io_loop *loop = *state;
    host h = { .count = 0 };
    host_open(loop, &h, place(0));
    peer client = { .socket = NULL };
    peer_connect(loop, &client, io_listener_address(h.listener));
    io_socket_end(client.socket);
    TURN_UNTIL(loop, h.accepted.ends);
    assert_int_equal(h.accepted.error.code, PROA_ERR_NONE);
    peer_close(&client);
    peer_close(&h.accepted);
    io_listener_close(h.listener);
}

/* ---- Backpressure */

enum { LARGE = 8 * 1024 * 1024 };

static struct {
    char *data;
    size_t sent;
    unsigned short_writes;
} upload;

static void send_more(peer *p)
{
    while (upload.sent < LARGE) {
        size_t chunk = LARGE - upload.sent < 300000 ? LARGE - upload.sent : 300000;
        size_t taken = peer_write(p, upload.data + upload.sent, chunk);
        upload.sent += taken;
        if (taken < chunk) {
            upload.short_writes++;
            assert_int_equal(peer_write(p, "again", 5), 0);
            return;
        }
    }
    io_socket_end(p->socket);
}

static void begin_upload(void)
{
    upload.data = memory_new(LARGE);
    upload.sent = upload.short_writes = 0;
    uint32_t seed = 9;
    for (size_t i = 0; i < LARGE; i++) {
        seed = seed * 1664525 + 1013904223;
        upload.data[i] = (char)(seed >> 24);
    }
}

static void check_upload(io_loop *loop, peer *client, peer *server)
{
    TURN_UNTIL(loop, server->ends);
    assert_int_equal(server->error.code, PROA_ERR_NONE);
    assert_int_equal(buffer_size(&server->in), LARGE);
    assert_memory_equal(buffer_bytes(&server->in).data, upload.data, LARGE);
    assert_true(upload.short_writes > 0);
    peer_close(client);
    peer_close(server);
    memory_free(upload.data);
}

static void a_large_write_is_taken_bit_by_bit(void **state)
{
    io_loop *loop = *state;
    for (int which = 0; which < 2; which++) {
        peer client, server;
        pair_open(loop, place(which), &client, &server);
        begin_upload();
        client.on_writable = send_more;
        send_more(&client);
        check_upload(loop, &client, &server);
    }
}

/* libuv tells the kernel of new watches in its next run only: the time to wait has to be 0 until then. */
static void a_foreign_loop_misses_nothing(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    pair_open(loop, place(0), &client, &server);
    begin_upload();
    client.on_writable = send_more;
    io_loop_turn(loop, 0);
    assert_true(io_loop_wait_ns(loop) == INT64_MAX);
    send_more(&client);
    assert_true(io_loop_wait_ns(loop) == 0);
    for (int64_t give_up = io_clock_now() + 5 * PROA_SECOND; !server.ends;) {
        assert_true(io_clock_now() < give_up);
        struct pollfd fd = { .fd = io_loop_fd(loop), .events = POLLIN };
        int64_t wait = io_loop_wait_ns(loop);
        assert_true(poll(&fd, 1, wait ? 1000 : 0) > 0 || wait == 0);
        io_loop_turn(loop, 0);
    }
    check_upload(loop, &client, &server);
}

static void a_new_watch_counts_in_a_wait_under_a_millisecond(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    pair_open(loop, place(1), &client, &server);
    server.pauses_on_bytes = true;
    for (unsigned i = 1; i < 10; i++) {
        assert_int_equal(peer_write(&client, "xy", 2), 2);
        TURN_UNTIL(loop, server.reads == i);
        assert_int_equal(peer_write(&client, "z", 1), 1);
        io_loop_turn(loop, MS);
        io_socket_pause(server.socket, false);
        io_loop_turn(loop, MS / 2);
        assert_int_equal(buffer_size(&server.in), 3 * i);
        server.reads = i;
        io_socket_pause(server.socket, false);
        io_loop_turn(loop, 0);
    }
    peer_close(&client);
    peer_close(&server);
}

static void a_peer_that_does_not_read_costs_no_turns(void **state)
{
    io_loop *loop = *state;
    for (int which = 0; which < 2; which++) {
        peer client, server;
        pair_open(loop, place(which), &client, &server);
        begin_upload();
        client.on_writable = send_more;
        server.pauses_on_bytes = true;
        send_more(&client);
        turns_in(loop, 30 * MS);
        unsigned reads = server.reads;
        assert_int_equal(reads, 1);
        assert_true(turns_in(loop, 30 * MS) < 20);
        assert_int_equal(server.reads, reads);
        assert_true(upload.sent < LARGE);
        server.pauses_on_bytes = false;
        io_socket_pause(server.socket, false);
        check_upload(loop, &client, &server);
    }
}

static void a_pause_that_is_taken_back_loses_nothing(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    pair_open(loop, place(0), &client, &server);
    for (int i = 0; i < 50; i++) {
        io_socket_pause(server.socket, true);
        if (i % 2)
            io_socket_pause(server.socket, false);
        assert_int_equal(peer_write(&client, "x", 1), 1);
        if (i % 3 == 0)
            io_loop_turn(loop, MS);
        io_socket_pause(server.socket, false);
        TURN_UNTIL(loop, buffer_size(&server.in) == (size_t)i + 1);
    }
    peer_close(&client);
    peer_close(&server);
}

static void a_paused_socket_whose_peer_went_waits_quietly(void **state)
{
    io_loop *loop = *state;
    for (int which = 0; which < 2; which++) {
        peer client, server;
        pair_open(loop, place(which), &client, &server);
        io_socket_pause(server.socket, true);
        assert_int_equal(peer_write(&client, "bye", 3), 3);
        io_socket_end(server.socket);
        peer_close(&client);
        assert_true(turns_in(loop, 30 * MS) < 10);
        assert_int_equal(server.ends + server.reads, 0);
        io_socket_pause(server.socket, false);
        TURN_UNTIL(loop, server.ends);
        assert_true(BYTES_IS(buffer_bytes(&server.in), "bye"));
        peer_close(&server);
    }
}

static void urgent_data_does_not_spin(void **state)
{
    io_loop *loop = *state;
    host h = { .count = 0 };
    host_open(loop, &h, place(0));
    const io_address *address = io_listener_address(h.listener);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)address->u.bytes, address->size), 0);
    TURN_UNTIL(loop, h.accepted.socket);
    h.accepted.pauses_on_bytes = true;
    assert_int_equal(send(fd, "a", 1, 0), 1);
    TURN_UNTIL(loop, h.accepted.reads == 1);
    assert_int_equal(send(fd, "u", 1, MSG_OOB), 1);
    assert_int_equal(send(fd, "b", 1, 0), 1);
    assert_true(turns_in(loop, 30 * MS) < 10);
    h.accepted.pauses_on_bytes = false;
    io_socket_pause(h.accepted.socket, false);
    TURN_UNTIL(loop, buffer_size(&h.accepted.in) == 2);
    close(fd);
    TURN_UNTIL(loop, h.accepted.ends);
    peer_close(&h.accepted);
    io_listener_close(h.listener);
}

static void many_parts_are_one_stream(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    pair_open(loop, place(0), &client, &server);
    enum { PARTS = 1000 };
    static char bytes[PARTS];
    static proa_bytes parts[PARTS];
    for (int i = 0; i < PARTS; i++) {
        bytes[i] = (char)i;
        parts[i] = (proa_bytes){ &bytes[i], i % 7 != 0 };
    }
    size_t taken = io_socket_write(client.socket, parts, PARTS);
    assert_int_equal(taken, PARTS - (PARTS + 6) / 7);
    TURN_UNTIL(loop, buffer_size(&server.in) == taken);
    const char *got = buffer_bytes(&server.in).data;
    for (int i = 0; i < PARTS; i++)
        if (i % 7)
            assert_int_equal(*got++, bytes[i]);
    peer_close(&client);
    peer_close(&server);
}

/* ---- Closing */

static void close_now(peer *p)
{
    peer_close(p);
}

static void an_owner_may_close_inside_any_event(void **state)
{
    io_loop *loop = *state;
    for (int which = 0; which < 2; which++) {
        peer client, server;
        pair_open(loop, place(which), &client, &server);
        server.closes_on_bytes = true;
        client.closes_on_end = true;
        peer_write(&client, "x", 1);
        TURN_UNTIL(loop, client.ends && !server.socket);
        assert_int_equal(server.ends, 0);

        pair_open(loop, place(which), &client, &server);
        io_socket_pause(server.socket, true);
        client.on_writable = close_now;
        static char chunk[256 * 1024];
        while (peer_write(&client, chunk, sizeof chunk) == sizeof chunk)
            ;
        io_socket_pause(server.socket, false);
        TURN_UNTIL(loop, server.ends);
        assert_int_equal(client.writable, 1);
        peer_close(&server);
    }
    io_socket_close(NULL);
}

static void descriptors_are_used_again_at_once(void **state)
{
    io_loop *loop = *state;
    int before = open("/dev/null", O_RDONLY);
    close(before);
    for (int i = 0; i < 200; i++) {
        peer client, server;
        pair_open(loop, place(i % 2), &client, &server);
        peer_write(&client, "x", 1);
        if (i % 3)
            TURN_UNTIL(loop, server.reads);
        peer_close(&client);
        peer_close(&server);
    }
    int after = open("/dev/null", O_RDONLY);
    close(after);
    assert_int_equal(before, after);
}

static void steady_traffic_allocates_nothing(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    pair_open(loop, place(0), &client, &server);
    for (int round = 0; round < 100; round++) {
        if (round == 10)
            memory_watch(0);
        size_t size = buffer_size(&server.in);
        peer_write(&client, "x", 1);
        TURN_UNTIL(loop, buffer_size(&server.in) > size);
    }
    assert_int_equal(memory_unwatch(), 0);
    peer_close(&client);
    peer_close(&server);
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
static void what_is_sent_may_stay_unheard_only_so_long(void **state)
{
    io_loop *loop = *state;
    for (int which = 0; which < 2; which++) {
        peer client, server;
        pair_open(loop, place(which), &client, &server);
        assert_int_equal(sockets_with_timeout(12345), 0);
        io_socket_set_unheard(client.socket, 12345 * MS);
        assert_int_equal(sockets_with_timeout(12345), which == 0); /* Unix sockets have none, and do not mind */
        peer_close(&client);
        peer_close(&server);
    }
}

static void no_memory_is_an_error(void **state)
{
    io_loop *loop = *state;
    io_address address = address_of("127.0.0.1:9");
    proa_error error;
    int fd = open("/dev/null", O_RDONLY);
    close(fd);
    memory_watch(1);
    assert_null(io_socket_connect(loop, &address, &peer_handler, NULL, &error));
    memory_unwatch();
    assert_int_equal(error.code, PROA_ERR_NOMEM);
    int again = open("/dev/null", O_RDONLY);
    close(again);
    assert_int_equal(fd, again);
}

/* ---- The rest */

static void ignore(int number)
{
    (void)number;
}

static void signals_interrupt_nothing(void **state)
{
    io_loop *loop = *state;
    /* Without SA_RESTART: every wait and every call may end in EINTR. */
    struct sigaction action = { .sa_handler = ignore }, old;
    sigaction(SIGALRM, &action, &old);
    const struct itimerval often = { { 0, 300 }, { 0, 300 } }, off = { { 0, 0 }, { 0, 0 } };
    setitimer(ITIMER_REAL, &often, NULL);
    peer client, server;
    pair_open(loop, place(0), &client, &server);
    begin_upload();
    client.on_writable = send_more;
    send_more(&client);
    check_upload(loop, &client, &server);
    io_timer timer = { .fire = NULL };
    int64_t begin_ns = io_clock_now();
    io_timer_start(loop, &timer, begin_ns + PROA_SECOND);
    io_loop_turn(loop, 10 * MS);
    io_timer_stop(loop, &timer);
    setitimer(ITIMER_REAL, &off, NULL);
    sigaction(SIGALRM, &old, NULL);
}

static void unix_peers_have_credentials(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    int64_t pid = -1, uid = -1, gid = -1;
    pair_open(loop, place(0), &client, &server);
    assert_false(io_socket_credentials(server.socket, &pid, &uid, &gid));
    assert_int_equal(pid, -1);
    peer_close(&client);
    peer_close(&server);
    pair_open(loop, place(1), &client, &server);
    assert_true(io_socket_credentials(server.socket, &pid, &uid, &gid));
    assert_int_equal(pid, getpid());
    assert_int_equal(uid, getuid());
    assert_int_equal(gid, getgid());
    char text[64];
    io_address_format(io_socket_peer(server.socket), text, sizeof text);
    assert_string_equal(text, "unix:");
    assert_true(io_address_is_loopback(io_socket_peer(server.socket)));
    peer_close(&client);
    peer_close(&server);
}

static int count_lines;

static void count_line(void *user, const char *line)
{
    (void)user;
    assert_int_equal(strncmp(line, "io fd ", 6), 0);
    count_lines++;
}

static void a_trace_tells_of_connections(void **state)
{
    (void)state;
    const trace t = { count_line, NULL, TRACE_IO };
    io_loop *loop = io_loop_new(&(io_loop_options){ .trace = &t });
    peer client, server;
    pair_open(loop, place(0), &client, &server);
    peer_close(&client);
    TURN_UNTIL(loop, server.ends);
    peer_close(&server);
    assert_int_equal(count_lines, 6); /* connecting, connected, accepted, closed, ended, closed */
    io_loop_free(loop);
}

static void the_engine_keeps_virtual_time_still_while_bytes_move(void **state)
{
    (void)state;
    io_loop *loop = io_loop_new(&(io_loop_options){ .virtual_time = true });
    peer client, server;
    pair_open(loop, place(1), &client, &server);
    int64_t start = io_loop_now(loop);
    io_timer timer = { .fire = NULL };
    io_timer_start(loop, &timer, start + PROA_SECOND);
    for (size_t i = 1; i <= 20; i++) {
        peer_write(&client, "x", 1);
        io_loop_turn(loop, -1);
        assert_int_equal(buffer_size(&server.in), i);
        assert_true(io_loop_now(loop) == start);
    }
    io_timer_stop(loop, &timer);
    peer_close(&client);
    peer_close(&server);
    io_loop_free(loop);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(bytes_go_both_ways),
        WITH_LOOP(a_fin_is_the_last_event_and_the_other_way_stays_open),
        WITH_LOOP(a_reset_is_an_error_that_names_the_peer),
        WITH_LOOP(a_reset_is_noticed_while_paused),
        WITH_LOOP(what_came_before_a_reset_is_given),
        WITH_LOOP(a_failed_write_comes_through_on_end),
        WITH_LOOP(a_refused_connect_says_so),
        WITH_LOOP(a_connect_that_fails_at_once_fails_later),
        WITH_LOOP(a_write_before_the_connection_stands_is_asked_for_later),
        WITH_LOOP(an_end_before_the_connection_stands_is_kept),
        WITH_LOOP(a_large_write_is_taken_bit_by_bit),
        WITH_LOOP(a_foreign_loop_misses_nothing),
        WITH_LOOP(a_new_watch_counts_in_a_wait_under_a_millisecond),
        WITH_LOOP(a_peer_that_does_not_read_costs_no_turns),
        WITH_LOOP(a_pause_that_is_taken_back_loses_nothing),
        WITH_LOOP(a_paused_socket_whose_peer_went_waits_quietly),
        WITH_LOOP(urgent_data_does_not_spin),
        WITH_LOOP(many_parts_are_one_stream),
        WITH_LOOP(an_owner_may_close_inside_any_event),
        WITH_LOOP(descriptors_are_used_again_at_once),
        WITH_LOOP(steady_traffic_allocates_nothing),
        WITH_LOOP(what_is_sent_may_stay_unheard_only_so_long),
        WITH_LOOP(no_memory_is_an_error),
        WITH_LOOP(signals_interrupt_nothing),
        WITH_LOOP(unix_peers_have_credentials),
        cmocka_unit_test(a_trace_tells_of_connections),
        cmocka_unit_test(the_engine_keeps_virtual_time_still_while_bytes_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
