/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROA_MESSAGE_H
#define PROA_MESSAGE_H
#include "proa/base.h"
PROA_BEGIN
/* Explicit presence is part of the type: assigning a bare value does not compile. Frozen layouts. */
#define PROA_SOME(v) { (v), true }                                /* in an initialiser: .age = PROA_SOME(36) */
#define PROA_SET(field, v) ((void)((field).value = (v), (field).has = true))
#define PROA_LIST(array) { (array), sizeof(array) / sizeof((array)[0]) }  /* in an initialiser: .tags = PROA_LIST(tags) */
#define PROA_DEFINE_(name, T) \
    typedef struct proa_opt_##name { T value; bool has; } proa_opt_##name; \
    typedef struct proa_list_##name { T *data; size_t count; } proa_list_##name;
PROA_DEFINE_(bool, bool) PROA_DEFINE_(i32, int32_t) PROA_DEFINE_(i64, int64_t) PROA_DEFINE_(u32, uint32_t)
PROA_DEFINE_(u64, uint64_t) PROA_DEFINE_(float, float) PROA_DEFINE_(double, double)
typedef struct proa_list_bytes { proa_bytes *data; size_t count; } proa_list_bytes;

typedef struct proa_unknown proa_unknown;   /* unknown fields and extensions of one message */
typedef struct proa_type proa_type;         /* static: the table beside a message type; JSON, text, reflection run on it */
PROA_API PROA_CHECK proa_err proa_encode(const proa_type *, const void *message, proa_arena *, proa_bytes *out);
PROA_API void *proa_decode(const proa_type *, proa_bytes wire, proa_arena *, proa_error *);  /* aliases wire; NULL: see error */
PROA_API void *proa_clone(const proa_type *, const void *message, proa_arena *);
PROA_END
#endif
