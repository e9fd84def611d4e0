/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/headers.h"
#include "base/bytes.h"

typedef enum verdict {
    UNKNOWN = 0,
    FINE,
    NAME_EMPTY,
    NAME_INVALID,
    VALUE_INVALID,
    PSEUDO_UNKNOWN,
    PSEUDO_LATE,
    PSEUDO_TWICE,
    PSEUDO_WRONG,
    PSEUDO_IN_TRAILERS,
    PSEUDO_MISSING,
    PATH_EMPTY,
    CONNECT_WRONG,
    CONNECTION_SPECIFIC,
    TE_WRONG,
    AUTHORITY_USERINFO,
    HOST_DIFFERS,
    LENGTH_INVALID,
    STATUS_INVALID,
    STATUS_101
} verdict;

static const char *const reasons[] = {
    [NAME_EMPTY] = "empty field name",
    [NAME_INVALID] = "invalid field name",
    [VALUE_INVALID] = "invalid field value",
    [PSEUDO_UNKNOWN] = "unknown pseudo-header",
    [PSEUDO_LATE] = "pseudo-header behind a field",
    [PSEUDO_TWICE] = "pseudo-header twice",
    [PSEUDO_WRONG] = "pseudo-header of the other direction",
    [PSEUDO_IN_TRAILERS] = "pseudo-header in trailers",
    [PSEUDO_MISSING] = "pseudo-header missing",
    [PATH_EMPTY] = "empty :path",
    [CONNECT_WRONG] = "pseudo-headers of CONNECT",
    [CONNECTION_SPECIFIC] = "connection-specific field",
    [TE_WRONG] = "te is not trailers",
    [AUTHORITY_USERINFO] = "userinfo in :authority",
    [HOST_DIFFERS] = "host differs from :authority",
    [LENGTH_INVALID] = "invalid content-length",
    [STATUS_INVALID] = "invalid :status",
    [STATUS_101] = ":status 101",
};

/* RFC 9113 8.2.1: no controls, no space, no upper case, nothing above 0x7e, no colon. */
#define EIGHT_NOT 0, 0, 0, 0, 0, 0, 0, 0
#define EIGHT     1, 1, 1, 1, 1, 1, 1, 1
static const uint8_t name_bytes[256] = {
    EIGHT_NOT, EIGHT_NOT, EIGHT_NOT, EIGHT_NOT, /* controls */
    0,         1,         1,         1,         1, 1, 1, 1, EIGHT,     EIGHT,     1,
    1,         0,         1,         1,         1, 1, 1, /* space, :  */
    1,         0,         0,         0,         0, 0, 0, 0, EIGHT_NOT, EIGHT_NOT, 0,
    0,         0,         1,         1,         1, 1, 1,                            /* A to Z */
    EIGHT,     EIGHT,     EIGHT,     1,         1, 1, 1, 1, 1,         1,         0 /* DEL, and all above */
};

static verdict check_name(proa_bytes name)
{
    if (name.size == 0)
        return NAME_EMPTY;
    if (name.data[0] == ':')
        return PSEUDO_UNKNOWN;
    for (size_t i = 0; i < name.size; i++)
        if (!name_bytes[(unsigned char)name.data[i]])
            return NAME_INVALID;
    return FINE;
}

static bool is_forbidden(char c)
{
    return c == '\0' || c == '\n' || c == '\r';
}

/* Some byte of the eight is under 0x0e: the forbidden ones are among those. */
static bool has_low_byte(uint64_t word)
{
    const uint64_t ones = UINT64_MAX / 255;
    return ((word - ones * 0x0e) & ~word & ones * 0x80) != 0;
}

static inline uint64_t word_at(const char *p)
{
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

/* RFC 9113 8.2.1: no NUL, LF, CR; no white space at either end. */
static verdict check_value(proa_bytes value)
{
    if (value.size == 0)
        return FINE;
    char first = value.data[0], last = value.data[value.size - 1];
    if (first == ' ' || first == '\t' || last == ' ' || last == '\t')
        return VALUE_INVALID;
    size_t i = 0;
    for (; i + 8 <= value.size && !has_low_byte(word_at(value.data + i)); i += 8) {}
    /* The last word overlaps the one before, so that nothing is left to look at one by one. */
    if (i + 8 > value.size && value.size >= 8 && !has_low_byte(word_at(value.data + value.size - 8)))
        return FINE;
    for (; i < value.size; i++)
        if (is_forbidden(value.data[i]))
            return VALUE_INVALID;
    return FINE;
}

typedef struct walk {
    h2_headers_kind kind;
    uint32_t seen;   /* bit of each pseudo-header */
    bool has_fields; /* a regular one was seen */
    proa_bytes method, path, authority, host, length, status;
} walk;

static verdict walk_pseudo(walk *w, const hpack_field *f)
{
    if (w->kind == H2_HEADERS_TRAILERS)
        return PSEUDO_IN_TRAILERS; /* RFC 9113 8.1 */
    if (w->has_fields)
        return PSEUDO_LATE; /* RFC 9113 8.3 */
    if ((f->token == HPACK_NAME_STATUS) == (w->kind == H2_HEADERS_REQUEST))
        return PSEUDO_WRONG; /* RFC 9113 8.3 */
    if (f->token == HPACK_NAME_PROTOCOL)
        return PSEUDO_UNKNOWN; /* RFC 8441 3: we never announce extended CONNECT */
    if (w->seen & 1u << f->token)
        return PSEUDO_TWICE;
    w->seen |= 1u << f->token;
    switch (f->token) {
    case HPACK_NAME_METHOD: w->method = f->value; break;
    case HPACK_NAME_PATH: w->path = f->value; break;
    case HPACK_NAME_AUTHORITY: w->authority = f->value; break;
    case HPACK_NAME_STATUS: w->status = f->value; break;
    default: break;
    }
    return FINE;
}

static verdict walk_regular(walk *w, const hpack_field *f)
{
    w->has_fields = true;
    if (f->token >= HPACK_NAME_CONNECTION && f->token <= HPACK_NAME_HOP_LAST)
        return CONNECTION_SPECIFIC; /* RFC 9113 8.2.2 */
    switch (f->token) {
    case HPACK_NAME_TE: return BYTES_IS(f->value, "trailers") ? FINE : TE_WRONG; /* RFC 9113 8.2.2 */
    case HPACK_NAME_HOST: w->host = f->value; return FINE;
    case HPACK_NAME_CONTENT_LENGTH:
        if (w->length.data && !proa_bytes_is_equal(w->length, f->value))
            return LENGTH_INVALID; /* RFC 9110 8.6 */
        w->length = f->value;
        return FINE;
    default: return FINE;
    }
}

static bool is_same_ignoring_case(proa_bytes a, proa_bytes b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++) {
        char x = a.data[i], y = b.data[i];
        if (x != y && ((x | 0x20) != (y | 0x20) || (x | 0x20) < 'a' || (x | 0x20) > 'z'))
            return false;
    }
    return true;
}

#define SEEN(token) (1u << (token))

/* RFC 9113 8.3.1, 8.5 */
static verdict judge_request(const walk *w)
{
    const uint32_t usual = SEEN(HPACK_NAME_METHOD) | SEEN(HPACK_NAME_SCHEME) | SEEN(HPACK_NAME_PATH);
    if (BYTES_IS(w->method, "CONNECT")) {
        if (w->seen != (SEEN(HPACK_NAME_METHOD) | SEEN(HPACK_NAME_AUTHORITY)))
            return CONNECT_WRONG;
    } else if ((w->seen & usual) != usual) {
        return PSEUDO_MISSING;
    } else if (w->path.size == 0) {
        return PATH_EMPTY;
    }
    if (w->authority.size && memchr(w->authority.data, '@', w->authority.size))
        return AUTHORITY_USERINFO;
    if (w->authority.data && w->host.data && !is_same_ignoring_case(w->authority, w->host))
        return HOST_DIFFERS;
    return FINE;
}

/* RFC 9113 8.3.2, 8.6 */
static verdict judge_response(const walk *w, uint32_t *facts)
{
    if (!w->status.data)
        return PSEUDO_MISSING;
    const char *s = w->status.data;
    if (w->status.size != 3 || s[0] < '1' || s[0] > '9' || s[1] < '0' || s[1] > '9' || s[2] < '0' || s[2] > '9')
        return STATUS_INVALID;
    if (BYTES_IS(w->status, "101"))
        return STATUS_101;
    if (s[0] == '1')
        *facts |= HEADERS_IS_INFORMATIONAL;
    if (BYTES_IS(w->status, "204") || BYTES_IS(w->status, "304"))
        *facts |= HEADERS_IS_BODILESS;
    return FINE;
}

/* Digits only, and a number that fits. */
static bool read_length(proa_bytes text, uint64_t *out)
{
    if (text.size == 0 || text.size > 18)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = value;
    return true;
}

static verdict judge(const hpack_block *block, h2_headers_kind kind, uint32_t *facts)
{
    walk w = { .kind = kind };
    for (uint32_t i = 0; i < block->count; i++) {
        const hpack_field *f = &block->fields[i];
        verdict v = f->token ? FINE : check_name(f->name); /* a known name is a valid one */
        if (v == FINE)
            v = check_value(f->value);
        if (v == FINE)
            v = f->token && f->token <= HPACK_NAME_PSEUDO_LAST ? walk_pseudo(&w, f) : walk_regular(&w, f);
        if (v != FINE)
            return v;
    }
    uint64_t length;
    if (w.length.data && kind != H2_HEADERS_TRAILERS) {
        if (!read_length(w.length, &length))
            return LENGTH_INVALID;
        *facts |= HEADERS_HAS_LENGTH;
    }
    if (kind == H2_HEADERS_REQUEST)
        return judge_request(&w);
    return kind == H2_HEADERS_TRAILERS ? FINE : judge_response(&w, facts);
}

const char *headers_check_slow(hpack_block *block, h2_headers_kind kind)
{
    unsigned shift = kind == H2_HEADERS_TRAILERS ? 8 : 0;
    if ((block->verdict >> shift & 0xff) == UNKNOWN) {
        uint32_t facts = 0;
        block->verdict |= (uint32_t)judge(block, kind, &facts) << shift;
        block->verdict |= facts;
    }
    return reasons[block->verdict >> shift & 0xff];
}

uint64_t headers_content_length(const hpack_block *block)
{
    uint64_t length = 0;
    for (uint32_t i = 0; i < block->count; i++)
        if (block->fields[i].token == HPACK_NAME_CONTENT_LENGTH) {
            read_length(block->fields[i].value, &length);
            break;
        }
    return length;
}

static proa_bytes pseudo_value(const hpack_field *fields, size_t count, hpack_name token)
{
    for (size_t i = 0; i < count; i++) {
        const hpack_field *f = &fields[i];
        if (f->token == token || (!f->token && proa_bytes_is_equal(f->name, hpack_name_text(token))))
            return f->value;
        if (f->token > HPACK_NAME_PSEUDO_LAST || (!f->token && f->name.size && f->name.data[0] != ':'))
            break; /* pseudo-headers come first */
    }
    return (proa_bytes){ 0 };
}

bool headers_is_head(const hpack_field *fields, size_t count)
{
    if (count && fields[0].token == HPACK_NAME_METHOD) /* where everybody puts it */
        return BYTES_IS(fields[0].value, "HEAD");
    return BYTES_IS(pseudo_value(fields, count, HPACK_NAME_METHOD), "HEAD");
}

bool headers_is_informational_slow(const hpack_field *fields, size_t count)
{
    proa_bytes status = pseudo_value(fields, count, HPACK_NAME_STATUS);
    return status.size == 3 && status.data[0] == '1';
}
