/* SPDX-License-Identifier: Apache-2.0 */
/* Counted blocks, their per-thread pool, and the slices that stand on them. */
#include "base/hold.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/memory.h"
#include <stdatomic.h>

/* Capacities of pooled blocks are powers of two from 256 bytes to 4 MiB. A class to 64 KiB keeps 1 MiB, or 4096 blocks:
 * what a turn of a hundred busy connections has at once. All above keep 8 MiB together: whoever reads large messages, one
 * after the other, would else have the kernel clear their pages each time. */
enum { CLASS_SHIFT = 8, CLASS_COUNT = 15, CLASS_NONE = CLASS_COUNT, CLASS_LARGE = 9 };
enum { KEEP_BYTES = 1024 * 1024, KEEP_BLOCKS = 4096, KEEP_LARGE_BYTES = 8 * 1024 * 1024 };

struct hold {
    atomic_uint references;
    uint32_t class;
    size_t capacity;
    _Alignas(8) char data[];
};

/* A free block carries the link in its data. */
typedef struct free_block {
    struct free_block *next;
} free_block;

struct hold_pool {
    free_block *free[CLASS_COUNT];
    size_t kept[CLASS_COUNT];
    size_t kept_large_bytes;
};

static const char nothing[HOLD_SLOP];

static hold *create(size_t capacity, uint32_t class)
{
    if (capacity > SIZE_MAX / 2)
        return NULL;
    hold *made = memory_resize(NULL, sizeof *made + capacity + HOLD_SLOP);
    if (!made)
        return NULL;
    atomic_init(&made->references, 1);
    made->class = class;
    made->capacity = capacity;
    memset(made->data + capacity, 0, HOLD_SLOP);
    return made;
}

hold *hold_new(size_t capacity)
{
    return create(capacity, CLASS_NONE);
}

static size_t size_of(uint32_t class)
{
    return (size_t)1 << (CLASS_SHIFT + class);
}

static uint32_t class_of(size_t capacity)
{
    uint32_t class = 0;
    while (class < CLASS_COUNT && size_of(class) < capacity)
        class ++;
    return class;
}

hold *hold_new_from(hold_pool *pool, size_t capacity)
{
    uint32_t class = pool ? class_of(capacity) : CLASS_NONE;
    if (class == CLASS_NONE)
        return hold_new(capacity);
    free_block *block = pool->free[class];
    if (!block)
        return create(size_of(class), class);
    pool->free[class] = block->next;
    pool->kept[class]--;
    if (class >= CLASS_LARGE)
        pool->kept_large_bytes -= size_of(class);
    hold *again = CONTAINER_OF(block, hold, data);
    atomic_init(&again->references, 1);
    return again;
}

hold *hold_retain(hold *hold)
{
    if (hold) {
        unsigned before = atomic_fetch_add_explicit(&hold->references, 1, memory_order_relaxed);
        PROA_ASSERT(before > 0 && before < UINT32_MAX / 2, "a hold is retained while somebody holds it");
    }
    return hold;
}

/* True for whoever gave the last reference back. */
static bool drop(hold *hold)
{
    unsigned before = atomic_fetch_sub_explicit(&hold->references, 1, memory_order_acq_rel);
    PROA_ASSERT(before > 0, "a hold is released once for each reference");
    return before == 1;
}

void hold_release(hold *hold)
{
    if (hold && drop(hold))
        memory_free(hold);
}

static bool has_room(const hold_pool *pool, uint32_t class)
{
    if (class >= CLASS_LARGE)
        return pool->kept_large_bytes + size_of(class) <= KEEP_LARGE_BYTES;
    return pool->kept[class] < KEEP_BLOCKS && (pool->kept[class] + 1) * size_of(class) <= KEEP_BYTES;
}

void hold_release_to(hold_pool *pool, hold *hold)
{
    if (!hold || !drop(hold))
        return;
    if (!pool || hold->class == CLASS_NONE || !has_room(pool, hold->class)) {
        memory_free(hold);
        return;
    }
    free_block *block = (void *)hold->data;
    block->next = pool->free[hold->class];
    pool->free[hold->class] = block;
    pool->kept[hold->class]++;
    if (hold->class >= CLASS_LARGE)
        pool->kept_large_bytes += size_of(hold->class);
}

char *hold_data(hold *hold)
{
    return hold->data;
}

size_t hold_capacity(const hold *hold)
{
    return hold->capacity;
}

hold_pool *hold_pool_new(void)
{
    return memory_new(sizeof(hold_pool));
}

void hold_pool_free(hold_pool *pool)
{
    if (!pool)
        return;
    for (size_t class = 0; class < CLASS_COUNT; class ++) {
        for (free_block *block = pool->free[class], *next; block; block = next) {
            next = block->next;
            memory_free(CONTAINER_OF(block, hold, data));
        }
    }
    memory_free(pool);
}

proa_slice slice_of(hold *hold, size_t offset, size_t size)
{
    if (!hold)
        return (proa_slice){ .bytes = { NULL, 0 } };
    PROA_ASSERT(offset <= hold->capacity && size <= hold->capacity - offset, "a slice lies within its hold");
    return (proa_slice){ .bytes = { hold->data + offset, size }, .hold = hold };
}

proa_slice slice_share(const proa_slice *slice)
{
    hold_retain(slice->hold);
    return *slice;
}

proa_err proa_slice_copy(proa_bytes bytes, proa_slice *out)
{
    if (bytes.size == 0) {
        /* Readable slop behind the end is promised for an empty slice as well. */
        *out = (proa_slice){ .bytes = { bytes.data ? nothing : NULL, 0 } };
        return PROA_ERR_NONE;
    }
    hold *copy = hold_new(bytes.size);
    if (!copy)
        return PROA_ERR_NOMEM;
    bytes_copy(copy->data, bytes.data, bytes.size);
    *out = slice_of(copy, 0, bytes.size);
    return PROA_ERR_NONE;
}

void proa_slice_free(proa_slice *slice)
{
    if (!slice)
        return;
    hold_release(slice->hold);
    *slice = (proa_slice){ .bytes = { NULL, 0 } };
}
