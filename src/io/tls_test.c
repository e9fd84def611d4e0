/* SPDX-License-Identifier: Apache-2.0 */
/* The socket of TLS: bytes both ways over any segmentation, cuts and damage anywhere, ends, pauses, short writes, and who may
 * close when. */
#include "io/tls_testlib.h"
#include "base/limits.h"
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static cert ca, leaf, mine;
static io_tls *server_tls, *client_tls, *strict_tls, *known_tls;
static io_loop *loop;

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
    cert_make(&mine, &(cert_recipe){ .cn = "me" }, &ca);
    server_tls = tls_of(&(io_tls_options){ .cert_pem = leaf.pem, .key_pem = leaf.key_pem });
    client_tls = tls_of(&(io_tls_options){ .ca_pem = ca.pem });
    strict_tls = tls_of(&(io_tls_options){
        .cert_pem = leaf.pem, .key_pem = leaf.key_pem, .ca_pem = ca.pem, .requires_client_cert = true });
    known_tls = tls_of(&(io_tls_options){ .cert_pem = mine.pem, .key_pem = mine.key_pem, .ca_pem = ca.pem });
    return 0;
}

static int free_certificates(void **state)
{
    (void)state;
    io_tls_drop(server_tls);
    io_tls_drop(client_tls);
    io_tls_drop(strict_tls);
    io_tls_drop(known_tls);
    cert_free(&ca);
    cert_free(&leaf);
    cert_free(&mine);
    return 0;
}

static void open_both(secured *s, size_t chunk, uint64_t seed)
{
    secured_open(s, loop, known_tls, "greeter.example", strict_tls);
    s->wire.chunk = chunk;
    s->wire.seed = seed;
}

static void stand_up(secured *s)
{
    open_both(s, 0, 0);
    secured_settle(s);
    if (!s->client.connected || !s->server.connected)
        fail_msg("client: %s; server: %s", s->client.error.text, s->server.error.text);
}

static void expect_text(const peer *p, proa_err code, const char *says)
{
    assert_int_equal(p->ends, 1);
    if (p->error.code != code || !strstr(p->error.text, says))
        fail_msg("it says \"%s\" (%d), not \"%s\"", p->error.text, p->error.code, says);
}

/* ---- Bytes */

static char *pattern(size_t size, unsigned salt)
{
    char *data = malloc(size);
    assert_non_null(data);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)((i * 31 + i / 251 + salt) & 0xff);
    return data;
}

typedef struct sending {
    peer *peer;
    const char *data;
    size_t size, sent;
} sending;

static void send_more(sending *s)
{
    while (s->sent < s->size) {
        /* Parts as HTTP/2 has them: a frame's head, then its payload. */
        size_t left = s->size - s->sent, head = left < 9 ? left : 9;
        size_t body = left - head < 16384 ? left - head : 16384;
        const proa_bytes parts[] = { { s->data + s->sent, head }, { s->data + s->sent + head, body } };
        size_t taken = io_socket_write(s->peer->socket, parts, 2);
        s->sent += taken;
        if (taken < head + body)
            break;
    }
}

static void carry(secured *s, size_t size)
{
    char *up = pattern(size, 1), *down = pattern(size, 2);
    sending a = { &s->client, up, size, 0 }, b = { &s->server, down, size, 0 };
    for (int idle = 0; idle < 3;) {
        unsigned before = s->client.writable + s->server.writable;
        send_more(&a);
        send_more(&b);
        bool moved = wire_step(&s->wire) || before != s->client.writable + s->server.writable;
        idle = moved ? 0 : idle + 1;
    }
    assert_int_equal(a.sent, size);
    assert_int_equal(b.sent, size);
    assert_int_equal(buffer_size(&s->server.in), size);
    assert_int_equal(buffer_size(&s->client.in), size);
    assert_memory_equal(buffer_bytes(&s->server.in).data, up, size);
    assert_memory_equal(buffer_bytes(&s->client.in).data, down, size);
    free(up);
    free(down);
}

static void bytes_arrive_whole_over_any_segmentation(void **state)
{
    (void)state;
    static const struct {
        size_t chunk;
        uint64_t seed;
        size_t size;
    } ways[] = {
        { 0, 0, 1000000 }, { 1, 0, 300 },    { 7, 0, 5000 },      { 16406, 0, 300000 },
        { 40, 1, 20000 },  { 40, 2, 20000 }, { 3000, 3, 200000 }, { 70000, 4, 1000000 },
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        secured s;
        open_both(&s, ways[i].chunk, ways[i].seed);
        secured_settle(&s);
        assert_int_equal(s.client.connected + s.server.connected, 2);
        carry(&s, ways[i].size);
        secured_close(&s);
    }
}

static void nothing_is_taken_before_the_handshake_is_over(void **state)
{
    (void)state;
    secured s;
    open_both(&s, 0, 0);
    assert_int_equal(peer_write(&s.client, "early", 5), 0);
    assert_int_equal(peer_write(&s.server, "early", 5), 0);
    secured_settle(&s);
    assert_int_equal(s.client.writable, 1);
    assert_int_equal(s.server.writable, 1);
    assert_int_equal(peer_write(&s.client, "now", 3), 3);
    secured_settle(&s);
    assert_true(BYTES_IS(buffer_bytes(&s.server.in), "now"));
    secured_close(&s);
}

static void empty_writes_are_nothing(void **state)
{
    (void)state;
    secured s;
    stand_up(&s);
    uint64_t passed = s.wire.ways[0].passed;
    const proa_bytes empty[] = { { NULL, 0 }, { "", 0 } };
    assert_int_equal(io_socket_write(s.client.socket, empty, 2), 0);
    assert_int_equal(io_socket_write(s.client.socket, NULL, 0), 0);
    const proa_bytes some[] = { { NULL, 0 }, PROA_STR("a"), { NULL, 0 }, PROA_STR("b"), { NULL, 0 } };
    assert_int_equal(io_socket_write(s.client.socket, some, 5), 2);
    secured_settle(&s);
    assert_true(BYTES_IS(buffer_bytes(&s.server.in), "ab"));
    assert_true(s.wire.ways[0].passed - passed < 60); /* one record */
    assert_int_equal(s.client.writable, 0);
    secured_close(&s);
}

/* A peer that reads nothing costs what one write took, and no more. */
static void short_writes_go_on_when_there_is_room(void **state)
{
    (void)state;
    secured s;
    stand_up(&s);
    size_t size = 4 * 1024 * 1024;
    char *data = pattern(size, 3);
    sending a = { &s.client, data, size, 0 };
    io_socket_pause(s.wire.ways[0].from, true);
    send_more(&a);
    assert_true(a.sent < size);
    size_t stuck = a.sent;
    for (int i = 0; i < 10; i++) {
        send_more(&a);
        io_loop_turn(loop, 0);
    }
    assert_int_equal(a.sent, stuck);
    assert_true(stuck <= 512 * 1024); /* what the pipe and one write hold */
    io_socket_pause(s.wire.ways[0].from, false);
    while (a.sent < size || buffer_size(&s.server.in) < size) {
        send_more(&a);
        wire_step(&s.wire);
    }
    assert_memory_equal(buffer_bytes(&s.server.in).data, data, size);
    assert_true(s.client.writable > 0);
    free(data);
    secured_close(&s);
}

static void paused_ends_hear_nothing_and_miss_nothing(void **state)
{
    (void)state;
    secured s;
    stand_up(&s);
    s.server.pauses_on_bytes = true;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(peer_write(&s.client, "0123456789", 10), 10);
        secured_settle(&s);
        assert_int_equal(s.server.reads, 1);
    }
    assert_int_equal(buffer_size(&s.server.in), 10);
    s.server.pauses_on_bytes = false;
    io_socket_pause(s.server.socket, false);
    secured_settle(&s);
    assert_int_equal(buffer_size(&s.server.in), 50);
    secured_close(&s);
}

static void on_connected_paused(void *owner)
{
    peer *p = owner;
    p->connected++;
    io_socket_pause(p->socket, true);
}

/* The server's end pauses in on_connected; the client has written its first bytes. */
static void open_paused(secured *s)
{
    static io_socket_handler handler;
    proa_error error;
    handler = peer_handler;
    handler.on_connected = on_connected_paused;
    wire_open(&s->wire, loop);
    s->client = s->server = (peer){ 0 };
    s->server.socket = io_tls_start(loop, s->wire.ends[1], server_tls, NULL, &handler, &s->server, &error);
    s->client.socket =
        io_tls_start(loop, s->wire.ends[0], client_tls, "greeter.example", &peer_handler, &s->client, &error);
    while (!s->client.connected)
        wire_step(&s->wire);
    assert_int_equal(peer_write(&s->client, "first", 5), 5);
}

/* The client's first bytes come with the end of its handshake, when the server's owner may not want them yet. */
static void bytes_that_come_with_the_handshake_wait_for_their_owner(void **state)
{
    (void)state;
    secured s;
    open_paused(&s);
    secured_settle(&s);
    assert_int_equal(s.server.connected, 1);
    assert_int_equal(s.server.reads, 0);
    io_socket_own(s.server.socket, &peer_handler, &s.server);
    io_socket_pause(s.server.socket, false);
    secured_settle(&s);
    assert_true(BYTES_IS(buffer_bytes(&s.server.in), "first"));
    secured_close(&s);
}

/* What waited for its owner comes before the end that came behind it. */
static void a_pause_hides_neither_bytes_nor_a_good_end(void **state)
{
    (void)state;
    secured s;
    open_paused(&s);
    io_socket_end(s.client.socket);
    io_loop_turn(loop, 0); /* so that it passes in one piece with the end of the handshake */
    secured_settle(&s);
    assert_int_equal(s.server.connected, 1);
    assert_int_equal(s.server.reads + s.server.ends, 0);
    io_socket_own(s.server.socket, &peer_handler, &s.server);
    io_socket_pause(s.server.socket, false);
    secured_settle(&s);
    assert_true(BYTES_IS(buffer_bytes(&s.server.in), "first"));
    assert_int_equal(s.server.ends, 1);
    assert_int_equal(s.server.error.code, PROA_ERR_NONE);
    secured_close(&s);
}

/* ---- Ends */

static void close_notify_is_a_good_end_and_a_cut_is_none(void **state)
{
    (void)state;
    secured s;
    stand_up(&s);
    assert_int_equal(peer_write(&s.client, "last", 4), 4);
    io_socket_end(s.client.socket);
    io_socket_end(s.client.socket);
    secured_settle(&s);
    assert_true(BYTES_IS(buffer_bytes(&s.server.in), "last"));
    assert_int_equal(s.server.ends, 1);
    assert_int_equal(s.server.error.code, PROA_ERR_NONE);
    assert_int_equal(s.client.ends, 0);
    assert_int_equal(peer_write(&s.server, "answer", 6), 6); /* the other way stays open */
    secured_settle(&s);
    assert_true(BYTES_IS(buffer_bytes(&s.client.in), "answer"));
    io_socket_end(s.server.socket);
    secured_settle(&s);
    assert_int_equal(s.client.ends, 1);
    assert_int_equal(s.client.error.code, PROA_ERR_NONE);
    secured_close(&s);

    stand_up(&s);
    assert_int_equal(peer_write(&s.client, "almost", 6), 6);
    secured_settle(&s);
    peer_close(&s.client);
    secured_settle(&s);
    expect_text(&s.server, PROA_ERR_TLS, "the connection was cut off: its end came without close_notify");
    secured_close(&s);
}

static void an_end_waits_for_what_was_written(void **state)
{
    (void)state;
    secured s;
    stand_up(&s);
    size_t size = 1024 * 1024;
    char *data = pattern(size, 4);
    sending a = { &s.client, data, size, 0 };
    send_more(&a);
    assert_true(a.sent < size);
    io_socket_end(s.client.socket);
    secured_settle(&s);
    assert_int_equal(buffer_size(&s.server.in), a.sent);
    assert_memory_equal(buffer_bytes(&s.server.in).data, data, a.sent);
    assert_int_equal(s.server.ends, 1);
    assert_int_equal(s.server.error.code, PROA_ERR_NONE);
    free(data);
    secured_close(&s);
}

/* ---- Cuts and damage at every place */

static void measure(uint64_t bytes[2])
{
    secured s;
    stand_up(&s);
    bytes[0] = s.wire.ways[0].passed;
    bytes[1] = s.wire.ways[1].passed;
    secured_close(&s);
}

static void a_handshake_that_is_cut_anywhere_ends_once_on_both_sides(void **state)
{
    (void)state;
    uint64_t bytes[2];
    measure(bytes);
    for (int way = 0; way < 2; way++) {
        for (uint64_t at = 1; at < bytes[way]; at += at < 50 ? 1 : 11) {
            secured s;
            open_both(&s, 0, 0);
            s.wire.ways[way].end_after = at;
            secured_settle(&s);
            const peer *cut = way == 0 ? &s.server : &s.client; /* who hears the end */
            expect_text(cut, PROA_ERR_TLS, cut->connected ? "cut off" : "the middle of the handshake");
            assert_true(cut->connected <= 1);
            secured_close(&s);
        }
    }
}

static void damage_anywhere_is_noticed_or_does_not_matter(void **state)
{
    (void)state;
    uint64_t bytes[2];
    measure(bytes);
    unsigned noticed = 0, tried = 0;
    for (int way = 0; way < 2; way++) {
        for (uint64_t at = 1; at <= bytes[way]; at += 5) {
            secured s;
            open_both(&s, 0, 0);
            s.wire.ways[way].flip_at = at;
            /* A length that grew waits for bytes that never come: the end tells. */
            secured_settle(&s);
            if (s.wire.ways[way].passed < at) { /* signatures differ in length */
                secured_close(&s);
                continue;
            }
            tried++;
            if (s.client.connected && s.server.connected && !s.client.ends && !s.server.ends) {
                carry(&s, 100);
            } else {
                noticed++;
                assert_true(s.client.ends <= 1 && s.server.ends <= 1);
            }
            secured_close(&s);
        }
    }
    printf("%u of %u flipped bits were noticed\n", noticed, tried);
    assert_true(noticed > tried * 9 / 10);
}

static void a_damaged_record_ends_the_connection_in_words(void **state)
{
    (void)state;
    secured s;
    stand_up(&s);
    s.wire.ways[0].flip_at = s.wire.ways[0].passed + 12;
    assert_int_equal(peer_write(&s.client, "precious", 8), 8);
    secured_settle(&s);
    assert_int_equal(buffer_size(&s.server.in), 0);
    expect_text(&s.server, PROA_ERR_TLS, "a record of the client is damaged");
    expect_text(&s.client, PROA_ERR_TLS, "bad record mac");
    secured_close(&s);
}

/* ---- What is no TLS */

/* What our end says when the other one sends these bytes. */
static void say_to(bool to_server, const void *data, size_t size, proa_err code, const char *says)
{
    secured s;
    secured_open(&s, loop, to_server ? NULL : client_tls, "greeter.example", to_server ? server_tls : NULL);
    peer *plain = to_server ? &s.client : &s.server, *ours = to_server ? &s.server : &s.client;
    for (size_t at = 0; at < size && !ours->ends;) {
        at += peer_write(plain, (const char *)data + at, size - at);
        wire_step(&s.wire);
    }
    secured_settle(&s);
    expect_text(ours, code, says);
    assert_int_equal(ours->connected, 0);
    secured_close(&s);
}

static void plaintext_is_told_so(void **state)
{
    (void)state;
    const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
               settings[] = "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\200";
    say_to(true, preface, sizeof preface - 1, PROA_ERR_TLS, "the client does not speak TLS: it sent plaintext");
    say_to(true, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, PROA_ERR_TLS,
           "the client does not speak TLS: it sent plaintext");
    say_to(false, settings, sizeof settings - 1, PROA_ERR_TLS, "the server does not speak TLS");
    say_to(false, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, PROA_ERR_TLS, "the server does not speak TLS");
    char garbage[600];
    for (uint64_t seed = 1; seed <= 50; seed++) {
        uint64_t x = seed;
        for (size_t i = 0; i < sizeof garbage; i++)
            garbage[i] = (char)((x = x * UINT64_C(6364136223846793005) + 1442695040888963407u) >> 56);
        garbage[0] = seed % 2 ? 22 : garbage[0]; /* half of it begins as a handshake does */
        garbage[1] = seed % 2 ? 3 : garbage[1];
        garbage[3] = seed % 2 ? 0 : garbage[3];
        say_to(true, garbage, sizeof garbage, PROA_ERR_TLS, "TLS: ");
        say_to(false, garbage, sizeof garbage, PROA_ERR_TLS, "TLS: ");
    }
}

static void a_handshake_without_end_is_cut_at_its_limit(void **state)
{
    (void)state;
    /* A ClientHello of 130,000 bytes, which OpenSSL alone would gather. */
    size_t size = 130000, at = 0;
    char *data = calloc(1, size + 100);
    for (size_t left = size; left;) {
        size_t part = left < 16000 ? left : 16000;
        const unsigned char head[] = { 22, 3, 1, (unsigned char)(part >> 8), (unsigned char)part };
        memcpy(data + at, head, 5);
        if (at == 0)
            memcpy(data + at + 5, "\1\1\373\314", 4); /* 129,996 */
        at += 5 + part;
        left -= part;
    }
    say_to(true, data, at, PROA_ERR_LIMIT, "the handshake is too long");
    free(data);
}

static void a_handshake_has_its_time(void **state)
{
    (void)state;
    finish(state);
    loop = io_loop_new(&(io_loop_options){ .virtual_time = true });
    io_tls *quick = tls_of(&(io_tls_options){ .ca_pem = ca.pem, .handshake_ns = 3 * PROA_SECOND });
    secured s;
    secured_open(&s, loop, quick, "greeter.example", server_tls);
    int64_t start = io_loop_now(loop);
    while (!s.client.ends)
        io_loop_turn(loop, 0);
    assert_int_equal(io_loop_now(loop) - start, 3 * PROA_SECOND);
    expect_text(&s.client, PROA_ERR_LIMIT, "the handshake took too long");
    while (!s.server.ends)
        io_loop_turn(loop, 0);
    assert_int_equal(io_loop_now(loop) - start, LIMITS_HANDSHAKE_NS);
    expect_text(&s.server, PROA_ERR_LIMIT, "the handshake took too long");
    secured_close(&s);
    io_tls_drop(quick);
}

static void a_client_without_the_certificate_that_is_required_is_told(void **state)
{
    (void)state;
    secured s;
    secured_open(&s, loop, client_tls, "greeter.example", strict_tls);
    secured_settle(&s);
    expect_text(&s.server, PROA_ERR_TLS, "the client sent no certificate");
    assert_int_equal(s.server.connected, 0);
    expect_text(&s.client, PROA_ERR_TLS, "the server requires a client certificate");
    secured_close(&s);
}

/* ---- Closing where one may */

static void on_connected_closes(void *owner)
{
    peer *p = owner;
    p->connected++;
    peer_close(p);
}

static void owners_may_close_in_every_handler(void **state)
{
    (void)state;
    io_socket_handler handler = peer_handler;
    handler.on_connected = on_connected_closes;
    for (int side = 0; side < 2; side++) {
        secured s;
        proa_error error;
        wire_open(&s.wire, loop);
        s.client = s.server = (peer){ 0 };
        s.server.socket =
            io_tls_start(loop, s.wire.ends[1], server_tls, NULL, side ? &handler : &peer_handler, &s.server, &error);
        s.client.socket = io_tls_start(loop, s.wire.ends[0], client_tls, "greeter.example",
                                       side ? &peer_handler : &handler, &s.client, &error);
        secured_settle(&s);
        assert_int_equal((side ? s.server : s.client).connected, 1);
        assert_int_equal((side ? s.server : s.client).ends, 0);
        assert_int_equal((side ? s.client : s.server).ends, 1);
        secured_close(&s);

        stand_up(&s);
        peer *p = side ? &s.server : &s.client, *other = side ? &s.client : &s.server;
        p->closes_on_bytes = true;
        assert_int_equal(peer_write(other, "x", 1), 1);
        secured_settle(&s);
        assert_int_equal(p->reads, 1);
        assert_null(p->socket);
        secured_close(&s);

        stand_up(&s);
        p->closes_on_end = true;
        io_socket_end(other->socket);
        secured_settle(&s);
        assert_int_equal(p->ends, 1);
        assert_null(p->socket);
        secured_close(&s);
    }
}

static void a_peer_that_goes_in_the_handshake_is_reported(void **state)
{
    (void)state;
    secured s;
    open_both(&s, 0, 0);
    wire_step(&s.wire);
    peer_close(&s.client);
    secured_settle(&s);
    expect_text(&s.server, PROA_ERR_TLS, "the client went in the middle of the handshake");
    secured_close(&s);
    open_both(&s, 0, 0);
    peer_close(&s.server);
    secured_settle(&s);
    expect_text(&s.client, PROA_ERR_TLS, "the server closed the connection in the middle of the handshake");
    secured_close(&s);
    open_both(&s, 0, 0);
    secured_close(&s);
}

/* ---- Over sockets of the kernel */

typedef struct listening {
    peer server;
    io_tls *tls;
} listening;

static void on_accept(void *owner, io_socket *socket)
{
    listening *l = owner;
    proa_error error;
    l->server.socket = io_tls_start(loop, socket, l->tls, NULL, &peer_handler, &l->server, &error);
    assert_non_null(l->server.socket);
}

static void on_plain_connected(void *owner)
{
    peer *p = owner;
    proa_error error;
    p->socket = io_tls_start(loop, p->socket, known_tls, "greeter.example", &peer_handler, p, &error);
    assert_non_null(p->socket);
}

static void tcp_and_unix_sockets_alike(void **state)
{
    (void)state;
    char place[64];
    snprintf(place, sizeof place, "unix-abstract:proa-tls-test-%ld", (long)getpid());
    const io_socket_handler plain = { .on_connected = on_plain_connected, .on_end = peer_handler.on_end };
    for (int is_unix = 0; is_unix < 2; is_unix++) {
        io_address address = address_of(is_unix ? place : "127.0.0.1:0");
        proa_error error;
        listening l = { .tls = strict_tls };
        peer client = { 0 };
        io_listener *listener = io_listener_open(loop, &address, NULL, on_accept, &l, &error);
        assert_non_null(listener);
        client.socket = io_socket_connect(loop, io_listener_address(listener), &plain, &client, &error);
        TURN_UNTIL(loop, client.connected && l.server.connected);
        size_t size = 3 * 1024 * 1024;
        char *data = pattern(size, 5);
        sending a = { &client, data, size, 0 };
        TURN_UNTIL(loop, (send_more(&a), buffer_size(&l.server.in) == size));
        assert_memory_equal(buffer_bytes(&l.server.in).data, data, size);
        int64_t pid = 0, uid = -1, gid = -1;
        assert_int_equal(io_socket_credentials(l.server.socket, &pid, &uid, &gid), is_unix);
        if (is_unix)
            assert_int_equal(uid, getuid());
        assert_true(BYTES_IS(io_socket_identity(l.server.socket)->subject, "CN=me"));
        io_socket_end(client.socket);
        TURN_UNTIL(loop, l.server.ends);
        assert_int_equal(l.server.error.code, PROA_ERR_NONE);
        free(data);
        peer_close(&client);
        peer_close(&l.server);
        io_listener_close(listener);
    }
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(bytes_arrive_whole_over_any_segmentation),
        WITH_LOOP(nothing_is_taken_before_the_handshake_is_over),
        WITH_LOOP(empty_writes_are_nothing),
        WITH_LOOP(short_writes_go_on_when_there_is_room),
        WITH_LOOP(paused_ends_hear_nothing_and_miss_nothing),
        WITH_LOOP(bytes_that_come_with_the_handshake_wait_for_their_owner),
        WITH_LOOP(a_pause_hides_neither_bytes_nor_a_good_end),
        WITH_LOOP(close_notify_is_a_good_end_and_a_cut_is_none),
        WITH_LOOP(an_end_waits_for_what_was_written),
        WITH_LOOP(a_handshake_that_is_cut_anywhere_ends_once_on_both_sides),
        WITH_LOOP(damage_anywhere_is_noticed_or_does_not_matter),
        WITH_LOOP(a_damaged_record_ends_the_connection_in_words),
        WITH_LOOP(plaintext_is_told_so),
        WITH_LOOP(a_handshake_without_end_is_cut_at_its_limit),
        WITH_LOOP(a_handshake_has_its_time),
        WITH_LOOP(a_client_without_the_certificate_that_is_required_is_told),
        WITH_LOOP(owners_may_close_in_every_handler),
        WITH_LOOP(a_peer_that_goes_in_the_handshake_is_reported),
        WITH_LOOP(tcp_and_unix_sockets_alike),
    };
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
