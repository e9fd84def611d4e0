/* SPDX-License-Identifier: Apache-2.0 */
/* The tables that lead to a status and away from it. Each row says where it comes from; status_test.c holds each.
 *   http   grpc doc/http-grpc-status-mapping.md      rst    grpc doc/PROTOCOL-HTTP2.md, "Errors"
 *   core   C-core, grpc_status_to_http2_error        codes  grpc doc/statuscodes.md */
#include "rpc/status.h"
#include "base/bytes.h"

const char *proa_code_name(proa_code code)
{
    static const char *const names[] = {
        "OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
        "NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED",
    };
    return code >= PROA_OK && code <= PROA_UNAUTHENTICATED ? names[code] : "UNKNOWN";
}

proa_code rpc_code_of_http(unsigned http_status)
{
    switch (http_status) {
    case 400: return PROA_INTERNAL;          /* http */
    case 401: return PROA_UNAUTHENTICATED;   /* http */
    case 403: return PROA_PERMISSION_DENIED; /* http */
    case 404: return PROA_UNIMPLEMENTED;     /* http */
    case 429: return PROA_UNAVAILABLE;       /* http */
    case 502: return PROA_UNAVAILABLE;       /* http */
    case 503: return PROA_UNAVAILABLE;       /* http */
    case 504: return PROA_UNAVAILABLE;       /* http */
    default: return PROA_UNKNOWN;            /* http: all others, 431 and 200 without a status among them */
    }
}

proa_code rpc_code_of_h2(uint32_t h2_code_value)
{
    switch (h2_code_value) {
    case H2_NO_ERROR: return PROA_INTERNAL;                     /* rst: no status was sent, so it is an error */
    case H2_PROTOCOL_ERROR: return PROA_INTERNAL;               /* rst */
    case H2_INTERNAL_ERROR: return PROA_INTERNAL;               /* rst */
    case H2_FLOW_CONTROL_ERROR: return PROA_INTERNAL;           /* rst */
    case H2_SETTINGS_TIMEOUT: return PROA_INTERNAL;             /* rst */
    case H2_STREAM_CLOSED: return PROA_INTERNAL;                /* rst gives none; grpc-go, C-core */
    case H2_FRAME_SIZE_ERROR: return PROA_INTERNAL;             /* rst: FRAME_TOO_LARGE */
    case H2_REFUSED_STREAM: return PROA_UNAVAILABLE;            /* rst */
    case H2_CANCEL: return PROA_CANCELLED;                      /* rst */
    case H2_COMPRESSION_ERROR: return PROA_INTERNAL;            /* rst */
    case H2_CONNECT_ERROR: return PROA_INTERNAL;                /* rst */
    case H2_ENHANCE_YOUR_CALM: return PROA_RESOURCE_EXHAUSTED;  /* rst */
    case H2_INADEQUATE_SECURITY: return PROA_PERMISSION_DENIED; /* rst */
    case H2_HTTP_1_1_REQUIRED: return PROA_INTERNAL;            /* grpc-go, http2ErrConvTab */
    default: return PROA_UNKNOWN;                               /* C-core, grpc-go */
    }
}

uint32_t rpc_h2_of_code(proa_code code)
{
    switch (code) {
    case PROA_OK: return H2_NO_ERROR;                           /* core */
    case PROA_CANCELLED: return H2_CANCEL;                      /* core */
    case PROA_DEADLINE_EXCEEDED: return H2_CANCEL;              /* core */
    case PROA_PERMISSION_DENIED: return H2_INADEQUATE_SECURITY; /* core */
    case PROA_RESOURCE_EXHAUSTED: return H2_ENHANCE_YOUR_CALM;  /* core */
    case PROA_UNAVAILABLE: return H2_REFUSED_STREAM;            /* core */
    default: return H2_INTERNAL_ERROR;                          /* core */
    }
}

proa_code rpc_code_of_err(proa_err error)
{
    switch (error) {
    case PROA_ERR_NONE: return PROA_OK;
    case PROA_ERR_NOMEM: return PROA_RESOURCE_EXHAUSTED; /* codes: "server temporarily out of resources" */
    case PROA_ERR_LIMIT: return PROA_RESOURCE_EXHAUSTED; /* codes: message larger than configured limits */
    case PROA_ERR_MALFORMED: return PROA_INTERNAL;       /* codes: "error parsing proto" */
    case PROA_ERR_REQUIRED: return PROA_INTERNAL;        /* codes: "error parsing proto" */
    case PROA_ERR_CLOSED: return PROA_UNAVAILABLE;       /* codes: "server is shutting down" */
    case PROA_ERR_ADDRESS: return PROA_UNAVAILABLE;      /* doc/connectivity-semantics-and-api.md */
    case PROA_ERR_IO: return PROA_UNAVAILABLE;           /* codes: "connection breaks" */
    case PROA_ERR_TLS: return PROA_UNAVAILABLE;          /* doc/connectivity-semantics-and-api.md */
    case PROA_ERR_CONFIG: return PROA_INTERNAL;          /* codes: "serious errors" */
    }
    return PROA_UNKNOWN;
}

proa_code status_parse(proa_bytes value)
{
    if (value.size == 0 || value.size > 2)
        return PROA_UNKNOWN;
    int code = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return PROA_UNKNOWN;
        code = code * 10 + (value.data[i] - '0');
    }
    return code <= PROA_UNAUTHENTICATED ? (proa_code)code : PROA_UNKNOWN;
}

proa_bytes status_text(proa_code code)
{
    static const char digits[] = "012345678910111213141516";
    if (code >= 0 && code < 10)
        return (proa_bytes){ digits + code, 1 };
    if (code >= 10 && code <= PROA_UNAUTHENTICATED)
        return (proa_bytes){ digits + 10 + 2 * (code - 10), 2 };
    return PROA_STR("2");
}

static bool read_varint(proa_bytes *in, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && in->size; shift += 7) {
        unsigned char byte = (unsigned char)*in->data;
        in->data++;
        in->size--;
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* Messages are bytes to this folder; of this one it needs a single number: field 1, a varint. */
bool status_details_code(proa_bytes details, uint64_t *code)
{
    uint64_t found = 0;
    while (details.size) {
        uint64_t tag, value;
        if (!read_varint(&details, &tag) || tag >> 3 == 0)
            return false;
        size_t skip = 0;
        switch (tag & 7) {
        case 0:
            if (!read_varint(&details, &value))
                return false;
            if (tag >> 3 == 1)
                found = value;
            break;
        case 1: skip = 8; break;
        case 5: skip = 4; break;
        case 2:
            if (!read_varint(&details, &value) || value > details.size)
                return false;
            skip = (size_t)value;
            break;
        default: return false; /* groups: google.rpc.Status has none */
        }
        if (skip > details.size)
            return false;
        details.data += skip;
        details.size -= skip;
    }
    *code = found;
    return true;
}
