/* SPDX-License-Identifier: Apache-2.0 */
/* A key that is there as long as we are: it hangs on a lease, and the lease on a stream of keep-alives. When we are killed
 * the lease runs out by itself and the key goes. */
#include <stdio.h>
#include <time.h>
#include "etcd.h"

static void sleep_ns(int64_t ns)
{
    nanosleep(&(struct timespec){ ns / PROA_SECOND, ns % PROA_SECOND }, NULL);
}

/* Grants a lease; 0: failed. */
static int64_t grant(const etcd *e, int64_t ttl_s)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = { .timeout_ns = e->timeout_ns };
    etcdserverpb_LeaseGrantRequest request = { .TTL = ttl_s };
    etcdserverpb_LeaseGrantResponse reply;
    int64_t id = 0;
    if (!etcd_check("grant", etcdserverpb_Lease_LeaseGrant(e->channel, &request, &reply, arena, &options)))
        id = reply.ID;
    proa_arena_free(arena);
    return id;
}

static int revoke(const etcd *e, int64_t id)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = { .timeout_ns = e->timeout_ns };
    etcdserverpb_LeaseRevokeRequest request = { .ID = id };
    etcdserverpb_LeaseRevokeResponse reply;
    int failed = etcd_check("revoke", etcdserverpb_Lease_LeaseRevoke(e->channel, &request, &reply, arena, &options));
    proa_arena_free(arena);
    return failed;
}

/* One keep-alive over the stream. The seconds that the lease has now, 0: it has expired, -1: the stream is over. */
static int64_t renew(proa_call *stream, int64_t id)
{
    etcdserverpb_Lease_LeaseKeepAlive_send_request(stream, &(etcdserverpb_LeaseKeepAliveRequest){ .ID = id });
    const etcdserverpb_LeaseKeepAliveResponse *reply = etcdserverpb_Lease_LeaseKeepAlive_receive_reply(stream);
    return reply ? reply->TTL : -1;
}

/* Renews three times in the life of the lease. A stream that breaks is begun anew, for as long as the lease may live. */
static int keep(const etcd *e, int64_t id, int64_t ttl_s)
{
    proa_call *stream = NULL;
    int failed = 0;
    for (unsigned long count = 0; !failed && (!e->most || count < e->most);) {
        if (!stream)
            stream =
                etcdserverpb_Lease_LeaseKeepAlive_begin(e->channel, &(proa_call_options){ .wait_for_ready = true });
        int64_t left_s = renew(stream, id);
        if (left_s > 0) {
            printf("kept for %lld s\n", (long long)left_s);
            fflush(stdout);
            count++;
            sleep_ns(ttl_s * PROA_SECOND / 3);
        } else if (left_s == 0) {
            fprintf(stderr, "lease: it has expired\n");
            failed = 1;
        } else {
            etcd_check("lease", proa_call_status(stream));
            proa_call_end(stream);
            stream = NULL;
            sleep_ns(PROA_SECOND / 10);
        }
    }
    if (stream)
        proa_call_end_requests(stream);
    proa_call_end(stream);
    return failed;
}

int etcd_lease(const etcd *e, int64_t ttl_s, proa_bytes key, proa_bytes value)
{
    int64_t id = grant(e, ttl_s);
    if (!id || etcd_put(e, key, value, id))
        return 1;
    int failed = keep(e, id, ttl_s);
    return failed ? failed : revoke(e, id); /* the key goes with it */
}
