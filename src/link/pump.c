/* SPDX-License-Identifier: Apache-2.0 */
/* The pump of one connection. A turn: on_bytes feeds and pulls events; the flush task pulls what commands caused, writes
 * once, and sets the timer. The transport is closed by the flush task alone, so no caller loses it under its feet. */
#include "link/link.h"
#include <string.h>

#define LINGER_NS (1 * PROA_SECOND) /* our FIN was sent: how long the peer may take to send its own */

struct link_pump {
    io_loop *loop;
    io_socket *socket; /* NULL: gone */
    rpc_endpoint *endpoint;
    const link_handler *handler;
    void *owner;
    io_task flush;
    io_timer timer;  /* the endpoint's deadline, then the linger */
    char *lost;      /* what TLS said of the end; NULL: nothing */
    bool is_pulling; /* inside on_event: no recursion */
    bool is_paused;
    bool is_blocked; /* the kernel took less than all: on_writable follows */
    bool is_ending;  /* FIN was sent */
};

/* Were there any? */
static bool pull(link_pump *p)
{
    bool were_any = false;
    PROA_ASSERT(!p->is_pulling, "events are not pulled inside on_event");
    p->is_pulling = true;
    for (rpc_event event; rpc_endpoint_next_event(p->endpoint, &event); were_any = true)
        p->handler->on_event(p->owner, &event);
    p->is_pulling = false;
    return were_any;
}

static void write_output(link_pump *p)
{
    h2_output out;
    int64_t now = io_loop_now(p->loop);
    while (p->socket && !p->is_ending && !p->is_blocked && rpc_endpoint_emit(p->endpoint, &out, now)) {
        size_t taken = io_socket_write(p->socket, out.parts, out.count);
        rpc_endpoint_sent(p->endpoint, taken);
        p->is_blocked = taken < out.size;
    }
}

static void set_timer(link_pump *p)
{
    int64_t deadline = rpc_endpoint_deadline(p->endpoint);
    if (deadline == INT64_MAX)
        io_timer_stop(p->loop, &p->timer);
    else if (deadline <= io_loop_now(p->loop)) /* the next turn; the wheel would round it up to a whole tick */
        io_timer_start(p->loop, &p->timer, 0);
    else if (!io_timer_is_running(&p->timer) || p->timer.timer.deadline_ns != deadline)
        io_timer_start(p->loop, &p->timer, deadline);
}

static void destroy(link_pump *p)
{
    io_timer_stop(p->loop, &p->timer);
    io_task_cancel(&p->flush);
    const link_handler *handler = p->handler;
    void *owner = p->owner;
    rpc_endpoint_free(p->endpoint);
    handler->on_closed(owner);
    memory_free(p->lost);
    memory_free(p);
}

static void end_transport(link_pump *p)
{
    if (p->is_ending)
        return;
    p->is_ending = true;
    io_socket_end(p->socket);
    /* Bytes that nobody read would make the close a reset, and take our last frames from the peer. */
    io_socket_pause(p->socket, p->is_paused = false);
    io_timer_start(p->loop, &p->timer, io_loop_now(p->loop) + LINGER_NS);
}

void link_pump_flush(link_pump *p)
{
    pull(p);
    do
        write_output(p);
    while (pull(p)); /* what became writable; and what that caused goes out as well */
    if (p->handler->on_flushed)
        p->handler->on_flushed(p->owner);
    bool is_over = rpc_endpoint_is_over(p->endpoint);
    if (!p->socket) {
        if (is_over)
            destroy(p);
        return;
    }
    if (is_over && p->is_blocked) { /* a peer that takes nothing: the rest was given up */
        io_socket_close(p->socket);
        destroy(p);
        return;
    }
    if (is_over) {
        end_transport(p);
        return;
    }
    bool paused = !rpc_endpoint_wants_input(p->endpoint);
    if (paused != p->is_paused)
        io_socket_pause(p->socket, p->is_paused = paused);
    set_timer(p);
}

static void run_flush(io_task *task)
{
    link_pump_flush(CONTAINER_OF(task, link_pump, flush));
}

static void on_bytes(void *owner, proa_bytes bytes)
{
    link_pump *p = owner;
    if (p->is_ending)
        return; /* the endpoint is over; the peer has yet to notice */
    rpc_endpoint_feed(p->endpoint, bytes, io_loop_now(p->loop));
    pull(p);
    link_pump_touch(p);
}

static void on_writable(void *owner)
{
    link_pump *p = owner;
    p->is_blocked = false;
    link_pump_touch(p);
}

/* A server that refuses our certificate says so behind the handshake (RFC 8446 4.4.2.4): somebody has to be told. */
static void keep_text(link_pump *p, const proa_error *error)
{
    size_t size = strlen(error->text) + 1;
    if (error->code == PROA_ERR_NONE || error->code == PROA_ERR_IO)
        return;
    p->lost = memory_new(size);
    if (p->lost)
        memcpy(p->lost, error->text, size);
}

static void on_end(void *owner, const proa_error *error)
{
    link_pump *p = owner;
    io_socket_close(p->socket);
    p->socket = NULL;
    keep_text(p, error);
    rpc_endpoint_lost(p->endpoint,
                      error->code == PROA_ERR_NONE ? "the peer closed the connection" : "the connection broke");
    link_pump_touch(p);
}

static const io_socket_handler socket_handler = { .on_bytes = on_bytes, .on_writable = on_writable, .on_end = on_end };

static void on_timer(io_timer *timer)
{
    link_pump *p = CONTAINER_OF(timer, link_pump, timer);
    if (p->is_ending) {
        io_socket_close(p->socket);
        p->socket = NULL;
    } else {
        rpc_endpoint_tick(p->endpoint, io_loop_now(p->loop));
    }
    link_pump_touch(p);
}

link_pump *link_pump_new(io_loop *loop, io_socket *socket, rpc_endpoint *endpoint, const link_handler *handler,
                         void *owner)
{
    link_pump *p = memory_new(sizeof *p);
    if (!p) {
        io_socket_close(socket);
        rpc_endpoint_free(endpoint);
        return NULL;
    }
    *p = (link_pump){ .loop = loop,
                      .socket = socket,
                      .endpoint = endpoint,
                      .handler = handler,
                      .owner = owner,
                      .flush = { .run = run_flush },
                      .timer = { .fire = on_timer } };
    io_socket_own(socket, &socket_handler, p);
    link_pump_touch(p); /* the preface and SETTINGS */
    return p;
}

rpc_endpoint *link_pump_endpoint(link_pump *pump)
{
    return pump->endpoint;
}

const char *link_pump_lost(const link_pump *pump)
{
    return pump->lost;
}

const io_socket *link_pump_socket(const link_pump *pump)
{
    return pump->socket;
}

void link_pump_touch(link_pump *pump)
{
    io_loop_defer(pump->loop, &pump->flush, IO_FLUSH);
}

void link_pump_close(link_pump *p)
{
    if (p->socket)
        io_socket_close(p->socket);
    p->socket = NULL;
    rpc_endpoint_lost(p->endpoint, "the connection was closed here");
    link_pump_touch(p);
}
