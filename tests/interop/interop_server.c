/* SPDX-License-Identifier: Apache-2.0 */
/* The server of the gRPC interoperability tests: grpc.testing.TestService as interop-test-descriptions.md wants it, with the
 * official flags. All handlers step on the loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "flags.h"
#include "grpc/testing/test.proa.h"

#define RESPONSE_BYTES_MAX (64 * 1024 * 1024)

/* Echo Metadata: what a client sends in these two comes back, one as a header and one as a trailer. */
static void echo_metadata(proa_call *call)
{
    proa_headers sent = proa_call_request_headers(call);
    proa_bytes initial = proa_headers_get(sent, "x-grpc-test-echo-initial");
    proa_bytes trailing = proa_headers_get(sent, "x-grpc-test-echo-trailing-bin");
    if (initial.data)
        proa_call_add_header(call, "x-grpc-test-echo-initial", initial);
    if (trailing.data)
        proa_call_add_trailer(call, "x-grpc-test-echo-trailing-bin", trailing);
}

/* Echo Status. */
static proa_code status_of(proa_call *call, const grpc_testing_EchoStatus *wanted)
{
    return proa_call_fail(call, (proa_code)wanted->code, "%.*s", PROA_FMT(wanted->message));
}

static bool make_payload(proa_call *call, int32_t size, grpc_testing_Payload *payload)
{
    if (size < 0 || size > RESPONSE_BYTES_MAX)
        return false;
    char *zeros = proa_arena_alloc(proa_call_arena(call), size ? (size_t)size : 1);
    payload->body = (proa_bytes){ zeros, (size_t)size };
    return zeros != NULL;
}

static proa_code empty_call(proa_call *call, const grpc_testing_Empty *request, grpc_testing_Empty *reply)
{
    (void)request;
    (void)reply;
    echo_metadata(call);
    return PROA_OK;
}

static proa_code unary_call(proa_call *call, const grpc_testing_SimpleRequest *request,
                            grpc_testing_SimpleResponse *reply)
{
    echo_metadata(call);
    if (request->response_status && request->response_status->code)
        return status_of(call, request->response_status);
    grpc_testing_Payload *payload = proa_arena_alloc(proa_call_arena(call), sizeof *payload);
    if (!payload || !make_payload(call, request->response_size, payload))
        return proa_call_fail(call, PROA_INVALID_ARGUMENT, "response_size %d cannot be had",
                              (int)request->response_size);
    reply->payload = payload;
    if (request->fill_server_id)
        reply->server_id = PROA_STR("proa");
    return PROA_OK;
}

static proa_code streaming_input_call(proa_call *call, grpc_testing_StreamingInputCallResponse *reply)
{
    int64_t *sum = proa_call_state(call, sizeof *sum);
    const grpc_testing_StreamingInputCallRequest *request;
    while ((request = grpc_testing_TestService_StreamingInputCall_pop_request(call)))
        *sum += request->payload ? (int64_t)request->payload->body.size : 0;
    if (!proa_call_is_at_end(call))
        return PROA_WAIT;
    reply->aggregated_payload_size = (int32_t)*sum;
    return PROA_OK;
}

/* ---- Streams of responses: the parameters of one request are answered in turn, each after its interval. */

typedef struct turn {
    const grpc_testing_StreamingOutputCallRequest *request; /* NULL: the next is due */
    size_t next;
    bool has_paused; /* before the next response */
    bool has_echoed;
} turn;

typedef bool (*push_response)(proa_call *call, const grpc_testing_StreamingOutputCallResponse *response);

/* PROA_OK: every response of this request went out. */
static proa_code answer(proa_call *call, turn *t, push_response push)
{
    static const char zeros[1024 * 1024];
    while (t->next < t->request->response_parameters.count) {
        const grpc_testing_ResponseParameters *p = &t->request->response_parameters.data[t->next];
        if (p->size < 0 || (size_t)p->size > sizeof zeros)
            return proa_call_fail(call, PROA_INVALID_ARGUMENT, "size %d cannot be had", (int)p->size);
        if (p->interval_us > 0 && !t->has_paused) {
            t->has_paused = true;
            return proa_call_sleep_ns(call, p->interval_us * INT64_C(1000));
        }
        if (!proa_call_can_push(call))
            return PROA_WAIT;
        grpc_testing_Payload payload = { .body = { zeros, (size_t)p->size } };
        push(call, &(grpc_testing_StreamingOutputCallResponse){ .payload = &payload });
        t->has_paused = false;
        t->next++;
    }
    t->request = NULL;
    t->next = 0;
    return PROA_OK;
}

static proa_code streaming_output_call(proa_call *call, const grpc_testing_StreamingOutputCallRequest *request)
{
    turn *t = proa_call_state(call, sizeof *t);
    if (!t->request) {
        echo_metadata(call);
        t->request = request;
    }
    if (request->response_status && request->response_status->code)
        return status_of(call, request->response_status);
    return answer(call, t, grpc_testing_TestService_StreamingOutputCall_push_reply);
}

static proa_code full_duplex_call(proa_call *call)
{
    turn *t = proa_call_state(call, sizeof *t);
    if (!t->has_echoed) {
        echo_metadata(call);
        t->has_echoed = true;
    }
    for (;;) {
        if (!t->request)
            t->request = grpc_testing_TestService_FullDuplexCall_pop_request(call);
        if (!t->request)
            return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
        if (t->request->response_status && t->request->response_status->code)
            return status_of(call, t->request->response_status);
        proa_code code = answer(call, t, grpc_testing_TestService_FullDuplexCall_push_reply);
        if (code != PROA_OK)
            return code;
    }
}

static const grpc_testing_TestService service = {
    .EmptyCall = empty_call,
    .UnaryCall = unary_call,
    .CacheableUnaryCall = unary_call,
    .StreamingOutputCall = streaming_output_call,
    .StreamingInputCall = streaming_input_call,
    .FullDuplexCall = full_duplex_call,
};

int main(int argc, char **argv)
{
    flag flags[] = { { "port", NULL },        { "host", "127.0.0.1" }, { "use_tls", "false" },
                     { "tls_cert_file", "" }, { "tls_key_file", "" },  { "address_type", "IPV4" },
                     { NULL, NULL } };
    long port;
    bool use_tls;
    char address[300];
    proa_tls *tls = NULL;
    if (!flags_parse(flags, argc, argv) || !flags_get_number(flags, "port", 65535, &port) ||
        !flags_get_bool(flags, "use_tls", &use_tls))
        return 2;
    if (use_tls)
        tls = proa_tls_new(&(proa_tls_options){ .cert_file = flags_get(flags, "tls_cert_file"),
                                                .key_file = flags_get(flags, "tls_key_file") });
    proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };
    proa_server *server = proa_server_new(&(proa_server_options){ .trace = &trace });
    grpc_testing_TestService_serve(server, &service, NULL);
    snprintf(address, sizeof address, "%s:%ld", flags_get(flags, "host"), port);
    if (proa_server_listen(server, address, &(proa_listen_options){ .tls = tls }) == PROA_ERR_NONE) {
        printf("listening on %s\n", proa_server_address(server, 0));
        fflush(stdout);
    }
    proa_tls_free(tls);
    return proa_server_main(server);
}
