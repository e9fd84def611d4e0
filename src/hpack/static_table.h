/* SPDX-License-Identifier: Apache-2.0 */
/* The static table (RFC 7541 A), and what is known of names by heart: their token, their place in that table. */
#ifndef HPACK_STATIC_TABLE_H
#define HPACK_STATIC_TABLE_H
#include "hpack/hpack.h"

#define STATIC_TABLE_COUNT 61

extern const hpack_field static_table[STATIC_TABLE_COUNT + 1];   /* by index; 0 is not one */

typedef struct static_name {
    uint8_t token;               /* enum hpack_name */
    uint8_t index;               /* the first entry with that name; 0: none */
} static_name;

typedef struct static_token {
    proa_bytes text;
    uint8_t index;               /* the first entry with that name; 0: none */
    bool has_values;             /* some entry with that name has a value */
} static_token;

extern const static_token static_tokens[HPACK_NAME_COUNT];   /* by token */

static_name static_name_of(proa_bytes name);           /* {0}: neither */
uint32_t static_match(unsigned token, proa_bytes value);   /* the entry with this very value; 0: none */
#endif
