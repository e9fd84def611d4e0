/* SPDX-License-Identifier: Apache-2.0 */
/* The dynamic table of one direction (RFC 7541 2.3.2, 4): a ring of entries over a ring of bytes. Both grow on demand;
 * an empty table holds no memory. The bytes of an entry, name then value, lie together: an entry that does not fit at
 * the end of the ring goes to its begin, so a ring of twice the table's size always has a place (see place_of). */
#ifndef HPACK_DYNAMIC_TABLE_H
#define HPACK_DYNAMIC_TABLE_H
#include "hpack/hpack.h"

#define DYNAMIC_TABLE_BYTES_DEFAULT 4096u     /* RFC 9113 6.5.2, until SETTINGS say otherwise */
#define DYNAMIC_ENTRY_OVERHEAD 32u            /* RFC 7541 4.1 */
#define DYNAMIC_TABLE_SLOP 16u                /* readable bytes behind any entry: copies may round up */

typedef struct dynamic_entry {
    uint32_t offset;             /* of the name in the bytes; the value follows */
    uint32_t name_size, value_size;
    uint8_t token;
} dynamic_entry;

typedef struct dynamic_table {
    dynamic_entry *entries;      /* ring: the n-th inserted is in slot n & (entry_capacity - 1) */
    char *bytes;                 /* ring */
    uint32_t entry_capacity;     /* a power of two, or 0 */
    uint32_t byte_capacity;
    uint32_t head;               /* where the next entry's bytes go, unless they do not fit */
    uint32_t count;
    uint32_t size, size_max;     /* as RFC 7541 4.1 counts */
    uint64_t inserted;           /* entries ever put in; the newest has this number - 1 */
    uint64_t generation;         /* changes whenever an index may mean something else */
} dynamic_table;

void dynamic_table_init(dynamic_table *table);
void dynamic_table_fini(dynamic_table *table);
void dynamic_table_resize(dynamic_table *table, uint32_t size_max);   /* evicts at once */

/* Makes room in memory, not in the table: an insertion of that many bytes of name and value will then not fail. */
PROA_CHECK bool dynamic_table_reserve(dynamic_table *table, size_t bytes);
/* Evicts, then puts a copy in; what is larger than the table empties it (RFC 7541 4.4). False: no memory, nothing done.
 * name and value lie outside the table. */
PROA_CHECK bool dynamic_table_insert(dynamic_table *table, proa_bytes name, proa_bytes value, uint8_t token);

/* By number of insertion, which is one of the count newest. */
static inline const dynamic_entry *dynamic_table_entry(const dynamic_table *t, uint64_t number)
{ return &t->entries[number & (t->entry_capacity - 1)]; }
static inline const char *dynamic_table_bytes(const dynamic_table *t, const dynamic_entry *e)
{ return t->bytes + e->offset; }
#endif
