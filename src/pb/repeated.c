/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: growing them in the arena, runs of elements with the same tag, packed fields. */
#include "pb/wire.h"

static wire_list load(const void *list)
{
    wire_list loaded;
    memcpy(&loaded, list, sizeof loaded);
    return loaded;
}

static void store(void *list, wire_list loaded)
{
    memcpy(list, &loaded, sizeof loaded);
}

/* The last block of the arena grows where it is. */
static bool extend(proa_decoder *d, const wire_list *list, size_t capacity, size_t size)
{
    wire_list_head *head = wire_list_head_of(list);
    size_t before = (head->capacity * size + 7) & ~(size_t)7, after = (capacity * size + 7) & ~(size_t)7;
    proa_arena_head *arena = d->arena;
    if (list->data + before != arena->begin || (size_t)(arena->end - arena->begin) < after - before ||
        d->budget < after - before)
        return false;
    arena->begin += after - before;
    d->budget -= after - before;
    head->capacity = capacity;
    return true;
}

bool wire_reserve(proa_decoder *d, wire_list *list, size_t more, size_t size, const char *at)
{
    size_t have = list->data ? wire_list_head_of(list)->capacity : 0;
    size_t need = list->count + more;
    if (PROA_LIKELY_(need <= have))
        return true;
    size_t fits = d->budget / size;
    size_t capacity = need < have * 2 && have * 2 <= fits ? have * 2 : need;
    if (capacity > fits)
        return wire_fail(d, PROA_ERR_LIMIT, at, "it takes too much memory for its size");
    if (have && extend(d, list, capacity, size))
        return true;
    wire_list_head *head = wire_alloc(d, sizeof *head + capacity * size, at);
    if (!head)
        return false;
    *head = (wire_list_head){ capacity, have ? wire_list_head_of(list)->index : NULL };
    char *data = (char *)(head + 1);
    bytes_copy(data, list->data, list->count * size);
    list->data = data;
    return true;
}

size_t wire_count_run(const char *p, const char *end, uint32_t tag)
{
    size_t tag_size = PROA_TAG_SIZE_(tag), count = 1;
    while (p < end) {
        uint64_t size = (unsigned char)*p++;
        for (int shift = 7; size >> shift && p < end && shift < 35; shift += 7)
            size = (size & ((UINT64_C(1) << shift) - 1)) | (uint64_t)(unsigned char)*p++ << shift;
        if (size >= (uint64_t)(end - p) || !wire_is_next(p + size, end, tag))
            break;
        p += size + tag_size;
        count++;
    }
    return count;
}

void *proa_add_message(proa_decoder *d, const char *p, const char *end, uint32_t tag, void *list, size_t size)
{
    wire_list to = load(list);
    if (!to.data || to.count == wire_list_head_of(&to)->capacity) {
        size_t run = (tag & 7) == 2 ? wire_count_run(p, end, tag) : 1;
        if (!wire_reserve(d, &to, run, size, p))
            return NULL;
    }
    void *element = memset(to.data + to.count * size, 0, size);
    to.count++;
    store(list, to);
    return element;
}

/* The run is counted once, then only stored. */
static const char *get_strings(proa_decoder *d, const char *p, const char *end, uint32_t tag, void *list,
                               bool is_verified)
{
    wire_list to = load(list);
    size_t run = wire_count_run(p, end, tag), tag_size = PROA_TAG_SIZE_(tag);
    if (!wire_reserve(d, &to, run, sizeof(proa_bytes), p))
        return NULL;
    char *out = to.data + to.count * sizeof(proa_bytes);
    for (size_t i = 0;; p += tag_size) {
        proa_bytes one;
        PROA_TRY(proa_get_bytes(d, p, end, &one));
        if (is_verified && !proa_is_utf8_(d, one.data, one.size))
            return NULL;
        memcpy(out + i * sizeof one, &one, sizeof one);
        if (++i == run)
            break;
    }
    to.count += run;
    store(list, to);
    return p;
}

const char *proa_get_list(proa_decoder *d, const char *p, const char *end, uint32_t tag, void *list, proa_kind kind)
{
    if (kind == PROA_KIND_STRING || kind == PROA_KIND_BYTES)
        return get_strings(d, p, end, tag, list, kind == PROA_KIND_STRING);
    size_t size = wire_kind_size(kind);
    size_t tag_size = PROA_TAG_SIZE_(tag);
    wire_list to = load(list);
    size_t have = to.data ? wire_list_head_of(&to)->capacity : 0;
    for (;;) {
        if (to.count == have) {
            if (!wire_reserve(d, &to, 1, size, p))
                return NULL;
            have = wire_list_head_of(&to)->capacity;
        }
        PROA_TRY(wire_get_value(d, p, end, kind, to.data + to.count * size));
        to.count++;
        if (!wire_is_next(p, end, tag))
            break;
        p += tag_size;
    }
    store(list, to);
    return p;
}

/* Each varint has one byte without the top bit. */
static size_t count_varints(const char *p, const char *end)
{
    size_t count = 0;
    for (; end - p >= 8; p += 8)
        count += (size_t)(((~wire_load64(p) & WIRE_TOPS) >> 7) * UINT64_C(0x0101010101010101) >> 56);
    for (; p < end; p++)
        count += (signed char)*p >= 0;
    return count;
}

static inline proa_varint next_varint(proa_decoder *d, const char *p, const char *end)
{
    if (PROA_LIKELY_(p < d->safe)) {
        proa_varint v = wire_varint_wide(p);
        if (PROA_LIKELY_(v.p && v.p <= end))
            return v;
    }
    return proa_get_varint_(d, p, end);
}

/* Eight of one byte at once where they come so; else without a branch on the size, which nobody could predict. */
#define UNPACK(name, T, expression) \
    static const char *unpack_##name(proa_decoder *d, const char *p, const char *end, T *out) \
    { \
        proa_varint v; \
        while (p < end) { \
            if (p < d->safe && end - p >= 8 && !(wire_load64(p) & WIRE_TOPS)) { \
                for (int i = 0; i < 8; i++) { \
                    v.value = (unsigned char)p[i]; \
                    out[i] = (T)(expression); \
                } \
                out += 8; \
                p += 8; \
                continue; \
            } \
            v = next_varint(d, p, end); \
            if (!v.p) \
                return NULL; \
            *out++ = (T)(expression); \
            p = v.p; \
        } \
        return p; \
    }
UNPACK(32, uint32_t, v.value)
UNPACK(64, uint64_t, v.value)
UNPACK(sint32, uint32_t, (uint32_t)v.value >> 1 ^ (0u - ((uint32_t)v.value & 1)))
UNPACK(sint64, uint64_t, v.value >> 1 ^ (UINT64_C(0) - (v.value & 1)))
UNPACK(bool, bool, v.value != 0)

static const char *unpack(proa_decoder *d, const char *p, const char *end, proa_kind kind, void *out)
{
    switch (kind) {
    case PROA_KIND_INT64:
    case PROA_KIND_UINT64: return unpack_64(d, p, end, out);
    case PROA_KIND_SINT32: return unpack_sint32(d, p, end, out);
    case PROA_KIND_SINT64: return unpack_sint64(d, p, end, out);
    case PROA_KIND_BOOL: return unpack_bool(d, p, end, out);
    default: return unpack_32(d, p, end, out);
    }
}

static const char *unpack_fixed(const char *p, const char *end, size_t size, char *out)
{
    memcpy(out, p, (size_t)(end - p));
    if (PROA_SWAP32_(1u) == 1u)
        return end;
    for (char *at = out; p < end; p += size, at += size)
        for (size_t i = 0; i < size; i++)
            at[i] = p[size - 1 - i];
    return end;
}

const char *proa_get_packed(proa_decoder *d, const char *p, const char *end, void *list, proa_kind kind)
{
    proa_varint v = proa_get_size(d, p, end);
    if (!v.p)
        return NULL;
    if (v.value == 0)
        return v.p;
    size_t size = wire_kind_size(kind);
    bool is_fixed = wire_kind_type(kind) != 0;
    if (is_fixed && v.value % size != 0)
        return wire_fail(d, PROA_ERR_MALFORMED, p, "a packed field holds a part of an element");
    p = v.p;
    end = p + v.value;
    wire_list to = load(list);
    size_t count = is_fixed ? (size_t)v.value / size : count_varints(p, end);
    if (count == 0)
        return proa_fail_end_(d, p);
    if (!wire_reserve(d, &to, count, size, p))
        return NULL;
    char *out = to.data + to.count * size;
    PROA_TRY(is_fixed ? unpack_fixed(p, end, size, out) : unpack(d, p, end, kind, out));
    to.count += count;
    store(list, to);
    return p;
}

static bool add_enum(proa_decoder *d, const char *p, uint32_t tag, void *list, const proa_enum_type *type,
                     int32_t number, proa_unknown **unknown)
{
    if (!proa_is_named(type, number))
        return proa_keep_enum(d, p, tag, number, unknown);
    wire_list to = load(list);
    if (!wire_reserve(d, &to, 1, sizeof number, p))
        return false;
    memcpy(to.data + to.count * sizeof number, &number, sizeof number);
    to.count++;
    store(list, to);
    return true;
}

const char *proa_get_enum_list(proa_decoder *d, const char *p, const char *end, uint32_t tag, void *list,
                               const proa_enum_type *type, proa_unknown **unknown)
{
    for (;;) {
        int32_t number;
        PROA_TRY(proa_get_int32(d, p, end, &number));
        if (!add_enum(d, p, tag, list, type, number, unknown))
            return NULL;
        if (!wire_is_next(p, end, tag))
            return p;
        p += PROA_TAG_SIZE_(tag);
    }
}

const char *proa_get_enum_packed(proa_decoder *d, const char *p, const char *end, uint32_t tag, void *list,
                                 const proa_enum_type *type, proa_unknown **unknown)
{
    proa_varint v = proa_get_size(d, p, end);
    if (!v.p)
        return NULL;
    p = v.p;
    end = p + v.value;
    while (p < end) {
        int32_t number;
        PROA_TRY(proa_get_int32(d, p, end, &number));
        if (!add_enum(d, p, tag, list, type, number, unknown))
            return NULL;
    }
    return p;
}
