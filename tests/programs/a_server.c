/* SPDX-License-Identifier: Apache-2.0 */
/* (a) The smallest server. */
#include "helloworld.proa.h"

static proa_code say_hello(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply)
{
    if (request->name.size == 0)
        return proa_call_fail(call, PROA_INVALID_ARGUMENT, "name is empty");
    reply->message = proa_arena_format(proa_call_arena(call), "Hello, %.*s!", PROA_FMT(request->name));
    return PROA_OK;
}

const helloworld_Greeter greeter = { .SayHello = say_hello };

int main(int argc, char **argv)
{
    proa_server *server = proa_server_new(NULL);
    helloworld_Greeter_serve(server, &greeter, NULL);
    proa_server_listen(server, argc > 1 ? argv[1] : "localhost:50051", NULL);
    return proa_server_main(server);
}
