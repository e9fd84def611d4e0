/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with a type: encoding into a push, decoding out of a pop. What generated stubs call. */
#include "call/object.h"

#define TAKE_BLOCK_SIZE (16u * 1024) /* from here on the scratch's block is sent itself, not copied */

static void check(const proa_call *c, const proa_method *m, bool is_right)
{
    PROA_ASSERT(c->method == m && is_right, "a call is used with its own method's functions, each on its side");
}

/* ---- Out */

static void take_whole(pb_scratch *scratch, proa_bytes body, proa_slice *out)
{
    *out = slice_of(scratch->block, (size_t)(body.data - hold_data(scratch->block)), body.size);
    scratch->block = NULL;
}

static bool take_block(pb_scratch *scratch, proa_bytes body, proa_slice *out)
{
    if (body.size < TAKE_BLOCK_SIZE)
        return proa_slice_copy(body, out) == PROA_ERR_NONE;
    take_whole(scratch, body, out);
    return true;
}

/* D17: what was formatted into an arena that ran out is not there, so a message of it is not to be sent. */
static proa_err encode(proa_call *c, const proa_type *type, const void *message, pb_scratch *scratch, proa_bytes *out)
{
    if (c->is_served && arena_is_exhausted(&c->user.arena))
        return PROA_ERR_NOMEM;
    return pb_encode_scratch(type, message, scratch, out);
}

/* false: it failed, and so did the call. */
static bool encode_here(proa_call *c, const proa_type *type, const void *message, proa_bytes *body)
{
    pb_scratch *scratch = &c->home->scratch;
    proa_err err = encode(c, type, message, scratch, body);
    if (err != PROA_ERR_NONE)
        call_break_for(c, err, scratch->error.text);
    return err == PROA_ERR_NONE;
}

static bool push_encoded(proa_call *c, proa_bytes body)
{
    if (body.size < TAKE_BLOCK_SIZE)
        return local_push_body(c, (char *)body.data, body.size);
    proa_slice slice;
    take_whole(&c->home->scratch, body, &slice);
    return local_push(c, &slice);
}

static bool push_here(proa_call *c, const proa_type *type, const void *message)
{
    proa_bytes body;
    return local_may_push(c) && encode_here(c, type, message, &body) && push_encoded(c, body);
}

/* In a block of the call's, since the home's belongs to its thread. The last message takes it along. */
static proa_err encode_remotely(proa_call *c, const proa_type *type, const void *message, bool is_last,
                                proa_error *error, proa_slice *out)
{
    call_remote *r = &c->remote;
    pb_scratch scratch;
    scratch.block = r->block;
    scratch.capacity = r->block_capacity;
    proa_bytes body;
    proa_err err = encode(c, type, message, &scratch, &body);
    if (err != PROA_ERR_NONE)
        *error = scratch.error;
    else if (is_last)
        take_whole(&scratch, body, out);
    else if (!take_block(&scratch, body, out))
        err = PROA_ERR_NOMEM;
    r->block = scratch.block;
    r->block_capacity = scratch.capacity;
    return err;
}

static bool push_remotely(proa_call *c, const proa_type *type, const void *message, bool is_last)
{
    proa_error error;
    proa_slice slice;
    if (!remote_may_push(c))
        return false;
    proa_err err = encode_remotely(c, type, message, is_last, &error, &slice);
    if (err != PROA_ERR_NONE) {
        call_break_for(c, err, error.text);
        return false;
    }
    return remote_push(c, &slice);
}

static bool push(proa_call *c, const proa_type *type, const void *message)
{
    if (c->is_remote)
        return push_remotely(c, type, message, false);
    home_enter(c->home);
    bool has_room = push_here(c, type, message);
    home_leave(c->home);
    return has_room;
}

static void request_here(proa_call *c, const void *request)
{
    proa_bytes body;
    if (!local_may_push(c) || !encode_here(c, c->method->request, request, &body))
        return;
    if (c->exchange && body.size < TAKE_BLOCK_SIZE)
        local_push_only(c, (char *)body.data, body.size);
    else
        push_encoded(c, body);
    local_end_requests(c);
}

void call_request(proa_call *c, const void *request)
{
    if (c->is_remote) {
        push_remotely(c, c->method->request, request, true);
        remote_end_requests(c);
    } else {
        request_here(c, request);
    }
}

static proa_code refuse_reply(proa_call *c, proa_err err, const char *text)
{
    return proa_call_fail(c, err == PROA_ERR_NOMEM ? PROA_RESOURCE_EXHAUSTED : PROA_INTERNAL, "the reply: %s",
                          err == PROA_ERR_NOMEM ? error_name(err) : text);
}

static proa_code reply_remotely(proa_call *c)
{
    proa_error error;
    proa_slice slice;
    proa_err err = encode_remotely(c, c->method->reply, c->user.reply, true, &error, &slice);
    if (err != PROA_ERR_NONE)
        return refuse_reply(c, err, error.text);
    remote_push(c, &slice);
    return PROA_OK;
}

proa_code step_encode_reply(proa_call *c, proa_code code)
{
    if (code != PROA_OK || !c->is_single_reply || atomic_load(&c->is_cancelled))
        return code;
    if (c->is_remote)
        return reply_remotely(c);
    pb_scratch *scratch = &c->home->scratch;
    proa_bytes body;
    proa_err err = encode(c, c->method->reply, c->user.reply, scratch, &body);
    if (err != PROA_ERR_NONE)
        return refuse_reply(c, err, scratch->error.text);
    push_encoded(c, body);
    return PROA_OK;
}

bool proa_gen_push_request(proa_call *c, const proa_method *m, const void *request)
{
    if (!c)
        return false;
    check(c, m, !c->is_served);
    return push(c, m->request, request);
}

bool proa_gen_push_reply(proa_call *c, const proa_method *m, const void *reply)
{
    check(c, m, c->is_served);
    return push(c, m->reply, reply);
}

static bool send(proa_call *c, const proa_type *type, const void *message)
{
    if (!call_wait_for_room(c))
        return false;
    push(c, type, message);
    return call_may_push(c);
}

bool proa_gen_send_request(proa_call *c, const proa_method *m, const void *request)
{
    if (!c)
        return false;
    check(c, m, !c->is_served);
    return send(c, m->request, request);
}

bool proa_gen_send_reply(proa_call *c, const proa_method *m, const void *reply)
{
    check(c, m, c->is_served);
    return send(c, m->reply, reply);
}

/* ---- In */

/* NULL: no memory. */
proa_arena *call_message_arena(proa_call *c)
{
    proa_arena *arena = c->user.message_arena;
    if (!arena && (arena = arena_raw(&c->user.arena, sizeof *arena))) {
        arena_init(arena, c->is_remote ? NULL : &c->home->arenas); /* it is used here alone */
        c->user.message_arena = arena;
    }
    return arena;
}

/* What was popped before goes: its slice, and the arena of what was decoded from it. */
static const void *decode_next(proa_call *c, const proa_type *type, proa_slice *slice)
{
    if (c->is_remote)
        remote_give_back(c, &c->user.message);
    else
        home_give_slice(c->home, &c->user.message);
    c->user.message = *slice;
    proa_arena *arena = call_message_arena(c);
    proa_error error;
    error.code = PROA_ERR_NOMEM;
    error.text[0] = 0;
    if (arena)
        proa_arena_reset(arena);
    void *message = arena ? proa_arena_alloc(arena, type->size) : NULL;
    if (message && pb_decode_slice(type, c->user.message.bytes, arena, message, &error) == PROA_ERR_NONE)
        return message;
    call_break_for(c, error.code, error.text);
    return NULL;
}

static const void *decode(proa_call *c, const proa_type *type, proa_slice *slice)
{
    home_enter_unless_remote(c);
    const void *message = decode_next(c, type, slice);
    home_leave_unless_remote(c);
    return message;
}

static const void *pop(proa_call *c, const proa_type *type)
{
    proa_slice slice;
    return proa_call_pop(c, &slice) ? decode(c, type, &slice) : NULL;
}

static const void *receive(proa_call *c, const proa_type *type)
{
    proa_slice slice;
    return proa_call_receive(c, &slice) ? decode(c, type, &slice) : NULL;
}

const void *proa_gen_pop_request(proa_call *c, const proa_method *m)
{
    check(c, m, c->is_served);
    return pop(c, m->request);
}

const void *proa_gen_receive_request(proa_call *c, const proa_method *m)
{
    check(c, m, c->is_served);
    return receive(c, m->request);
}

const void *proa_gen_pop_reply(proa_call *c, const proa_method *m)
{
    if (!c)
        return NULL;
    check(c, m, !c->is_served);
    return pop(c, m->reply);
}

const void *proa_gen_receive_reply(proa_call *c, const proa_method *m)
{
    if (!c)
        return NULL;
    check(c, m, !c->is_served);
    return receive(c, m->reply);
}

const void *proa_gen_reply(proa_call *c, const proa_method *m)
{
    if (!c)
        return NULL;
    check(c, m, !c->is_served && c->is_single_reply);
    if (!call_is_settled(c))
        return NULL;
    return c->user.reply;
}
