/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated connection: two ends, two lanes. Shared by conn.c, which moves bytes, and network.c, which decides fates. */
#ifndef SIM_CONN_H
#define SIM_CONN_H
#include "network.h"
#include "wire.h"

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

extern const io_socket_kind conn_kind;
void conn_unpin(connection *c);
void conn_note_trouble(connection *c);
void conn_notify(sim_end *e);                     /* something is to be told, in the I/O phase of its loop */
void conn_break_later(sim_end *e, int fault, int64_t ns);
void conn_send_fin(sim_end *e);
void conn_run_input(io_task *task);
void conn_on_trouble(event *event);
void conn_on_arrival(event *event);
#endif
