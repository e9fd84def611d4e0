/* SPDX-License-Identifier: Apache-2.0 */
/* The structs behind a server: one station a loop, each in its own thread; what they share does not change once it runs. */
#ifndef SERVER_STATION_H
#define SERVER_STATION_H
#include <pthread.h>
#include <stdatomic.h>
#include "call/call.h"
#include "server/counting.h"
#include "server/methods.h"
#include "server/server.h"
#include "server/workers.h"

#define STATIONS_MAX 256

typedef struct station {
    proa_server *server;
    proa_loop *home;              /* NULL: the loop was freed before the server */
    bool owns_home;
    home_guest guest;
    struct station *next_inside;  /* in the server's inside */
    bool is_inside;               /* on a home of channels in process; not of stations[] */
    pthread_t thread;             /* of all but the first */
    bool has_thread;
    list listeners, handshakes, connections;
    unsigned connection_count, call_count;
    uint64_t accepted;            /* connections, ever */
    bool is_draining, is_stopped, is_drained;
    bool is_told;                 /* that it is drained, to the program */
    bool is_ending;               /* the server or the loop is being freed */
    io_mail drain;
    atomic_bool is_drain_posted;  /* the mail goes once */
    bool is_drain_heard;          /* and came */
    io_timer grace;
    io_task drained;
    counting counting;
} station;

/* tls is retained; NULL: plaintext. */
typedef struct address { list_node node; io_address bound; unsigned unix_mode; io_tls *tls; char name[128]; } address;

struct proa_server {
    call_acceptor acceptor;       /* first: channels in process see this alone */
    proa_server_options options;
    limits limits;
    trace trace;
    proa_error failure;           /* the first */
    methods methods;
    list addresses;
    workers *workers;             /* NULL: nobody asked */
    proa_loop *inside_home;       /* driven; without options.loop, from the first channel in process on */
    _Atomic(station *) inside;    /* one for each home with such channels, but stations[0]; only grows */
    station *stations[STATIONS_MAX];
    atomic_uint station_count;    /* grows when a server with several loops starts to run */
    atomic_uint connection_count; /* of all stations */
    unsigned worker_count;
    atomic_bool is_running;       /* every station is there and may be posted to */
    atomic_bool is_drain_asked;
    atomic_uint drained_count;
    uint64_t seed;
};

/* ---- station.c */
station *station_new(proa_server *server, proa_loop *home);   /* home NULL: its own; NULL: no memory */
void station_free(station *station);
/* At address->bound, which learns its port. */
proa_err station_listen(station *station, address *address, bool is_shared, proa_error *error);
void station_run(station *station);               /* in its thread, until drained */
void station_drain(station *station);             /* in its thread */
void station_stop(station *station);              /* in its thread: what runs ends as UNAVAILABLE */
void station_check(station *station);             /* is it drained? */

/* ---- handshake.c */
typedef struct handshake handshake;
bool handshake_begin(station *station, io_socket *socket, io_tls *tls);   /* takes the socket; false: it is closed */
void handshake_close_all(station *station);

/* ---- accept.c */
void accept_socket(station *station, io_socket *socket, io_tls *tls);   /* tls NULL: plaintext */
void accept_inside(station *station, io_socket *socket);   /* of a channel in process */
void accept_ready(station *station, io_socket *socket);   /* its handshake is over */
void accept_gone(station *station);               /* one that counted */

/* ---- inside.c: connections of channels in the same process */
void inside_init(proa_server *server);
void inside_free(proa_server *server);
proa_err inside_start_workers(proa_server *server);   /* server.c: when there are services that want them; a failure is kept */
void accept_drain(station *station);
void accept_stop(station *station);
void accept_close(station *station);
#endif
