/* SPDX-License-Identifier: Apache-2.0 */
/* The structs behind a channel. A channel is shared by threads; each part belongs to one home.
 *
 *     channel --< part -- resolver      names to addresses, now and again
 *                  |----- pick_first --< subchannel -- transport    an address; a connection to it
 *                  '----- queue of calls that wait
 *
 * Below a part everything is of its home's thread. A subchannel tells its policy what became of it, the policy tells the part
 * how the channel stands: pick_first is the one policy today, and others can stand in its place. */
#ifndef CLIENT_CHANNEL_H
#define CLIENT_CHANNEL_H
#include <pthread.h>
#include <stdatomic.h>
#include "call/call.h"
#include "client/backoff.h"
#include "client/client.h"
#include "proa/channel.h"

typedef struct channel_part channel_part;
typedef struct transport transport;

struct proa_channel {
    proa_loop *home;              /* options.loop, or a driven one of its own */
    bool owns_home;
    proa_channel_options options; /* our copies, the defaults filled in */
    limits limits;
    trace trace;
    io_target target;
    call_acceptor *acceptor;      /* in process: who takes the other ends of pipes */
    io_tls *tls;                  /* retained; NULL: plaintext */
    proa_error failure;           /* why every call fails; code NONE: nothing */
    char authority[300];
    uint64_t seed;
    int64_t local_backoff_ns;     /* max_backoff_ns of loopback and Unix sockets */
    atomic_uint references;       /* of the opener, the parts, the calls, errands and waiting threads */
    channel_part *own;            /* the part on home, of home's thread; NULL: not made, or gone */
    atomic_int state;             /* proa_channel_state of that; written on home */
    proa_channel_state told;      /* to on_state, last */
    io_task tell;
    struct {
        pthread_mutex_t lock;
        list parts;
        unsigned parts_made;      /* so far */
        bool is_closed;           /* no part is made any more */
    } shared;
};

/* home NULL: options.loop, or one of its own. acceptor: in process, and target is NULL. Takes a hold on a driven home. */
proa_channel *channel_open(const char *target, proa_loop *home, call_acceptor *acceptor, const proa_channel_options *options,
                           size_t size);
void channel_retain(proa_channel *channel);
void channel_release(proa_channel *channel, const proa_loop *entered);   /* any thread; the home that it is inside of */

/* ---- state.c: how the channel's own part stands, for everybody to see */
void state_init(proa_channel *channel);
void state_set(proa_channel *channel, proa_channel_state state);         /* on home */
void state_close(proa_channel *channel);          /* on home: the last */

/* ---- resolver.c */
typedef struct resolver {
    channel_part *part;
    io_lookup *lookup;            /* runs */
    io_timer timer;               /* of the lookup that runs, or until the next */
    backoff backoff;
    int64_t begun_at;
} resolver;
void resolver_init(resolver *r, channel_part *part, uint64_t seed);
void resolver_start(resolver *r);                 /* now; pick_first_update or pick_first_fail follow, later */
void resolver_ask(resolver *r);                   /* what it said may be old: again, but not too soon */
void resolver_reset(resolver *r);                 /* the wait after a failure ends */
void resolver_stop(resolver *r);

/* ---- subchannel.c: one address */
typedef struct pick_first pick_first;
typedef struct subchannel {
    pick_first *policy;
    channel_part *part;
    io_address address;
    proa_channel_state state;
    transport *transport;         /* CONNECTING, READY */
    backoff backoff;
    io_timer timer;               /* CONNECTING: the end of the attempt; TRANSIENT_FAILURE: of the wait */
    int64_t retry_at, ready_at;
    unsigned flaps;               /* connections in a row that died young */
    proa_error last;
} subchannel;
subchannel *subchannel_new(pick_first *policy, channel_part *part, const io_address *address, uint64_t seed);   /* NULL: NOMEM */
void subchannel_free(subchannel *sub, bool gently);
bool subchannel_connect(subchannel *sub);         /* IDLE. false: it failed at once, and pick_first_notice did not run */
void subchannel_rest(subchannel *sub, bool gently);   /* back to IDLE, in silence. gently: running calls end first */
void subchannel_reset(subchannel *sub);           /* its wait ends, in silence */
/* Of its transport: */
void subchannel_stands(subchannel *sub);
void subchannel_failed(subchannel *sub, const proa_error *error);        /* it never stood */
void subchannel_left(subchannel *sub, bool has_answered, const proa_error *error);   /* GOAWAY, or lost */

/* ---- pick_first.c: the policy (gRFC A61) */
struct pick_first {
    channel_part *part;
    proa_channel_state state;     /* CONNECTING without addresses: the resolver is asked */
    subchannel *subs[IO_ADDRESSES_MAX];
    unsigned count;
    unsigned next;                /* of the pass: the one that is tried next */
    bool is_passing;              /* the first pass over all */
    unsigned failures;            /* behind it, since the resolver was asked */
    subchannel *selected;         /* READY */
    io_timer delay;               /* until the next one is tried beside it */
    proa_error last;
    uint64_t random;
};
void pick_first_init(pick_first *p, channel_part *part, uint64_t seed);
bool pick_first_update(pick_first *p, const io_addresses *addresses);    /* of the resolver; false: no memory for any */
void pick_first_fail(pick_first *p, const proa_error *error);            /* the resolver has none */
void pick_first_notice(pick_first *p, subchannel *sub);                  /* sub.state is another one */
void pick_first_connect(pick_first *p);           /* IDLE: begins */
void pick_first_reset(pick_first *p);             /* waits between attempts end */
void pick_first_close(pick_first *p, bool gently);   /* IDLE, without addresses */
/* NONE: attached. LIMIT: no room. CLOSED: no connection that takes calls now. */
proa_err pick_first_take(pick_first *p, proa_call *call);

/* ---- transport.c: one connection, from connect to its end */
transport *transport_open(subchannel *sub, proa_error *error);           /* subchannel_stands or _failed follow, later */
proa_err transport_take(transport *t, proa_call *call);
void transport_close(transport *t);               /* at once, in silence */
void transport_leave(transport *t);               /* takes no more calls and ends with its last, in silence */
void transport_stop_all(channel_part *part);      /* now; calls end as CANCELLED, and the server hears GOAWAY */
bool transport_is_used(channel_part *part);       /* does any have calls? */

/* ---- inprocess.c */
void inprocess_target(io_target *out);
/* io_socket_connect, or a pipe when the channel is one in process. */
io_socket *inprocess_connect(channel_part *part, const io_address *address, const io_socket_handler *handler, void *owner,
                             proa_error *error);

/* ---- part.c */
struct channel_part {
    list_node node;               /* in the channel's parts */
    home_guest guest;
    proa_channel *channel;
    proa_loop *home;
    resolver resolver;
    pick_first policy;
    list transports;              /* all */
    proa_channel_state state;
    proa_error last;              /* TRANSIENT_FAILURE: why */
    list waiting;                 /* calls without an attempt, in order */
    unsigned waiting_count;
    io_timer idle;
    int64_t used_at;              /* a call began or ended last */
    int64_t keepalive_ns;
    io_mail mail;                 /* commands of other threads */
    atomic_uint commands;
    bool is_gone;                 /* closed; the memory waits for the mail */
};
/* On that home; made when new. CLOSED: the channel is; NOMEM. */
proa_err part_of(proa_channel *channel, proa_loop *home, channel_part **out);
void part_submit(channel_part *part, proa_call *call);
void part_forget(channel_part *part, proa_call *call);
void part_connect(channel_part *part);            /* out of IDLE */
void part_room(channel_part *part);               /* a call may find room */
void part_stands(channel_part *part, proa_channel_state state, const proa_error *why);   /* of the policy; why: TRANSIENT_FAILURE */
void part_reset(channel_part *part);
void part_calm(channel_part *part);               /* the server finds that we ping too often */
void part_close(channel_part *part);              /* on its home */
enum { PART_CLOSE = 1, PART_RESET = 2, PART_POSTED = 4 };
void part_post(channel_part *part, unsigned commands);   /* any thread, while it is in the channel's parts */

static inline io_loop *part_io(const channel_part *part) { return home_io(part->home); }
static inline int64_t part_now(const channel_part *part) { return home_now(part->home); }
static inline const trace *part_trace(const channel_part *part)
{
    return part->channel->trace.areas ? &part->channel->trace : home_trace(part->home);
}
#endif
