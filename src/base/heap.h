/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive min-heap of deadlines: the calls of one connection by the time they end. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H
#include "proa/base.h"

typedef struct heap_node { int64_t key; size_t index; /* position + 1; 0: in no heap */ } heap_node;
typedef struct heap { heap_node **nodes; size_t count, capacity; } heap;    /* {0} is empty */

void heap_fini(heap *heap);
proa_err heap_add(heap *heap, heap_node *node, int64_t key);     /* node is in no heap; NOMEM: unchanged */
void heap_remove(heap *heap, heap_node *node);                   /* in none: nothing happens */
static inline heap_node *heap_first(const heap *h) { return h->count ? h->nodes[0] : NULL; }   /* smallest key */
#endif
