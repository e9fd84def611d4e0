/* SPDX-License-Identifier: Apache-2.0 */
/* (b) The same four call types on worker threads, where handlers may wait. b_workers [ADDRESS [LOG]] */
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
    struct sampler sampler = { 0 };
    telemetry_Sample sample = { 0 };
    do
        host_sample(&sampler, &sample);
    while (telemetry_Host_Watch_send_reply(call, &sample) &&
           proa_call_pause_ns(call, request->interval_ms * PROA_MILLISECOND));
    return PROA_OK;
}

static proa_code upload(proa_call *call, telemetry_Digest *reply)
{
    struct sha256 sha = { 0 };
    const telemetry_Chunk *chunk;
    while ((chunk = telemetry_Host_Upload_receive_request(call))) {
        sha256_add(&sha, chunk->data);
        reply->size += chunk->data.size;
    }
    reply->sha256 = sha256_sum(&sha, proa_call_arena(call));
    return PROA_OK;
}

static proa_code grep(proa_call *call)
{
    struct log *log = log_open(proa_call_user(call));
    if (!log)
        return proa_call_fail(call, PROA_NOT_FOUND, "there is no log here");
    do {
        const telemetry_Pattern *pattern;
        while ((pattern = telemetry_Host_Grep_pop_request(call)))
            log_add_pattern(log, pattern);
        telemetry_Line line;
        while (log_next(log, &line) && telemetry_Host_Grep_send_reply(call, &line))
            ;
    } while (!proa_call_is_at_end(call) && proa_call_pause_ns(call, 200 * PROA_MILLISECOND));
    log_close(log);
    return PROA_OK;
}

static const telemetry_Host host = { .Describe = describe, .Watch = watch, .Upload = upload, .Grep = grep };

int main(int argc, char **argv)
{
    char *log = argc > 2 ? argv[2] : "/var/log/syslog";
    proa_server *server = proa_server_new(&(proa_server_options){ .workers = 16 });
    telemetry_Host_serve(server, &host, &(proa_serve_options){ .on_workers = true, .user = log });
    proa_server_listen(server, argc > 1 ? argv[1] : "[::]:50052", NULL);
    return proa_server_main(server);
}
