/* SPDX-License-Identifier: Apache-2.0 */
/* Who acts: clients with their channels, servers with their handlers, and the plan of each call. */
#ifndef SIM_CAST_H
#define SIM_CAST_H
#include "network.h"
#include "proa/proa.h"
#include "sim.proa.h"

enum { CLIENTS_MAX = 4, SERVERS_MAX = 3, PLANS_MAX = 160 };

typedef enum shape { ONE, OUT, IN, BOTH } shape;

typedef struct actor {            /* a process: a loop of its own */
    world *world;
    unsigned number;
    proa_loop *loop;
    event turn;                   /* it turns late */
    bool is_late;
} actor;

typedef struct server {
    actor actor;
    proa_server *server;          /* NULL: down */
    char address[32], second[32];
    bool has_second;              /* it listens there as well */
    proa_limits limits;
    event fate, back;
    unsigned generation;
    int64_t keepalive_ns, idle_max_ns, age_max_ns, age_grace_ns;
    bool is_draining;
} server;

typedef struct client {
    actor actor;
    proa_channel *channels[SERVERS_MAX];
    proa_limits limits;
    event close;
    bool is_closed;
    unsigned usual_calls;
} client;

/* What will happen in a call, drawn beforehand; and what did, on both sides. */
typedef struct plan {
    unsigned id;
    shape shape;
    client *client;
    server *server;
    event begin, cancel, read, late;
    int64_t timeout_ns;           /* 0: none */
    bool waits_for_ready, is_unknown_method, is_rude;   /* is_rude: the handler cancels */
    unsigned requests, replies, header_count, long_header;   /* bytes of one more header, to the server; 0: none */
    unsigned answer_after;        /* requests; UINT_MAX: all of them */
    proa_code answer;
    int64_t think_ns, reply_pause_ns, read_pause_ns, client_pause_ns, later_ns;
    unsigned size_class;
    bool is_over_limit;           /* the last reply is larger than the client takes */
    uint64_t token, usual;        /* usual: which of the lists of headers that come again; 0: one of its own */

    /* the client's side */
    proa_call *call;
    int64_t begun_at, deadline, done_at;
    bool is_begun, is_done, has_cancelled, was_closed;
    proa_code code;
    unsigned pushed, popped, dones;
    unsigned troubles_before;
    /* the server's side */
    proa_call *served;
    proa_later ticket;
    unsigned starts, ends, server_popped, server_pushed;
    bool has_answered, is_thinking, has_thought, has_heard_end;
    proa_code served_code;
    int64_t ended_at;
} plan;

typedef struct cast {
    world *world;
    unsigned client_count, server_count, plan_count, done_count;
    client clients[CLIENTS_MAX];
    server servers[SERVERS_MAX];
    plan plans[PLANS_MAX];
    bool is_over;                 /* no more begins, no more troubles */
    bool is_uniform;              /* every call has usual headers */
} cast;

void cast_open(cast *cast, world *w);             /* draws all, opens servers and channels, plans the rest */
void cast_close_channels(cast *cast);
void cast_free(cast *cast);
bool server_open(server *s);
void server_plan_fate(server *s);
void client_begin(event *event);                  /* of plan.begin; */
void client_cancel(event *event);                 /* .cancel; */
void client_read(event *event);                   /* .read */

extern const sim_Calls server_handlers;
proa_code server_on_call(proa_call *call);

/* ---- item.c: what is in a message */
enum { TO_SERVER, TO_CLIENT };
size_t item_size(const plan *p, unsigned direction, unsigned number);
void item_fill(const plan *p, unsigned direction, unsigned number, sim_Item *out);
void item_check(world *w, const plan *p, unsigned direction, unsigned number, const sim_Item *item);
enum { HEADERS_MAX = 8 };
typedef struct header_set { proa_header items[HEADERS_MAX]; unsigned count; char texts[HEADERS_MAX][2][80]; } header_set;
void item_headers(const plan *p, unsigned salt, header_set *out);
proa_bytes item_long_header(const plan *p);
void item_check_headers(world *w, const plan *p, unsigned salt, proa_headers headers);
plan *item_plan(cast *cast, proa_headers headers); /* by the header sim-call; NULL */

/* ---- judge.c */
void judge_client_end(plan *p, proa_status status);
void judge_server_end(plan *p);
void judge_rest(cast *cast);                      /* all calls are over, and some time has gone by */
void judge_audit(cast *cast);                     /* at any time */
#endif
