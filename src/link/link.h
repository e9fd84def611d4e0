/* SPDX-License-Identifier: Apache-2.0 */
/* link: the one place that knows both towers: it pumps bytes and deadlines between a socket of io and an endpoint of rpc.
 *
 * Owns: the socket and the endpoint of one connection, and the order of a turn: bytes in, events out, one write.
 * Never does: calls, names, methods, user code.
 * Used by: client and server, a pump for each connection; call, which touches it after commands. */
#ifndef LINK_LINK_H
#define LINK_LINK_H
#include "io/io.h"
#include "rpc/rpc.h"

typedef struct link_pump link_pump;
typedef struct link_handler {
    void (*on_event)(void *owner, const rpc_event *event);   /* between I/O and dispatch: defer user code, never run it here */
    void (*on_flushed)(void *owner);  /* the end of each flush: counters can be read; may be NULL */
    void (*on_closed)(void *owner);   /* once, the last: the transport is gone; the pump's memory goes when it returns */
} link_handler;

/* Takes both; the socket stands. NULL: no memory, and both are freed. The handler outlives the pump. */
link_pump *link_pump_new(io_loop *loop, io_socket *socket, rpc_endpoint *endpoint, const link_handler *handler, void *owner);
rpc_endpoint *link_pump_endpoint(link_pump *pump);   /* borrowed until on_closed */
const io_socket *link_pump_socket(const link_pump *pump);   /* borrowed likewise */
const char *link_pump_lost(const link_pump *pump);          /* why TLS ended it; NULL: it did not. Borrowed likewise */
void link_pump_touch(link_pump *pump);     /* after commands to the endpoint: events and output follow in this turn */
void link_pump_flush(link_pump *pump);     /* the same at once; never inside on_event */
void link_pump_close(link_pump *pump);     /* at once: exchanges end, on_closed follows in this turn */
#endif
