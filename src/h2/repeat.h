/* SPDX-License-Identifier: Apache-2.0 */
/* Header lists that are sent again and again: their bytes, as long as the encoder would write the same. Response heads and
 * trailers hardly ever differ, and comparing is several times cheaper than encoding. {0} is an empty one. */
#ifndef H2_REPEAT_H
#define H2_REPEAT_H
#include "hpack/hpack.h"

#define REPEAT_FIELDS_MAX 10
#define REPEAT_BYTES_MAX  192           /* of all values */
#define REPEAT_BLOCK_MAX  48            /* of the encoded block */

typedef struct repeat {
    uint64_t generation;                /* of the encoder; only while it is the same */
    uint8_t count;                      /* 0: nothing is remembered */
    uint8_t block_size;
    uint8_t tokens[REPEAT_FIELDS_MAX], sizes[REPEAT_FIELDS_MAX];
    char values[REPEAT_BYTES_MAX];      /* one behind the other */
    char block[REPEAT_BLOCK_MAX];
} repeat;

/* The block of these very fields, or data NULL. Borrowed until it is kept again. */
proa_bytes repeat_find(const repeat *repeat, const hpack_field *fields, size_t count, uint64_t generation);
/* Remembers them, when they are short and all names are known ones; else what was remembered stays. */
void repeat_keep(repeat *repeat, const hpack_field *fields, size_t count, uint64_t generation, proa_bytes block);
#endif
