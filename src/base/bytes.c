/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing and hashing views of bytes. The hash is for tables that we fill ourselves: seeded, not cryptographic. */
#include "base/bytes.h"

proa_bytes proa_bytes_of(const char *text)
{
    return (proa_bytes){ text, text ? strlen(text) : 0 };
}

bool proa_bytes_is_equal(proa_bytes a, proa_bytes b)
{
    return bytes_is(a, b.data, b.size);
}

bool bytes_starts_with(proa_bytes bytes, proa_bytes prefix)
{
    return bytes.size >= prefix.size && (prefix.size == 0 || memcmp(bytes.data, prefix.data, prefix.size) == 0);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

uint64_t bytes_hash(proa_bytes bytes, uint64_t seed)
{
    uint64_t hash = mix(seed, bytes.size);
    size_t at = 0;
    for (; bytes.size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes.data + at, sizeof word);
        hash = mix(hash, word);
    }
    if (at < bytes.size) {
        uint64_t word = 0;
        memcpy(&word, bytes.data + at, bytes.size - at);
        hash = mix(hash, word);
    }
    return mix(hash, UINT64_C(0xD6E8FEB86659FD93));
}
