/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The outcome of an RPC: data that arrives successfully, even when it says NOT_FOUND.
 */
#ifndef PROA_STATUS_H
#define PROA_STATUS_H
#include "proa/message.h"
PROA_BEGIN

/** How an RPC ended; the numbers of gRPC's doc/statuscodes.md. A handler returns one of them, or PROA_WAIT. */
typedef enum proa_code {
    PROA_OK = 0,                  /**< it worked */
    PROA_CANCELLED = 1,           /**< cancelled, usually by the caller */
    PROA_UNKNOWN = 2,             /**< an error of which nothing else is known */
    PROA_INVALID_ARGUMENT = 3,    /**< the request is wrong, whatever the state of the server */
    PROA_DEADLINE_EXCEEDED = 4,   /**< the time was over first; it may still have worked */
    PROA_NOT_FOUND = 5,           /**< what was asked for is not there */
    PROA_ALREADY_EXISTS = 6,      /**< what was to be made is there already */
    PROA_PERMISSION_DENIED = 7,   /**< the caller is known and may not */
    PROA_RESOURCE_EXHAUSTED = 8,  /**< a quota, a queue, memory */
    PROA_FAILED_PRECONDITION = 9, /**< not in this state of the server; do not simply retry */
    PROA_ABORTED = 10,            /**< a conflict; retry at a higher level */
    PROA_OUT_OF_RANGE = 11,       /**< past the end */
    PROA_UNIMPLEMENTED = 12,      /**< nobody serves this method */
    PROA_INTERNAL = 13,           /**< something is broken */
    PROA_UNAVAILABLE = 14,        /**< not now; retry with backoff */
    PROA_DATA_LOSS = 15,          /**< data is lost or damaged */
    PROA_UNAUTHENTICATED = 16,    /**< the caller is not known */
    PROA_WAIT = -1,               /**< of handlers on a loop: call me again when something changed; never on the wire */
    PROA_LATER = -2               /**< from proa_call_later alone: somebody holds the right to answer */
} proa_code;

/** The outcome of an RPC. Frozen. Its bytes belong to whoever gave it: see there. */
typedef struct proa_status {
    proa_code code;     /**< 0 to 16; a number from the wire that is none of them arrives as PROA_UNKNOWN */
    proa_bytes message; /**< text for people, UTF-8 */
    proa_bytes details; /**< an encoded google.rpc.Status (the header grpc-status-details-bin), or absent */
} proa_status;

/** Names a code: "NOT_FOUND"; "UNKNOWN" for what is none. *static*. Thread: any. */
PROA_API const char *proa_code_name(proa_code code);

/** Decodes the first detail of a given type out of a status: one Any of google.rpc.Status.
 *
 * Ownership: *borrowed (until the arena goes; it may point into status)*. Errors: NULL, there is none of that type, it
 * is malformed, or no memory. Thread: that of the arena.
 */
PROA_API const void *proa_status_detail(const proa_status *status, const proa_type *type, proa_arena *arena);

PROA_END
#endif
