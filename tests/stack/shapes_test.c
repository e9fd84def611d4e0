/* SPDX-License-Identifier: Apache-2.0 */
/* All four shapes with their messages: callbacks on a loop, and handlers on the loop and on workers behind them. */
#include "shapes.h"
#include <stdio.h>

static char body[40000];

typedef struct talk {
    int64_t pushed, wanted, popped;
    size_t bytes, item_size;
    unsigned done;
    proa_code code;
    int64_t reply_number;
    char reply_text[64];
} talk;

static void end(proa_call *call, talk *t)
{
    t->done++;
    t->code = proa_call_status(call).code;
}

static void one_done(proa_call *call, void *user)
{
    talk *t = user;
    const test_Item *reply = test_Shapes_One_reply(call);
    assert_ptr_equal(reply, test_Shapes_One_reply(call)); /* D5: the same each time */
    if (reply) {
        t->reply_number = reply->number;
        t->bytes = reply->data.size;
    }
    end(call, t);
}

static void out_ready(proa_call *call, void *user)
{
    talk *t = user;
    for (const test_Item *item; (item = test_Shapes_Out_pop_reply(call)); t->popped++) {
        assert_int_equal(item->number, t->popped);
        t->bytes += item->data.size;
    }
}

static void in_ready(proa_call *call, void *user)
{
    talk *t = user;
    while (t->pushed < t->wanted && proa_call_can_push(call)) {
        test_Item item = { .number = t->pushed++, .data = { body, t->item_size } };
        test_Shapes_In_push_request(call, &item);
    }
    if (t->pushed == t->wanted)
        proa_call_end_requests(call);
}

static void in_done(proa_call *call, void *user)
{
    talk *t = user;
    const test_Item *reply = test_Shapes_In_reply(call);
    if (reply) {
        t->reply_number = reply->number;
        snprintf(t->reply_text, sizeof t->reply_text, "%.*s", PROA_FMT(reply->text));
    }
    end(call, t);
}

static void both_ready(proa_call *call, void *user)
{
    talk *t = user;
    for (const test_Item *item; (item = test_Shapes_Both_pop_reply(call)); t->popped++)
        t->bytes += item->data.size;
    while (t->pushed < t->wanted && proa_call_can_push(call)) {
        test_Item item = { .number = t->pushed++, .data = { body, t->item_size } };
        test_Shapes_Both_push_request(call, &item);
    }
    if (t->pushed == t->wanted)
        proa_call_end_requests(call);
}

static void any_done(proa_call *call, void *user)
{
    end(call, user);
}

static void with_size(const test_Shapes *handlers, bool on_workers, size_t size)
{
    inside in;
    inside_open(&in, (proa_server_options){ .workers = 2 });
    assert_int_equal(test_Shapes_serve(in.server, handlers, &(proa_serve_options){ .on_workers = on_workers }),
                     PROA_ERR_NONE);
    test_Item item = { .number = 50, .data = { body, size } };
    talk a = { 0 }, b = { 0 }, c = { .wanted = 50, .item_size = size }, d = c;
    test_Shapes_One_begin(in.channel, &item, &(proa_call_options){ .on_done = one_done, .user = &a });
    test_Shapes_Out_begin(in.channel, &item,
                          &(proa_call_options){ .on_ready = out_ready, .on_done = any_done, .user = &b });
    test_Shapes_In_begin(in.channel, &(proa_call_options){ .on_ready = in_ready, .on_done = in_done, .user = &c });
    test_Shapes_Both_begin(in.channel, &(proa_call_options){ .on_ready = both_ready, .on_done = any_done, .user = &d });
    TURN_UNTIL(in.loop, a.done && b.done && c.done && d.done);
    inside_rest(in.loop);
    assert_int_equal(a.done + b.done + c.done + d.done, 4);
    assert_int_equal(a.code + b.code + c.code + d.code, PROA_OK);
    assert_int_equal(a.reply_number, 50);
    assert_int_equal(a.bytes, size);
    assert_int_equal(b.popped, 50);
    assert_int_equal(b.bytes, 50 * size);
    assert_int_equal(c.reply_number, 50);
    char text[64];
    snprintf(text, sizeof text, "%zu bytes", 50 * size);
    assert_string_equal(c.reply_text, text);
    assert_int_equal(d.popped, 50);
    assert_int_equal(d.bytes, 50 * size);
    inside_close(&in);
}

/* Small ones are copied into the connection, from 16 KiB on the block itself is queued. */
static void with_all_sizes(const test_Shapes *handlers, bool on_workers)
{
    static const size_t sizes[] = { 0, 100, 16383, 16384, sizeof body };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        with_size(handlers, on_workers, sizes[i]);
}

static void callbacks_and_handlers_on_one_loop(void **state)
{
    (void)state;
    with_all_sizes(&shapes_on_loop, false);
}

static void callbacks_on_a_loop_and_handlers_on_workers(void **state)
{
    (void)state;
    with_all_sizes(&shapes_on_workers, true);
}

/* ---- Blocking */

static void all_four_in_a_thread(const test_Shapes *handlers, bool on_workers)
{
    running r;
    proa_server *server = proa_server_new(&(proa_server_options){ .workers = 2 });
    test_Shapes_serve(server, handlers, &(proa_serve_options){ .on_workers = on_workers });
    running_start(&r, server);
    proa_channel *channel = proa_channel_open(r.target, NULL);
    proa_arena *arena = proa_arena_new(0);
    test_Item item = { .number = 20, .data = { body, sizeof body } }, reply;
    assert_int_equal(test_Shapes_One(channel, &item, &reply, arena, NULL).code, PROA_OK);
    assert_int_equal(reply.data.size, sizeof body);

    proa_call *out = test_Shapes_Out_begin(channel, &item, NULL);
    int count = 0;
    for (const test_Item *got; (got = test_Shapes_Out_receive_reply(out)); count++)
        assert_int_equal(got->data.size, sizeof body);
    assert_int_equal(count, 20);
    assert_int_equal(proa_call_status(out).code, PROA_OK);
    proa_call_end(out);

    proa_call *in = test_Shapes_In_begin(channel, NULL);
    for (int i = 0; i < 20; i++)
        assert_true(test_Shapes_In_send_request(in, &item));
    assert_int_equal(proa_call_status(in).code, PROA_OK);
    assert_int_equal(test_Shapes_In_reply(in)->number, 20);
    proa_call_end(in);

    proa_call *both = test_Shapes_Both_begin(channel, NULL);
    for (int i = 0; i < 20; i++) {
        assert_true(test_Shapes_Both_send_request(both, &item));
        assert_int_equal(test_Shapes_Both_receive_reply(both)->data.size, sizeof body);
    }
    assert_int_equal(proa_call_status(both).code, PROA_OK);
    proa_call_end(both);
    proa_arena_free(arena);
    proa_channel_close(channel);
    running_stop(&r);
}

static void waiting_verbs_in_a_thread(void **state)
{
    (void)state;
    all_four_in_a_thread(&shapes_on_loop, false);
    all_four_in_a_thread(&shapes_on_workers, true);
}

/* ---- What is too large */

static void message_over_a_limit_ends_the_call_as_resource_exhausted(void **state)
{
    (void)state;
    inside in;
    inside_open(&in, (proa_server_options){ .receive_bytes_max = 20000 });
    test_Shapes_serve(in.server, &shapes_on_loop, NULL);
    proa_channel *small = inside_channel(&in, (proa_channel_options){ .receive_bytes_max = 1000 });
    talk request = { 0 }, reply = { 0 }, fine = { 0 }, stream = { 0 };
    test_Item item = { .number = 3, .data = { body, sizeof body } };
    test_Shapes_One_begin(in.channel, &item, &(proa_call_options){ .on_done = one_done, .user = &request });
    item.data.size = 10000;
    test_Shapes_One_begin(small, &item, &(proa_call_options){ .on_done = one_done, .user = &reply });
    test_Shapes_One_begin(in.channel, &item, &(proa_call_options){ .on_done = one_done, .user = &fine });
    test_Shapes_Out_begin(small, &item,
                          &(proa_call_options){ .on_ready = out_ready, .on_done = any_done, .user = &stream });
    TURN_UNTIL(in.loop, request.done && reply.done && fine.done && stream.done);
    assert_int_equal(request.code, PROA_RESOURCE_EXHAUSTED);
    assert_int_equal(reply.code, PROA_RESOURCE_EXHAUSTED);
    assert_int_equal(stream.code, PROA_RESOURCE_EXHAUSTED);
    assert_int_equal(fine.code, PROA_OK);
    proa_counters counters;
    proa_server_get_counters(in.server, &counters);
    assert_int_equal(counters.receive_bytes_max, 1);
    proa_channel_close(small);
    inside_close(&in);
}

/* ---- Cardinality: calls of bytes break the contract of a typed method */

static void ends_with(inside *in, const char *path, int requests, proa_code code)
{
    seen s = { 0 };
    proa_call *call = proa_call_begin(in->channel, path, &(proa_call_options){ SEEN(&s) });
    for (int i = 0; i < requests; i++) {
        proa_slice empty = text_slice("");
        proa_call_push(call, &empty);
    }
    proa_call_end_requests(call);
    TURN_UNTIL(in->loop, s.done);
    assert_int_equal(s.code, code);
}

static void none_or_two_requests_where_one_is_due_are_unimplemented(void **state)
{
    (void)state;
    inside in;
    inside_open(&in, (proa_server_options){ 0 });
    test_Shapes_serve(in.server, &shapes_on_loop, NULL);
    ends_with(&in, "/test.Shapes/One", 1, PROA_OK);
    ends_with(&in, "/test.Shapes/One", 0, PROA_UNIMPLEMENTED);
    ends_with(&in, "/test.Shapes/One", 2, PROA_UNIMPLEMENTED);
    ends_with(&in, "/test.Shapes/Out", 0, PROA_UNIMPLEMENTED);
    ends_with(&in, "/test.Shapes/In", 0, PROA_OK);
    inside_close(&in);
}

static proa_code reply_twice(proa_call *call)
{
    for (int i = 0; i < 2; i++) {
        proa_slice empty = text_slice("");
        proa_call_push(call, &empty);
    }
    return PROA_OK;
}

static proa_code reply_never(proa_call *call)
{
    (void)call;
    return PROA_OK;
}

static proa_code reply_rubbish(proa_call *call)
{
    proa_slice rubbish = text_slice("\xff\xff\xff");
    proa_call_push(call, &rubbish);
    return PROA_OK;
}

static proa_code answer_of(proa_handler handler)
{
    inside in;
    inside_open(&in, (proa_server_options){ 0 });
    proa_server_serve_bytes(in.server, "/test.Shapes/One", handler, NULL);
    talk t = { 0 };
    test_Shapes_One_begin(in.channel, &(test_Item){ 0 }, &(proa_call_options){ .on_done = one_done, .user = &t });
    TURN_UNTIL(in.loop, t.done);
    inside_close(&in);
    return t.code;
}

static void none_or_two_replies_where_one_is_due_are_unimplemented(void **state)
{
    (void)state;
    assert_int_equal(answer_of(reply_never), PROA_UNIMPLEMENTED);
    assert_int_equal(answer_of(reply_twice), PROA_UNIMPLEMENTED);
}

static void reply_that_does_not_parse_is_internal(void **state)
{
    (void)state;
    assert_int_equal(answer_of(reply_rubbish), PROA_INTERNAL);
}

/* ---- D17: who builds a message need not check whether there was memory for it */

static proa_code format_without_memory(proa_call *call, const test_Item *request, test_Item *reply)
{
    (void)request;
    (void)!proa_arena_alloc(proa_call_arena(call), SIZE_MAX / 2); /* fails, and the arena remembers */
    reply->text = proa_arena_format(proa_call_arena(call), "a part of the truth");
    return PROA_OK;
}

static proa_code push_without_memory(proa_call *call, const test_Item *request)
{
    (void)request;
    (void)!proa_arena_alloc(proa_call_arena(call), SIZE_MAX / 2);
    test_Shapes_Out_push_reply(call, &(test_Item){ .number = 1 });
    return PROA_OK;
}

static void reply_for_which_there_was_no_memory_is_not_sent(void **state)
{
    (void)state;
    static const test_Shapes handlers = { .One = format_without_memory, .Out = push_without_memory };
    for (int on_workers = 0; on_workers < 2; on_workers++) {
        inside in;
        inside_open(&in, (proa_server_options){ .workers = 1 });
        test_Shapes_serve(in.server, &handlers, &(proa_serve_options){ .on_workers = on_workers });
        talk one = { 0 }, out = { 0 };
        test_Shapes_One_begin(in.channel, &(test_Item){ 0 }, &(proa_call_options){ .on_done = one_done, .user = &one });
        test_Shapes_Out_begin(in.channel, &(test_Item){ 0 },
                              &(proa_call_options){ .on_ready = out_ready, .on_done = any_done, .user = &out });
        TURN_UNTIL(in.loop, one.done && out.done);
        assert_int_equal(one.code, PROA_RESOURCE_EXHAUSTED);
        assert_int_equal(out.code, PROA_RESOURCE_EXHAUSTED);
        assert_int_equal(out.popped, 0);
        inside_close(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callbacks_and_handlers_on_one_loop),
        cmocka_unit_test(callbacks_on_a_loop_and_handlers_on_workers),
        cmocka_unit_test(waiting_verbs_in_a_thread),
        cmocka_unit_test(message_over_a_limit_ends_the_call_as_resource_exhausted),
        cmocka_unit_test(none_or_two_requests_where_one_is_due_are_unimplemented),
        cmocka_unit_test(none_or_two_replies_where_one_is_due_are_unimplemented),
        cmocka_unit_test(reply_that_does_not_parse_is_internal),
        cmocka_unit_test(reply_for_which_there_was_no_memory_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
