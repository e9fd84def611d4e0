/* SPDX-License-Identifier: Apache-2.0 */
/* Custom metadata: what is one, what may be sent, and -bin values, which are base64 on the wire (PROTOCOL-HTTP2.md). */
#ifndef RPC_METADATA_H
#define RPC_METADATA_H
#include "rpc/fields.h"
#include "rpc/rpc.h"

/* ---- From the wire */
/* Every custom -bin value decodes. Else the stream, and no more than that, is in error (CVE-2023-32732). */
bool metadata_is_sound(const hpack_block *block);
/* Without reserved names, -bin decoded after splitting at commas; all of it in arena. data is NULL when memory ran out,
 * and never otherwise. */
proa_headers metadata_read(const hpack_block *block, proa_arena *arena);

/* ---- To the wire */
/* MALFORMED: a name that HTTP or gRPC does not allow, or reserves; a value that is no visible ASCII. user-agent is taken
 * apart: the caller joins it with ours. */
PROA_CHECK proa_err metadata_validate(proa_headers headers);
proa_bytes metadata_strip(proa_bytes value);      /* without spaces at its ends, which HTTP forbids */
size_t metadata_text_size(proa_headers headers);  /* what metadata_write needs of fields_begin; and headers.count fields */
void metadata_write(proa_headers headers, fields *out);   /* of what was validated; without user-agent */
#endif
