/* SPDX-License-Identifier: Apache-2.0 */
/* A deep copy of any message, by its table: nothing of it points out of the arena. */
#include "pb/wire.h"

static bool copy_message(const proa_type *type, void *to, const void *from, proa_arena *arena, int depth);

static bool copy_bytes(char *place, proa_arena *arena)
{
    proa_bytes bytes;
    memcpy(&bytes, place, sizeof bytes);
    proa_bytes copy = proa_arena_copy(arena, bytes);
    memcpy(place, &copy, sizeof copy);
    return copy.data || !bytes.data;
}

/* place holds a pointer to the original. */
static bool copy_pointer(const proa_field *field, char *place, proa_arena *arena, int depth)
{
    const void *from = wire_pointer(place);
    if (!from)
        return true;
    void *to = arena_raw(arena, field->type->size);
    memcpy(place, &to, sizeof to);
    return to && copy_message(field->type, to, from, arena, depth);
}

static bool copy_elements(const proa_field *field, const wire_list *to, const char *from, proa_arena *arena, int depth)
{
    for (size_t i = 0; i < to->count; i++) {
        char *element = to->data + i * field->size;
        if (field->type ? !copy_message(field->type, element, from + i * field->size, arena, depth)
                        : !copy_bytes(element, arena))
            return false;
    }
    return true;
}

static bool copy_list(const proa_field *field, char *place, proa_arena *arena, int depth)
{
    wire_list list;
    memcpy(&list, place, sizeof list);
    if (list.count == 0)
        return memset(place, 0, sizeof list);
    if (list.count > (SIZE_MAX - sizeof(wire_list_head)) / field->size)
        return false;
    wire_list_head *head = arena_raw(arena, sizeof *head + list.count * field->size);
    if (!head)
        return false;
    *head = (wire_list_head){ .capacity = list.count };
    const char *from = list.data;
    list.data = (char *)(head + 1);
    memcpy(list.data, from, list.count * field->size);
    memcpy(place, &list, sizeof list);
    bool is_flat = !field->type && field->kind != PROA_KIND_STRING && field->kind != PROA_KIND_BYTES;
    return is_flat || copy_elements(field, &list, from, arena, depth);
}

static bool copy_field(const proa_field *field, void *message, const void *from, proa_arena *arena, int depth)
{
    char *place = (char *)message + field->offset;
    if (field->shape == PROA_SHAPE_ONEOF && wire_which(from, field) != field->number)
        return true;
    if (field->shape == PROA_SHAPE_LIST || field->shape == PROA_SHAPE_MAP)
        return copy_list(field, place, arena, depth);
    if (field->shape == PROA_SHAPE_INLINE)
        return copy_message(field->type, place, (const char *)from + field->offset, arena, depth);
    if (field->type)
        return copy_pointer(field, place, arena, depth);
    if (field->kind == PROA_KIND_STRING || field->kind == PROA_KIND_BYTES)
        return copy_bytes(place, arena);
    return true;
}

/* As one run of bytes. */
static proa_unknown *copy_unknown(const proa_unknown *from, proa_arena *arena)
{
    size_t size = 0;
    for (const proa_unknown *one = from; one; one = one->next)
        size += one->bytes.size;
    proa_unknown *to = arena_raw(arena, sizeof *to + size);
    if (!to)
        return NULL;
    char *at = (char *)(to + 1);
    *to = (proa_unknown){ .bytes = { at, size }, .last = to };
    for (const proa_unknown *one = from; one; one = one->next) {
        memcpy(at, one->bytes.data, one->bytes.size);
        at += one->bytes.size;
    }
    return to;
}

static bool copy_message(const proa_type *type, void *to, const void *from, proa_arena *arena, int depth)
{
    if (depth < 0)
        return false;
    memcpy(to, from, type->size);
    if (!(type->flags & PROA_TYPE_MAP_ENTRY)) {
        const void *unknown = wire_pointer(from);
        proa_unknown *copy = unknown ? copy_unknown(unknown, arena) : NULL;
        memcpy(to, &copy, sizeof copy);
        if (unknown && !copy)
            return false;
    }
    for (uint32_t i = 0; i < type->field_count; i++)
        if (!copy_field(&type->fields[i], to, from, arena, depth - 1))
            return false;
    return true;
}

void *proa_clone(const proa_type *type, const void *message, proa_arena *arena)
{
    void *copy = arena_raw(arena, type->size);
    return copy && copy_message(type, copy, message, arena, LIMITS_PROTO_DEPTH_MAX) ? copy : NULL;
}
