/* SPDX-License-Identifier: Apache-2.0 */
/* A link:  DOWN -> REACHING (connect, TLS) -> GREETING (a pump, until SETTINGS) -> READY -> DOWN, and again after RETRY_NS. */
#include "cli/bench_link.h"
#include <stdio.h>
#include <stdlib.h>

#define RETRY_NS   (100 * PROA_MILLISECOND)
#define ATTEMPT_NS (20 * PROA_SECOND) /* doc/connection-backoff.md */

typedef struct bench_link {
    bench_links *links;
    unsigned index;
    io_socket *socket; /* until the pump has it */
    link_pump *pump;
    io_timer timer;          /* the next attempt, or the end of this one */
    unsigned address, tried; /* the next; since it was last down or ready */
    bool is_ready;
    proa_error error; /* why it went down, when that is known before it is gone */
} bench_link;

struct bench_links {
    io_loop *loop;
    const bench_options *options;
    const bench_links_handler *handler;
    void *owner;
    io_target target;
    io_addresses addresses;
    io_lookup *lookup; /* NULL: it has ended */
    io_tls *tls;
    slab streams;
    char authority[300];
    const char *host; /* for TLS */
    bool is_closing;
    bench_link links[];
};

static void reach(bench_link *link);

static void go_down(bench_link *link, const proa_error *error)
{
    bench_links *all = link->links;
    link->is_ready = false;
    link->tried = 0;
    if (all->is_closing)
        return;
    io_timer_start(all->loop, &link->timer, io_loop_now(all->loop) + RETRY_NS);
    all->handler->on_down(all->owner, link->index, error);
}

/* No pump is there yet: another address may do better. */
static void fail_attempt(bench_link *link)
{
    if (link->tried < link->links->addresses.count && !link->links->is_closing)
        reach(link);
    else
        go_down(link, &link->error);
}

/* ---- A pump */

static void on_connection(bench_link *link, const rpc_event *event)
{
    bench_links *all = link->links;
    switch (event->type) {
    case RPC_EVENT_READY:
        link->is_ready = true;
        link->tried = 0;
        io_timer_stop(all->loop, &link->timer);
        all->handler->on_room(all->owner, link->index);
        break;
    case RPC_EVENT_ROOM: all->handler->on_room(all->owner, link->index); break;
    case RPC_EVENT_GOAWAY: /* its calls go on; the next wait for another connection */
        error_set(&link->error, PROA_ERR_CLOSED, "%s: the server sent GOAWAY", all->options->target);
        link->is_ready = false;
        break;
    case RPC_EVENT_CLOSED:
        link->is_ready = false;
        if (link->error.code == PROA_ERR_NONE)
            error_set(&link->error, PROA_ERR_CLOSED, "%s: %s", all->options->target,
                      event->fault.reason ? event->fault.reason : "the connection was lost");
        break;
    default: break;
    }
}

static void on_event(void *owner, const rpc_event *event)
{
    bench_link *link = owner;
    if (event->type >= RPC_EVENT_CALL && event->type <= RPC_EVENT_END)
        link->links->handler->on_event(link->links->owner, event);
    else
        on_connection(link, event);
}

static void on_closed(void *owner)
{
    bench_link *link = owner;
    const char *lost = link_pump_lost(link->pump);
    link->pump = NULL;
    if (lost)
        error_set(&link->error, PROA_ERR_TLS, "%s: %s", link->links->options->target, lost);
    go_down(link, &link->error);
}

static const link_handler pump_handler = { .on_event = on_event, .on_closed = on_closed };

static void greet(void *owner)
{
    bench_link *link = owner;
    bench_links *all = link->links;
    const bench_options *o = all->options;
    io_socket *socket = link->socket;
    rpc_options options = { .role = H2_CLIENT,
                            .receive_bytes_max = o->receive_bytes_max,
                            .pool = io_loop_pool(all->loop),
                            .streams = &all->streams,
                            .seed = (uint64_t)io_clock_now() ^ link->index,
                            .authority = proa_bytes_of(all->authority),
                            .is_tls = o->is_tls };
    limits_copy(&options.limits, &o->limits);
    rpc_endpoint *endpoint = rpc_endpoint_new(&options, io_loop_now(all->loop));
    link->socket = NULL;
    if (endpoint)
        link->pump = link_pump_new(all->loop, socket, endpoint, &pump_handler, link);
    else
        io_socket_close(socket);
    if (link->pump)
        return;
    error_set(&link->error, PROA_ERR_NOMEM, "no memory for a connection");
    go_down(link, &link->error);
}

/* ---- A socket */

static void on_end(void *owner, const proa_error *error)
{
    bench_link *link = owner;
    link->error = *error;
    if (error->code == PROA_ERR_NONE)
        error_set(&link->error, PROA_ERR_IO, "%s: the server closed the connection", link->links->options->target);
    io_socket_close(link->socket);
    link->socket = NULL;
    fail_attempt(link);
}

static const io_socket_handler plain = { .on_connected = greet, .on_end = on_end };

static void secure(void *owner)
{
    bench_link *link = owner;
    bench_links *all = link->links;
    link->socket = io_tls_start(all->loop, link->socket, all->tls, all->host, &plain, link, &link->error);
    if (!link->socket)
        fail_attempt(link);
}

static const io_socket_handler reaching = { .on_connected = secure, .on_end = on_end };

static void reach(bench_link *link)
{
    bench_links *all = link->links;
    const io_address *address = all->addresses.items + link->address++ % all->addresses.count;
    link->tried++;
    link->error = (proa_error){ 0 };
    io_timer_start(all->loop, &link->timer, io_loop_now(all->loop) + ATTEMPT_NS);
    link->socket = io_socket_connect(all->loop, address, all->tls ? &reaching : &plain, link, &link->error);
    if (!link->socket)
        fail_attempt(link);
}

static void on_timer(io_timer *timer)
{
    bench_link *link = CONTAINER_OF(timer, bench_link, timer);
    if (!link->socket && !link->pump) {
        reach(link);
        return;
    }
    error_set(&link->error, PROA_ERR_IO, "%s: the connection did not stand in 20 s", link->links->options->target);
    if (link->pump) {
        link_pump_close(link->pump); /* on_closed follows */
        return;
    }
    io_socket_close(link->socket);
    link->socket = NULL;
    fail_attempt(link);
}

/* ---- All of them */

static bool may_be_plain(const bench_links *all, proa_error *error)
{
    for (unsigned i = 0; i < all->addresses.count && !all->options->is_tls && !all->options->is_plaintext; i++) {
        if (io_address_is_loopback(all->addresses.items + i))
            continue;
        error_set(error, PROA_ERR_CONFIG, "%s is not this machine: --tls, or --plaintext to send plaintext there",
                  all->options->target);
        return false;
    }
    return true;
}

static void on_found(void *owner, const io_addresses *addresses, const proa_error *error)
{
    bench_links *all = owner;
    proa_error why = *error;
    all->lookup = NULL;
    if (why.code == PROA_ERR_NONE) {
        all->addresses = *addresses;
        (void)!may_be_plain(all, &why);
    }
    for (unsigned i = 0; i < all->options->connections; i++) {
        if (why.code == PROA_ERR_NONE)
            reach(all->links + i);
        else
            all->handler->on_down(all->owner, i, &why); /* and there is no second attempt */
    }
}

static void set_authority(bench_links *all)
{
    const io_target *t = &all->target;
    all->host = t->is_unix ? "localhost" : t->host;
    if (t->is_unix)
        snprintf(all->authority, sizeof all->authority, "localhost");
    else
        snprintf(all->authority, sizeof all->authority, strchr(t->host, ':') ? "[%s]:%d" : "%s:%d", t->host, t->port);
}

static proa_err load_tls(bench_links *all, proa_error *error)
{
    const bench_options *o = all->options;
    if (!o->is_tls)
        return PROA_ERR_NONE;
    all->tls = io_tls_new(&(io_tls_options){ .ca_file = o->ca,
                                             .cert_file = o->cert,
                                             .key_file = o->key,
                                             .server_name = o->server_name,
                                             .key_log_file = getenv("SSLKEYLOGFILE") });
    return io_tls_check(all->tls, false, error);
}

bench_links *bench_links_open(io_loop *loop, const bench_options *options, const bench_links_handler *handler,
                              void *owner, proa_error *error)
{
    bench_links *all = memory_new(sizeof *all + options->connections * sizeof *all->links);
    if (!all) {
        error_set(error, PROA_ERR_NOMEM, "no memory for the connections");
        return NULL;
    }
    *all = (bench_links){ .loop = loop, .options = options, .handler = handler, .owner = owner };
    slab_init(&all->streams, rpc_exchange_block_size(), (size_t)options->connections * options->streams);
    for (unsigned i = 0; i < options->connections; i++) {
        all->links[i].links = all;
        all->links[i].index = i;
        all->links[i].timer.fire = on_timer;
    }
    if (io_target_parse(options->target, 443, &all->target, error) != PROA_ERR_NONE ||
        load_tls(all, error) != PROA_ERR_NONE) {
        bench_links_close(all);
        return NULL;
    }
    set_authority(all);
    all->lookup = io_lookup_start(loop, &all->target, on_found, all);
    if (all->lookup)
        return all;
    error_set(error, PROA_ERR_NOMEM, "no memory to look the target up");
    bench_links_close(all);
    return NULL;
}

rpc_endpoint *bench_links_endpoint(bench_links *all, unsigned index)
{
    return all->links[index].is_ready ? link_pump_endpoint(all->links[index].pump) : NULL;
}

void bench_links_touch(bench_links *all, unsigned index)
{
    link_pump_touch(all->links[index].pump);
}

void bench_links_close(bench_links *all)
{
    if (!all)
        return;
    all->is_closing = true;
    if (all->lookup)
        io_lookup_cancel(all->lookup);
    for (unsigned i = 0; i < all->options->connections; i++) {
        bench_link *link = all->links + i;
        io_timer_stop(all->loop, &link->timer);
        io_socket_close(link->socket);
        if (link->pump)
            link_pump_close(link->pump);
    }
    for (unsigned i = 0; i < all->options->connections; i++)
        while (all->links[i].pump)
            io_loop_turn(all->loop, PROA_MILLISECOND);
    io_tls_drop(all->tls);
    slab_fini(&all->streams);
    memory_free(all);
}
