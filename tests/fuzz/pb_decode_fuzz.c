/* SPDX-License-Identifier: Apache-2.0 */
/* Arbitrary bytes as a message, by both samples of src/pb: what decodes must encode, decode again and encode to the same
 * bytes, as must its clone; near its end a decoder reads the same as where more bytes can be read; memory is bounded.
 * The first byte chooses the message. */
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "pb/pb.h"
#include "pb/sample3_header.inc"
#include "pb/sample2_header.inc"
#include "pb/sample3_source.inc"
#include "pb/sample2_source.inc"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static proa_bytes encode(const proa_type *type, const void *message, proa_arena *arena)
{
    proa_bytes wire = { NULL, 0 };
    proa_err code = proa_encode(type, message, arena, &wire);
    PROA_ASSERT(code == PROA_ERR_NONE, "what decoded encodes");
    return wire;
}

static void check(const proa_type *type, proa_bytes wire, proa_arena *arena, proa_arena *other)
{
    size_t before = arena_size(arena);
    proa_error error = { .code = PROA_ERR_NONE }, slack_error = { .code = PROA_ERR_NONE };
    void *message = proa_decode(type, wire, arena, &error);
    PROA_ASSERT(arena_size(arena) - before <= 4 * (1024 * 1024 + 16 * wire.size), "memory is bounded");

    char *wide = malloc(wire.size + HOLD_SLOP);
    PROA_ASSERT(wide, "memory");
    bytes_copy(wide, wire.data, wire.size);
    memset(wide + wire.size, 0x80, HOLD_SLOP);
    void *slack = proa_arena_alloc(other, type->size);
    proa_err code = pb_decode_slice(type, (proa_bytes){ wide, wire.size }, other, slack, &slack_error);
    PROA_ASSERT((message != NULL) == (code == PROA_ERR_NONE), "slop changes nothing");
    PROA_ASSERT(message || strcmp(error.text, slack_error.text) == 0, "slop changes no error");
    if (message) {
        proa_bytes first = encode(type, message, arena);
        PROA_ASSERT(proa_bytes_is_equal(first, encode(type, slack, other)), "slop changes no message");
        void *again = proa_decode(type, first, arena, &error);
        PROA_ASSERT(again, "what was encoded decodes");
        PROA_ASSERT(proa_bytes_is_equal(first, encode(type, again, arena)), "encoding is stable");
        void *clone = proa_clone(type, message, other);
        PROA_ASSERT(clone, "what decoded can be cloned");
        PROA_ASSERT(proa_bytes_is_equal(first, encode(type, clone, other)), "a clone is equal");
    }
    free(wide);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    proa_arena *arena = proa_arena_new(0), *other = proa_arena_new(64);
    PROA_ASSERT(arena && other, "memory");
    const proa_type *type = data[0] & 1 ? &sample2_Legacy_type : &sample3_Node_type;
    check(type, (proa_bytes){ (const char *)data + 1, size - 1 }, arena, other);
    proa_arena_free(arena);
    proa_arena_free(other);
    return 0;
}
