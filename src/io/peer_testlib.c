/* SPDX-License-Identifier: Apache-2.0 */
/* See peer_testlib.h. */
#include "io/peer_testlib.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void on_connected(void *owner)
{
    ((peer *)owner)->connected++;
}

static void on_bytes(void *owner, proa_bytes bytes)
{
    peer *p = owner;
    p->reads++;
    assert_int_equal(buffer_append(&p->in, bytes.data, bytes.size), PROA_ERR_NONE);
    if (p->pauses_on_bytes)
        io_socket_pause(p->socket, true);
    if (p->closes_on_bytes)
        peer_close(p);
}

static void on_writable(void *owner)
{
    peer *p = owner;
    p->writable++;
    if (p->on_writable)
        p->on_writable(p);
}

static void on_end(void *owner, const proa_error *error)
{
    peer *p = owner;
    p->ends++;
    p->error = *error;
    if (p->closes_on_end)
        peer_close(p);
}

const io_socket_handler peer_handler = { on_connected, on_bytes, on_writable, on_end };

io_address address_of(const char *text)
{
    io_target target;
    proa_error error;
    assert_int_equal(io_target_parse(text, -1, &target, &error), PROA_ERR_NONE);
    assert_true(target.addresses.count > 0);
    return target.addresses.items[0];
}

static void on_accept(void *owner, io_socket *socket)
{
    host *h = owner;
    h->count++;
    if (h->accepted.socket)
        io_socket_close(h->accepted.socket);
    h->accepted.socket = socket;
    io_socket_own(socket, &peer_handler, &h->accepted);
}

void host_open(io_loop *loop, host *h, const char *text)
{
    io_address address = address_of(text);
    proa_error error;
    h->listener = io_listener_open(loop, &address, NULL, on_accept, h, &error);
    assert_non_null(h->listener);
}

void peer_connect(io_loop *loop, peer *p, const io_address *address)
{
    proa_error error;
    p->socket = io_socket_connect(loop, address, &peer_handler, p, &error);
    assert_non_null(p->socket);
}

void peer_close(peer *p)
{
    io_socket_close(p->socket);
    p->socket = NULL;
    buffer_fini(&p->in);
}

static void on_accept_server(void *owner, io_socket *socket)
{
    peer *server = owner;
    server->socket = socket;
    io_socket_own(socket, &peer_handler, server);
}

void pair_open(io_loop *loop, const char *text, peer *client, peer *server)
{
    io_address address = address_of(text);
    proa_error error;
    *client = *server = (peer){ .socket = NULL };
    io_listener *listener = io_listener_open(loop, &address, NULL, on_accept_server, server, &error);
    assert_non_null(listener);
    peer_connect(loop, client, io_listener_address(listener));
    TURN_UNTIL(loop, client->connected && server->socket);
    io_listener_close(listener);
}

size_t peer_write(peer *p, const void *data, size_t size)
{
    const proa_bytes part = { data, size };
    return io_socket_write(p->socket, &part, 1);
}
