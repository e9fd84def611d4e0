/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that every frame of a type follows, as one table. */
#include "h2/frame.h"
#include <stdio.h>

typedef enum stream_rule { ON_STREAM, ON_CONNECTION, ON_EITHER } stream_rule;

typedef struct rule {
    const char *name;
    stream_rule where;
    uint32_t length_min, length_max;
    h2_scope scope;                  /* of a wrong length */
    const char *misplaced, *mislong; /* reasons */
} rule;

#define ANY FRAME_LENGTH_MAX
static const rule rules[FRAME_TYPES] = {
    /* RFC 9113 6.1 */
    [FRAME_DATA] = { "DATA", ON_STREAM, 0, ANY, H2_SCOPE_CONNECTION, "DATA on stream 0", "DATA too short" },
    /* RFC 9113 6.2 */
    [FRAME_HEADERS] = { "HEADERS", ON_STREAM, 0, ANY, H2_SCOPE_CONNECTION, "HEADERS on stream 0", "HEADERS too short" },
    /* RFC 9113 6.3: the length is a stream error */
    [FRAME_PRIORITY] = { "PRIORITY", ON_STREAM, 5, 5, H2_SCOPE_STREAM, "PRIORITY on stream 0",
                         "PRIORITY is not 5 bytes" },
    /* RFC 9113 6.4 */
    [FRAME_RST_STREAM] = { "RST_STREAM", ON_STREAM, 4, 4, H2_SCOPE_CONNECTION, "RST_STREAM on stream 0",
                           "RST_STREAM is not 4 bytes" },
    /* RFC 9113 6.5: multiple of 6 and empty ACK are checked below */
    [FRAME_SETTINGS] = { "SETTINGS", ON_CONNECTION, 0, ANY, H2_SCOPE_CONNECTION, "SETTINGS on a stream",
                         "SETTINGS too short" },
    /* RFC 9113 6.6 */
    [FRAME_PUSH_PROMISE] = { "PUSH_PROMISE", ON_STREAM, 4, ANY, H2_SCOPE_CONNECTION, "PUSH_PROMISE on stream 0",
                             "PUSH_PROMISE too short" },
    /* RFC 9113 6.7 */
    [FRAME_PING] = { "PING", ON_CONNECTION, 8, 8, H2_SCOPE_CONNECTION, "PING on a stream", "PING is not 8 bytes" },
    /* RFC 9113 6.8 */
    [FRAME_GOAWAY] = { "GOAWAY", ON_CONNECTION, 8, ANY, H2_SCOPE_CONNECTION, "GOAWAY on a stream", "GOAWAY too short" },
    /* RFC 9113 6.9 */
    [FRAME_WINDOW_UPDATE] = { "WINDOW_UPDATE", ON_EITHER, 4, 4, H2_SCOPE_CONNECTION, "",
                              "WINDOW_UPDATE is not 4 bytes" },
    /* RFC 9113 6.10 */
    [FRAME_CONTINUATION] = { "CONTINUATION", ON_STREAM, 0, ANY, H2_SCOPE_CONNECTION, "CONTINUATION on stream 0",
                             "CONTINUATION too short" },
};

h2_fault frame_check(frame f, uint32_t length_max)
{
    if (f.length > length_max) /* RFC 9113 4.2; always of the connection: what is not read cannot be skipped */
        return fault_connection(H2_FRAME_SIZE_ERROR, "frame over SETTINGS_MAX_FRAME_SIZE");
    if (f.type >= FRAME_TYPES)
        return (h2_fault){ 0 };
    const rule *r = &rules[f.type];
    if ((r->where == ON_STREAM && f.stream_id == 0) || (r->where == ON_CONNECTION && f.stream_id != 0))
        return fault_connection(H2_PROTOCOL_ERROR, r->misplaced);
    if (f.length < r->length_min || f.length > r->length_max)
        return (h2_fault){ r->scope, H2_FRAME_SIZE_ERROR, false, r->mislong };
    if (f.type == FRAME_SETTINGS) {
        if ((f.flags & FRAME_ACK) && f.length != 0)
            return fault_connection(H2_FRAME_SIZE_ERROR, "SETTINGS ACK with a payload");
        if (f.length % 6 != 0)
            return fault_connection(H2_FRAME_SIZE_ERROR, "SETTINGS is not a multiple of 6 bytes");
    }
    return (h2_fault){ 0 };
}

h2_fault frame_unpad(frame f, proa_bytes *payload)
{
    if (!(f.flags & FRAME_PADDED))
        return (h2_fault){ 0 };
    if (payload->size == 0)
        return fault_connection(H2_FRAME_SIZE_ERROR, "padded frame without pad length");
    size_t padding = (unsigned char)payload->data[0];
    if (padding >= payload->size) /* RFC 9113 6.1, 6.2 */
        return fault_connection(H2_PROTOCOL_ERROR, "padding as long as the frame");
    *payload = (proa_bytes){ payload->data + 1, payload->size - 1 - padding };
    return (h2_fault){ 0 };
}

const char *frame_type_name(uint8_t type)
{
    return type < FRAME_TYPES ? rules[type].name : "UNKNOWN";
}

const char *frame_flags_text(frame f, char out[64])
{
    bool has_ack = f.type == FRAME_SETTINGS || f.type == FRAME_PING;
    bool has_end = f.type == FRAME_DATA || f.type == FRAME_HEADERS;
    bool has_block = f.type == FRAME_HEADERS || f.type == FRAME_CONTINUATION || f.type == FRAME_PUSH_PROMISE;
    snprintf(out, 64, "%s%s%s%s%s", has_ack && (f.flags & FRAME_ACK) ? " ACK" : "",
             has_end && (f.flags & FRAME_END_STREAM) ? " END_STREAM" : "",
             has_block && (f.flags & FRAME_END_HEADERS) ? " END_HEADERS" : "",
             (has_end || f.type == FRAME_PUSH_PROMISE) && (f.flags & FRAME_PADDED) ? " PADDED" : "",
             f.type == FRAME_HEADERS && (f.flags & FRAME_HAS_PRIORITY) ? " PRIORITY" : "");
    return out;
}

const char *h2_code_name(uint32_t code)
{
    static const char *const names[] = { "NO_ERROR",
                                         "PROTOCOL_ERROR",
                                         "INTERNAL_ERROR",
                                         "FLOW_CONTROL_ERROR",
                                         "SETTINGS_TIMEOUT",
                                         "STREAM_CLOSED",
                                         "FRAME_SIZE_ERROR",
                                         "REFUSED_STREAM",
                                         "CANCEL",
                                         "COMPRESSION_ERROR",
                                         "CONNECT_ERROR",
                                         "ENHANCE_YOUR_CALM",
                                         "INADEQUATE_SECURITY",
                                         "HTTP_1_1_REQUIRED" };
    return code < sizeof names / sizeof names[0] ? names[code] : "UNKNOWN";
}
