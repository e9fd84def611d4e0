/* SPDX-License-Identifier: Apache-2.0 */
/* call: the public call: stepping, queues, waiting, codec binding, tickets, child calls; and the loop that calls live on.
 *
 * Owns: every proa_call and proa_loop, and which thread may do what with them.
 * Never does: sockets, frames, names, accepting, choosing connections.
 * Used by: client (gives a made call an attempt on a connection) and server (makes a call of each arrival). */
#ifndef CALL_CALL_H
#define CALL_CALL_H
#include "link/link.h"
#include "proa/gen.h"

/* ---- Homes: a proa_loop with what its calls share. A driven home has no thread: who waits on one of its calls turns it,
 *      under its lock. Functions of a home and its calls belong to its thread, or between enter and leave. */
proa_loop *home_new(const proa_loop_options *options, bool is_driven); /* owned: proa_loop_free; NULL: no memory, no fd */
io_loop *home_io(proa_loop *home);
slab *home_streams(proa_loop *home);              /* for rpc_options.streams */
const trace *home_trace(const proa_loop *home);   /* may be NULL */
int64_t home_now(const proa_loop *home);          /* monotonic ns, fresh also outside a turn */
proa_loop *home_new_on(const io_network *network, const trace *trace);   /* in a simulation; both borrowed until it is freed */
void home_hold(proa_loop *home);                  /* driven, entered: proa_loop_free once more */
void home_let_go(proa_loop *home);                /* driven: gives a hold back, in any thread */
void home_let_wait(proa_loop *home);              /* waiting verbs turn it, in its thread and outside of callbacks: both ends
                                                     of a channel in process are on it */
bool home_is_here(const proa_loop *home);         /* is this its thread? A driven one: inside of its turn alone */
bool home_is_driven(const proa_loop *home);
void home_own(proa_loop *home);                   /* this thread is its thread from now on */
void home_turn(proa_loop *home, int64_t wait_ns); /* as io_loop_turn */
bool home_is_turning(const proa_loop *home);      /* its thread: is this inside a callback? */
void home_enter(proa_loop *home);                 /* driven: locks, outside of its turn. Others: asserts that this is its thread */
bool home_try_enter(proa_loop *home);             /* driven by nobody now, and not about to go; does not wait */
void home_leave(proa_loop *home);                 /* driven: does what is due, tells the waiting, unlocks */
void home_may_wait(const proa_loop *home);        /* asserts that waiting turns it, and that this is no callback */
void home_wait(proa_loop *home);                  /* entered: until something moved */
void home_note(proa_loop *home);                  /* something that a thread may wait for has moved */
/* Driven, entered: run gives a hold back; at once, or after the leave when it is the last. */
void home_end_with(proa_loop *home, void (*run)(void *user), void *user);
void home_keep(proa_loop *home);                  /* one more reason for proa_loop_run to go on */
void home_drop(proa_loop *home);
/* What lives on a home and must end before it: told once, when the home is freed. */
typedef struct home_guest { list_node node; void (*on_gone)(struct home_guest *guest); } home_guest;
void home_add_guest(proa_loop *home, home_guest *guest);

/* ---- The other end of a connection, shared by its calls. */
typedef struct call_peer { unsigned count; proa_peer peer; char address[128]; } call_peer;
call_peer *call_peer_new(const io_socket *socket);   /* one reference; NULL: no memory. With its identity, when it is TLS */
void call_peer_drop(call_peer *peer);             /* NULL is fine */

/* ---- Credentials: what io knows of those that a program made. Borrowed: retain it. NULL: there was no memory for them; io
 *      takes that. */
io_tls *credentials_of(const proa_tls *tls);

/* ---- What the layer above does for a call. All run on the call's home. */
typedef struct call_hooks {
    void (*submit)(void *owner, proa_call *call); /* made elsewhere than on its home: find it a connection */
    void (*forget)(void *owner, proa_call *call); /* it ended while it waited for one: call_node leaves the queue */
    void (*work)(void *owner, proa_call *call);   /* it wants a worker: call_work there, or call_refuse_work */
    bool (*unwork)(void *owner, proa_call *call); /* it ended: take it back, unless a worker has it */
    void (*gone)(void *owner, proa_loop *home);   /* its memory went, on that home */
} call_hooks;

/* ---- Made calls: for client. */
typedef struct call_making {
    const proa_method *method;    /* NULL: bytes */
    const char *path;             /* bytes only; copied */
    const proa_call_options *options;
    int64_t timeout_ns;           /* of the channel; 0: none */
    size_t receive_bytes_max, queue_bytes_max;
    const call_hooks *hooks;
    void *owner;
    bool is_remote;               /* made by a thread that is not its home's: hooks->submit runs there later */
} call_making;
/* NULL: no memory. Here: hand it to a connection or a queue, then call_request. Remote: call_request, then call_submit. */
proa_call *call_make(proa_loop *home, const call_making *making);
void call_request(proa_call *call, const void *request);   /* encodes the only request; half-closes */
void call_submit(proa_call *call);                /* remote: hooks->submit will run on its home */
bool call_is_over(const proa_call *call);         /* on its home */
/* Waits for a unary call and frees it; reply is decoded into, and the status lives in, arena. */
proa_status call_await(proa_call *call, void *reply, proa_arena *arena);
proa_loop *call_home(const proa_call *call);
list_node *call_node(proa_call *call);            /* for the owner's queue of those that wait */
proa_call *call_of_node(list_node *node);
bool call_waits_for_ready(const proa_call *call);
/* Begins an attempt. LIMIT, CLOSED: this connection cannot take it now, it goes on waiting. Else it is no longer in the
 * owner's hands: it runs, or it failed and its status says why. */
proa_err call_attach(proa_call *call, link_pump *pump, call_peer *peer);
void call_refuse(proa_call *call, proa_code code, const char *format, ...) PROA_PRINTF(3, 4);   /* it ends without an attempt */
void call_on_event(const rpc_event *event);       /* events of exchanges, but RPC_EVENT_CALL */
void call_cancel(proa_call *call, proa_code code, const char *text);   /* text is static; END follows */

/* ---- Served calls: for server. */
typedef struct call_binding {     /* what a path is bound to; outlives its calls */
    proa_handler handler;         /* of bytes, or: */
    const proa_method *method;
    const void *handlers;         /* the user's service struct */
    void *user;
    bool on_workers;
    size_t queue_bytes_max;       /* 0: the default */
} call_binding;
typedef struct call_serving {
    const call_binding *binding;
    proa_handler on_call;         /* NULL: none */
    void *on_call_user;
    const call_hooks *hooks;
    void *owner;
    call_peer *peer;              /* retained */
} call_serving;
/* Takes the exchange, whatever happens; without memory it ends as RESOURCE_EXHAUSTED and false comes back. */
bool call_serve(proa_loop *home, link_pump *pump, rpc_exchange *exchange, const call_serving *serving);
/* ---- In process: a server as a channel sees it. Every proa_server begins with one. */
typedef struct call_acceptor {
    proa_loop *(*home)(struct call_acceptor *acceptor);   /* where both ends are: the server's loop, or a driven home, and a
                                                             hold on it; NULL: no memory */
    void (*accept)(struct call_acceptor *acceptor, proa_loop *home, io_socket *socket);   /* on that home; takes the socket */
} call_acceptor;

/* Ends an exchange with a status, or, when that cannot be said, in any case. */
void call_answer(rpc_exchange *exchange, const proa_status *status, proa_headers trailers);
void call_work(proa_call *call);                  /* on a worker's thread: runs the handler and answers */
void call_refuse_work(proa_call *call);           /* on its home: the queue is full */
#endif
