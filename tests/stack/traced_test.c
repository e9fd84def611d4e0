/* SPDX-License-Identifier: Apache-2.0 */
/* The trace: lines of each area, of the object that was given one, else of its loop; none when it is off. */
#include "shapes.h"

typedef struct lines {
    unsigned h2, rpc, io, all;
    bool has_path, has_status;
} lines;

static void count(void *user, const char *line)
{
    lines *l = user;
    assert_null(strchr(line, '\n'));
    l->all++;
    l->h2 += strncmp(line, "h2 ", 3) == 0;
    l->rpc += strncmp(line, "rpc ", 4) == 0;
    l->io += strncmp(line, "h2 ", 3) != 0 && strncmp(line, "rpc ", 4) != 0;
    l->has_path |= strstr(line, "/test.Shapes/One") != NULL;
    l->has_status |= strstr(line, "end OK") != NULL;
}

static proa_trace trace_of(lines *l, unsigned areas)
{
    return (proa_trace){ count, l, areas };
}

/* One call between a server and a client, each with the trace given, in one loop with its own. */
static void call_with(const proa_trace *of_loop, const proa_trace *of_server, const proa_trace *of_channel)
{
    proa_loop *loop = proa_loop_new(&(proa_loop_options){ .trace = of_loop });
    proa_server *server = proa_server_new(&(proa_server_options){ .loop = loop, .trace = of_server });
    test_Shapes_serve(server, &shapes_on_loop, NULL);
    assert_int_equal(proa_server_listen(server, "127.0.0.1:0", NULL), PROA_ERR_NONE);
    proa_channel *channel =
        proa_channel_open(proa_server_address(server, 0), &(proa_channel_options){ .loop = loop, .trace = of_channel });
    seen s = { 0 };
    test_Shapes_One_begin(channel, &(test_Item){ .number = 1 },
                          &(proa_call_options){ .on_done = seen_done, .user = &s });
    TURN_UNTIL(loop, s.done);
    inside_rest(loop);
    assert_int_equal(s.code, PROA_OK);
    proa_channel_close(channel);
    proa_server_free(server);
    proa_loop_free(loop);
}

static void loop_traces_what_has_no_trace_of_its_own(void **state)
{
    (void)state;
    lines l = { 0 };
    proa_trace all = trace_of(&l, proa_trace_areas("h2,rpc,io"));
    call_with(&all, NULL, NULL);
    assert_true(l.h2 > 4 && l.rpc >= 8 && l.io > 2);
    assert_true(l.has_path && l.has_status);
}

static void server_and_channel_have_traces_of_their_own(void **state)
{
    (void)state;
    lines loop = { 0 }, server = { 0 }, channel = { 0 };
    proa_trace of_loop = trace_of(&loop, proa_trace_areas("all"));
    proa_trace of_server = trace_of(&server, proa_trace_areas("rpc"));
    proa_trace of_channel = trace_of(&channel, proa_trace_areas("h2"));
    call_with(&of_loop, &of_server, &of_channel);
    assert_true(server.rpc >= 4);
    assert_int_equal(server.all, server.rpc);
    assert_true(server.has_path);
    assert_true(channel.h2 > 2);
    assert_int_equal(channel.all, channel.h2);
    assert_int_equal(loop.all, loop.io);
    assert_true(loop.io > 2);
}

static void off_is_silent(void **state)
{
    (void)state;
    lines l = { 0 };
    proa_trace off = trace_of(&l, proa_trace_areas(NULL));
    call_with(&off, &off, &off);
    call_with(NULL, NULL, NULL);
    assert_int_equal(l.all, 0);
}

/* A server and a channel without a loop of the program's trace their sockets as well. */
static void threads_trace_everything(void **state)
{
    (void)state;
    lines at_server = { 0 }, at_client = { 0 };
    proa_trace of_server = trace_of(&at_server, proa_trace_areas("h2,rpc,io"));
    proa_trace of_client = trace_of(&at_client, proa_trace_areas("h2,rpc,io"));
    running r;
    proa_server *server = proa_server_new(&(proa_server_options){ .trace = &of_server });
    test_Shapes_serve(server, &shapes_on_loop, NULL);
    running_start(&r, server);
    proa_channel *channel = proa_channel_open(r.target, &(proa_channel_options){ .trace = &of_client });
    assert_int_equal(call_once(channel, "/test.Shapes/One", 0).code, PROA_OK);
    proa_channel_close(channel);
    running_stop(&r);
    assert_true(at_client.h2 && at_client.rpc && at_client.io && at_client.has_path && at_client.has_status);
    assert_true(at_server.h2 && at_server.rpc && at_server.io && at_server.has_path && at_server.has_status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop_traces_what_has_no_trace_of_its_own),
        cmocka_unit_test(server_and_channel_have_traces_of_their_own),
        cmocka_unit_test(off_is_silent),
        cmocka_unit_test(threads_trace_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
