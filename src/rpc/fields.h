/* SPDX-License-Identifier: Apache-2.0 */
/* A header list while it is built, and the text that its values point to. One for each endpoint, reused: room is made
 * for the whole list before the first field, so that nothing moves under what points to it. */
#ifndef RPC_FIELDS_H
#define RPC_FIELDS_H
#include "hpack/hpack.h"

typedef struct fields {
    hpack_field *data;
    size_t count, capacity;
    char *text;
    size_t text_size, text_capacity;
} fields;

void fields_fini(fields *fields);
PROA_CHECK proa_err fields_begin(fields *fields, size_t count_max, size_t text_max);   /* empty, with that much room */
void fields_add(fields *fields, hpack_name token, proa_bytes value);   /* value is borrowed until the list was sent */
void fields_add_named(fields *fields, hpack_field field);
char *fields_room(fields *fields, size_t size);                /* for text that a value points to */
#endif
