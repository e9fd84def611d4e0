/* SPDX-License-Identifier: Apache-2.0 */
/* What the rooms of pb share: the library's half of a decoder, reading near and far from the end, keeping and failing.
 *
 * The contract of proa/codec.h: a primitive takes a position p <= end and gives one in (p, end], or NULL after wire_fail. */
#ifndef PB_WIRE_H
#define PB_WIRE_H
#include "base/base.h"
#include "pb/pb.h"

#if defined(__GNUC__)
#define WIRE_COLD __attribute__((noinline, cold))
#else
#define WIRE_COLD
#endif

typedef struct wire_decoder {
    proa_decoder head;       /* first: generated code sees only this */
    const char *begin;
    proa_err code;           /* the first failure: where, and what in words */
    const char *at, *what;
    uint32_t group_number;   /* the group that is open, 0: none, and at which depth its fields lie */
    int group_depth;
} wire_decoder;

static inline wire_decoder *wire_of(proa_decoder *d) { return (wire_decoder *)(void *)d; }

/* has_slop: HOLD_SLOP bytes behind wire can be read. */
void wire_init(wire_decoder *d, proa_bytes wire, bool has_slop, proa_arena *arena);
const char *wire_fail(proa_decoder *d, proa_err code, const char *at, const char *what);   /* NULL; the first failure stays */
const char *wire_skip(proa_decoder *d, const char *p, const char *end, uint32_t tag);      /* the value behind a tag */
void *wire_alloc(proa_decoder *d, size_t size, const char *at);   /* 8-aligned, not zeroed, counted; NULL after wire_fail */
bool wire_is_next_(const char *p, const char *end, uint32_t tag);
size_t wire_put_varint(char *p, uint64_t value);                  /* forward; its size, at most 10 */

/* Raw bytes at the end of the unknown fields: a view of the input, or memory of the arena. */
bool wire_keep(proa_decoder *d, proa_unknown **unknown, const char *begin, const char *end);

struct proa_unknown {
    proa_bytes bytes;        /* whole fields, as they came */
    proa_unknown *next;
    proa_unknown *last;      /* of the first one alone */
};

/* The generic form of all lists and maps. Copied in and out: a list of int32_t is no list_any to the compiler. */
typedef struct wire_list { char *data; size_t count; } wire_list;

/* What lies before the elements of every list that a decoder made. */
typedef struct wire_list_head {
    size_t capacity;
    struct wire_index *index;   /* of a large map */
} wire_list_head;
_Static_assert(sizeof(wire_list_head) % 8 == 0, "elements are 8-aligned");

static inline wire_list_head *wire_list_head_of(const wire_list *list)
{ return (wire_list_head *)(void *)(list->data - sizeof(wire_list_head)); }

/* Room for more elements of size bytes behind count. False after wire_fail. */
bool wire_reserve(proa_decoder *d, wire_list *list, size_t more, size_t size, const char *at);
/* How many length-delimited elements follow each other; p is behind the tag of the first. */
size_t wire_count_run(const char *p, const char *end, uint32_t tag);

/* One value that is no message and no group, into its place. */
const char *wire_get_value(proa_decoder *d, const char *p, const char *end, proa_kind kind, void *out);
char *wire_put_value(proa_encoder *e, char *p, uint32_t tag, proa_kind kind, const void *value);
size_t wire_kind_size(proa_kind kind);            /* in a struct or a list */
uint32_t wire_kind_type(proa_kind kind);          /* the wire type, unpacked */

#define WIRE_TAG(number, type) ((uint32_t)(number) << 3 | (type))

/* Names what is missing, as "sample2.Legacy.Part.name". False: type and field are set. depth: levels that may be entered;
 * field stays NULL when there are more. */
typedef struct wire_missing { const proa_type *type; const proa_field *field; } wire_missing;
bool wire_is_complete(const proa_type *type, const void *message, int depth, wire_missing *missing);

/* The number of the oneof member that is set. */
static inline uint32_t wire_which(const void *message, const proa_field *field)
{
    int32_t which;
    memcpy(&which, (const char *)message + field->presence, sizeof which);
    return (uint32_t)which;
}

static inline const void *wire_pointer(const void *place)
{
    const void *pointer;
    memcpy(&pointer, place, sizeof pointer);
    return pointer;
}

/* Does this tag come next, in its shortest form? As proa_is_next_, but of any size and not constant. */
static inline bool wire_is_next(const char *p, const char *end, uint32_t tag)
{
    return tag < 0x80 ? p < end && (unsigned char)*p == tag : wire_is_next_(p, end, tag);
}

static inline uint64_t wire_load64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return PROA_SWAP64_(v);
}

#define WIRE_TOPS UINT64_C(0x8080808080808080)

/* A varint of any length while 16 bytes can be read. Eight bytes at once: find the one that ends it, drop the rest and
 * the top bits, push the groups of seven together. */
static inline proa_varint wire_varint_wide(const char *p)
{
    uint64_t x = wire_load64(p);
    uint64_t stop = ~x & WIRE_TOPS;
    int size = stop ? __builtin_ctzll(stop) / 8 + 1 : 8;
    x &= (stop ^ (stop - 1)) & ~WIRE_TOPS;
    x = (x & UINT64_C(0x007f007f007f007f)) | (x & UINT64_C(0x7f007f007f007f00)) >> 1;
    x = (x & UINT64_C(0x00003fff00003fff)) | (x & UINT64_C(0x3fff00003fff0000)) >> 2;
    x = (x & UINT64_C(0x000000000fffffff)) | (x & UINT64_C(0x0fffffff00000000)) >> 4;
    if (PROA_LIKELY_(stop))
        return (proa_varint){ p + size, x };
    x |= (uint64_t)(p[8] & 0x7f) << 56;
    if ((signed char)p[8] >= 0)
        return (proa_varint){ p + 9, x };
    return (proa_varint){ (signed char)p[9] >= 0 ? p + 10 : NULL, x | (uint64_t)(unsigned char)p[9] << 63 };
}
#endif
