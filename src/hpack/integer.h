/* SPDX-License-Identifier: Apache-2.0 */
/* Integers with a prefix (RFC 7541 5.1), up to UINT32_MAX. */
#ifndef HPACK_INTEGER_H
#define HPACK_INTEGER_H
#include "proa/base.h"

#define INTEGER_SIZE_MAX 6           /* the prefix and five bytes hold every uint32_t */

/* The part behind a prefix that was all ones. value: in the prefix, out the number. Gives the byte behind it, or NULL:
 * cut short, more than five bytes (CVE-2023-33953: endless zeros), or over UINT32_MAX. */
const uint8_t *integer_decode_rest(const uint8_t *at, const uint8_t *end, uint32_t *value);

/* at < end: the byte with the prefix of `bits` bits. */
static inline const uint8_t *integer_decode(const uint8_t *at, const uint8_t *end, unsigned bits, uint32_t *value)
{
    uint32_t mask = (1u << bits) - 1;
    *value = *at++ & mask;
    return *value < mask ? at : integer_decode_rest(at, end, value);
}

/* Writes at most INTEGER_SIZE_MAX bytes; flags are the bits above the prefix. Gives the byte behind them. */
static inline char *integer_encode(char *at, unsigned flags, unsigned bits, uint32_t value)
{
    uint32_t mask = (1u << bits) - 1;
    if (value < mask) {
        *at++ = (char)(flags | value);
        return at;
    }
    *at++ = (char)(flags | mask);
    for (value -= mask; value >= 128; value >>= 7)
        *at++ = (char)(value | 128);
    *at++ = (char)value;
    return at;
}
#endif
