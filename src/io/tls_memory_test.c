/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS holds and allocates: an idle connection, the steady state, and each allocation failing in turn, ours and OpenSSL's
 * apart. OpenSSL's heap is replaced before its first use, so this is a program of its own. */
#include "io/tls_testlib.h"
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* ---- OpenSSL's heap */

static long live, asked, failing; /* bytes; allocations since `failing` was set; 0: none fails */
static bool fails_for_ever;

static bool must_fail(void)
{
    asked++;
    return failing && (asked == failing || (fails_for_ever && asked > failing));
}

static void *count(void *memory, int sign)
{
    if (memory)
        live += sign * (long)malloc_usable_size(memory);
    return memory;
}

static void *heap_new(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return must_fail() ? NULL : count(malloc(size), 1);
}

static void heap_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(count(memory, -1));
}

static void *heap_resize(void *memory, size_t size, const char *file, int line)
{
    if (!memory)
        return heap_new(size, file, line);
    if (must_fail())
        return NULL;
    count(memory, -1);
    void *moved = realloc(memory, size);
    count(moved ? moved : memory, 1);
    return moved;
}

/* ---- The ends */

static cert ca, leaf, mine;
static io_loop *loop;

static const io_tls_options *server_options(void)
{
    static io_tls_options o;
    o = (io_tls_options){
        .cert_pem = leaf.pem, .key_pem = leaf.key_pem, .ca_pem = ca.pem, .requires_client_cert = true
    };
    return &o;
}

static const io_tls_options *client_options(void)
{
    static io_tls_options o;
    o = (io_tls_options){ .cert_pem = mine.pem, .key_pem = mine.key_pem, .ca_pem = ca.pem };
    return &o;
}

static int begin(void **state)
{
    (void)state;
    loop = io_loop_new(NULL);
    return loop == NULL;
}

static int finish(void **state)
{
    (void)state;
    io_loop_free(loop);
    return 0;
}

static int make_certificates(void **state)
{
    (void)state;
    cert_make(&ca, &(cert_recipe){ .cn = "Test CA", .is_ca = true }, NULL);
    cert_make(&leaf, &(cert_recipe){ .cn = "server", .san = "DNS:greeter.example" }, &ca);
    cert_make(&mine, &(cert_recipe){ .cn = "me", .san = "URI:spiffe://example/me" }, &ca);
    return 0;
}

static int free_certificates(void **state)
{
    (void)state;
    cert_free(&ca);
    cert_free(&leaf);
    cert_free(&mine);
    return 0;
}

static void exchange(secured *s)
{
    assert_int_equal(peer_write(&s->client, "ping", 4), 4);
    secured_settle(s);
    assert_int_equal(peer_write(&s->server, "pong", 4), 4);
    secured_settle(s);
    assert_int_equal(buffer_size(&s->server.in), 4);
    assert_int_equal(buffer_size(&s->client.in), 4);
    buffer_consume(&s->server.in, 4);
    buffer_consume(&s->client.in, 4);
}

/* ---- What is held */

static void an_idle_connection_holds_little(void **state)
{
    (void)state;
    enum { PAIRS = 50 };
    static secured pairs[PAIRS];
    io_tls *server = tls_of(server_options()), *client = tls_of(client_options());
    long before = 0;
    for (int i = 0; i < PAIRS; i++) {
        secured_open(&pairs[i], loop, client, "greeter.example", server);
        secured_settle(&pairs[i]);
        exchange(&pairs[i]);
        if (i == 0)
            before = live; /* what OpenSSL keeps once is there */
    }
    long each = (live - before) / (PAIRS - 1);
    printf("OpenSSL holds %ld bytes for both ends of an idle connection with certificates on both sides\n", each);
    assert_true(each < 2 * 24 * 1024);
    for (int i = 0; i < PAIRS; i++)
        secured_close(&pairs[i]);
    io_tls_drop(server);
    io_tls_drop(client);
}

static void the_steady_state_allocates_nothing_of_ours(void **state)
{
    (void)state;
    io_tls *server = tls_of(server_options()), *client = tls_of(client_options());
    secured s;
    secured_open(&s, loop, client, "greeter.example", server);
    secured_settle(&s);
    exchange(&s);
    long before = live;
    asked = 0;
    memory_watch(0);
    for (int i = 0; i < 200; i++)
        exchange(&s);
    size_t ours = memory_unwatch();
    printf("400 messages: %zu allocations of ours, %ld of OpenSSL\n", ours, asked);
    assert_int_equal(ours, 0);
    assert_int_equal(live, before);
    secured_close(&s);
    io_tls_drop(server);
    io_tls_drop(client);
}

/* ---- Without memory */

/* An end that allocates nothing itself. */
typedef struct end {
    io_socket *socket;
    unsigned connected, ends;
    size_t received;
    proa_error error;
} end;

static void on_connected(void *owner)
{
    ((end *)owner)->connected++;
}

static void on_bytes(void *owner, proa_bytes bytes)
{
    ((end *)owner)->received += bytes.size;
}

static void on_writable(void *owner)
{
    (void)owner;
}

static void on_end(void *owner, const proa_error *error)
{
    end *e = owner;
    e->ends++;
    e->error = *error;
}

static const io_socket_handler end_handler = { on_connected, on_bytes, on_writable, on_end };

static void settle_short(void)
{
    for (int i = 0; i < 30; i++)
        io_loop_turn(loop, 0);
}

static void check_end(const end *e)
{
    assert_true(e->ends <= 1);
    if (!e->socket || (e->ends && e->error.code != PROA_ERR_NONE))
        assert_true(e->error.text[0] != '\0');
}

static bool talk(io_socket *pipe[2], io_tls *client_tls, io_tls *server_tls)
{
    end client = { 0 }, server = { 0 };
    const proa_bytes ping = PROA_STR("ping");
    server.socket = io_tls_start(loop, pipe[1], server_tls, NULL, &end_handler, &server, &server.error);
    client.socket = io_tls_start(loop, pipe[0], client_tls, "greeter.example", &end_handler, &client, &client.error);
    settle_short();
    if (client.connected && !client.ends && io_socket_write(client.socket, &ping, 1) == 4)
        io_socket_end(client.socket);
    settle_short();
    check_end(&client);
    check_end(&server);
    io_socket_close(client.socket);
    io_socket_close(server.socket);
    return server.received == 4 && server.ends == 1 && server.error.code == PROA_ERR_NONE;
}

/* Everything from credentials to the end of a connection. It works, or whoever is asked says why. */
static bool live_once(size_t ours_to_fail)
{
    io_socket *pipe[2];
    bool has_worked = false;
    proa_error error = { 0 };
    assert_int_equal(io_pipe_open(loop, pipe), PROA_ERR_NONE);
    if (ours_to_fail)
        memory_watch(ours_to_fail);
    io_tls *server = io_tls_new(server_options()), *client = io_tls_new(client_options());
    if (io_tls_check(server, true, &error) == PROA_ERR_NONE && io_tls_check(client, false, &error) == PROA_ERR_NONE) {
        has_worked = talk(pipe, client, server);
    } else {
        assert_true(error.code == PROA_ERR_NOMEM || error.code == PROA_ERR_TLS);
        assert_true(error.text[0] != '\0');
        io_socket_close(pipe[0]);
        io_socket_close(pipe[1]);
    }
    io_tls_drop(server);
    io_tls_drop(client);
    io_loop_turn(loop, 0);
    return has_worked;
}

static void each_allocation_of_ours_may_fail(void **state)
{
    (void)state;
    unsigned failed = 0;
    size_t i = 0;
    do {
        finish(NULL); /* a loop's first socket of TLS brings the scratch */
        begin(NULL);
        failed += !live_once(++i);
    } while (memory_unwatch() >= i);
    printf("%zu allocations of ours, %u of them needed\n", i - 1, failed);
    assert_true(i > 10 && failed == i - 1);
}

static void each_allocation_of_openssl_may_fail(void **state)
{
    (void)state;
    assert_true(live_once(0));
    asked = failing = 0;
    assert_true(live_once(0));
    long count_all = asked;
    unsigned failed = 0, tried = 0;
    for (int is_for_ever = 0; is_for_ever < 2; is_for_ever++) {
        /* Eighty of them: all take minutes. */
        for (long i = 1; i <= count_all; i += 1 + count_all / 80) {
            fails_for_ever = is_for_ever;
            asked = 0;
            failing = i;
            failed += !live_once(0);
            failing = 0;
            tried++;
            ERR_clear_error();
        }
    }
    fails_for_ever = false;
    printf("%ld allocations of OpenSSL, %u tried, %u of them needed\n", count_all, tried, failed);
    assert_true(failed > 0);
    assert_true(live_once(0)); /* and nothing is spoilt */
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(an_idle_connection_holds_little),
        WITH_LOOP(the_steady_state_allocates_nothing_of_ours),
        WITH_LOOP(each_allocation_of_ours_may_fail),
        WITH_LOOP(each_allocation_of_openssl_may_fail),
    };
    if (!CRYPTO_set_mem_functions(heap_new, heap_resize, heap_free))
        return 1;
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
