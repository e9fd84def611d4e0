/* SPDX-License-Identifier: Apache-2.0 */
/* Scarce memory: each scenario of the table with its i-th allocation failing, for every i, once alone and once with all that
 * follow. Whatever fails, each call that began ends once, with a status that says so and is no deadline; nothing leaks. */
#include "base/memory.h"
#include "shapes.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MS         PROA_MILLISECOND
#define CODE(code) (1u << (code))

static char body[100000];

typedef struct world {
    const struct scenario *is;
    proa_loop *loop;
    proa_server *server;
    proa_channel *channel;
    unsigned begun, done, codes; /* codes: CODE(x) of all that ended */
    proa_later later[4];         /* taken and not yet answered */
    unsigned later_count;
} world;

typedef struct scenario {
    const char *name;
    void (*act)(world *w); /* begins calls; NULL: one call of plan */
    proa_handler handler;  /* of "/test.Any/Thing"; NULL: nobody serves it */
    unsigned codes;        /* what calls may end with when memory is there */
    unsigned messages;     /* that a call pushes */
    size_t size;           /* of each */
    const char *path;      /* NULL: "/test.Any/Thing" */
    proa_headers headers;
    int64_t timeout_ns;
    proa_server_options server;
    proa_channel_options channel;
    bool has_no_server, is_slow_reader;
    enum { OVER_TCP, OVER_UNIX, IN_PROCESS } way;
} scenario;

/* ---- A client's call: pushes its messages, pops what comes */

typedef struct caller {
    world *w;
    unsigned left, cancel_at; /* cancel_at: after so many popped; 0: never */
    unsigned popped;
} caller;

static void on_done(proa_call *call, void *user)
{
    caller *c = user;
    c->w->codes |= CODE(proa_call_status(call).code);
    proa_call_reply_headers(call);
    proa_call_trailers(call);
    c->w->done++;
    free(c);
}

static void on_ready(proa_call *call, void *user)
{
    caller *c = user;
    proa_slice message;
    while (proa_call_pop(call, &message)) {
        proa_slice_free(&message);
        if (++c->popped == c->cancel_at)
            proa_call_cancel(call);
        if (c->w->is->is_slow_reader)
            break;
    }
    while (c->left > 0 && proa_call_can_push(call)) {
        c->left--;
        if (proa_slice_copy((proa_bytes){ body, c->w->is->size }, &message) == PROA_ERR_NONE)
            proa_call_push(call, &message);
        else
            proa_call_cancel(call);
    }
    if (c->left == 0)
        proa_call_end_requests(call);
}

static proa_call *begin_on(world *w, proa_channel *channel, unsigned cancel_at)
{
    caller *c = calloc(1, sizeof *c);
    *c = (caller){ .w = w, .left = w->is->messages, .cancel_at = cancel_at };
    proa_call_options options = { .on_ready = on_ready,
                                  .on_done = on_done,
                                  .user = c,
                                  .headers = w->is->headers,
                                  .timeout_ns = w->is->timeout_ns ? w->is->timeout_ns : 20 * PROA_SECOND };
    proa_call *call = proa_call_begin(channel, w->is->path ? w->is->path : "/test.Any/Thing", &options);
    if (call)
        w->begun++;
    else
        free(c);
    return call;
}

static proa_call *begin(world *w)
{
    return begin_on(w, w->channel, 0);
}

static void turn_until_over(world *w)
{
    TURN_UNTIL(w->loop, w->done == w->begun);
}

static void some_turns(world *w)
{
    for (int i = 0; i < 6; i++)
        inside_turn(w->loop, 1);
}

/* ---- Handlers */

static proa_code echo(proa_call *call)
{
    proa_slice message;
    while (proa_call_can_push(call) && proa_call_pop(call, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static proa_code swallow(proa_call *call)
{
    proa_slice message;
    while (proa_call_pop(call, &message))
        proa_slice_free(&message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static proa_code ten_replies(proa_call *call)
{
    unsigned *sent = proa_call_state(call, sizeof *sent);
    while (*sent < 10) {
        proa_slice message;
        if (proa_slice_copy((proa_bytes){ body, 9000 }, &message) != PROA_ERR_NONE)
            return PROA_RESOURCE_EXHAUSTED;
        ++*sent;
        if (!proa_call_push(call, &message))
            return PROA_WAIT;
    }
    return PROA_OK;
}

static proa_code ten_and_no_end(proa_call *call)
{
    return ten_replies(call) == PROA_RESOURCE_EXHAUSTED ? PROA_RESOURCE_EXHAUSTED : PROA_WAIT;
}

static proa_code with_headers(proa_call *call)
{
    proa_call_add_header(call, "some-header", PROA_STR("of some length"));
    proa_call_add_header(call, "some-bin", PROA_STR("\0\1\2"));
    proa_call_add_headers(call, proa_call_request_headers(call));
    proa_call_push_headers(call);
    proa_call_add_trailer(call, "some-trailer-bin", PROA_STR("\1\2\3"));
    return PROA_OK;
}

static proa_code with_details(proa_call *call)
{
    proa_call_add_detail(call, &test_Item_type, &(test_Item){ .text = { body, 700 } });
    proa_call_add_detail(call, &test_Item_type, &(test_Item){ .number = 7 });
    return proa_call_fail(call, PROA_NOT_FOUND, "%s is not there, nor is %.*s", proa_call_path(call), 600, body);
}

static proa_code of_another(proa_call *call)
{
    proa_status status = { .code = PROA_NOT_FOUND, .message = PROA_STR("as another said") };
    return proa_call_set_status(call, status);
}

static proa_code with_large_state(proa_call *call)
{
    char *state = proa_call_state(call, 5000);
    if (!state)
        return PROA_RESOURCE_EXHAUSTED;
    return state[0]++ ? PROA_OK : proa_call_wait_ns(call, 0);
}

static proa_code with_arena(proa_call *call)
{
    for (size_t size = 8; size < 100000; size *= 3)
        if (!proa_arena_alloc(proa_call_arena(call), size))
            return PROA_RESOURCE_EXHAUSTED;
    proa_bytes text = proa_arena_format(proa_call_arena(call), "%.*s", 3000, body);
    return text.data ? PROA_OK : PROA_RESOURCE_EXHAUSTED;
}

static proa_code asleep(proa_call *call)
{
    int *steps = proa_call_state(call, sizeof *steps);
    return ++*steps == 1 ? proa_call_sleep_ns(call, MS) : PROA_OK;
}

static proa_code for_ever(proa_call *call)
{
    (void)call;
    return PROA_WAIT;
}

static proa_code later(proa_call *call)
{
    world *w = proa_call_user(call);
    if (w->later_count == 4)
        return PROA_RESOURCE_EXHAUSTED;
    return proa_call_later(call, &w->later[w->later_count++]);
}

static proa_code refuse(proa_call *call)
{
    return proa_call_fail(call, PROA_PERMISSION_DENIED, "nobody comes in");
}

/* Hands messages on to a child, and the child's replies back. */
static proa_code proxy(proa_call *call)
{
    world *w = proa_call_user(call);
    struct {
        proa_call *child;
        bool was_begun;
    } *state = proa_call_state(call, sizeof *state);
    if (!state->was_begun) {
        state->was_begun = true;
        state->child = proa_call_begin(w->channel, "/test.Behind/It", &(proa_call_options){ .parent = call });
    }
    proa_slice message;
    while (proa_call_can_push(state->child) && proa_call_pop(call, &message))
        proa_call_push(state->child, &message);
    if (proa_call_is_at_end(call))
        proa_call_end_requests(state->child);
    while (proa_call_can_push(call) && proa_call_pop(state->child, &message))
        proa_call_push(call, &message);
    if (!proa_call_is_at_end(state->child))
        return PROA_WAIT;
    return proa_call_set_status(call, proa_call_status(state->child));
}

/* ---- What clients do */

static void nothing(world *w)
{
    (void)w;
}

static void ten_at_once(world *w)
{
    for (int i = 0; i < 10; i++)
        begin(w);
}

static void one_after_the_other(world *w)
{
    for (int i = 0; i < 5; i++) {
        begin(w);
        turn_until_over(w);
    }
}

static void cancelled_at_once(world *w)
{
    proa_call_cancel(begin(w));
}

static void cancelled_while_it_runs(world *w)
{
    unsigned before = w->done;
    proa_call *call = begin(w);
    some_turns(w);
    if (w->done == before)
        proa_call_cancel(call);
}

static void cancelled_after_a_message(world *w)
{
    begin_on(w, w->channel, 1);
}

static void drained_while_it_runs(world *w)
{
    begin(w);
    some_turns(w);
    proa_server_drain(w->server);
}

static void channel_closed_while_it_runs(world *w)
{
    begin(w);
    begin(w);
    some_turns(w);
    proa_channel_close(w->channel);
    w->channel = NULL;
}

static void server_freed_while_it_runs(world *w)
{
    begin(w);
    some_turns(w);
    proa_server_free(w->server);
    w->server = NULL;
}

static void two_channels(world *w)
{
    const char *address = proa_server_address(w->server, 0);
    proa_channel *other = address ? proa_channel_open(address, &(proa_channel_options){ .loop = w->loop }) : NULL;
    begin(w);
    begin_on(w, other, 0);
    turn_until_over(w);
    proa_channel_close(other);
}

static void answer_all(world *w, proa_code code)
{
    while (w->later_count > 0)
        proa_later_fail(&w->later[--w->later_count], code, "%.*s", 300, body);
}

static void answered_later(world *w)
{
    begin(w);
    begin(w);
    for (int i = 0; i < 2000 && w->done < w->begun; i++) {
        inside_turn(w->loop, 5);
        answer_all(w, PROA_ABORTED);
    }
}

static void answered_later_after_cancelling(world *w)
{
    proa_call *call = begin(w);
    TURN_UNTIL(w->loop, w->later_count == 1 || w->done == w->begun);
    if (w->done < w->begun)
        proa_call_cancel(call);
    some_turns(w);
    answer_all(w, PROA_ABORTED);
}

static void note_posted(void *user)
{
    (void)user;
}

static void posts(world *w)
{
    for (int i = 0; i < 3; i++)
        (void)!proa_loop_post(w->loop, note_posted, w);
    some_turns(w);
}

/* ---- Typed calls; their handlers are those of shapes.c */

static void typed_ready(proa_call *call, void *user)
{
    caller *c = user;
    while (test_Shapes_Both_pop_reply(call))
        c->popped++;
    while (c->left > 0 && proa_call_can_push(call)) {
        c->left--;
        test_Shapes_Both_push_request(call, &(test_Item){ .number = c->left, .data = { body, c->w->is->size } });
    }
    if (c->left == 0)
        proa_call_end_requests(call);
}

static void out_ready(proa_call *call, void *user)
{
    caller *c = user;
    while (test_Shapes_Out_pop_reply(call))
        c->popped++;
}

static proa_call_options typed(world *w, proa_on_call ready)
{
    caller *c = calloc(1, sizeof *c);
    *c = (caller){ .w = w, .left = w->is->messages };
    return (proa_call_options){ .on_ready = ready, .on_done = on_done, .user = c, .timeout_ns = 20 * PROA_SECOND };
}

static void count_typed(world *w, proa_call *call, const proa_call_options *options)
{
    if (call)
        w->begun++;
    else
        free(options->user);
}

static void typed_one(world *w)
{
    test_Item item = { .number = 3, .data = { body, w->is->size }, .text = { body, 10 } };
    proa_call_options options = typed(w, NULL);
    count_typed(w, test_Shapes_One_begin(w->channel, &item, &options), &options);
}

static void typed_out(world *w)
{
    test_Item item = { .number = 6, .data = { body, w->is->size } };
    proa_call_options options = typed(w, out_ready);
    count_typed(w, test_Shapes_Out_begin(w->channel, &item, &options), &options);
}

static void typed_both(world *w)
{
    proa_call_options options = typed(w, typed_ready);
    count_typed(w, test_Shapes_Both_begin(w->channel, &options), &options);
}

/* ---- The table */

static const proa_header some_headers[] = {
    { PROA_STR_INIT("key"), PROA_STR_INIT("value") },
    { PROA_STR_INIT("key"), PROA_STR_INIT("another") },
    { PROA_STR_INIT("raw-bin"), PROA_STR_INIT("\0\1\2\377") },
};
static proa_header many_headers[60];

#define OK CODE(PROA_OK)
static const scenario scenarios[] = {
    { .name = "a loop, a server, a channel and no call", .act = nothing, .handler = echo, .codes = 0 },
    { .name = "posts to a loop", .act = posts, .handler = echo, .codes = 0 },
    { .name = "an empty call", .handler = echo, .codes = OK },
    { .name = "a small message", .handler = echo, .codes = OK, .messages = 1, .size = 100 },
    { .name = "a message of 2 KiB", .handler = echo, .codes = OK, .messages = 1, .size = 2048 },
    { .name = "a large message", .handler = echo, .codes = OK, .messages = 1, .size = sizeof body },
    { .name = "a stream of small messages", .handler = echo, .codes = OK, .messages = 30, .size = 10 },
    { .name = "a stream of large messages", .handler = echo, .codes = OK, .messages = 5, .size = 40000 },
    { .name = "a client's stream", .handler = swallow, .codes = OK, .messages = 20, .size = 5000 },
    { .name = "a server's stream", .handler = ten_replies, .codes = OK },
    { .name = "a server's stream to a slow reader", .handler = ten_replies, .codes = OK, .is_slow_reader = true },
    { .name = "metadata both ways", .handler = with_headers, .codes = OK, .headers = { some_headers, 3 } },
    { .name = "many headers", .handler = with_headers, .codes = OK, .headers = { many_headers, 60 } },
    { .name = "a status with details", .handler = with_details, .codes = CODE(PROA_NOT_FOUND) },
    { .name = "a status of another call", .handler = of_another, .codes = CODE(PROA_NOT_FOUND) },
    { .name = "nobody serves it", .codes = CODE(PROA_UNIMPLEMENTED) },
    { .name = "a path that is none",
      .handler = echo,
      .codes = CODE(PROA_INTERNAL) | CODE(PROA_UNIMPLEMENTED),
      .path = "nonsense" },
    { .name = "a large state", .handler = with_large_state, .codes = OK },
    { .name = "an arena that grows", .handler = with_arena, .codes = OK },
    { .name = "a handler that sleeps", .handler = asleep, .codes = OK },
    { .name = "on_call refuses",
      .handler = echo,
      .codes = CODE(PROA_PERMISSION_DENIED),
      .server = { .on_call = refuse } },
    { .name = "a request over the limit",
      .handler = echo,
      .codes = CODE(PROA_RESOURCE_EXHAUSTED),
      .messages = 1,
      .size = 5000,
      .server = { .receive_bytes_max = 1000 } },
    { .name = "a reply over the limit",
      .handler = ten_replies,
      .codes = CODE(PROA_RESOURCE_EXHAUSTED),
      .channel = { .receive_bytes_max = 1000 } },
    { .name = "a deadline that is over", .handler = echo, .codes = CODE(PROA_DEADLINE_EXCEEDED), .timeout_ns = -1 },
    { .name = "a deadline that comes",
      .handler = for_ever,
      .codes = CODE(PROA_DEADLINE_EXCEEDED),
      .timeout_ns = 2 * MS },
    { .name = "ten at once", .act = ten_at_once, .handler = echo, .codes = OK, .messages = 2, .size = 50 },
    { .name = "five, one after the other",
      .act = one_after_the_other,
      .handler = echo,
      .codes = OK,
      .messages = 1,
      .size = 50 },
    { .name = "more at once than the peer takes",
      .act = ten_at_once,
      .handler = echo,
      .codes = OK,
      .messages = 1,
      .server = { .limits = &(proa_limits){ .streams_max = 3 } } },
    { .name = "cancelled at once", .act = cancelled_at_once, .handler = echo, .codes = CODE(PROA_CANCELLED) },
    { .name = "cancelled while it runs",
      .act = cancelled_while_it_runs,
      .handler = for_ever,
      .codes = CODE(PROA_CANCELLED) },
    { .name = "cancelled after a message",
      .act = cancelled_after_a_message,
      .handler = ten_and_no_end,
      .codes = CODE(PROA_CANCELLED) },
    { .name = "drained while it runs",
      .act = drained_while_it_runs,
      .handler = for_ever,
      .codes = CODE(PROA_UNAVAILABLE),
      .server = { .grace_ns = 3 * MS } },
    { .name = "the channel closes",
      .act = channel_closed_while_it_runs,
      .handler = for_ever,
      .codes = CODE(PROA_CANCELLED) },
    { .name = "the server goes",
      .act = server_freed_while_it_runs,
      .handler = for_ever,
      .codes = CODE(PROA_UNAVAILABLE) },
    { .name = "two channels", .act = two_channels, .handler = echo, .codes = OK, .messages = 1, .size = 100 },
    { .name = "answered later", .act = answered_later, .handler = later, .codes = CODE(PROA_ABORTED) },
    { .name = "answered later, and cancelled before",
      .act = answered_later_after_cancelling,
      .handler = later,
      .codes = CODE(PROA_CANCELLED) },
    { .name = "a proxy of bytes", .handler = proxy, .codes = OK, .messages = 3, .size = 3000 },
    { .name = "nobody listens", .codes = CODE(PROA_UNAVAILABLE), .has_no_server = true },
    { .name = "over a Unix socket", .handler = echo, .codes = OK, .messages = 2, .size = 3000, .way = OVER_UNIX },
    { .name = "typed, small", .act = typed_one, .codes = OK, .size = 100 },
    { .name = "typed, large", .act = typed_one, .codes = OK, .size = 50000 },
    { .name = "typed, a server's stream", .act = typed_out, .codes = OK, .size = 2000 },
    { .name = "typed, both streams", .act = typed_both, .codes = OK, .messages = 6, .size = 2000 },
    { .name = "in process", .codes = OK, .handler = echo, .messages = 3, .size = 3000, .way = IN_PROCESS },
    { .name = "in process, large",
      .codes = OK,
      .handler = echo,
      .messages = 3,
      .size = sizeof body,
      .way = IN_PROCESS },
    { .name = "in process, ten at once", .act = ten_at_once, .handler = with_headers, .codes = OK, .way = IN_PROCESS },
    { .name = "in process, the server goes",
      .act = server_freed_while_it_runs,
      .handler = for_ever,
      .codes = CODE(PROA_UNAVAILABLE),
      .way = IN_PROCESS },
    { .name = "in process, the channel closes",
      .act = channel_closed_while_it_runs,
      .handler = for_ever,
      .codes = CODE(PROA_CANCELLED),
      .way = IN_PROCESS },
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

/* ---- One run of one */

static void open_server(world *w, const char *address)
{
    proa_server_options options = w->is->server;
    options.loop = w->loop;
    w->server = proa_server_new(&options);
    const proa_serve_options serve = { .user = w };
    test_Shapes_serve(w->server, &shapes_on_loop, &serve);
    proa_server_serve_bytes(w->server, "/test.Behind/It", echo, &serve);
    if (w->is->handler)
        proa_server_serve_bytes(w->server, "/test.Any/Thing", w->is->handler, &serve);
    proa_server_listen(w->server, address, NULL);
}

static proa_channel *open_channel(world *w)
{
    if (w->is->way == IN_PROCESS)
        return proa_server_channel(w->server);
    const char *address = proa_server_address(w->server, 0);
    proa_channel_options options = w->is->channel;
    options.loop = w->loop;
    return proa_channel_open(address ? address : "127.0.0.1:1", &options);
}

static void run(world *w)
{
    char path[64];
    snprintf(path, sizeof path, "unix-abstract:proa-scarce-%d", (int)getpid());
    w->loop = proa_loop_new(NULL);
    if (!w->loop)
        return;
    if (!w->is->has_no_server)
        open_server(w, w->is->way == OVER_UNIX ? path : "127.0.0.1:0");
    w->channel = open_channel(w);
    if (w->is->act)
        w->is->act(w);
    else
        begin(w);
    turn_until_over(w);
    answer_all(w, PROA_ABORTED); /* taken by a call that ended meanwhile */
    proa_channel_close(w->channel);
    proa_server_free(w->server);
    proa_loop_free(w->loop);
}

/* What a call that met the failure, or a server that could not be set up, may say. */
static const unsigned failures = CODE(PROA_RESOURCE_EXHAUSTED) | CODE(PROA_UNAVAILABLE) | CODE(PROA_CANCELLED) |
                                 CODE(PROA_INTERNAL) | CODE(PROA_UNIMPLEMENTED);

static size_t run_failing(const scenario *is, void (*watch)(size_t nth), size_t nth)
{
    world w = { .is = is };
    watch(nth);
    run(&w);
    size_t asked = memory_unwatch();
    unsigned legal = is->codes | (nth ? failures : 0);
    if (w.done != w.begun || (w.codes & ~legal))
        fail_msg("%s, allocation %zu: %u of %u ended, codes %x", is->name, nth, w.done, w.begun, w.codes & ~legal);
    return asked;
}

static void every_allocation_of_a_scenario_may_fail(void **state)
{
    const scenario *is = *state;
    size_t asked = run_failing(is, memory_watch, 0);
    assert_true(asked > 3);
    for (size_t i = 1; i <= asked; i++) {
        run_failing(is, memory_watch, i);
        run_failing(is, memory_watch_from, i);
    }
}

int main(void)
{
    static char names[60][16];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = 'a' + (char)(i % 26);
    for (int i = 0; i < 60; i++) {
        snprintf(names[i], sizeof names[i], "header-%d", i);
        many_headers[i] = (proa_header){ proa_bytes_of(names[i]), { body, 30 } };
    }
    struct CMUnitTest tests[SCENARIOS];
    for (size_t i = 0; i < SCENARIOS; i++)
        tests[i] = (struct CMUnitTest){ scenarios[i].name, every_allocation_of_a_scenario_may_fail, NULL, NULL,
                                        (void *)(uintptr_t)&scenarios[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
