/* SPDX-License-Identifier: Apache-2.0 */
/* The public verbs that never wait: each finds out on which side it runs, and does one thing there. */
#include "call/object.h"
#include <stdio.h>

static const proa_peer nobody = { .address = PROA_STR_INIT(""), .pid = -1, .uid = -1, .gid = -1 };

const char *proa_call_path(const proa_call *call)
{
    proa_call *c = (proa_call *)call;
    if (!c)
        return "";
    if (!c->user.path.data) {
        proa_bytes path = rpc_exchange_path(c->exchange);
        c->user.path = proa_arena_format(&c->user.arena, "%.*s", PROA_FMT(path));
    }
    return c->user.path.data ? c->user.path.data : "";
}

proa_arena *proa_call_arena(proa_call *c)
{
    return c ? &c->user.arena : NULL;
}

int64_t proa_call_remaining_ns(const proa_call *c)
{
    if (!c || c->deadline_ns == INT64_MAX)
        return INT64_MAX;
    int64_t left = c->deadline_ns - home_now(c->home);
    return left ? left : -1;
}

/* ---- Headers. The blocks behind them never change, so a remote user may read them once they are there. */

static bool has_reply_headers(proa_call *c)
{
    if (!c->is_remote)
        return c->has_replied_headers;
    pthread_mutex_lock(&c->remote.lock);
    bool has = c->remote.has_headers;
    pthread_mutex_unlock(&c->remote.lock);
    return has;
}

proa_headers proa_call_request_headers(proa_call *c)
{
    if (!c || !c->is_served)
        return c ? (proa_headers){ c->user.headers.data, c->user.headers.count } : (proa_headers){ NULL, 0 };
    return rpc_exchange_request_headers(c->exchange, &c->user.arena);
}

proa_headers proa_call_reply_headers(proa_call *c)
{
    proa_headers none = { NULL, 0 };
    if (!c)
        return none;
    if (c->is_served)
        return (proa_headers){ c->user.headers.data, c->user.headers.count };
    home_enter_unless_remote(c);
    proa_headers headers = has_reply_headers(c) ? rpc_exchange_reply_headers(c->exchange, &c->user.arena) : none;
    home_leave_unless_remote(c);
    return headers;
}

proa_headers proa_call_trailers(proa_call *c)
{
    proa_headers none = { NULL, 0 };
    if (!c)
        return none;
    if (c->is_served)
        return (proa_headers){ c->user.trailers.data, c->user.trailers.count };
    if (!call_is_settled(c) || !c->exchange)
        return none;
    home_enter_unless_remote(c);
    proa_headers trailers = rpc_exchange_trailers(c->exchange, &c->user.arena);
    home_leave_unless_remote(c);
    return trailers;
}

static bool is_name(proa_bytes have, const char *name)
{
    size_t i = 0;
    for (; i < have.size && name[i]; i++) {
        char ch = name[i];
        if (ch >= 'A' && ch <= 'Z')
            ch = (char)(ch - 'A' + 'a');
        if (have.data[i] != ch)
            return false;
    }
    return i == have.size && !name[i];
}

proa_bytes proa_headers_get(proa_headers headers, const char *name)
{
    for (size_t i = headers.count; i-- > 0;)
        if (is_name(headers.data[i].name, name))
            return headers.data[i].value;
    return (proa_bytes){ NULL, 0 };
}

/* A name or a value that cannot be sent fails the call: left out in silence, it would be missed by somebody else. */
static void add(proa_call *c, header_list *to, proa_header header)
{
    if (rpc_headers_check((proa_headers){ &header, 1 }) != PROA_ERR_NONE)
        call_break(c, PROA_INTERNAL, "a header or trailer that HTTP or gRPC forbids or reserves");
    else if (header_list_add(to, &c->user.arena, header.name, header.value) != PROA_ERR_NONE)
        call_break_for(c, PROA_ERR_NOMEM, NULL);
}

static void add_header(proa_call *c, proa_header header)
{
    PROA_ASSERT(c && c->is_served, "headers are added to a call that is served");
    if (c->user.has_closed_headers)
        call_break(c, PROA_INTERNAL, "a header was added when the headers had gone out");
    else
        add(c, &c->user.headers, header);
}

static void add_trailer(proa_call *c, proa_header trailer)
{
    PROA_ASSERT(c && c->is_served, "trailers are added to a call that is served");
    add(c, &c->user.trailers, trailer);
}

void proa_call_add_header(proa_call *c, const char *name, proa_bytes value)
{
    add_header(c, (proa_header){ proa_bytes_of(name), value });
}

void proa_call_add_trailer(proa_call *c, const char *name, proa_bytes value)
{
    add_trailer(c, (proa_header){ proa_bytes_of(name), value });
}

void proa_call_add_headers(proa_call *c, proa_headers headers)
{
    for (size_t i = 0; i < headers.count; i++)
        add_header(c, headers.data[i]);
}

void proa_call_add_trailers(proa_call *c, proa_headers trailers)
{
    for (size_t i = 0; i < trailers.count; i++)
        add_trailer(c, trailers.data[i]);
}

void proa_call_push_headers(proa_call *c)
{
    PROA_ASSERT(c && c->is_served, "headers are pushed by a call that is served");
    c->user.has_closed_headers = true;
    if (c->is_remote) {
        call_post(c, CALL_CMD_HEADERS);
        return;
    }
    home_enter(c->home);
    local_send_headers(c);
    home_leave(c->home);
}

/* ---- Ending */

void proa_call_cancel(proa_call *c)
{
    if (!c)
        return;
    if (home_is_here(c->home)) {
        call_cancel(c, PROA_CANCELLED, call_text_cancelled);
    } else if (home_is_driven(c->home)) {
        home_enter(c->home);
        call_cancel(c, PROA_CANCELLED, call_text_cancelled);
        home_leave(c->home);
    } else {
        call_post(c, CALL_CMD_CANCEL);
    }
}

bool proa_call_is_cancelled(const proa_call *c)
{
    return c && atomic_load(&c->is_cancelled);
}

void proa_call_end_requests(proa_call *c)
{
    if (!c)
        return;
    PROA_ASSERT(!c->is_served, "a client ends the requests; a server answers");
    if (c->is_remote) {
        remote_end_requests(c);
        return;
    }
    home_enter(c->home);
    local_end_requests(c);
    home_leave(c->home);
}

void proa_call_end(proa_call *c)
{
    if (!c)
        return;
    PROA_ASSERT(!c->is_served && !c->made.on_done && !c->made.parent,
                "a call with a parent or an on_done goes by itself");
    made_let_go(c);
}

/* ---- Messages of bytes */

bool proa_call_can_push(const proa_call *call)
{
    proa_call *c = (proa_call *)call;
    if (!c)
        return false;
    if (c->is_remote)
        return remote_can_push(c);
    home_enter(c->home);
    bool can = local_can_push(c);
    home_leave(c->home);
    return can;
}

bool proa_call_push(proa_call *c, proa_slice *slice)
{
    if (!c) {
        proa_slice_free(slice);
        return false;
    }
    if (c->is_remote)
        return remote_push(c, slice);
    home_enter(c->home);
    bool has_room = local_push(c, slice);
    home_leave(c->home);
    return has_room;
}

bool proa_call_pop(proa_call *c, proa_slice *out)
{
    if (!c)
        return false;
    if (c->is_remote)
        return remote_pop(c, out);
    home_enter(c->home);
    bool has = local_pop(c, out);
    home_leave(c->home);
    return has;
}

bool proa_call_is_at_end(const proa_call *call)
{
    proa_call *c = (proa_call *)call;
    if (!c)
        return true;
    if (c->is_remote)
        return remote_is_at_end(c);
    home_enter(c->home);
    bool at_end = local_is_at_end(c);
    home_leave(c->home);
    return at_end;
}

/* ---- Serving */

void *proa_call_user(const proa_call *c)
{
    PROA_ASSERT(c->is_served, "user is what X_serve was given");
    return c->in_on_call ? c->on_call_user : c->binding->user;
}

void *proa_call_state(proa_call *c, size_t size)
{
    PROA_ASSERT(c->is_served, "state is for handlers");
    if (c->user.state)
        return c->user.state;
    if (size <= PROA_CALL_STATE_SIZE)
        c->user.state = memset(c->small_state.bytes, 0, PROA_CALL_STATE_SIZE);
    else
        c->user.state = proa_arena_alloc(&c->user.arena, size);
    return c->user.state;
}

void proa_call_on_end(proa_call *c, proa_on_call on_end, void *user)
{
    PROA_ASSERT(c->is_served, "on_end is of served calls; made ones have on_done");
    c->on_end = on_end;
    c->on_end_user = user;
}

/* Measured first: most texts fit. */
void call_keep_text(proa_call *c, const char *format, va_list args)
{
    char text[256];
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(text, sizeof text, format, args);
    char *kept = size < 0 ? NULL : arena_raw(&c->user.arena, (size_t)size + 1);
    if (kept && (size_t)size < sizeof text)
        memcpy(kept, text, (size_t)size + 1);
    else if (kept)
        vsnprintf(kept, (size_t)size + 1, format, again);
    va_end(again);
    c->user.fail_text = (proa_bytes){ kept, kept ? (size_t)size : 0 };
}

proa_code proa_call_fail(proa_call *c, proa_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    call_keep_text(c, format, args);
    va_end(args);
    return code;
}

proa_code proa_call_set_status(proa_call *c, proa_status status)
{
    c->user.fail_text = proa_arena_copy(&c->user.arena, status.message);
    c->user.details = status.details.size ? proa_arena_copy(&c->user.arena, status.details) : (proa_bytes){ NULL, 0 };
    c->user.has_raw_details = c->user.details.size != 0;
    return status.code;
}

void proa_call_add_detail(proa_call *c, const proa_type *type, const void *detail)
{
    details_append(c, type, detail);
}

void proa_call_wake(proa_call *c)
{
    if (!c)
        return;
    if (home_is_here(c->home))
        step_wake(c);
    else
        call_post(c, CALL_CMD_WAKE);
}

const proa_peer *proa_call_peer(proa_call *c)
{
    const call_peer *peer = c ? atomic_load(&c->peer) : NULL;
    return peer ? &peer->peer : &nobody;
}
