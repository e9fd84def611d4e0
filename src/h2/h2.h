/* SPDX-License-Identifier: Apache-2.0 */
/* h2: one HTTP/2 connection without I/O, client or server (RFC 9113).
 *
 * Owns: frames, HPACK state, settings, streams, flow control both ways, send queues, abuse budgets.
 * Never does: sockets, clocks, calls, gRPC. No user code runs inside: events are pulled, commands only queue.
 * Used by: rpc, and test programs that answer plain HTTP.
 * A turn: feed(bytes), next_event until it says no, commands, emit + sent until empty; commands, emit, sent and tick may
 * cause events as well: pull again. Bytes that were fed are borrowed until next_event has said no.
 * Streams live until h2_stream_release after their H2_EVENT_CLOSED. */
#ifndef H2_H2_H
#define H2_H2_H
#include "base/base.h"
#include "hpack/hpack.h"

/* RFC 9113 7 */
typedef enum h2_code {
    H2_NO_ERROR = 0, H2_PROTOCOL_ERROR = 1, H2_INTERNAL_ERROR = 2, H2_FLOW_CONTROL_ERROR = 3, H2_SETTINGS_TIMEOUT = 4,
    H2_STREAM_CLOSED = 5, H2_FRAME_SIZE_ERROR = 6, H2_REFUSED_STREAM = 7, H2_CANCEL = 8, H2_COMPRESSION_ERROR = 9,
    H2_CONNECT_ERROR = 10, H2_ENHANCE_YOUR_CALM = 11, H2_INADEQUATE_SECURITY = 12, H2_HTTP_1_1_REQUIRED = 13
} h2_code;
const char *h2_code_name(uint32_t code);          /* static: "PROTOCOL_ERROR", "UNKNOWN" */

/* A fault is a value: what broke, how far it reaches, and who found it. */
typedef enum h2_scope { H2_SCOPE_NONE = 0, H2_SCOPE_STREAM, H2_SCOPE_CONNECTION } h2_scope;
typedef struct h2_fault {
    h2_scope scope;
    uint32_t code;            /* h2_code, or what the peer sent */
    bool is_remote;           /* the peer said it: RST_STREAM, GOAWAY, end of the transport */
    const char *reason;       /* static */
} h2_fault;

typedef enum h2_role { H2_CLIENT, H2_SERVER } h2_role;
typedef struct h2_connection h2_connection;
typedef struct h2_stream h2_stream;

typedef struct h2_counters {  /* how often each limit was met; grows at its end */
    uint64_t streams_opened, streams_refused, resets_received, resets_sent, glitches, header_lists_too_large,
        continuations_exceeded, settings_received, pings_received, empty_frames, output_stalls, calmed,
        header_fields_too_many, settings_too_long, frames_too_large, held_exceeded, controls_stalled, reset_slowed,
        glitch_slowed, streams_put_off, ping_strikes, prefaces_late, headers_late, settings_late, writes_stalled,
        faults_stream, faults_connection, empties_exceeded, windows_grown;
} h2_counters;

typedef struct h2_options {
    h2_role role;
    limits limits;            /* zero members take the defaults */
    size_t stream_extra;      /* bytes beside each stream for the layer above, zeroed: h2_stream_extra */
    slab *streams;            /* borrowed; blocks of h2_stream_size(stream_extra); NULL: the connection's own */
    const trace *trace;       /* borrowed; NULL: none */
    uint64_t seed;            /* of hashes and jitter */
    bool is_ping_permitted;   /* server: without open streams a client may ping as often as with some (gRFC A8) */
} h2_options;

size_t h2_stream_size(size_t stream_extra);
h2_connection *h2_connection_new(const h2_options *options, int64_t now);   /* owned: h2_connection_free; NULL: no memory */
void h2_connection_free(h2_connection *connection);   /* streams not yet released stay with their holders, detached */

/* ---- The five verbs */
void h2_connection_feed(h2_connection *connection, proa_bytes bytes, int64_t now);

typedef enum h2_event_type {
    H2_EVENT_NONE = 0,
    H2_EVENT_SETTINGS,        /* the peer's SETTINGS were applied (the first one makes a client ready) */
    H2_EVENT_HEADERS,         /* stream, block, headers_kind, is_end, is_too_large */
    H2_EVENT_DATA,            /* stream, bytes, is_end; the credit of bytes.size goes back through h2_stream_consume */
    H2_EVENT_WRITABLE,        /* stream: its queue fell under half of what h2_stream_watch asked for */
    H2_EVENT_CLOSED,          /* stream, fault, is_unprocessed: its last event, exactly once. scope NONE: both sides ended well */
    H2_EVENT_ROOM,            /* client: a stream may be opened again after h2_stream_open said NULL for want of room */
    /* The peer's GOAWAY: last_stream_id, fault.code, bytes (debug data). Unprocessed streams follow as CLOSED. On a client
     * also, with fault.is_remote false, when stream numbers ran out. */
    H2_EVENT_GOAWAY,
    H2_EVENT_PING_ACK,        /* payload */
    H2_EVENT_STOPPED          /* connection, fault: the last event of all; emit may still have a GOAWAY to send */
} h2_event_type;
typedef enum h2_headers_kind {
    H2_HEADERS_REQUEST, H2_HEADERS_INFORMATIONAL, H2_HEADERS_RESPONSE, H2_HEADERS_TRAILERS
} h2_headers_kind;
typedef struct h2_event {     /* what the type does not name is not set */
    h2_event_type type;
    h2_stream *stream;
    hpack_block *block;       /* borrowed until the next event: retain it to keep it */
    h2_headers_kind headers_kind;
    bool is_end;              /* the peer ended its side with this frame */
    bool is_too_large;        /* HEADERS over a header limit: block is NULL; answer (431) or reset */
    bool is_unprocessed;      /* CLOSED: the peer surely did not act on it (REFUSED_STREAM, above GOAWAY's last id, never sent) */
    proa_bytes bytes;         /* borrowed until the next event */
    h2_fault fault;
    uint32_t last_stream_id;
    uint64_t payload;
} h2_event;
bool h2_connection_next_event(h2_connection *connection, h2_event *out);
hpack_block *h2_connection_take_block(h2_connection *connection);   /* of the last event: yours (hpack_block_release), once */

#define H2_OUTPUT_PARTS_MAX 64
typedef struct h2_output { proa_bytes parts[H2_OUTPUT_PARTS_MAX]; size_t count; size_t size; } h2_output;
/* What to write next; borrowed until the next verb or command. false: nothing. Frames DATA fairly between streams. */
bool h2_connection_emit(h2_connection *connection, h2_output *out, int64_t now);
void h2_connection_sent(h2_connection *connection, size_t size);   /* that many bytes of it were written */

/* INT64_MAX: none. In the past or now: pull, emit and tick again at once, something is ready. */
int64_t h2_connection_deadline(const h2_connection *connection);
void h2_connection_tick(h2_connection *connection, int64_t now);

/* ---- State that the pump asks for */
bool h2_connection_wants_input(const h2_connection *connection);   /* false: stop reading (output full, or the peer is slowed) */
bool h2_connection_is_over(const h2_connection *connection);       /* STOPPED was reported, all output taken: close the transport */
bool h2_connection_is_idle(const h2_connection *connection);       /* no open stream, nothing to send */
uint32_t h2_connection_streams(const h2_connection *connection);   /* open ones */
bool h2_connection_can_open(const h2_connection *connection);      /* client: h2_stream_open would succeed */
const h2_counters *h2_connection_counters(const h2_connection *connection);   /* borrowed */
const char *h2_connection_audit(h2_connection *connection);        /* for tests: NULL, or the rule that does not hold; static */
/* For tests: what may be sent and received now, bytes that nobody consumed, streams that are open or end late. */
typedef struct h2_books { int64_t sendable, receivable; uint64_t held; uint32_t streams; } h2_books;
h2_books h2_connection_books(const h2_connection *connection);

/* ---- Commands to the connection */
/* Server: GOAWAY 2^31-1, PING, then the real id, both with that debug text (static; NULL: none); STOPPED when the last
 * stream ended. Client: opens no more; GOAWAY and STOPPED when the last stream ended. */
void h2_connection_drain(h2_connection *connection, const char *debug);
int64_t h2_connection_final_at(const h2_connection *connection);   /* server: a drain's last GOAWAY went out; INT64_MAX: not */
/* GOAWAY now; streams end as CLOSED, then STOPPED. */
void h2_connection_stop(h2_connection *connection, h2_code code, proa_bytes debug);
void h2_connection_lost(h2_connection *connection, const char *reason);   /* the transport is gone; reason is static */
proa_err h2_connection_ping(h2_connection *connection, uint64_t payload);

/* ---- Streams */
/* Client. No frame yet. NULL: no room (h2_connection_can_open), GOAWAY, or no memory. */
h2_stream *h2_stream_open(h2_connection *connection);
h2_stream *h2_stream_next(h2_connection *connection, h2_stream *after);   /* of those not yet released; NULL begins, and ends */
uint32_t h2_stream_id(const h2_stream *stream);         /* 0 before its first headers */
void *h2_stream_extra(h2_stream *stream);               /* zeroed at its begin */
h2_connection *h2_stream_connection(h2_stream *stream); /* NULL after the connection was freed */
void h2_stream_release(h2_stream *stream);              /* after CLOSED: memory goes */

/* Sending. Order is kept: headers, data, trailers (headers with is_end). After is_end nothing may follow; sending on a closed
 * stream does nothing. Errors: NOMEM, then the stream is reset by the engine; LIMIT, the list is larger than the peer takes
 * (SETTINGS_MAX_HEADER_LIST_SIZE), then nothing was done. Fields are copied or encoded at once. */
proa_err h2_stream_send_headers(h2_stream *stream, const hpack_field *fields, size_t count, bool is_end);
/* The same list sent again, without encoding it: a note of what the encoder wrote, {0} at first. Its holder uses it for one list
 * alone, and on one connection. Short blocks are kept that the encoder would write the same again; others leave it empty. */
#define H2_PREPARED_MAX 47
typedef struct h2_prepared {
    uint64_t generation;      /* of the encoder's table: only while it is the same */
    uint32_t list_bytes;      /* RFC 9113 6.5.2 */
    uint8_t size;             /* 0: empty */
    char block[H2_PREPARED_MAX + 1];
} h2_prepared;
/* As h2_stream_send_headers, which sets *keep. */
proa_err h2_stream_prepare_headers(h2_stream *stream, const hpack_field *fields, size_t count, bool is_end, h2_prepared *keep);
bool h2_stream_send_prepared(h2_stream *stream, const h2_prepared *prepared, bool is_end);   /* false: nothing was done */
/* true: it has ended well, both sides, and H2_EVENT_CLOSED, which was due, is hereby told. Spares who has just seen or sent
 * END_STREAM a round of events. */
bool h2_stream_take_end(h2_stream *stream);
proa_err h2_stream_send_data(h2_stream *stream, const proa_bytes *parts, size_t count, bool is_end);   /* copied, straight into
                                                           the output when windows and queue allow */
proa_err h2_stream_send_slice(h2_stream *stream, proa_bytes head, proa_slice *slice, bool is_end);   /* head copied, slice taken */
size_t h2_stream_queued(const h2_stream *stream);       /* DATA bytes accepted and not yet framed */
void h2_stream_watch(h2_stream *stream, size_t high);   /* report WRITABLE once when queued is, or falls, under high / 2 */
void h2_stream_reset(h2_stream *stream, h2_code code);  /* drops what is queued; CLOSED follows. NO_ERROR when is_end was queued
                                                           goes out behind it (RFC 9113 8.1), received DATA is dropped */
void h2_stream_forgive(h2_stream *stream, int64_t from); /* server: a reset by the peer from then on is not charged to it: its own
                                                           deadline ran out */
void h2_stream_consume(h2_stream *stream, size_t size); /* received bytes that were used: gives the peer its credit back */
/* The reader waits for size more bytes than have come (the rest of a message, or of its prefix): opens the window that far
 * at once, and its connection credit is never withheld. Not called, a stream over held_bytes_max may stand still. */
void h2_stream_want(h2_stream *stream, size_t size);
#endif
