/* SPDX-License-Identifier: Apache-2.0 */
#include "call/slices.h"

enum { FEW = sizeof(((slice_queue *)0)->few) / sizeof(proa_slice) };

/* The capacity is a power of two. */
static proa_slice *item(slice_queue *q, uint32_t index)
{
    return q->items ? &q->items[(q->first + index) & (q->capacity - 1)] : &q->few[(q->first + index) % FEW];
}

static proa_err grow(slice_queue *q)
{
    uint32_t capacity = q->items ? q->capacity * 2 : 8;
    proa_slice *items = memory_new(capacity * sizeof *items);
    if (!items)
        return PROA_ERR_NOMEM;
    for (uint32_t i = 0; i < q->count; i++)
        items[i] = *item(q, i);
    memory_free(q->items);
    q->items = items;
    q->first = 0;
    q->capacity = capacity;
    return PROA_ERR_NONE;
}

proa_err slice_queue_push(slice_queue *q, proa_slice *slice)
{
    if (q->count == (q->items ? q->capacity : FEW) && grow(q) != PROA_ERR_NONE) {
        proa_slice_free(slice);
        return PROA_ERR_NOMEM;
    }
    *item(q, q->count++) = *slice;
    q->bytes += slice->bytes.size + RPC_ENVELOPE_SIZE;
    *slice = (proa_slice){ 0 };
    return PROA_ERR_NONE;
}

bool slice_queue_pop(slice_queue *q, proa_slice *out)
{
    if (!q->count)
        return false;
    *out = *item(q, 0);
    q->first = (q->first + 1) % (q->items ? q->capacity : FEW);
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
