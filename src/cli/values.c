/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/values.h"
#include <string.h>

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool values_read_hex(const char *text, proa_arena *arena, proa_bytes *out)
{
    size_t size = strlen(text) / 2;
    char *bytes = proa_arena_alloc(arena, size + 1);
    for (size_t i = 0; bytes && i < size; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high << 4 | low);
    }
    *out = (proa_bytes){ bytes, size };
    return bytes && strlen(text) % 2 == 0;
}

const char *values_add_header(values_headers *headers, const char *text, proa_arena *arena)
{
    const char *colon = strchr(text, ':');
    if (!colon || colon == text)
        return "a header is NAME:VALUE";
    if (headers->count == VALUES_HEADERS_MAX)
        return "too many headers";
    proa_bytes name = { text, (size_t)(colon - text) };
    proa_bytes value = proa_bytes_of(colon + 1 + strspn(colon + 1, " "));
    bool is_binary = name.size > 4 && memcmp(name.data + name.size - 4, "-bin", 4) == 0;
    if (is_binary && !values_read_hex(value.data, arena, &value))
        return "the value of a name that ends in -bin is hex";
    headers->list[headers->count++] = (proa_header){ name, value };
    return NULL;
}
