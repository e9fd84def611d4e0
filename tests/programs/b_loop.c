/* SPDX-License-Identifier: Apache-2.0 */
/* (b) All four call types on a loop: handlers never wait, they are called again. b_loop [ADDRESS [LOG]] */
#include "telemetry.proa.h"
#include "common.h"

static proa_code describe(proa_call *call, const telemetry_DescribeRequest *request, telemetry_Facts *reply)
{
    (void)request;
    host_describe(reply, proa_call_arena(call));
    return PROA_OK;
}

static proa_code watch(proa_call *call, const telemetry_WatchRequest *request)
{
    struct sampler *sampler = proa_call_state(call, sizeof *sampler);
    telemetry_Sample sample = { 0 };
    host_sample(sampler, &sample);
    if (!telemetry_Host_Watch_push_reply(call, &sample))
        return PROA_WAIT; /* taken, and full: again when the client has read */
    return proa_call_sleep_ns(call, request->interval_ms * PROA_MILLISECOND);
}

struct upload {
    struct sha256 sha;
    uint64_t size;
};

static proa_code upload(proa_call *call, telemetry_Digest *reply)
{
    struct upload *u = proa_call_state(call, sizeof *u); /* zeroed, then the same at each step */
    const telemetry_Chunk *chunk;
    while ((chunk = telemetry_Host_Upload_pop_request(call))) {
        sha256_add(&u->sha, chunk->data);
        u->size += chunk->data.size;
    }
    if (!proa_call_is_at_end(call))
        return PROA_WAIT;
    reply->size = u->size;
    reply->sha256 = sha256_sum(&u->sha, proa_call_arena(call));
    return PROA_OK;
}

struct grep {
    struct log *log;
};

static void close_log(proa_call *call, void *user)
{
    struct grep *g = proa_call_state(call, sizeof *g);
    (void)user;
    log_close(g->log);
}

static proa_code grep(proa_call *call)
{
    struct grep *g = proa_call_state(call, sizeof *g);
    if (!g->log) {
        if (!(g->log = log_open(proa_call_user(call))))
            return proa_call_fail(call, PROA_NOT_FOUND, "there is no log here");
        proa_call_on_end(call, close_log, NULL);
    }
    const telemetry_Pattern *pattern;
    while ((pattern = telemetry_Host_Grep_pop_request(call)))
        log_add_pattern(g->log, pattern);

    telemetry_Line line;
    while (log_next(g->log, &line))
        if (!telemetry_Host_Grep_push_reply(call, &line))
            return PROA_WAIT;
    if (proa_call_is_at_end(call))
        return PROA_OK;
    return proa_call_wait_ns(call, 200 * PROA_MILLISECOND); /* the log grows, or a pattern comes */
}

static const telemetry_Host host = { .Describe = describe, .Watch = watch, .Upload = upload, .Grep = grep };

int main(int argc, char **argv)
{
    char *log = argc > 2 ? argv[2] : "/var/log/syslog";
    proa_server *server = proa_server_new(NULL);
    telemetry_Host_serve(server, &host, &(proa_serve_options){ .user = log });
    proa_server_listen(server, argc > 1 ? argv[1] : "[::]:50052", NULL);
    return proa_server_main(server);
}
