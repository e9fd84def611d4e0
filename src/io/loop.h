/* SPDX-License-Identifier: Apache-2.0 */
/* What the rooms of io see of a loop. */
#ifndef IO_LOOP_H
#define IO_LOOP_H
#include "io/io.h"
#include "io/mailbox.h"
#include <uv.h>

/* Lent to one on_bytes at a time; slop behind it as behind a hold. */
#define LOOP_READ_BYTES (64 * 1024)

struct dns;

struct io_loop {
    uv_loop_t uv;
    uv_async_t async;         /* other threads, signal handlers */
    uv_timer_t timeout;       /* bounds one wait; libuv is given no other timers */
    int64_t now;
    bool is_virtual;
    const io_network *network;   /* NULL: the kernel's */
    uint64_t seeds;           /* given so far */
    bool is_turning;
    bool is_stale;            /* the kernel was asked since the clock was read */
    bool is_changed;          /* libuv registers watchers only in its next run */
    unsigned event_count;     /* callbacks of the kernel's events in this turn */
    const trace *trace;
    wheel *wheel;
    hold_pool *pool;
    mailbox mailbox;
    atomic_uint senders;      /* threads that are inside post or wake right now: the loop's memory stays for them */
    list tasks[3];            /* by io_phase */
    slab sockets;
    struct dns *dns;          /* NULL until the first lookup */
    char *read_buffer;        /* LOOP_READ_BYTES + HOLD_SLOP */
    void *tls_scratch;        /* of tls.c; NULL until its first socket */
};

/* At the begin of every callback from libuv: counts it, and reads the clock if it is the first of its turn. */
void loop_note_event(io_loop *loop);
#endif
