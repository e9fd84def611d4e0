/* SPDX-License-Identifier: Apache-2.0 */
/* (i) Shutdown from a signal: what was accepted is answered, then run returns. i_signal [ADDRESS] */
#include <signal.h>
#include <stdio.h>
#include "helloworld.proa.h"

/* Takes half a second, so that a signal can come in between. */
static proa_code say_hello(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply)
{
    bool *has_slept = proa_call_state(call, sizeof *has_slept);
    if (!*has_slept) {
        *has_slept = true;
        printf("greeting %.*s\n", PROA_FMT(request->name));
        fflush(stdout);
        return proa_call_sleep_ns(call, 500 * PROA_MILLISECOND);
    }
    reply->message = proa_arena_format(proa_call_arena(call), "Good night, %.*s", PROA_FMT(request->name));
    return PROA_OK;
}

static const helloworld_Greeter greeter = { .SayHello = say_hello };
static proa_server *server;

static void on_term(int signal)
{
    (void)signal;
    proa_server_drain(server);
}

int main(int argc, char **argv)
{
    server = proa_server_new(&(proa_server_options){ .grace_ns = 10 * PROA_SECOND });
    helloworld_Greeter_serve(server, &greeter, NULL);
    proa_server_listen(server, argc > 1 ? argv[1] : "[::]:50051", NULL);
    sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, NULL);

    proa_error error;
    proa_err failed = proa_server_run(server, &error); /* until drained */
    if (failed)
        fprintf(stderr, "%s\n", error.text);
    proa_server_free(server);
    return failed != PROA_ERR_NONE;
}
