/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder (RFC 7541 3, 6): one whole header block in, one shared list or a fault out.
 * Time is linear in the block plus what may be kept of it; a list over its limit is decoded to the end, so that the
 * table stays in step with the peer's (CVE-2023-32731), but its fields are dropped as they come. After a fault the table
 * is not the peer's any more: the decoder refuses everything from then on. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "hpack/block.h"
#include "hpack/dynamic_table.h"
#include "hpack/huffman.h"
#include "hpack/integer.h"
#include "hpack/memo.h"
#include "hpack/static_table.h"

struct hpack_decoder {
    dynamic_table table;
    memo memo;
    block_home *home;
    size_t list_bytes_max;
    uint32_t fields_max;
    uint32_t table_bytes_max; /* what our acknowledged SETTINGS allow */
    uint32_t update_max;      /* while is_update_due: the first size update is at most this */
    bool is_update_due;
    hpack_outcome dead; /* COMPRESSION or NOMEM, once it happened */
    const char *dead_reason;
    uint64_t blocks; /* made so far */
};

_Static_assert(sizeof(hpack_decoder) <= 256, "an idle connection is cheap");

/* One block on its way. */
typedef struct decoding {
    hpack_decoder *decoder;
    block *block;
    const uint8_t *begin, *at, *end;
    size_t list_bytes, fields;
    bool is_over;          /* nothing more is kept */
    hpack_outcome outcome; /* of the first fault */
    const char *reason;
} decoding;

hpack_decoder *hpack_decoder_new(const limits *limits)
{
    const struct limits defaults = LIMITS_DEFAULT;
    hpack_decoder *decoder = memory_new(sizeof *decoder);
    block_home *home = block_home_new();
    if (!decoder || !home) {
        memory_free(decoder);
        memory_free(home);
        return NULL;
    }
    dynamic_table_init(&decoder->table);
    decoder->home = home;
    decoder->list_bytes_max =
        limits->header_list_bytes_max ? limits->header_list_bytes_max : defaults.header_list_bytes_max;
    decoder->fields_max = limits->header_fields_max ? limits->header_fields_max : defaults.header_fields_max;
    decoder->table_bytes_max = DYNAMIC_TABLE_BYTES_DEFAULT;
    return decoder;
}

void hpack_decoder_free(hpack_decoder *decoder)
{
    if (!decoder)
        return;
    memo_forget(&decoder->memo);
    block_home_close(decoder->home);
    dynamic_table_fini(&decoder->table);
    memory_free(decoder);
}

void hpack_decoder_trim(hpack_decoder *decoder)
{
    memo_forget(&decoder->memo);
    block_home_trim(decoder->home);
}

void hpack_decoder_set_table_bytes_max(hpack_decoder *decoder, uint32_t table_bytes_max)
{
    PROA_ASSERT(table_bytes_max <= HPACK_TABLE_BYTES_MAX, "a dynamic table has at most HPACK_TABLE_BYTES_MAX bytes");
    decoder->table_bytes_max = table_bytes_max;
    /* RFC 7541 4.2: also when it grows again before the next block, the smallest value has to be signalled. */
    uint32_t bound = decoder->is_update_due ? decoder->update_max : decoder->table.size_max;
    if (table_bytes_max < bound) {
        decoder->is_update_due = true;
        decoder->update_max = table_bytes_max;
    }
}

static bool fail(decoding *d, hpack_outcome outcome, const char *reason)
{
    d->outcome = outcome;
    d->reason = reason;
    return false;
}

static bool fault(decoding *d, const char *reason)
{
    return fail(d, HPACK_COMPRESSION, reason);
}

static bool no_memory(decoding *d)
{
    return fail(d, HPACK_NOMEM, "out of memory");
}

static bool read_integer(decoding *d, unsigned bits, uint32_t *value)
{
    const uint8_t *next = integer_decode(d->at, d->end, bits, value);
    if (!next)
        return fault(d, "integer is cut short or too large");
    d->at = next;
    return true;
}

/* Copies in steps of 16 bytes; both sides have that much slop. */
static void copy_rounded(char *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i += 16)
        memcpy(to + i, from + i, 16);
}

/* A string (RFC 7541 5.2) into the block's bytes from `used` on, where make_room made room. */
static bool read_string(decoding *d, size_t used, proa_bytes *out)
{
    if (d->at == d->end)
        return fault(d, "string is cut short");
    bool is_huffman = *d->at & 0x80;
    uint32_t size;
    if (!read_integer(d, 7, &size))
        return false;
    if (size > (size_t)(d->end - d->at))
        return fault(d, "string is longer than the block");
    char *to = d->block->bytes + used;
    const char *from = (const char *)d->at;
    d->at += size;
    out->data = to;
    out->size = size;
    if (!is_huffman)
        bytes_copy(to, from, size);
    else if (!huffman_decode((proa_bytes){ from, size }, to, &out->size))
        return fault(d, "Huffman code has EOS in it or wrong padding");
    return true;
}

/* Room for `more` bytes out of the table and for whatever strings the rest of the block can hold. Pointers into the
 * block of the field that is being read do not survive this: it comes first. */
static bool make_room(decoding *d, size_t more)
{
    return block_reserve(d->block, more + huffman_decoded_max((size_t)(d->end - d->at))) || no_memory(d);
}

/* Counts the field, and keeps it when the list is within its limits. used: bytes of the block that it takes. */
static bool take_field(decoding *d, const hpack_field *field, size_t used)
{
    d->fields++;
    d->list_bytes += field->name.size + field->value.size + DYNAMIC_ENTRY_OVERHEAD;
    if (d->list_bytes > d->decoder->list_bytes_max || d->fields > d->decoder->fields_max)
        d->is_over = true;
    if (d->is_over)
        return true;
    if (!block_reserve_field(d->block))
        return no_memory(d);
    d->block->fields[d->block->face.count++] = *field;
    d->block->byte_size += used;
    return true;
}

static const dynamic_entry *entry_of(decoding *d, uint32_t index)
{
    const dynamic_table *table = &d->decoder->table;
    uint32_t age = index - STATIC_TABLE_COUNT; /* 1 is the newest */
    if (index == 0 || age > table->count) {
        fault(d, "index is not in the table"); /* RFC 7541 2.3.3 */
        return NULL;
    }
    return dynamic_table_entry(table, table->inserted - age);
}

/* RFC 7541 6.1. */
static bool read_indexed(decoding *d)
{
    uint32_t index;
    if (!read_integer(d, 7, &index))
        return false;
    if (index - 1 < STATIC_TABLE_COUNT)
        return take_field(d, &static_table[index], 0);
    const dynamic_entry *entry = entry_of(d, index);
    if (!entry)
        return false;
    hpack_field field = { .name = { NULL, entry->name_size },
                          .value = { NULL, entry->value_size },
                          .token = entry->token };
    size_t size = field.name.size + field.value.size;
    if (!d->is_over && d->list_bytes + size <= d->decoder->list_bytes_max) {
        if (!block_reserve(d->block, size))
            return no_memory(d);
        char *to = d->block->bytes + d->block->byte_size;
        copy_rounded(to, dynamic_table_bytes(&d->decoder->table, entry), size);
        field.name.data = to;
        field.value.data = to + field.name.size;
    }
    return take_field(d, &field, size);
}

/* The steady case: indexed fields, short, within every limit and with room in the block. Stops at the first that is
 * anything else; that one goes the general way. */
static void read_plain_fields(decoding *d)
{
    const dynamic_table *table = &d->decoder->table;
    block *block = d->block;
    const uint8_t *at = d->at;
    char *to = block->bytes + block->byte_size;
    size_t bytes_left = block->byte_capacity - block->byte_size, list_left = d->decoder->list_bytes_max - d->list_bytes;
    hpack_field *field = block->fields + block->face.count;
    uint32_t room = block->field_capacity < d->decoder->fields_max ? block->field_capacity : d->decoder->fields_max;
    for (room -= block->face.count; at < d->end && room; at++, room--, field++) {
        uint32_t index = *at ^ 0x80u; /* 128 and more: not an indexed field */
        size_t size;
        if (index - 1 < STATIC_TABLE_COUNT) {
            size = static_table[index].name.size + static_table[index].value.size;
            if (size + DYNAMIC_ENTRY_OVERHEAD > list_left)
                break;
            *field = static_table[index];
        } else {
            uint32_t age = index - STATIC_TABLE_COUNT;
            if (age - 1 >= table->count || index >= 127)
                break;
            const dynamic_entry *entry = dynamic_table_entry(table, table->inserted - age);
            size = (size_t)entry->name_size + entry->value_size;
            if (size + DYNAMIC_ENTRY_OVERHEAD > list_left || size > bytes_left)
                break;
            copy_rounded(to, dynamic_table_bytes(table, entry), size);
            *field = (hpack_field){ .name = { to, entry->name_size },
                                    .value = { to + entry->name_size, entry->value_size },
                                    .token = entry->token };
            to += size;
            bytes_left -= size;
        }
        list_left -= size + DYNAMIC_ENTRY_OVERHEAD;
    }
    uint32_t count = (uint32_t)(field - block->fields);
    d->fields += count - block->face.count;
    block->face.count = count;
    block->byte_size = (size_t)(to - block->bytes);
    d->list_bytes = d->decoder->list_bytes_max - list_left;
    d->at = at;
}

/* The name of a literal, by index or as a string; used: bytes of the block that it takes. */
static bool read_name(decoding *d, uint32_t index, hpack_field *field, size_t *used)
{
    *used = 0;
    if (index - 1 < STATIC_TABLE_COUNT) {
        field->name = static_table[index].name;
        field->token = static_table[index].token;
        return make_room(d, 0);
    }
    if (index == 0) {
        if (!make_room(d, 0) || !read_string(d, d->block->byte_size, &field->name))
            return false;
        field->token = (uint8_t)hpack_name_of(field->name);
        *used = field->name.size;
        return true;
    }
    const dynamic_entry *entry = entry_of(d, index);
    if (!entry || !make_room(d, entry->name_size))
        return false;
    char *to = d->block->bytes + d->block->byte_size;
    copy_rounded(to, dynamic_table_bytes(&d->decoder->table, entry), entry->name_size);
    *used = entry->name_size;
    field->name = (proa_bytes){ to, entry->name_size };
    field->token = entry->token;
    return true;
}

/* RFC 7541 6.2. bits: of the index's prefix. */
static bool read_literal(decoding *d, unsigned bits, bool is_inserted, bool is_never_indexed)
{
    uint32_t index;
    size_t used;
    hpack_field field = { .is_never_indexed = is_never_indexed };
    if (!read_integer(d, bits, &index) || !read_name(d, index, &field, &used))
        return false;
    if (!read_string(d, d->block->byte_size + used, &field.value))
        return false;
    used += field.value.size;
    if (is_inserted && !dynamic_table_insert(&d->decoder->table, field.name, field.value, field.token))
        return no_memory(d);
    return take_field(d, &field, used);
}

/* RFC 7541 6.3, 4.2: only before the first field; any number of them, though two always suffice. */
static bool read_size_update(decoding *d)
{
    hpack_decoder *decoder = d->decoder;
    uint32_t size;
    if (d->fields)
        return fault(d, "size update is not at the start of the block");
    if (!read_integer(d, 5, &size))
        return false;
    if (size > decoder->table_bytes_max || (decoder->is_update_due && size > decoder->update_max))
        return fault(d, "size update is over SETTINGS_HEADER_TABLE_SIZE");
    decoder->is_update_due = false;
    dynamic_table_resize(&decoder->table, size);
    return true;
}

static bool read_indexed_fields(decoding *d)
{
    const uint8_t *was = d->at;
    if (!d->is_over)
        read_plain_fields(d);
    return d->at != was || read_indexed(d);
}

static bool read_fields(decoding *d)
{
    if (!make_room(d, 0) || (d->block->field_capacity == 0 && !block_reserve_field(d->block)))
        return no_memory(d);
    while (d->at < d->end) {
        uint8_t byte = *d->at;
        bool is_update = (byte & 0xe0) == 0x20;
        bool is_read;
        if (d->decoder->is_update_due && !is_update)
            break;
        if (byte & 0x80)
            is_read = read_indexed_fields(d);
        else if (byte & 0x40)
            is_read = read_literal(d, 6, true, false);
        else if (is_update)
            is_read = read_size_update(d);
        else
            is_read = read_literal(d, 4, false, byte & 0x10);
        if (!is_read)
            return false;
    }
    if (d->decoder->is_update_due)
        return fault(d, "size update is missing");
    return true;
}

static hpack_outcome report(hpack_result *result, hpack_result value, hpack_outcome outcome)
{
    if (result)
        *result = value;
    return outcome;
}

static hpack_outcome succeed(block *block, hpack_block **out, hpack_result *result)
{
    *out = &block->face;
    return report(result, (hpack_result){ .list_bytes = block->face.list_bytes, .fields = block->face.count },
                  HPACK_OK);
}

static hpack_outcome finish(decoding *d, hpack_block **out, hpack_result *result)
{
    hpack_decoder *decoder = d->decoder;
    if (d->outcome == HPACK_OK && d->is_over)
        fail(d, HPACK_TOO_LARGE, "header list is over its limit");
    if (d->outcome == HPACK_OK) {
        d->block->face.fields = d->block->fields;
        d->block->face.list_bytes = d->list_bytes;
        d->block->face.id = ++decoder->blocks;
        return succeed(d->block, out, result);
    }
    if (d->block)
        hpack_block_release(&d->block->face);
    if (d->outcome != HPACK_TOO_LARGE) {
        decoder->dead = d->outcome;
        decoder->dead_reason = d->reason;
    }
    return report(result,
                  (hpack_result){ .reason = d->reason,
                                  .offset = (size_t)(d->at - d->begin),
                                  .list_bytes = d->list_bytes,
                                  .fields = d->fields },
                  d->outcome);
}

static hpack_outcome decode_anew(hpack_decoder *decoder, proa_bytes wire, hpack_block **out, hpack_result *result)
{
    const uint8_t *begin = (const uint8_t *)(wire.size ? wire.data : "");
    decoding d = {
        .decoder = decoder, .block = block_new(decoder->home), .begin = begin, .at = begin, .end = begin + wire.size
    };
    uint64_t generation = decoder->table.generation;
    if (!d.block)
        no_memory(&d);
    else
        read_fields(&d);
    if (d.outcome == HPACK_OK && !d.is_over && generation == decoder->table.generation)
        memo_offer(&decoder->memo, generation, wire, d.block);
    return finish(&d, out, result);
}

hpack_block *hpack_recognise(hpack_decoder *decoder, proa_bytes wire)
{
    if (wire.size == 0 || decoder->dead || decoder->is_update_due)
        return NULL;
    block *known = memo_find(&decoder->memo, decoder->table.generation, wire);
    if (!known)
        return NULL;
    known->references++;
    return &known->face;
}

hpack_outcome hpack_decode(hpack_decoder *decoder, proa_bytes wire, hpack_block **out, hpack_result *result)
{
    if (decoder->dead)
        return report(result, (hpack_result){ .reason = decoder->dead_reason }, decoder->dead);
    hpack_block *known = hpack_recognise(decoder, wire);
    return known ? succeed((block *)known, out, result) : decode_anew(decoder, wire, out, result);
}
