/* SPDX-License-Identifier: Apache-2.0 */
/* The heap, and the watch that lets a test make the n-th allocation fail. Unwatched, it costs one relaxed load. */
#include "base/memory.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static atomic_bool is_watched;
static atomic_size_t asked, first_failing, last_failing;

static void watch(size_t first, size_t last)
{
    atomic_store(&asked, 0);
    atomic_store(&first_failing, first);
    atomic_store(&last_failing, last);
    atomic_store(&is_watched, true);
}

void memory_watch(size_t fail_nth)
{
    watch(fail_nth, fail_nth);
}

void memory_watch_from(size_t fail_nth)
{
    watch(fail_nth, fail_nth ? SIZE_MAX : 0);
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
    size_t nth = atomic_fetch_add(&asked, 1) + 1;
    return nth >= atomic_load(&first_failing) && nth <= atomic_load(&last_failing);
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
