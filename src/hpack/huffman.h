/* SPDX-License-Identifier: Apache-2.0 */
/* The Huffman code of RFC 7541 B. Tables of 3 KiB in all: first-time strings are decoded, repeated ones are indexed, so
 * a larger table would push more useful things out of the cache. */
#ifndef HPACK_HUFFMAN_H
#define HPACK_HUFFMAN_H
#include "proa/base.h"

static inline size_t huffman_decoded_max(size_t size) { return size * 8 / 5; }   /* the shortest code has 5 bits */
size_t huffman_encoded_size(proa_bytes text);

/* to has room for huffman_decoded_max. False: padding of 8 bits or more or not of ones, or EOS
 * (RFC 7541 5.2); then what was written means nothing. */
bool huffman_decode(proa_bytes code, char *to, size_t *size);
/* to has room for huffman_encoded_size. Gives the byte behind the last. */
char *huffman_encode(proa_bytes text, char *to);
#endif
