/* SPDX-License-Identifier: Apache-2.0 */
/* See tls_testlib.h. */
#include "io/tls_testlib.h"
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* ---- The wire */

static void on_wire_bytes(void *owner, proa_bytes bytes)
{
    wire_way *way = owner;
    assert_int_equal(buffer_append(&way->waiting, bytes.data, bytes.size), PROA_ERR_NONE);
}

static void on_wire_writable(void *owner)
{
    (void)owner;
}

static void on_wire_end(void *owner, const proa_error *error)
{
    wire_way *way = owner;
    (void)error;
    way->has_ended = true;
}

static const io_socket_handler wire_handler = { .on_bytes = on_wire_bytes,
                                                .on_writable = on_wire_writable,
                                                .on_end = on_wire_end };

void wire_open(wire *w, io_loop *loop)
{
    io_socket *client[2], *server[2];
    *w = (wire){ .loop = loop };
    assert_int_equal(io_pipe_open(loop, client), PROA_ERR_NONE);
    assert_int_equal(io_pipe_open(loop, server), PROA_ERR_NONE);
    w->ends[0] = client[0];
    w->ends[1] = server[0];
    w->ways[0] = (wire_way){ .from = client[1], .to = server[1] };
    w->ways[1] = (wire_way){ .from = server[1], .to = client[1] };
    io_socket_own(client[1], &wire_handler, &w->ways[0]);
    io_socket_own(server[1], &wire_handler, &w->ways[1]);
}

static size_t next_chunk(wire *w)
{
    if (!w->chunk)
        return SIZE_MAX;
    if (!w->seed)
        return w->chunk;
    w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return 1 + (size_t)(w->seed >> 33) % w->chunk;
}

static void damage(wire_way *way, char *data, size_t size)
{
    if (way->flip_at > way->passed && way->flip_at <= way->passed + size)
        data[way->flip_at - way->passed - 1] ^= 0x10;
}

static bool pass(wire *w, wire_way *way)
{
    proa_bytes waiting = buffer_bytes(&way->waiting);
    size_t size = next_chunk(w);
    if (way->is_over)
        return false;
    size = size < waiting.size ? size : waiting.size;
    if (way->end_after && way->passed + size >= way->end_after)
        size = (size_t)(way->end_after - way->passed);
    bool is_last = (way->end_after && way->passed + size == way->end_after) || (way->has_ended && size == waiting.size);
    damage(way, way->waiting.data ? way->waiting.data + way->waiting.begin : NULL, size);
    proa_bytes part = { waiting.data, size };
    size_t taken = size ? io_socket_write(way->to, &part, 1) : 0;
    way->passed += taken;
    buffer_consume(&way->waiting, taken);
    if (is_last && taken == size) {
        way->is_over = true;
        io_socket_end(way->to);
    }
    return taken || way->is_over;
}

/* A receiver that went takes nothing any more. */
static bool has_more(const wire_way *way, const wire_way *other)
{
    return !way->is_over && !other->has_ended && buffer_size(&way->waiting);
}

bool wire_step(wire *w)
{
    bool is_moved = pass(w, &w->ways[0]);
    is_moved |= pass(w, &w->ways[1]);
    for (int i = 0; i < 4; i++)
        io_loop_turn(w->loop, 0);
    return is_moved || has_more(&w->ways[0], &w->ways[1]) || has_more(&w->ways[1], &w->ways[0]);
}

void wire_close(wire *w)
{
    for (int i = 0; i < 2; i++) {
        io_socket_close(w->ways[i].from);
        buffer_fini(&w->ways[i].waiting);
    }
    io_loop_turn(w->loop, 0);
}

/* ---- Both ends */

static void start(io_loop *loop, peer *p, io_socket *end, io_tls *tls, const char *host)
{
    proa_error error = { 0 };
    *p = (peer){ .socket = end };
    if (tls) {
        p->socket = io_tls_start(loop, end, tls, host, &peer_handler, p, &error);
        p->error = error;
    } else {
        io_socket_own(end, &peer_handler, p);
    }
}

void secured_open(secured *s, io_loop *loop, io_tls *client, const char *host, io_tls *server)
{
    wire_open(&s->wire, loop);
    start(loop, &s->server, s->wire.ends[1], server, NULL);
    start(loop, &s->client, s->wire.ends[0], client, host);
}

void secured_settle(secured *s)
{
    for (int idle = 0; idle < 3;)
        idle = wire_step(&s->wire) ? 0 : idle + 1;
}

void secured_close(secured *s)
{
    peer_close(&s->client);
    peer_close(&s->server);
    wire_close(&s->wire);
}

/* ---- OpenSSL, as it is */

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
                     unsigned in_size, void *arg)
{
    static const unsigned char h2[] = { 2, 'h', '2' };
    (void)ssl;
    (void)arg;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_size, h2, sizeof h2, in, in_size) ==
                   OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

SSL_CTX *raw_context(const cert *mine, const cert *const *chain, size_t count)
{
    static const unsigned char h2[] = { 2, 'h', '2' };
    SSL_CTX *c = SSL_CTX_new(TLS_method());
    SSL_CTX_set_security_level(c, 0);
    SSL_CTX_set_min_proto_version(c, TLS1_VERSION);
    SSL_CTX_set_cipher_list(c, "ALL:@SECLEVEL=0");
    SSL_CTX_set_alpn_protos(c, h2, sizeof h2);
    SSL_CTX_set_alpn_select_cb(c, choose_h2, NULL);
    if (mine) {
        assert_true(SSL_CTX_use_certificate(c, mine->x509));
        assert_true(SSL_CTX_use_PrivateKey(c, mine->key));
    }
    for (size_t i = 0; i < count; i++)
        assert_true(SSL_CTX_add1_chain_cert(c, chain[i]->x509));
    return c;
}

void raw_flush(raw_end *raw)
{
    BIO *bio = SSL_get_wbio(raw->ssl);
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    if (size <= 0 || !raw->socket)
        return;
    proa_bytes part = { data, (size_t)size };
    assert_int_equal(io_socket_write(raw->socket, &part, 1), part.size);
    (void)BIO_reset(bio);
}

static void raw_go_on(raw_end *raw)
{
    char data[4096];
    ERR_clear_error();
    int result = raw->is_done ? 1 : SSL_do_handshake(raw->ssl);
    raw->is_done = result == 1;
    while (raw->is_done && (result = SSL_read(raw->ssl, data, sizeof data)) > 0)
        assert_int_equal(buffer_append(&raw->in, data, (size_t)result), PROA_ERR_NONE);
    int why = SSL_get_error(raw->ssl, result);
    if (why == SSL_ERROR_SSL && !raw->has_failed) {
        raw->has_failed = true;
        raw->reason = ERR_peek_error();
    }
    if (why == SSL_ERROR_ZERO_RETURN)
        raw->has_ended = true;
    raw_flush(raw);
}

static void on_raw_bytes(void *owner, proa_bytes bytes)
{
    raw_end *raw = owner;
    BIO_write(SSL_get_rbio(raw->ssl), bytes.data, (int)bytes.size);
    raw_go_on(raw);
}

static void on_raw_writable(void *owner)
{
    (void)owner;
}

static void on_raw_end(void *owner, const proa_error *error)
{
    (void)owner;
    (void)error;
}

static const io_socket_handler raw_handler = { .on_bytes = on_raw_bytes,
                                               .on_writable = on_raw_writable,
                                               .on_end = on_raw_end };

void raw_open(raw_end *raw, io_socket *socket, SSL_CTX *context, bool is_server)
{
    *raw = (raw_end){ .socket = socket, .ssl = SSL_new(context) };
    SSL_set_bio(raw->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    io_socket_own(socket, &raw_handler, raw);
    if (is_server) {
        SSL_set_accept_state(raw->ssl);
    } else {
        SSL_set_connect_state(raw->ssl);
        raw_go_on(raw);
    }
}

void raw_write(raw_end *raw, const void *data, size_t size)
{
    assert_int_equal(SSL_write(raw->ssl, data, (int)size), (int)size);
    raw_flush(raw);
}

void raw_close(raw_end *raw)
{
    io_socket_close(raw->socket);
    SSL_free(raw->ssl);
    buffer_fini(&raw->in);
    *raw = (raw_end){ .ssl = NULL };
}

io_tls *tls_of(const io_tls_options *options)
{
    io_tls *tls = io_tls_new(options);
    assert_non_null(tls);
    return tls;
}
