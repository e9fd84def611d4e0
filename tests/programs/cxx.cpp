/* SPDX-License-Identifier: Apache-2.0 */
/* The headers and generated code in C++17: a handler and a call in one process. */
#include "helloworld.proa.h"

static proa_code say_hello(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply)
{
    reply->message = proa_arena_format(proa_call_arena(call), "Hi, %.*s", PROA_FMT(request->name));
    return PROA_OK;
}

int main()
{
    helloworld_Greeter greeter{};
    greeter.SayHello = say_hello;
    proa_server *server = proa_server_new(nullptr);
    helloworld_Greeter_serve(server, &greeter, nullptr);
    proa_channel *channel = proa_server_channel(server);

    helloworld_HelloRequest request{};
    request.name = PROA_STR("Ada");
    static const proa_bytes expected = PROA_STR_INIT("Hi, Ada");
    proa_call_options options{};
    options.timeout_ns = 5 * PROA_SECOND;
    proa_call *call = helloworld_Greeter_SayHello_begin(channel, &request, &options);
    bool is_good = proa_call_status(call).code == PROA_OK;
    const helloworld_HelloReply *reply = helloworld_Greeter_SayHello_reply(call);
    is_good = is_good && reply && proa_bytes_is_equal(reply->message, expected);
    proa_call_end(call);
    proa_channel_close(channel);
    proa_server_free(server);
    return is_good ? 0 : 1;
}
