/* SPDX-License-Identifier: Apache-2.0 */
/* The client of the gRPC interoperability tests (interop-test-descriptions.md), with the official flags: one case a run.
 * Exit code 0: the case passed; 1: it failed, and a line says at what; 2: the arguments make no sense. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "flags.h"
#include "grpc/testing/test.proa.h"

#define LARGE_REQUEST  271828
#define LARGE_RESPONSE 314159
#define CASE_NS        (20 * PROA_SECOND) /* no case may hang */
#define CONCURRENT     1000               /* as the description says */
#define CONCURRENT_NS  (60 * PROA_SECOND)

typedef struct run {
    proa_channel *channel;
    const flag *flags;
    proa_headers extra;
    const char *target;
    const proa_channel_options *options; /* what channel was opened with; channel_soak opens more */
} run;

static char zeros[1024 * 1024];

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

static bool expect_status(proa_status status, proa_code code, proa_bytes message)
{
    if (status.code != code || (message.data && !proa_bytes_is_equal(status.message, message)))
        return fail("status %s \"%.*s\", expected %s \"%.*s\"", proa_code_name(status.code), PROA_FMT(status.message),
                    proa_code_name(code), PROA_FMT(message));
    return true;
}

static bool expect_ok(proa_status status)
{
    return expect_status(status, PROA_OK, (proa_bytes){ NULL, 0 });
}

static proa_call_options options_of(const run *r)
{
    return (proa_call_options){ .timeout_ns = CASE_NS, .headers = r->extra };
}

/* ---- Unary */

static bool empty_unary(const run *r)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = options_of(r);
    grpc_testing_Empty reply;
    bool ok =
        expect_ok(grpc_testing_TestService_EmptyCall(r->channel, &(grpc_testing_Empty){ 0 }, &reply, arena, &options));
    proa_arena_free(arena);
    return ok;
}

static bool is_large(const grpc_testing_SimpleResponse *reply)
{
    if (reply && reply->payload && reply->payload->body.size == LARGE_RESPONSE &&
        !memcmp(reply->payload->body.data, zeros, LARGE_RESPONSE))
        return true;
    return fail("the payload is not %d zeros", LARGE_RESPONSE);
}

static bool large_call(const run *r, proa_channel *channel)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = options_of(r);
    grpc_testing_Payload payload = { .body = { zeros, LARGE_REQUEST } };
    grpc_testing_SimpleRequest request = { .response_size = LARGE_RESPONSE, .payload = &payload };
    grpc_testing_SimpleResponse reply;
    bool ok =
        expect_ok(grpc_testing_TestService_UnaryCall(channel, &request, &reply, arena, &options)) && is_large(&reply);
    proa_arena_free(arena);
    return ok;
}

static bool large_unary(const run *r)
{
    return large_call(r, r->channel);
}

/* All of them are under way at once, on one connection. */
static bool concurrent_large_unary(const run *r)
{
    static proa_call *calls[CONCURRENT];
    proa_call_options options = options_of(r);
    options.timeout_ns = CONCURRENT_NS;
    grpc_testing_Payload payload = { .body = { zeros, LARGE_REQUEST } };
    grpc_testing_SimpleRequest request = { .response_size = LARGE_RESPONSE, .payload = &payload };
    bool ok = true;
    for (size_t i = 0; i < CONCURRENT; i++)
        calls[i] = grpc_testing_TestService_UnaryCall_begin(r->channel, &request, &options);
    for (size_t i = 0; i < CONCURRENT; i++) {
        ok =
            expect_ok(proa_call_status(calls[i])) && is_large(grpc_testing_TestService_UnaryCall_reply(calls[i])) && ok;
        proa_call_end(calls[i]);
    }
    return ok;
}

/* One server answers all calls: each says who it is. */
static bool pick_first_unary(const run *r)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = options_of(r);
    grpc_testing_SimpleRequest request = { .fill_server_id = true };
    proa_bytes first = { NULL, 0 };
    bool ok = true;
    for (int i = 0; i < 100 && ok; i++) {
        grpc_testing_SimpleResponse reply;
        ok = expect_ok(grpc_testing_TestService_UnaryCall(r->channel, &request, &reply, arena, &options));
        if (ok && !reply.server_id.size)
            ok = fail("no server_id");
        if (ok && i == 0)
            first = reply.server_id;
        if (ok && !proa_bytes_is_equal(reply.server_id, first))
            ok = fail("server_id \"%.*s\", then \"%.*s\"", PROA_FMT(first), PROA_FMT(reply.server_id));
    }
    proa_arena_free(arena);
    return ok;
}

/* ---- Streams */

static bool client_streaming(const run *r)
{
    static const size_t sizes[] = { 27182, 8, 1828, 45904 };
    proa_call_options options = options_of(r);
    proa_call *call = grpc_testing_TestService_StreamingInputCall_begin(r->channel, &options);
    for (size_t i = 0; i < 4; i++) {
        grpc_testing_Payload payload = { .body = { zeros, sizes[i] } };
        grpc_testing_TestService_StreamingInputCall_send_request(
            call, &(grpc_testing_StreamingInputCallRequest){ .payload = &payload });
    }
    bool ok = expect_ok(proa_call_status(call));
    const grpc_testing_StreamingInputCallResponse *reply = grpc_testing_TestService_StreamingInputCall_reply(call);
    if (ok && reply->aggregated_payload_size != 74922)
        ok = fail("aggregated_payload_size is %d", (int)reply->aggregated_payload_size);
    proa_call_end(call);
    return ok;
}

static const int32_t response_sizes[] = { 31415, 9, 2653, 58979 };

static bool server_streaming(const run *r)
{
    grpc_testing_ResponseParameters parameters[4] = { 0 };
    for (int i = 0; i < 4; i++)
        parameters[i].size = response_sizes[i];
    proa_call_options options = options_of(r);
    grpc_testing_StreamingOutputCallRequest request = { .response_parameters = PROA_LIST(parameters) };
    proa_call *call = grpc_testing_TestService_StreamingOutputCall_begin(r->channel, &request, &options);
    const grpc_testing_StreamingOutputCallResponse *response;
    bool ok = true;
    int count = 0;
    while ((response = grpc_testing_TestService_StreamingOutputCall_receive_reply(call))) {
        size_t size = response->payload ? response->payload->body.size : 0;
        if (count >= 4 || size != (size_t)response_sizes[count])
            ok = fail("response %d has %zu bytes", count, size);
        count++;
    }
    ok = expect_ok(proa_call_status(call)) && ok;
    if (ok && count != 4)
        ok = fail("%d responses came", count);
    proa_call_end(call);
    return ok;
}

static bool play(proa_call *call, size_t request_size, int32_t response_size)
{
    grpc_testing_ResponseParameters parameters[1] = { { .size = response_size } };
    grpc_testing_Payload payload = { .body = { zeros, request_size } };
    grpc_testing_StreamingOutputCallRequest request = { .response_parameters = PROA_LIST(parameters),
                                                        .payload = &payload };
    grpc_testing_TestService_FullDuplexCall_send_request(call, &request);
    const grpc_testing_StreamingOutputCallResponse *response =
        grpc_testing_TestService_FullDuplexCall_receive_reply(call);
    if (!response || !response->payload || response->payload->body.size != (size_t)response_size)
        return fail("no response of %d bytes", (int)response_size);
    return true;
}

static bool ping_pong(const run *r)
{
    static const size_t request_sizes[] = { 27182, 8, 1828, 45904 };
    proa_call_options options = options_of(r);
    proa_call *call = grpc_testing_TestService_FullDuplexCall_begin(r->channel, &options);
    bool ok = true;
    for (int i = 0; i < 4 && ok; i++)
        ok = play(call, request_sizes[i], response_sizes[i]);
    proa_call_end_requests(call);
    if (ok && grpc_testing_TestService_FullDuplexCall_receive_reply(call))
        ok = fail("a response more than asked for");
    ok = expect_ok(proa_call_status(call)) && ok;
    proa_call_end(call);
    return ok;
}

static bool empty_stream(const run *r)
{
    proa_call_options options = options_of(r);
    proa_call *call = grpc_testing_TestService_FullDuplexCall_begin(r->channel, &options);
    proa_call_end_requests(call);
    bool ok = true;
    if (grpc_testing_TestService_FullDuplexCall_receive_reply(call))
        ok = fail("a response that nobody asked for");
    ok = expect_ok(proa_call_status(call)) && ok;
    proa_call_end(call);
    return ok;
}

/* ---- Ends */

static bool cancel_after_begin(const run *r)
{
    proa_call_options options = options_of(r);
    proa_call *call = grpc_testing_TestService_StreamingInputCall_begin(r->channel, &options);
    proa_call_cancel(call);
    bool ok = expect_status(proa_call_status(call), PROA_CANCELLED, (proa_bytes){ NULL, 0 });
    proa_call_end(call);
    return ok;
}

static bool cancel_after_first_response(const run *r)
{
    proa_call_options options = options_of(r);
    proa_call *call = grpc_testing_TestService_FullDuplexCall_begin(r->channel, &options);
    bool ok = play(call, 27182, 31415);
    proa_call_cancel(call);
    ok = expect_status(proa_call_status(call), PROA_CANCELLED, (proa_bytes){ NULL, 0 }) && ok;
    proa_call_end(call);
    return ok;
}

static bool timeout_on_sleeping_server(const run *r)
{
    proa_call_options options = { .timeout_ns = 1 * PROA_MILLISECOND, .headers = r->extra };
    proa_call *call = grpc_testing_TestService_FullDuplexCall_begin(r->channel, &options);
    grpc_testing_Payload payload = { .body = { zeros, 27182 } };
    grpc_testing_TestService_FullDuplexCall_send_request(
        call, &(grpc_testing_StreamingOutputCallRequest){ .payload = &payload });
    while (grpc_testing_TestService_FullDuplexCall_receive_reply(call))
        ;
    bool ok = expect_status(proa_call_status(call), PROA_DEADLINE_EXCEEDED, (proa_bytes){ NULL, 0 });
    proa_call_end(call);
    return ok;
}

/* ---- Metadata and status */

static bool has_echo(proa_call *call)
{
    proa_bytes initial = proa_headers_get(proa_call_reply_headers(call), "x-grpc-test-echo-initial");
    proa_bytes trailing = proa_headers_get(proa_call_trailers(call), "x-grpc-test-echo-trailing-bin");
    if (!proa_bytes_is_equal(initial, PROA_STR("test_initial_metadata_value")))
        return fail("the header came back as \"%.*s\"", PROA_FMT(initial));
    if (!proa_bytes_is_equal(trailing, PROA_STR("\xab\xab\xab")))
        return fail("the trailer came back with %zu bytes", trailing.size);
    return true;
}

static bool custom_metadata(const run *r)
{
    const proa_header headers[] = {
        { PROA_STR("x-grpc-test-echo-initial"), PROA_STR("test_initial_metadata_value") },
        { PROA_STR("x-grpc-test-echo-trailing-bin"), PROA_STR("\xab\xab\xab") },
    };
    proa_call_options options = { .timeout_ns = CASE_NS, .headers = PROA_LIST(headers) };
    grpc_testing_Payload payload = { .body = { zeros, LARGE_REQUEST } };
    grpc_testing_SimpleRequest request = { .response_size = LARGE_RESPONSE, .payload = &payload };
    proa_call *unary = grpc_testing_TestService_UnaryCall_begin(r->channel, &request, &options);
    bool ok = expect_ok(proa_call_status(unary)) && has_echo(unary);
    proa_call_end(unary);

    proa_call *stream = grpc_testing_TestService_FullDuplexCall_begin(r->channel, &options);
    ok = play(stream, LARGE_REQUEST, LARGE_RESPONSE) && ok;
    proa_call_end_requests(stream);
    ok = expect_ok(proa_call_status(stream)) && has_echo(stream) && ok;
    proa_call_end(stream);
    return ok;
}

static bool unary_status(const run *r, proa_bytes message)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = options_of(r);
    grpc_testing_EchoStatus wanted = { .code = PROA_UNKNOWN, .message = message };
    grpc_testing_SimpleRequest request = { .response_status = &wanted };
    grpc_testing_SimpleResponse reply;
    bool ok = expect_status(grpc_testing_TestService_UnaryCall(r->channel, &request, &reply, arena, &options),
                            PROA_UNKNOWN, message);
    proa_arena_free(arena);
    return ok;
}

static bool status_code_and_message(const run *r)
{
    proa_bytes message = PROA_STR("test status message");
    bool ok = unary_status(r, message);
    proa_call_options options = options_of(r);
    grpc_testing_EchoStatus wanted = { .code = PROA_UNKNOWN, .message = message };
    proa_call *call = grpc_testing_TestService_FullDuplexCall_begin(r->channel, &options);
    grpc_testing_TestService_FullDuplexCall_send_request(
        call, &(grpc_testing_StreamingOutputCallRequest){ .response_status = &wanted });
    proa_call_end_requests(call);
    ok = expect_status(proa_call_status(call), PROA_UNKNOWN, message) && ok;
    proa_call_end(call);
    return ok;
}

static bool special_status_message(const run *r)
{
    return unary_status(
        r, PROA_STR("\t\ntest with whitespace\r\nand Unicode BMP \xe2\x98\xba and non-BMP \xf0\x9f\x98\x88\t\n"));
}

static bool unimplemented_method(const run *r)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = options_of(r);
    grpc_testing_Empty reply;
    bool ok = expect_status(
        grpc_testing_TestService_UnimplementedCall(r->channel, &(grpc_testing_Empty){ 0 }, &reply, arena, &options),
        PROA_UNIMPLEMENTED, (proa_bytes){ NULL, 0 });
    proa_arena_free(arena);
    return ok;
}

static bool unimplemented_service(const run *r)
{
    proa_arena *arena = proa_arena_new(0);
    proa_call_options options = options_of(r);
    grpc_testing_Empty reply;
    bool ok = expect_status(grpc_testing_UnimplementedService_UnimplementedCall(r->channel, &(grpc_testing_Empty){ 0 },
                                                                                &reply, arena, &options),
                            PROA_UNIMPLEMENTED, (proa_bytes){ NULL, 0 });
    proa_arena_free(arena);
    return ok;
}

/* ---- Soak: many large calls, on one channel or on a new one each */

static double milliseconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool soak(const run *r, bool is_channel_new)
{
    long iterations, failures_max, latency_max, overall_max, failures = 0, i;
    if (!flags_get_number(r->flags, "soak_iterations", 1000000, &iterations) ||
        !flags_get_number(r->flags, "soak_max_failures", 1000000, &failures_max) ||
        !flags_get_number(r->flags, "soak_per_iteration_max_acceptable_latency_ms", 1000000, &latency_max) ||
        !flags_get_number(r->flags, "soak_overall_timeout_seconds", 1000000, &overall_max))
        return false;
    double start = milliseconds_now();
    for (i = 0; i < iterations && milliseconds_now() - start < (double)overall_max * 1e3; i++) {
        double begin = milliseconds_now();
        proa_channel *channel = is_channel_new ? proa_channel_open(r->target, r->options) : r->channel;
        bool ok = large_call(r, channel);
        if (is_channel_new)
            proa_channel_close(channel);
        double elapsed = milliseconds_now() - begin;
        bool is_slow = elapsed > (double)latency_max;
        if (!ok || is_slow)
            failures++;
        fprintf(stderr, "soak iteration: %ld elapsed_ms: %.0f peer: %s server_uri: %s %s\n", i, elapsed,
                flags_get(r->flags, "server_host"), r->target,
                !ok       ? "failed"
                : is_slow ? "exceeds max acceptable latency"
                          : "succeeded");
    }
    if (i < iterations)
        return fail("%ld of %ld iterations in %ld s", i, iterations, overall_max);
    return failures <= failures_max || fail("%ld of %ld iterations failed", failures, iterations);
}

static bool rpc_soak(const run *r)
{
    return soak(r, false);
}

static bool channel_soak(const run *r)
{
    return soak(r, true);
}

static const struct {
    const char *name;
    bool (*play)(const run *r);
} cases[] = {
    { "empty_unary", empty_unary },
    { "large_unary", large_unary },
    { "client_streaming", client_streaming },
    { "server_streaming", server_streaming },
    { "ping_pong", ping_pong },
    { "empty_stream", empty_stream },
    { "cancel_after_begin", cancel_after_begin },
    { "cancel_after_first_response", cancel_after_first_response },
    { "timeout_on_sleeping_server", timeout_on_sleeping_server },
    { "custom_metadata", custom_metadata },
    { "status_code_and_message", status_code_and_message },
    { "special_status_message", special_status_message },
    { "unimplemented_method", unimplemented_method },
    { "unimplemented_service", unimplemented_service },
    { "rpc_soak", rpc_soak },
    { "channel_soak", channel_soak },
    { "pick_first_unary", pick_first_unary },
    { "concurrent_large_unary", concurrent_large_unary },
};

/* "key1:value1;key2:value2", as the official flag has it. */
static proa_headers metadata_of(const char *text, proa_header *out, size_t most)
{
    size_t count = 0;
    for (const char *p = text; *p && count < most;) {
        size_t size = strcspn(p, ";"), colon = strcspn(p, ":");
        if (colon < size)
            out[count++] = (proa_header){ { p, colon }, { p + colon + 1, size - colon - 1 } };
        p += size + (p[size] == ';');
    }
    return (proa_headers){ count ? out : NULL, count };
}

static int run_case(const run *r, const char *name)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(cases[i].name, name) != 0)
            continue;
        bool ok = cases[i].play(r);
        fprintf(stderr, "%s: %s\n", name, ok ? "passed" : "FAILED");
        return !ok;
    }
    fprintf(stderr, "--test_case=%s: no such case; there are:", name);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        fprintf(stderr, " %s", cases[i].name);
    fputc('\n', stderr);
    return 2;
}

/* NULL: plaintext, or, with a line, the flags make no sense. */
static bool credentials_of(const flag *flags, proa_tls **out)
{
    bool use_tls, use_test_ca;
    const char *ca = flags_get(flags, "ca_file"), *name = flags_get(flags, "server_host_override");
    if (!flags_get_bool(flags, "use_tls", &use_tls) || !flags_get_bool(flags, "use_test_ca", &use_test_ca))
        return false;
    *out = NULL;
    if (!use_tls)
        return true;
    if (use_test_ca && !*ca)
        return fail("--use_test_ca: no CA is built in, --ca_file names it");
    *out = proa_tls_new(&(proa_tls_options){ .ca_file = use_test_ca ? ca : NULL, .server_name = *name ? name : NULL });
    return true;
}

int main(int argc, char **argv)
{
    flag flags[] = { { "server_host", "localhost" },
                     { "server_port", NULL },
                     { "server_host_override", "" },
                     { "test_case", "large_unary" },
                     { "use_tls", "false" },
                     { "use_test_ca", "false" },
                     { "ca_file", "" },
                     { "service_config_json", "" },
                     { "additional_metadata", "" },
                     { "soak_iterations", "10" },
                     { "soak_max_failures", "0" },
                     { "soak_per_iteration_max_acceptable_latency_ms", "1000" },
                     { "soak_overall_timeout_seconds", "10" },
                     { "soak_min_time_ms_between_rpcs", "0" },
                     { NULL, NULL } };
    long port;
    char target[300];
    proa_header headers[32];
    proa_tls *tls;
    if (!flags_parse(flags, argc, argv) || !flags_get_number(flags, "server_port", 65535, &port) ||
        !credentials_of(flags, &tls))
        return 2;
    const char *host = flags_get(flags, "server_host");
    snprintf(target, sizeof target, strchr(host, ':') ? "[%s]:%ld" : "%s:%ld", host, port);
    proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };
    proa_channel_options options = { .trace = &trace, .tls = tls };
    run r = { .channel = proa_channel_open(target, &options),
              .flags = flags,
              .extra = metadata_of(flags_get(flags, "additional_metadata"), headers, 32),
              .target = target,
              .options = &options };
    int rc = run_case(&r, flags_get(flags, "test_case"));
    proa_channel_close(r.channel);
    proa_tls_free(tls);
    return rc;
}
