/* SPDX-License-Identifier: Apache-2.0 */
/* One stream: its state machine (RFC 9113 5.1) and what it holds. The machine is a table; nobody else decides a state. */
#ifndef H2_STREAM_H
#define H2_STREAM_H
#include "base/list.h"
#include "base/slab.h"
#include "h2/flow.h"
#include "h2/h2.h"
#include "h2/queue.h"

typedef enum stream_state { STREAM_IDLE, STREAM_OPEN, STREAM_HALF_LOCAL, STREAM_HALF_REMOTE, STREAM_CLOSED, STREAM_STATES }
    stream_state;

/* R: received, S: sent. END is END_STREAM, after the frame that carries it. */
typedef enum stream_input {
    STREAM_R_HEADERS, STREAM_R_DATA, STREAM_R_END, STREAM_R_RESET, STREAM_R_WINDOW,
    STREAM_S_HEADERS, STREAM_S_DATA, STREAM_S_END, STREAM_S_RESET, STREAM_INPUTS
} stream_input;

typedef struct stream_step {
    uint8_t next;              /* stream_state */
    uint8_t scope;             /* h2_scope of the fault, NONE: legal */
    uint8_t code;
    const char *reason;
} stream_step;

extern const stream_step stream_table[STREAM_STATES][STREAM_INPUTS];

/* Fields that wait behind queued DATA: trailers. One block of memory, texts behind the array. */
typedef struct stream_fields { size_t count; hpack_field fields[]; } stream_fields;
stream_fields *stream_fields_copy(const hpack_field *fields, size_t count);   /* owned: memory_free; NULL: no memory */

struct h2_stream {
    h2_connection *connection; /* NULL: detached */
    slab *slab;                /* it came from there; NULL after detaching: the heap */
    struct h2_stream *chain;   /* streams_table: the next of its slot */
    uint32_t id;
    uint8_t state;             /* stream_state */
    bool is_end_queued;        /* the local side ends when queue and trailers are framed */
    bool is_end_sent;          /* END_STREAM was framed */
    bool is_mute;              /* nothing more may be sent: one of these two, closed, or detached */
    bool has_headers;          /* received: request, or final response */
    bool has_sent_headers;
    bool is_head;              /* client: the request was HEAD, the response has no body (RFC 9110 9.3.2) */
    bool has_length;           /* content-length was given */
    bool is_resetting;         /* RST_STREAM(NO_ERROR) follows what is queued; received DATA is dropped */
    bool is_zombie;            /* server: closed by a fault and not yet released: still counted against streams_max */
    bool is_writable_due, is_closed_due, is_closed_told;
    bool is_unprocessed;
    int32_t send_window;
    flow_receive receive;
    uint32_t want;             /* bytes that the reader waits for; their connection credit is never withheld */
    size_t held;               /* received, not consumed */
    size_t withheld;           /* of those: connection credit that waits for consumption */
    uint64_t length_left;      /* content-length minus DATA */
    uint64_t headers_end;      /* output position behind the first HEADERS */
    int64_t opened_at, forgiven_at;
    size_t watch;              /* H2_EVENT_WRITABLE when queue.size falls under; 0: not asked for */
    queue queue;
    stream_fields *trailers;   /* owned, or NULL */
    list_node all, ready, due, hungry;
    h2_fault fault;
};

_Static_assert(sizeof(struct h2_stream) <= 400, "an open stream is small");
#endif
