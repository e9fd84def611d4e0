/* SPDX-License-Identifier: Apache-2.0 */
/* Load on a server that somebody kills and starts again: one channel, one loop, unary calls and streams that begin anew.
 *
 * Words on standard input say what happens, and each is answered with a line: `load`: "loaded" when calls succeed; `dying`:
 * "dying", from now on calls may fail; `killed`: "failing" when one failed; `back`: "healed N", in N ms a new call
 * succeeded; `quiet`: no call runs, "quiet FDS BYTES" of this process. At the end of input: totals. Exit code 0: each failed
 * call was UNAVAILABLE, none failed once one had succeeded after `back`, and none hung. heal.py is at the other end. */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "flags.h"
#include "grpc/testing/test.proa.h"

enum { UNARY = 12, STREAMS = 4, SLOTS = UNARY + STREAMS, TURNS = 20, LOADED = 100, PAUSE_MS = 10 };
#define CALL_NS (20 * PROA_SECOND) /* no call may hang */

typedef struct clinic clinic;

typedef struct slot {
    clinic *clinic;
    bool is_stream;
    bool is_running;
    bool is_new;   /* began after `back` */
    int turns;     /* of a stream, that are left */
    long pause_ms; /* after a failure: not before that time of the clinic */
} slot;

struct clinic {
    proa_channel *channel;
    slot slots[SLOTS];
    bool is_loaded;        /* a slot whose call is over begins another */
    bool is_alive;         /* the server was said to be there, and a call confirmed it */
    const char *waits_for; /* the word that is not answered yet, or NULL */
    struct timespec start, back;
    unsigned running, ok_since, failed_since;
    unsigned ok, unavailable, wrong;
};

static const char zeros[4096];

static void answer(clinic *c, const char *text)
{
    c->waits_for = NULL;
    printf("%s\n", text);
    fflush(stdout);
}

static long milliseconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - then->tv_sec) * 1000 + (now.tv_nsec - then->tv_nsec) / 1000000;
}

static bool is_waiting_for(const clinic *c, const char *word)
{
    return c->waits_for && strcmp(c->waits_for, word) == 0;
}

static void count_ok(clinic *c, const slot *s)
{
    char text[64];
    c->ok++;
    c->ok_since++;
    if (is_waiting_for(c, "back") && s->is_new) {
        c->is_alive = true;
        snprintf(text, sizeof text, "healed %ld", milliseconds_since(&c->back));
        answer(c, text);
    }
}

static void done(proa_call *call, void *user)
{
    slot *s = user;
    clinic *c = s->clinic;
    proa_status status = proa_call_status(call);
    bool is_late = c->is_alive && s->is_new;
    s->is_running = false;
    s->pause_ms = status.code == PROA_OK ? 0 : milliseconds_since(&c->start) + PAUSE_MS;
    c->running--;
    if (status.code == PROA_OK) {
        count_ok(c, s);
    } else if (status.code == PROA_UNAVAILABLE && !is_late) {
        c->unavailable++;
        c->failed_since++;
    } else {
        c->wrong++;
        fprintf(stderr, "%s ended as %s \"%.*s\"%s\n", proa_call_path(call), proa_code_name(status.code),
                PROA_FMT(status.message), is_late ? ", and the server is alive" : "");
    }
}

static void send_turn(proa_call *call)
{
    grpc_testing_ResponseParameters parameters[1] = { { .size = sizeof zeros } };
    grpc_testing_Payload payload = { .body = { zeros, sizeof zeros } };
    grpc_testing_TestService_FullDuplexCall_push_request(
        call, &(grpc_testing_StreamingOutputCallRequest){ .response_parameters = PROA_LIST(parameters),
                                                          .payload = &payload });
}

static void ready(proa_call *call, void *user)
{
    slot *s = user;
    while (grpc_testing_TestService_FullDuplexCall_pop_reply(call)) {
        if (--s->turns > 0)
            send_turn(call);
        else
            proa_call_end_requests(call);
    }
}

static void begin(clinic *c, slot *s)
{
    proa_call_options options = {
        .timeout_ns = CALL_NS, .on_ready = s->is_stream ? ready : NULL, .on_done = done, .user = s
    };
    s->is_running = true;
    s->is_new = is_waiting_for(c, "back") || c->is_alive;
    s->turns = TURNS;
    c->running++;
    if (s->is_stream) {
        send_turn(grpc_testing_TestService_FullDuplexCall_begin(c->channel, &options));
        return;
    }
    grpc_testing_Payload payload = { .body = { zeros, sizeof zeros } };
    grpc_testing_TestService_UnaryCall_begin(
        c->channel, &(grpc_testing_SimpleRequest){ .response_size = sizeof zeros, .payload = &payload }, &options);
}

static int open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count - 3; /* ".", ".." and that of dir */
}

/* What can only be said between turns. */
static void look(clinic *c)
{
    char text[64];
    long now_ms = milliseconds_since(&c->start);
    for (size_t i = 0; i < SLOTS && c->is_loaded; i++)
        if (!c->slots[i].is_running && c->slots[i].pause_ms <= now_ms)
            begin(c, &c->slots[i]);
    if (is_waiting_for(c, "load") && c->ok_since >= LOADED)
        answer(c, "loaded");
    if (is_waiting_for(c, "killed") && c->failed_since)
        answer(c, "failing");
    if (is_waiting_for(c, "quiet") && !c->running) {
        snprintf(text, sizeof text, "quiet %d %zu", open_files(), mallinfo2().uordblks);
        answer(c, text);
    }
}

static void hear(clinic *c, const char *word)
{
    static const char *const words[] = { "load", "dying", "killed", "back", "quiet" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0)
            c->waits_for = words[i];
    c->ok_since = c->failed_since = 0;
    c->is_loaded = !is_waiting_for(c, "quiet");
    if (is_waiting_for(c, "dying")) {
        c->is_alive = false;
        answer(c, "dying");
    }
    if (is_waiting_for(c, "back"))
        clock_gettime(CLOCK_MONOTONIC, &c->back);
}

/* false: no more words. */
static bool read_word(clinic *c)
{
    char word[32];
    ssize_t n = read(STDIN_FILENO, word, sizeof word - 1); /* one word at a time: each waits for its answer */
    if (n <= 0)
        return n < 0 && errno == EINTR;
    word[n] = '\0';
    word[strcspn(word, "\n")] = '\0';
    hear(c, word);
    return true;
}

static void run(clinic *c, proa_loop *loop)
{
    for (;;) {
        struct pollfd files[2] = { { .fd = proa_loop_fd(loop), .events = POLLIN },
                                   { .fd = STDIN_FILENO, .events = POLLIN } };
        int timeout_ms = proa_loop_timeout_ms(loop);
        poll(files, 2, timeout_ms < 0 || timeout_ms > PAUSE_MS ? PAUSE_MS : timeout_ms);
        if (files[1].revents && !read_word(c))
            return;
        proa_loop_turn(loop);
        look(c);
    }
}

int main(int argc, char **argv)
{
    flag flags[] = { { "server_host", "127.0.0.1" }, { "server_port", NULL }, { "use_tls", "false" }, { "ca_file", "" },
                     { "server_host_override", "" }, { NULL, NULL } };
    long port;
    bool use_tls;
    char target[300];
    if (!flags_parse(flags, argc, argv) || !flags_get_number(flags, "server_port", 65535, &port) ||
        !flags_get_bool(flags, "use_tls", &use_tls))
        return 2;
    snprintf(target, sizeof target, "%s:%ld", flags_get(flags, "server_host"), port);
    proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };
    size_t before = mallinfo2().uordblks;
    proa_loop *loop = proa_loop_new(&(proa_loop_options){ .trace = &trace });
    proa_tls *tls = !use_tls
                        ? NULL
                        : proa_tls_new(&(proa_tls_options){ .ca_file = flags_get(flags, "ca_file"),
                                                            .server_name = flags_get(flags, "server_host_override") });
    clinic c = { .channel = proa_channel_open(target, &(proa_channel_options){ .loop = loop, .tls = tls }) };
    proa_tls_free(tls);
    clock_gettime(CLOCK_MONOTONIC, &c.start);
    for (size_t i = 0; i < SLOTS; i++)
        c.slots[i] = (slot){ .clinic = &c, .is_stream = i >= UNARY };
    run(&c, loop);
    c.is_loaded = false;
    proa_channel_close(c.channel);
    proa_loop_free(loop);
    size_t after = mallinfo2().uordblks;
    printf("%u OK, %u UNAVAILABLE, %u wrong, %ld bytes left\n", c.ok, c.unavailable, c.wrong,
           (long)after - (long)before);
    return c.wrong ? 1 : 0;
}
