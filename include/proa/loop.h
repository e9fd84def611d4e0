/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A loop: where callbacks and handlers run, driven by a thread of the program or from the program's own loop.
 */
#ifndef PROA_LOOP_H
#define PROA_LOOP_H
#include "proa/trace.h"
PROA_BEGIN

/** A loop makes no thread; it belongs to the thread that turns it. Only post and stop may come from others.
 *
 * A turn reads every socket that is ready, then runs handlers and callbacks, then writes once per connection.
 */
typedef struct proa_loop proa_loop;

/** Options of a loop. Only grows, by appending. */
typedef struct proa_loop_options {
    bool virtual_time;       /**< for tests: when nothing is ready, the clock jumps to the next deadline */
    const proa_trace *trace; /**< *borrowed (until the loop is freed)*; for everything on this loop that has none of its
                                  own; NULL: none */
} proa_loop_options;

/** The function behind proa_loop_new. */
PROA_API proa_loop *proa_loop_new_(const proa_loop_options *options, size_t options_size);

/** Makes a loop. @p options may be NULL.
 *
 * Ownership: *owned (free with proa_loop_free)*. Errors: NULL, no memory or no file descriptor left. Thread: any.
 */
static inline proa_loop *proa_loop_new(const proa_loop_options *options)
{
    return proa_loop_new_(options, sizeof *options);
}

/** Ends what is left on a loop, delivers the last event of each, frees it. NULL is fine. Calls that are yours to end are
 * ended first; channels and servers may follow later, for nothing but their close and free. It waits for calls that other
 * threads answer. Thread: the loop's, and not inside a callback. */
PROA_API void proa_loop_free(proa_loop *loop);

/** Turns a loop, waiting between turns, until nothing is left on it, or until it is stopped. Thread: the loop's. */
PROA_API void proa_loop_run(proa_loop *loop);

/** Makes proa_loop_run return after the turn that runs now, or at once the next time. Thread: any. */
PROA_API void proa_loop_stop(proa_loop *loop);

/** Runs a function once, in the loop's thread, in order of posting.
 *
 * Errors: PROA_ERR_NOMEM; PROA_ERR_CLOSED, the loop is being freed. Then it never runs. Thread: any.
 */
PROA_API PROA_CHECK proa_err proa_loop_post(proa_loop *loop, void (*run)(void *user), void *user);

/** The one file descriptor to watch from a loop of your own: wait until it is readable, at most proa_loop_timeout_ms,
 * then call proa_loop_turn. *borrowed (until the loop is freed)*: do not read or close it. Thread: any. */
PROA_API int proa_loop_fd(const proa_loop *loop);

/** Milliseconds until the loop wants a turn whatever its fd says; -1: never; 0 while commands are queued, so ask again
 * after each call into the library. Thread: the loop's. */
PROA_API int proa_loop_timeout_ms(const proa_loop *loop);

/** Does all that can be done now, and never waits. Thread: the loop's, and not inside a callback. */
PROA_API void proa_loop_turn(proa_loop *loop);

PROA_END
#endif
