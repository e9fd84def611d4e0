/* SPDX-License-Identifier: Apache-2.0 */
/* (l) A client that knows how its channel stands: l_channel ADDRESS [SECONDS], or l_channel ADDRESS loop */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "helloworld.proa.h"

static int greet(const char *address, int seconds)
{
    proa_channel *channel = proa_channel_open(address, NULL);
    int rc = 1;
    if (proa_channel_wait_state(channel, PROA_CHANNEL_READY, seconds * PROA_SECOND)) {
        proa_arena *arena = proa_arena_new(0);
        helloworld_HelloRequest request = { .name = PROA_STR("Ada") };
        helloworld_HelloReply reply;
        rc = helloworld_Greeter_SayHello(channel, &request, &reply, arena, NULL).code;
        printf("%.*s\n", PROA_FMT(reply.message));
        proa_arena_free(arena);
    } else {
        fprintf(stderr, "no server after %d s\n", seconds);
    }
    proa_channel_close(channel);
    return rc;
}

static const char *const names[] = { "idle", "connecting", "ready", "transient failure", "shutdown" };

static void on_state(proa_channel *channel, proa_channel_state state, void *loop)
{
    (void)channel;
    printf("%s\n", names[state]);
    if (state == PROA_CHANNEL_READY || state == PROA_CHANNEL_TRANSIENT_FAILURE)
        proa_loop_stop(loop);
}

static int watch(const char *address)
{
    proa_loop *loop = proa_loop_new(NULL);
    proa_channel_options options = { .loop = loop, .on_state = on_state, .user = loop };
    proa_channel *channel = proa_channel_open(address, &options);
    proa_call *call = proa_call_begin(channel, "/helloworld.Greeter/SayHello",
                                      &(proa_call_options){ .wait_for_ready = true, .timeout_ns = 10 * PROA_SECOND });
    proa_loop_run(loop);
    int rc = proa_channel_get_state(channel, false) != PROA_CHANNEL_READY;
    proa_call_end(call);
    proa_channel_close(channel);
    proa_loop_free(loop);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    if (argc > 2 && strcmp(argv[2], "loop") == 0)
        return watch(argv[1]);
    return greet(argv[1], argc > 2 ? atoi(argv[2]) : 5);
}
