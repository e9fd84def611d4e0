/* SPDX-License-Identifier: Apache-2.0 */
/* Replies. The status maps of HTTP are used by clients alone, and only where grpc-status is absent
 * (doc/http-grpc-status-mapping.md). */
#include "rpc/response.h"
#include "base/bytes.h"
#include "rpc/base64.h"
#include "rpc/metadata.h"
#include "rpc/percent.h"
#include "rpc/request.h"
#include "rpc/status.h"

#define FIELD(token_, text) \
    { \
        .token = (token_), .value = PROA_STR_INIT(text) \
    }
static const hpack_field plain_headers[] = {
    FIELD(HPACK_NAME_STATUS, "200"),
    FIELD(HPACK_NAME_CONTENT_TYPE, "application/grpc"),
};
static const hpack_field plain_trailers[] = {
    FIELD(HPACK_NAME_STATUS, "200"),
    FIELD(HPACK_NAME_CONTENT_TYPE, "application/grpc"),
    FIELD(HPACK_NAME_GRPC_STATUS, "0"),
};
enum { HEADERS = 2 };

/* ---- Server */

proa_err response_write_headers(proa_headers headers, fields *scratch, response_fields *out)
{
    *out = (response_fields){ plain_headers, HEADERS };
    if (headers.count == 0)
        return PROA_ERR_NONE;
    proa_err err = metadata_validate(headers);
    if (!err)
        err = fields_begin(scratch, HEADERS + headers.count, metadata_text_size(headers));
    if (err)
        return err;
    for (size_t i = 0; i < HEADERS; i++)
        fields_add_named(scratch, plain_headers[i]);
    metadata_write(headers, scratch);
    *out = (response_fields){ scratch->data, scratch->count };
    return PROA_ERR_NONE;
}

/* A status that a handler made up is UNKNOWN (doc/statuscodes.md). */
static proa_code proper(proa_code code)
{
    return code >= PROA_OK && code <= PROA_UNAUTHENTICATED ? code : PROA_UNKNOWN;
}

bool response_is_plain(const proa_status *status, proa_headers trailers)
{
    return status->code == PROA_OK && status->message.size == 0 && trailers.count == 0;
}

static void add_message(proa_bytes message, fields *scratch)
{
    char *text = fields_room(scratch, LIMITS_STATUS_MESSAGE_BYTES_MAX);
    size_t size = percent_encode(message, text, LIMITS_STATUS_MESSAGE_BYTES_MAX);
    fields_add(scratch, HPACK_NAME_GRPC_MESSAGE, (proa_bytes){ text, size });
}

static void add_details(proa_bytes details, fields *scratch)
{
    size_t size = base64_encoded_size(details.size);
    char *text = fields_room(scratch, size);
    base64_encode(details, text);
    fields_add(scratch, HPACK_NAME_GRPC_STATUS_DETAILS_BIN, (proa_bytes){ text, size });
}

proa_err response_write_trailers(const proa_status *status, proa_headers trailers, bool is_only, fields *scratch,
                                 response_fields *out)
{
    size_t head = is_only ? HEADERS : 0;
    proa_code code = proper(status->code);
    bool has_details = code != PROA_OK && status->details.size;
    if (response_is_plain(status, trailers)) {
        *out = (response_fields){ plain_trailers + HEADERS - head, head + 1 };
        return PROA_ERR_NONE;
    }
    proa_err err = metadata_validate(trailers);
    size_t text = (status->message.size ? LIMITS_STATUS_MESSAGE_BYTES_MAX : 0) +
                  (has_details ? base64_encoded_size(status->details.size) : 0) + metadata_text_size(trailers);
    if (!err)
        err = fields_begin(scratch, head + 3 + trailers.count, text);
    if (err)
        return err;
    for (size_t i = 0; i < head; i++)
        fields_add_named(scratch, plain_headers[i]);
    fields_add(scratch, HPACK_NAME_GRPC_STATUS, status_text(code));
    if (status->message.size)
        add_message(status->message, scratch);
    if (has_details)
        add_details(status->details, scratch);
    metadata_write(trailers, scratch);
    *out = (response_fields){ scratch->data, scratch->count };
    return PROA_ERR_NONE;
}

/* ---- Client */

typedef struct found {
    proa_bytes http, type, status;
} found;

static found look(const hpack_block *block)
{
    found found = { .http = { NULL, 0 } };
    for (uint32_t i = 0; i < block->count; i++) {
        proa_bytes value = block->fields[i].value;
        value.data = value.data ? value.data : "";
        switch (block->fields[i].token) {
        case HPACK_NAME_STATUS: found.http = value; break;
        case HPACK_NAME_CONTENT_TYPE: found.type = value; break;
        case HPACK_NAME_GRPC_STATUS: found.status = value; break;
        default: break;
        }
    }
    return found;
}

static unsigned number(proa_bytes text)
{
    unsigned value = 0;
    for (size_t i = 0; i < text.size && i < 3; i++)
        value = value * 10 + (unsigned)(text.data[i] - '0');
    return value;
}

static response_verdict fault(proa_code code, const char *text)
{
    return (response_verdict){ .is_final = true, .code = code, .text = text };
}

static response_verdict verdict_of(proa_bytes status)
{
    return (response_verdict){ .is_final = true, .is_from_peer = true, .code = status_parse(status) };
}

static response_verdict judge_headers(const hpack_block *block, bool is_end)
{
    found found = look(block);
    bool is_other = found.type.data && !request_is_grpc_type(found.type);
    if (found.status.data && is_end && !is_other) /* Trailers-Only */
        return metadata_is_sound(block) ? verdict_of(found.status)
                                        : fault(PROA_INTERNAL, "a -bin trailer is not base64");
    if (!BYTES_IS(found.http, "200")) {
        response_verdict verdict = fault(rpc_code_of_http(number(found.http)), "the peer answered with HTTP status");
        verdict.http_status = number(found.http);
        return verdict;
    }
    if (is_other || !found.type.data)
        return fault(PROA_UNKNOWN, "the content-type of the reply is not application/grpc");
    if (is_end)
        return fault(PROA_UNKNOWN, "the reply has no grpc-status");
    if (!metadata_is_sound(block))
        return fault(PROA_INTERNAL, "a -bin header is not base64");
    return (response_verdict){ .is_final = false };
}

static response_verdict judge_trailers(const hpack_block *block)
{
    found found = look(block);
    if (!found.status.data)
        return fault(PROA_UNKNOWN, "the trailers have no grpc-status");
    return metadata_is_sound(block) ? verdict_of(found.status) : fault(PROA_INTERNAL, "a -bin trailer is not base64");
}

/* What the note of a block says: asked the same of the same fields, the answer is the same. */
static const response_verdict going_on = { .is_final = false };
static const response_verdict ended_well = { .is_final = true, .is_from_peer = true, .code = PROA_OK };

response_verdict response_read_headers(hpack_block *block, bool is_end)
{
    if (block->note == &going_on && !is_end)
        return going_on;
    response_verdict verdict = judge_headers(block, is_end);
    if (!verdict.is_final && !block->note)
        block->note = (void *)&going_on;
    return verdict;
}

static bool says_more(const hpack_block *block)
{
    for (uint32_t i = 0; i < block->count; i++)
        if (block->fields[i].token == HPACK_NAME_GRPC_MESSAGE ||
            block->fields[i].token == HPACK_NAME_GRPC_STATUS_DETAILS_BIN)
            return true;
    return false;
}

response_verdict response_read_trailers(hpack_block *block)
{
    if (block->note == &ended_well)
        return ended_well;
    response_verdict verdict = judge_trailers(block);
    if (verdict.is_from_peer && verdict.code == PROA_OK && !block->note && !says_more(block))
        block->note = (void *)&ended_well;
    return verdict;
}

bool response_is_plain_end(const hpack_block *trailers)
{
    return trailers->note == &ended_well;
}

static void read_message(proa_bytes value, proa_arena *arena, proa_status *status)
{
    char *text = arena_raw(arena, value.size + 1);
    if (text)
        status->message = (proa_bytes){ text, percent_decode(value, text) };
}

/* Details that contradict the status, or are none, are ignored. */
static void read_details(proa_bytes value, proa_arena *arena, proa_status *status)
{
    char *raw = arena_raw(arena, base64_decoded_size_max(value.size) + 1);
    size_t size = 0;
    uint64_t code = 0;
    if (!raw || status->code == PROA_OK || !base64_decode(value, raw, &size))
        return;
    if (status_details_code((proa_bytes){ raw, size }, &code) && code == (uint64_t)status->code)
        status->details = (proa_bytes){ raw, size };
}

void response_read_status(const hpack_block *block, proa_arena *arena, proa_status *status)
{
    for (uint32_t i = 0; i < block->count; i++) {
        const hpack_field *field = &block->fields[i];
        if (field->token == HPACK_NAME_GRPC_MESSAGE && field->value.size)
            read_message(field->value, arena, status);
        else if (field->token == HPACK_NAME_GRPC_STATUS_DETAILS_BIN && field->value.size)
            read_details(field->value, arena, status);
    }
}
