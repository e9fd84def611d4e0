/* SPDX-License-Identifier: Apache-2.0 */
/* What the library needs of an arena beyond proa/base.h. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include "proa/call.h"

/* The first bytes of every arena: codec code bumps them inline. begin is 8-aligned. The layout is table version 1. */
typedef struct arena_head { char *begin, *end; } arena_head;

void *arena_raw(proa_arena *arena, size_t size);   /* 8-aligned, not zeroed; NULL: no memory, and the arena remembers */
bool arena_is_exhausted(const proa_arena *arena);  /* it ran out since new or reset */
void arena_exhaust(proa_arena *arena);             /* make it remember a failure elsewhere */
/* The slice stays valid to read, and no longer owns: freeing it then does nothing. NOMEM: it still owns. */
proa_err arena_hold(proa_arena *arena, proa_slice *slice);  /* the arena takes the slice and releases it with itself */
size_t arena_size(const proa_arena *arena);        /* bytes of all its blocks */
#endif
