/* SPDX-License-Identifier: Apache-2.0 */
/* (c) A client with callbacks on a loop: three calls at once, one thread. c_callbacks [ADDRESS [FILE]] */
#include "telemetry.proa.h"
#include "common.h"

static void facts_done(proa_call *call, void *user)
{
    (void)user;
    const telemetry_Facts *facts = telemetry_Host_Describe_reply(call);
    if (facts)
        printf("%.*s, %d cores\n", PROA_FMT(facts->host), (int)facts->cpus);
}

static void watch_ready(proa_call *call, void *user)
{
    int *samples_left = user;
    const telemetry_Sample *sample;
    while ((sample = telemetry_Host_Watch_pop_reply(call))) {
        printf("load %.2f\n", sample->load);
        if (--*samples_left == 0)
            proa_call_cancel(call);
    }
}

static void report(proa_call *call, void *user)
{
    (void)user;
    proa_status status = proa_call_status(call);
    printf("%s %.*s\n", proa_code_name(status.code), PROA_FMT(status.message));
}

static void upload_ready(proa_call *call, void *file)
{
    char block[16384];
    size_t n;
    while (proa_call_can_push(call) && (n = fread(block, 1, sizeof block, file)) > 0)
        telemetry_Host_Upload_push_request(call, &(telemetry_Chunk){ .data = { block, n } });
    if (ferror(file))
        proa_call_cancel(call);
    else if (feof(file))
        proa_call_end_requests(call);
}

static void upload_done(proa_call *call, void *file)
{
    const telemetry_Digest *digest = telemetry_Host_Upload_reply(call);
    if (digest)
        print_hex(digest->sha256);
    fclose(file);
}

int main(int argc, char **argv)
{
    FILE *file = fopen(argc > 2 ? argv[2] : "/etc/services", "r");
    if (!file)
        return perror("the file to upload"), 1;
    proa_loop *loop = proa_loop_new(NULL);
    proa_channel *channel =
        proa_channel_open(argc > 1 ? argv[1] : "localhost:50052", &(proa_channel_options){ .loop = loop });
    int left = 5; /* samples */

    telemetry_Host_Describe_begin(channel, &(telemetry_DescribeRequest){ 0 },
                                  &(proa_call_options){ .on_done = facts_done });
    telemetry_Host_Watch_begin(channel, &(telemetry_WatchRequest){ .interval_ms = 50 },
                               &(proa_call_options){ .on_ready = watch_ready, .on_done = report, .user = &left });
    telemetry_Host_Upload_begin(channel,
                                &(proa_call_options){ .on_ready = upload_ready, .on_done = upload_done, .user = file });
    proa_loop_run(loop); /* returns when the last call is over */
    proa_channel_close(channel);
    proa_loop_free(loop);
    return 0;
}
