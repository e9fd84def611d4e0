/* SPDX-License-Identifier: Apache-2.0 */
/* telemetry.Host of this machine: telemetry_server [ADDRESS [LOG]]
 *
 * Describe, Watch and Upload run on the loop; Grep, which reads files, on worker threads: one service, served in two
 * parts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "host.h"
#include "log.h"

#define WATCH_INTERVAL_MS_MIN 10
#define GREP_PAUSE_NS         (100 * PROA_MILLISECOND) /* between looks at a log that has no more lines */

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
    if (request->interval_ms < WATCH_INTERVAL_MS_MIN)
        return proa_call_fail(call, PROA_INVALID_ARGUMENT, "interval_ms is under %d", WATCH_INTERVAL_MS_MIN);
    host_sample(sampler, &sample);
    if (!telemetry_Host_Watch_push_reply(call, &sample))
        return PROA_WAIT; /* taken, and full: again when the client has read */
    return proa_call_sleep_ns(call, request->interval_ms * PROA_MILLISECOND);
}

struct upload {
    struct digest digest;
    uint64_t size;
};

static void end_upload(proa_call *call, void *user)
{
    struct upload *u = proa_call_state(call, sizeof *u);
    (void)user;
    digest_close(&u->digest);
}

static proa_code upload(proa_call *call, telemetry_Digest *reply)
{
    struct upload *u = proa_call_state(call, sizeof *u);
    const telemetry_Chunk *chunk;
    proa_call_on_end(call, end_upload, NULL);
    while ((chunk = telemetry_Host_Upload_pop_request(call))) {
        digest_add(&u->digest, chunk->data);
        u->size += chunk->data.size;
    }
    if (!proa_call_is_at_end(call))
        return PROA_WAIT;
    reply->size = u->size;
    reply->sha256 = digest_sum(&u->digest, proa_call_arena(call));
    return reply->sha256.data ? PROA_OK : proa_call_fail(call, PROA_INTERNAL, "no digest");
}

/* On a worker: it may wait. Patterns may come at any time; each counts from where the log has been read to. */
static proa_code grep(proa_call *call)
{
    struct log *log = log_open(proa_call_user(call));
    if (!log)
        return proa_call_fail(call, PROA_NOT_FOUND, "%s: %s", (char *)proa_call_user(call), strerror(errno));
    const char *wrong = NULL;
    for (;;) {
        bool is_last = proa_call_is_at_end(call); /* then what is in the log now is all that we look at */
        const telemetry_Pattern *pattern;
        while (!wrong && (pattern = telemetry_Host_Grep_pop_request(call)))
            wrong = log_add_pattern(log, pattern);
        telemetry_Line line;
        if (wrong)
            break;
        if (log_next(log, &line) ? !telemetry_Host_Grep_send_reply(call, &line)
                                 : is_last || !proa_call_pause_ns(call, GREP_PAUSE_NS))
            break;
    }
    log_close(log);
    return wrong ? proa_call_fail(call, PROA_INVALID_ARGUMENT, "%s", wrong) : PROA_OK;
}

static const telemetry_Host on_loop = { .Describe = describe, .Watch = watch, .Upload = upload };
static const telemetry_Host on_workers = { .Grep = grep };

int main(int argc, char **argv)
{
    const char *address = argc > 1 ? argv[1] : "localhost:50052";
    char *log = argc > 2 ? argv[2] : "/var/log/syslog";
    proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };

    proa_server *server = proa_server_new(&(proa_server_options){ .trace = &trace });
    telemetry_Host_serve(server, &on_loop, NULL);
    telemetry_Host_serve(server, &on_workers, &(proa_serve_options){ .on_workers = true, .user = log });
    if (proa_server_listen(server, address, NULL) == PROA_ERR_NONE) {
        printf("listening on %s\n", proa_server_address(server, 0));
        fflush(stdout);
    }
    return proa_server_main(server);
}
