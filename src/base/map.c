/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing. A removal shifts the run back, so there are no tombstones to pile up. */
#include "base/map.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/memory.h"

enum { CAPACITY_MIN = 16 };

struct map_u32_slot {
    uint32_t key; /* 0: free */
    void *value;
};

struct map_bytes_slot {
    uint64_t hash;
    proa_bytes key;
    void *value; /* NULL: free */
};

/* Full enough to grow: three quarters. */
static bool is_full(size_t count, size_t capacity)
{
    return count + 1 > capacity / 4 * 3;
}

static size_t home_of(const map_u32 *map, uint32_t key)
{
    uint32_t hash = key * UINT32_C(0x9E3779B1);
    return (hash ^ hash >> 16) & (map->capacity - 1);
}

/* The slot of the key, or the free one where it belongs. */
static struct map_u32_slot *find(const map_u32 *map, uint32_t key)
{
    size_t at = home_of(map, key);
    while (map->slots[at].key != key && map->slots[at].key != 0)
        at = (at + 1) & (map->capacity - 1);
    return &map->slots[at];
}

void map_u32_fini(map_u32 *map)
{
    memory_free(map->slots);
    *map = (map_u32){ 0 };
}

static proa_err grow(map_u32 *map)
{
    map_u32 next = { .count = map->count, .capacity = map->capacity ? map->capacity * 2 : CAPACITY_MIN };
    next.slots = memory_new(next.capacity * sizeof *next.slots);
    if (!next.slots)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].key)
            *find(&next, map->slots[i].key) = map->slots[i];
    memory_free(map->slots);
    *map = next;
    return PROA_ERR_NONE;
}

proa_err map_u32_put(map_u32 *map, uint32_t key, void *value)
{
    PROA_ASSERT(key != 0 && value, "a map holds keys that are not 0 and values that are not NULL");
    struct map_u32_slot *slot = map->count ? find(map, key) : NULL;
    if (slot && slot->key == key) {
        slot->value = value;
        return PROA_ERR_NONE;
    }
    if (is_full(map->count, map->capacity)) {
        proa_err err = grow(map);
        if (err)
            return err;
    }
    *find(map, key) = (struct map_u32_slot){ key, value };
    map->count++;
    return PROA_ERR_NONE;
}

void *map_u32_get(const map_u32 *map, uint32_t key)
{
    return map->count && key ? find(map, key)->value : NULL;
}

void *map_u32_remove(map_u32 *map, uint32_t key)
{
    if (map->count == 0 || key == 0)
        return NULL;
    struct map_u32_slot *slot = find(map, key);
    void *value = slot->value;
    if (slot->key != key)
        return NULL;
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(slot - map->slots);
    for (size_t at = (hole + 1) & mask; map->slots[at].key; at = (at + 1) & mask) {
        /* An entry may fill the hole unless its home lies behind the hole, on its own side. */
        size_t distance = (at - home_of(map, map->slots[at].key)) & mask;
        if (distance >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct map_u32_slot){ 0, NULL };
    map->count--;
    return value;
}

void map_bytes_init(map_bytes *map, uint64_t seed)
{
    *map = (map_bytes){ .seed = seed };
}

void map_bytes_fini(map_bytes *map)
{
    memory_free(map->slots);
    *map = (map_bytes){ .seed = map->seed };
}

static struct map_bytes_slot *find_bytes(const map_bytes *map, uint64_t hash, proa_bytes key)
{
    size_t at = hash & (map->capacity - 1);
    while (map->slots[at].value && (map->slots[at].hash != hash || !proa_bytes_is_equal(map->slots[at].key, key)))
        at = (at + 1) & (map->capacity - 1);
    return &map->slots[at];
}

static proa_err grow_bytes(map_bytes *map)
{
    map_bytes next = *map;
    next.capacity = map->capacity ? map->capacity * 2 : CAPACITY_MIN;
    next.slots = memory_new(next.capacity * sizeof *next.slots);
    if (!next.slots)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].value)
            *find_bytes(&next, map->slots[i].hash, map->slots[i].key) = map->slots[i];
    memory_free(map->slots);
    *map = next;
    return PROA_ERR_NONE;
}

proa_err map_bytes_put(map_bytes *map, proa_bytes key, void *value)
{
    PROA_ASSERT(value, "a map holds values that are not NULL");
    uint64_t hash = bytes_hash(key, map->seed);
    struct map_bytes_slot *slot = map->count ? find_bytes(map, hash, key) : NULL;
    if (slot && slot->value) {
        slot->value = value;
        return PROA_ERR_NONE;
    }
    if (is_full(map->count, map->capacity)) {
        proa_err err = grow_bytes(map);
        if (err)
            return err;
    }
    *find_bytes(map, hash, key) = (struct map_bytes_slot){ hash, key, value };
    map->count++;
    return PROA_ERR_NONE;
}

void *map_bytes_get(const map_bytes *map, proa_bytes key)
{
    return map->count ? find_bytes(map, bytes_hash(key, map->seed), key)->value : NULL;
}
