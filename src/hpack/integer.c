/* SPDX-License-Identifier: Apache-2.0 */
/* Integers with a prefix (RFC 7541 5.1): the rare long form. */
#include "hpack/integer.h"

const uint8_t *integer_decode_rest(const uint8_t *at, const uint8_t *end, uint32_t *value)
{
    uint64_t sum = *value;
    for (unsigned shift = 0; shift < 35 && at < end; shift += 7) {
        uint8_t byte = *at++;
        sum += (uint64_t)(byte & 127) << shift;
        if (byte & 128)
            continue;
        if (sum > UINT32_MAX)
            return NULL;
        *value = (uint32_t)sum;
        return at;
    }
    return NULL;
}
