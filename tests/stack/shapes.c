/* SPDX-License-Identifier: Apache-2.0 */
#include "shapes.h"
#include <poll.h>
#include <stdio.h>

/* ---- On a loop */

static proa_code one(proa_call *call, const test_Item *request, test_Item *reply)
{
    (void)call;
    *reply = *request;
    return PROA_OK;
}

static proa_code out_on_loop(proa_call *call, const test_Item *request)
{
    int64_t *sent = proa_call_state(call, sizeof *sent);
    while (*sent < request->number) {
        test_Item item = { .number = (*sent)++, .data = request->data };
        if (!test_Shapes_Out_push_reply(call, &item))
            return PROA_WAIT;
    }
    return PROA_OK;
}

typedef struct sum {
    int64_t count;
    size_t bytes;
} sum;

static void fill(test_Item *reply, sum total, proa_arena *arena)
{
    reply->number = total.count;
    reply->text = proa_arena_format(arena, "%zu bytes", total.bytes);
}

static proa_code in_on_loop(proa_call *call, test_Item *reply)
{
    sum *total = proa_call_state(call, sizeof *total);
    const test_Item *item;
    while ((item = test_Shapes_In_pop_request(call))) {
        total->count++;
        total->bytes += item->data.size;
    }
    if (!proa_call_is_at_end(call))
        return PROA_WAIT;
    fill(reply, *total, proa_call_arena(call));
    return PROA_OK;
}

static proa_code both_on_loop(proa_call *call)
{
    const test_Item *item;
    while (proa_call_can_push(call) && (item = test_Shapes_Both_pop_request(call)))
        test_Shapes_Both_push_reply(call, item);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

const test_Shapes shapes_on_loop = { .One = one, .Out = out_on_loop, .In = in_on_loop, .Both = both_on_loop };

/* ---- On workers */

static proa_code out_on_worker(proa_call *call, const test_Item *request)
{
    for (int64_t i = 0; i < request->number; i++) {
        test_Item item = { .number = i, .data = request->data };
        if (!test_Shapes_Out_send_reply(call, &item))
            break;
    }
    return PROA_OK;
}

static proa_code in_on_worker(proa_call *call, test_Item *reply)
{
    sum total = { 0 };
    for (const test_Item *item; (item = test_Shapes_In_receive_request(call)); total.count++)
        total.bytes += item->data.size;
    fill(reply, total, proa_call_arena(call));
    return PROA_OK;
}

static proa_code both_on_worker(proa_call *call)
{
    for (const test_Item *item; (item = test_Shapes_Both_receive_request(call));)
        test_Shapes_Both_send_reply(call, item);
    return PROA_OK;
}

const test_Shapes shapes_on_workers = { .One = one, .Out = out_on_worker, .In = in_on_worker, .Both = both_on_worker };

/* ---- Inside one loop */

void inside_open(inside *in, proa_server_options options)
{
    in->loop = proa_loop_new(NULL);
    assert_non_null(in->loop);
    options.loop = in->loop;
    in->server = proa_server_new(&options);
    assert_int_equal(proa_server_listen(in->server, "127.0.0.1:0", NULL), PROA_ERR_NONE);
    in->channel = inside_channel(in, (proa_channel_options){ 0 });
}

proa_channel *inside_channel(inside *in, proa_channel_options options)
{
    options.loop = in->loop;
    return proa_channel_open(proa_server_address(in->server, 0), &options);
}

void inside_close(inside *in)
{
    proa_channel_close(in->channel);
    proa_server_free(in->server);
    proa_loop_free(in->loop);
    *in = (inside){ 0 };
}

void inside_turn(proa_loop *loop, int wait_ms)
{
    int due_ms = proa_loop_timeout_ms(loop);
    struct pollfd ready = { .fd = proa_loop_fd(loop), .events = POLLIN };
    poll(&ready, 1, due_ms < 0 || due_ms > wait_ms ? wait_ms : due_ms);
    proa_loop_turn(loop);
}

void inside_rest(proa_loop *loop)
{
    for (int i = 0; i < 20; i++)
        inside_turn(loop, 1);
}

/* ---- Callbacks */

void seen_ready(proa_call *call, void *user)
{
    seen *s = user;
    proa_slice message;
    s->ready++;
    while (!s->is_lazy && proa_call_pop(call, &message)) {
        s->pops++;
        s->bytes += message.bytes.size;
        proa_slice_free(&message);
        if (s->on_pop)
            s->on_pop(s);
        if (s->is_slow)
            break;
    }
}

void seen_done(proa_call *call, void *user)
{
    seen *s = user;
    proa_status status = proa_call_status(call);
    s->done++;
    s->code = status.code;
    snprintf(s->text, sizeof s->text, "%.*s", PROA_FMT(status.message));
}

proa_slice text_slice(const char *text)
{
    proa_slice slice;
    assert_int_equal(proa_slice_copy(proa_bytes_of(text), &slice), PROA_ERR_NONE);
    return slice;
}
