/* SPDX-License-Identifier: Apache-2.0 */
/* The static table and the names that have a token. Both come from tools/hpack_tables.py. */
#include "hpack/static_table.h"
#include <string.h>
#include "base/bytes.h"
#include "hpack/names.inc"

#define STATIC(name_text, value_text, name_token) \
    { .name = PROA_STR_INIT(name_text), .value = PROA_STR_INIT(value_text), .token = name_token },
const hpack_field static_table[STATIC_TABLE_COUNT + 1] = {
    { .token = HPACK_NAME_UNKNOWN },
#include "hpack/static_table.inc"
};
#undef STATIC

#define LENGTH_MAX (sizeof name_starts - 2)

static_name static_name_of(proa_bytes name)
{
    if (name.size > LENGTH_MAX || name.size == 0)
        return (static_name){ 0 };
    char first = name.data[0], last = name.data[name.size - 1];
    for (unsigned i = name_starts[name.size]; i < name_starts[name.size + 1]; i++)
        if (name_list[i].text[name.size - 1] == last && name_list[i].text[0] == first &&
            memcmp(name_list[i].text, name.data, name.size) == 0)
            return (static_name){ name_list[i].token, name_list[i].index };
    return (static_name){ 0 };
}

hpack_name hpack_name_of(proa_bytes name)
{
    return static_name_of(name).token;
}

proa_bytes hpack_name_text(hpack_name token)
{
    if (token <= HPACK_NAME_UNKNOWN || token >= HPACK_NAME_COUNT)
        return PROA_STR("");
    return static_tokens[token].text;
}

uint32_t static_match(unsigned token, proa_bytes value)
{
    uint32_t first = static_tokens[token].index;
    if (first == 0)
        return 0;
    for (uint32_t i = first; i <= STATIC_TABLE_COUNT && static_table[i].token == token; i++)
        if (bytes_is(value, static_table[i].value.data, static_table[i].value.size))
            return i;
    return 0;
}
