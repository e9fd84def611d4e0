/* SPDX-License-Identifier: Apache-2.0 */
/* What a station counts: one number for each member of proa_counters. Its loop writes, any thread reads. */
#ifndef SERVER_COUNTING_H
#define SERVER_COUNTING_H
#include <stdatomic.h>
#include "rpc/rpc.h"

#define COUNTING_SIZE (sizeof(proa_counters) / sizeof(uint64_t))
typedef struct counting { atomic_uint_least64_t counts[COUNTING_SIZE]; } counting;   /* {0} is empty */

/* What of one connection's numbers was added already. */
typedef struct counting_seen { h2_counters h2; uint64_t oversized; } counting_seen;

void counting_add_at(counting *counting, size_t offset, uint64_t n);   /* the station's loop alone */
#define counting_add(counting, member) counting_add_at((counting), offsetof(proa_counters, member), 1)
void counting_follow(counting *counting, const rpc_endpoint *endpoint, counting_seen *seen);   /* adds what is new */
void counting_read(const counting *counting, proa_counters *sum);   /* adds to sum; any thread */
#endif
