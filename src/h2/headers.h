/* SPDX-License-Identifier: Apache-2.0 */
/* What a header list may say (RFC 9113 8.2, 8.3). Pure; the answer is worked out once for a block and kept in its
 * verdict, so that a repeated block costs nothing. */
#ifndef H2_HEADERS_H
#define H2_HEADERS_H
#include "h2/h2.h"

enum {                                     /* what block->verdict tells beside the two answers */
    HEADERS_HAS_LENGTH = 1 << 16,          /* content-length */
    HEADERS_IS_INFORMATIONAL = 1 << 17,    /* :status 1xx */
    HEADERS_IS_BODILESS = 1 << 18          /* :status 204, 304 */
};

/* Reason why the list is malformed (RFC 9113 8.1.1), static, or NULL. kind is REQUEST, RESPONSE (1xx too) or TRAILERS; a
 * connection asks only for one of the first two. */
const char *headers_check_slow(hpack_block *block, h2_headers_kind kind);
static inline const char *headers_check(hpack_block *block, h2_headers_kind kind)
{
    unsigned known = kind == H2_HEADERS_TRAILERS ? block->verdict >> 8 & 0xff : block->verdict & 0xff;
    return known == 1 ? NULL : headers_check_slow(block, kind);
}
uint64_t headers_content_length(const hpack_block *block);   /* when HEADERS_HAS_LENGTH */
/* The same rules for what we send ourselves are the business of the layer above; this only tells HEAD (RFC 9110 9.3.2). */
bool headers_is_head(const hpack_field *fields, size_t count);
/* Informational headers leave the response to come. */
bool headers_is_informational_slow(const hpack_field *fields, size_t count);
static inline bool headers_is_informational(const hpack_field *fields, size_t count)
{
    if (count && fields[0].token == HPACK_NAME_STATUS && fields[0].value.size == 3)
        return fields[0].value.data[0] == '1';
    return headers_is_informational_slow(fields, count);
}
#endif
