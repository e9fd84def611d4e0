/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that wait to be sent, in order: copied ones in one buffer, held slices between them.
 *
 * Twice in use: each stream's DATA that is not framed yet, and the connection's framed output. {0} is an empty one. */
#ifndef H2_QUEUE_H
#define H2_QUEUE_H
#include "base/buffer.h"
#include "base/hold.h"

typedef struct queue_slice {
    uint64_t at;            /* it stands in front of the copied byte of this number */
    proa_bytes bytes;
    hold *hold;             /* a reference of its own */
} queue_slice;

typedef struct queue {
    buffer bytes;           /* copied */
    uint64_t position;      /* number of the first copied byte */
    queue_slice *slices;    /* owned */
    uint32_t first, last, capacity;
    size_t size;            /* of everything */
} queue;

#define QUEUE_COPY_MAX 2048 /* a shorter part of a slice is copied: cheaper than one more part of a write */

void queue_free(queue *queue);
static inline void queue_fini(queue *q)             /* it is {0} again */
{
    if (q->bytes.data || q->slices)
        queue_free(q);
}
/* Room for size copied bytes behind the end; NULL: no memory. They count from queue_commit on. */
static inline char *queue_reserve(queue *q, size_t size)
{
    if (size > q->bytes.capacity - q->bytes.end && buffer_reserve(&q->bytes, size))
        return NULL;
    return buffer_tail(&q->bytes);
}
static inline void queue_commit(queue *q, size_t size) { q->bytes.end += size; q->size += size; }
proa_err queue_push(queue *queue, proa_bytes bytes);                        /* copied */
proa_err queue_push_slice(queue *queue, proa_bytes bytes, hold *hold);      /* takes the reference unless it fails */
void queue_drop(queue *queue, size_t size);                                 /* from the front, at most what it holds */
/* The first size bytes go to the end of another queue; to has all of them or, NOMEM, some, and is then of no use. */
proa_err queue_move(queue *from, queue *to, size_t size);
/* What a write takes: at most max parts from the front; returns their count. */
size_t queue_parts(const queue *queue, proa_bytes *parts, size_t max, size_t *size);
void queue_trim(queue *queue, size_t keep);                                 /* an empty one frees its blocks */
#endif
