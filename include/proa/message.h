/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What generated messages are made of, and what works on all of them.
 *
 * A message is a plain struct: `(acme_User){ .name = PROA_STR("Ada"), .age = PROA_SOME(36) }` is one, `{ 0 }` is an
 * empty one. Strings and bytes are views, lists are `{ data, count }`, a submessage is a pointer, a oneof is a `which` and
 * a union, and what a message points to belongs to somebody else: to an arena, to the wire bytes that it was decoded
 * from, or to the stack.
 */
#ifndef PROA_MESSAGE_H
#define PROA_MESSAGE_H
#include "proa/base.h"
PROA_BEGIN

/** A scalar that is present, in an initialiser: `.age = PROA_SOME(36)`. */
#define PROA_SOME(v) { (v), true }
/** Makes a scalar present: `PROA_SET(user->age, 36)`. */
#define PROA_SET(field, v) ((void)((field).value = (v), (field).has = true))
/** The elements of an array as a list, in an initialiser: `.tags = PROA_LIST(tags)`. */
#define PROA_LIST(array) { (array), sizeof(array) / sizeof((array)[0]) }

/** Explicit presence is part of the type, so that a bare value does not compile: proa_opt_i32 { value, has }. And lists:
 * proa_list_i32 { data, count }. Enums and messages have their own, X_opt and X_list, beside them. Frozen layouts. */
#define PROA_DEFINE_(name, T) \
    typedef struct proa_opt_##name { T value; bool has; } proa_opt_##name; \
    typedef struct proa_list_##name { T *data; size_t count; } proa_list_##name;
/** @cond */
PROA_DEFINE_(bool, bool) PROA_DEFINE_(i32, int32_t) PROA_DEFINE_(i64, int64_t) PROA_DEFINE_(u32, uint32_t)
PROA_DEFINE_(u64, uint64_t) PROA_DEFINE_(float, float) PROA_DEFINE_(double, double)
/** @endcond */

/** Strings, or bytes. Presence of a single one is `data != NULL`. Frozen layout. */
typedef struct proa_list_bytes {
    proa_bytes *data; /**< the elements */
    size_t count;     /**< how many */
} proa_list_bytes;

/** Fields that the contract of a message does not have, kept in their order and written back by encode. The first member
 * of every message; NULL: none. */
typedef struct proa_unknown proa_unknown;

/** The table beside a message type, X_type: fields, names, numbers, offsets, codec. *static*. */
typedef struct proa_type proa_type;

/** The wire bytes of a message, in the arena; X_encode is this with its type. Fields come in the order of their numbers,
 * then the unknown ones; entries of a map in the order of the array. @p out is untouched on failure.
 *
 * PROA_ERR_REQUIRED: a required field (proto2) is not set. PROA_ERR_LIMIT: over 100 levels of messages, as in one that
 * contains itself, or over 2 GiB. PROA_ERR_NOMEM: no memory, or the arena ran out before, so that the message may lack
 * something. Any thread, one at a time for each arena. */
PROA_API PROA_CHECK proa_err proa_encode(const proa_type *type, const void *message, proa_arena *arena, proa_bytes *out);

/** A message from its wire bytes; X_decode is this with its type. *borrowed (until @p arena or @p wire goes)*: strings
 * and bytes are views of @p wire. Nothing is read outside of @p wire.
 *
 * NULL: @p error, which may be NULL, has the code, the offset of the byte, and a text that names message, field and
 * reason. PROA_ERR_MALFORMED: it is not such a message, or a string is not UTF-8. PROA_ERR_REQUIRED. PROA_ERR_LIMIT: over
 * 100 levels, or over 16 bytes of memory for each byte of @p wire and 1 MiB. PROA_ERR_NOMEM. Thread: as proa_encode. */
PROA_API void *proa_decode(const proa_type *type, proa_bytes wire, proa_arena *arena, proa_error *error);

/** A deep copy: nothing of it points out of the arena. NULL: no memory, or over 100 levels of messages. *borrowed (until
 * the arena goes)*. Thread: as proa_encode. */
PROA_API void *proa_clone(const proa_type *type, const void *message, proa_arena *arena);

PROA_END
#endif
