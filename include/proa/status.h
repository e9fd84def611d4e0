/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROA_STATUS_H
#define PROA_STATUS_H
#include "proa/message.h"
PROA_BEGIN
typedef enum proa_code {
    PROA_OK = 0, PROA_CANCELLED = 1, PROA_UNKNOWN = 2, PROA_INVALID_ARGUMENT = 3, PROA_DEADLINE_EXCEEDED = 4,
    PROA_NOT_FOUND = 5, PROA_ALREADY_EXISTS = 6, PROA_PERMISSION_DENIED = 7, PROA_RESOURCE_EXHAUSTED = 8,
    PROA_FAILED_PRECONDITION = 9, PROA_ABORTED = 10, PROA_OUT_OF_RANGE = 11, PROA_UNIMPLEMENTED = 12,
    PROA_INTERNAL = 13, PROA_UNAVAILABLE = 14, PROA_DATA_LOSS = 15, PROA_UNAUTHENTICATED = 16,
    PROA_WAIT = -1,      /* handlers on a loop: call me again when something changed */
    PROA_LATER = -2      /* through proa_call_later alone: somebody holds the right to answer */
} proa_code;
typedef struct proa_status { proa_code code; proa_bytes message, details; } proa_status;   /* frozen layout */
PROA_API const char *proa_code_name(proa_code code);              /* static: "NOT_FOUND" */
PROA_API const void *proa_status_detail(const proa_status *, const proa_type *, proa_arena *); /* first of that type or NULL */
PROA_END
#endif
