/* SPDX-License-Identifier: Apache-2.0 */
/* Two hash maps to pointers: by number (streams) and by bytes (paths). Keys of bytes are hashed with a seed. */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include "proa/base.h"

typedef struct map_u32 { struct map_u32_slot *slots; size_t count, capacity; } map_u32;   /* {0} is empty; no key is 0 */
void map_u32_fini(map_u32 *map);
proa_err map_u32_put(map_u32 *map, uint32_t key, void *value);    /* value is not NULL; replaces */
void *map_u32_get(const map_u32 *map, uint32_t key);              /* NULL: none */
void *map_u32_remove(map_u32 *map, uint32_t key);                 /* what was there, or NULL */

typedef struct map_bytes { struct map_bytes_slot *slots; size_t count, capacity; uint64_t seed; } map_bytes;
void map_bytes_init(map_bytes *map, uint64_t seed);
void map_bytes_fini(map_bytes *map);
proa_err map_bytes_put(map_bytes *map, proa_bytes key, void *value);   /* the key's bytes are borrowed: they outlive the map */
void *map_bytes_get(const map_bytes *map, proa_bytes key);
#endif
