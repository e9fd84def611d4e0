/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of one size, recycled: calls and streams. One thread at a time. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H
#include <stddef.h>

typedef struct slab { size_t size, zeroed; size_t keep_max; size_t kept; struct slab_free *free; } slab;

void slab_init(slab *slab, size_t size, size_t keep_max);   /* size of a block in bytes; how many free ones are kept */
void slab_fini(slab *slab);                                 /* frees what is kept; blocks in use stay their owners' */
/* Owned: slab_give; NULL: no memory. Its first `zeroed` bytes are: all of them unless the owner says fewer. */
void *slab_take(slab *slab);
void slab_give(slab *slab, void *block);
#endif
