/* SPDX-License-Identifier: Apache-2.0 */
/* A socket's owner that writes down what happens to it, and a listener that gives one. For the tests of io. */
#ifndef IO_PEER_TESTLIB_H
#define IO_PEER_TESTLIB_H
#include "io/io.h"

typedef struct peer {
    io_socket *socket;
    buffer in;
    unsigned connected, reads, writable, ends;
    proa_error error;        /* of on_end */
    bool closes_on_bytes, closes_on_end, pauses_on_bytes;
    void (*on_writable)(struct peer *peer);
} peer;

extern const io_socket_handler peer_handler;

typedef struct host {        /* accepts; the latest connection is owned by `accepted` */
    io_listener *listener;
    peer accepted;
    unsigned count;
} host;

io_address address_of(const char *text);          /* of a numeric or a Unix target */
void host_open(io_loop *loop, host *host, const char *address);
void peer_connect(io_loop *loop, peer *peer, const io_address *address);
void peer_close(peer *peer);
/* Both ends of a connection over a listener that is gone again. */
void pair_open(io_loop *loop, const char *address, peer *client, peer *server);
size_t peer_write(peer *peer, const void *data, size_t size);
/* Turns until the condition holds, for 2 s at most. */
#define TURN_UNTIL(loop, condition)                                                                                    \
    do {                                                                                                               \
        int64_t give_up_ = io_clock_now() + 30 * PROA_SECOND;                                                          \
        while (!(condition)) {                                                                                         \
            assert_true(io_clock_now() < give_up_);                                                                    \
            io_loop_turn((loop), 20 * PROA_MILLISECOND);                                                               \
        }                                                                                                              \
    } while (0)
#endif
