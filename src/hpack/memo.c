/* SPDX-License-Identifier: Apache-2.0 */
/* The memo: find, offer, forget. */
#include "hpack/memo.h"
#include <string.h>
#include "hpack/mix.h"

void memo_forget(memo *memo)
{
    for (unsigned i = 0; i < MEMO_ENTRIES; i++) {
        if (memo->blocks[i])
            hpack_block_release(&memo->blocks[i]->face);
        memo->blocks[i] = NULL;
        memo->sizes[i] = 0;
    }
}

/* Steady blocks are a few bytes: two loads that may overlap tell as much as a call of memcmp. */
static inline bool is_same(const char *a, const char *b, size_t size)
{
    if (size > 16)
        return memcmp(a, b, size) == 0;
    if (size >= 8) {
        uint64_t a1, a2, b1, b2;
        memcpy(&a1, a, 8), memcpy(&a2, a + size - 8, 8);
        memcpy(&b1, b, 8), memcpy(&b2, b + size - 8, 8);
        return ((a1 ^ b1) | (a2 ^ b2)) == 0;
    }
    if (size >= 4) {
        uint32_t a1, a2, b1, b2;
        memcpy(&a1, a, 4), memcpy(&a2, a + size - 4, 4);
        memcpy(&b1, b, 4), memcpy(&b2, b + size - 4, 4);
        return ((a1 ^ b1) | (a2 ^ b2)) == 0;
    }
    return a[0] == b[0] && a[size / 2] == b[size / 2] && a[size - 1] == b[size - 1]; /* 1 to 3 bytes */
}

block *memo_find(memo *memo, uint64_t generation, proa_bytes wire)
{
    if (memo->generation != generation) {
        memo_forget(memo);
        memo->generation = generation;
        return NULL;
    }
    for (unsigned i = 0; i < MEMO_ENTRIES; i++) {
        if (memo->sizes[i] != wire.size || !is_same(block_wire(memo->blocks[i]).data, wire.data, wire.size))
            continue;
        if (memo->next == i) /* used just now: the next one has to go */
            memo->next = (uint8_t)((i + 1) % MEMO_ENTRIES);
        return memo->blocks[i];
    }
    return NULL;
}

void memo_offer(memo *memo, uint64_t generation, proa_bytes wire, block *block)
{
    if (memo->generation != generation || wire.size == 0 || wire.size > MEMO_WIRE_MAX)
        return;
    uint32_t hash = (uint32_t)mix_bytes(wire, 0);
    uint32_t *seen = &memo->seen[hash & (MEMO_SEEN - 1)];
    if (*seen != hash) {
        *seen = hash;
        return;
    }
    if (block->byte_capacity > MEMO_BLOCK_MAX || !block_keep_wire(block, wire))
        return; /* no memory: it is only not remembered */
    unsigned i = memo->next;
    if (memo->blocks[i])
        hpack_block_release(&memo->blocks[i]->face);
    hpack_block_retain(&block->face);
    memo->blocks[i] = block;
    memo->sizes[i] = (uint16_t)wire.size;
    memo->next = (uint8_t)((i + 1) % MEMO_ENTRIES);
}
