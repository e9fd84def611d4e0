/* SPDX-License-Identifier: Apache-2.0 */
/* When a connection is to be asked whether it still lives, and when it has served its time (gRFC A8, A9). Pure: it tells
 * what is due, the endpoint does it. */
#ifndef RPC_UPKEEP_H
#define RPC_UPKEEP_H
#include "rpc/rpc.h"

#define UPKEEP_TIMEOUT_NS INT64_C(20000000000)   /* gRFC A8: keepalive_timeout_ns */

typedef struct upkeep {
    h2_role role;
    int64_t keepalive_ns, timeout_ns, idle_max_ns, grace_ns;   /* INT64_MAX: never */
    bool is_without_calls;
    bool is_draining;          /* no age and no idleness matters any more */
    bool is_aged;              /* it drains for its age: the grace runs */
    int64_t read_at;           /* the peer's last byte */
    int64_t pinged_at;         /* INT64_MAX: none of ours waits for a byte */
    int64_t idle_since;        /* the last call ended; read only while there is none */
    int64_t age_at;            /* INT64_MAX: it does not age */
} upkeep;

typedef enum upkeep_due {
    UPKEEP_NOTHING = 0,
    UPKEEP_PING,               /* send one */
    UPKEEP_LOST,               /* the peer does not answer */
    UPKEEP_DRAIN_IDLE, UPKEEP_DRAIN_AGE,
    UPKEEP_STOP                /* the grace behind a drain for age is over */
} upkeep_due;

/* What the connection is like when it is asked. */
typedef struct upkeep_view {
    unsigned calls;            /* that run */
    bool is_deaf;              /* we do not read: the silence is ours */
    int64_t final_at;          /* the last GOAWAY of a drain went out; INT64_MAX: it did not */
} upkeep_view;

void upkeep_init(upkeep *upkeep, const rpc_options *options, int64_t now);
static inline void upkeep_read(upkeep *u, int64_t now) { u->read_at = now; u->pinged_at = INT64_MAX; }
static inline void upkeep_idle(upkeep *u, int64_t now) { u->idle_since = now; }
/* A client begins a call: true, the PING goes out before its HEADERS. */
bool upkeep_begin(upkeep *upkeep, unsigned calls, int64_t now);
int64_t upkeep_deadline(const upkeep *upkeep, upkeep_view view);   /* INT64_MAX: none */
upkeep_due upkeep_tick(upkeep *upkeep, upkeep_view view, int64_t now);   /* one thing that is due: ask again */
#endif
