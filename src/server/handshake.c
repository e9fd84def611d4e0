/* SPDX-License-Identifier: Apache-2.0 */
/* Accepted connections while TLS agrees: nothing of HTTP/2 or of calls is made before the peer was checked, so a flood of
 * handshakes holds little. They count among the connections. */
#include "server/station.h"

#define LINGER_NS (1 * PROA_SECOND) /* an alert was sent: until the connection is closed whatever the client does */

struct handshake {
    list_node node;
    station *station;
    io_socket *socket;
    io_timer linger;
};

static io_socket *forget(handshake *h)
{
    io_socket *socket = h->socket;
    list_remove(&h->node);
    io_timer_stop(home_io(h->station->home), &h->linger);
    memory_free(h);
    return socket;
}

static void on_connected(void *owner)
{
    handshake *h = owner;
    station *s = h->station;
    accept_ready(s, forget(h));
}

static void give_up(handshake *h)
{
    station *s = h->station;
    io_socket_close(forget(h));
    accept_gone(s);
}

static void on_linger(io_timer *timer)
{
    give_up(CONTAINER_OF(timer, handshake, linger));
}

static void on_end(void *owner, const proa_error *error)
{
    handshake *h = owner;
    counting *c = &h->station->counting;
    counting_add(c, handshakes_failed);
    if (error->code == PROA_ERR_LIMIT)
        counting_add(c, handshake_ns);
    if (error->code != PROA_ERR_TLS) {
        give_up(h);
        return;
    }
    /* A client that was refused is to read why: closing on what it has sent meanwhile would be a reset. */
    io_loop *io = home_io(h->station->home);
    io_socket_end(h->socket);
    io_timer_start(io, &h->linger, io_loop_now(io) + LINGER_NS);
}

static const io_socket_handler handler = { .on_connected = on_connected, .on_end = on_end };

bool handshake_begin(station *s, io_socket *socket, io_tls *tls)
{
    proa_error error;
    handshake *h = memory_new(sizeof *h);
    if (!h) {
        io_socket_close(socket);
        return false;
    }
    h->station = s;
    h->linger.fire = on_linger;
    h->socket = io_tls_start(home_io(s->home), socket, tls, NULL, &handler, h, &error);
    if (!h->socket) {
        TRACE(home_trace(s->home), TRACE_IO, "io tls: %s", error.text);
        memory_free(h);
        return false;
    }
    list_push(&s->handshakes, &h->node);
    return true;
}

void handshake_close_all(station *s)
{
    for (list_node *n; (n = list_first(&s->handshakes));)
        give_up(CONTAINER_OF(n, handshake, node));
}
