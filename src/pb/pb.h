/* SPDX-License-Identifier: Apache-2.0 */
/* pb: protobuf, binary: bytes to messages and back.
 *
 * Owns: reading and writing of wire bytes, unknown fields, maps, checks of UTF-8, of depth and of required fields; what
 * generated code calls (proa/codec.h) and what works on any table (proa/message.h).
 * Never does: I/O, threads, gRPC framing. A message of a peer can fail, never more than that.
 * Used by: call, plugin, cli; generated code. */
#ifndef PB_PB_H
#define PB_PB_H
#include "base/hold.h"
#include "proa/codec.h"

#define PB_HEAD_ROOM 32   /* bytes that may be written before what pb_encode_scratch gives out: the gRPC prefix, a frame header */

/* Where messages are encoded, one after the other. {0} is an empty one. Its block may be taken away as a slice. */
typedef struct pb_scratch {
    hold *block;          /* owned, or NULL: the next encode makes one */
    size_t capacity;      /* of the block */
    proa_error error;     /* what the last failure was, with the name of the field */
} pb_scratch;

void pb_scratch_fini(pb_scratch *scratch);

/* out lies in the scratch's block with PB_HEAD_ROOM writable bytes before it, and is borrowed until the next encode.
 * To keep it, take the block: slice_of(scratch->block, ...), then scratch->block = NULL. NOMEM, LIMIT, REQUIRED. */
PROA_CHECK proa_err pb_encode_scratch(const proa_type *type, const void *message, pb_scratch *scratch, proa_bytes *out);

/* Into message, type->size zeroed bytes of the caller. It aliases wire, which has HOLD_SLOP readable bytes behind its end,
 * and lives as long as wire and the arena. On failure what message points to is rubbish. error may be NULL. */
PROA_CHECK proa_err pb_decode_slice(const proa_type *type, proa_bytes wire, proa_arena *arena, void *message, proa_error *error);
#endif
