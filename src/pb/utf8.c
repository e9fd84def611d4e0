/* SPDX-License-Identifier: Apache-2.0 */
/* Is it UTF-8? RFC 3629: no overlong forms, no surrogates, nothing over U+10FFFF. ASCII goes eight bytes at a time. */
#include "pb/utf8.h"
#include "pb/wire.h"

/* Where the first byte is that is not ASCII, or size. */
static size_t ascii_prefix(const char *data, size_t size)
{
    size_t at = 0;
    while (size - at >= 32) {
        uint64_t bits = wire_load64(data + at) | wire_load64(data + at + 8) | wire_load64(data + at + 16) |
                        wire_load64(data + at + 24);
        if (bits & WIRE_TOPS)
            break;
        at += 32;
    }
    while (size - at >= 8 && !(wire_load64(data + at) & WIRE_TOPS))
        at += 8;
    while (at < size && (signed char)data[at] >= 0)
        at++;
    return at;
}

/* The size of the sequence that u begins with, or 0. u[0] >= 0x80. Table 3-7 of the Unicode standard. */
static size_t sequence(const unsigned char *u, size_t size)
{
    if (u[0] < 0xc2 || u[0] > 0xf4)
        return 0;
    size_t want = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    if (size < want)
        return 0;
    unsigned low = u[0] == 0xe0 ? 0xa0 : u[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = u[0] == 0xed ? 0x9f : u[0] == 0xf4 ? 0x8f : 0xbf;
    if (u[1] < low || u[1] > high)
        return 0;
    for (size_t i = 2; i < want; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    return want;
}

size_t utf8_prefix(const char *data, size_t size)
{
    size_t at = ascii_prefix(data, size);
    while (at < size) {
        size_t step = sequence((const unsigned char *)data + at, size - at);
        if (!step)
            break;
        at += step;
        if (at < size && (signed char)data[at] >= 0)
            at += ascii_prefix(data + at, size - at);
    }
    return at;
}

WIRE_COLD static bool refuse(proa_decoder *d, const char *at)
{
    wire_fail(d, PROA_ERR_MALFORMED, at, "a string is not UTF-8");
    return false;
}

/* Most strings are short and ASCII: a few loads that overlap, no loop. Of up to 8 bytes, what lies behind is shifted out. */
static inline bool is_short_ascii(const proa_decoder *d, const char *data, size_t size)
{
    const char *end = data + size;
    if (size <= 8)
        return size == 0 || (data < d->safe && !(wire_load64(data) << (64 - 8 * size) & WIRE_TOPS));
    if (size > 32)
        return false;
    uint64_t bits = wire_load64(data) | wire_load64(end - 8);
    if (size > 16)
        bits |= wire_load64(data + 8) | wire_load64(end - 16);
    return !(bits & WIRE_TOPS);
}

bool proa_is_utf8_(proa_decoder *d, const char *data, size_t size)
{
    if (PROA_LIKELY_(is_short_ascii(d, data, size)))
        return true;
    size_t good = utf8_prefix(data, size);
    return PROA_LIKELY_(good == size) || refuse(d, data + good);
}
