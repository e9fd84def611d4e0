/* SPDX-License-Identifier: Apache-2.0 */
/* A service of all four shapes, for loops and for workers, and a loop that holds both ends of a connection. */
#ifndef STACK_SHAPES_H
#define STACK_SHAPES_H
#include "shapes.proa.h"
#include "stack.h"

extern const test_Shapes shapes_on_loop, shapes_on_workers;

/* ---- Server and client inside one loop. */
typedef struct inside {
    proa_loop *loop;
    proa_server *server;
    proa_channel *channel;
} inside;
/* The server listens on 127.0.0.1 and serves nothing yet; loop and on_drained are set for it. */
void inside_open(inside *in, proa_server_options options);
proa_channel *inside_channel(inside *in, proa_channel_options options);   /* another, to the same server */
void inside_close(inside *in);                    /* channel, server, loop, those that are left */
void inside_turn(proa_loop *loop, int wait_ms);   /* polls its descriptor, as a loop of the program's own would */
#define TURN_UNTIL(loop, condition)                                                                                    \
    do {                                                                                                               \
        int64_t give_up_ = now_ns() + 30 * PROA_SECOND;                                                                \
        while (!(condition)) {                                                                                         \
            if (now_ns() > give_up_)                                                                                   \
                fail_msg("never: %s", #condition);                                                                     \
            inside_turn((loop), 20);                                                                                   \
        }                                                                                                              \
    } while (0)
void inside_rest(proa_loop *loop);                /* some turns in which nothing is waited for */

/* ---- What happened to a call with callbacks. */
typedef struct seen {
    proa_call *call;
    unsigned ready, done;
    proa_code code;
    char text[200];
    size_t pops, bytes;
    bool is_lazy;                                 /* on_ready pops nothing */
    bool is_slow;                                 /* on_ready pops one */
    void (*on_pop)(struct seen *seen);
} seen;
void seen_ready(proa_call *call, void *seen);     /* pops, and counts */
void seen_done(proa_call *call, void *seen);
#define SEEN(s) .on_ready = seen_ready, .on_done = seen_done, .user = (s)
proa_slice text_slice(const char *text);
#endif
