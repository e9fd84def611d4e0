/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a message is this byte? Walked again after a failure, so that decoders carry no names. */
#ifndef PB_LOCATE_H
#define PB_LOCATE_H
#include "proa/codec.h"

typedef struct locate_place { const proa_type *type; const proa_field *field; } locate_place;

/* The innermost message that holds the byte at, and its field; field is NULL when it has none there. */
locate_place locate(const proa_type *type, proa_bytes wire, const char *at);
const proa_field *locate_field(const proa_type *type, uint32_t number);   /* by number; NULL: none */
#endif
