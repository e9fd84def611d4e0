/* SPDX-License-Identifier: Apache-2.0 */
/* A call's memory: who holds it, when it goes; and what can be read of it at any time. */
#include "call/object.h"

static void deliver(io_mail *mail);

size_t call_size(bool is_served)
{
    return is_served ? sizeof(struct proa_call) : offsetof(struct proa_call, made) + sizeof(call_made);
}

size_t call_zeroed_size(void)
{
    return offsetof(struct proa_call, remote);
}

/* The slabs are the home's: a thread elsewhere takes from the heap what goes to one of them later. */
static proa_call *new_block(proa_loop *home, bool is_served, bool is_remote)
{
    if (is_remote)
        return memory_new(call_size(false));
    proa_call *c = slab_take(is_served ? &home->served : &home->made);
    if (!c)
        return NULL;
    if (!is_served)
        c->made = (call_made){ .parent = NULL };
    return c;
}

/* The arena of a call that we make is its user's, at any time; the pool of a driven home is its that has the lock. */
static arena_pool *pool_of(proa_loop *home, bool is_served)
{
    return home->is_driven && !is_served ? NULL : &home->arenas;
}

proa_call *call_new(proa_loop *home, bool is_served, bool is_remote)
{
    proa_call *c = new_block(home, is_served, is_remote);
    if (!c)
        return NULL;
    c->home = home;
    arena_init(&c->user.arena, is_remote ? NULL : pool_of(home, is_served));
    if (is_remote && !remote_init(c)) {
        arena_fini(&c->user.arena, NULL);
        memory_free(c);
        return NULL;
    }
    c->is_served = is_served;
    c->pins = 1;
    c->deadline_ns = INT64_MAX;
    c->mail.deliver = deliver;
    list_init(&c->children);
    if (!is_remote)
        list_push(&home->all, &c->all);
    return c;
}

static void free_call(proa_call *c)
{
    proa_loop *home = c->home;
    list_remove(&c->all);
    io_task_cancel(&c->task);
    if (io_timer_is_running(&c->timer))
        io_timer_stop(home->io, &c->timer);
    if (c->exchange)
        rpc_exchange_release(c->exchange);
    if (c->is_remote)
        remote_fini(c);
    if (!c->is_served) {
        if (c->made.kept.count || c->made.kept.items)
            slice_queue_fini(&c->made.kept);
        if (c->made.replay.sends)
            replay_fini(c);
    }
    if (c->refusal)
        memory_free(c->refusal);
    if (c->first.hold)
        home_give_slice(home, &c->first);
    if (c->user.message.hold)
        home_give_slice(home, &c->user.message);
    if (c->user.message_arena)
        arena_fini(c->user.message_arena, &home->arenas);
    arena_fini(&c->user.arena, pool_of(home, c->is_served));
    call_peer_drop(atomic_load(&c->peer));
    const call_hooks *hooks = c->hooks;
    void *owner = c->owner;
    slab_give(c->is_served ? &home->served : &home->made, c);
    if (hooks)
        hooks->gone(owner, home);
}

/* Children first: they point at their parent. Mail on its way points at the call, so it waits for that. */
void call_unpinned(proa_call *c)
{
    for (list_node *node; (node = list_pop(&c->children));) {
        proa_call *child = CONTAINER_OF(node, proa_call, made.sibling);
        child->made.parent = NULL;
        made_end(child);
    }
    if (atomic_load(&c->commands) & CALL_CMD_POSTED)
        c->is_zombie = true;
    else
        free_call(c);
}

/* One word for both, so that a command that others' mail brings along is the last that its sender knows of the call: the
 * home may free it at once. */
void call_post(proa_call *c, unsigned commands)
{
    if (!(atomic_fetch_or(&c->commands, commands | CALL_CMD_POSTED) & CALL_CMD_POSTED))
        io_loop_post(c->home->io, &c->mail);
}

static void obey(proa_call *c, unsigned commands)
{
    if (commands & CALL_CMD_SUBMIT) {
        made_begin(c); /* what a call of the home does where it is made */
        c->hooks->submit(c->owner, c);
    }
    if (commands & CALL_CMD_HEADERS)
        local_send_headers(c);
    if (c->is_remote)
        remote_flush(c);
    if (commands & CALL_CMD_OVERFLOW)
        call_cancel(c, PROA_RESOURCE_EXHAUSTED, call_text_overflow);
    if (commands & CALL_CMD_BROKEN)
        call_cancel(c, c->refusal_code, c->refusal ? c->refusal : error_name(PROA_ERR_NOMEM));
    if (commands & CALL_CMD_CANCEL)
        call_cancel(c, PROA_CANCELLED, call_text_cancelled);
    if (commands & CALL_CMD_WAKE || (commands & CALL_CMD_TURN && c->waits_for_turn))
        step_wake(c);
    if (commands & CALL_CMD_TRAFFIC && c->is_remote)
        remote_refresh(c);
    if (commands & CALL_CMD_FINISH)
        step_answered(c);
    if (commands & CALL_CMD_END)
        made_end(c);
}

static void deliver(io_mail *mail)
{
    proa_call *c = CONTAINER_OF(mail, proa_call, mail);
    unsigned commands = atomic_exchange(&c->commands, 0) & ~(unsigned)CALL_CMD_POSTED;
    if (c->is_zombie) {
        free_call(c);
        return;
    }
    if (!c->is_served && !c->made.is_begun && !(commands & CALL_CMD_SUBMIT)) {
        atomic_fetch_or(&c->commands, commands); /* its maker is not ready yet: this comes with the SUBMIT */
        return;
    }
    call_pin(c);
    obey(c, commands);
    call_unpin(c);
}

void call_schedule(proa_call *c)
{
    if (!c->is_finished)
        io_loop_defer(c->home->io, &c->task, IO_DISPATCH);
}

void call_touch(proa_call *c)
{
    if (c->pump)
        link_pump_touch(c->pump);
}

proa_err header_list_add(header_list *l, proa_arena *arena, proa_bytes name, proa_bytes value)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 4;
        proa_header *data = proa_arena_alloc(arena, capacity * sizeof *data);
        if (!data)
            return PROA_ERR_NOMEM;
        bytes_copy(data, l->data, l->count * sizeof *data);
        l->data = data;
        l->capacity = capacity;
    }
    proa_header h = { proa_arena_copy(arena, name), proa_arena_copy(arena, value.data ? value : PROA_STR("")) };
    if (!h.name.data || !h.value.data)
        return PROA_ERR_NOMEM;
    l->data[l->count++] = h;
    return PROA_ERR_NONE;
}

proa_loop *call_home(const proa_call *c)
{
    return c->home;
}

list_node *call_node(proa_call *c)
{
    return &c->made.queued;
}

proa_call *call_of_node(list_node *node)
{
    return CONTAINER_OF(node, proa_call, made.queued);
}

bool call_waits_for_ready(const proa_call *c)
{
    return c->made.waits_for_ready;
}

proa_call *call_of_home_node(list_node *node)
{
    return CONTAINER_OF(node, proa_call, all);
}

/* ---- Peers */

static proa_bytes copy_bytes(char **to, proa_bytes from)
{
    bytes_copy(*to, from.data, from.size);
    proa_bytes copy = { *to, from.size };
    *to += from.size;
    return copy;
}

static proa_list_bytes copy_list(proa_bytes **items, char **to, proa_list_bytes from)
{
    proa_list_bytes copy = { *items, from.count };
    for (size_t i = 0; i < from.count; i++)
        *(*items)++ = copy_bytes(to, from.data[i]);
    return copy;
}

static size_t list_size(proa_list_bytes list)
{
    size_t size = list.count * sizeof(proa_bytes);
    for (size_t i = 0; i < list.count; i++)
        size += list.data[i].size;
    return size;
}

/* Calls outlive their connection: what it says of the peer is copied behind the struct. */
static void copy_identity(call_peer *p, const io_identity *id)
{
    proa_bytes *items = (proa_bytes *)(void *)(p + 1);
    char *to = (char *)(items + id->dns_names.count + id->uris.count);
    p->peer.is_encrypted = true;
    p->peer.is_verified = id->is_verified;
    p->peer.tls_dns_names = copy_list(&items, &to, id->dns_names);
    p->peer.tls_uris = copy_list(&items, &to, id->uris);
    p->peer.tls_subject = copy_bytes(&to, id->subject);
    p->peer.tls_certificate_der = copy_bytes(&to, id->certificate_der);
}

call_peer *call_peer_new(const io_socket *socket)
{
    const io_identity *id = io_socket_identity(socket);
    size_t more = id ? list_size(id->dns_names) + list_size(id->uris) + id->subject.size + id->certificate_der.size : 0;
    call_peer *p = memory_new(sizeof *p + more);
    if (!p)
        return NULL;
    p->count = 1;
    p->peer = (proa_peer){ .pid = -1, .uid = -1, .gid = -1 };
    io_address_format(io_socket_peer(socket), p->address, sizeof p->address);
    p->peer.address = proa_bytes_of(p->address);
    io_socket_credentials(socket, &p->peer.pid, &p->peer.uid, &p->peer.gid);
    if (id)
        copy_identity(p, id);
    return p;
}

void call_peer_drop(call_peer *p)
{
    if (p && --p->count == 0)
        memory_free(p);
}

/* ---- Ending a call from our side */

const char call_text_overflow[] = "pushed on at twice the bound of the queue";
const char call_text_cancelled[] = "the call was cancelled";

static void keep_refusal(proa_call *c, proa_code code, const char *text)
{
    if (c->refusal_code != PROA_OK)
        return;
    size_t size = strlen(text) + 1;
    c->refusal_code = code;
    c->refusal = memory_new(size);
    if (c->refusal)
        memcpy(c->refusal, text, size);
}

void call_keep_refusal(proa_call *c, proa_code code, const char *text)
{
    if (c->is_remote)
        pthread_mutex_lock(&c->remote.lock);
    keep_refusal(c, code, text);
    if (c->is_remote)
        pthread_mutex_unlock(&c->remote.lock);
}

void call_cancel(proa_call *c, proa_code code, const char *text)
{
    if (c->is_over || (c->is_served && c->state == CALL_ANSWERED))
        return;
    atomic_store(&c->is_cancelled, true);
    if (!c->exchange) {
        if (list_has(&c->made.queued))
            c->hooks->forget(c->owner, c);
        call_refuse(c, code, "%s", text);
        return;
    }
    if (c->is_served && code != PROA_CANCELLED) {
        call_stop(c, code, text);
        return;
    }
    rpc_exchange_cancel(c->exchange, code, text);
    call_touch(c);
    if (c->is_remote)
        remote_refresh(c);
}

/* Of the user's side, while the user's own thread is at work: what it queued before still goes out. Nothing more is read: behind
 * a message that could not be there would be a gap. */
void call_break(proa_call *c, proa_code code, const char *text)
{
    call_keep_refusal(c, code, text);
    call_drop_unread(c);
    if (c->is_remote)
        call_post(c, CALL_CMD_BROKEN);
    else
        call_cancel(c, c->refusal_code, c->refusal ? c->refusal : error_name(PROA_ERR_NOMEM));
}

void call_break_for(proa_call *c, proa_err err, const char *text)
{
    call_break(c, err == PROA_ERR_NOMEM ? PROA_RESOURCE_EXHAUSTED : PROA_INTERNAL,
               err == PROA_ERR_NOMEM ? error_name(err) : text);
}

void call_abandon(proa_call *c)
{
    if (c->is_served)
        return;
    c->made.is_abandoned = true;
    if (c->is_over && !c->is_finished)
        call_schedule(c);
}

bool call_is_over(const proa_call *c)
{
    return c->is_over;
}

/* ---- Events of its exchange */

void call_on_event(const rpc_event *event)
{
    proa_call *c = rpc_exchange_user(event->exchange);
    if (!c)
        return;
    if (c->is_served) {
        if (event->type == RPC_EVENT_END)
            step_over(c);
        else
            step_notice(c);
        return;
    }
    if (event->type == RPC_EVENT_HEADERS) {
        c->has_replied_headers = true;
        if (c->made.replay.is_open)
            replay_commit(c);
    }
    if (event->type != RPC_EVENT_END)
        made_notice(c);
    else if (!replay_again(c, event))
        made_over(c);
}
