/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads. What a server refuses here no handler, name table or interceptor ever sees. */
#include "rpc/request.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "rpc/metadata.h"
#include "rpc/timeout.h"

const char request_user_agent[] = "grpc-c-proa/" PROA_VERSION;

/* ---- Answers */

#define FIELD(token_, text) \
    { \
        .token = (token_), .value = PROA_STR_INIT(text) \
    }
#define STATUS_200      FIELD(HPACK_NAME_STATUS, "200")
#define GRPC_TYPE       FIELD(HPACK_NAME_CONTENT_TYPE, "application/grpc")
#define TEXT_TYPE       FIELD(HPACK_NAME_CONTENT_TYPE, "text/plain")
#define GRPC_CODE(text) FIELD(HPACK_NAME_GRPC_STATUS, text)
#define GRPC_TEXT(text) FIELD(HPACK_NAME_GRPC_MESSAGE, text)

#define TEXT_TOO_LARGE    "the header list is too large"
#define TEXT_NOT_POST     "the method is not POST"
#define TEXT_NOT_GRPC     "the content-type is not application/grpc"
#define TEXT_BAD_PATH     "the path is not /service/method"
#define TEXT_BAD_ENCODING "the grpc-encoding is not supported"
#define TEXT_BAD_TIMEOUT  "the grpc-timeout is malformed"
#define TEXT_BAD_METADATA "a -bin header is not base64"
#define TEXT_EXPIRED      "the deadline was over when the request arrived"
#define TEXT_NO_MEMORY    "the server is out of memory"

static const hpack_field too_large[] = {
    FIELD(HPACK_NAME_STATUS, "431"),
    GRPC_TYPE,
    GRPC_CODE("8"),
    GRPC_TEXT(TEXT_TOO_LARGE),
};
static const hpack_field not_post[] = {
    FIELD(HPACK_NAME_STATUS, "405"),
    TEXT_TYPE,
    GRPC_CODE("13"),
    GRPC_TEXT(TEXT_NOT_POST),
    { .name = PROA_STR_INIT("allow"), .value = PROA_STR_INIT("POST") }, /* RFC 9110 15.5.6: must be there */
};
static const hpack_field not_grpc[] = {
    FIELD(HPACK_NAME_STATUS, "415"),
    TEXT_TYPE,
    GRPC_CODE("13"),
    GRPC_TEXT(TEXT_NOT_GRPC),
};
static const hpack_field bad_path[] = { STATUS_200, GRPC_TYPE, GRPC_CODE("12"), GRPC_TEXT(TEXT_BAD_PATH) };
static const hpack_field bad_encoding[] = {
    STATUS_200,
    GRPC_TYPE,
    GRPC_CODE("12"),
    GRPC_TEXT(TEXT_BAD_ENCODING),
    FIELD(HPACK_NAME_GRPC_ACCEPT_ENCODING, "identity"), /* doc/compression.md: what would do */
};
static const hpack_field bad_timeout[] = {
    FIELD(HPACK_NAME_STATUS, "400"),
    GRPC_TYPE,
    GRPC_CODE("13"),
    GRPC_TEXT(TEXT_BAD_TIMEOUT),
};
static const hpack_field bad_metadata[] = {
    FIELD(HPACK_NAME_STATUS, "400"),
    GRPC_TYPE,
    GRPC_CODE("13"),
    GRPC_TEXT(TEXT_BAD_METADATA),
};
static const hpack_field expired[] = { STATUS_200, GRPC_TYPE, GRPC_CODE("4"), GRPC_TEXT(TEXT_EXPIRED) };
static const hpack_field no_memory[] = { STATUS_200, GRPC_TYPE, GRPC_CODE("8"), GRPC_TEXT(TEXT_NO_MEMORY) };

#define ANSWER(list, code, text, is_http, has_body) \
    { \
        (list), sizeof(list) / sizeof((list)[0]), (code), (text), (is_http), (has_body) \
    }
static const request_answer answers[REQUEST_REFUSALS] = {
    [REQUEST_HEADERS_TOO_LARGE] = ANSWER(too_large, PROA_RESOURCE_EXHAUSTED, TEXT_TOO_LARGE, true, false),
    [REQUEST_NOT_POST] = ANSWER(not_post, PROA_INTERNAL, TEXT_NOT_POST, true, true),
    [REQUEST_NOT_GRPC] = ANSWER(not_grpc, PROA_INTERNAL, TEXT_NOT_GRPC, true, true),
    [REQUEST_BAD_PATH] = ANSWER(bad_path, PROA_UNIMPLEMENTED, TEXT_BAD_PATH, false, false),
    [REQUEST_BAD_ENCODING] = ANSWER(bad_encoding, PROA_UNIMPLEMENTED, TEXT_BAD_ENCODING, false, false),
    [REQUEST_BAD_TIMEOUT] = ANSWER(bad_timeout, PROA_INTERNAL, TEXT_BAD_TIMEOUT, false, false),
    [REQUEST_BAD_METADATA] = ANSWER(bad_metadata, PROA_INTERNAL, TEXT_BAD_METADATA, false, false),
    [REQUEST_EXPIRED] = ANSWER(expired, PROA_DEADLINE_EXCEEDED, TEXT_EXPIRED, false, false),
    [REQUEST_NO_MEMORY] = ANSWER(no_memory, PROA_RESOURCE_EXHAUSTED, TEXT_NO_MEMORY, false, false),
};

const request_answer *request_answer_of(request_refusal refusal)
{
    return &answers[refusal];
}

/* ---- Server */

/* Letters, digits and "-._~": RFC 3986 unreserved, what names of services and methods are made of and nothing to decode. */
static bool is_path_byte(char c)
{
    static const uint32_t sets[8] = { 0, 0x03ff6000, 0x87fffffe, 0x47fffffe };
    return sets[(uint8_t)c >> 5] >> (c & 31) & 1;
}

/* Takes "/" and what follows up to the next "/" off *rest. false: there is none, it is empty, or a dot segment. */
static bool take_segment(proa_bytes *rest)
{
    if (rest->size == 0 || rest->data[0] != '/')
        return false;
    size_t size = 1;
    while (size < rest->size && is_path_byte(rest->data[size]))
        size++;
    proa_bytes segment = { rest->data + 1, size - 1 };
    rest->data += size;
    rest->size -= size;
    return segment.size > 0 && !BYTES_IS(segment, ".") && !BYTES_IS(segment, "..");
}

bool request_is_path(proa_bytes path)
{
    return take_segment(&path) && take_segment(&path) && path.size == 0;
}

/* RFC 9110 8.3.1: case does not matter. `type` is in lower case. */
static bool begins_with_type(proa_bytes value, proa_bytes type)
{
    if (value.size < type.size)
        return false;
    if (memcmp(value.data, type.data, type.size) == 0) /* as everybody writes it */
        return true;
    for (size_t i = 0; i < type.size; i++) {
        char c = value.data[i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != type.data[i])
            return false;
    }
    return true;
}

static bool ends_type(proa_bytes value, size_t at)
{
    return value.size == at || value.data[at] == ';' || value.data[at] == ' ';
}

static const proa_bytes type = PROA_STR_INIT("application/grpc"), proto_type = PROA_STR_INIT("application/grpc+proto");

bool request_is_grpc_type(proa_bytes value)
{
    return begins_with_type(value, type) && (ends_type(value, type.size) || value.data[type.size] == '+');
}

bool request_is_proto_type(proa_bytes value)
{
    return (begins_with_type(value, type) && ends_type(value, type.size)) ||
           (begins_with_type(value, proto_type) && ends_type(value, proto_type.size));
}

static void judge(const hpack_block *block, request_head *head)
{
    bool is_post = false, is_grpc = false, is_plain = true, is_timely = true;
    *head = (request_head){ .timeout_ns = INT64_MAX };
    for (uint32_t i = 0; i < block->count; i++) {
        proa_bytes value = block->fields[i].value;
        switch (block->fields[i].token) {
        case HPACK_NAME_METHOD: is_post = BYTES_IS(value, "POST"); break;
        case HPACK_NAME_PATH: head->path = value; break;
        case HPACK_NAME_CONTENT_TYPE:
            is_grpc = request_is_grpc_type(value);
            head->is_foreign = !request_is_proto_type(value);
            break;
        case HPACK_NAME_GRPC_ENCODING: is_plain = BYTES_IS(value, "identity"); break;
        case HPACK_NAME_GRPC_TIMEOUT: is_timely = is_timely && timeout_parse(value, &head->timeout_ns); break;
        default: break; /* te: one that is not "trailers" is h2's, a missing one is let pass */
        }
    }
    head->refusal = !is_post                       ? REQUEST_NOT_POST
                    : !is_grpc                     ? REQUEST_NOT_GRPC
                    : !request_is_path(head->path) ? REQUEST_BAD_PATH
                    : !is_plain                    ? REQUEST_BAD_ENCODING
                    : !is_timely                   ? REQUEST_BAD_TIMEOUT
                    : !metadata_is_sound(block)    ? REQUEST_BAD_METADATA
                                                   : REQUEST_FINE;
}

/* Most blocks come once, and a note costs an allocation: at first sight a block is only marked as seen. */
static const request_head seen_once;

const request_head *request_read(hpack_block *block, request_head *scratch)
{
    if (block->note && block->note != &seen_once)
        return block->note;
    judge(block, scratch);
    if (!block->note) {
        block->note = (void *)&seen_once;
        return scratch;
    }
    request_head *note = memory_resize(NULL, sizeof *note);
    if (!note)
        return scratch;
    *note = *scratch;
    block->note = note;
    block->note_free = memory_free;
    return note;
}

/* ---- Client */

/* The program's own agent stands in front of ours. */
static proa_bytes join_agent(proa_headers headers, proa_bytes ours, fields *out)
{
    for (size_t i = 0; i < headers.count; i++) {
        proa_bytes theirs = metadata_strip(headers.data[i].value);
        if (theirs.size == 0 || !BYTES_IS(headers.data[i].name, "user-agent"))
            continue;
        char *text = fields_room(out, theirs.size + 1 + ours.size);
        memcpy(text, theirs.data, theirs.size);
        text[theirs.size] = ' ';
        bytes_copy(text + theirs.size + 1, ours.data, ours.size);
        return (proa_bytes){ text, theirs.size + 1 + ours.size };
    }
    return ours;
}

static size_t agent_room(proa_headers headers, proa_bytes ours)
{
    size_t room = 0;
    for (size_t i = 0; i < headers.count; i++) {
        if (BYTES_IS(headers.data[i].name, "user-agent"))
            room = room > headers.data[i].value.size ? room : headers.data[i].value.size;
    }
    return room + 1 + ours.size;
}

proa_err request_write(const rpc_request *request, const request_origin *origin, proa_bytes timeout, fields *out)
{
    if (!request_is_path(request->path))
        return PROA_ERR_MALFORMED;
    proa_err err = metadata_validate(request->headers);
    if (!err)
        err = fields_begin(out, 8 + request->headers.count,
                           metadata_text_size(request->headers) + agent_room(request->headers, origin->user_agent));
    if (err)
        return err;
    /* PROTOCOL-HTTP2.md: reserved names first, grpc-timeout right behind, custom metadata last. */
    fields_add(out, HPACK_NAME_METHOD, PROA_STR("POST"));
    fields_add(out, HPACK_NAME_SCHEME, origin->is_tls ? PROA_STR("https") : PROA_STR("http"));
    fields_add(out, HPACK_NAME_PATH, request->path);
    fields_add(out, HPACK_NAME_AUTHORITY, origin->authority);
    fields_add(out, HPACK_NAME_TE, PROA_STR("trailers"));
    if (timeout.data)
        fields_add(out, HPACK_NAME_GRPC_TIMEOUT, timeout);
    fields_add(out, HPACK_NAME_CONTENT_TYPE, PROA_STR("application/grpc"));
    fields_add(out, HPACK_NAME_USER_AGENT, join_agent(request->headers, origin->user_agent, out));
    metadata_write(request->headers, out);
    return PROA_ERR_NONE;
}
