/* SPDX-License-Identifier: Apache-2.0 */
/* (c) A client inside the program's own epoll loop: a pattern a line goes in, lines come out. c_foreign [ADDRESS] */
#include <sys/epoll.h>
#include "telemetry.proa.h"
#include "common.h"

struct app {
    proa_loop *loop;
    proa_channel *channel;
    proa_call *grep;
    bool input_ended, finished;
};

static void line_ready(proa_call *call, void *user)
{
    (void)user;
    const telemetry_Line *line;
    while ((line = telemetry_Host_Grep_pop_reply(call)))
        printf("%.*s\n", PROA_FMT(line->text));
}

static void grep_done(proa_call *call, void *user)
{
    struct app *app = user;
    printf("%s\n", proa_code_name(proa_call_status(call).code));
    app->finished = true;
}

static void stdin_readable(struct app *app)
{
    char text[256];
    ssize_t n = read(STDIN_FILENO, text, sizeof text);
    if (n <= 0) {
        app->input_ended = true;
        proa_call_end_requests(app->grep);
        return;
    }
    size_t size = (size_t)n - (text[n - 1] == '\n');
    telemetry_Pattern pattern = { .kind = { .which = telemetry_Pattern_kind_text, .text = { text, size } } };
    telemetry_Host_Grep_push_request(app->grep, &pattern);
}

int main(int argc, char **argv)
{
    struct app app = { .loop = proa_loop_new(NULL) };
    app.channel =
        proa_channel_open(argc > 1 ? argv[1] : "localhost:50052", &(proa_channel_options){ .loop = app.loop });
    proa_call_options options = { .on_ready = line_ready, .on_done = grep_done, .user = &app };
    app.grep = telemetry_Host_Grep_begin(app.channel, &options);

    int ep = epoll_create1(0);
    epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &(struct epoll_event){ .events = EPOLLIN, .data.fd = STDIN_FILENO });
    epoll_ctl(ep, EPOLL_CTL_ADD, proa_loop_fd(app.loop), &(struct epoll_event){ .events = EPOLLIN, .data.fd = -1 });
    while (!app.finished) {
        struct epoll_event events[8];
        int n = epoll_wait(ep, events, 8, proa_loop_timeout_ms(app.loop));
        for (int i = 0; i < n; i++)
            if (events[i].data.fd == STDIN_FILENO)
                stdin_readable(&app);
        if (app.input_ended)
            epoll_ctl(ep, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
        proa_loop_turn(app.loop);
    }
    proa_channel_close(app.channel);
    proa_loop_free(app.loop);
    close(ep);
    return 0;
}
