/* SPDX-License-Identifier: Apache-2.0 */
/* The way into generated encoders: where the bytes go, growing it, lists, groups, and what is said when it fails.
 *
 * Bytes are written backwards from the end of the free memory of an arena, or of a scratch. What does not fit there moves
 * into a block that doubles. */
#include "pb/wire.h"
#include "base/error.h"

enum { BLOCK_MIN = 1024 };

typedef struct wire_encoder {
    proa_encoder head; /* first: generated code sees only this */
    hold *block;       /* owned: where the bytes are, unless NULL */
    size_t capacity;
    proa_err code;
    const char *what;
} wire_encoder;

static wire_encoder *whole_of(proa_encoder *e)
{
    return (wire_encoder *)(void *)e;
}

WIRE_COLD static char *refuse(proa_encoder *e, proa_err code, const char *what)
{
    whole_of(e)->code = code;
    whole_of(e)->what = what;
    return NULL;
}

char *proa_refuse_depth_(proa_encoder *e)
{
    return refuse(e, PROA_ERR_LIMIT, "messages are nested too deep, or in a circle");
}

WIRE_COLD char *proa_room_(proa_encoder *e, char *p, size_t size)
{
    wire_encoder *whole = whole_of(e);
    size_t used = (size_t)(e->end - p);
    if (size > INT32_MAX || used + size > INT32_MAX)
        return refuse(e, PROA_ERR_LIMIT, "a message is at most 2 GiB");
    size_t capacity = PB_HEAD_ROOM + used + size;
    capacity = capacity < BLOCK_MIN ? BLOCK_MIN : capacity < whole->capacity * 2 ? whole->capacity * 2 : capacity;
    hold *block = hold_new(capacity);
    if (!block)
        return refuse(e, PROA_ERR_NOMEM, "no memory");
    e->begin = hold_data(block) + PB_HEAD_ROOM;
    e->end = hold_data(block) + capacity;
    bytes_copy(e->end - used, p, used);
    hold_release(whole->block);
    whole->block = block;
    whole->capacity = capacity;
    return e->end - used;
}

static proa_err check(const proa_type *type, const void *message, proa_error *error)
{
    wire_missing missing = { NULL, NULL };
    if (wire_is_complete(type, message, LIMITS_PROTO_DEPTH_MAX, &missing))
        return PROA_ERR_NONE;
    if (!missing.field)
        return error_set(error, PROA_ERR_LIMIT, "%s: messages are nested too deep, or in a circle", missing.type->name);
    return error_set(error, PROA_ERR_REQUIRED, "%s.%s: it is required and not set", missing.type->name,
                     missing.field->name);
}

void pb_scratch_fini(pb_scratch *scratch)
{
    hold_release(scratch->block);
    *scratch = (pb_scratch){ .block = NULL };
}

proa_err pb_encode_scratch(const proa_type *type, const void *message, pb_scratch *scratch, proa_bytes *out)
{
    proa_err code = type->check_count ? check(type, message, &scratch->error) : PROA_ERR_NONE;
    if (code != PROA_ERR_NONE)
        return code;
    wire_encoder e = { .head.depth = LIMITS_PROTO_DEPTH_MAX, .block = scratch->block };
    e.capacity = scratch->block ? scratch->capacity : 0;
    if (!e.block && !proa_room_(&e.head, e.head.end, BLOCK_MIN - PB_HEAD_ROOM))
        return error_set(&scratch->error, e.code, "%s: %s", type->name, e.what);
    e.head.begin = hold_data(e.block) + PB_HEAD_ROOM;
    e.head.end = hold_data(e.block) + e.capacity;
    char *p = type->encode(&e.head, e.head.end, message);
    scratch->block = e.block;
    scratch->capacity = e.capacity;
    if (!p)
        return error_set(&scratch->error, e.code, "%s: %s", type->name, e.what);
    *out = (proa_bytes){ p, (size_t)(e.head.end - p) };
    return PROA_ERR_NONE;
}

/* Out of the block that was too large for the arena's own. */
static proa_err copy_out(proa_arena *arena, proa_bytes bytes, proa_bytes *out)
{
    proa_bytes copy = proa_arena_copy(arena, bytes);
    if (!copy.data)
        return PROA_ERR_NOMEM;
    *out = copy;
    return PROA_ERR_NONE;
}

proa_err proa_encode(const proa_type *type, const void *message, proa_arena *arena, proa_bytes *out)
{
    /* What the message was built from may be missing in it. */
    if (arena_is_exhausted(arena))
        return PROA_ERR_NOMEM;
    proa_err code = type->check_count ? check(type, message, NULL) : PROA_ERR_NONE;
    if (code != PROA_ERR_NONE)
        return code;
    arena_head *head = (arena_head *)(void *)arena;
    wire_encoder e = { .head = { head->begin, head->end, LIMITS_PROTO_DEPTH_MAX } };
    e.capacity = (size_t)(head->end - head->begin);
    char *p = type->encode(&e.head, e.head.end, message);
    if (!p) {
        code = e.code;
        if (code == PROA_ERR_NOMEM)
            arena_exhaust(arena);
    } else if (e.block) {
        code = copy_out(arena, (proa_bytes){ p, (size_t)(e.head.end - p) }, out);
    } else {
        *out = (proa_bytes){ p ? p : "", (size_t)(head->end - p) };
        head->end = p - ((uintptr_t)p & 7);
    }
    hold_release(e.block);
    return code;
}

char *proa_put_group(proa_encoder *e, char *p, uint32_t tag, const proa_type *type, const void *message)
{
    if (--e->depth < 0)
        return proa_refuse_depth_(e);
    if (!(p = proa_room(e, p, 16)))
        return NULL;
    p = proa_write_tag_(p, tag + 1); /* END_GROUP */
    p = type->encode(e, p, message);
    e->depth++;
    if (!p || !(p = proa_room(e, p, 16)))
        return NULL;
    return proa_write_tag_(p, tag);
}

char *proa_put_list(proa_encoder *e, char *p, uint32_t tag, const void *list, proa_kind kind)
{
    wire_list from;
    memcpy(&from, list, sizeof from);
    size_t size = wire_kind_size(kind);
    for (size_t i = from.count; i-- > 0;)
        if (!(p = wire_put_value(e, p, tag, kind, from.data + i * size)))
            return NULL;
    return p;
}

static uint64_t varint_of(proa_kind kind, const char *value)
{
    uint32_t small;
    uint64_t large;
    if (kind == PROA_KIND_BOOL)
        return (unsigned char)*value;
    if (wire_kind_size(kind) == 4) {
        memcpy(&small, value, sizeof small);
        if (kind == PROA_KIND_SINT32)
            return small << 1 ^ (0u - (small >> 31));
        return kind == PROA_KIND_UINT32 ? small : (uint64_t)(int64_t)(int32_t)small;
    }
    memcpy(&large, value, sizeof large);
    return kind == PROA_KIND_SINT64 ? large << 1 ^ (UINT64_C(0) - (large >> 63)) : large;
}

static char *put_varints(proa_encoder *e, char *p, const wire_list *from, proa_kind kind)
{
    size_t size = wire_kind_size(kind);
    for (size_t i = from->count; i-- > 0;) {
        if (!(p = proa_room(e, p, 10)))
            return NULL;
        p = proa_write_varint_(p, varint_of(kind, from->data + i * size));
    }
    return p;
}

static char *put_fixed(proa_encoder *e, char *p, const wire_list *from, size_t size)
{
    if (!(p = proa_room(e, p, from->count * size)))
        return NULL;
    p -= from->count * size;
    memcpy(p, from->data, from->count * size);
    if (PROA_SWAP32_(1u) != 1u) {
        for (size_t i = 0; i < from->count * size; i++)
            p[i] = from->data[i - i % size + size - 1 - i % size];
    }
    return p;
}

char *proa_put_packed(proa_encoder *e, char *p, uint32_t tag, const void *list, proa_kind kind)
{
    wire_list from;
    memcpy(&from, list, sizeof from);
    if (from.count == 0)
        return p;
    size_t after = (size_t)(e->end - p);
    if (from.count > INT32_MAX)
        return proa_room_(e, p, from.count);
    p = wire_kind_type(kind) ? put_fixed(e, p, &from, wire_kind_size(kind)) : put_varints(e, p, &from, kind);
    return p ? proa_put_uint64(e, p, tag, (size_t)(e->end - p) - after) : NULL;
}
