/* SPDX-License-Identifier: Apache-2.0 */
/* What the library needs of an arena beyond proa/base.h. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include "proa/call.h"

/* The first bytes of every arena: codec code bumps them inline. begin is 8-aligned. The layout is table version 1. */
typedef struct arena_head { char *begin, *end; } arena_head;

/* Free blocks of powers of two from 1 KiB to 64 KiB, for arenas that lie in something of the owner's. One thread at a time;
 * {0} is empty. */
enum { ARENA_POOL_CLASSES = 7, ARENA_BLOCK_MIN = 1024 };
typedef struct arena_pool { struct arena_block *free[ARENA_POOL_CLASSES]; unsigned kept[ARENA_POOL_CLASSES]; } arena_pool;
void arena_pool_fini(arena_pool *pool);

struct proa_arena {
    _Alignas(8) arena_head head;
    struct arena_block *used, *spare;
    struct arena_held *held;
    char *first;                   /* the bytes of its own allocation; NULL: it has none */
    size_t first_capacity, next_capacity, total;
    arena_pool *pool;
    uint8_t spare_count;
    bool is_pooled;                /* its blocks are of the pool's sizes, also while pool is NULL */
    bool is_exhausted;
};

/* An arena that holds no memory until it is asked for some; pool may be NULL. */
void arena_init(proa_arena *arena, arena_pool *pool);
void arena_fini(proa_arena *arena, arena_pool *pool);       /* its blocks go to the pool, or to the heap */
/* It goes to another thread: from now on it takes from the heap. What it asks for first is there without. */
void arena_detach(proa_arena *arena);

void *arena_raw(proa_arena *arena, size_t size);   /* 8-aligned, not zeroed; NULL: no memory, and the arena remembers */
bool arena_is_exhausted(const proa_arena *arena);  /* it ran out since new or reset */
void arena_exhaust(proa_arena *arena);             /* make it remember a failure elsewhere */
/* The slice stays valid to read, and no longer owns: freeing it then does nothing. NOMEM: it still owns. */
proa_err arena_hold(proa_arena *arena, proa_slice *slice);  /* the arena takes the slice and releases it with itself */
size_t arena_size(const proa_arena *arena);        /* bytes of all its blocks */
#endif
