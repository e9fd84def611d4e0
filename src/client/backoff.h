/* SPDX-License-Identifier: Apache-2.0 */
/* How long after the begin of a failed attempt the next one begins (doc/connection-backoff.md). Pure. */
#ifndef CLIENT_BACKOFF_H
#define CLIENT_BACKOFF_H
#include <stdint.h>

typedef struct backoff {
    int64_t initial_ns, max_ns;   /* before the jitter */
    int64_t next_ns;              /* 0: the first */
    uint64_t random;
} backoff;

void backoff_init(backoff *b, int64_t initial_ns, int64_t max_ns, uint64_t seed);
int64_t backoff_next(backoff *b); /* the wait that belongs to the attempt which begins now; grows with each */
void backoff_reset(backoff *b);   /* the next one is the first */
uint64_t backoff_random(uint64_t *state);   /* splitmix64 */
#endif
