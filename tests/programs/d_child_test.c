/* SPDX-License-Identifier: Apache-2.0 */
/* (d) runs: the child's answer, its failure, its deadline and its cancellation, on a worker and on the loop. */
#include "d_child.h"
#include "expect.h"
#include "running.h"
#include "telemetry.proa.h"

enum { ANSWER, FAIL, HANG };
static _Atomic int mode, ended;
static _Atomic int64_t remaining_ns;

static void describe_end(proa_call *call, void *user)
{
    (void)user;
    ended = proa_call_is_cancelled(call) ? 2 : 1;
}

static proa_code describe(proa_call *call, const telemetry_DescribeRequest *request, telemetry_Facts *reply)
{
    (void)request;
    remaining_ns = proa_call_remaining_ns(call);
    proa_call_on_end(call, describe_end, NULL);
    if (mode == HANG)
        return PROA_WAIT;
    if (mode == FAIL)
        return proa_call_fail(call, PROA_NOT_FOUND, "no facts");
    reply->host = PROA_STR("here");
    return PROA_OK;
}

static const telemetry_Host host = { .Describe = describe };

static proa_status greet(proa_channel *channel, helloworld_HelloReply *reply, proa_arena *arena, int64_t timeout_ns)
{
    ended = 0;
    return helloworld_Greeter_SayHello(channel, &(helloworld_HelloRequest){ .name = PROA_STR("Ada") }, reply, arena,
                                       &(proa_call_options){ .timeout_ns = timeout_ns });
}

static void run(const helloworld_Greeter *handlers, bool on_workers)
{
    proa_server *server = proa_server_new(NULL);
    telemetry_Host_serve(server, &host, NULL);
    struct running below = running_begin(server);
    struct d_app app = { running_channel(&below, NULL) };

    server = proa_server_new(NULL);
    helloworld_Greeter_serve(server, handlers, &(proa_serve_options){ .user = &app, .on_workers = on_workers });
    struct running above = running_begin(server);
    proa_channel *channel = running_channel(&above, NULL);
    proa_arena *arena = proa_arena_new(0);
    helloworld_HelloReply reply;

    mode = ANSWER;
    proa_status status = greet(channel, &reply, arena, 0);
    EXPECT(status.code == PROA_OK);
    EXPECT(proa_bytes_is_equal(reply.message, PROA_STR("here greets Ada")));
    EXPECT(remaining_ns == INT64_MAX);

    status = greet(channel, &reply, arena, 20 * PROA_SECOND);
    EXPECT(status.code == PROA_OK);
    EXPECT(remaining_ns > 0 && remaining_ns <= 20 * PROA_SECOND);

    mode = FAIL;
    status = greet(channel, &reply, arena, 0);
    EXPECT(status.code == PROA_NOT_FOUND);
    EXPECT(proa_bytes_is_equal(status.message, PROA_STR("no facts")));

    mode = HANG;
    status = greet(channel, &reply, arena, 100 * PROA_MILLISECOND);
    EXPECT(status.code == PROA_DEADLINE_EXCEEDED);
    EXPECT(running_wait(&ended, 2));

    proa_arena_free(arena);
    proa_channel_close(channel);
    running_end(&above);
    proa_channel_close(app.telemetry);
    running_end(&below);
}

int main(void)
{
    run(&d_blocking, true);
    run(&d_loop, false);
    return 0;
}
