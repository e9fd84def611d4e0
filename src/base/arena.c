/* SPDX-License-Identifier: Apache-2.0 */
/* Bump allocation in blocks that double. The first block lies in the arena's own allocation.
 *
 * Blocks in use hang in `used`; those that a reset emptied wait in `spare`, smallest first, so that the best fit is the
 * first fit. Of a new block and the current one, that with more room left stays current: a large allocation gets a
 * block of its own and wastes nothing of the current one. A pooled arena takes whole powers of two, from a pool. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/hold.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdio.h>

enum { FIRST_DEFAULT = 4096, BLOCK_MAX = 256 * 1024, SPARE_MAX = 16, ALIGN = 8 };
enum { POOLED_MAX = ARENA_BLOCK_MIN << (ARENA_POOL_CLASSES - 1), KEEP_BYTES = 512 * 1024 }; /* of each class, */

/* Its bytes follow. */
typedef struct arena_block {
    _Alignas(ALIGN) struct arena_block *next;
    size_t capacity;
} block;

typedef struct arena_held {
    struct arena_held *next;
    void *hold;
} held;

#define FIRST_POOLED (ARENA_BLOCK_MIN - sizeof(block))
enum { KEEP_FIRST = 4096 }; /* and of the first as many as a busy turn has calls */

/* SIZE_MAX when there is no such size. */
static size_t align_up(size_t size)
{
    return size > SIZE_MAX - (ALIGN - 1) ? SIZE_MAX : (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

static void start(proa_arena *arena)
{
    char *first = arena->first;
    arena->head = (arena_head){ first, first ? first + arena->first_capacity : NULL };
}

static char *data_of(block *one)
{
    return (char *)(one + 1);
}

proa_arena *proa_arena_new(size_t first_block_size)
{
    size_t capacity = align_up(first_block_size ? first_block_size : FIRST_DEFAULT);
    if (capacity > SIZE_MAX / 2)
        return NULL;
    proa_arena *arena = memory_resize(NULL, sizeof *arena + capacity);
    if (!arena)
        return NULL;
    *arena = (proa_arena){ .total = capacity, .first = (char *)(arena + 1), .first_capacity = capacity };
    arena->next_capacity = capacity < BLOCK_MAX / 2 ? capacity * 2 : BLOCK_MAX;
    start(arena);
    return arena;
}

static void release_held(proa_arena *arena)
{
    for (held *one = arena->held; one; one = one->next)
        hold_release(one->hold);
    arena->held = NULL;
}

static void free_blocks(block *list)
{
    while (list) {
        block *next = list->next;
        memory_free(list);
        list = next;
    }
}

void proa_arena_free(proa_arena *arena)
{
    if (!arena)
        return;
    release_held(arena);
    free_blocks(arena->used);
    free_blocks(arena->spare);
    memory_free(arena);
}

/* Keeps the order by capacity; past SPARE_MAX the smallest goes back to the heap, so that the search stays short. */
static void add_spare(proa_arena *arena, block *one)
{
    block **at = &arena->spare;
    while (*at && (*at)->capacity < one->capacity)
        at = &(*at)->next;
    one->next = *at;
    *at = one;
    if (++arena->spare_count <= SPARE_MAX)
        return;
    block *smallest = arena->spare;
    arena->spare = smallest->next;
    arena->spare_count--;
    arena->total -= smallest->capacity;
    memory_free(smallest);
}

void proa_arena_reset(proa_arena *arena)
{
    release_held(arena);
    while (arena->used) {
        block *one = arena->used;
        arena->used = one->next;
        add_spare(arena, one);
    }
    arena->is_exhausted = false;
    start(arena);
}

static block *take_spare(proa_arena *arena, size_t size)
{
    for (block **at = &arena->spare; *at; at = &(*at)->next) {
        if ((*at)->capacity < size)
            continue;
        block *one = *at;
        *at = one->next;
        arena->spare_count--;
        return one;
    }
    return NULL;
}

/* ---- Pools */

/* Of a block with its header; ARENA_POOL_CLASSES: of none. */
static unsigned class_of(size_t size)
{
    unsigned class = 0;
    while (class < ARENA_POOL_CLASSES && (size_t)ARENA_BLOCK_MIN << class < size)
        class ++;
    return class;
}

/* Up to a size that a pool keeps, if there is one. */
static size_t pooled_capacity(size_t capacity)
{
    unsigned class = capacity < POOLED_MAX ? class_of(capacity + sizeof(block)) : ARENA_POOL_CLASSES;
    return class == ARENA_POOL_CLASSES ? capacity : ((size_t)ARENA_BLOCK_MIN << class) - sizeof(block);
}

static block *take_pooled(arena_pool *pool, size_t capacity)
{
    unsigned class = class_of(capacity + sizeof(block));
    block *one = class < ARENA_POOL_CLASSES ? pool->free[class] : NULL;
    if (one) {
        pool->free[class] = one->next;
        pool->kept[class]--;
    }
    return one;
}

static void give_pooled(arena_pool *pool, block *one)
{
    size_t size = one->capacity + sizeof *one;
    unsigned class = class_of(size);
    if (class == ARENA_POOL_CLASSES || size != (size_t)ARENA_BLOCK_MIN << class ||
        pool->kept[class] >= (class ? KEEP_BYTES / size : KEEP_FIRST)) {
        memory_free(one);
        return;
    }
    one->next = pool->free[class];
    pool->free[class] = one;
    pool->kept[class]++;
}

static void give_blocks(arena_pool *pool, block *list)
{
    for (block *next; list; list = next) {
        next = list->next;
        if (pool)
            give_pooled(pool, list);
        else
            memory_free(list);
    }
}

void arena_pool_fini(arena_pool *pool)
{
    for (unsigned class = 0; class < ARENA_POOL_CLASSES; class ++)
        free_blocks(pool->free[class]);
    *pool = (arena_pool){ 0 };
}

void arena_init(proa_arena *arena, arena_pool *pool)
{
    *arena = (proa_arena){ .next_capacity = FIRST_POOLED, .pool = pool, .is_pooled = true };
}

void arena_fini(proa_arena *arena, arena_pool *pool)
{
    if (arena->held)
        release_held(arena);
    block *one = arena->used;
    if (pool && one && !one->next && !arena->spare && one->capacity == FIRST_POOLED && pool->kept[0] < KEEP_FIRST) {
        one->next = pool->free[0]; /* most are like this */
        pool->free[0] = one;
        pool->kept[0]++;
        return;
    }
    give_blocks(pool, arena->used);
    give_blocks(pool, arena->spare);
}

/* ---- More memory */

/* The first block of most calls. */
static void *first_of_pool(proa_arena *arena, size_t size)
{
    arena_pool *pool = arena->pool;
    block *one = pool->free[0];
    pool->free[0] = one->next;
    pool->kept[0]--;
    one->next = NULL;
    arena->used = one;
    arena->total = FIRST_POOLED;
    arena->next_capacity = 2 * FIRST_POOLED;
    arena->head = (arena_head){ data_of(one) + size, data_of(one) + FIRST_POOLED };
    return data_of(one);
}

static block *new_block(proa_arena *arena, size_t size)
{
    bool is_own = size > arena->next_capacity / 2 && (!arena->is_pooled || arena->total);
    size_t capacity = is_own || size > arena->next_capacity ? size : arena->next_capacity;
    if (capacity > SIZE_MAX / 2)
        return NULL;
    if (arena->is_pooled)
        capacity = pooled_capacity(capacity);
    block *one = arena->pool ? take_pooled(arena->pool, capacity) : NULL;
    if (!one)
        one = memory_resize(NULL, sizeof *one + capacity);
    if (!one)
        return NULL;
    one->capacity = capacity;
    arena->total += capacity;
    if (!is_own && arena->next_capacity < BLOCK_MAX)
        arena->next_capacity *= 2;
    return one;
}

/* size is a multiple of ALIGN and more than the current block has. */
static void *raw_slow(proa_arena *arena, size_t size)
{
    if (arena->pool && !arena->total && size <= FIRST_POOLED && arena->pool->free[0])
        return first_of_pool(arena, size);
    block *one = take_spare(arena, size);
    if (!one)
        one = new_block(arena, size);
    if (!one) {
        arena->is_exhausted = true;
        return NULL;
    }
    one->next = arena->used;
    arena->used = one;
    if (one->capacity - size > (size_t)(arena->head.end - arena->head.begin))
        arena->head = (arena_head){ data_of(one) + size, data_of(one) + one->capacity };
    return data_of(one);
}

void *arena_raw(proa_arena *arena, size_t size)
{
    size = align_up(size);
    if (!arena->head.begin || size > (size_t)(arena->head.end - arena->head.begin))
        return raw_slow(arena, size);
    char *memory = arena->head.begin;
    arena->head.begin += size;
    return memory;
}

void *proa_arena_alloc(proa_arena *arena, size_t size)
{
    void *memory = arena_raw(arena, size);
    return memory ? memset(memory, 0, size) : NULL;
}

proa_bytes proa_arena_copy(proa_arena *arena, proa_bytes bytes)
{
    if (!bytes.data)
        return (proa_bytes){ NULL, 0 };
    if (bytes.size == 0)
        return (proa_bytes){ "", 0 };
    char *copy = arena_raw(arena, bytes.size);
    if (!copy)
        return (proa_bytes){ NULL, 0 };
    memcpy(copy, bytes.data, bytes.size);
    return (proa_bytes){ copy, bytes.size };
}

proa_bytes proa_arena_format(proa_arena *arena, const char *format, ...)
{
    /* Into what the block has left; most texts fit, and the second pass is for those that do not. */
    size_t room = (size_t)(arena->head.end - arena->head.begin);
    va_list args;
    va_start(args, format);
    int size = vsnprintf(room ? arena->head.begin : NULL, room, format, args);
    va_end(args);
    if (size < 0) {
        arena->is_exhausted = true;
        return (proa_bytes){ NULL, 0 };
    }
    bool is_done = (size_t)size < room;
    char *text = arena_raw(arena, (size_t)size + 1);
    if (!text)
        return (proa_bytes){ NULL, 0 };
    if (!is_done) {
        va_start(args, format);
        vsnprintf(text, (size_t)size + 1, format, args);
        va_end(args);
    }
    return (proa_bytes){ text, (size_t)size };
}

bool arena_is_exhausted(const proa_arena *arena)
{
    return arena->is_exhausted;
}

void arena_exhaust(proa_arena *arena)
{
    arena->is_exhausted = true;
}

proa_err arena_hold(proa_arena *arena, proa_slice *slice)
{
    if (!slice->hold)
        return PROA_ERR_NONE;
    held *one = arena_raw(arena, sizeof *one);
    if (!one)
        return PROA_ERR_NOMEM;
    *one = (held){ arena->held, slice->hold };
    arena->held = one;
    slice->hold = NULL;
    return PROA_ERR_NONE;
}

void arena_detach(proa_arena *arena)
{
    bool was_exhausted = arena->is_exhausted;
    if (!arena->total && arena_raw(arena, ALIGN))
        proa_arena_reset(arena);
    arena->is_exhausted = was_exhausted; /* failing here is nobody's concern yet */
    arena->pool = NULL;
}

size_t arena_size(const proa_arena *arena)
{
    return arena->total;
}
