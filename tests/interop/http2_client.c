/* SPDX-License-Identifier: Apache-2.0 */
/* The client of the negative HTTP/2 tests (http2-interop-test-descriptions.md), with the official flags: one case a run,
 * against a server that misbehaves (h2_negative_server.py). Exit code 0: the case passed; 1: it failed, and a line says at
 * what; 2: the arguments make no sense. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "flags.h"
#include "grpc/testing/test.proa.h"

#define LARGE_REQUEST  271828
#define LARGE_RESPONSE 314159
#define CALL_NS        (60 * PROA_SECOND) /* no case may hang; 63,000 frames of padding take their time */

static char zeros[LARGE_RESPONSE];

static bool fail(const char *format, ...) PROA_PRINTF(1, 2);
static bool fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

static proa_call *begin_sized(proa_channel *channel, size_t request_size)
{
    grpc_testing_Payload payload = { .body = { zeros, request_size } };
    grpc_testing_SimpleRequest request = { .response_size = LARGE_RESPONSE, .payload = &payload };
    return grpc_testing_TestService_UnaryCall_begin(channel, &request, &(proa_call_options){ .timeout_ns = CALL_NS });
}

static proa_call *begin(proa_channel *channel)
{
    return begin_sized(channel, LARGE_REQUEST);
}

/* Ends the call as well. */
static bool expect(proa_call *call, proa_code code)
{
    proa_status status = proa_call_status(call);
    bool ok = status.code == code || fail("status %s \"%.*s\", expected %s", proa_code_name(status.code),
                                          PROA_FMT(status.message), proa_code_name(code));
    if (ok && code == PROA_OK) {
        const grpc_testing_SimpleResponse *reply = grpc_testing_TestService_UnaryCall_reply(call);
        ok = (reply && reply->payload && reply->payload->body.size == LARGE_RESPONSE &&
              !memcmp(reply->payload->body.data, zeros, LARGE_RESPONSE)) ||
             fail("the payload is not %d zeros", LARGE_RESPONSE);
    }
    proa_call_end(call);
    return ok;
}

static bool one_ok(proa_channel *channel)
{
    return expect(begin(channel), PROA_OK);
}

/* The second call goes to another connection, and nobody had to do anything. */
static bool two_ok(proa_channel *channel)
{
    return one_ok(channel) && one_ok(channel);
}

/* The server says that it never saw the call: it is made again (gRFC A6), unless its request is too large to be kept. */
static bool one_small_ok(proa_channel *channel)
{
    return expect(begin_sized(channel, 8), PROA_OK);
}

/* RST_STREAM(NO_ERROR) in the place of a status: doc/PROTOCOL-HTTP2.md, Errors. */
static bool one_internal(proa_channel *channel)
{
    return expect(begin(channel), PROA_INTERNAL);
}

/* HTTP 200 and no grpc-status: doc/http-grpc-status-mapping.md. */
static bool one_unknown(proa_channel *channel)
{
    return expect(begin(channel), PROA_UNKNOWN);
}

/* The first call brings the server's SETTINGS; ten at once then wait for each other. */
static bool max_streams(proa_channel *channel)
{
    proa_call *calls[10];
    bool ok = one_ok(channel);
    for (size_t i = 0; i < 10; i++)
        calls[i] = begin(channel);
    for (size_t i = 0; i < 10; i++)
        ok = expect(calls[i], PROA_OK) && ok;
    return ok;
}

static const struct {
    const char *name;
    bool (*play)(proa_channel *channel);
} cases[] = {
    { "goaway", two_ok },
    { "goaway_refuses", one_small_ok },
    { "rst_after_header", one_internal },
    { "rst_during_data", one_internal },
    { "rst_after_data", one_internal },
    { "ping", one_ok },
    { "max_streams", max_streams },
    { "data_frame_padding", one_ok },
    { "no_df_padding", one_ok },
    { "no_trailers", one_unknown },
};

static int run_case(proa_channel *channel, const char *name)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(cases[i].name, name) != 0)
            continue;
        bool ok = cases[i].play(channel);
        fprintf(stderr, "%s: %s\n", name, ok ? "passed" : "FAILED");
        return !ok;
    }
    fprintf(stderr, "--test_case=%s: no such case; there are:", name);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        fprintf(stderr, " %s", cases[i].name);
    fputc('\n', stderr);
    return 2;
}

int main(int argc, char **argv)
{
    flag flags[] = {
        { "server_host", "127.0.0.1" }, { "server_port", NULL }, { "test_case", "goaway" }, { NULL, NULL }
    };
    long port;
    char target[300];
    if (!flags_parse(flags, argc, argv) || !flags_get_number(flags, "server_port", 65535, &port))
        return 2;
    snprintf(target, sizeof target, "%s:%ld", flags_get(flags, "server_host"), port);
    proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };
    proa_channel *channel = proa_channel_open(target, &(proa_channel_options){ .trace = &trace });
    int rc = run_case(channel, flags_get(flags, "test_case"));
    proa_channel_close(channel);
    return rc;
}
