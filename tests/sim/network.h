/* SPDX-License-Identifier: Apache-2.0 */
/* A network of the simulator's: it stands in the place of the kernel behind io_network. Bytes take their time, in pieces, in
 * order; connections break in every way. Each connection has a wire, which reads along. */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H
#include "io/io.h"
#include "world.h"

typedef struct network network;
typedef struct connection connection;

network *network_new(world *w);
void network_free(network *n);                    /* all sockets and listeners are closed */
const io_network *network_face(network *n);
void network_kill(network *n, const io_loop *loop);   /* the process of that loop is gone: nobody hears a farewell */
unsigned network_troubles(const network *n, const io_loop *loop);   /* that happened to its connections, so far */
void network_note_trouble(network *n, const io_loop *loop);
unsigned network_open(const network *n);          /* ends and listeners */
/* The endpoints of each connection whose two ends both stand, and have pumps. */
typedef struct endpoints {
    rpc_endpoint *client, *server;
    struct wire *wire;
    bool is_still;                /* nothing is on the way */
} endpoints;
void network_each(network *n, void (*visit)(world *w, const endpoints *pair));
#endif
