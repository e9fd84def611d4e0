/* SPDX-License-Identifier: Apache-2.0 */
/* The client under test of the Connect conformance suite: each ClientCompatRequest on standard input is a call to make, each
 * ClientCompatResponse on standard output what came of it, in any order. A few threads make the calls, blocking. Each has a
 * channel of its own, so that what one case does to its connection is no other's business; with --shared all calls to a
 * server go over one channel, so that they must not disturb each other. */
#include <string.h>
#include <time.h>
#include "channels.h"

enum { THREADS = 8, PAYLOADS_MAX = 64 };

typedef const suite_ConformancePayload payload;
typedef struct attempt attempt;

/* A method of the service: how it begins, and either how it sends or what is its one request, and so for replies. They
 * give false, or NULL, when there is nothing more to do: the call knows why. */
typedef struct method {
    const char *name;
    proa_call *(*begin)(attempt *a, const proa_call_options *options);
    bool (*send)(attempt *a, proa_bytes request);
    bool (*receive)(attempt *a, payload **reply);
    bool (*reply)(attempt *a, payload **reply);
} method;

/* One case as it runs. */
struct attempt {
    const suite_ClientCompatRequest *wanted;
    const method *method;
    proa_arena *arena;
    proa_channel *channel;
    proa_call *call;
    int32_t unsent;
    suite_ConformancePayload payloads[PAYLOADS_MAX];
    size_t payload_count;
    const char *refusal; /* the case makes no sense to us */
};

static void sleep_ms(uint32_t ms)
{
    struct timespec left = { ms / 1000, (long)(ms % 1000) * 1000000 };
    while (nanosleep(&left, &left) != 0)
        ;
}

/* ---- The methods */

/* The only request of a method that does not stream them. */
static const void *only_request(attempt *a, const proa_type *type)
{
    const void *request = NULL;
    if (a->wanted->request_messages.count == 1)
        request = proa_decode(type, a->wanted->request_messages.data[0].value, a->arena, NULL);
    if (!request)
        a->refusal = "not exactly one request of the method's type";
    return request;
}

static proa_call *unary_begin(attempt *a, const proa_call_options *options)
{
    const suite_UnaryRequest *request = only_request(a, &suite_UnaryRequest_type);
    return request ? suite_ConformanceService_Unary_begin(a->channel, request, options) : NULL;
}

static bool unary_reply(attempt *a, payload **out)
{
    const suite_UnaryResponse *reply = suite_ConformanceService_Unary_reply(a->call);
    *out = reply ? reply->payload : NULL;
    return reply != NULL;
}

static proa_call *idempotent_unary_begin(attempt *a, const proa_call_options *options)
{
    const suite_IdempotentUnaryRequest *request = only_request(a, &suite_IdempotentUnaryRequest_type);
    return request ? suite_ConformanceService_IdempotentUnary_begin(a->channel, request, options) : NULL;
}

static bool idempotent_unary_reply(attempt *a, payload **out)
{
    const suite_IdempotentUnaryResponse *reply = suite_ConformanceService_IdempotentUnary_reply(a->call);
    *out = reply ? reply->payload : NULL;
    return reply != NULL;
}

static proa_call *unimplemented_begin(attempt *a, const proa_call_options *options)
{
    const suite_UnimplementedRequest *request = only_request(a, &suite_UnimplementedRequest_type);
    return request ? suite_ConformanceService_Unimplemented_begin(a->channel, request, options) : NULL;
}

static bool unimplemented_reply(attempt *a, payload **out)
{
    *out = NULL;
    return suite_ConformanceService_Unimplemented_reply(a->call) != NULL;
}

static proa_call *server_stream_begin(attempt *a, const proa_call_options *options)
{
    const suite_ServerStreamRequest *request = only_request(a, &suite_ServerStreamRequest_type);
    return request ? suite_ConformanceService_ServerStream_begin(a->channel, request, options) : NULL;
}

static bool server_stream_receive(attempt *a, payload **out)
{
    const suite_ServerStreamResponse *reply = suite_ConformanceService_ServerStream_receive_reply(a->call);
    *out = reply ? reply->payload : NULL;
    return reply != NULL;
}

static proa_call *client_stream_begin(attempt *a, const proa_call_options *options)
{
    return suite_ConformanceService_ClientStream_begin(a->channel, options);
}

static bool client_stream_send(attempt *a, proa_bytes wire)
{
    const suite_ClientStreamRequest *request = suite_ClientStreamRequest_decode(wire, a->arena, NULL);
    return request && suite_ConformanceService_ClientStream_send_request(a->call, request);
}

static bool client_stream_reply(attempt *a, payload **out)
{
    const suite_ClientStreamResponse *reply = suite_ConformanceService_ClientStream_reply(a->call);
    *out = reply ? reply->payload : NULL;
    return reply != NULL;
}

static proa_call *bidi_stream_begin(attempt *a, const proa_call_options *options)
{
    return suite_ConformanceService_BidiStream_begin(a->channel, options);
}

static bool bidi_stream_send(attempt *a, proa_bytes wire)
{
    const suite_BidiStreamRequest *request = suite_BidiStreamRequest_decode(wire, a->arena, NULL);
    return request && suite_ConformanceService_BidiStream_send_request(a->call, request);
}

static bool bidi_stream_receive(attempt *a, payload **out)
{
    const suite_BidiStreamResponse *reply = suite_ConformanceService_BidiStream_receive_reply(a->call);
    *out = reply ? reply->payload : NULL;
    return reply != NULL;
}

static const method methods[] = {
    { "Unary", unary_begin, NULL, NULL, unary_reply },
    { "IdempotentUnary", idempotent_unary_begin, NULL, NULL, idempotent_unary_reply },
    { "Unimplemented", unimplemented_begin, NULL, NULL, unimplemented_reply },
    { "ServerStream", server_stream_begin, NULL, server_stream_receive, NULL },
    { "ClientStream", client_stream_begin, client_stream_send, NULL, client_stream_reply },
    { "BidiStream", bidi_stream_begin, bidi_stream_send, bidi_stream_receive, NULL },
};

static const method *method_named(proa_bytes name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (proa_bytes_is_equal(name, proa_bytes_of(methods[i].name)))
            return &methods[i];
    return NULL;
}

/* ---- Cancellation: when the case says so, from another thread if that is while we wait */

typedef struct canceller {
    pthread_t thread;
    proa_call *call;
    uint32_t after_ms;
    bool is_running;
} canceller;

static void *cancel_later(void *user)
{
    canceller *c = user;
    sleep_ms(c->after_ms);
    proa_call_cancel(c->call);
    return NULL;
}

/* All requests were sent: closes our side, or cancels, or both. */
static void end_requests(attempt *a, canceller *c)
{
    const suite_ClientCompatRequest_Cancel *cancel = a->wanted->cancel;
    if (cancel && cancel->cancel_timing.which == suite_ClientCompatRequest_Cancel_cancel_timing_before_close_send) {
        proa_call_cancel(a->call);
        return;
    }
    proa_call_end_requests(a->call);
    if (!cancel || cancel->cancel_timing.which == suite_ClientCompatRequest_Cancel_cancel_timing_after_num_responses)
        return;
    *c = (canceller){ .call = a->call };
    if (cancel->cancel_timing.which == suite_ClientCompatRequest_Cancel_cancel_timing_after_close_send_ms)
        c->after_ms = cancel->cancel_timing.after_close_send_ms;
    c->is_running = pthread_create(&c->thread, NULL, cancel_later, c) == 0;
    if (!c->is_running)
        a->refusal = "no thread to cancel from";
}

/* ---- One call */

static void note(attempt *a, payload *reply)
{
    static const suite_ConformancePayload nothing = { 0 };
    if (a->payload_count == PAYLOADS_MAX) {
        a->refusal = "too many responses";
        return;
    }
    /* The reply is borrowed until the next one. */
    const suite_ConformancePayload *kept =
        proa_clone(&suite_ConformancePayload_type, reply ? reply : &nothing, a->arena);
    if (!kept) {
        a->refusal = "no memory for a response";
        return;
    }
    a->payloads[a->payload_count++] = *kept;
    const suite_ClientCompatRequest_Cancel *cancel = a->wanted->cancel;
    if (cancel && cancel->cancel_timing.which == suite_ClientCompatRequest_Cancel_cancel_timing_after_num_responses &&
        a->payload_count == cancel->cancel_timing.after_num_responses)
        proa_call_cancel(a->call);
}

/* Sends what there is to send. Full duplex: a response is awaited for each request. */
static void send_requests(attempt *a)
{
    const size_t count = a->wanted->request_messages.count;
    payload *reply;
    for (size_t i = 0; i < count; i++) {
        sleep_ms(a->wanted->request_delay_ms);
        if (!a->method->send(a, a->wanted->request_messages.data[i].value)) {
            a->unsent = (int32_t)(count - i);
            return;
        }
        if (a->wanted->stream_type != suite_STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM)
            continue;
        if (!a->method->receive(a, &reply)) {
            a->unsent = (int32_t)(count - i - 1);
            return;
        }
        note(a, reply);
    }
}

/* From the beginning of the call to its end; what came of it is in the attempt and in the call. */
static proa_status play(attempt *a)
{
    const suite_Header_list headers = { a->wanted->request_headers.data, a->wanted->request_headers.count };
    proa_call_options options = { .headers = suite_metadata_of(headers, a->arena) };
    if (a->wanted->timeout_ms.has)
        options.timeout_ns = a->wanted->timeout_ms.value ? a->wanted->timeout_ms.value * PROA_MILLISECOND : -1;
    a->call = a->method->begin(a, &options);
    if (a->refusal)
        return (proa_status){ .code = PROA_UNKNOWN };
    payload *reply;
    canceller c = { .is_running = false };
    if (a->method->send)
        send_requests(a);
    end_requests(a, &c);
    while (a->method->receive && a->method->receive(a, &reply))
        note(a, reply);
    proa_status status = proa_call_status(a->call);
    if (a->method->reply && a->method->reply(a, &reply))
        note(a, reply);
    if (c.is_running)
        pthread_join(c.thread, NULL);
    return status;
}

static suite_ClientResponseResult result_of(attempt *a, proa_status status)
{
    const suite_Header_list headers = suite_headers_of(proa_call_reply_headers(a->call), a->arena);
    const suite_Header_list trailers = suite_headers_of(proa_call_trailers(a->call), a->arena);
    return (suite_ClientResponseResult){
        .response_headers = { headers.data, headers.count },
        .response_trailers = { trailers.data, trailers.count },
        .payloads = { a->payloads, a->payload_count },
        .error = status.code != PROA_OK ? suite_error_of(status, a->arena) : NULL,
        .num_unsent_requests = a->unsent,
    };
}

/* Plays one case, and gives the encoded ClientCompatResponse; absent without memory. */
static proa_bytes answer(const suite_ClientCompatRequest *wanted, proa_arena *arena, channels *all)
{
    attempt a = { .wanted = wanted, .arena = arena, .method = method_named(wanted->method) };
    a.channel = channels_take(all, wanted, arena);
    suite_ClientCompatResponse response = { .test_name = wanted->test_name };
    suite_ClientResponseResult result;
    suite_ClientErrorResult error;
    if (!a.method)
        a.refusal = "no such method";
    proa_status status = { .code = PROA_UNKNOWN };
    if (!a.refusal)
        status = play(&a);
    if (a.refusal) {
        error = (suite_ClientErrorResult){ .message = proa_bytes_of(a.refusal) };
        response.result.which = suite_ClientCompatResponse_result_error;
        response.result.error = &error;
    } else {
        result = result_of(&a, status);
        response.result.which = suite_ClientCompatResponse_result_response;
        response.result.response = &result;
    }
    proa_bytes wire = { NULL, 0 };
    if (suite_ClientCompatResponse_encode(&response, arena, &wire) != PROA_ERR_NONE)
        wire = (proa_bytes){ NULL, 0 };
    proa_call_end(a.call);
    channels_give(all, a.channel);
    return wire;
}

/* ---- The program */

typedef struct shared {
    pthread_mutex_t in, out;
    channels channels;
    bool has_failed; /* guarded by out */
} shared;

static void *work(void *user)
{
    shared *s = user;
    proa_arena *arena = proa_arena_new(0);
    for (;;) {
        proa_bytes wire;
        pthread_mutex_lock(&s->in);
        bool has = suite_read(stdin, arena, &wire);
        pthread_mutex_unlock(&s->in);
        if (!has)
            break;
        proa_error error;
        const suite_ClientCompatRequest *wanted = suite_ClientCompatRequest_decode(wire, arena, &error);
        proa_bytes response = { NULL, 0 };
        if (wanted)
            response = answer(wanted, arena, &s->channels);
        else
            fprintf(stderr, "connect_client: ClientCompatRequest: %s\n", error.text);
        pthread_mutex_lock(&s->out);
        if (!response.data || !suite_write(stdout, response))
            s->has_failed = true;
        pthread_mutex_unlock(&s->out);
        proa_arena_reset(arena);
    }
    proa_arena_free(arena);
    return NULL;
}

int main(int argc, char **argv)
{
    shared s = { .in = PTHREAD_MUTEX_INITIALIZER, .out = PTHREAD_MUTEX_INITIALIZER };
    bool is_shared = argc == 2 && strcmp(argv[1], "--shared") == 0;
    if (argc > 1 && !is_shared) {
        fprintf(stderr, "usage: connect_client [--shared]\n");
        return 2;
    }
    channels_init(&s.channels, is_shared);
    pthread_t threads[THREADS];
    size_t count = 0;
    while (count < THREADS && pthread_create(&threads[count], NULL, work, &s) == 0)
        count++;
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    channels_fini(&s.channels);
    return count == 0 || s.has_failed;
}
