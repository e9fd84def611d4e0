/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the field of a broken byte: fields before it are whole, so that they can be stepped over. */
#include "pb/locate.h"
#include "pb/wire.h"

const proa_field *locate_field(const proa_type *type, uint32_t number)
{
    size_t low = 0, high = type->field_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const proa_field *field = &type->fields[middle];
        if (field->number == number)
            return field;
        if (field->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Do the bytes end where a field does? */
static bool is_whole(proa_decoder *d, const char *p, const char *end)
{
    uint32_t tag;
    while (p && p < end)
        p = (p = proa_get_tag(d, p, end, &tag)) && !PROA_IS_END(tag) ? wire_skip(d, p, end, tag) : NULL;
    return p != NULL;
}

/* Goes into the field behind the tag when at lies in a message there: its type, begin and end. */
static bool enter(proa_decoder *d, const proa_field *field, uint32_t tag, const char *p, const char *at,
                  const proa_type **type, const char **begin, const char **end)
{
    if (!field || !field->type)
        return false;
    if ((tag & 7) == 2) {
        proa_varint size = proa_get_size(d, p, *end);
        if (!size.p || at < size.p)
            return false;
        /* At its very end: a value that is missing there, or the next tag behind it. */
        if (at > size.p + size.value || (at == size.p + size.value && is_whole(d, size.p, at)))
            return false;
        *begin = size.p;
        *end = size.p + size.value;
    } else if ((tag & 7) == 3) {
        const char *behind = wire_skip(d, p, *end, tag);
        if (behind && behind <= at)
            return false;
        *begin = p;
    } else {
        return false;
    }
    *type = field->type;
    return true;
}

locate_place locate(const proa_type *type, proa_bytes wire, const char *at)
{
    locate_place place = { type, NULL };
    const char *p = wire.data, *end = wire.data + wire.size;
    wire_decoder d;
    while (p < end && p <= at) {
        uint32_t tag;
        wire_init(&d, wire, false, NULL);
        const char *value = proa_get_tag(&d.head, p, end, &tag);
        if (!value || PROA_IS_END(tag))
            break;
        const proa_field *field = locate_field(place.type, tag >> 3);
        if (enter(&d.head, field, tag, value, at, &type, &p, &end)) {
            place = (locate_place){ type, NULL };
            continue;
        }
        wire_init(&d, wire, false, NULL);
        p = wire_skip(&d.head, value, end, tag);
        if (!p || p > at || p == end) {
            place.field = field;
            break;
        }
    }
    return place;
}
