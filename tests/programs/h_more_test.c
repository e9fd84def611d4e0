/* SPDX-License-Identifier: Apache-2.0 */
/* (h) runs: headers and trailers arrive, binary ones too, and the details of a status. */
#include "h_more.h"

#include <string.h>
#include <unistd.h>
#include "expect.h"
#include "running.h"

/* What h_client prints, and the code that it returns. */
static proa_code run_client(proa_channel *channel, proa_bytes name, char *out, size_t out_size)
{
    FILE *file = tmpfile();
    EXPECT(file);
    fflush(stdout);
    int terminal = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    proa_code code = h_client(channel, name);
    fflush(stdout);
    dup2(terminal, STDOUT_FILENO);
    close(terminal);
    rewind(file);
    out[fread(out, 1, out_size - 1, file)] = '\0';
    fclose(file);
    return code;
}

int main(void)
{
    proa_server *server = proa_server_new(NULL);
    helloworld_Greeter_serve(server, &h_greeter, NULL);
    struct running running = running_begin(server);
    proa_channel *channel = running_channel(&running, NULL);
    char out[256];

    EXPECT(run_client(channel, PROA_STR("Ada"), out, sizeof out) == PROA_OK);
    EXPECT(strcmp(out, "hello\nhost-7, 3 trailer bytes\n") == 0);
    EXPECT(run_client(channel, PROA_STR(""), out, sizeof out) == PROA_INVALID_ARGUMENT);
    EXPECT(strcmp(out, "name\nhost-7, 3 trailer bytes\n") == 0);

    proa_arena *arena = proa_arena_new(0);
    helloworld_HelloReply reply;
    proa_status status = helloworld_Greeter_SayHello(channel, &(helloworld_HelloRequest){ .name = PROA_STR("Ada") },
                                                     &reply, arena, NULL);
    EXPECT(status.code == PROA_UNAUTHENTICATED);
    EXPECT(proa_bytes_is_equal(status.message, PROA_STR("no token")));
    EXPECT(!status.details.data);
    proa_arena_free(arena);
    proa_channel_close(channel);
    running_end(&running);
    return 0;
}
