/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the blocks of the heap that are in use: the linker puts these in front of the C library's (--wrap). */
#include <stddef.h>
#include "run.h"

long live_blocks;
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

void *__wrap_calloc(size_t count, size_t size)
{
    void *block = __real_calloc(count, size);
    live_blocks += block != NULL;
    return block;
}

void *__wrap_realloc(void *block, size_t size)
{
    void *moved = __real_realloc(block, size);
    live_blocks += moved && !block;
    return moved;
}

void __wrap_free(void *block)
{
    live_blocks -= block != NULL;
    __real_free(block);
}
