/* SPDX-License-Identifier: Apache-2.0 */
/* Details of a status: google.rpc.Status {1 code, 2 message, 3 details: repeated Any {1 type_url, 2 value}}, written and read
 * by hand, since the library contains no generated code. */
#include "call/object.h"

#define TYPE_PREFIX "type.googleapis.com/"

enum { STATUS_CODE = 1, STATUS_MESSAGE = 2, STATUS_DETAILS = 3, ANY_TYPE_URL = 1, ANY_VALUE = 2 };

static size_t varint_size(uint64_t v)
{
    size_t n = 1;
    while (v >>= 7)
        n++;
    return n;
}

static char *put_varint(char *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (char)(v | 0x80);
    *p++ = (char)v;
    return p;
}

static char *put_bytes(char *p, unsigned field, proa_bytes bytes)
{
    *p++ = (char)(field << 3 | 2);
    p = put_varint(p, bytes.size);
    bytes_copy(p, bytes.data, bytes.size);
    return p + bytes.size;
}

static size_t bytes_field_size(proa_bytes bytes)
{
    return 1 + varint_size(bytes.size) + bytes.size;
}

/* The anys are kept encoded, one behind the other, until the status is known; or behind a whole google.rpc.Status, where
 * they are further elements of its list. */
void details_append(proa_call *c, const proa_type *type, const void *detail)
{
    proa_arena *arena = &c->user.arena;
    proa_bytes value;
    if (proa_encode(type, detail, arena, &value) != PROA_ERR_NONE)
        return; /* the status goes without it; its code says what matters */
    proa_bytes url = proa_arena_format(arena, TYPE_PREFIX "%s", type->name);
    if (!url.data)
        return;
    size_t any_size = bytes_field_size(url) + bytes_field_size(value);
    proa_bytes old = c->user.details;
    char *whole = arena_raw(arena, old.size + 1 + varint_size(any_size) + any_size);
    if (!whole)
        return;
    bytes_copy(whole, old.data, old.size);
    char *p = whole + old.size;
    *p++ = (char)(STATUS_DETAILS << 3 | 2);
    p = put_varint(p, any_size);
    p = put_bytes(p, ANY_TYPE_URL, url);
    p = put_bytes(p, ANY_VALUE, value);
    c->user.details = (proa_bytes){ whole, (size_t)(p - whole) };
}

proa_bytes details_finish(proa_call *c, proa_code code, proa_bytes text)
{
    proa_bytes anys = c->user.details;
    if (code == PROA_OK || !anys.size || c->user.has_raw_details)
        return code == PROA_OK ? (proa_bytes){ NULL, 0 } : anys;
    char *whole = arena_raw(&c->user.arena, 2 + bytes_field_size(text) + anys.size);
    if (!whole)
        return (proa_bytes){ NULL, 0 };
    char *p = whole;
    *p++ = STATUS_CODE << 3;
    *p++ = (char)code;
    if (text.size)
        p = put_bytes(p, STATUS_MESSAGE, text);
    bytes_copy(p, anys.data, anys.size);
    return (proa_bytes){ whole, (size_t)(p - whole) + anys.size };
}

/* ---- Reading: a peer's bytes, so every length is checked. */

typedef struct cursor {
    const char *p, *end;
} cursor;

static bool get_varint(cursor *c, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && c->p < c->end; shift += 7) {
        unsigned char b = (unsigned char)*c->p++;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *out = v;
            return true;
        }
    }
    return false;
}

/* The next field: bytes of wire type 2, else absent ones. */
static bool get_field(cursor *c, uint64_t *number, proa_bytes *bytes)
{
    uint64_t tag, size;
    *bytes = (proa_bytes){ NULL, 0 };
    if (!get_varint(c, &tag))
        return false;
    *number = tag >> 3;
    switch (tag & 7) {
    case 0: return get_varint(c, &size);
    case 1:
    case 5:
        size = (tag & 7) == 1 ? 8 : 4;
        if ((size_t)(c->end - c->p) < size)
            return false;
        c->p += size;
        return true;
    case 2:
        if (!get_varint(c, &size) || size > (size_t)(c->end - c->p))
            return false;
        *bytes = (proa_bytes){ c->p, (size_t)size };
        c->p += size;
        return true;
    default: return false;
    }
}

static bool is_of_type(proa_bytes url, const char *name)
{
    size_t size = strlen(name);
    return url.size > size && url.data[url.size - size - 1] == '/' &&
           memcmp(url.data + url.size - size, name, size) == 0;
}

const void *proa_status_detail(const proa_status *status, const proa_type *type, proa_arena *arena)
{
    cursor all = { status->details.data, status->details.data + status->details.size };
    uint64_t number;
    proa_bytes bytes, part;
    while (status->details.size && get_field(&all, &number, &bytes)) {
        if (number != STATUS_DETAILS || !bytes.data)
            continue;
        proa_bytes url = { NULL, 0 }, value = PROA_STR("");
        for (cursor any = { bytes.data, bytes.data + bytes.size }; get_field(&any, &number, &part);) {
            if (number == ANY_TYPE_URL && part.data)
                url = part;
            else if (number == ANY_VALUE && part.data)
                value = part;
        }
        if (is_of_type(url, type->name))
            return proa_decode(type, value, arena, NULL);
    }
    return NULL;
}
