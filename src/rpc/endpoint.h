/* SPDX-License-Identifier: Apache-2.0 */
/* What an endpoint keeps for its exchanges. Only the rooms of rpc look inside. */
#ifndef RPC_ENDPOINT_H
#define RPC_ENDPOINT_H
#include "rpc/envelope.h"
#include "rpc/fields.h"
#include "rpc/recall.h"
#include "rpc/request.h"
#include "rpc/upkeep.h"

struct rpc_endpoint {
    h2_connection *h2;            /* owned */
    h2_role role;
    int64_t now;                  /* of the last verb that was told */
    envelope_home home;
    slab queues;
    fields fields;                /* of the header list that is being built */
    rpc_exchange *current;        /* whose events are reported first; NULL: that of the first in ready */
    list ready;                   /* others with events to report */
    unsigned running;             /* those that did not end */
    heap deadlines;
    recall *recall;               /* client: owned; NULL: nothing was asked twice, or no memory for it */
    h2_prepared reply_headers, reply_trailers, reply_only;   /* server: those of a call that ends well */
    request_origin origin;        /* client; its texts are owned, in one block */
    char *origin_text;
    size_t receive_bytes_max;
    uint64_t oversized;           /* messages refused for their size */
    const trace *trace;
    upkeep upkeep;
    bool is_ready;                /* READY was reported */
    bool is_closing;              /* no call begins any more */
    bool is_stopped;              /* rpc_endpoint_stop */
    bool is_gone;                 /* h2 has said its last word */
};
/* A call begins, or one ended: keepalive and idleness depend on whether there are any. */
void endpoint_begin_call(rpc_endpoint *endpoint);
void endpoint_end_call(rpc_endpoint *endpoint);
#endif
