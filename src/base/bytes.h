/* SPDX-License-Identifier: Apache-2.0 */
/* Small helpers over proa_bytes. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H
#include <string.h>
#include "proa/base.h"

/* memcpy and memcmp of nothing are fine here, also from NULL. */
static inline void bytes_copy(void *to, const void *from, size_t size) { if (size) memcpy(to, from, size); }
static inline bool bytes_is(proa_bytes a, const char *literal, size_t size)
{ return a.size == size && (size == 0 || memcmp(a.data, literal, size) == 0); }
#define BYTES_IS(bytes, literal) bytes_is((bytes), "" literal "", sizeof(literal) - 1)
static inline size_t bytes_sum(const proa_bytes *parts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    return size;
}
bool bytes_starts_with(proa_bytes bytes, proa_bytes prefix);
uint64_t bytes_hash(proa_bytes bytes, uint64_t seed);

static inline uint32_t bytes_u32_be(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}
static inline void bytes_put_u32_be(char *p, uint32_t v)
{
    p[0] = (char)(v >> 24);
    p[1] = (char)(v >> 16);
    p[2] = (char)(v >> 8);
    p[3] = (char)v;
}
#endif
