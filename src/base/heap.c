/* SPDX-License-Identifier: Apache-2.0 */
/* Binary min-heap; each node knows its place, so that any can leave in O(log n). */
#include "base/heap.h"
#include "base/assert.h"
#include "base/memory.h"

enum { CAPACITY_MIN = 16 };

void heap_fini(heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        heap->nodes[i]->index = 0;
    memory_free(heap->nodes);
    heap->nodes = NULL;
    heap->count = heap->capacity = 0;
}

static void place(heap *heap, size_t at, heap_node *node)
{
    heap->nodes[at] = node;
    node->index = at + 1;
}

static void rise(heap *heap, size_t at, heap_node *node)
{
    while (at > 0 && node->key < heap->nodes[(at - 1) / 2]->key) {
        place(heap, at, heap->nodes[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(heap, at, node);
}

static void sink(heap *heap, size_t at, heap_node *node)
{
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && heap->nodes[child + 1]->key < heap->nodes[child]->key)
            child++;
        if (node->key <= heap->nodes[child]->key)
            break;
        place(heap, at, heap->nodes[child]);
    }
    place(heap, at, node);
}

proa_err heap_add(heap *heap, heap_node *node, int64_t key)
{
    PROA_ASSERT(node->index == 0, "a node is in one heap at most");
    if (heap->count == heap->capacity) {
        size_t capacity = heap->capacity ? heap->capacity * 2 : CAPACITY_MIN;
        heap_node **nodes = memory_resize(heap->nodes, capacity * sizeof *nodes);
        if (!nodes)
            return PROA_ERR_NOMEM;
        heap->nodes = nodes;
        heap->capacity = capacity;
    }
    node->key = key;
    rise(heap, heap->count++, node);
    return PROA_ERR_NONE;
}

void heap_remove(heap *heap, heap_node *node)
{
    if (node->index == 0)
        return;
    size_t at = node->index - 1;
    PROA_ASSERT(at < heap->count && heap->nodes[at] == node, "a node is removed from the heap that it is in");
    node->index = 0;
    heap_node *last = heap->nodes[--heap->count];
    if (last == node)
        return;
    if (at > 0 && last->key < heap->nodes[(at - 1) / 2]->key)
        rise(heap, at, last);
    else
        sink(heap, at, last);
}
