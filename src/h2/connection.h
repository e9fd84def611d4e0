/* SPDX-License-Identifier: Apache-2.0 */
/* The connection as its rooms see it: connection (verbs, events, ends), receive (a frame came), send (a stream's commands,
 * framing), credit (received bytes). Everything else of h2 is a room that does not know it. */
#ifndef H2_CONNECTION_H
#define H2_CONNECTION_H
#include "h2/bandwidth.h"
#include "h2/budget.h"
#include "h2/frame.h"
#include "h2/goaway.h"
#include "h2/input.h"
#include "h2/output.h"
#include "h2/ping.h"
#include "h2/settings.h"
#include "h2/streams.h"

typedef enum connection_phase { PHASE_MAGIC, PHASE_SETTINGS, PHASE_OPEN, PHASE_STOPPED } connection_phase;

/* Header block in the course of its frames (RFC 9113 4.3). */
typedef struct connection_block {
    buffer bytes;
    uint32_t stream_id;            /* 0: none */
    uint32_t continuations;
    uint8_t flags;                 /* of its HEADERS */
    h2_fault fault;                /* of the stream: found in HEADERS, the block must be decoded all the same */
} connection_block;

/* DATA frame whose payload streams through. */
typedef struct connection_data {
    h2_stream *stream;             /* NULL: the bytes are dropped, their credit goes back */
    uint32_t left, padding;
    bool is_active, is_end;
} connection_data;

struct h2_connection {
    h2_role role;
    connection_phase phase;
    bool is_stop_told, is_put_off, wants_room, is_stuck;
    bool is_ids_out_due;           /* client: stream numbers ran out */
    bool is_settings_acked;        /* the peer acknowledged our first */
    bool is_cut;                   /* what is kept of the input waits for more */
    int64_t now;
    limits limits;
    const trace *trace;
    input input;
    output output;
    streams streams;
    uint32_t next_id;              /* client: of the next stream */
    uint32_t opened_now;           /* streams that this feed opened */
    settings peer;
    uint32_t settings_waiting;     /* ours that wait for their ACK */
    int32_t send_window;
    flow_receive receive;
    uint32_t receive_base;         /* its target before it grew */
    bandwidth bandwidth;
    uint32_t stream_window;        /* what the peer takes for the initial window of its streams */
    size_t held;                   /* received, not consumed, all streams */
    uint64_t lent;                 /* debt of all streams: opened for waiting readers beyond their windows */
    connection_block block;
    connection_data data;
    hpack_decoder *decoder;
    hpack_encoder *encoder;
    hpack_block *event_block;      /* of the last event */
    budget budget;
    ping ping;
    goaway goaway;
    list due, ready, hungry;
    h2_stream *ended;              /* the last one that ended well and was not told: in due unless somebody takes its end */
    h2_fault stop_fault;
    int64_t settings_at;           /* ours went out; INT64_MAX: acknowledged */
    int64_t preface_at;            /* the connection began; INT64_MAX: the peer's preface is whole */
    int64_t partial_since;         /* a frame or a header block began; INT64_MAX: none */
    int64_t paused_until;          /* the peer is slowed down */
    int64_t stalled_since;         /* output waits since; INT64_MAX: none does */
    int64_t active_at;             /* anything came or went */
    int64_t trim_at;               /* INT64_MAX: nothing to give back */
    h2_counters counters;
};

static inline bool connection_is_stopped(const h2_connection *c) { return c->phase == PHASE_STOPPED; }

/* ---- connection.c */
void connection_fail(h2_connection *connection, h2_fault fault);               /* GOAWAY with its code, the end */
void connection_tell_ended(h2_connection *connection);
void connection_end_stream(h2_connection *connection, h2_stream *stream);        /* both sides ended it */
void connection_close_stream(h2_connection *connection, h2_stream *stream, h2_fault fault, streams_past past);
void connection_due(h2_connection *connection, h2_stream *stream);             /* it has an event to report */
/* RST_STREAM for a fault that the peer caused: stream may be NULL, then only its id is known. */
void connection_refuse(h2_connection *connection, uint32_t id, h2_stream *stream, h2_fault fault);
typedef enum connection_cost { COST_GLITCH, COST_ANSWER, COST_RESET } connection_cost;
void connection_charge(h2_connection *connection, connection_cost cost);       /* may pause or end the connection */
void connection_finish_drain(h2_connection *connection);                       /* server: the second GOAWAY */
bool connection_has_room(const h2_connection *connection);                     /* client: a stream may be opened */

/* ---- receive.c */
typedef enum receive_result { RECEIVE_MORE, RECEIVE_DONE, RECEIVE_PAUSED } receive_result;
receive_result receive_next(h2_connection *connection, h2_event *out);         /* one frame, or one piece of DATA */
/* A whole header block came; fault: of its stream, found in HEADERS; NULL: none. */
h2_fault receive_block(h2_connection *connection, uint32_t id, uint8_t flags, proa_bytes bytes, const h2_fault *fault,
                       h2_event *out);
void receive_end(h2_connection *connection, h2_stream *stream);                /* END_STREAM came */
void receive_fault(h2_connection *connection, uint32_t id, h2_fault fault);    /* does what follows from it */
/* A new stream, and this feed has opened its share. */
static inline bool receive_is_put_off(const h2_connection *c, frame f)
{
    return c->opened_now >= c->limits.streams_per_feed_max && c->role == H2_SERVER && f.stream_id > c->streams.last_id;
}
/* HEADERS or DATA of a running connection, where nothing can be wrong with it yet: what nearly every frame is. */
static inline bool receive_is_plain(const h2_connection *c, frame f)
{
    return f.type <= FRAME_HEADERS && f.stream_id && f.length <= FRAME_LENGTH_MIN && c->phase == PHASE_OPEN &&
           !c->block.stream_id;
}

/* ---- plain.c */
bool receive_plain(h2_connection *connection, h2_event *out);                  /* one frame, if it is a plain one */

/* ---- send.c */
void send_ready(h2_connection *connection, h2_stream *stream);                 /* its window grew, or it queued something */
void send_queued(h2_connection *connection);                                   /* frames DATA, in turn, up to a measure */
bool send_has_work(const h2_connection *connection);

/* ---- credit.c */
void credit_received(h2_connection *connection, h2_stream *stream, uint32_t size);   /* handed to the layer above */
void credit_dropped(h2_connection *connection, uint32_t size);                       /* nobody will consume it */
void credit_padding(h2_connection *connection, h2_stream *stream, uint32_t size);
void credit_released(h2_connection *connection, h2_stream *stream);
void credit_grow(h2_connection *connection, uint32_t window);                        /* of streams, and of the connection */
void credit_announce(h2_connection *connection);                                     /* once a turn: of the connection */
#endif
