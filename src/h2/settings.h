/* SPDX-License-Identifier: Apache-2.0 */
/* SETTINGS of one side: their values, and the payload they travel in (RFC 9113 6.5). Pure. */
#ifndef H2_SETTINGS_H
#define H2_SETTINGS_H
#include "h2/h2.h"

enum {
    SETTINGS_HEADER_TABLE_SIZE = 1, SETTINGS_ENABLE_PUSH, SETTINGS_MAX_CONCURRENT_STREAMS, SETTINGS_INITIAL_WINDOW_SIZE,
    SETTINGS_MAX_FRAME_SIZE, SETTINGS_MAX_HEADER_LIST_SIZE
};
#define SETTINGS_WINDOW_DEFAULT 65535u
#define SETTINGS_TABLE_DEFAULT 4096u
#define SETTINGS_STREAMS_ASSUMED 100u   /* before the server's SETTINGS arrived, as other gRPC clients do */
#define SETTINGS_SIZE_MAX 36u           /* what settings_encode writes at most */

typedef struct settings {
    uint32_t header_table_bytes, is_push_on, streams_max, window_bytes, frame_bytes_max, header_list_bytes_max;
} settings;

extern const settings settings_default; /* RFC 9113 6.5.2 */

/* Applies one payload, in order (RFC 9113 6.5.3). from: who sent it. On a fault into is untouched. */
h2_fault settings_decode(proa_bytes payload, h2_role from, uint32_t entries_max, settings *into);
/* Writes what differs from the default; returns the bytes written. */
size_t settings_encode(const settings *values, char out[SETTINGS_SIZE_MAX]);
#endif
