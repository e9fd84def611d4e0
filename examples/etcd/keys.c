/* SPDX-License-Identifier: Apache-2.0 */
/* The KV service: unary calls, each with a deadline. A reply lives in an arena of the command. */
#include <stdio.h>
#include <string.h>
#include "etcd.h"

int etcd_check(const char *what, proa_status status)
{
    if (status.code != PROA_OK)
        fprintf(stderr, "%s: %s: %.*s\n", what, proa_code_name(status.code), PROA_FMT(status.message));
    return status.code != PROA_OK;
}

/* "abc" up to "abd": the last byte that has a successor gets it. All of 0xff, or no key at all: to the end, which is "\0". */
proa_bytes etcd_range_end(const etcd *e, proa_bytes key, proa_arena *arena)
{
    if (!e->prefix)
        return (proa_bytes){ NULL, 0 };
    char *end = proa_arena_alloc(arena, key.size + 1);
    if (!end)
        return (proa_bytes){ NULL, 0 };
    if (key.size)
        memcpy(end, key.data, key.size);
    for (size_t size = key.size; size > 0; size--) {
        if ((unsigned char)end[size - 1] < 0xff) {
            end[size - 1]++;
            return (proa_bytes){ end, size };
        }
    }
    return PROA_STR("\0");
}

static proa_call_options options_of(const etcd *e)
{
    return (proa_call_options){ .timeout_ns = e->timeout_ns };
}

int etcd_put(const etcd *e, proa_bytes key, proa_bytes value, int64_t lease)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = options_of(e);
    etcdserverpb_PutRequest request = { .key = key, .value = value, .lease = lease };
    etcdserverpb_PutResponse reply;
    int failed = etcd_check("put", etcdserverpb_KV_Put(e->channel, &request, &reply, arena, &options));
    if (!failed)
        printf("%lld put %.*s\n", etcd_revision(reply.header), PROA_FMT(key));
    proa_arena_free(arena);
    return failed;
}

int etcd_get(const etcd *e, proa_bytes key)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = options_of(e);
    etcdserverpb_RangeRequest request = { .key = key, .range_end = etcd_range_end(e, key, arena) };
    etcdserverpb_RangeResponse reply;
    int failed = etcd_check("get", etcdserverpb_KV_Range(e->channel, &request, &reply, arena, &options));
    for (size_t i = 0; !failed && i < reply.kvs.count; i++) {
        const mvccpb_KeyValue *kv = &reply.kvs.data[i];
        printf("%lld %.*s = %.*s\n", (long long)kv->mod_revision, PROA_FMT(kv->key), PROA_FMT(kv->value));
    }
    proa_arena_free(arena);
    return failed;
}

int etcd_delete(const etcd *e, proa_bytes key)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = options_of(e);
    etcdserverpb_DeleteRangeRequest request = { .key = key, .range_end = etcd_range_end(e, key, arena) };
    etcdserverpb_DeleteRangeResponse reply;
    int failed = etcd_check("delete", etcdserverpb_KV_DeleteRange(e->channel, &request, &reply, arena, &options));
    if (!failed)
        printf("%lld deleted %lld\n", etcd_revision(reply.header), (long long)reply.deleted);
    proa_arena_free(arena);
    return failed;
}

/* What the failed branch of the transaction below read; absent: there is no such key. */
static proa_bytes value_read(const etcdserverpb_TxnResponse *reply)
{
    const etcdserverpb_ResponseOp *op = reply->responses.data;
    if (reply->responses.count == 0 || op->response.which != etcdserverpb_ResponseOp_response_response_range ||
        op->response.response_range->kvs.count == 0)
        return (proa_bytes){ NULL, 0 };
    return op->response.response_range->kvs.data[0].value;
}

/* Compare and swap, in one transaction: if the key has the expected value it gets the new one, else it is read. */
int etcd_swap(const etcd *e, proa_bytes key, proa_bytes expected, proa_bytes value)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = options_of(e);
    etcdserverpb_Compare is_expected = {
        .result = etcdserverpb_Compare_EQUAL,
        .target = etcdserverpb_Compare_VALUE,
        .key = key,
        .target_union = { .which = etcdserverpb_Compare_target_union_value, .value = expected },
    };
    etcdserverpb_PutRequest put = { .key = key, .value = value };
    etcdserverpb_RangeRequest get = { .key = key };
    etcdserverpb_RequestOp then = { .request = { .which = etcdserverpb_RequestOp_request_request_put,
                                                 .request_put = &put } };
    etcdserverpb_RequestOp otherwise = { .request = { .which = etcdserverpb_RequestOp_request_request_range,
                                                      .request_range = &get } };
    etcdserverpb_TxnRequest request = { .compare = { &is_expected, 1 },
                                        .success = { &then, 1 },
                                        .failure = { &otherwise, 1 } };
    etcdserverpb_TxnResponse reply;
    int failed = etcd_check("swap", etcdserverpb_KV_Txn(e->channel, &request, &reply, arena, &options));
    if (!failed && reply.succeeded) {
        printf("%lld swapped %.*s\n", etcd_revision(reply.header), PROA_FMT(key));
    } else if (!failed) {
        proa_bytes found = value_read(&reply);
        fprintf(stderr, found.data ? "swap: %.*s is %.*s\n" : "swap: %.*s is not there\n", PROA_FMT(key),
                PROA_FMT(found));
        failed = 1;
    }
    proa_arena_free(arena);
    return failed;
}
