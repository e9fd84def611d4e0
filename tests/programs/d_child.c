/* SPDX-License-Identifier: Apache-2.0 */
/* (d) A handler that asks telemetry.Host before it greets: on a worker, and on the loop. */
#include "d_child.h"
#include "telemetry.proa.h"

static proa_code say_hello_blocking(proa_call *call, const helloworld_HelloRequest *request,
                                    helloworld_HelloReply *reply)
{
    struct d_app *app = proa_call_user(call);
    proa_arena *arena = proa_call_arena(call);
    telemetry_Facts facts;
    proa_status status = telemetry_Host_Describe(app->telemetry, &(telemetry_DescribeRequest){ 0 }, &facts, arena,
                                                 &(proa_call_options){ .parent = call });
    if (status.code != PROA_OK)
        return proa_call_set_status(call, status);
    reply->message = proa_arena_format(arena, "%.*s greets %.*s", PROA_FMT(facts.host), PROA_FMT(request->name));
    return PROA_OK;
}

static proa_code say_hello_on_loop(proa_call *call, const helloworld_HelloRequest *request,
                                   helloworld_HelloReply *reply)
{
    struct d_app *app = proa_call_user(call);
    struct {
        proa_call *describe;
    } *state = proa_call_state(call, sizeof *state);
    if (!state->describe)
        state->describe = telemetry_Host_Describe_begin(app->telemetry, &(telemetry_DescribeRequest){ 0 },
                                                        &(proa_call_options){ .parent = call });
    if (!proa_call_is_at_end(state->describe))
        return PROA_WAIT; /* a child wakes its parent */
    const telemetry_Facts *facts = telemetry_Host_Describe_reply(state->describe);
    if (!facts)
        return proa_call_set_status(call, proa_call_status(state->describe));
    reply->message =
        proa_arena_format(proa_call_arena(call), "%.*s greets %.*s", PROA_FMT(facts->host), PROA_FMT(request->name));
    return PROA_OK;
}

const helloworld_Greeter d_blocking = { .SayHello = say_hello_blocking };
const helloworld_Greeter d_loop = { .SayHello = say_hello_on_loop };
