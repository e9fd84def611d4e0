/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of messages: those that wait for a connection, or between two threads. */
#ifndef CALL_SLICES_H
#define CALL_SLICES_H
#include "base/base.h"
#include "rpc/rpc.h"

typedef struct slice_queue {      /* {0} is empty; may be moved */
    proa_slice *items;            /* NULL: they are in few */
    uint32_t first, count, capacity;
    size_t bytes;
    proa_slice few[1];
} slice_queue;

proa_err slice_queue_push(slice_queue *queue, proa_slice *slice);   /* takes it; NOMEM: it is freed */
bool slice_queue_pop(slice_queue *queue, proa_slice *out);
void slice_queue_fini(slice_queue *queue);        /* frees what is in it */
#endif
