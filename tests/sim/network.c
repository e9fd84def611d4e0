/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "link/link.h"
#include "wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_MAX = 64 * 1024, SLOP = 64 };

typedef enum end_state { CONNECTING, OPEN, ENDED, CLOSED } end_state;
typedef enum cut { WHOLE, SMALL, TINY } cut; /* how writes are cut into segments */

typedef struct segment {
    size_t size;
    int64_t at;
} segment;

/* One way. Bytes: [begin, arrived) can be read, [arrived, end) are under way. */
typedef struct lane {
    connection *connection;
    unsigned from;
    char *bytes;
    size_t begin, arrived, end, capacity, room;
    segment *segments;
    size_t first, count, segment_capacity;
    int64_t last_at;
    bool has_fin, has_fin_arrived;
    bool is_dead; /* nothing arrives any more */
    event arrival;
} lane;

typedef struct sim_end {
    io_socket base;
    connection *connection;
    unsigned side;
    end_state state;
    io_loop *loop;
    const io_socket_handler *handler;
    void *owner;
    io_task input;
    io_address peer;
    int fault; /* errno to tell */
    int coming;
    event trouble; /* the fault that comes */
    bool is_paused, wants_write, is_ended_out, is_connected;
    int64_t unheard_ns;
} sim_end;

typedef struct sim_listener {
    io_listener base;
    list_node node;
    network *network;
    io_loop *loop;
    io_address address;
    io_on_accept on_accept;
    void *owner;
    io_task input;
    connection *queue[64];
    unsigned queued;
} sim_listener;

struct connection {
    list_node node;
    network *network;
    world *world;
    unsigned number, pins;
    sim_end ends[2];
    lane lanes[2];
    wire *wire;
    int64_t delay_ns, jitter_ns, ns_per_kib;
    cut cut;
    unsigned short_writes; /* thousandths */
    event connecting, fate;
    int connect_error;
};

typedef struct trouble_count {
    const io_loop *loop;
    unsigned count;
} trouble_count;

struct network {
    world *world;
    io_network face;
    list listeners, connections;
    unsigned numbers;
    trouble_count troubles[64];
};

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

static void unpin(connection *c)
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

/* ---- Troubles are counted for the loops that they hit */

void network_note_trouble(network *n, const io_loop *loop)
{
    for (unsigned i = 0; i < 64; i++) {
        if (n->troubles[i].loop && n->troubles[i].loop != loop)
            continue;
        n->troubles[i].loop = loop;
        n->troubles[i].count++;
        return;
    }
}

unsigned network_troubles(const network *n, const io_loop *loop)
{
    for (unsigned i = 0; i < 64; i++)
        if (n->troubles[i].loop == loop)
            return n->troubles[i].count;
    return 0;
}

static void note_trouble(connection *c)
{
    for (int i = 0; i < 2; i++)
        if (c->ends[i].loop)
            network_note_trouble(c->network, c->ends[i].loop);
}

/* ---- Telling, in the I/O phase of the loop of an end */

static void notify(sim_end *e)
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
        notify(other_of(e));
}

static void run_input(io_task *task)
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
    unpin(c);
}

static void on_trouble(event *event)
{
    sim_end *e = CONTAINER_OF(event, sim_end, trouble);
    e->fault = e->coming;
    if (e->coming == ETIMEDOUT)
        cover(e->connection->world, COVER_SILENCE_NOTICED);
    notify(e);
}

static void break_later(sim_end *e, int fault, int64_t ns)
{
    world *w = e->connection->world;
    if (e->fault || e->trouble.index || e->state == CLOSED)
        return;
    e->coming = fault;
    world_plan(w, &e->trouble, w->now + ns);
}

/* ---- Bytes on their way */

static void on_arrival(event *event)
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
        break_later(&c->ends[l->from], ECONNRESET, c->delay_ns); /* nobody is there: RST */
    else
        notify(reader);
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
    notify(e);
}

static size_t sum(const proa_bytes *parts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    return size;
}

static size_t write_parts(io_socket *base, const proa_bytes *parts, size_t count)
{
    sim_end *e = end_of(base);
    connection *c = e->connection;
    lane *l = out_of(e);
    size_t offered = sum(parts, count);
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
            notify(e); /* it was short for no reason: there is room at once */
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
        notify(e);
}

static void send_fin(sim_end *e)
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
        send_fin(e);
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
        break_later(other_of(e), ECONNRESET, c->delay_ns);
    else if (was_open && !e->fault)
        send_fin(e);
    unpin(c);
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

static const io_socket_kind kind = { .own = own,
                                     .write = write_parts,
                                     .pause = pause_end,
                                     .end = end_out,
                                     .close = close_end,
                                     .peer = peer_of,
                                     .set_unheard = set_unheard };

/* ---- What becomes of a connection */

static void drop_underway(lane *l, size_t kept)
{
    l->arrived += kept;
    l->end = l->arrived;
    l->count = 0;
    world_forget(l->connection->world, &l->arrival);
}

static void reset(connection *c)
{
    world *w = c->world;
    cover(w, COVER_RESET);
    note_trouble(c);
    for (int i = 0; i < 2; i++) {
        lane *l = &c->lanes[i];
        size_t underway = l->end - l->arrived;
        if (underway)
            cover(w, COVER_RESET_PARTIAL);
        drop_underway(l, l->is_dead ? 0 : (size_t)world_below(w, underway + 1));
        l->is_dead = true;
        world_forget(w, &c->ends[i].trouble);
        if (c->ends[i].state != CLOSED && !c->ends[i].fault)
            c->ends[i].fault = ECONNRESET;
        notify(&c->ends[i]);
    }
    world_tell(w, "net %u: reset", c->number);
}

static void cut_through(connection *c)
{
    cover(c->world, COVER_CUT);
    note_trouble(c);
    world_tell(c->world, "net %u: closed by something in between", c->number);
    for (int i = 0; i < 2; i++) {
        drop_underway(&c->lanes[i], 0);
        c->lanes[i].is_dead = c->lanes[i].has_fin = c->lanes[i].has_fin_arrived = true;
        break_later(&c->ends[i], ECONNRESET, 10 * c->delay_ns + SECOND);
        notify(&c->ends[i]);
    }
}

/* Nothing arrives any more, and nobody is told: the system gives up in its own time when it has something to send. */
static void fall_silent(connection *c)
{
    cover(c->world, COVER_SILENCE);
    note_trouble(c);
    world_tell(c->world, "net %u: silence", c->number);
    for (int i = 0; i < 2; i++) {
        sim_end *e = &c->ends[i];
        world_forget(c->world, &c->lanes[i].arrival);
        world_forget(c->world, &e->trouble);
        c->lanes[i].is_dead = true;
        break_later(e, ETIMEDOUT,
                    e->unheard_ns ? e->unheard_ns + SECOND : world_between(c->world, 30 * SECOND, 900 * SECOND));
    }
}

static void stall(connection *c)
{
    world *w = c->world;
    int64_t until = w->now + world_between(w, 10 * MS, 20 * SECOND);
    cover(w, COVER_STALL);
    note_trouble(c);
    world_tell(w, "net %u: stalls for %.3f s", c->number, (double)(until - w->now) / (double)SECOND);
    for (int i = 0; i < 2; i++) {
        lane *l = &c->lanes[i];
        for (size_t k = l->first; k < l->first + l->count; k++)
            l->segments[k].at = l->segments[k].at > until ? l->segments[k].at : until;
        l->last_at = l->last_at > until ? l->last_at : until;
        if (l->arrival.index)
            world_plan(w, &l->arrival, until);
    }
}

static void on_fate(event *event)
{
    connection *c = CONTAINER_OF(event, connection, fate);
    const troubles *t = &c->world->troubles;
    unsigned sum = t->reset + t->cut + t->silence + t->stall, dice;
    if (c->ends[0].state == CLOSED || c->ends[1].state == CLOSED || !sum)
        return;
    dice = (unsigned)world_below(c->world, sum);
    if (dice < t->reset)
        reset(c);
    else if (dice < t->reset + t->cut)
        cut_through(c);
    else if (dice < t->reset + t->cut + t->silence)
        fall_silent(c);
    else {
        stall(c);
        world_plan(c->world, &c->fate, c->world->now + world_between(c->world, 1 * MS, 60 * SECOND));
    }
}

void network_kill(network *n, const io_loop *loop)
{
    for (list_node *node = list_first(&n->connections), *next; node; node = next) {
        next = list_next(&n->connections, node);
        connection *c = CONTAINER_OF(node, connection, node);
        if (c->ends[1].loop != loop || c->ends[1].state == CLOSED)
            continue;
        note_trouble(c);
        drop_underway(&c->lanes[1], 0);
        drop_underway(&c->lanes[0], 0);
        c->lanes[0].is_dead = c->lanes[1].is_dead = true;
        break_later(&c->ends[0], ECONNRESET, c->delay_ns);
    }
}

/* ---- Connecting */

static bool is_same_address(const io_address *a, const io_address *b)
{
    char one[128], two[128];
    io_address_format(a, one, sizeof one);
    io_address_format(b, two, sizeof two);
    return strcmp(one, two) == 0;
}

static sim_listener *find_listener(network *n, const io_address *address)
{
    for (list_node *node = list_first(&n->listeners); node; node = list_next(&n->listeners, node)) {
        sim_listener *l = CONTAINER_OF(node, sim_listener, node);
        if (is_same_address(&l->address, address))
            return l;
    }
    return NULL;
}

static void on_connecting(event *event)
{
    connection *c = CONTAINER_OF(event, connection, connecting);
    world *w = c->world;
    sim_listener *l = find_listener(c->network, &c->ends[0].peer);
    bool is_silent = c->connect_error == ETIMEDOUT;
    if (!c->connect_error && (!l || l->queued == 64))
        c->connect_error = ECONNREFUSED;
    if (c->connect_error) {
        cover(w, is_silent ? COVER_CONNECT_SILENT : COVER_REFUSED);
        note_trouble(c);
        world_tell(w, "net %u: %s", c->number, strerror(c->connect_error));
        notify(&c->ends[0]);
        return;
    }
    cover(w, COVER_CONNECTED);
    if (c->lanes[0].room < 4096 || c->lanes[1].room < 4096)
        note_trouble(c); /* too slow for the time limits of a handshake */
    world_tell(w, "net %u: connected (delay %.3f ms, jitter %.3f ms, %s, %zu bytes of room)", c->number,
               (double)c->delay_ns / (double)MS, (double)c->jitter_ns / (double)MS,
               c->cut == WHOLE   ? "whole"
               : c->cut == SMALL ? "small segments"
                                 : "tiny segments",
               c->lanes[0].room);
    c->ends[0].is_connected = true;
    notify(&c->ends[0]);
    c->pins++;
    c->ends[1].state = OPEN;
    c->ends[1].loop = l->loop;
    l->queue[l->queued++] = c;
    io_loop_defer(l->loop, &l->input, IO_INPUT);
    if (c->ends[0].is_ended_out)
        send_fin(&c->ends[0]);
    const troubles *t = &w->troubles;
    if (world_chance(w, t->reset + t->cut + t->silence + t->stall))
        world_plan(w, &c->fate, w->now + world_between(w, 0, 60 * SECOND));
}

/* Some ways are fast, most are not, and few are as slow as a satellite. */
static void draw_profile(connection *c)
{
    world *w = c->world;
    c->delay_ns = world_between(w, 10000, 300 * MS);
    c->jitter_ns = world_chance(w, 400) ? world_between(w, 1000, 50 * MS) : 0;
    c->ns_per_kib = world_chance(w, 300) ? world_between(w, 100, 200000) : 0;
    c->cut = world_chance(w, 150) ? TINY : world_chance(w, 500) ? SMALL : WHOLE;
    c->short_writes = world_chance(w, 300) ? 300 : 0;
    for (int i = 0; i < 2; i++)
        c->lanes[i].room = (size_t)world_between(w, !w->is_clean && world_chance(w, 100) ? 100 : 4096, 256 * 1024);
}

static void init_side(connection *c, unsigned side)
{
    c->ends[side] = (sim_end){ .base = { &kind }, .connection = c, .side = side, .input = { .run = run_input } };
    c->ends[side].trouble.fire = on_trouble;
    c->ends[side].state = CLOSED;
    c->lanes[side].connection = c;
    c->lanes[side].from = side;
    c->lanes[side].arrival.fire = on_arrival;
}

static void set_client_address(connection *c)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(1024 + c->number)) };
    inet_pton(AF_INET, "10.9.8.7", &in.sin_addr);
    c->ends[1].peer.size = sizeof in;
    memcpy(c->ends[1].peer.u.bytes, &in, sizeof in);
}

static io_socket *connect_to(void *owner, io_loop *loop, const io_address *address, const io_socket_handler *handler,
                             void *handler_owner, proa_error *error)
{
    network *n = owner;
    world *w = n->world;
    if (world_chance(w, w->troubles.connect_error)) {
        cover(w, COVER_CONNECT_ERROR);
        network_note_trouble(n, loop);
        error_set(error, PROA_ERR_IO, "no route to host");
        return NULL;
    }
    connection *c = calloc(1, sizeof *c);
    c->network = n;
    c->world = w;
    c->number = ++n->numbers;
    c->pins = 1;
    c->wire = wire_new(w, c->number);
    c->connecting.fire = on_connecting;
    c->fate.fire = on_fate;
    init_side(c, 0);
    init_side(c, 1);
    draw_profile(c);
    c->ends[0].state = CONNECTING;
    c->ends[0].loop = loop;
    c->ends[0].handler = handler;
    c->ends[0].owner = handler_owner;
    c->ends[0].peer = *address;
    set_client_address(c);
    list_push(&n->connections, &c->node);
    int64_t takes = 2 * c->delay_ns;
    if (world_chance(w, w->troubles.refuse)) {
        c->connect_error = ECONNREFUSED;
    } else if (world_chance(w, w->troubles.connect_silent)) {
        c->connect_error = ETIMEDOUT;
        takes = 127 * SECOND;
        note_trouble(c);
        cover(w, COVER_CONNECT_SILENT);
    }
    char text[128];
    io_address_format(address, text, sizeof text);
    world_tell(w, "net %u: connecting to %s", c->number, text);
    world_plan(w, &c->connecting, w->now + takes);
    return &c->ends[0].base;
}

/* ---- Listening */

static const io_address *address_of(const io_listener *base)
{
    return &CONTAINER_OF(base, sim_listener, base)->address;
}

static void close_listener(io_listener *base)
{
    sim_listener *l = CONTAINER_OF(base, sim_listener, base);
    for (unsigned i = 0; i < l->queued; i++) {
        connection *c = l->queue[i];
        c->ends[1].state = CLOSED;
        note_trouble(c);
        break_later(&c->ends[0], ECONNRESET, c->delay_ns);
        unpin(c);
    }
    io_task_cancel(&l->input);
    list_remove(&l->node);
    free(l);
}

static const io_listener_kind listener_kind = { .address = address_of, .close = close_listener };

static void run_accept(io_task *task)
{
    sim_listener *l = CONTAINER_OF(task, sim_listener, input);
    if (!l->queued)
        return;
    connection *c = l->queue[0];
    memmove(l->queue, l->queue + 1, --l->queued * sizeof l->queue[0]);
    if (l->queued)
        io_loop_defer(l->loop, &l->input, IO_INPUT);
    l->on_accept(l->owner, &c->ends[1].base);
}

static io_listener *listen_at(void *owner, io_loop *loop, const io_address *address, const io_listener_options *options,
                              io_on_accept on_accept, void *accept_owner, proa_error *error)
{
    network *n = owner;
    (void)options;
    if (find_listener(n, address)) {
        error_set(error, PROA_ERR_ADDRESS, "address already in use");
        return NULL;
    }
    sim_listener *l = calloc(1, sizeof *l);
    *l = (sim_listener){ .base = { &listener_kind },
                         .network = n,
                         .loop = loop,
                         .address = *address,
                         .on_accept = on_accept,
                         .owner = accept_owner,
                         .input = { .run = run_accept } };
    list_push(&n->listeners, &l->node);
    return &l->base;
}

/* ---- The whole */

static int64_t now_of(void *owner)
{
    return ((network *)owner)->world->now;
}

static uint64_t seed_of(void *owner)
{
    return world_dice(((network *)owner)->world);
}

network *network_new(world *w)
{
    network *n = calloc(1, sizeof *n);
    n->world = w;
    n->face = (io_network){ .connect = connect_to, .listen = listen_at, .now = now_of, .seed = seed_of, .network = n };
    list_init(&n->listeners);
    list_init(&n->connections);
    w->network = n;
    return n;
}

void network_free(network *n)
{
    free(n);
}

const io_network *network_face(network *n)
{
    return &n->face;
}

unsigned network_open(const network *n)
{
    unsigned open = 0;
    network *all = (network *)n;
    for (list_node *node = list_first(&all->connections); node; node = list_next(&all->connections, node))
        open++;
    for (list_node *node = list_first(&all->listeners); node; node = list_next(&all->listeners, node))
        open++;
    return open;
}

/* Who waits for a connection has an on_connected, a pump has none. */
static rpc_endpoint *endpoint_of(const sim_end *e)
{
    if (e->state != OPEN || !e->handler || e->handler->on_connected)
        return NULL;
    return link_pump_endpoint(e->owner);
}

void network_each(network *n, void (*visit)(world *w, const endpoints *pair))
{
    for (list_node *node = list_first(&n->connections); node; node = list_next(&n->connections, node)) {
        connection *c = CONTAINER_OF(node, connection, node);
        const lane *a = &c->lanes[0], *b = &c->lanes[1];
        endpoints pair = { endpoint_of(&c->ends[0]), endpoint_of(&c->ends[1]), c->wire,
                           a->begin == a->end && b->begin == b->end && !a->is_dead && !b->is_dead &&
                               !c->ends[0].fault && !c->ends[1].fault };
        if (pair.client || pair.server)
            visit(n->world, &pair);
    }
}
