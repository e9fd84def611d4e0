/* SPDX-License-Identifier: Apache-2.0 */
/* unary_ir CALLS a|b|c|s [IN_FLIGHT]: CALLS unary calls from generated stub to generated handler and back, in one process and
 * one thread, for counting instructions under callgrind (bench/ir) and allocations (it prints those of its middle half).
 *
 * Client and server have a loop each, turned one after the other by client_turn and server_turn, so that the inclusive
 * costs of these two functions are the two sides. Headers: a constant; b a new grpc-timeout each call; c three metadata
 * values new each call, one of them -bin. s: one call instead, of CALLS messages from the server. */
#include "echo.proa.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD = 105, IN_FLIGHT_MAX = 1000 }; /* a message of 107 bytes, as facts of other benchmarks have it */

typedef struct run {
    proa_loop *client, *server;
    proa_channel *channel;
    char mix;
    unsigned long wanted, begun, done, failed;
    bench_Message request;
    char id[16], session[12], trace[16];          /* what is new in mix c */
    size_t first_allocations, middle_allocations; /* until a quarter was done, and from then until three were */
} run;

/* ---- Allocations: of this program, the library and what it stands on. glibc lets a program have these names. */

static size_t allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    allocations++;
    return __libc_realloc(memory, size);
}

/* ---- The server: handlers assign and do not format. */

static proa_code unary(proa_call *call, const bench_Message *request, bench_Message *reply)
{
    (void)call;
    reply->payload = request->payload;
    return PROA_OK;
}

static proa_code download(proa_call *call, const bench_StreamRequest *request)
{
    static const char payload[PAYLOAD];
    int64_t *sent = proa_call_state(call, sizeof *sent);
    bench_Message message = { .payload = { payload, (size_t)request->size } };
    while (*sent < request->count) {
        ++*sent;
        if (!bench_Echo_Download_push_reply(call, &message) && *sent < request->count)
            return PROA_WAIT;
    }
    return PROA_OK;
}

static const bench_Echo echo = { .Unary = unary, .Download = download };

/* ---- The client */

static void count_up(char *digits, size_t size)
{
    while (size-- > 0) {
        if (digits[size] != '9') {
            digits[size]++;
            return;
        }
        digits[size] = '0';
    }
}

static void on_done(proa_call *call, void *user);

static void begin_one(run *r)
{
    proa_call_options options = { .on_done = on_done, .user = r };
    proa_header headers[3];
    if (r->mix == 'b')
        options.timeout_ns = 10 * PROA_SECOND + (int64_t)r->begun * 1000;
    if (r->mix == 'c') {
        count_up(r->id, sizeof r->id);
        count_up(r->session, sizeof r->session);
        count_up(r->trace, sizeof r->trace);
        headers[0] = (proa_header){ PROA_STR("x-request-id"), { r->id, sizeof r->id } };
        headers[1] = (proa_header){ PROA_STR("x-session"), { r->session, sizeof r->session } };
        headers[2] = (proa_header){ PROA_STR("x-trace-bin"), { r->trace, sizeof r->trace } };
        options.headers = (proa_headers){ headers, 3 };
    }
    r->begun++;
    bench_Echo_Unary_begin(r->channel, &r->request, &options);
}

static void count_done(run *r)
{
    r->done++;
    if (r->done == r->wanted / 4)
        r->first_allocations = allocations;
    if (r->done == r->wanted - r->wanted / 4)
        r->middle_allocations = allocations - r->first_allocations;
}

static void on_done(proa_call *call, void *user)
{
    run *r = user;
    const bench_Message *reply = bench_Echo_Unary_reply(call);
    if (!reply || reply->payload.size != PAYLOAD)
        r->failed++;
    count_done(r);
    if (r->begun < r->wanted)
        begin_one(r);
}

static void on_message(proa_call *call, void *user)
{
    run *r = user;
    for (const bench_Message *message; (message = bench_Echo_Download_pop_reply(call));) {
        r->failed += message->payload.size != PAYLOAD;
        count_done(r);
    }
}

static void on_stream_done(proa_call *call, void *user)
{
    run *r = user;
    r->failed += proa_call_status(call).code != PROA_OK;
}

static void begin_stream(run *r)
{
    bench_StreamRequest request = { .count = (int64_t)r->wanted, .size = PAYLOAD };
    bench_Echo_Download_begin(r->channel, &request,
                              &(proa_call_options){ .on_ready = on_message, .on_done = on_stream_done, .user = r });
}

__attribute__((noinline)) static void client_turn(run *r)
{
    proa_loop_turn(r->client);
}

__attribute__((noinline)) static void server_turn(run *r)
{
    proa_loop_turn(r->server);
}

static int report(run *r)
{
    printf("%lu calls, %lu failed, %zu allocations in the middle half\n", r->done, r->failed, r->middle_allocations);
    return r->failed || r->done != r->wanted;
}

int main(int argc, char **argv)
{
    run r = { .wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, .mix = argc > 2 ? argv[2][0] : 0 };
    unsigned long in_flight = argc > 3 ? strtoul(argv[3], NULL, 10) : 100;
    if (r.wanted < 2 || !r.mix || !strchr("abcs", r.mix) || in_flight < 1 || in_flight > IN_FLIGHT_MAX) {
        fprintf(stderr, "usage: unary_ir CALLS a|b|c|s [IN_FLIGHT]\n");
        return 2;
    }
    char payload[PAYLOAD];
    memset(payload, 'p', sizeof payload);
    memset(r.id, '0', sizeof r.id);
    memset(r.session, '0', sizeof r.session);
    memset(r.trace, '0', sizeof r.trace);
    r.request.payload = (proa_bytes){ payload, sizeof payload };
    r.server = proa_loop_new(NULL);
    r.client = proa_loop_new(NULL);
    proa_server *server = proa_server_new(&(proa_server_options){ .loop = r.server });
    bench_Echo_serve(server, &echo, NULL);
    if (proa_server_listen(server, "127.0.0.1:0", NULL) != PROA_ERR_NONE)
        return 1;
    r.channel = proa_channel_open(proa_server_address(server, 0), &(proa_channel_options){ .loop = r.client });
    if (r.mix == 's')
        begin_stream(&r);
    for (unsigned long i = 0; r.mix != 's' && i < in_flight && r.begun < r.wanted; i++)
        begin_one(&r);
    while (r.done < r.wanted && !r.failed) {
        client_turn(&r);
        server_turn(&r);
    }
    int result = report(&r);
    proa_channel_close(r.channel);
    proa_server_free(server);
    proa_loop_free(r.client);
    proa_loop_free(r.server);
    return result;
}
