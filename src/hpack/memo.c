/* SPDX-License-Identifier: Apache-2.0 */
/* The memo: find, offer, forget. */
#include "hpack/memo.h"
#include "base/bytes.h"
#include "hpack/mix.h"

void memo_forget(memo *memo)
{
    for (unsigned i = 0; i < MEMO_ENTRIES; i++) {
        if (memo->blocks[i])
            hpack_block_release(&memo->blocks[i]->face);
        memo->blocks[i] = NULL;
        memo->hashes[i] = 0;
    }
}

uint32_t memo_hash(proa_bytes wire)
{
    return (uint32_t)mix_bytes(wire, 0) | 1;           /* 0 is an empty slot */
}

block *memo_find(memo *memo, uint64_t generation, uint32_t hash, proa_bytes wire)
{
    if (memo->generation != generation) {
        memo_forget(memo);
        memo->generation = generation;
        return NULL;
    }
    for (unsigned i = 0; i < MEMO_ENTRIES; i++) {
        if (memo->hashes[i] != hash || !proa_bytes_is_equal(block_wire(memo->blocks[i]), wire))
            continue;
        if (memo->next == i)                           /* used just now: the next one has to go */
            memo->next = (uint8_t)((i + 1) % MEMO_ENTRIES);
        return memo->blocks[i];
    }
    return NULL;
}

void memo_offer(memo *memo, uint32_t hash, proa_bytes wire, block *block)
{
    uint32_t *seen = &memo->seen[hash >> 1 & (MEMO_SEEN - 1)];
    if (*seen != hash) {
        *seen = hash;
        return;
    }
    if (block->byte_capacity > MEMO_BLOCK_MAX || !block_keep_wire(block, wire))
        return;                                        /* no memory: it is only not remembered */
    unsigned i = memo->next;
    if (memo->blocks[i])
        hpack_block_release(&memo->blocks[i]->face);
    hpack_block_retain(&block->face);
    memo->blocks[i] = block;
    memo->hashes[i] = hash;
    memo->next = (uint8_t)((i + 1) % MEMO_ENTRIES);
}
