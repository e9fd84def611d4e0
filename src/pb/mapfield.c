/* SPDX-License-Identifier: Apache-2.0 */
/* Maps on the wire: entries { 1: key, 2: value } straight into the array of entries; the last one of a key wins.
 *
 * Up to LINEAR entries a key is looked for one by one; from then on in an index beside the array, in the arena. Its hash
 * is seeded with an address, so that a peer cannot choose keys that collide. */
#include "pb/wire.h"

enum { LINEAR = 8, INDEX_MIN = 64 };

/* Open addressing; a slot holds position + 1, 0: free. The capacity is a power of two, at most half full. */
struct wire_index {
    size_t capacity;
    uint64_t seed;
    uint32_t *slots;
};

/* One side of the entries of a map, with what decoding needs of its field. */
typedef struct side {
    const proa_field *field;
    proa_kind kind; /* BYTES for a string that is not verified */
    uint32_t tag;
    bool is_text;
} side;

typedef struct map {
    proa_decoder *d;
    const proa_type *entry;
    side key, value;
    wire_list list;
} map;

static side side_of(const proa_field *field)
{
    bool is_string = field->kind == PROA_KIND_STRING;
    proa_kind kind = is_string && !(field->flags & PROA_FIELD_UTF8) ? PROA_KIND_BYTES : (proa_kind)field->kind;
    return (side){ field, kind, WIRE_TAG(field->number, wire_kind_type(kind)), is_string || kind == PROA_KIND_BYTES };
}

static char *entry_at(const map *m, size_t index)
{
    return m->list.data + index * m->entry->size;
}

static proa_bytes text_of(const map *m, size_t index)
{
    proa_bytes text;
    memcpy(&text, entry_at(m, index) + m->key.field->offset, sizeof text);
    return text;
}

static uint64_t number_of(const map *m, size_t index)
{
    const char *place = entry_at(m, index) + m->key.field->offset;
    uint32_t narrow;
    uint64_t wide;
    switch (m->key.field->size) {
    case 4: memcpy(&narrow, place, sizeof narrow); return narrow;
    case 8: memcpy(&wide, place, sizeof wide); return wide;
    default: return (unsigned char)*place;
    }
}

static bool is_same(const map *m, size_t a, size_t b)
{
    return m->key.is_text ? proa_bytes_is_equal(text_of(m, a), text_of(m, b)) : number_of(m, a) == number_of(m, b);
}

static size_t hash_of(const map *m, const struct wire_index *index, size_t wanted)
{
    uint64_t hash = m->key.is_text ? bytes_hash(text_of(m, wanted), index->seed)
                                   : (number_of(m, wanted) ^ index->seed) * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 32;
    return (size_t)(hash * UINT64_C(0xD6E8FEB86659FD93) >> 32);
}

/* The slot of the entry with the same key, or the free one where it belongs. */
static uint32_t *slot_of(const map *m, const struct wire_index *index, size_t wanted)
{
    size_t mask = index->capacity - 1, at = hash_of(m, index, wanted) & mask;
    while (index->slots[at] && !is_same(m, index->slots[at] - 1, wanted))
        at = (at + 1) & mask;
    return &index->slots[at];
}

/* Over all entries so far, whose keys differ, with room for as many as the list has. */
static bool build_index(map *m, const char *at)
{
    size_t capacity = INDEX_MIN;
    while (capacity / 2 <= m->list.count || capacity / 2 < wire_list_head_of(&m->list)->capacity)
        capacity *= 2;
    struct wire_index *index = wire_alloc(m->d, sizeof *index + capacity * sizeof *index->slots, at);
    if (!index)
        return false;
    *index = (struct wire_index){ capacity, (uintptr_t)index * UINT64_C(0x9E3779B97F4A7C15), (uint32_t *)(index + 1) };
    memset(index->slots, 0, capacity * sizeof *index->slots);
    for (size_t i = 0; i < m->list.count; i++)
        *slot_of(m, index, i) = (uint32_t)i + 1;
    wire_list_head_of(&m->list)->index = index;
    return true;
}

/* The entry behind the last one is complete: it joins, or replaces the one with its key. */
static bool join(map *m, const char *at)
{
    size_t fresh = m->list.count, same = 0;
    if (fresh < LINEAR) {
        while (same < fresh && !is_same(m, same, fresh))
            same++;
    } else {
        struct wire_index *index = wire_list_head_of(&m->list)->index;
        if ((!index || index->capacity / 2 <= fresh) && !build_index(m, at))
            return false;
        uint32_t *slot = slot_of(m, wire_list_head_of(&m->list)->index, fresh);
        same = *slot ? *slot - 1 : fresh;
        *slot = (uint32_t)same + 1;
    }
    if (same == fresh)
        m->list.count++;
    else
        memcpy(entry_at(m, same), entry_at(m, fresh), m->entry->size);
    return true;
}

static inline const char *get_side(map *m, const char *p, const char *end, const side *side, char *entry)
{
    char *place = entry + side->field->offset;
    if (side->kind == PROA_KIND_MESSAGE)
        return proa_get_message(m->d, p, end, side->field->type, place);
    return wire_get_value(m->d, p, end, side->kind, place);
}

/* A string that did not come is empty, not absent. Numbers that did not are zero already; so are enums: protoc demands it. */
static void complete(const side *side, char *entry)
{
    if (side->is_text && !wire_pointer(entry + side->field->offset))
        memcpy(entry + side->field->offset, &(proa_bytes){ "", 0 }, sizeof(proa_bytes));
}

/* What an entry holds besides key and value is dropped. */
static const char *get_entry(map *m, const char *p, const char *end, char *entry)
{
    while (p < end) {
        uint32_t tag;
        PROA_TRY(proa_get_tag(m->d, p, end, &tag));
        if (tag == m->key.tag)
            PROA_TRY(get_side(m, p, end, &m->key, entry));
        else if (tag == m->value.tag)
            PROA_TRY(get_side(m, p, end, &m->value, entry));
        else
            PROA_TRY(wire_skip(m->d, p, end, tag));
    }
    complete(&m->key, entry);
    complete(&m->value, entry);
    return p;
}

/* May the entry stay, or does a closed enum not name its value? */
static bool is_named(const map *m, const char *entry)
{
    int32_t number;
    if (m->value.kind != PROA_KIND_ENUM || !m->value.field->enum_type->is_closed)
        return true;
    memcpy(&number, entry + m->value.field->offset, sizeof number);
    return proa_is_named(m->value.field->enum_type, number);
}

static bool keep_entry(map *m, const char *p, const char *end, uint32_t tag, proa_unknown **unknown)
{
    size_t size = (size_t)(end - p);
    char *copy = wire_alloc(m->d, size + 20, p);
    if (!copy)
        return false;
    size_t head = wire_put_varint(copy, tag);
    head += wire_put_varint(copy + head, size);
    bytes_copy(copy + head, p, size);
    return wire_keep(m->d, unknown, copy, copy + head + size);
}

static const char *get_one(map *m, const char *p, const char *end, uint32_t tag, proa_unknown **unknown)
{
    if (!m->list.data || m->list.count == wire_list_head_of(&m->list)->capacity) {
        if (!wire_reserve(m->d, &m->list, wire_count_run(p, end, tag), m->entry->size, p))
            return NULL;
    }
    proa_varint size = proa_get_size(m->d, p, end);
    if (!size.p)
        return NULL;
    if (--m->d->depth < 0)
        return proa_fail_depth_(m->d, p);
    end = size.p + size.value;
    char *entry = memset(entry_at(m, m->list.count), 0, m->entry->size);
    PROA_TRY(get_entry(m, size.p, end, entry));
    m->d->depth++;
    bool is_kept = is_named(m, entry) ? join(m, p) : keep_entry(m, size.p, end, tag, unknown);
    return is_kept ? end : NULL;
}

const char *proa_get_map(proa_decoder *d, const char *p, const char *end, uint32_t tag, const proa_type *entry,
                         void *field, proa_unknown **unknown)
{
    map m = { d, entry, side_of(&entry->fields[0]), side_of(&entry->fields[1]), { NULL, 0 } };
    memcpy(&m.list, field, sizeof m.list);
    if (m.value.kind == PROA_KIND_MESSAGE)
        d->seen |= m.value.field->type->flags; /* a value that does not come is there, and empty */
    for (;;) {
        PROA_TRY(get_one(&m, p, end, tag, unknown));
        if (!wire_is_next(p, end, tag))
            break;
        p += PROA_TAG_SIZE_(tag);
    }
    memcpy(field, &m.list, sizeof m.list);
    return p;
}

static char *put_side(proa_encoder *e, char *p, const proa_field *field, const char *entry)
{
    uint32_t tag = WIRE_TAG(field->number, wire_kind_type((proa_kind)field->kind));
    if (field->kind == PROA_KIND_MESSAGE)
        return proa_put_message(e, p, tag, field->type, entry + field->offset);
    return wire_put_value(e, p, tag, (proa_kind)field->kind, entry + field->offset);
}

/* Both sides are always written, as other implementations do. */
char *proa_put_map(proa_encoder *e, char *p, uint32_t tag, const proa_type *entry, const void *field)
{
    wire_list list;
    memcpy(&list, field, sizeof list);
    if (list.count && --e->depth < 0)
        return proa_refuse_depth_(e);
    for (size_t i = list.count; i-- > 0;) {
        size_t after = (size_t)(e->end - p);
        const char *one = list.data + i * entry->size;
        PROA_TRY(put_side(e, p, &entry->fields[1], one));
        PROA_TRY(put_side(e, p, &entry->fields[0], one));
        PROA_TRY(proa_put_uint64(e, p, tag, (size_t)(e->end - p) - after));
    }
    e->depth += list.count > 0;
    return p;
}
