/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of call share: a loop with both ends of one connection, whose layer above is the test itself. */
#ifndef CALL_CALL_TESTLIB_H
#define CALL_CALL_TESTLIB_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "call/object.h"

typedef struct desk_end {
    struct desk *desk;
    link_pump *pump;
    call_peer *peer;
} desk_end;

typedef struct desk {
    proa_loop *home;
    io_listener *listener;
    desk_end client, server;
    io_socket *accepted, *connected;
    call_binding binding;         /* of every call that arrives */
    proa_handler on_call;
    unsigned submits, forgets, works, unworks, gones, served_count;
    proa_call *submitted, *served, *worked;   /* the latest */
    bool is_worker_full, is_taken;            /* by a worker: unwork says no */
} desk;

extern const call_hooks desk_hooks;

void desk_open(desk *desk, proa_handler handler);
void desk_connect(desk *desk, desk_end *client, desk_end *server);   /* one more connection; the caller closes its pumps */
void desk_close(desk *desk);
proa_call *desk_make(desk *desk, const proa_call_options *options);   /* no attempt yet; options may be NULL */
void desk_attach(desk *desk, proa_call *call);
proa_call *desk_call(desk *desk, const proa_call_options *options);   /* both */
void desk_rest(desk *desk);                       /* some turns */
void desk_push(proa_call *call, const char *text);
bool desk_pop_is(proa_call *call, const char *text);
void desk_in_thread(void *(*run)(void *), void *user);   /* and waits for it */

#define TURN_UNTIL(desk, condition)                                                                                    \
    do {                                                                                                               \
        int64_t give_up_ = io_clock_now() + 30 * PROA_SECOND;                                                          \
        while (!(condition)) {                                                                                         \
            if (io_clock_now() > give_up_)                                                                             \
                fail_msg("never: %s", #condition);                                                                     \
            home_turn((desk)->home, 10 * PROA_MILLISECOND);                                                            \
        }                                                                                                              \
    } while (0)

/* Runs what must break the rule: an assertion whose text holds that part. */
void desk_breaks(const char *rule_part, void (*run)(proa_call *call), proa_call *call);
#endif
