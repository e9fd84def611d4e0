/* SPDX-License-Identifier: Apache-2.0 */
/* The contract between generated .proa.c files and the library. Not for people: nothing here is called by hand.
 *
 * Owns: the tables beside each message, enum, file, service and method (table version 1), and the inline primitives that
 * generated decoders and encoders are made of. What is hot is inline here; what is rare or long is one call away.
 * Layouts are frozen: members are appended, the version grows, and a file that needs a newer library fails to link,
 * since every generated file refers to proa_gen_v1. A table belongs to the program that contains it. */
#ifndef PROA_CODEC_H
#define PROA_CODEC_H
#include <string.h>
#include "proa/gen.h"
PROA_BEGIN
#if defined(__GNUC__)
#define PROA_LIKELY_(x) __builtin_expect(!!(x), 1)
#else
#define PROA_LIKELY_(x) (x)
#endif
PROA_API extern const char proa_gen_v1;      /* what ties a generated file to a library that understands it */

/* ---- Tables ------------------------------------------------------------------------------------------------------- */

typedef struct proa_field proa_field;
typedef struct proa_enum_type proa_enum_type;
typedef struct proa_file proa_file;
typedef struct proa_decoder proa_decoder;
typedef struct proa_encoder proa_encoder;

/* What a value is; the numbers are those of google.protobuf.FieldDescriptorProto.Type. GROUP: a message in group encoding. */
typedef enum proa_kind {
    PROA_KIND_DOUBLE = 1, PROA_KIND_FLOAT, PROA_KIND_INT64, PROA_KIND_UINT64, PROA_KIND_INT32, PROA_KIND_FIXED64,
    PROA_KIND_FIXED32, PROA_KIND_BOOL, PROA_KIND_STRING, PROA_KIND_GROUP, PROA_KIND_MESSAGE, PROA_KIND_BYTES,
    PROA_KIND_UINT32, PROA_KIND_ENUM, PROA_KIND_SFIXED32, PROA_KIND_SFIXED64, PROA_KIND_SINT32, PROA_KIND_SINT64
} proa_kind;

/* How a field lies in its struct and when it is present. */
typedef enum proa_shape {
    PROA_SHAPE_IMPLICIT,     /* the plain value; present unless zero (floats: unless all bits are zero) */
    PROA_SHAPE_EXPLICIT,     /* scalar: presence is the offset of `has`; string, bytes: data != NULL; message: pointer != NULL */
    PROA_SHAPE_REQUIRED,     /* lies as EXPLICIT does; missing is an error on both ways */
    PROA_SHAPE_ONEOF,        /* the plain value (message: a pointer); present while `which`, at presence, is its number */
    PROA_SHAPE_LIST,         /* { T *data; size_t count; }; messages lie in the array themselves */
    PROA_SHAPE_MAP,          /* { entry *data; size_t count; }; type is the entry's table */
    PROA_SHAPE_INLINE        /* value of a map entry that is a message: the struct itself, always present */
} proa_shape;

enum {                       /* proa_field.flags */
    PROA_FIELD_PACKED = 1,   /* a list that is written packed; both forms are read */
    PROA_FIELD_UTF8 = 2,     /* a string whose bytes are verified */
    PROA_FIELD_DEFAULT = 4   /* default_value holds something other than zero */
};

typedef union proa_value {   /* by kind: i for ENUM and all signed, u for all unsigned */
    int64_t i;
    uint64_t u;
    double d;
    float f;
    bool b;
    proa_bytes bytes;
} proa_value;

struct proa_field {
    uint32_t number;
    uint32_t offset;                    /* of the value: offsetof(T, x), offsetof(T, x.value) for proa_opt_*, offsetof(T, one.x) */
    uint32_t presence;                  /* offset of `has` or `which`; 0: none */
    uint32_t size;                      /* sizeof one value as it lies there; LIST, MAP: of one element */
    uint8_t kind, shape, flags;
    uint8_t reserved_;
    uint32_t oneof;                     /* index in oneofs + 1; 0: none */
    const char *name, *json_name;
    const proa_type *type;              /* MESSAGE, GROUP, MAP */
    const proa_enum_type *enum_type;    /* ENUM */
    proa_value default_value;
    const void *reserved[2];
};

typedef struct proa_oneof { const char *name; uint32_t which; /* its offset */ } proa_oneof;

enum {                                  /* proa_type.flags */
    PROA_TYPE_MAP_ENTRY = 1,            /* fields are key and value; decode and encode are NULL */
    PROA_TYPE_MESSAGE_SET = 2,          /* reserved */
    PROA_TYPE_REQUIRED = 4              /* a field of it is required (those of its messages do not count) */
};

struct proa_type {
    uint32_t version;                   /* PROA_GEN_VERSION */
    uint32_t size;                      /* sizeof the struct */
    const char *name;                   /* full: "telemetry.Facts" */
    const proa_field *fields;           /* by number */
    const proa_oneof *oneofs;
    const uint32_t *checks;             /* indexes of fields: required ones, and messages in which (at any depth) one may miss */
    uint32_t field_count, oneof_count, check_count, flags;
    const char *(*decode)(proa_decoder *d, const char *p, const char *end, void *message);
    char *(*encode)(proa_encoder *e, char *p, const void *message);
    const proa_file *file;
    const void *json, *text, *extensions;   /* reserved: NULL */
    const void *reserved[3];
};

typedef struct proa_enum_value { const char *name; int32_t number; } proa_enum_value;
struct proa_enum_type {
    uint32_t version;
    uint32_t is_closed;                 /* values that it does not name become unknown fields */
    const char *name;                   /* full */
    const proa_enum_value *values;      /* by number; aliases in the order of the contract */
    uint32_t value_count, flags;
    const proa_file *file;
    const void *reserved[2];
};

struct proa_file {
    uint32_t version;
    uint32_t import_count;
    const char *handshake;              /* &proa_gen_v1 */
    const char *name;                   /* "telemetry/host.proto" */
    proa_bytes descriptor;              /* the serialised google.protobuf.FileDescriptorProto */
    const proa_file *const *imports;
    const proa_type *const *types;      /* all messages, nested ones and map entries too, in the order of the file */
    const proa_enum_type *const *enums;
    const proa_service *const *services;
    uint32_t type_count, enum_count, service_count, flags;
    const void *reserved[4];
};

/* proa_method and proa_service are in proa/gen.h. */

/* ---- Decoding. A decoder function takes the position and gives back the next one, or NULL when the message is broken. */

#define PROA_TRY(next) do { if (!(p = (next))) return NULL; } while (0)

typedef struct proa_arena_head { char *begin, *end; } proa_arena_head;   /* the first bytes of every arena; begin is 8-aligned */

struct proa_decoder {                   /* made by the library alone: members are appended */
    const char *safe;                   /* 16 bytes can be read at every position below it */
    proa_arena_head *arena;
    size_t budget;                      /* bytes that this message may still take from the arena */
    int depth;                          /* levels that may still be entered */
    uint32_t seen;                      /* flags of all types that were entered */
};

typedef struct proa_varint { const char *p; uint64_t value; } proa_varint;   /* comes back in two registers; p == NULL: broken */

PROA_API proa_varint proa_get_varint_(proa_decoder *d, const char *p, const char *end);
PROA_API proa_varint proa_get_tag_(proa_decoder *d, const char *p, const char *end);
PROA_API proa_varint proa_get_size_(proa_decoder *d, const char *p, const char *end);
PROA_API bool proa_is_utf8_(proa_decoder *d, const char *data, size_t size);
PROA_API void *proa_new_(proa_decoder *d, size_t size);
PROA_API const char *proa_fail_depth_(proa_decoder *d, const char *p);
PROA_API const char *proa_fail_end_(proa_decoder *d, const char *p);

static inline proa_varint proa_get_varint(proa_decoder *d, const char *p, const char *end)
{
    if (PROA_LIKELY_(p < end && (signed char)*p >= 0)) {
        proa_varint v = { p + 1, (unsigned char)*p };
        return v;
    }
    return proa_get_varint_(d, p, end);
}

/* Length of what follows; never more than there is. */
static inline proa_varint proa_get_size(proa_decoder *d, const char *p, const char *end)
{
    if (PROA_LIKELY_(p < end && (signed char)*p >= 0 && (unsigned char)*p < end - p)) {
        proa_varint v = { p + 1, (unsigned char)*p };
        return v;
    }
    return proa_get_size_(d, p, end);
}

/* Two bytes are enough for the fields up to 2047. p < end. */
static inline const char *proa_get_tag(proa_decoder *d, const char *p, const char *end, uint32_t *tag)
{
    unsigned char first = (unsigned char)p[0];
    if (PROA_LIKELY_(first < 0x80)) {
        *tag = first;
        return p + 1;
    }
    if (PROA_LIKELY_(end - p > 1 && (signed char)p[1] >= 0)) {
        *tag = (uint32_t)(first & 0x7f) | (uint32_t)(unsigned char)p[1] << 7;
        return p + 2;
    }
    proa_varint v = proa_get_tag_(d, p, end);
    *tag = (uint32_t)v.value;
    return v.p;
}

#define PROA_TAG_SIZE_(tag) ((tag) < 0x80u ? 1 : (tag) < 0x4000u ? 2 : (tag) < 0x200000u ? 3 : (tag) < 0x10000000u ? 4 : 5)

/* Does this constant tag come next? Above field 2047 the answer is no, and the switch finds it. */
static inline bool proa_is_next_(const char *p, const char *end, uint32_t tag)
{
    if (tag < 0x80)
        return p < end && (unsigned char)*p == tag;
    if (tag < 0x4000)
        return end - p > 1 && (unsigned char)p[0] == (tag & 0x7f) + 0x80 && (unsigned char)p[1] == tag >> 7;
    return false;
}

/* Fields mostly come in the order of their numbers: peek at the likely next tag before the switch. */
#define PROA_NEXT(tag, label) do { \
        if (proa_is_next_(p, end, (tag))) { \
            p += PROA_TAG_SIZE_(tag); \
            goto label; \
        } \
    } while (0)

#define PROA_IS_END(tag) (((tag) & 7) == 4)                       /* END_GROUP */
PROA_API const char *proa_get_end(proa_decoder *d, const char *p, uint32_t tag);
/* A field that the message does not know, from its tag at field to behind it: kept. p is behind the tag. */
PROA_API const char *proa_get_unknown(proa_decoder *d, const char *field, const char *p, const char *end, uint32_t tag,
                                      proa_unknown **unknown);

#define PROA_GET_VARINT_(name, T, expression) \
    static inline const char *proa_get_##name(proa_decoder *d, const char *p, const char *end, T *out) \
    { \
        proa_varint v = proa_get_varint(d, p, end); \
        *out = (T)(expression); \
        return v.p; \
    }
PROA_GET_VARINT_(int32, int32_t, v.value)
PROA_GET_VARINT_(int64, int64_t, v.value)
PROA_GET_VARINT_(uint32, uint32_t, v.value)
PROA_GET_VARINT_(uint64, uint64_t, v.value)
PROA_GET_VARINT_(sint32, int32_t, (uint32_t)v.value >> 1 ^ (0u - ((uint32_t)v.value & 1)))
PROA_GET_VARINT_(sint64, int64_t, v.value >> 1 ^ (UINT64_C(0) - (v.value & 1)))
PROA_GET_VARINT_(bool, bool, v.value != 0)
#undef PROA_GET_VARINT_

/* Of an open enum. out is the enum: an int32_t, made so by its sentinels. */
static inline const char *proa_get_enum(proa_decoder *d, const char *p, const char *end, void *out)
{
    proa_varint v = proa_get_varint(d, p, end);
    int32_t number = (int32_t)v.value;
    memcpy(out, &number, sizeof number);
    return v.p;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PROA_SWAP32_(v) __builtin_bswap32(v)
#define PROA_SWAP64_(v) __builtin_bswap64(v)
#else
#define PROA_SWAP32_(v) (v)
#define PROA_SWAP64_(v) (v)
#endif
#define PROA_GET_FIXED_(name, T, bits) \
    static inline const char *proa_get_##name(proa_decoder *d, const char *p, const char *end, T *out) \
    { \
        if (end - p < bits / 8) \
            return proa_fail_end_(d, p); \
        uint##bits##_t v; \
        memcpy(&v, p, sizeof v); \
        v = PROA_SWAP##bits##_(v); \
        memcpy(out, &v, sizeof v); \
        return p + bits / 8; \
    }
PROA_GET_FIXED_(fixed32, uint32_t, 32)
PROA_GET_FIXED_(sfixed32, int32_t, 32)
PROA_GET_FIXED_(float, float, 32)
PROA_GET_FIXED_(fixed64, uint64_t, 64)
PROA_GET_FIXED_(sfixed64, int64_t, 64)
PROA_GET_FIXED_(double, double, 64)
#undef PROA_GET_FIXED_

/* Aliases the input. string is verified, bytes is not. */
static inline const char *proa_get_bytes(proa_decoder *d, const char *p, const char *end, proa_bytes *out)
{
    proa_varint v = proa_get_size(d, p, end);
    if (!v.p)
        return NULL;
    out->data = v.p;
    out->size = (size_t)v.value;
    return v.p + v.value;
}

static inline const char *proa_get_string(proa_decoder *d, const char *p, const char *end, proa_bytes *out)
{
    p = proa_get_bytes(d, p, end, out);
    return p && proa_is_utf8_(d, out->data, out->size) ? p : NULL;
}

/* Zeroed memory for one submessage. */
static inline void *proa_new(proa_decoder *d, size_t size)
{
    size_t rounded = (size + 7) & ~(size_t)7;
    char *begin = d->arena->begin;
    if (!PROA_LIKELY_((size_t)(d->arena->end - begin) >= rounded && d->budget >= rounded))
        return proa_new_(d, size);
    d->arena->begin = begin + rounded;
    d->budget -= rounded;
    return memset(begin, 0, size);
}

#define PROA_NEW(pointer, T) do { \
        if (!(pointer) && !((pointer) = (T *)proa_new(d, sizeof(T)))) \
            return NULL; \
    } while (0)

/* Into message, which may hold something already: merges. */
static inline const char *proa_get_message(proa_decoder *d, const char *p, const char *end, const proa_type *type, void *message)
{
    proa_varint v = proa_get_size(d, p, end);
    if (!v.p)
        return NULL;
    if (--d->depth < 0)
        return proa_fail_depth_(d, p);
    d->seen |= type->flags;
    end = v.p + v.value;
    p = type->decode(d, v.p, end, message);
    d->depth++;
    return PROA_LIKELY_(p == end) ? p : p ? proa_fail_end_(d, p) : NULL;
}
PROA_API const char *proa_get_group(proa_decoder *d, const char *p, const char *end, uint32_t tag, const proa_type *type,
                                    void *message);

/* One more element, zeroed, at the end of a list of messages. At p is its content: more elements with this tag are counted. */
PROA_API void *proa_add_message(proa_decoder *d, const char *p, const char *end, uint32_t tag, void *list, size_t size);
/* A run of elements with the same tag, and a packed field. kind: not MESSAGE or GROUP; a STRING is verified, a BYTES is not. */
PROA_API const char *proa_get_list(proa_decoder *d, const char *p, const char *end, uint32_t tag, void *list, proa_kind kind);
PROA_API const char *proa_get_packed(proa_decoder *d, const char *p, const char *end, void *list, proa_kind kind);
/* A run of map entries; a value that a closed enum does not name sends its entry to unknown. p is behind the tag. */
PROA_API const char *proa_get_map(proa_decoder *d, const char *p, const char *end, uint32_t tag, const proa_type *entry,
                                  void *map, proa_unknown **unknown);

/* Closed enums alone; open ones are proa_get_enum and kind ENUM. */
PROA_API bool proa_is_named_(const proa_enum_type *type, int32_t number);
static inline bool proa_is_named(const proa_enum_type *type, int32_t number)
{
    /* Most enums are dense. */
    size_t index = type->value_count ? (size_t)((int64_t)number - type->values[0].number) : 0;
    return (index < type->value_count && type->values[index].number == number) || proa_is_named_(type, number);
}
PROA_API const char *proa_keep_enum(proa_decoder *d, const char *p, uint32_t tag, int32_t number, proa_unknown **unknown);
PROA_API const char *proa_get_enum_list(proa_decoder *d, const char *p, const char *end, uint32_t tag, void *list,
                                        const proa_enum_type *type, proa_unknown **unknown);
/* tag: of one element, as if not packed. */
PROA_API const char *proa_get_enum_packed(proa_decoder *d, const char *p, const char *end, uint32_t tag, void *list,
                                          const proa_enum_type *type, proa_unknown **unknown);

/* ---- Encoding, backwards: from the last field to the first, so that a length is known when it is written. ----------- */

struct proa_encoder {                   /* made by the library alone: members are appended */
    char *begin;                        /* what was written lies from p to end; free are begin to p */
    char *end;
    int depth;
    uint32_t seen;                      /* as in a decoder */
};

PROA_API char *proa_room_(proa_encoder *e, char *p, size_t size);
PROA_API char *proa_refuse_depth_(proa_encoder *e);

/* Room for size more bytes before p. It may move what was written. */
static inline char *proa_room(proa_encoder *e, char *p, size_t size)
{
    return PROA_LIKELY_((size_t)(p - e->begin) >= size) ? p : proa_room_(e, p, size);
}

PROA_API char *proa_write_long_(char *p, uint64_t value);

/* The two below need room: 16 bytes together. */
static inline char *proa_write_varint_(char *p, uint64_t value)
{
    if (PROA_LIKELY_(value < 0x80)) {
        *--p = (char)value;
        return p;
    }
    return proa_write_long_(p, value);
}

static inline char *proa_write_tag_(char *p, uint32_t tag)
{
    if (tag < 0x80) {
        *--p = (char)tag;
        return p;
    }
    if (tag < 0x4000) {
        *--p = (char)(tag >> 7);
        *--p = (char)(tag | 0x80);
        return p;
    }
    return proa_write_varint_(p, tag);
}

static inline char *proa_put_uint64(proa_encoder *e, char *p, uint32_t tag, uint64_t value)
{
    p = proa_room(e, p, 16);
    return p ? proa_write_tag_(proa_write_varint_(p, value), tag) : NULL;
}
static inline char *proa_put_int64(proa_encoder *e, char *p, uint32_t tag, int64_t value)
{ return proa_put_uint64(e, p, tag, (uint64_t)value); }
static inline char *proa_put_int32(proa_encoder *e, char *p, uint32_t tag, int32_t value)   /* enums too; negative: 10 bytes */
{ return proa_put_uint64(e, p, tag, (uint64_t)(int64_t)value); }
static inline char *proa_put_uint32(proa_encoder *e, char *p, uint32_t tag, uint32_t value)
{ return proa_put_uint64(e, p, tag, value); }
static inline char *proa_put_sint32(proa_encoder *e, char *p, uint32_t tag, int32_t value)
{ return proa_put_uint64(e, p, tag, (uint32_t)value << 1 ^ (0u - ((uint32_t)value >> 31))); }
static inline char *proa_put_sint64(proa_encoder *e, char *p, uint32_t tag, int64_t value)
{ return proa_put_uint64(e, p, tag, (uint64_t)value << 1 ^ (UINT64_C(0) - ((uint64_t)value >> 63))); }

static inline char *proa_put_bool(proa_encoder *e, char *p, uint32_t tag, bool value)
{
    p = proa_room(e, p, 16);
    if (!p)
        return NULL;
    *--p = (char)value;
    return proa_write_tag_(p, tag);
}

#define PROA_PUT_FIXED_(name, T, bits) \
    static inline char *proa_put_##name(proa_encoder *e, char *p, uint32_t tag, T value) \
    { \
        uint##bits##_t v; \
        memcpy(&v, &value, sizeof v); \
        v = PROA_SWAP##bits##_(v); \
        p = proa_room(e, p, 16); \
        return p ? proa_write_tag_((char *)memcpy(p - bits / 8, &v, sizeof v), tag) : NULL; \
    }
PROA_PUT_FIXED_(fixed32, uint32_t, 32)
PROA_PUT_FIXED_(sfixed32, int32_t, 32)
PROA_PUT_FIXED_(float, float, 32)
PROA_PUT_FIXED_(fixed64, uint64_t, 64)
PROA_PUT_FIXED_(sfixed64, int64_t, 64)
PROA_PUT_FIXED_(double, double, 64)
#undef PROA_PUT_FIXED_

/* Implicit presence of a float is of its bits: -0.0 is written. */
static inline bool proa_is_zero_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits == 0;
}
static inline bool proa_is_zero_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits == 0;
}

static inline char *proa_put_bytes(proa_encoder *e, char *p, uint32_t tag, proa_bytes value)   /* strings too */
{
    p = proa_room(e, p, value.size + 16);
    if (!p)
        return NULL;
    p -= value.size;
    if (value.size)
        memcpy(p, value.data, value.size);
    return proa_write_tag_(proa_write_varint_(p, value.size), tag);
}

static inline char *proa_put_message(proa_encoder *e, char *p, uint32_t tag, const proa_type *type, const void *message)
{
    size_t after = (size_t)(e->end - p);
    if (--e->depth < 0)
        return proa_refuse_depth_(e);
    e->seen |= type->flags;
    p = type->encode(e, p, message);
    e->depth++;
    return p ? proa_put_uint64(e, p, tag, (size_t)(e->end - p) - after) : NULL;
}
PROA_API char *proa_put_group(proa_encoder *e, char *p, uint32_t tag, const proa_type *type, const void *message);
PROA_API char *proa_put_list(proa_encoder *e, char *p, uint32_t tag, const void *list, proa_kind kind);      /* not packed */
PROA_API char *proa_put_packed(proa_encoder *e, char *p, uint32_t tag, const void *list, proa_kind kind);    /* empty: nothing */
PROA_API char *proa_put_map(proa_encoder *e, char *p, uint32_t tag, const proa_type *entry, const void *map);
PROA_API char *proa_put_unknown(proa_encoder *e, char *p, const proa_unknown *unknown);                       /* NULL is fine */
PROA_END
#endif
