/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that a client makes again and again, without metadata of their own: path and grpc-timeout, and the block that the
 * head of such a request became. What is found here was found sound before. {0} is an empty one. */
#ifndef RPC_RECALL_H
#define RPC_RECALL_H
#include "rpc/rpc.h"
#include "rpc/timeout.h"

#define RECALL_ENTRIES  4
#define RECALL_PATH_MAX 64             /* longer paths are written anew each time */

typedef struct recall_entry {
    uint8_t path_size, timeout_size;   /* path_size 0: empty */
    char timeout[TIMEOUT_TEXT_MAX];
    char path[RECALL_PATH_MAX];
    h2_prepared block;
} recall_entry;

typedef struct recall {
    recall_entry entries[RECALL_ENTRIES];
    uint8_t next;                      /* whose turn it is to be replaced */
} recall;

/* NULL: none has this path and this timeout (data NULL: none). */
recall_entry *recall_find(recall *recall, proa_bytes path, proa_bytes timeout);
/* An entry for them, whose block is the caller's to fill; NULL: they are too long to be kept. */
recall_entry *recall_add(recall *recall, proa_bytes path, proa_bytes timeout);
#endif
