/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for handlers that wait, and the bounded queue before them. */
#ifndef SERVER_WORKERS_H
#define SERVER_WORKERS_H
#include "call/call.h"

typedef struct workers workers;
workers *workers_new(unsigned threads, unsigned queue_max, proa_error *error);   /* owned: workers_free; NULL: see error */
bool workers_add(workers *workers, proa_call *call);   /* any thread; false: the queue is full */
bool workers_remove(workers *workers, proa_call *call);   /* any thread; false: a worker has it, or had it */
void workers_free(workers *workers);              /* when nothing is queued: waits for each handler to return */
#endif
