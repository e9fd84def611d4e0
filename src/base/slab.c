/* SPDX-License-Identifier: Apache-2.0 */
/* Free list of blocks of one size, threaded through the blocks themselves. */
#include "base/slab.h"
#include "base/assert.h"
#include "base/memory.h"
#include <string.h>

struct slab_free {
    struct slab_free *next;
};

void slab_init(slab *slab, size_t size, size_t keep_max)
{
    slab->size = size < sizeof(struct slab_free) ? sizeof(struct slab_free) : size;
    slab->zeroed = slab->size;
    slab->keep_max = keep_max;
    slab->kept = 0;
    slab->free = NULL;
}

void slab_fini(slab *slab)
{
    while (slab->free) {
        struct slab_free *next = slab->free->next;
        memory_free(slab->free);
        slab->free = next;
    }
    slab->kept = 0;
}

void *slab_take(slab *slab)
{
    PROA_ASSERT(slab->size, "a slab is initialised before use");
    struct slab_free *block = slab->free;
    if (!block) {
        block = memory_resize(NULL, slab->size);
        return block ? memset(block, 0, slab->zeroed) : NULL;
    }
    slab->free = block->next;
    slab->kept--;
    return memset(block, 0, slab->zeroed);
}

void slab_give(slab *slab, void *block)
{
    if (!block)
        return;
    if (slab->kept == slab->keep_max) {
        memory_free(block);
        return;
    }
    struct slab_free *free = block;
    free->next = slab->free;
    slab->free = free;
    slab->kept++;
}
