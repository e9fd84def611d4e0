/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROA_LOOP_H
#define PROA_LOOP_H
#include "proa/base.h"
PROA_BEGIN
/* A loop makes no thread and belongs to the thread that turns it; only post and stop may come from others. */
typedef struct proa_loop proa_loop;
typedef struct proa_loop_options { bool virtual_time; /* tests: the clock jumps when nothing is ready */ } proa_loop_options;
PROA_API proa_loop *proa_loop_new_(const proa_loop_options *, size_t);
static inline proa_loop *proa_loop_new(const proa_loop_options *options)  /* owned: proa_loop_free; NULL: no memory or fd */
{ return proa_loop_new_(options, sizeof *options); }
PROA_API void proa_loop_free(proa_loop *loop);                    /* ends what is left, delivers the last events */
PROA_API void proa_loop_run(proa_loop *loop);                     /* until nothing is left, or stopped */
PROA_API void proa_loop_stop(proa_loop *loop);
PROA_API PROA_CHECK proa_err proa_loop_post(proa_loop *loop, void (*run)(void *user), void *user);
/* Inside your own loop: wait until fd is readable, at most timeout_ms (-1: for ever), then turn. */
PROA_API int proa_loop_fd(const proa_loop *loop);
PROA_API int proa_loop_timeout_ms(const proa_loop *loop);         /* 0 while commands are queued */
PROA_API void proa_loop_turn(proa_loop *loop);                    /* never waits */
PROA_END
#endif
