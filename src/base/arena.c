/* SPDX-License-Identifier: Apache-2.0 */
/* Bump allocation in blocks that double. The first block lies in the arena's own allocation.
 *
 * Blocks in use hang in `used`; those that a reset emptied wait in `spare`, smallest first, so that the best fit is the
 * first fit. Of a new block and the current one, that with more room left stays current: a large allocation gets a
 * block of its own and wastes nothing of the current one. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/hold.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdio.h>

enum { FIRST_DEFAULT = 4096, BLOCK_MAX = 256 * 1024, SPARE_MAX = 16, ALIGN = 8 };

/* Its bytes follow. */
typedef struct block {
    _Alignas(ALIGN) struct block *next;
    size_t capacity;
} block;

typedef struct held {
    struct held *next;
    void *hold;
} held;

struct proa_arena {
    _Alignas(ALIGN) arena_head head; /* first: generated code bumps it inline */
    block *used, *spare;
    held *held;
    size_t spare_count;
    size_t next_capacity;
    size_t total;
    size_t first_capacity; /* of the bytes that follow the struct */
    bool is_exhausted;
};

/* SIZE_MAX when there is no such size. */
static size_t align_up(size_t size)
{
    return size > SIZE_MAX - (ALIGN - 1) ? SIZE_MAX : (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

static void start(proa_arena *arena)
{
    char *first = (char *)(arena + 1);
    arena->head = (arena_head){ first, first + arena->first_capacity };
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
    *arena = (proa_arena){ .total = capacity, .first_capacity = capacity };
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

static block *new_block(proa_arena *arena, size_t size)
{
    bool is_own = size > arena->next_capacity / 2;
    size_t capacity = is_own ? size : arena->next_capacity;
    if (capacity > SIZE_MAX / 2)
        return NULL;
    block *one = memory_resize(NULL, sizeof *one + capacity);
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
    if (size > (size_t)(arena->head.end - arena->head.begin))
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

size_t arena_size(const proa_arena *arena)
{
    return arena->total;
}
