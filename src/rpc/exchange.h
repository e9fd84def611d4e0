/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange: its states, its end, its events. The rooms serving, calling and traffic move it; nobody else decides a
 * state. It lies beside its h2_stream, in the same block. */
#ifndef RPC_EXCHANGE_H
#define RPC_EXCHANGE_H
#include "rpc/endpoint.h"

typedef enum exchange_state {
    EXCHANGE_FRESH = 0,           /* a stream that no request was read from */
    EXCHANGE_OPEN,
    EXCHANGE_REPLYING,
    EXCHANGE_ENDING,
    EXCHANGE_ENDED,
    EXCHANGE_REFUSED,
    EXCHANGE_STATES
} exchange_state;

typedef enum exchange_input {
    EXCHANGE_BEGIN,               /* a request: read and found fine, or written */
    EXCHANGE_REFUSE,              /* a request that nobody is to see */
    EXCHANGE_REPLY,               /* headers of the reply: sent, or received */
    EXCHANGE_STATUS,              /* it is known how it ends: finish, trailers, cancel, deadline, fault */
    EXCHANGE_CLOSED,              /* the stream is gone */
    EXCHANGE_INPUTS
} exchange_input;

extern const uint8_t exchange_table[EXCHANGE_STATES][EXCHANGE_INPUTS];   /* EXCHANGE_STATES: it does not happen there */

struct rpc_exchange {
    rpc_endpoint *endpoint;       /* NULL: detached */
    h2_stream *stream;
    void *user;
    list_node ready;
    heap_node deadline;           /* its key is the deadline, also when it is in no heap */
    envelope envelope;            /* messages in */
    size_t held;                  /* bytes received and neither popped nor dropped */
    size_t queue_max;
    hpack_block *head;            /* retained. server: the request; client: the headers of the reply */
    hpack_block *trailers;        /* retained; client: the block with the status */
    proa_bytes path;              /* server: in head */
    proa_headers head_read, trailers_read;    /* as built for the first who asked */
    const char *text;             /* of the status, static; NULL: the peer's, in trailers, or none */
    uint32_t h2_code;             /* has_h2_code: it names this in the text */
    uint16_t http_status;         /* not 0: it names this in the text */
    uint16_t events;              /* bit of each rpc_event_type to report */
    int8_t code;                  /* proa_code */
    uint8_t state;                /* exchange_state */
    bool has_h2_code;
    bool is_half_closed;          /* the peer ended its side */
    bool is_done_sending;         /* we ended ours */
    bool is_foreign;              /* server: of another codec than proto */
    bool is_patient;              /* server: the key is EXCHANGE_PATIENCE_NS behind the deadline */
    bool is_unprocessed, is_unsent;
    uint16_t cut_after;           /* server, refused: RST_STREAM waits for that many bytes of DATA */
};

/* A turn's clock is older than the bytes that it reads, so a server's deadline may lie a moment before its client's, which
 * would hear of a reset that it cannot explain (CANCELLED): the client is to be the first to notice. */
#define EXCHANGE_PATIENCE_NS (10 * PROA_MILLISECOND)

void exchange_init(rpc_exchange *exchange, rpc_endpoint *endpoint, h2_stream *stream);
/* Moves along the table. false: this does not happen in this state, and nothing did. */
bool exchange_step(rpc_exchange *exchange, exchange_input input);
static inline bool exchange_is_running(const rpc_exchange *e)
{ return e->state == EXCHANGE_OPEN || e->state == EXCHANGE_REPLYING; }
static inline unsigned exchange_first_event(unsigned events)          /* the smallest rpc_event_type among the bits */
{
#if defined(__GNUC__)
    return (unsigned)__builtin_ctz(events);
#else
    unsigned type = RPC_EVENT_CALL;
    while (!(events & 1u << type))
        type++;
    return type;
#endif
}
void exchange_raise(rpc_exchange *exchange, rpc_event_type event);
bool exchange_pop_detached(rpc_exchange *exchange, proa_slice *out, envelope_fault *fault);   /* its endpoint is gone */
proa_err exchange_set_deadline(rpc_exchange *exchange, int64_t deadline_ns);

/* The first who settles decides the status. false: it was settled before. text is static. */
bool exchange_settle(rpc_exchange *exchange, proa_code code, const char *text);
/* Settles and resets the stream with the code that belongs to this one. */
void exchange_abort(rpc_exchange *exchange, proa_code code, const char *text);
/* The peer broke a rule in its messages: a server answers with trailers when it can, else as abort. */
void exchange_fail(rpc_exchange *exchange, proa_code code, const char *text);
void exchange_drop_input(rpc_exchange *exchange);
void exchange_close(rpc_exchange *exchange, const h2_fault *fault, bool is_unprocessed);   /* h2 said CLOSED */
/* END_STREAM was sent or has come: if both are done, that was CLOSED. The exchange may be gone behind it. */
static inline void exchange_take_end(rpc_exchange *exchange)
{
    static const h2_fault none;
    if (exchange->endpoint && h2_stream_take_end(exchange->stream))
        exchange_close(exchange, &none, false);
}
void exchange_detach(rpc_exchange *exchange);                         /* the endpoint goes */
void exchange_dispose(rpc_exchange *exchange);                        /* its memory, and that of its stream, goes */
void exchange_expire(rpc_exchange *exchange);
bool exchange_is_late(const rpc_exchange *exchange, proa_code code);   /* it means DEADLINE_EXCEEDED */
extern const char exchange_text_late[];
extern const char exchange_text_over_peer[];

/* serving.c */
void serving_take_request(rpc_endpoint *endpoint, const h2_event *event);
void serving_take_trailers(rpc_exchange *exchange);
void serving_half_close(rpc_exchange *exchange);
void serving_finish_static(rpc_exchange *exchange, proa_code code, const char *text);   /* or abort, when memory is out */
bool serving_begin_reply(rpc_exchange *exchange);                     /* sends plain headers unless some went out */
/* calling.c */
void calling_take_headers(rpc_exchange *exchange, const h2_event *event);
void calling_take_end(rpc_exchange *exchange);                        /* END_STREAM on DATA */
/* traffic.c */
void traffic_take_data(rpc_exchange *exchange, const h2_event *event);

#define EXCHANGE_TRACE(e, ...) \
    TRACE((e)->endpoint ? (e)->endpoint->trace : NULL, TRACE_RPC, "rpc " __VA_ARGS__)
#endif
