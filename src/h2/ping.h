/* SPDX-License-Identifier: Apache-2.0 */
/* PING both ways (RFC 9113 6.7): strikes of a client that pings too often (gRFC A8), and our own that wait for their ACK. */
#ifndef H2_PING_H
#define H2_PING_H
#include <stdbool.h>
#include <stdint.h>

#define PING_IDLE_NS INT64_C(7200000000000)   /* gRFC A8: without open calls one in two hours */

typedef struct ping {
    int64_t last;              /* the peer's last one; INT64_MIN: none */
    uint32_t strikes;
    bool has_sent;             /* HEADERS or DATA went out since its last one */
    uint32_t waiting;          /* ours without an ACK, those of the layer above */
    bool is_drain_waiting;     /* the one between the two GOAWAY */
    bool is_permitted;         /* without open streams as often as with some */
} ping;

#define PING_DRAIN UINT64_C(0x70726f61447261ff)   /* payload of that one */

/* HEADERS or DATA went out: strikes are forgotten at the next one (gRFC A8). */
static inline void ping_note_sent(ping *p) { p->has_sent = true; }
/* The peer pinged. true: it was too early; strikes counts it. */
bool ping_is_early(ping *p, bool has_streams, int64_t interval_min_ns, int64_t now);
#endif
