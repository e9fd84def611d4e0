/* SPDX-License-Identifier: Apache-2.0 */
/* The heap, and the watch that lets a test make the n-th allocation fail. Unwatched, it costs one relaxed load. */
#include "base/memory.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

static atomic_bool is_watched;
static atomic_size_t asked, failing;

void memory_watch(size_t fail_nth)
{
    atomic_store(&asked, 0);
    atomic_store(&failing, fail_nth);
    atomic_store(&is_watched, true);
}

size_t memory_unwatch(void)
{
    atomic_store(&is_watched, false);
    return atomic_load(&asked);
}

static bool must_fail(void)
{
    if (!atomic_load_explicit(&is_watched, memory_order_relaxed))
        return false;
    return atomic_fetch_add(&asked, 1) + 1 == atomic_load(&failing);
}

void *memory_new(size_t size)
{
    if (must_fail())
        return NULL;
    return calloc(1, size ? size : 1);
}

void *memory_resize(void *memory, size_t size)
{
    if (must_fail())
        return NULL;
    return realloc(memory, size ? size : 1);
}

void memory_free(void *memory)
{
    free(memory);
}
