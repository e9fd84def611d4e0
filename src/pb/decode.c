/* SPDX-License-Identifier: Apache-2.0 */
/* The way into generated decoders: the decoder itself, memory and its bound, groups, and what is said when it fails. */
#include "pb/locate.h"
#include "pb/wire.h"

const char proa_gen_v1 = 1;

enum { BUDGET_BASE = 1024 * 1024 };

void wire_init(wire_decoder *d, proa_bytes wire, bool has_slop, proa_arena *arena)
{
    const char *end = wire.data + wire.size;
    *d = (wire_decoder){
        .head = {
            .safe = has_slop ? end : wire.size < HOLD_SLOP ? wire.data
                                                           : end - (HOLD_SLOP - 1),
            .arena = (proa_arena_head *)(void *)arena,
            .budget = BUDGET_BASE + wire.size * LIMITS_PROTO_AMPLIFY,
            .depth = LIMITS_PROTO_DEPTH_MAX,
        },
        .begin = wire.data,
    };
}

WIRE_COLD const char *wire_fail(proa_decoder *d, proa_err code, const char *at, const char *what)
{
    wire_decoder *whole = wire_of(d);
    if (whole->code == PROA_ERR_NONE) {
        whole->code = code;
        whole->at = at;
        whole->what = what;
    }
    return NULL;
}

void *wire_alloc(proa_decoder *d, size_t size, const char *at)
{
    size_t rounded = (size + 7) & ~(size_t)7;
    if (rounded > d->budget || rounded < size) {
        wire_fail(d, PROA_ERR_LIMIT, at, "it takes too much memory for its size");
        return NULL;
    }
    void *memory = arena_raw((proa_arena *)(void *)d->arena, size);
    if (!memory) {
        wire_fail(d, PROA_ERR_NOMEM, at, "no memory");
        return NULL;
    }
    d->budget -= rounded;
    return memory;
}

void *proa_new_(proa_decoder *d, size_t size)
{
    void *memory = wire_alloc(d, size, NULL);
    return memory ? memset(memory, 0, size) : NULL;
}

const char *proa_get_group(proa_decoder *d, const char *p, const char *end, uint32_t tag, const proa_type *type,
                           void *message)
{
    wire_decoder *whole = wire_of(d);
    uint32_t outer_number = whole->group_number;
    int outer_depth = whole->group_depth;
    if (--d->depth < 0)
        return proa_fail_depth_(d, p);
    whole->group_number = tag >> 3;
    whole->group_depth = d->depth;
    d->seen |= type->flags;
    PROA_TRY(type->decode(d, p, end, message));
    d->depth++;
    if (whole->group_number)
        return wire_fail(d, PROA_ERR_MALFORMED, p, "a group is not closed");
    whole->group_number = outer_number;
    whole->group_depth = outer_depth;
    return p;
}

/* Only the group whose fields lie right here can end here. */
const char *proa_get_end(proa_decoder *d, const char *p, uint32_t tag)
{
    wire_decoder *whole = wire_of(d);
    if (tag >> 3 == 0 || tag >> 3 != whole->group_number || d->depth != whole->group_depth)
        return wire_fail(d, PROA_ERR_MALFORMED, p, "a group ends that is not open");
    whole->group_number = 0;
    return p;
}

/* "sample3.Node.name: a string is not UTF-8 (byte 17)" */
WIRE_COLD static proa_err explain(const wire_decoder *d, const proa_type *type, proa_bytes wire, proa_error *error)
{
    if (!d->at)
        return error_set(error, d->code, "%s: %s", type->name, d->what);
    size_t offset = (size_t)(d->at - wire.data);
    locate_place place = locate(type, wire, d->at);
    error_set(error, d->code, "%s%s%s: %s (byte %zu)", place.type->name, place.field ? "." : "",
              place.field ? place.field->name : "", d->what, offset);
    if (error)
        error->offset = offset;
    return d->code;
}

static proa_err check_required(const proa_type *type, const void *message, proa_error *error)
{
    wire_missing missing = { NULL, NULL };
    if (wire_is_complete(type, message, LIMITS_PROTO_DEPTH_MAX, &missing))
        return PROA_ERR_NONE;
    return error_set(error, PROA_ERR_REQUIRED, "%s.%s: it is required and missing", missing.type->name,
                     missing.field ? missing.field->name : "");
}

static proa_err decode(const proa_type *type, proa_bytes wire, bool has_slop, proa_arena *arena, void *message,
                       proa_error *error)
{
    wire_decoder d;
    if (!wire.data)
        wire = (proa_bytes){ "", 0 };
    if (wire.size > INT32_MAX)
        return error_set(error, PROA_ERR_LIMIT, "%s: a message is at most 2 GiB", type->name);
    wire_init(&d, wire, has_slop && wire.size, arena);
    const char *end = wire.data + wire.size;
    if (!type->decode(&d.head, wire.data, end, message))
        return explain(&d, type, wire, error);
    return (d.head.seen | type->flags) & PROA_TYPE_REQUIRED ? check_required(type, message, error) : PROA_ERR_NONE;
}

proa_err pb_decode_slice(const proa_type *type, proa_bytes wire, proa_arena *arena, void *message, proa_error *error)
{
    return decode(type, wire, true, arena, message, error);
}

void *proa_decode(const proa_type *type, proa_bytes wire, proa_arena *arena, proa_error *error)
{
    void *message = proa_arena_alloc(arena, type->size);
    if (!message) {
        error_set(error, PROA_ERR_NOMEM, "%s: no memory", type->name);
        return NULL;
    }
    return decode(type, wire, false, arena, message, error) == PROA_ERR_NONE ? message : NULL;
}
