/* SPDX-License-Identifier: Apache-2.0 */
/* (a) The smallest client: a_client [ADDRESS [NAME]] */
#include <stdio.h>
#include "helloworld.proa.h"

int main(int argc, char **argv)
{
    proa_channel *channel = proa_channel_open(argc > 1 ? argv[1] : "localhost:50051", NULL);
    proa_arena *arena = proa_arena_new(0);

    helloworld_HelloRequest request = { .name = proa_bytes_of(argc > 2 ? argv[2] : "Ada") };
    helloworld_HelloReply reply;
    proa_status status = helloworld_Greeter_SayHello(channel, &request, &reply, arena, NULL);

    if (status.code == PROA_OK)
        printf("%.*s\n", PROA_FMT(reply.message));
    else
        fprintf(stderr, "%s: %.*s\n", proa_code_name(status.code), PROA_FMT(status.message));

    proa_arena_free(arena);
    proa_channel_close(channel);
    return status.code != PROA_OK;
}
