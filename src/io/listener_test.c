/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners: their addresses, what is in the way of opening them, socket files, and a world out of descriptors. */
#include "io/peer_testlib.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MS PROA_MILLISECOND

static char path[64], place[80];

static int begin(void **state)
{
    snprintf(path, sizeof path, "/tmp/proa-listener-%ld.sock", (long)getpid());
    snprintf(place, sizeof place, "unix:%s", path);
    unlink(path);
    *state = io_loop_new(NULL);
    return *state == NULL;
}

static int finish(void **state)
{
    unlink(path);
    io_loop_free(*state);
    return 0;
}

static void never(void *owner, io_socket *socket)
{
    (void)owner;
    (void)socket;
    fail();
}

static io_listener *open_at(io_loop *loop, const char *text, const io_listener_options *options, proa_error *error)
{
    io_address address = address_of(text);
    return io_listener_open(loop, &address, options, never, NULL, error);
}

static void port_zero_becomes_a_port(void **state)
{
    io_loop *loop = *state;
    static const char *const texts[] = { "127.0.0.1:0", "[::1]:0" };
    for (int i = 0; i < 2; i++) {
        proa_error error;
        io_listener *listener = open_at(loop, texts[i], NULL, &error);
        if (!listener && i == 1)
            continue; /* a machine without IPv6 */
        assert_non_null(listener);
        char text[64];
        io_address_format(io_listener_address(listener), text, sizeof text);
        assert_non_null(strstr(text, i ? "ipv6:[::1]:" : "ipv4:127.0.0.1:"));
        assert_string_not_equal(strrchr(text, ':'), ":0");
        io_listener_close(listener);
        io_listener_close(NULL);
    }
}

static void what_is_in_the_way_is_named(void **state)
{
    io_loop *loop = *state;
    proa_error error;
    io_listener *first = open_at(loop, "127.0.0.1:0", NULL, &error);
    char text[64], expected[128];
    io_address_format(io_listener_address(first), text, sizeof text);
    assert_null(open_at(loop, text, NULL, &error));
    snprintf(expected, sizeof expected, "%s: address already in use", text + strlen("ipv4:"));
    assert_string_equal(error.text, expected);
    assert_int_equal(error.code, PROA_ERR_ADDRESS);
    assert_null(open_at(loop, text, NULL, NULL));
    io_listener_close(first);
    first = open_at(loop, text, NULL, &error);
    assert_non_null(first);
    io_listener_close(first);
    assert_null(open_at(loop, "192.0.2.1:1", NULL, &error));
    assert_string_equal(error.text, "192.0.2.1:1: address not available");
    assert_null(open_at(loop, "unix:/nonexistent/a.sock", NULL, &error));
    assert_string_equal(error.text, "unix:/nonexistent/a.sock: no such file or directory");
    memory_watch(1);
    assert_null(open_at(loop, "127.0.0.1:0", NULL, &error));
    memory_unwatch();
    assert_int_equal(error.code, PROA_ERR_NOMEM);
}

static void shared_listeners_share_a_port(void **state)
{
    io_loop *loop = *state;
    proa_error error;
    const io_listener_options shared = { .is_shared = true, .backlog = 10 };
    io_listener *first = open_at(loop, "127.0.0.1:0", &shared, &error);
    io_listener *second = io_listener_open(loop, io_listener_address(first), &shared, never, NULL, &error);
    assert_non_null(second);
    io_listener_close(first);
    io_listener_close(second);
}

static void peers_have_addresses(void **state)
{
    io_loop *loop = *state;
    peer client, server;
    pair_open(loop, "127.0.0.1:0", &client, &server);
    char text[64];
    io_address_format(io_socket_peer(server.socket), text, sizeof text);
    assert_non_null(strstr(text, "ipv4:127.0.0.1:"));
    assert_true(io_address_is_loopback(io_socket_peer(server.socket)));
    peer_close(&client);
    peer_close(&server);
}

static void a_socket_file_is_made_and_removed(void **state)
{
    io_loop *loop = *state;
    proa_error error;
    struct stat file;
    const io_listener_options options = { .unix_mode = 0666 };
    io_listener *listener = open_at(loop, place, &options, &error);
    assert_non_null(listener);
    assert_int_equal(stat(path, &file), 0);
    assert_true(S_ISSOCK(file.st_mode));
    assert_int_equal(file.st_mode & 0777, 0666);
    assert_null(open_at(loop, place, NULL, &error));
    assert_non_null(strstr(error.text, "address already in use"));
    assert_int_equal(stat(path, &file), 0);
    io_listener_close(listener);
    assert_int_equal(stat(path, &file), -1);
}

static void a_stale_socket_file_is_replaced(void **state)
{
    io_loop *loop = *state;
    proa_error error;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    memcpy(un.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    close(fd);
    io_listener *listener = open_at(loop, place, NULL, &error);
    assert_non_null(listener);
    io_listener_close(listener);
}

static void a_busy_socket_file_is_not_stale(void **state)
{
    io_loop *loop = *state;
    proa_error error;
    enum { CONNECTIONS = 3 };
    io_listener *listener = open_at(loop, place, &(io_listener_options){ .backlog = 1 }, &error);
    int fds[CONNECTIONS];
    const io_address *address = io_listener_address(listener);
    for (int i = 0; i < CONNECTIONS; i++) {
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        int failed = connect(fds[i], (const void *)address->u.bytes, address->size);
        assert_true(i > 0 || !failed); /* the last ones find the queue full */
    }
    assert_null(open_at(loop, place, NULL, &error));
    assert_non_null(strstr(error.text, "address already in use"));
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
    io_listener_close(listener);
}

static void a_file_that_is_not_ours_stays(void **state)
{
    io_loop *loop = *state;
    proa_error error;
    struct stat file;
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_null(open_at(loop, place, NULL, &error));
    assert_int_equal(stat(path, &file), 0);
    unlink(path);
    io_listener *listener = open_at(loop, place, NULL, &error);
    unlink(path);
    io_listener *second = open_at(loop, place, NULL, &error);
    assert_non_null(second);
    io_listener_close(listener);
    assert_int_equal(stat(path, &file), 0);
    io_listener_close(second);
    assert_int_equal(stat(path, &file), -1);
}

static io_listener *closing;

static void close_listener(void *owner, io_socket *socket)
{
    ++*(int *)owner;
    io_socket_close(socket);
    io_listener_close(closing);
}

static void an_owner_may_close_while_accepting(void **state)
{
    io_loop *loop = *state;
    int count = 0;
    proa_error error;
    io_address address = address_of("127.0.0.1:0");
    closing = io_listener_open(loop, &address, NULL, close_listener, &count, &error);
    peer clients[3] = { { .closes_on_end = true }, { .closes_on_end = true }, { .closes_on_end = true } };
    for (int i = 0; i < 3; i++)
        peer_connect(loop, &clients[i], io_listener_address(closing));
    TURN_UNTIL(loop, !clients[0].socket && !clients[1].socket && !clients[2].socket);
    assert_int_equal(count, 1);
}

/* ---- Out of descriptors (CVE-2023-4785) */

enum { CLIENTS = 4, FILLERS = 256 };

static int take_all_descriptors(int *fds)
{
    int count = 0;
    while (count < FILLERS && (fds[count] = open("/dev/null", O_RDONLY)) >= 0)
        count++;
    return count;
}

static void out_of_descriptors_one_is_refused_and_the_rest_wait(void **state)
{
    io_loop *loop = *state;
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = 128;
    setrlimit(RLIMIT_NOFILE, &low);
    host h = { .count = 0 };
    host_open(loop, &h, "127.0.0.1:0");
    const io_address *address = io_listener_address(h.listener);
    int clients[CLIENTS], fillers[FILLERS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(clients[i], (const void *)address->u.bytes, address->size), 0);
    }
    int count = take_all_descriptors(fillers);
    assert_true(count < FILLERS);

    int turns = 0;
    int64_t start = io_clock_now();
    for (; io_clock_now() - start < 250 * MS; turns++)
        io_loop_turn(loop, 20 * MS);
    assert_true(turns < 40);
    assert_int_equal(h.count, 0);
    /* One refused at each attempt, every 100 ms. Refused is closed: its client reads the end. */
    int refused = 0;
    for (int i = 0; i < CLIENTS; i++) {
        char byte;
        refused += recv(clients[i], &byte, 1, MSG_DONTWAIT) == 0;
    }
    assert_in_range(refused, 1, 1 + (io_clock_now() - start) / (100 * MS));

    while (count > 0)
        close(fillers[--count]);
    TURN_UNTIL(loop, h.count == (unsigned)(CLIENTS - refused));
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    TURN_UNTIL(loop, h.accepted.ends);
    peer_close(&h.accepted);
    io_listener_close(h.listener);
    setrlimit(RLIMIT_NOFILE, &old);
}

static void a_connection_without_memory_is_refused(void **state)
{
    io_loop *loop = *state;
    host h = { .count = 0 };
    host_open(loop, &h, "127.0.0.1:0");
    const io_address *address = io_listener_address(h.listener);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const void *)address->u.bytes, address->size), 0);
    memory_watch(1);
    io_loop_turn(loop, 100 * MS);
    assert_int_equal(memory_unwatch(), 1);
    assert_int_equal(h.count, 0);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    io_listener_close(h.listener);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(port_zero_becomes_a_port),
        WITH_LOOP(what_is_in_the_way_is_named),
        WITH_LOOP(shared_listeners_share_a_port),
        WITH_LOOP(peers_have_addresses),
        WITH_LOOP(a_socket_file_is_made_and_removed),
        WITH_LOOP(a_stale_socket_file_is_replaced),
        WITH_LOOP(a_busy_socket_file_is_not_stale),
        WITH_LOOP(a_file_that_is_not_ours_stays),
        WITH_LOOP(an_owner_may_close_while_accepting),
        WITH_LOOP(out_of_descriptors_one_is_refused_and_the_rest_wait),
        WITH_LOOP(a_connection_without_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
