/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"
#include "link/link.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { READ_MAX = 64 * 1024, SLOP = 64 };

static sim_end *end_of(const io_socket *base)
{
    return CONTAINER_OF(base, sim_end, base);
}

static sim_end *other_of(sim_end *e)
{
    return &e->connection->ends[!e->side];
}

static lane *out_of(sim_end *e)
{
    return &e->connection->lanes[e->side];
}

static lane *in_of(sim_end *e)
{
    return &e->connection->lanes[!e->side];
}

static bool is_open(const sim_end *e)
{
    return e->state == OPEN || e->state == ENDED;
}

void conn_unpin(connection *c)
{
    if (--c->pins)
        return;
    world *w = c->world;
    world_forget(w, &c->connecting);
    world_forget(w, &c->fate);
    for (int i = 0; i < 2; i++) {
        world_forget(w, &c->lanes[i].arrival);
        world_forget(w, &c->ends[i].trouble);
        free(c->lanes[i].bytes);
        free(c->lanes[i].segments);
    }
    list_remove(&c->node);
    wire_free(c->wire);
    free(c);
}

void conn_note_trouble(connection *c)
{
    for (int i = 0; i < 2; i++)
        if (c->ends[i].loop)
            network_note_trouble(c->network, c->ends[i].loop);
}

/* ---- Telling, in the I/O phase of the loop of an end */

void conn_notify(sim_end *e)
{
    if (e->handler && e->state != CLOSED && e->state != ENDED)
        io_loop_defer(e->loop, &e->input, IO_INPUT);
}

static void tell_end(sim_end *e, int fault)
{
    proa_error error = { .code = PROA_ERR_NONE };
    char address[128];
    io_address_text(&e->peer, address, sizeof address);
    if (fault)
        error_set(&error, PROA_ERR_IO, "%s: %s", address, strerror(fault));
    world_tell(e->connection->world, "net %u: the %s hears %s", e->connection->number, e->side ? "server" : "client",
               fault ? strerror(fault) : "the end");
    e->state = ENDED;
    io_task_cancel(&e->input);
    e->handler->on_end(e->owner, &error);
}

static size_t next_piece(connection *c, size_t size)
{
    size_t most = c->cut == TINY ? (size_t)world_between(c->world, 1, 16) : READ_MAX;
    return size < most ? size : most;
}

static void deliver(sim_end *e)
{
    lane *in = in_of(e);
    connection *c = e->connection;
    size_t before = in->begin;
    while (in->begin < in->arrived && !e->is_paused && e->state == OPEN) {
        size_t size = next_piece(c, in->arrived - in->begin);
        const char *bytes = in->bytes + in->begin;
        in->begin += size;
        c->world->coverage.bytes += size;
        if (size == 1)
            cover(c->world, COVER_SEGMENT_ONE_BYTE);
        wire_read(c->wire, e->side, bytes, size);
        e->handler->on_bytes(e->owner, (proa_bytes){ bytes, size });
    }
    if (in->begin < in->arrived && e->is_paused)
        cover(c->world, COVER_PAUSED);
    if (in->begin > before && other_of(e)->wants_write)
        conn_notify(other_of(e));
}

void conn_run_input(io_task *task)
{
    sim_end *e = CONTAINER_OF(task, sim_end, input);
    connection *c = e->connection;
    lane *in = in_of(e), *out = out_of(e);
    c->pins++;
    if (e->state == CONNECTING && c->connect_error) {
        tell_end(e, c->connect_error);
    } else if (e->state == CONNECTING && e->is_connected) {
        e->state = OPEN;
        if (e->handler->on_connected)
            e->handler->on_connected(e->owner);
    }
    if (e->state == OPEN && e->wants_write && !e->fault && out->end - out->begin < out->room) {
        e->wants_write = false;
        e->handler->on_writable(e->owner);
    }
    if (e->state == OPEN)
        deliver(e);
    bool is_empty = in->begin == in->arrived;
    if (e->state == OPEN && e->fault && (is_empty || e->is_paused))
        tell_end(e, e->fault);
    else if (e->state == OPEN && in->has_fin_arrived && is_empty && !e->is_paused)
        tell_end(e, 0);
    conn_unpin(c);
}

void conn_on_trouble(event *event)
{
    sim_end *e = CONTAINER_OF(event, sim_end, trouble);
    e->fault = e->coming;
    if (e->coming == ETIMEDOUT)
        cover(e->connection->world, COVER_SILENCE_NOTICED);
    conn_notify(e);
}

void conn_break_later(sim_end *e, int fault, int64_t ns)
{
    world *w = e->connection->world;
    if (e->fault || e->trouble.index || e->state == CLOSED)
        return;
    e->coming = fault;
    world_plan(w, &e->trouble, w->now + ns);
}

/* ---- Bytes on their way */

void conn_on_arrival(event *event)
{
    lane *l = CONTAINER_OF(event, lane, arrival);
    connection *c = l->connection;
    world *w = c->world;
    sim_end *reader = &c->ends[!l->from];
    bool is_any = false;
    while (l->count && l->segments[l->first].at <= w->now) {
        l->arrived += l->segments[l->first++].size;
        l->count--;
        is_any = true;
    }
    if (!l->count && l->has_fin)
        l->has_fin_arrived = true;
    if (l->count)
        world_plan(w, &l->arrival, l->segments[l->first].at);
    if (reader->state == CLOSED && is_any)
        conn_break_later(&c->ends[l->from], ECONNRESET, c->delay_ns); /* nobody is there: RST */
    else
        conn_notify(reader);
}

static int64_t next_arrival(lane *l, size_t size)
{
    connection *c = l->connection;
    int64_t at = c->world->now + c->delay_ns + (int64_t)size * c->ns_per_kib / 1024;
    if (c->jitter_ns)
        at += world_between(c->world, 0, c->jitter_ns);
    l->last_at = at > l->last_at ? at : l->last_at;
    return l->last_at;
}

static void add_segment(lane *l, size_t size)
{
    if (l->first + l->count == l->segment_capacity) {
        if (l->first > l->count) {
            memmove(l->segments, l->segments + l->first, l->count * sizeof(segment));
            l->first = 0;
        } else {
            l->segment_capacity = l->segment_capacity ? 2 * l->segment_capacity : 16;
            l->segments = realloc(l->segments, l->segment_capacity * sizeof(segment));
        }
    }
    l->segments[l->first + l->count++] = (segment){ size, next_arrival(l, size) };
    if (!l->arrival.index && !l->is_dead)
        world_plan(l->connection->world, &l->arrival, l->segments[l->first].at);
}

static void make_room(lane *l, size_t more)
{
    if (l->end + more <= l->capacity)
        return;
    if (l->end > l->begin)
        memmove(l->bytes, l->bytes + l->begin, l->end - l->begin);
    l->arrived -= l->begin;
    l->end -= l->begin;
    l->begin = 0;
    if (l->end + more <= l->capacity)
        return;
    l->capacity = 2 * (l->end + more) + 256;
    l->bytes = realloc(l->bytes, l->capacity + SLOP);
}

static void append(lane *l, const proa_bytes *parts, size_t size)
{
    connection *c = l->connection;
    size_t from = l->end;
    make_room(l, size);
    from = l->end;
    for (size_t left = size; left > 0; parts++) {
        size_t part = parts->size < left ? parts->size : left;
        bytes_copy(l->bytes + l->end, parts->data, part);
        l->end += part;
        left -= part;
    }
    wire_wrote(c->wire, l->from, l->bytes + from, size);
    if (c->jitter_ns)
        cover(c->world, COVER_JITTER);
    for (size_t left = size; left > 0;) {
        size_t most = c->cut == WHOLE ? left : c->cut == SMALL ? 1460 : (size_t)world_between(c->world, 1, 64);
        size_t piece = left < most ? left : most;
        if (piece < left)
            cover(c->world, COVER_SEGMENT_SPLIT);
        add_segment(l, piece);
        left -= piece;
    }
}

/* ---- The verbs of a socket */

static void own(io_socket *base, const io_socket_handler *handler, void *owner)
{
    sim_end *e = end_of(base);
    e->handler = handler;
    e->owner = owner;
    conn_notify(e);
}

static size_t write_parts(io_socket *base, const proa_bytes *parts, size_t count)
{
    sim_end *e = end_of(base);
    connection *c = e->connection;
    lane *l = out_of(e);
    size_t offered = bytes_sum(parts, count);
    if (e->is_ended_out)
        world_fail(c->world, "nothing is written behind the end", "net %u", c->number);
    if (e->state == CLOSED || e->fault || e->wants_write)
        return 0;
    if (e->state == CONNECTING) {
        e->wants_write = offered > 0;
        return 0;
    }
    size_t room = l->room - (l->end - l->begin), taken = offered < room ? offered : room;
    if (taken > 1 && world_chance(c->world, c->short_writes))
        taken = (size_t)world_between(c->world, 1, (int64_t)taken);
    if (taken < offered) {
        e->wants_write = e->state == OPEN;
        cover(c->world, COVER_SHORT_WRITE);
        wire_blocked(c->wire, e->side);
        if (taken < room && e->wants_write)
            conn_notify(e); /* it was short for no reason: there is room at once */
    }
    if (taken)
        append(l, parts, taken);
    return taken;
}

static void pause_end(io_socket *base, bool is_paused)
{
    sim_end *e = end_of(base);
    e->is_paused = is_paused;
    if (!is_paused)
        conn_notify(e);
}

void conn_send_fin(sim_end *e)
{
    lane *l = out_of(e);
    if (l->has_fin || l->is_dead)
        return;
    l->has_fin = true;
    if (!l->count)
        world_plan(e->connection->world, &l->arrival, next_arrival(l, 1));
}

static void end_out(io_socket *base)
{
    sim_end *e = end_of(base);
    if (e->is_ended_out || e->state == CLOSED)
        return;
    e->is_ended_out = true;
    e->wants_write = false;
    if (is_open(e))
        conn_send_fin(e);
}

static void close_end(io_socket *base)
{
    sim_end *e = end_of(base);
    connection *c = e->connection;
    if (e->state == CLOSED)
        return;
    bool was_open = is_open(e), is_unread = in_of(e)->begin < in_of(e)->arrived;
    world_tell(c->world, "net %u: the %s closes%s", c->number, e->side ? "server" : "client",
               is_unread ? " on unread bytes" : "");
    e->state = CLOSED;
    io_task_cancel(&e->input);
    world_forget(c->world, &e->trouble);
    if (was_open && is_unread && !out_of(e)->is_dead)
        conn_break_later(other_of(e), ECONNRESET, c->delay_ns);
    else if (was_open && !e->fault)
        conn_send_fin(e);
    conn_unpin(c);
}

static const io_address *peer_of(const io_socket *base)
{
    return &end_of(base)->peer;
}

/* TCP_USER_TIMEOUT */
static void set_unheard(io_socket *base, int64_t ns)
{
    end_of(base)->unheard_ns = ns;
}

const io_socket_kind conn_kind = { .own = own,
                                   .write = write_parts,
                                   .pause = pause_end,
                                   .end = end_out,
                                   .close = close_end,
                                   .peer = peer_of,
                                   .set_unheard = set_unheard };
