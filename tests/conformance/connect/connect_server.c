/* SPDX-License-Identifier: Apache-2.0 */
/* The server under test of the Connect conformance suite: one ServerCompatRequest on standard input says how to listen, one
 * ServerCompatResponse on standard output says where; then it serves until SIGTERM. Every request carries the definition of
 * its answer, and the answer tells what was seen of the request. All handlers step on the loop. */
#include <stdlib.h>
#include <string.h>
#include "suite.h"

/* What a call remembers between its steps. */
typedef struct exchange {
    suite_Any *requests; /* seen, not yet echoed; in the call's arena */
    size_t count, room;
    const suite_UnaryResponseDefinition *one;
    const suite_StreamResponseDefinition *many;
    size_t next;             /* response of many */
    proa_opt_i64 timeout_ms; /* that the client sent */
    bool has_begun;
    bool has_slept; /* before the next response */
    bool has_all;   /* no request follows */
    bool is_full_duplex;
    bool is_due; /* full duplex: a request waits for its response */
} exchange;

static exchange *exchange_of(proa_call *call)
{
    exchange *x = proa_call_state(call, sizeof *x);
    int64_t remaining = proa_call_remaining_ns(call);
    if (!x->has_begun && remaining != INT64_MAX)
        PROA_SET(x->timeout_ms, remaining > 0 ? remaining / PROA_MILLISECOND : 0);
    x->has_begun = true;
    return x;
}

/* ---- Requests are kept encoded: a popped message is borrowed until the next pop. */

static bool keep_request(proa_call *call, exchange *x, const char *name, const proa_type *type, const void *request)
{
    if (x->count == x->room) {
        size_t room = x->room ? 2 * x->room : 4;
        suite_Any *more = proa_arena_alloc(proa_call_arena(call), room * sizeof *more);
        if (!more)
            return false;
        if (x->room)
            memcpy(more, x->requests, x->count * sizeof *more);
        x->requests = more;
        x->room = room;
    }
    suite_Any any = suite_any_of(name, type, request, proa_call_arena(call));
    x->requests[x->count++] = any;
    return any.value.data != NULL;
}

static proa_code no_memory(proa_call *call)
{
    return proa_call_fail(call, PROA_RESOURCE_EXHAUSTED, "no memory");
}

static suite_ConformancePayload_RequestInfo request_info(proa_call *call, const exchange *x)
{
    return (suite_ConformancePayload_RequestInfo){
        .request_headers = suite_headers_of(proa_call_request_headers(call), proa_call_arena(call)),
        .timeout_ms = x->timeout_ms,
        .requests = { x->requests, x->count },
    };
}

static void set_metadata(proa_call *call, suite_Header_list headers, suite_Header_list trailers)
{
    proa_call_add_headers(call, suite_metadata_of(headers, proa_call_arena(call)));
    proa_call_add_trailers(call, suite_metadata_of(trailers, proa_call_arena(call)));
}

/* Ends a call with an error of the definition; `info`: what was seen of the request is one more of its details. */
static proa_code fail_with(proa_call *call, const suite_Error *wanted, const suite_ConformancePayload_RequestInfo *info)
{
    proa_arena *arena = proa_call_arena(call);
    suite_Error error = *wanted;
    if (info) {
        suite_Any *details = proa_arena_alloc(arena, (error.details.count + 1) * sizeof *details);
        if (!details)
            return no_memory(call);
        for (size_t i = 0; i < error.details.count; i++)
            details[i] = error.details.data[i];
        details[error.details.count++] =
            suite_any_of("ConformancePayload.RequestInfo", &suite_ConformancePayload_RequestInfo_type, info, arena);
        error.details.data = details;
    }
    return proa_call_set_status(call, suite_status_of(&error, arena));
}

/* ---- One response: Unary, IdempotentUnary, ClientStream */

static proa_code answer_once(proa_call *call, exchange *x, suite_ConformancePayload **payload)
{
    const suite_UnaryResponseDefinition *definition = x->one;
    if (definition && !x->has_slept) {
        set_metadata(call, definition->response_headers, definition->response_trailers);
        x->has_slept = true;
        if (definition->response_delay_ms)
            return proa_call_sleep_ns(call, definition->response_delay_ms * PROA_MILLISECOND);
    }
    suite_ConformancePayload_RequestInfo *info = proa_arena_alloc(proa_call_arena(call), sizeof *info);
    *payload = proa_arena_alloc(proa_call_arena(call), sizeof **payload);
    if (!info || !*payload)
        return no_memory(call);
    *info = request_info(call, x);
    (*payload)->request_info = info;
    if (definition && definition->response.which == suite_UnaryResponseDefinition_response_error)
        return fail_with(call, definition->response.error, info);
    if (definition && definition->response.which == suite_UnaryResponseDefinition_response_response_data)
        (*payload)->data = definition->response.response_data;
    return PROA_OK;
}

static proa_code unary(proa_call *call, const suite_UnaryRequest *request, suite_UnaryResponse *reply)
{
    exchange *x = exchange_of(call);
    x->one = request->response_definition;
    if (!x->count && !keep_request(call, x, "UnaryRequest", &suite_UnaryRequest_type, request))
        return no_memory(call);
    return answer_once(call, x, &reply->payload);
}

static proa_code idempotent_unary(proa_call *call, const suite_IdempotentUnaryRequest *request,
                                  suite_IdempotentUnaryResponse *reply)
{
    exchange *x = exchange_of(call);
    x->one = request->response_definition;
    if (!x->count && !keep_request(call, x, "IdempotentUnaryRequest", &suite_IdempotentUnaryRequest_type, request))
        return no_memory(call);
    return answer_once(call, x, &reply->payload);
}

static proa_code client_stream(proa_call *call, suite_ClientStreamResponse *reply)
{
    exchange *x = exchange_of(call);
    const suite_ClientStreamRequest *request;
    while ((request = suite_ConformanceService_ClientStream_pop_request(call))) {
        if (!x->count && request->response_definition)
            x->one =
                proa_clone(&suite_UnaryResponseDefinition_type, request->response_definition, proa_call_arena(call));
        if (!keep_request(call, x, "ClientStreamRequest", &suite_ClientStreamRequest_type, request))
            return no_memory(call);
    }
    if (!proa_call_is_at_end(call))
        return PROA_WAIT;
    return answer_once(call, x, &reply->payload);
}

/* ---- Many responses: ServerStream, BidiStream */

typedef bool (*push_payload)(proa_call *call, suite_ConformancePayload *payload);

static bool push_server_stream(proa_call *call, suite_ConformancePayload *payload)
{
    return suite_ConformanceService_ServerStream_push_reply(call, &(suite_ServerStreamResponse){ .payload = payload });
}

static bool push_bidi_stream(proa_call *call, suite_ConformancePayload *payload)
{
    return suite_ConformanceService_BidiStream_push_reply(call, &(suite_BidiStreamResponse){ .payload = payload });
}

static bool is_answered(const exchange *x)
{
    return !x->many || x->next == x->many->response_data.count;
}

/* The first response tells all of the request, a later one of full duplex the requests since the last. */
static proa_code push_next(proa_call *call, exchange *x, push_payload push)
{
    if (x->many->response_delay_ms && !x->has_slept) {
        x->has_slept = true;
        return proa_call_sleep_ns(call, x->many->response_delay_ms * PROA_MILLISECOND);
    }
    if (!proa_call_can_push(call))
        return PROA_WAIT;
    suite_ConformancePayload_RequestInfo info = { .requests = { x->requests, x->count } };
    if (x->next == 0)
        info = request_info(call, x);
    suite_ConformancePayload payload = { .data = x->many->response_data.data[x->next],
                                         .request_info = x->count || x->next == 0 ? &info : NULL };
    push(call, &payload);
    x->count = 0;
    x->has_slept = false;
    x->next++;
    return PROA_OK;
}

static proa_code finish(proa_call *call, const exchange *x)
{
    if (!x->many || !x->many->error)
        return PROA_OK;
    suite_ConformancePayload_RequestInfo info = request_info(call, x);
    return fail_with(call, x->many->error, x->next == 0 ? &info : NULL);
}

static proa_code server_stream(proa_call *call, const suite_ServerStreamRequest *request)
{
    exchange *x = exchange_of(call);
    if (!x->has_all) {
        x->has_all = true;
        x->many = request->response_definition;
        if (!keep_request(call, x, "ServerStreamRequest", &suite_ServerStreamRequest_type, request))
            return no_memory(call);
        if (x->many) {
            set_metadata(call, x->many->response_headers, x->many->response_trailers);
            proa_call_push_headers(call); /* before any delay, so that a client can read them */
        }
    }
    while (!is_answered(x)) {
        proa_code code = push_next(call, x, push_server_stream);
        if (code != PROA_OK)
            return code;
    }
    return finish(call, x);
}

/* One request of BidiStream; the first has the definition. */
static bool take_request(proa_call *call, exchange *x, const suite_BidiStreamRequest *request)
{
    bool is_first = !x->count && !x->next;
    if (!keep_request(call, x, "BidiStreamRequest", &suite_BidiStreamRequest_type, request))
        return false;
    if (is_first && request->response_definition) {
        x->is_full_duplex = request->full_duplex;
        x->many = proa_clone(&suite_StreamResponseDefinition_type, request->response_definition, proa_call_arena(call));
        if (!x->many)
            return false;
        set_metadata(call, x->many->response_headers, x->many->response_trailers);
        if (x->is_full_duplex)
            proa_call_push_headers(call);
    }
    x->is_due = x->is_full_duplex;
    return true;
}

/* Half duplex: all requests, then all responses. Full duplex: one for one, then what is left of the responses. */
static proa_code bidi_stream(proa_call *call)
{
    exchange *x = exchange_of(call);
    for (;;) {
        if (!x->has_all && !x->is_due) {
            const suite_BidiStreamRequest *request = suite_ConformanceService_BidiStream_pop_request(call);
            if (request && !take_request(call, x, request))
                return no_memory(call);
            if (!request && !proa_call_is_at_end(call))
                return PROA_WAIT;
            x->has_all = !request;
            continue;
        }
        if (is_answered(x))
            return finish(call, x);
        proa_code code = push_next(call, x, push_bidi_stream);
        if (code != PROA_OK)
            return code;
        x->is_due = false;
    }
}

static const suite_ConformanceService service = {
    .Unary = unary,
    .IdempotentUnary = idempotent_unary,
    .ClientStream = client_stream,
    .ServerStream = server_stream,
    .BidiStream = bidi_stream,
};

/* ---- The program */

static proa_tls *tls_of(const suite_ServerCompatRequest *request)
{
    if (!request->use_tls || !request->server_creds)
        return NULL;
    return proa_tls_new(&(proa_tls_options){
        .cert_pem = request->server_creds->cert,
        .key_pem = request->server_creds->key,
        .ca_pem = request->client_tls_cert.size ? request->client_tls_cert : (proa_bytes){ NULL, 0 },
        .require_client_cert = request->client_tls_cert.size != 0,
    });
}

/* Says where the server listens; false: it does not, which its run will explain, or nobody reads it. */
static bool tell_address(const proa_server *server, const suite_ServerCompatRequest *request, proa_arena *arena)
{
    const char *address = proa_server_address(server, 0);
    const char *port = address ? strrchr(address, ':') : NULL;
    if (!port)
        return false;
    suite_ServerCompatResponse response = { .host = PROA_STR("127.0.0.1"),
                                            .port = (uint32_t)strtoul(port + 1, NULL, 10) };
    if (request->use_tls && request->server_creds)
        response.pem_cert = request->server_creds->cert;
    proa_bytes wire;
    return suite_ServerCompatResponse_encode(&response, arena, &wire) == PROA_ERR_NONE && suite_write(stdout, wire);
}

int main(void)
{
    proa_arena *arena = proa_arena_new(0);
    proa_bytes wire;
    proa_error error = { .text = "there is none" };
    const suite_ServerCompatRequest *request = NULL;
    if (suite_read(stdin, arena, &wire))
        request = suite_ServerCompatRequest_decode(wire, arena, &error);
    if (!request) {
        fprintf(stderr, "connect_server: ServerCompatRequest: %s\n", error.text);
        proa_arena_free(arena);
        return 2;
    }
    proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };
    proa_server *server =
        proa_server_new(&(proa_server_options){ .receive_bytes_max = request->message_receive_limit, .trace = &trace });
    suite_ConformanceService_serve(server, &service, NULL);
    proa_tls *tls = tls_of(request);
    if (proa_server_listen(server, "127.0.0.1:0", &(proa_listen_options){ .tls = tls }) == PROA_ERR_NONE)
        tell_address(server, request, arena);
    proa_tls_free(tls);
    proa_arena_free(arena);
    return proa_server_main(server);
}
