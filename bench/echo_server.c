/* SPDX-License-Identifier: Apache-2.0 */
/* The echo of the benchmarks on proa, with its defaults: bench_echo_server ADDRESS [CERT KEY].
 * Handlers assign and do not format. Idle is what an open stream without any state costs. */
#include <stdio.h>
#include <stdlib.h>
#include "echo.proa.h"

static proa_code unary(proa_call *call, const bench_Message *request, bench_Message *reply)
{
    (void)call;
    reply->payload = request->payload;
    return PROA_OK;
}

typedef struct download {
    bench_Message message;
    int64_t left;
    bool has_begun;
} download;

static proa_code download_(proa_call *call, const bench_StreamRequest *request)
{
    download *d = proa_call_state(call, sizeof *d);
    if (!d->has_begun) {
        size_t size = request->size > 0 ? (size_t)request->size : 0;
        d->message.payload = (proa_bytes){ proa_arena_alloc(proa_call_arena(call), size), size };
        if (!d->message.payload.data)
            return PROA_RESOURCE_EXHAUSTED;
        d->left = request->count ? request->count : INT64_MAX;
        d->has_begun = true;
    }
    while (d->left && proa_call_can_push(call)) {
        bench_Echo_Download_push_reply(call, &d->message);
        d->left--;
    }
    return d->left ? PROA_WAIT : PROA_OK;
}

static proa_code upload(proa_call *call, bench_Summary *summary)
{
    bench_Summary *sum = proa_call_state(call, sizeof *sum);
    const bench_Message *message;
    while ((message = bench_Echo_Upload_pop_request(call))) {
        sum->count++;
        sum->bytes += (int64_t)message->payload.size;
    }
    if (!proa_call_is_at_end(call))
        return PROA_WAIT;
    *summary = *sum;
    return PROA_OK;
}

static proa_code chat(proa_call *call)
{
    const bench_Message *message;
    while (proa_call_can_push(call) && (message = bench_Echo_Chat_pop_request(call)))
        bench_Echo_Chat_push_reply(call, message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static proa_code idle(proa_call *call)
{
    (void)call;
    return PROA_WAIT;
}

static const bench_Echo echo = { .Unary = unary, .Download = download_, .Upload = upload, .Chat = chat };

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 4) {
        fputs("bench_echo_server ADDRESS [CERT KEY]\n", stderr);
        return 2;
    }
    proa_tls *tls = argc == 4 ? proa_tls_new(&(proa_tls_options){ .cert_file = argv[2], .key_file = argv[3] }) : NULL;
    proa_server *server = proa_server_new(NULL);
    bench_Echo_serve(server, &echo, NULL);
    proa_server_serve_bytes(server, "/bench.Echo/Idle", idle, NULL);
    if (proa_server_listen(server, argv[1], &(proa_listen_options){ .tls = tls }) == PROA_ERR_NONE) {
        printf("listening on %s\n", proa_server_address(server, 0));
        fflush(stdout);
    }
    int code = proa_server_main(server);
    proa_tls_free(tls);
    return code;
}
