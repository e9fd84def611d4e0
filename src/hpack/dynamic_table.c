/* SPDX-License-Identifier: Apache-2.0 */
/* The dynamic table: eviction, growth, and where an entry's bytes go. */
#include "hpack/dynamic_table.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/memory.h"

#define ENTRIES_FIRST 8u
#define BYTES_FIRST   256u
#define NOWHERE       UINT32_MAX

void dynamic_table_init(dynamic_table *table)
{
    *table = (dynamic_table){ .size_max = DYNAMIC_TABLE_BYTES_DEFAULT, .generation = 1 };
}

void dynamic_table_fini(dynamic_table *table)
{
    memory_free(table->entries);
    memory_free(table->bytes);
    *table = (dynamic_table){ 0 };
}

static dynamic_entry *slot(const dynamic_table *table, uint64_t number)
{
    return &table->entries[number & (table->entry_capacity - 1)];
}

static const dynamic_entry *oldest(const dynamic_table *table)
{
    return slot(table, table->inserted - table->count);
}

static uint32_t entry_bytes(const dynamic_entry *entry)
{
    return entry->name_size + entry->value_size;
}

static void evict_to(dynamic_table *table, uint32_t size)
{
    while (table->size > size) {
        table->size -= entry_bytes(oldest(table)) + DYNAMIC_ENTRY_OVERHEAD;
        table->count--;
    }
    if (table->count == 0)
        table->head = 0;
}

void dynamic_table_resize(dynamic_table *table, uint32_t size_max)
{
    PROA_ASSERT(size_max <= HPACK_TABLE_BYTES_MAX, "a dynamic table has at most HPACK_TABLE_BYTES_MAX bytes");
    table->size_max = size_max;
    table->generation++;
    evict_to(table, size_max);
}

/* Where n bytes fit, or NOWHERE. The live bytes are [tail, head), or around the end when head <= tail. Both comparisons
 * with tail are strict, so that head == tail never means full.
 * In a ring of twice size_max and after eviction (live + n <= size_max) there is always a place. Not around the end: when
 * n does not fit behind head, head is over 2 max - n, so tail is over 2 max - n - live >= max >= n. Around it: the first
 * entry at 0, of m bytes, had not fitted at the end, so the gap is over 2 max - m - live >= max - m + n >= n. */
static uint32_t place_of(const dynamic_table *table, size_t n)
{
    if (!table->bytes)
        return NOWHERE;
    if (table->count == 0)
        return n <= table->byte_capacity ? 0 : NOWHERE;
    uint32_t tail = oldest(table)->offset;
    if (table->head < tail)
        return n < tail - table->head ? table->head : NOWHERE;
    if (n <= table->byte_capacity - table->head)
        return table->head;
    return n < tail ? 0 : NOWHERE;
}

static bool grow_entries(dynamic_table *table)
{
    uint32_t capacity = table->entry_capacity ? table->entry_capacity * 2 : ENTRIES_FIRST;
    dynamic_entry *entries = memory_new(capacity * sizeof *entries);
    if (!entries)
        return false;
    for (uint64_t n = table->inserted - table->count; n < table->inserted; n++)
        entries[n & (capacity - 1)] = *slot(table, n);
    memory_free(table->entries);
    table->entries = entries;
    table->entry_capacity = capacity;
    return true;
}

/* A larger ring, with the live entries at its begin. */
static bool grow_bytes(dynamic_table *table, size_t n)
{
    size_t capacity = table->byte_capacity ? table->byte_capacity : BYTES_FIRST / 2;
    do {
        capacity *= 2;
    } while (capacity < table->size + n);
    if (capacity > 2 * (size_t)table->size_max && 2 * (size_t)table->size_max > table->byte_capacity)
        capacity = 2 * (size_t)table->size_max;
    char *bytes = memory_new(capacity + DYNAMIC_TABLE_SLOP);
    if (!bytes)
        return false;
    uint32_t head = 0;
    for (uint64_t number = table->inserted - table->count; number < table->inserted; number++) {
        dynamic_entry *entry = slot(table, number);
        bytes_copy(bytes + head, table->bytes + entry->offset, entry_bytes(entry));
        entry->offset = head;
        head += entry_bytes(entry);
    }
    memory_free(table->bytes);
    table->bytes = bytes;
    table->byte_capacity = (uint32_t)capacity;
    table->head = head;
    return true;
}

bool dynamic_table_reserve(dynamic_table *table, size_t bytes)
{
    if (bytes + DYNAMIC_ENTRY_OVERHEAD > table->size_max)
        return true; /* it will only empty the table */
    /* A full ring that has room for size_max of the smallest entries is emptied by the eviction. */
    if (table->count == table->entry_capacity &&
        (uint64_t)table->entry_capacity * DYNAMIC_ENTRY_OVERHEAD < table->size_max && !grow_entries(table))
        return false;
    if (place_of(table, bytes) != NOWHERE || table->byte_capacity >= 2 * (uint64_t)table->size_max)
        return true;
    return grow_bytes(table, bytes);
}

bool dynamic_table_insert(dynamic_table *table, proa_bytes name, proa_bytes value, uint8_t token)
{
    size_t n = name.size + value.size;
    if (!dynamic_table_reserve(table, n))
        return false;
    table->generation++;
    if (n + DYNAMIC_ENTRY_OVERHEAD > table->size_max) {
        evict_to(table, 0);
        return true;
    }
    evict_to(table, table->size_max - (uint32_t)(n + DYNAMIC_ENTRY_OVERHEAD));
    uint32_t place = place_of(table, n);
    bytes_copy(table->bytes + place, name.data, name.size);
    bytes_copy(table->bytes + place + name.size, value.data, value.size);
    *slot(table, table->inserted) = (dynamic_entry){ place, (uint32_t)name.size, (uint32_t)value.size, token };
    table->head = place + (uint32_t)n;
    table->inserted++;
    table->count++;
    table->size += (uint32_t)(n + DYNAMIC_ENTRY_OVERHEAD);
    return true;
}
