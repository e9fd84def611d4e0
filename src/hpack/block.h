/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a decoded header list and the home that recycles it.
 * Owns: the fields, their bytes and, in a memo, the encoded bytes that it came from. A home belongs to one decoder and
 * goes when both the decoder and the last of its blocks are gone. */
#ifndef HPACK_BLOCK_H
#define HPACK_BLOCK_H
#include "hpack/hpack.h"

#define BLOCK_SLOP 16u               /* writable bytes behind the last, so that copies may round up */

typedef struct block_home block_home;

typedef struct block {
    hpack_block face;            /* first: the face's pointer is the body's */
    uint32_t references;
    uint32_t field_capacity;
    hpack_field *fields;
    char *bytes;
    size_t byte_size, byte_capacity;
    size_t wire_size;            /* of the encoded bytes, which follow the byte_size bytes; 0: not kept */
    block_home *home;
    struct block *next;          /* while it is spare */
} block;

block_home *block_home_new(void);                 /* owned: block_home_close; NULL: no memory */
void block_home_close(block_home *home);          /* the decoder goes; blocks in use stay */
void block_home_trim(block_home *home);           /* frees the spare ones */

block *block_new(block_home *home);               /* empty, one reference; NULL: no memory */
/* Room for that many bytes more, and BLOCK_SLOP; earlier fields follow when the bytes move. */
PROA_CHECK bool block_reserve(block *block, size_t more);
PROA_CHECK bool block_reserve_field(block *block);   /* room for one field more than face.count */
PROA_CHECK bool block_keep_wire(block *block, proa_bytes wire);   /* only while nobody else holds the block */
static inline proa_bytes block_wire(const block *b)
{ return (proa_bytes){ b->bytes + b->byte_size, b->wire_size }; }
#endif
