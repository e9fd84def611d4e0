/* SPDX-License-Identifier: Apache-2.0 */
/* The head and the trailers of a reply: written on a server, read and judged on a client (PROTOCOL-HTTP2.md, Responses). */
#ifndef RPC_RESPONSE_H
#define RPC_RESPONSE_H
#include "rpc/fields.h"
#include "rpc/rpc.h"

/* ---- Server. What is always the same is static: h2 recognises it. */
typedef struct response_fields { const hpack_field *data; size_t count; } response_fields;
PROA_CHECK proa_err response_write_headers(proa_headers headers, fields *scratch, response_fields *out);
/* is_only: Trailers-Only, nothing was sent before. The text is cut to LIMITS_STATUS_MESSAGE_BYTES_MAX when encoded. */
bool response_is_plain(const proa_status *status, proa_headers trailers);   /* OK, and nothing else to say */
PROA_CHECK proa_err response_write_trailers(const proa_status *status, proa_headers trailers, bool is_only,
                                            fields *scratch, response_fields *out);

/* ---- Client */
typedef struct response_verdict {
    bool is_final;               /* the call has a status: code, and the rest when it is not from grpc-status */
    bool is_from_peer;           /* grpc-status was there: text and details are in the block */
    proa_code code;
    unsigned http_status;        /* of a reply that is not gRPC's: 0, or what it said */
    const char *text;            /* static; NULL when is_from_peer */
} response_verdict;
/* Of a block that comes again what was found of it is kept (its note), when it is what most are. */
response_verdict response_read_headers(hpack_block *block, bool is_end);
response_verdict response_read_trailers(hpack_block *block);
bool response_is_plain_end(const hpack_block *trailers);   /* known to say OK and nothing else about the status */
/* grpc-message decoded, and grpc-status-details-bin when its code is that one; both in arena. */
void response_read_status(const hpack_block *block, proa_arena *arena, proa_status *status);
#endif
