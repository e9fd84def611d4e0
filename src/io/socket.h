/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets as the loop and the listener see them. */
#ifndef IO_SOCKET_H
#define IO_SOCKET_H
#include "io/loop.h"

void socket_prepare(io_loop *loop);               /* the loop's slab */
/* Takes the descriptor, also when it fails. peer may have size 0 (an unnamed Unix socket). NULL: no memory. */
io_socket *socket_from_accepted(io_loop *loop, int fd, const io_address *peer);
#endif
