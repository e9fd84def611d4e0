/* SPDX-License-Identifier: Apache-2.0 */
/* A channel in process: its one address is that of a pipe, and the server takes the other end. All else is as over a network. */
#include <stdio.h>
#include "client/channel.h"

void inprocess_target(io_target *out)
{
    *out = (io_target){ .host = "localhost", .port = -1, .is_unix = true, .is_numeric = true };
    out->addresses.count = 1;
    io_pipe_address(&out->addresses.items[0]);
}

io_socket *inprocess_connect(channel_part *part, const io_address *address, const io_socket_handler *handler,
                             void *owner, proa_error *error)
{
    io_loop *io = home_io(part->home);
    call_acceptor *acceptor = part->channel->acceptor;
    io_socket *ends[2];
    if (!acceptor)
        return io_socket_connect(io, address, handler, owner, error);
    if (io_pipe_open(io, ends) != PROA_ERR_NONE) {
        error_set(error, PROA_ERR_NOMEM, "out of memory");
        return NULL;
    }
    io_socket_own(ends[0], handler, owner);
    acceptor->accept(acceptor, part->home, ends[1]);
    return ends[0];
}

/* The server is known by what it begins with: client and server do not know each other. */
proa_channel *proa_server_channel(proa_server *server)
{
    call_acceptor *acceptor = (call_acceptor *)(void *)server;
    proa_loop *home = acceptor ? acceptor->home(acceptor) : NULL;
    if (!home)
        return NULL;
    home_enter(home);
    proa_channel *c = channel_open(NULL, home, acceptor, NULL, 0);
    home_leave(home);
    if (!c && home_is_driven(home))
        home_let_go(home);
    return c;
}
