/* SPDX-License-Identifier: Apache-2.0 */
/* A client of etcd, a subcommand a function; each returns what main returns. */
#ifndef ETCD_H
#define ETCD_H
#include "etcd/api/etcdserverpb/rpc.proa.h"

typedef struct etcd {
    proa_channel *channel;
    int64_t timeout_ns; /* of a unary call */
    bool prefix;        /* -p: the key means all keys that begin with it */
    int64_t revision;   /* -r: of watch: begin at this one; 0: at what comes next */
    unsigned long most; /* -n: of watch and lease: end after so many; 0: never */
} etcd;

/* The revision of the store when it answered, for printing; 0: the answer does not say. */
static inline long long etcd_revision(const etcdserverpb_ResponseHeader *header)
{
    return header ? header->revision : 0;
}

/* keys.c */
int etcd_put(const etcd *e, proa_bytes key, proa_bytes value, int64_t lease);
int etcd_get(const etcd *e, proa_bytes key);
int etcd_delete(const etcd *e, proa_bytes key);
int etcd_swap(const etcd *e, proa_bytes key, proa_bytes expected, proa_bytes value);
/* What a request puts beside its key: nothing for one key, the end of the range for all that begin with it. */
proa_bytes etcd_range_end(const etcd *e, proa_bytes key, proa_arena *arena);
/* Says what failed; 0 when nothing did. */
int etcd_check(const char *what, proa_status status);

/* lease.c, watch.c */
int etcd_lease(const etcd *e, int64_t ttl_s, proa_bytes key, proa_bytes value);
int etcd_watch(const etcd *e, proa_bytes key);
#endif
