/* SPDX-License-Identifier: Apache-2.0 */
/* The struct behind proa_loop. */
#ifndef CALL_HOME_H
#define CALL_HOME_H
#include <pthread.h>
#include <stdatomic.h>
#include "call/call.h"
#include "pb/pb.h"

size_t call_size(bool is_served);                 /* bytes of a proa_call, for its slab, */
size_t call_zeroed_size(void);                    /* and how many of them are to be zeroed */
proa_call *call_of_home_node(list_node *node);    /* of proa_loop.all */
void call_abandon(proa_call *call);               /* its loop goes: its last callback waits for nothing any more */
struct proa_loop {
    io_loop *io;
    trace trace;
    bool is_driven;
    bool lets_wait;               /* home_let_wait */
    unsigned holders;             /* driven: who will free it */
    bool is_turning;
    atomic_bool is_closing;       /* nothing is posted any more */
    atomic_uint posting;          /* threads that are inside proa_loop_post right now */
    atomic_uint errands;          /* posted and not yet run; they too keep proa_loop_run going */
    unsigned busy;                /* calls and servers that keep proa_loop_run going */
    _Atomic(pthread_t) owner;     /* driven: the thread that is inside of a turn; 0: none */
    list all;                     /* every call */
    slab served, made, streams;
    pb_scratch scratch;           /* where messages are encoded, backwards */
    arena_pool arenas;            /* where the calls' arenas take their blocks */
    list guests;
    atomic_uint_least64_t tickets;   /* taken so far; a worker takes them too */
    atomic_bool is_stopped;
    void (*last)(void *user);     /* driven: home_end_with */
    void *last_user;
    struct {                      /* of a driven home: lock guards all of the struct */
        pthread_mutex_t lock;
        pthread_cond_t moved;     /* a turn was made */
        unsigned waiting;
        bool has_moved;           /* since the waiting were told: a call came on, or ended */
        bool must_wake;           /* the one in poll has to look, and has not yet */
        bool is_polling;          /* one of those who wait sits in poll, without the lock */
        int64_t polls_until;
    } shared;
};

bool home_can_wait(const proa_loop *home);        /* is this no callback, and a home that waiting turns? */
void home_give_slice(proa_loop *home, proa_slice *slice);   /* as proa_slice_free: its block is for the next message */
#endif
