/* SPDX-License-Identifier: Apache-2.0 */
/* Values that options of several commands have. */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H
#include "proa/call.h"

enum { VALUES_HEADERS_MAX = 64 };
typedef struct values_headers { proa_header list[VALUES_HEADERS_MAX]; size_t count; } values_headers;
/* "NAME:VALUE", the value of a name that ends in -bin as hex. NULL, or what is wrong with the text. The text is borrowed. */
const char *values_add_header(values_headers *headers, const char *text, proa_arena *arena);
/* False: not two hex digits a byte, or no memory. */
bool values_read_hex(const char *text, proa_arena *arena, proa_bytes *out);
#endif
