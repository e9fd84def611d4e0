/* SPDX-License-Identifier: Apache-2.0 */
/* A growable queue of bytes: appended at the end, consumed at the front, contiguous. {0} is an empty one. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H
#include "proa/base.h"

typedef struct buffer {
    char *data;        /* owned block, or NULL */
    size_t begin;      /* first byte not yet consumed */
    size_t end;        /* one behind the last byte */
    size_t capacity;
} buffer;

void buffer_fini(buffer *buffer);                                   /* frees the block; the buffer is {0} again */
proa_err buffer_reserve(buffer *buffer, size_t more);               /* room for more bytes behind end, may move the data */
proa_err buffer_append(buffer *buffer, const void *data, size_t size);
void buffer_consume(buffer *buffer, size_t size);                   /* at most what it holds; an emptied one starts over */
void buffer_shrink(buffer *buffer, size_t keep);                    /* an empty buffer larger than keep frees its block */

static inline size_t buffer_size(const buffer *b) { return b->end - b->begin; }
static inline proa_bytes buffer_bytes(const buffer *b)              /* borrowed until the next change */
{ return (proa_bytes){ b->data ? b->data + b->begin : "", b->end - b->begin }; }
static inline char *buffer_tail(buffer *b) { return b->data + b->end; }   /* after reserve: write here, then end += n */
#endif
