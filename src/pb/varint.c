/* SPDX-License-Identifier: Apache-2.0 */
/* Varints, tags and lengths, where the inline paths of proa/codec.h give up: longer than a byte or two, or near the end. */
#include "pb/wire.h"

static const char TRUNCATED[] = "the input ends inside a value";
static const char TOO_LONG[] = "a varint is longer than 10 bytes";
static const char BAD_TAG[] = "a tag is longer than 5 bytes or over 32 bits";

WIRE_COLD static proa_varint broken(proa_decoder *d, const char *p, const char *what)
{
    return (proa_varint){ wire_fail(d, PROA_ERR_MALFORMED, p, what), 0 };
}

/* Byte by byte, at most max of them. */
WIRE_COLD static proa_varint narrow(proa_decoder *d, const char *p, const char *end, int max, const char *too_long)
{
    const char *start = p;
    uint64_t value = 0;
    for (int i = 0; i < max; i++) {
        if (p == end)
            return broken(d, start, TRUNCATED);
        unsigned char byte = (unsigned char)*p++;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return (proa_varint){ p, value };
    }
    return broken(d, start, too_long);
}

proa_varint proa_get_varint_(proa_decoder *d, const char *p, const char *end)
{
    if (!PROA_LIKELY_(p < d->safe))
        return narrow(d, p, end, 10, TOO_LONG);
    proa_varint v = wire_varint_wide(p);
    if (PROA_LIKELY_(v.p && v.p <= end))
        return v;
    return broken(d, p, v.p || end - p < 10 ? TRUNCATED : TOO_LONG);
}

proa_varint proa_get_tag_(proa_decoder *d, const char *p, const char *end)
{
    proa_varint v = narrow(d, p, end, 5, BAD_TAG);
    return v.p && v.value > UINT32_MAX ? broken(d, p, BAD_TAG) : v;
}

proa_varint proa_get_size_(proa_decoder *d, const char *p, const char *end)
{
    proa_varint v = proa_get_varint(d, p, end);
    if (!v.p || v.value <= (uint64_t)(end - v.p))
        return v;
    return broken(d, p, "a length goes past the end");
}

const char *proa_fail_end_(proa_decoder *d, const char *p)
{
    return wire_fail(d, PROA_ERR_MALFORMED, p, TRUNCATED);
}

const char *proa_fail_depth_(proa_decoder *d, const char *p)
{
    return wire_fail(d, PROA_ERR_LIMIT, p, "messages are nested too deep");
}

size_t wire_put_varint(char *p, uint64_t value)
{
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        p[size++] = (char)(value | 0x80);
    p[size++] = (char)value;
    return size;
}

bool wire_is_next_(const char *p, const char *end, uint32_t tag)
{
    if (tag < 0x4000)
        return proa_is_next_(p, end, tag);
    char bytes[10];
    size_t size = wire_put_varint(bytes, tag);
    return (size_t)(end - p) >= size && memcmp(p, bytes, size) == 0;
}
