/* SPDX-License-Identifier: Apache-2.0 */
/* The events of keys, each revision exactly once, whatever happens to the server meanwhile.
 *
 * etcd numbers its changes. Whoever knows the next number that it has not seen can ask for it: a watch that breaks is begun
 * again from there. Only what etcd has thrown away meanwhile (compaction) is lost, and that is said. */
#include <stdio.h>
#include <time.h>
#include "etcd.h"

typedef struct watch {
    const etcd *etcd;
    proa_bytes key, range_end;
    int64_t next;       /* the revision to come; 0: not yet known */
    unsigned long seen; /* events */
    int64_t pause_ns;   /* before it is begun again, doubled each time until something comes */
    bool is_over, has_failed;
} watch;

enum { PAUSE_MIN_MS = 50, PAUSE_MAX_MS = 2000 };

static void print_event(const mvccpb_Event *event)
{
    const mvccpb_KeyValue *kv = event->kv;
    printf("%lld %s %.*s", (long long)kv->mod_revision, event->type == mvccpb_Event_DELETE ? "DELETE" : "PUT",
           PROA_FMT(kv->key));
    if (event->type == mvccpb_Event_PUT)
        printf(" = %.*s", PROA_FMT(kv->value));
    printf("\n");
}

/* All events of a revision come in one response, so what was taken whole is never asked for again. */
static void take_response(watch *w, const etcdserverpb_WatchResponse *response)
{
    w->pause_ns = PAUSE_MIN_MS * PROA_MILLISECOND;
    if (response->created && !w->next && response->header)
        w->next = response->header->revision + 1;
    for (size_t i = 0; i < response->events.count; i++, w->seen++) {
        const mvccpb_Event *event = &response->events.data[i];
        if (event->kv) {
            print_event(event);
            w->next = event->kv->mod_revision + 1;
        }
    }
    fflush(stdout);
    /* Progress: etcd says how far it is and that we have all up to there, so that compaction does not overtake us. */
    if (!response->created && !response->canceled && response->events.count == 0 &&
        etcd_revision(response->header) >= w->next)
        w->next = etcd_revision(response->header) + 1;
    if (response->compact_revision > 0) {
        fprintf(stderr, "watch: revisions %lld to %lld are compacted away: read the keys again\n", (long long)w->next,
                (long long)response->compact_revision - 1);
        w->is_over = w->has_failed = true;
    } else if (response->canceled) {
        fprintf(stderr, "watch: etcd ended it: %.*s\n", PROA_FMT(response->cancel_reason));
        w->is_over = w->has_failed = true;
    } else if (w->etcd->most && w->seen >= w->etcd->most) {
        w->is_over = true;
    }
}

/* One stream, until it breaks or all was seen. wait_for_ready: while the server is away, the call waits for it. */
static void run_stream(watch *w)
{
    proa_call *call = etcdserverpb_Watch_Watch_begin(w->etcd->channel, &(proa_call_options){ .wait_for_ready = true });
    etcdserverpb_WatchCreateRequest create = {
        .key = w->key, .range_end = w->range_end, .start_revision = w->next, .progress_notify = true
    };
    etcdserverpb_Watch_Watch_send_request(
        call, &(etcdserverpb_WatchRequest){
                  .request_union = { .which = etcdserverpb_WatchRequest_request_union_create_request,
                                     .create_request = &create } });
    const etcdserverpb_WatchResponse *response;
    while (!w->is_over && (response = etcdserverpb_Watch_Watch_receive_reply(call)))
        take_response(w, response);
    if (!w->is_over)
        fprintf(stderr, "watch: %s, from revision %lld again\n", proa_code_name(proa_call_status(call).code),
                (long long)w->next);
    proa_call_end(call); /* cancels it if it still runs: a watch has no end of its own */
}

int etcd_watch(const etcd *e, proa_bytes key)
{
    proa_arena *arena = proa_arena_new(0);
    watch w = { .etcd = e,
                .key = key,
                .range_end = etcd_range_end(e, key, arena),
                .next = e->revision,
                .pause_ns = PAUSE_MIN_MS * PROA_MILLISECOND };
    for (;;) {
        run_stream(&w);
        if (w.is_over)
            break;
        nanosleep(&(struct timespec){ w.pause_ns / PROA_SECOND, w.pause_ns % PROA_SECOND }, NULL);
        w.pause_ns =
            w.pause_ns * 2 < PAUSE_MAX_MS * PROA_MILLISECOND ? w.pause_ns * 2 : PAUSE_MAX_MS * PROA_MILLISECOND;
    }
    proa_arena_free(arena);
    return w.has_failed;
}
