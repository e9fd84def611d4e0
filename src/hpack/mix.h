/* SPDX-License-Identifier: Apache-2.0 */
/* A cheap hash, inline because it runs for every header block and field. A collision costs a comparison, never more:
 * every use checks the bytes as well and looks at a bounded number of candidates. */
#ifndef HPACK_MIX_H
#define HPACK_MIX_H
#include <string.h>
#include "proa/base.h"

static inline uint64_t mix_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static inline uint64_t mix_load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t mix_bytes(proa_bytes bytes, uint64_t hash)
{
    const char *at = bytes.data;
    size_t left = bytes.size;
    hash = mix_word(hash, left);
    if (left >= 8) {
        for (; left > 8; at += 8, left -= 8)
            hash = mix_word(hash, mix_load(at));
        return mix_word(hash, mix_load(at + left - 8));   /* overlaps what came before, unless it was a whole word */
    }
    if (left >= 4) {
        uint32_t first, last;
        memcpy(&first, at, sizeof first);
        memcpy(&last, at + left - 4, sizeof last);
        return mix_word(hash, (uint64_t)first << 32 | last);
    }
    if (left)
        hash = mix_word(hash, (uint64_t)(uint8_t)at[0] << 16 | (uint64_t)(uint8_t)at[left / 2] << 8 | (uint8_t)at[left - 1]);
    return hash;
}
#endif
