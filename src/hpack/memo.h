/* SPDX-License-Identifier: Apache-2.0 */
/* The memo of a decoder: the last few header blocks that came twice, recognised by their bytes.
 * It is sound because the meaning of a block depends on its bytes and on the dynamic table alone: a block is remembered
 * only when decoding it left the table's generation as it was, and all is forgotten when the generation is another. */
#ifndef HPACK_MEMO_H
#define HPACK_MEMO_H
#include "hpack/block.h"

#define MEMO_ENTRIES 4
#define MEMO_SEEN 8                  /* a power of two */
#define MEMO_WIRE_MAX 512            /* longer blocks are not steady ones: not even hashed */
#define MEMO_BLOCK_MAX 8192          /* bytes of decoded names and values that one entry may hold on to */

typedef struct memo {
    uint64_t generation;
    uint16_t sizes[MEMO_ENTRIES];   /* of the encoded bytes; 0: empty */
    block *blocks[MEMO_ENTRIES]; /* each holds one reference, or is NULL */
    uint32_t seen[MEMO_SEEN];    /* hashes that came once */
    uint8_t next;                /* whose turn it is to be replaced */
} memo;

void memo_forget(memo *memo);                     /* all blocks; also what fini does */
/* The block that these bytes are under this generation; borrowed; NULL: not remembered. */
block *memo_find(memo *memo, uint64_t generation, proa_bytes wire);
/* Decoding `wire`, which was not found, under this generation gave `block` and changed nothing. Kept when it comes for the
 * second time. */
void memo_offer(memo *memo, uint64_t generation, proa_bytes wire, block *block);
#endif
