/* SPDX-License-Identifier: Apache-2.0 */
#include "call/slices.h"

static proa_err grow(slice_queue *q)
{
    size_t capacity = q->capacity ? q->capacity * 2 : 8;
    proa_slice *items = memory_new(capacity * sizeof *items);
    if (!items)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < q->count; i++)
        items[i] = q->items[(q->first + i) % q->capacity];
    memory_free(q->items);
    q->items = items;
    q->first = 0;
    q->capacity = capacity;
    return PROA_ERR_NONE;
}

proa_err slice_queue_push(slice_queue *q, proa_slice *slice)
{
    if (q->count == q->capacity && grow(q) != PROA_ERR_NONE) {
        proa_slice_free(slice);
        return PROA_ERR_NOMEM;
    }
    q->items[(q->first + q->count++) % q->capacity] = *slice;
    q->bytes += slice->bytes.size + RPC_ENVELOPE_SIZE;
    *slice = (proa_slice){ 0 };
    return PROA_ERR_NONE;
}

bool slice_queue_pop(slice_queue *q, proa_slice *out)
{
    if (!q->count)
        return false;
    *out = q->items[q->first];
    q->first = (q->first + 1) % q->capacity;
    q->count--;
    q->bytes -= out->bytes.size + RPC_ENVELOPE_SIZE;
    return true;
}

void slice_queue_fini(slice_queue *q)
{
    proa_slice slice;
    while (slice_queue_pop(q, &slice))
        proa_slice_free(&slice);
    memory_free(q->items);
    *q = (slice_queue){ 0 };
}
