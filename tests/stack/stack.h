/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of this folder share: a server in a thread, and peers that are bare sockets. */
#ifndef STACK_STACK_H
#define STACK_STACK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>
#include "proa/proa.h"

/* ---- A server that runs in a thread of its own until it is stopped. */
typedef struct running {
    proa_server *server;
    pthread_t thread;
    proa_err result;
    char target[160];
} running;
void running_start(running *r, proa_server *server);   /* listens on 127.0.0.1, a free port */
void running_run(running *r, proa_server *server);     /* the same with a server that listens already */
void running_stop(running *r);                         /* drains, joins, frees; run ended well */
void running_join(running *r);                         /* the same, when somebody drained already */

/* ---- A peer that is a listening socket and a script. */
typedef struct peer {
    int listener;
    char target[64];
    pthread_t thread;
    void (*script)(int fd);       /* one connection; the socket is closed behind it. NULL: nobody accepts */
} peer;
void peer_start(peer *p, void (*script)(int fd));
void peer_join(peer *p);

/* Frames, as far as a script needs them. */
void peer_write(int fd, const void *bytes, size_t size);
void peer_frame(int fd, unsigned char type, unsigned char flags, unsigned char stream, const void *payload, size_t size);
int peer_connect(const char *target);                  /* a client's end */
void peer_preface(int fd);                             /* with SETTINGS */
void peer_request(int fd, unsigned char stream, const char *path);   /* HEADERS of a call, which sends more */
void peer_settings(int fd);                            /* empty SETTINGS */
void peer_read_request(int fd);                        /* until a HEADERS frame came; acknowledges SETTINGS */
void peer_reply_headers(int fd);                       /* :status 200, content-type application/grpc on stream 1 */
void peer_data(int fd, const void *bytes, size_t size);/* DATA on stream 1 */
void peer_reset(int fd);                               /* closing will be a reset */
bool peer_wait_closed(int fd);                         /* reads until the other end closes, at most 5 s */

/* ---- Calls of bytes */
proa_slice slice_of_size(size_t size);                 /* zeros */
/* One empty message; the text lives until the next call of this thread. */
proa_status call_once(proa_channel *channel, const char *path, int64_t timeout_ns);
int64_t now_ns(void);
#endif
