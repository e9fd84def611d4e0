/* SPDX-License-Identifier: Apache-2.0 */
/* One value by its kind, for what is driven by tables: lists, and keys and values of maps. */
#include "pb/wire.h"

size_t wire_kind_size(proa_kind kind)
{
    switch (kind) {
    case PROA_KIND_DOUBLE:
    case PROA_KIND_INT64:
    case PROA_KIND_UINT64:
    case PROA_KIND_FIXED64:
    case PROA_KIND_SFIXED64:
    case PROA_KIND_SINT64: return 8;
    case PROA_KIND_STRING:
    case PROA_KIND_BYTES: return sizeof(proa_bytes);
    case PROA_KIND_BOOL: return sizeof(bool);
    case PROA_KIND_GROUP:
    case PROA_KIND_MESSAGE: return sizeof(void *);
    default: return 4;
    }
}

uint32_t wire_kind_type(proa_kind kind)
{
    switch (kind) {
    case PROA_KIND_DOUBLE:
    case PROA_KIND_FIXED64:
    case PROA_KIND_SFIXED64: return 1;
    case PROA_KIND_STRING:
    case PROA_KIND_BYTES:
    case PROA_KIND_MESSAGE: return 2;
    case PROA_KIND_GROUP: return 3;
    case PROA_KIND_FLOAT:
    case PROA_KIND_FIXED32:
    case PROA_KIND_SFIXED32: return 5;
    default: return 0;
    }
}

const char *wire_get_value(proa_decoder *d, const char *p, const char *end, proa_kind kind, void *out)
{
    switch (kind) {
    case PROA_KIND_DOUBLE:
    case PROA_KIND_FIXED64:
    case PROA_KIND_SFIXED64: return proa_get_fixed64(d, p, end, out);
    case PROA_KIND_FLOAT:
    case PROA_KIND_FIXED32:
    case PROA_KIND_SFIXED32: return proa_get_fixed32(d, p, end, out);
    case PROA_KIND_INT64:
    case PROA_KIND_UINT64: return proa_get_uint64(d, p, end, out);
    case PROA_KIND_SINT32: return proa_get_sint32(d, p, end, out);
    case PROA_KIND_SINT64: return proa_get_sint64(d, p, end, out);
    case PROA_KIND_BOOL: return proa_get_bool(d, p, end, out);
    case PROA_KIND_STRING: return proa_get_string(d, p, end, out);
    case PROA_KIND_BYTES: return proa_get_bytes(d, p, end, out);
    default: return proa_get_int32(d, p, end, out);
    }
}

static proa_bytes load_bytes(const void *value)
{
    proa_bytes loaded;
    memcpy(&loaded, value, sizeof loaded);
    return loaded;
}

static uint32_t load_u32(const void *value)
{
    uint32_t loaded;
    memcpy(&loaded, value, sizeof loaded);
    return loaded;
}

static uint64_t load_u64(const void *value)
{
    uint64_t loaded;
    memcpy(&loaded, value, sizeof loaded);
    return loaded;
}

char *wire_put_value(proa_encoder *e, char *p, uint32_t tag, proa_kind kind, const void *value)
{
    switch (kind) {
    case PROA_KIND_DOUBLE:
    case PROA_KIND_FIXED64:
    case PROA_KIND_SFIXED64: return proa_put_fixed64(e, p, tag, load_u64(value));
    case PROA_KIND_FLOAT:
    case PROA_KIND_FIXED32:
    case PROA_KIND_SFIXED32: return proa_put_fixed32(e, p, tag, load_u32(value));
    case PROA_KIND_INT64:
    case PROA_KIND_UINT64: return proa_put_uint64(e, p, tag, load_u64(value));
    case PROA_KIND_UINT32: return proa_put_uint32(e, p, tag, load_u32(value));
    case PROA_KIND_SINT32: return proa_put_sint32(e, p, tag, (int32_t)load_u32(value));
    case PROA_KIND_SINT64: return proa_put_sint64(e, p, tag, (int64_t)load_u64(value));
    case PROA_KIND_BOOL: return proa_put_bool(e, p, tag, *(const bool *)value);
    case PROA_KIND_STRING:
    case PROA_KIND_BYTES: return proa_put_bytes(e, p, tag, load_bytes(value));
    default: return proa_put_int32(e, p, tag, (int32_t)load_u32(value));
    }
}
