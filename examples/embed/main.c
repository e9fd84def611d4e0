/* SPDX-License-Identifier: Apache-2.0 */
/* A server and a client inside the program's own poll() loop, by one fd and one timeout: embed_main [NAME...]
 *
 * Nothing here waits but poll, and there is no thread. The loop also watches standard input: each line
 * is greeted as well. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "helloworld.proa.h"

struct app {
    proa_loop *loop;
    proa_server *server;
    proa_channel *channel;
    unsigned open_calls;
    bool input_ended, drained, failed;
};

static proa_code say_hello(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply)
{
    reply->message = proa_arena_format(proa_call_arena(call), "Hello, %.*s!", PROA_FMT(request->name));
    return PROA_OK;
}

static const helloworld_Greeter greeter = { .SayHello = say_hello };

static void on_reply(proa_call *call, void *user)
{
    struct app *app = user;
    const helloworld_HelloReply *reply = helloworld_Greeter_SayHello_reply(call);
    proa_status status = proa_call_status(call);
    if (reply)
        printf("%.*s\n", PROA_FMT(reply->message));
    else
        fprintf(stderr, "%s: %.*s\n", proa_code_name(status.code), PROA_FMT(status.message));
    app->failed |= !reply;
    app->open_calls--;
}

static void greet(struct app *app, proa_bytes name)
{
    app->open_calls++;
    proa_call_options options = { .on_done = on_reply, .user = app, .timeout_ns = 5 * PROA_SECOND };
    helloworld_Greeter_SayHello_begin(app->channel, &(helloworld_HelloRequest){ .name = name }, &options);
}

static void on_input(struct app *app)
{
    char text[256];
    ssize_t n = read(STDIN_FILENO, text, sizeof text);
    app->input_ended = n <= 0;
    if (n > 0)
        greet(app, (proa_bytes){ text, (size_t)n - (text[n - 1] == '\n') });
}

static void on_drained(proa_server *server, void *user)
{
    (void)server;
    ((struct app *)user)->drained = true;
}

int main(int argc, char **argv)
{
    struct app app = { .loop = proa_loop_new(NULL) };
    app.server = proa_server_new(&(proa_server_options){ .loop = app.loop, .on_drained = on_drained, .user = &app });
    helloworld_Greeter_serve(app.server, &greeter, NULL);
    if (proa_server_listen(app.server, "127.0.0.1:0", NULL) != PROA_ERR_NONE)
        return fprintf(stderr, "cannot listen on 127.0.0.1\n"), 1;
    app.channel = proa_channel_open(proa_server_address(app.server, 0), &(proa_channel_options){ .loop = app.loop });

    for (int i = 1; i < argc; i++)
        greet(&app, proa_bytes_of(argv[i]));
    for (bool is_draining = false; !app.drained;) {
        if (app.input_ended && !app.open_calls && !is_draining) {
            is_draining = true;
            proa_server_drain(app.server);
        }
        struct pollfd fds[] = {
            { .fd = proa_loop_fd(app.loop), .events = POLLIN },
            { .fd = app.input_ended ? -1 : STDIN_FILENO, .events = POLLIN },
        };
        poll(fds, 2, proa_loop_timeout_ms(app.loop));
        if (fds[1].revents)
            on_input(&app);
        proa_loop_turn(app.loop);
    }
    proa_channel_close(app.channel);
    proa_server_free(app.server);
    proa_loop_free(app.loop);
    return app.failed;
}
