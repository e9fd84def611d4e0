/* SPDX-License-Identifier: Apache-2.0 */
/* Required fields (proto2), looked for over the whole message: a submessage may come in parts that are complete together. */
#include "pb/wire.h"

static bool is_complete_at(const proa_field *field, const char *place, size_t count, size_t size, int depth,
                           wire_missing *missing)
{
    for (size_t i = 0; i < count; i++)
        if (!wire_is_complete(field->type, place + i * size, depth, missing))
            return false;
    return true;
}

static bool is_list_complete(const proa_field *field, const char *place, int depth, wire_missing *missing)
{
    wire_list list;
    memcpy(&list, place, sizeof list);
    return is_complete_at(field, list.data, list.count, field->size, depth, missing);
}

static bool is_present(const proa_field *field, const void *message)
{
    const char *place = (const char *)message + field->offset;
    if (field->type || field->kind == PROA_KIND_STRING || field->kind == PROA_KIND_BYTES)
        return wire_pointer(place) != NULL; /* of the message, or the first member of proa_bytes */
    return *((const char *)message + field->presence) != 0;
}

static bool is_field_complete(const proa_type *type, const proa_field *field, const void *message, int depth,
                              wire_missing *missing)
{
    const char *place = (const char *)message + field->offset;
    switch (field->shape) {
    case PROA_SHAPE_LIST:
    case PROA_SHAPE_MAP: return is_list_complete(field, place, depth, missing);
    case PROA_SHAPE_INLINE: return is_complete_at(field, place, 1, 0, depth, missing);
    case PROA_SHAPE_ONEOF:
        if (wire_which(message, field) != field->number)
            return true;
        break;
    case PROA_SHAPE_REQUIRED:
        if (is_present(field, message))
            break;
        *missing = (wire_missing){ type, field };
        return false;
    default: break;
    }
    const void *below = field->type ? wire_pointer(place) : NULL;
    return !below || wire_is_complete(field->type, below, depth, missing);
}

bool wire_is_complete(const proa_type *type, const void *message, int depth, wire_missing *missing)
{
    if (type->check_count == 0)
        return true;
    if (depth < 0) {
        *missing = (wire_missing){ type, NULL };
        return false;
    }
    for (uint32_t i = 0; i < type->check_count; i++)
        if (!is_field_complete(type, &type->fields[type->checks[i]], message, depth - 1, missing))
            return false;
    return true;
}
