/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that a message does not know: skipped, and kept as the bytes that they were, in their order. */
#include "pb/wire.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, START = 3, END = 4, FIXED32 = 5 };

static const char *skip_fixed(proa_decoder *d, const char *p, const char *end, int size)
{
    return end - p < size ? proa_fail_end_(d, p) : p + size;
}

/* An unknown group counts as a level, as a known one does. */
static const char *skip_group(proa_decoder *d, const char *p, const char *end, uint32_t number)
{
    if (--d->depth < 0)
        return proa_fail_depth_(d, p);
    while (p < end) {
        uint32_t tag;
        const char *start = p;
        PROA_TRY(proa_get_tag(d, p, end, &tag));
        if (PROA_IS_END(tag)) {
            d->depth++;
            return tag >> 3 == number ? p : wire_fail(d, PROA_ERR_MALFORMED, start, "a group ends with another number");
        }
        PROA_TRY(wire_skip(d, p, end, tag));
    }
    return wire_fail(d, PROA_ERR_MALFORMED, p, "a group is not closed");
}

const char *wire_skip(proa_decoder *d, const char *p, const char *end, uint32_t tag)
{
    proa_varint v;
    if (tag >> 3 == 0)
        return wire_fail(d, PROA_ERR_MALFORMED, p, "a field has the number 0");
    switch (tag & 7) {
    case VARINT: return proa_get_varint(d, p, end).p;
    case FIXED64: return skip_fixed(d, p, end, 8);
    case BYTES: v = proa_get_size(d, p, end); return v.p ? v.p + v.value : NULL;
    case START: return skip_group(d, p, end, tag >> 3);
    case FIXED32: return skip_fixed(d, p, end, 4);
    default: return wire_fail(d, PROA_ERR_MALFORMED, p, "a field has a wire type that does not exist");
    }
}

bool wire_keep(proa_decoder *d, proa_unknown **unknown, const char *begin, const char *end)
{
    proa_unknown *first = *unknown;
    if (first && first->last->bytes.data + first->last->bytes.size == begin) {
        first->last->bytes.size += (size_t)(end - begin);
        return true;
    }
    proa_unknown *made = proa_new(d, sizeof *made);
    if (!made)
        return false;
    made->bytes = (proa_bytes){ begin, (size_t)(end - begin) };
    if (first)
        first->last->next = made;
    else
        *unknown = first = made;
    first->last = made;
    return true;
}

const char *proa_get_unknown(proa_decoder *d, const char *field, const char *p, const char *end, uint32_t tag,
                             proa_unknown **unknown)
{
    PROA_TRY(wire_skip(d, p, end, tag));
    return wire_keep(d, unknown, field, p) ? p : NULL;
}

/* As an unpacked element, also when it came in a packed one. */
const char *proa_keep_enum(proa_decoder *d, const char *p, uint32_t tag, int32_t number, proa_unknown **unknown)
{
    char bytes[20];
    size_t size = wire_put_varint(bytes, tag);
    size += wire_put_varint(bytes + size, (uint64_t)(int64_t)number);
    char *kept = wire_alloc(d, size, p);
    if (!kept)
        return NULL;
    memcpy(kept, bytes, size);
    return wire_keep(d, unknown, kept, kept + size) ? p : NULL;
}

bool proa_is_named_(const proa_enum_type *type, int32_t number)
{
    const proa_enum_value *values = type->values;
    size_t low = 0, high = type->value_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (values[middle].number == number)
            return true;
        if (values[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

char *proa_put_unknown(proa_encoder *e, char *p, const proa_unknown *unknown)
{
    size_t size = 0;
    for (const proa_unknown *one = unknown; one; one = one->next)
        size += one->bytes.size;
    if (!(p = proa_room(e, p, size)))
        return NULL;
    char *at = p -= size;
    for (const proa_unknown *one = unknown; one; one = one->next) {
        memcpy(at, one->bytes.data, one->bytes.size);
        at += one->bytes.size;
    }
    return p;
}
