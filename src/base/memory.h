/* SPDX-License-Identifier: Apache-2.0 */
/* The heap. Everything that the library allocates goes through here, so that tests can make the i-th one fail. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H
#include <stddef.h>

void *memory_new(size_t size);                    /* zeroed; owned: memory_free; NULL: no memory */
void *memory_resize(void *memory, size_t size);   /* as realloc: new part not zeroed; NULL: no memory, old block stays */
void memory_free(void *memory);                   /* NULL is fine */
#endif
