/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a connection, step by step (RFC 9113 6.8). Pure.
 *
 *   server:  NONE --drain--> WARNED --PING ACK or late--> FINAL --no stream left--> (stopped)
 *            GOAWAY 2^31-1 + PING    GOAWAY, real id
 *   client:  NONE --drain, GOAWAY of the server, no ids left--> FINAL --no stream left--> (stopped, GOAWAY 0) */
#ifndef H2_GOAWAY_H
#define H2_GOAWAY_H
#include <stdbool.h>
#include <stdint.h>

typedef enum goaway_step { GOAWAY_NONE, GOAWAY_WARNED, GOAWAY_FINAL } goaway_step;

typedef struct goaway {
    goaway_step step;
    uint32_t last_id;          /* FINAL on a server: streams above are ignored */
    int64_t warned_at;
    int64_t final_at;          /* INT64_MAX: not yet */
    const char *debug;         /* static; what ours say; NULL: nothing */
    bool is_received;          /* the peer sent one */
    uint32_t peer_last_id;     /* the lowest it named */
} goaway;

/* For a peer that does not answer the PING between the two; what it opens later is not processed. */
#define GOAWAY_NOTICE_NS INT64_C(1000000000)

/* The peer's GOAWAY. true: it names a higher id than before, which it must not (RFC 9113 6.8); the lower one stays. */
bool goaway_receive(goaway *g, uint32_t last_id);
static inline bool goaway_is_late(const goaway *g, int64_t now)
{
    return g->step == GOAWAY_WARNED && now - g->warned_at >= GOAWAY_NOTICE_NS;
}
#endif
