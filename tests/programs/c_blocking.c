/* SPDX-License-Identifier: Apache-2.0 */
/* (c) A client that waits: all four call types, one after the other. c_blocking [ADDRESS] < FILE */
#include "telemetry.proa.h"
#include "common.h"

static int report(proa_status status)
{
    if (status.code != PROA_OK)
        fprintf(stderr, "%s: %.*s\n", proa_code_name(status.code), PROA_FMT(status.message));
    return status.code != PROA_OK;
}

static int describe(proa_channel *channel)
{
    proa_arena *arena = proa_arena_new(0);
    telemetry_DescribeRequest request = { 0 };
    telemetry_Facts facts;
    proa_status status = telemetry_Host_Describe(channel, &request, &facts, arena, NULL);
    if (status.code == PROA_OK)
        printf("%.*s, %d cores\n", PROA_FMT(facts.host), (int)facts.cpus);
    int rc = report(status);
    proa_arena_free(arena);
    return rc;
}

static int watch(proa_channel *channel)
{
    telemetry_WatchRequest request = { .interval_ms = 100 };
    proa_call *call = telemetry_Host_Watch_begin(channel, &request, NULL);
    const telemetry_Sample *sample;
    for (int i = 0; i < 3 && (sample = telemetry_Host_Watch_receive_reply(call)); i++)
        printf("load %.2f\n", sample->load);
    proa_call_cancel(call); /* Watch has no end of its own */
    int rc = proa_call_status(call).code != PROA_CANCELLED;
    proa_call_end(call);
    return rc;
}

static int upload(proa_channel *channel, FILE *file)
{
    proa_call *call = telemetry_Host_Upload_begin(channel, NULL);
    char block[65536];
    size_t n;
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        if (!telemetry_Host_Upload_send_request(call, &(telemetry_Chunk){ .data = { block, n } }))
            break;                           /* the call is over; the status says why */
    int rc = report(proa_call_status(call)); /* half-closes and waits */
    const telemetry_Digest *digest = telemetry_Host_Upload_reply(call);
    if (digest)
        print_hex(digest->sha256);
    proa_call_end(call);
    return rc;
}

static int grep(proa_channel *channel)
{
    proa_call *call = telemetry_Host_Grep_begin(channel, &(proa_call_options){ .timeout_ns = 10 * PROA_SECOND });
    telemetry_Pattern pattern = { .kind = { .which = telemetry_Pattern_kind_text, .text = PROA_STR("error") } };
    telemetry_Host_Grep_send_request(call, &pattern);
    proa_call_end_requests(call);
    const telemetry_Line *line;
    while ((line = telemetry_Host_Grep_receive_reply(call)))
        printf("%llu: %.*s\n", (unsigned long long)line->number, PROA_FMT(line->text));
    int rc = report(proa_call_status(call));
    proa_call_end(call);
    return rc;
}

int main(int argc, char **argv)
{
    proa_channel *channel = proa_channel_open(argc > 1 ? argv[1] : "localhost:50052", NULL);
    int rc = describe(channel);
    rc |= watch(channel);
    rc |= upload(channel, stdin);
    rc |= grep(channel);
    proa_channel_close(channel);
    return rc;
}
