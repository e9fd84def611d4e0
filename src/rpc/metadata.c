/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes custom metadata. Strict in what is sent, lenient in what is read: h2 has refused what is no HTTP. */
#include "rpc/metadata.h"
#include "base/bytes.h"
#include "rpc/base64.h"

/* Names that belong to HTTP or to gRPC. user-agent is not among them: programs want to see it. */
static bool is_reserved(hpack_name token, proa_bytes name)
{
    switch (token) {
    case HPACK_NAME_CONNECTION: /* RFC 9113 8.2.2 */
    case HPACK_NAME_KEEP_ALIVE:
    case HPACK_NAME_PROXY_CONNECTION:
    case HPACK_NAME_TRANSFER_ENCODING:
    case HPACK_NAME_UPGRADE:
    case HPACK_NAME_TE:
    case HPACK_NAME_HOST:
    case HPACK_NAME_CONTENT_TYPE:
    case HPACK_NAME_CONTENT_LENGTH: /* of somebody else's body, when it is forwarded */
    case HPACK_NAME_CONTENT_ENCODING: return true;
    default: break;
    }
    if (name.size == 0 || name.data[0] == ':')
        return true;
    return bytes_starts_with(name, PROA_STR("grpc-")) || BYTES_IS(name, "trailer");
}

static bool is_binary(proa_bytes name)
{
    return name.size >= 4 && memcmp(name.data + name.size - 4, "-bin", 4) == 0;
}

/* ---- From the wire */

/* Takes the part before the next comma off *rest. Values of equal names may have been joined on their way. */
static bool next_part(proa_bytes *rest, proa_bytes *part)
{
    if (!rest->data)
        return false;
    const char *comma = rest->size ? memchr(rest->data, ',', rest->size) : NULL;
    *part = *rest;
    if (!comma) {
        *rest = (proa_bytes){ NULL, 0 };
    } else {
        part->size = (size_t)(comma - rest->data);
        rest->data = comma + 1;
        rest->size -= part->size + 1;
    }
    while (part->size && part->data[0] == ' ') /* ", " joins as well (RFC 9110 5.3) */
        part->data++, part->size--;
    while (part->size && part->data[part->size - 1] == ' ')
        part->size--;
    return true;
}

static proa_bytes present(proa_bytes value)
{
    return value.data ? value : PROA_STR("");
}

bool metadata_is_sound(const hpack_block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        const hpack_field *field = &block->fields[i];
        if (!is_binary(field->name) || is_reserved(field->token, field->name))
            continue;
        proa_bytes rest = present(field->value), part;
        while (next_part(&rest, &part)) {
            if (!base64_is_valid(part))
                return false;
        }
    }
    return true;
}

static size_t count_parts(const hpack_field *field)
{
    if (is_reserved(field->token, field->name))
        return 0;
    size_t count = 1;
    if (is_binary(field->name)) {
        for (size_t i = 0; i < field->value.size; i++)
            count += field->value.data[i] == ',';
    }
    return count;
}

/* Writes the headers of one field. false: no memory. */
static bool read_field(const hpack_field *field, proa_arena *arena, proa_header *out, size_t *count)
{
    proa_bytes name = proa_arena_copy(arena, field->name);
    if (!name.data)
        return false;
    if (!is_binary(name)) {
        out[(*count)++] = (proa_header){ name, proa_arena_copy(arena, present(field->value)) };
        return out[*count - 1].value.data != NULL;
    }
    proa_bytes rest = present(field->value), part;
    while (next_part(&rest, &part)) {
        char *raw = arena_raw(arena, base64_decoded_size_max(part.size) + 1);
        size_t size = 0;
        if (!raw)
            return false;
        if (base64_decode(part, raw, &size)) /* it does: metadata_is_sound came first */
            out[(*count)++] = (proa_header){ name, { raw, size } };
    }
    return true;
}

proa_headers metadata_read(const hpack_block *block, proa_arena *arena)
{
    static const proa_header none[1];
    size_t count = 0;
    for (uint32_t i = 0; i < block->count; i++)
        count += count_parts(&block->fields[i]);
    if (count == 0)
        return (proa_headers){ none, 0 };
    proa_header *out = arena_raw(arena, count * sizeof *out);
    if (!out)
        return (proa_headers){ NULL, 0 };
    count = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        if (!is_reserved(block->fields[i].token, block->fields[i].name) &&
            !read_field(&block->fields[i], arena, out, &count))
            return (proa_headers){ NULL, 0 };
    }
    return (proa_headers){ out, count };
}

/* ---- To the wire */

/* Header-Name: 1*( %x30-39 / %x61-7A / "_" / "-" / "." ) */
static bool is_name(proa_bytes name)
{
    static const uint32_t sets[8] = { 0, 0x03ff6000, 0x80000000, 0x07fffffe };
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!(sets[(uint8_t)c >> 5] >> (c & 31) & 1))
            return false;
    }
    return name.size > 0;
}

/* ASCII-Value: %x20-7E, and spaces at either end may be stripped; HTTP forbids them (RFC 9113 8.2.1). */
static bool is_text(proa_bytes value)
{
    bool is_bad = false; /* no early end: a compiler looks at many bytes at once */
    for (size_t i = 0; i < value.size; i++)
        is_bad |= (uint8_t)(value.data[i] - 0x20) > 0x7e - 0x20;
    return !is_bad;
}

proa_bytes metadata_strip(proa_bytes value)
{
    while (value.size && value.data[0] == ' ')
        value.data++, value.size--;
    while (value.size && value.data[value.size - 1] == ' ')
        value.size--;
    return value;
}

proa_err metadata_validate(proa_headers headers)
{
    for (size_t i = 0; i < headers.count; i++) {
        proa_bytes name = headers.data[i].name;
        if (!is_name(name) || is_reserved(hpack_name_of(name), name))
            return PROA_ERR_MALFORMED;
        if (!is_binary(name) && !is_text(headers.data[i].value))
            return PROA_ERR_MALFORMED;
    }
    return PROA_ERR_NONE;
}

proa_err rpc_headers_check(proa_headers headers)
{
    return metadata_validate(headers);
}

size_t metadata_text_size(proa_headers headers)
{
    size_t size = 0;
    for (size_t i = 0; i < headers.count; i++) {
        if (is_binary(headers.data[i].name))
            size += base64_encoded_size(headers.data[i].value.size);
    }
    return size;
}

/* Secrets stay out of tables that another hop may share (RFC 7541 7.1.3). */
static bool is_secret(hpack_name token)
{
    return token == HPACK_NAME_AUTHORIZATION || token == HPACK_NAME_PROXY_AUTHORIZATION || token == HPACK_NAME_COOKIE ||
           token == HPACK_NAME_SET_COOKIE;
}

void metadata_write(proa_headers headers, fields *out)
{
    for (size_t i = 0; i < headers.count; i++) {
        hpack_field field = { headers.data[i].name, present(headers.data[i].value), 0, false };
        hpack_name token = hpack_name_of(field.name);
        if (token == HPACK_NAME_USER_AGENT)
            continue;
        field.token = (uint8_t)token;
        field.is_never_indexed = is_secret(token);
        if (is_binary(field.name)) {
            size_t size = base64_encoded_size(field.value.size);
            char *text = fields_room(out, size);
            base64_encode(field.value, text);
            field.value = (proa_bytes){ text ? text : "", size };
        } else {
            field.value = metadata_strip(field.value);
        }
        fields_add_named(out, field);
    }
}
