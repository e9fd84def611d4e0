/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "suite.h"

enum { FRAME_BYTES_MAX = 16 * 1024 * 1024 }; /* what the suite itself takes */

bool suite_read(FILE *in, proa_arena *arena, proa_bytes *message)
{
    unsigned char prefix[4];
    size_t got = fread(prefix, 1, sizeof prefix, in);
    if (got == 0)
        return false;
    size_t size = (size_t)prefix[0] << 24 | (size_t)prefix[1] << 16 | (size_t)prefix[2] << 8 | prefix[3];
    if (got != sizeof prefix || size > FRAME_BYTES_MAX) {
        fprintf(stderr, "a frame of %zu bytes of prefix, of %zu bytes\n", got, size);
        return false;
    }
    char *data = proa_arena_alloc(arena, size ? size : 1);
    if (!data || fread(data, 1, size, in) != size) {
        fprintf(stderr, "a frame of %zu bytes that did not come whole\n", size);
        return false;
    }
    *message = (proa_bytes){ data, size };
    return true;
}

bool suite_write(FILE *out, proa_bytes message)
{
    size_t size = message.size;
    const unsigned char prefix[4] = { (unsigned char)(size >> 24), (unsigned char)(size >> 16),
                                      (unsigned char)(size >> 8), (unsigned char)size };
    return fwrite(prefix, 1, sizeof prefix, out) == sizeof prefix && fwrite(message.data, 1, size, out) == size &&
           fflush(out) == 0;
}

/* ---- Base64, in which the suite writes the values of names that end in "-bin". */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static proa_bytes base64_encode(proa_bytes raw, proa_arena *arena)
{
    char *out = proa_arena_alloc(arena, raw.size / 3 * 4 + 4);
    if (!out)
        return (proa_bytes){ NULL, 0 };
    size_t size = 0;
    unsigned bits = 0;
    int count = 0;
    for (size_t i = 0; i < raw.size; i++) {
        bits = bits << 8 | (unsigned char)raw.data[i];
        for (count += 8; count >= 6; count -= 6)
            out[size++] = alphabet[bits >> (count - 6) & 63];
    }
    if (count)
        out[size++] = alphabet[bits << (6 - count) & 63];
    return (proa_bytes){ out, size };
}

/* What is no base64 is taken as it is. */
static proa_bytes base64_decode(proa_bytes text, proa_arena *arena)
{
    char *out = proa_arena_alloc(arena, text.size + 1);
    size_t size = 0;
    unsigned bits = 0;
    int count = 0;
    for (size_t i = 0; out && i < text.size && text.data[i] != '='; i++) {
        const char *digit = text.data[i] ? strchr(alphabet, text.data[i]) : NULL;
        if (!digit)
            return text;
        bits = bits << 6 | (unsigned)(digit - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[size++] = (char)(bits >> count);
        }
    }
    return (proa_bytes){ out, size };
}

/* ---- Headers */

static bool is_binary(proa_bytes name)
{
    return name.size > 4 && memcmp(name.data + name.size - 4, "-bin", 4) == 0;
}

static bool has_name(suite_Header_list list, proa_bytes name)
{
    for (size_t i = 0; i < list.count; i++)
        if (proa_bytes_is_equal(list.data[i].name, name))
            return true;
    return false;
}

suite_Header_list suite_headers_of(proa_headers metadata, proa_arena *arena)
{
    suite_Header_list list = { proa_arena_alloc(arena, (metadata.count + 1) * sizeof *list.data), 0 };
    proa_bytes *values = proa_arena_alloc(arena, (metadata.count + 1) * sizeof *values);
    for (size_t i = 0; list.data && values && i < metadata.count; i++) {
        const proa_bytes name = metadata.data[i].name;
        if (has_name(list, name))
            continue;
        size_t count = 0;
        for (size_t k = i; k < metadata.count; k++) {
            const proa_bytes value = metadata.data[k].value;
            if (proa_bytes_is_equal(metadata.data[k].name, name))
                values[count++] = is_binary(name) ? base64_encode(value, arena) : value;
        }
        list.data[list.count++] = (suite_Header){ .name = name, .value = { values, count } };
        values += count;
    }
    return list;
}

static proa_bytes lower(proa_bytes name, proa_arena *arena)
{
    char *out = proa_arena_alloc(arena, name.size + 1);
    for (size_t i = 0; out && i < name.size; i++)
        out[i] = (char)(name.data[i] >= 'A' && name.data[i] <= 'Z' ? name.data[i] + 32 : name.data[i]);
    return (proa_bytes){ out, name.size };
}

proa_headers suite_metadata_of(suite_Header_list headers, proa_arena *arena)
{
    size_t count = 0;
    for (size_t i = 0; i < headers.count; i++)
        count += headers.data[i].value.count;
    proa_header *out = proa_arena_alloc(arena, (count + 1) * sizeof *out);
    if (!out)
        return (proa_headers){ NULL, 0 };
    count = 0;
    for (size_t i = 0; i < headers.count; i++) {
        proa_bytes name = lower(headers.data[i].name, arena);
        for (size_t k = 0; name.data && k < headers.data[i].value.count; k++) {
            proa_bytes value = headers.data[i].value.data[k];
            out[count++] = (proa_header){ name, is_binary(name) ? base64_decode(value, arena) : value };
        }
    }
    return (proa_headers){ out, count };
}

/* ---- Errors and Any */

suite_Error *suite_error_of(proa_status status, proa_arena *arena)
{
    suite_Error *error = NULL;
    if (status.details.size)
        error = suite_Error_decode(status.details, arena, NULL);
    if (!error)
        error = proa_arena_alloc(arena, sizeof *error);
    if (error) {
        error->code = (suite_Code)status.code;
        error->message = status.message.data ? status.message : PROA_STR("");
    }
    return error;
}

proa_status suite_status_of(const suite_Error *error, proa_arena *arena)
{
    proa_status status = { .code = (proa_code)error->code, .message = error->message };
    if (error->details.count && suite_Error_encode(error, arena, &status.details) != PROA_ERR_NONE)
        return (proa_status){ .code = PROA_RESOURCE_EXHAUSTED, .message = PROA_STR("no memory for the details") };
    return status;
}

suite_Any suite_any_of(const char *name, const proa_type *type, const void *message, proa_arena *arena)
{
    suite_Any any = { .type_url = proa_arena_format(arena, "type.googleapis.com/connectrpc.conformance.v1.%s", name) };
    if (proa_encode(type, message, arena, &any.value) != PROA_ERR_NONE)
        any.value = (proa_bytes){ NULL, 0 };
    return any;
}
