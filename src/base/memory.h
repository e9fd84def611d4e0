/* SPDX-License-Identifier: Apache-2.0 */
/* The heap. Everything that the library allocates goes through here, so that tests can make the i-th one fail. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H
#include <stddef.h>

void *memory_new(size_t size);                    /* zeroed; owned: memory_free; NULL: no memory */
void *memory_resize(void *memory, size_t size);   /* as realloc: new part not zeroed; NULL: no memory, old block stays */
void memory_free(void *memory);                   /* NULL is fine */

/* For tests: from now on allocations of all threads are counted, and the n-th fails (1: the next; 0: none does), alone or
 * with all that follow. */
void memory_watch(size_t fail_nth);
void memory_watch_from(size_t fail_nth);
size_t memory_unwatch(void);                      /* back to normal; how many were asked for since memory_watch */
#endif
