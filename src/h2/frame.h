/* SPDX-License-Identifier: Apache-2.0 */
/* The frame header and what holds for every frame of a type: where it may stand and how long it is (RFC 9113 4, 6).
 *
 * Pure: bytes in, value or fault out. Knows no connection. */
#ifndef H2_FRAME_H
#define H2_FRAME_H
#include "base/bytes.h"
#include "h2/h2.h"

#define FRAME_HEADER_SIZE 9
#define FRAME_LENGTH_MIN 16384u        /* RFC 9113 4.2: everybody accepts this much */
#define FRAME_LENGTH_MAX 16777215u
#define FRAME_STREAM_ID_MAX 0x7fffffffu

typedef enum frame_type {
    FRAME_DATA = 0, FRAME_HEADERS, FRAME_PRIORITY, FRAME_RST_STREAM, FRAME_SETTINGS, FRAME_PUSH_PROMISE, FRAME_PING,
    FRAME_GOAWAY, FRAME_WINDOW_UPDATE, FRAME_CONTINUATION, FRAME_TYPES
} frame_type;

enum {
    FRAME_ACK = 0x1, FRAME_END_STREAM = 0x1, FRAME_END_HEADERS = 0x4, FRAME_PADDED = 0x8, FRAME_HAS_PRIORITY = 0x20
};

typedef struct frame {
    uint32_t length;                   /* of the payload */
    uint32_t stream_id;
    uint8_t type;                      /* frame_type, or unknown */
    uint8_t flags;
} frame;

static inline frame frame_decode(const char *p)
{
    uint32_t first = bytes_u32_be(p);
    return (frame){
        .length = first >> 8,
        .type = (uint8_t)first,
        .flags = (uint8_t)p[4],
        .stream_id = bytes_u32_be(p + 5) & FRAME_STREAM_ID_MAX   /* RFC 9113 4.1: the reserved bit is ignored */
    };
}

static inline void frame_encode(char *p, frame f)
{
    bytes_put_u32_be(p, f.length << 8 | f.type);
    p[4] = (char)f.flags;
    bytes_put_u32_be(p + 5, f.stream_id);
}

static inline h2_fault fault_connection(uint32_t code, const char *reason)
{
    return (h2_fault){ H2_SCOPE_CONNECTION, code, false, reason };
}

static inline h2_fault fault_stream(uint32_t code, const char *reason)
{
    return (h2_fault){ H2_SCOPE_STREAM, code, false, reason };
}

/* Length and stream identifier of a frame whose payload need not be there yet. Unknown types pass but for their length. */
h2_fault frame_check(frame f, uint32_t length_max);
/* Takes the padding off a payload of DATA or HEADERS. A fault: RFC 9113 6.1, 6.2. */
h2_fault frame_unpad(frame f, proa_bytes *payload);
const char *frame_type_name(uint8_t type);                 /* static: "HEADERS", "UNKNOWN" */
const char *frame_flags_text(frame f, char out[64]);       /* " END_STREAM END_HEADERS"; "" for none that the type knows */
#endif
