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
    if ((e.head.seen | type->flags) & PROA_TYPE_REQUIRED) {
        proa_err code = check(type, message, &scratch->error);
        if (code != PROA_ERR_NONE)
            return code;
    }
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
    arena_head *head = (arena_head *)(void *)arena;
    wire_encoder e = { .head = { head->begin, head->end, LIMITS_PROTO_DEPTH_MAX, 0 } };
    e.capacity = (size_t)(head->end - head->begin);
    char *p = type->encode(&e.head, e.head.end, message);
    proa_err code = p ? PROA_ERR_NONE : e.code;
    if (p && (e.head.seen | type->flags) & PROA_TYPE_REQUIRED)
        code = check(type, message, NULL);
    if (code != PROA_ERR_NONE) {
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
    e->seen |= type->flags;
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

/* The groups of seven pulled apart, all but the last marked, one store: no branch on the size. */
char *proa_write_long_(char *p, uint64_t value)
{
    if (value >> 56) {
        int size = value >> 63 ? 10 : 9;
        for (int i = 0; i < size; i++, value >>= 7)
            p[i - size] = (char)(i + 1 < size ? value | 0x80 : value);
        return p - size;
    }
    int size = (70 - __builtin_clzll(value | 1)) / 7;
    uint64_t x = (value & UINT64_C(0x000000000fffffff)) | (value & UINT64_C(0x00fffffff0000000)) << 4;
    x = (x & UINT64_C(0x00003fff00003fff)) | (x & UINT64_C(0x0fffc0000fffc000)) << 2;
    x = (x & UINT64_C(0x007f007f007f007f)) | (x & UINT64_C(0x3f803f803f803f80)) << 1;
    x |= WIRE_TOPS >> (72 - 8 * size);
    x = PROA_SWAP64_(x << (64 - 8 * size));
    memcpy(p - 8, &x, sizeof x);
    return p - size;
}

#define PACK(name, T, expression) \
    static char *pack_##name(proa_encoder *e, char *p, const char *data, size_t count) \
    { \
        for (size_t i = count; i-- > 0;) { \
            T value; \
            memcpy(&value, data + i * sizeof value, sizeof value); \
            if (!(p = proa_room(e, p, 16))) \
                return NULL; \
            p = proa_write_varint_(p, (expression)); \
        } \
        return p; \
    }
PACK(int32, int32_t, (uint64_t)(int64_t)value)
PACK(uint32, uint32_t, value)
PACK(64, uint64_t, value)
PACK(sint32, uint32_t, value << 1 ^ (0u - (value >> 31)))
PACK(sint64, uint64_t, value << 1 ^ (UINT64_C(0) - (value >> 63)))
PACK(bool, bool, value)

static char *put_varints(proa_encoder *e, char *p, const wire_list *from, proa_kind kind)
{
    switch (kind) {
    case PROA_KIND_INT64:
    case PROA_KIND_UINT64: return pack_64(e, p, from->data, from->count);
    case PROA_KIND_UINT32: return pack_uint32(e, p, from->data, from->count);
    case PROA_KIND_SINT32: return pack_sint32(e, p, from->data, from->count);
    case PROA_KIND_SINT64: return pack_sint64(e, p, from->data, from->count);
    case PROA_KIND_BOOL: return pack_bool(e, p, from->data, from->count);
    default: return pack_int32(e, p, from->data, from->count);
    }
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
