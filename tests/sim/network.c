/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"
#include "link/link.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    conn_note_trouble(c);
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
        conn_notify(&c->ends[i]);
    }
    world_tell(w, "net %u: reset", c->number);
}

static void cut_through(connection *c)
{
    cover(c->world, COVER_CUT);
    conn_note_trouble(c);
    world_tell(c->world, "net %u: closed by something in between", c->number);
    for (int i = 0; i < 2; i++) {
        drop_underway(&c->lanes[i], 0);
        c->lanes[i].is_dead = c->lanes[i].has_fin = c->lanes[i].has_fin_arrived = true;
        conn_break_later(&c->ends[i], ECONNRESET, 10 * c->delay_ns + SECOND);
        conn_notify(&c->ends[i]);
    }
}

/* Nothing arrives any more, and nobody is told: the system gives up in its own time when it has something to send. */
static void fall_silent(connection *c)
{
    cover(c->world, COVER_SILENCE);
    conn_note_trouble(c);
    world_tell(c->world, "net %u: silence", c->number);
    for (int i = 0; i < 2; i++) {
        sim_end *e = &c->ends[i];
        world_forget(c->world, &c->lanes[i].arrival);
        world_forget(c->world, &e->trouble);
        c->lanes[i].is_dead = true;
        conn_break_later(e, ETIMEDOUT,
                         e->unheard_ns ? e->unheard_ns + SECOND : world_between(c->world, 30 * SECOND, 900 * SECOND));
    }
}

static void stall(connection *c)
{
    world *w = c->world;
    int64_t until = w->now + world_between(w, 10 * MS, 20 * SECOND);
    cover(w, COVER_STALL);
    conn_note_trouble(c);
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
        conn_note_trouble(c);
        drop_underway(&c->lanes[1], 0);
        drop_underway(&c->lanes[0], 0);
        c->lanes[0].is_dead = c->lanes[1].is_dead = true;
        conn_break_later(&c->ends[0], ECONNRESET, c->delay_ns);
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
        conn_note_trouble(c);
        world_tell(w, "net %u: %s", c->number, strerror(c->connect_error));
        conn_notify(&c->ends[0]);
        return;
    }
    cover(w, COVER_CONNECTED);
    if (c->lanes[0].room < 4096 || c->lanes[1].room < 4096)
        conn_note_trouble(c); /* too slow for the time limits of a handshake */
    world_tell(w, "net %u: connected (delay %.3f ms, jitter %.3f ms, %s, %zu bytes of room)", c->number,
               (double)c->delay_ns / (double)MS, (double)c->jitter_ns / (double)MS,
               c->cut == WHOLE   ? "whole"
               : c->cut == SMALL ? "small segments"
                                 : "tiny segments",
               c->lanes[0].room);
    c->ends[0].is_connected = true;
    conn_notify(&c->ends[0]);
    c->pins++;
    c->ends[1].state = OPEN;
    c->ends[1].loop = l->loop;
    l->queue[l->queued++] = c;
    io_loop_defer(l->loop, &l->input, IO_INPUT);
    if (c->ends[0].is_ended_out)
        conn_send_fin(&c->ends[0]);
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
        c->lanes[i].room = (size_t)world_between(w,
                                                 w->is_clean            ? 32 * 1024 /* faster than a PING is due */
                                                 : world_chance(w, 100) ? 100
                                                                        : 4096,
                                                 256 * 1024);
}

static void init_side(connection *c, unsigned side)
{
    c->ends[side] =
        (sim_end){ .base = { &conn_kind }, .connection = c, .side = side, .input = { .run = conn_run_input } };
    c->ends[side].trouble.fire = conn_on_trouble;
    c->ends[side].state = CLOSED;
    c->lanes[side].connection = c;
    c->lanes[side].from = side;
    c->lanes[side].arrival.fire = conn_on_arrival;
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
        conn_note_trouble(c);
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
        conn_note_trouble(c);
        conn_break_later(&c->ends[0], ECONNRESET, c->delay_ns);
        conn_unpin(c);
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
