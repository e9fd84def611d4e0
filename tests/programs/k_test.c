/* SPDX-License-Identifier: Apache-2.0 */
/* (k) A test of the handlers of a_server.c: no socket, no thread. */
#include "expect.h"
#include "helloworld.proa.h"

extern const helloworld_Greeter greeter;

int main(void)
{
    proa_server *server = proa_server_new(NULL);
    helloworld_Greeter_serve(server, &greeter, NULL);
    proa_channel *channel = proa_server_channel(server);
    proa_arena *arena = proa_arena_new(0);
    helloworld_HelloReply reply;

    proa_status status = helloworld_Greeter_SayHello(channel, &(helloworld_HelloRequest){ .name = PROA_STR("Ada") },
                                                     &reply, arena, NULL);
    EXPECT(status.code == PROA_OK);
    EXPECT(proa_bytes_is_equal(reply.message, PROA_STR("Hello, Ada!")));

    status = helloworld_Greeter_SayHello(channel, &(helloworld_HelloRequest){ 0 }, &reply, arena, NULL);
    EXPECT(status.code == PROA_INVALID_ARGUMENT);

    proa_arena_free(arena);
    proa_channel_close(channel);
    proa_server_free(server);
    return 0;
}
