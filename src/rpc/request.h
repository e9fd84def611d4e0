/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a request: read and judged on a server, written on a client (PROTOCOL-HTTP2.md, Requests). */
#ifndef RPC_REQUEST_H
#define RPC_REQUEST_H
#include "rpc/fields.h"
#include "rpc/rpc.h"

/* ---- Server */

/* Why a request is answered before anybody sees it. Each has its fixed answer. */
typedef enum request_refusal {
    REQUEST_FINE = 0,
    REQUEST_HEADERS_TOO_LARGE,   /* HTTP 431 */
    REQUEST_NOT_POST,            /* HTTP 405 */
    REQUEST_NOT_GRPC,            /* HTTP 415: content-type */
    REQUEST_BAD_PATH,
    REQUEST_BAD_ENCODING,
    REQUEST_BAD_TIMEOUT,         /* HTTP 400 */
    REQUEST_BAD_METADATA,        /* HTTP 400: a -bin value */
    REQUEST_EXPIRED,             /* no time left when it came */
    REQUEST_NO_MEMORY,
    REQUEST_REFUSALS
} request_refusal;

typedef struct request_head {
    proa_bytes path;             /* borrowed from the block */
    int64_t timeout_ns;          /* INT64_MAX: none */
    request_refusal refusal;     /* then nothing else counts */
    bool is_foreign;             /* its codec is not proto: "application/grpc+json" */
} request_head;

/* What the block says; worked out once for a block that comes again (its note). Else in scratch. */
const request_head *request_read(hpack_block *block, request_head *scratch);

typedef struct request_answer {
    const hpack_field *fields;   /* static */
    size_t count;
    proa_code code;
    const char *text;            /* static */
    bool is_http;                /* to more than gRPC clients: what they still send is read for a while, and h2 judges it */
    bool has_body;               /* the text is sent as a body too: whoever asked speaks HTTP, not gRPC */
} request_answer;
const request_answer *request_answer_of(request_refusal refusal);   /* static */

/* Exactly "/service/method", of letters, digits and "._-~", neither of them a dot segment (CVE-2026-33186). */
bool request_is_path(proa_bytes path);
bool request_is_grpc_type(proa_bytes value);      /* "application/grpc", and what "+" or ";" begins behind it */
bool request_is_proto_type(proa_bytes value);     /* of those: without a "+", or with "+proto" */

/* ---- Client */
typedef struct request_origin {  /* what all requests of an endpoint share */
    proa_bytes authority, user_agent;
    bool is_tls;
} request_origin;
extern const char request_user_agent[];           /* ours */
/* timeout: as grpc-timeout has it; data NULL: none; borrowed until the list was sent. */
PROA_CHECK proa_err request_write(const rpc_request *request, const request_origin *origin, proa_bytes timeout, fields *out);
#endif
