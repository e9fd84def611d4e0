/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of TLS on one loop, with a wire between them that cuts, damages and ends what passes; and an end of plain OpenSSL
 * that can be told to misbehave. For the tests of io. */
#ifndef IO_TLS_TESTLIB_H
#define IO_TLS_TESTLIB_H
#include "io/certs_testlib.h"
#include "io/peer_testlib.h"
#include <openssl/ssl.h>

/* One direction of the wire. */
typedef struct wire_way {
    io_socket *from, *to;
    buffer waiting;
    uint64_t passed;           /* bytes */
    uint64_t end_after;        /* a FIN behind so many bytes, the rest is lost; 0: never */
    uint64_t flip_at;          /* one bit of this byte is changed, from 1; 0: none */
    bool has_ended, is_over;   /* the sender ended; and it was passed on */
} wire_way;

typedef struct wire {
    io_loop *loop;
    io_socket *ends[2];        /* for whoever talks over it: client, server */
    wire_way ways[2];          /* from the client, from the server */
    size_t chunk;              /* bytes that pass at once; 0: all */
    uint64_t seed;             /* not 0: chunks of random sizes up to chunk */
} wire;

void wire_open(wire *wire, io_loop *loop);
bool wire_step(wire *wire);                       /* passes something on and turns the loop; false: nothing was there */
void wire_close(wire *wire);                      /* what lies between the ends */

/* Both ends are ours. */
typedef struct secured {
    wire wire;
    peer client, server;
} secured;
/* Starts both; a side whose credentials are NULL stays a plain socket: client.socket or server.socket is the wire's end. */
void secured_open(secured *s, io_loop *loop, io_tls *client, const char *host, io_tls *server);
void secured_settle(secured *s);                  /* until nothing happens any more */
void secured_close(secured *s);

/* An end of OpenSSL, over a socket; it accepts or connects by itself whenever bytes come. */
typedef struct raw_end {
    io_socket *socket;
    SSL *ssl;
    bool is_done, has_failed, has_ended;
    unsigned long reason;      /* of OpenSSL, when it failed */
    buffer in;                 /* decrypted */
} raw_end;
SSL_CTX *raw_context(const cert *mine, const cert *const *chain, size_t chain_count);   /* no rules at all: level 0; ALPN h2 */
void raw_open(raw_end *raw, io_socket *socket, SSL_CTX *context, bool is_server);
void raw_write(raw_end *raw, const void *data, size_t size);
void raw_flush(raw_end *raw);
void raw_close(raw_end *raw);

io_tls *tls_of(const io_tls_options *options);    /* asserts that it was made; owned: io_tls_drop */
#endif
