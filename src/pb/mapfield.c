/* SPDX-License-Identifier: Apache-2.0 */
/* Maps on the wire: entries { 1: key, 2: value } straight into the array of entries; the last one of a key wins.
 *
 * Up to LINEAR entries a key is looked for one by one; from then on in an index beside the array, in the arena. Its hash
 * is seeded with an address, so that a peer cannot choose keys that collide. */
#include "pb/wire.h"

enum { LINEAR = 8 };

/* Open addressing; a slot holds position + 1, 0: free. The capacity is a power of two, at most half full. */
struct wire_index {
    size_t capacity;
    uint64_t seed;
    uint32_t *slots;
};

typedef struct map {
    proa_decoder *d;
    const proa_type *entry;
    const proa_field *key, *value;
    wire_list list;
} map;

static char *entry_at(const map *m, size_t index)
{
    return m->list.data + index * m->entry->size;
}

static proa_bytes key_of(const map *m, size_t index)
{
    const char *key = entry_at(m, index) + m->key->offset;
    if (m->key->kind != PROA_KIND_STRING)
        return (proa_bytes){ key, m->key->size };
    proa_bytes text;
    memcpy(&text, key, sizeof text);
    return text;
}

static struct wire_index *new_index(map *m, size_t capacity, const char *at)
{
    struct wire_index *index = wire_alloc(m->d, sizeof *index, at);
    uint32_t *slots = index ? wire_alloc(m->d, capacity * sizeof *slots, at) : NULL;
    if (!slots)
        return NULL;
    memset(slots, 0, capacity * sizeof *slots);
    *index = (struct wire_index){ capacity, (uint64_t)(uintptr_t)index * UINT64_C(0x9E3779B97F4A7C15), slots };
    return index;
}

/* The slot of the entry with the same key, or the free one where it belongs. */
static uint32_t *slot_of(const map *m, const struct wire_index *index, size_t wanted)
{
    proa_bytes key = key_of(m, wanted);
    size_t at = (size_t)(bytes_hash(key, index->seed) >> 20) & (index->capacity - 1);
    while (index->slots[at] && !proa_bytes_is_equal(key_of(m, index->slots[at] - 1), key))
        at = (at + 1) & (index->capacity - 1);
    return &index->slots[at];
}

/* Over all entries so far, whose keys differ. */
static bool build_index(map *m, const char *at)
{
    struct wire_index *index = new_index(m, m->list.count * 4 < 64 ? 64 : m->list.count * 4, at);
    if (!index)
        return false;
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
        proa_bytes key = key_of(m, fresh);
        while (same < fresh && !proa_bytes_is_equal(key_of(m, same), key))
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

static proa_kind kind_of(const proa_field *field)
{
    return field->kind == PROA_KIND_STRING && !(field->flags & PROA_FIELD_UTF8) ? PROA_KIND_BYTES
                                                                                : (proa_kind)field->kind;
}

/* A key or a value that does not come is zero (enums of maps begin with 0), and a string is empty, not absent. */
static void preset(char *entry, const proa_field *field)
{
    proa_bytes empty = { "", 0 };
    if (field->kind == PROA_KIND_STRING || field->kind == PROA_KIND_BYTES)
        memcpy(entry + field->offset, &empty, sizeof empty);
}

static const char *get_side(map *m, const char *p, const char *end, const proa_field *field, char *entry)
{
    if (field->kind == PROA_KIND_MESSAGE)
        return proa_get_message(m->d, p, end, field->type, entry + field->offset);
    return wire_get_value(m->d, p, end, kind_of(field), entry + field->offset);
}

/* What an entry holds besides key and value is dropped. */
static const char *get_entry(map *m, const char *p, const char *end)
{
    char *entry = memset(entry_at(m, m->list.count), 0, m->entry->size);
    uint32_t key_tag = WIRE_TAG(1, wire_kind_type((proa_kind)m->key->kind));
    uint32_t value_tag = WIRE_TAG(2, wire_kind_type((proa_kind)m->value->kind));
    preset(entry, m->key);
    preset(entry, m->value);
    while (p < end) {
        uint32_t tag;
        PROA_TRY(proa_get_tag(m->d, p, end, &tag));
        if (tag == key_tag)
            PROA_TRY(get_side(m, p, end, m->key, entry));
        else if (tag == value_tag)
            PROA_TRY(get_side(m, p, end, m->value, entry));
        else
            PROA_TRY(wire_skip(m->d, p, end, tag));
    }
    return p;
}

/* May the entry stay, or does a closed enum not name its value? */
static bool is_named(const map *m, const char *entry)
{
    int32_t number;
    if (m->value->kind != PROA_KIND_ENUM || !m->value->enum_type->is_closed)
        return true;
    memcpy(&number, entry + m->value->offset, sizeof number);
    return proa_is_named(m->value->enum_type, number);
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
    PROA_TRY(get_entry(m, size.p, end));
    m->d->depth++;
    bool is_kept = is_named(m, entry_at(m, m->list.count)) ? join(m, p) : keep_entry(m, size.p, end, tag, unknown);
    return is_kept ? end : NULL;
}

const char *proa_get_map(proa_decoder *d, const char *p, const char *end, uint32_t tag, const proa_type *entry,
                         void *field, proa_unknown **unknown)
{
    map m = { d, entry, &entry->fields[0], &entry->fields[1], { NULL, 0 } };
    memcpy(&m.list, field, sizeof m.list);
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
