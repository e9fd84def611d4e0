/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/repeat.h"
#include "base/bytes.h"

proa_bytes repeat_find(const repeat *r, const hpack_field *fields, size_t count, uint64_t generation)
{
    const char *at = r->values;
    if (count != r->count || count == 0 || generation != r->generation)
        return (proa_bytes){ 0 };
    for (size_t i = 0; i < count; i++) {
        const hpack_field *f = &fields[i];
        if (f->token != r->tokens[i] || f->value.size != r->sizes[i] || f->is_never_indexed)
            return (proa_bytes){ 0 };
        if (f->value.size && memcmp(f->value.data, at, f->value.size) != 0)
            return (proa_bytes){ 0 };
        at += f->value.size;
    }
    return (proa_bytes){ r->block, r->block_size };
}

static bool may_keep(const hpack_field *fields, size_t count, proa_bytes block)
{
    size_t size = 0;
    if (count == 0 || count > REPEAT_FIELDS_MAX || block.size > REPEAT_BLOCK_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!fields[i].token || fields[i].is_never_indexed || fields[i].value.size > REPEAT_BYTES_MAX - size)
            return false;
        size += fields[i].value.size;
    }
    return true;
}

void repeat_keep(repeat *r, const hpack_field *fields, size_t count, uint64_t generation, proa_bytes block)
{
    if (!may_keep(fields, count, block))
        return;
    r->generation = generation;
    r->count = (uint8_t)count;
    r->block_size = (uint8_t)block.size;
    char *at = r->values;
    for (size_t i = 0; i < count; i++) {
        r->tokens[i] = fields[i].token;
        r->sizes[i] = (uint8_t)fields[i].value.size;
        bytes_copy(at, fields[i].value.data, fields[i].value.size);
        at += fields[i].value.size;
    }
    bytes_copy(r->block, block.data, block.size);
}
