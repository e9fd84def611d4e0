/* SPDX-License-Identifier: Apache-2.0 */
/* The structs behind a channel. A channel is shared by threads; each part belongs to one home. */
#ifndef CLIENT_CHANNEL_H
#define CLIENT_CHANNEL_H
#include <pthread.h>
#include <stdatomic.h>
#include "call/call.h"
#include "client/client.h"

typedef struct channel_part channel_part;

struct proa_channel {
    proa_loop *home;              /* options.loop, or a driven one of its own */
    bool owns_home;
    proa_channel_options options; /* limits, trace: our copies */
    limits limits;
    trace trace;
    io_target target;
    call_acceptor *acceptor;      /* in process: who takes the other ends of pipes */
    proa_error failure;           /* why every call fails; code NONE: nothing */
    char authority[300];
    uint64_t seed;
    atomic_uint references;       /* of the opener, the parts and the calls */
    struct {
        pthread_mutex_t lock;
        list parts;
        bool is_closed;           /* no part is made any more */
    } shared;
};

/* home NULL: options.loop, or one of its own. acceptor: in process, and target is NULL. Takes a hold on a driven home. */
proa_channel *channel_open(const char *target, proa_loop *home, call_acceptor *acceptor, const proa_channel_options *options,
                           size_t size);
void channel_retain(proa_channel *channel);
void channel_release(proa_channel *channel, const proa_loop *entered);   /* any thread; the home that it is inside of */

/* ---- subchannel.c: one connection at a time that takes calls, and those that only finish theirs */
typedef enum subchannel_state { SUBCHANNEL_IDLE, SUBCHANNEL_CONNECTING, SUBCHANNEL_READY } subchannel_state;
typedef struct subchannel {
    channel_part *part;
    subchannel_state state;
    io_lookup *lookup;
    io_addresses addresses;
    unsigned next_address;
    io_socket *socket;            /* that connects */
    io_timer timer;               /* of the attempt */
    struct connection *current;   /* that takes calls, once READY */
    list connections;             /* all, current too */
    proa_error last;              /* what the last attempt said */
} subchannel;
void subchannel_init(subchannel *sub, channel_part *part);
void subchannel_connect(subchannel *sub);         /* IDLE: begins. The part hears of it in part_ready or part_failed */
proa_err subchannel_take(subchannel *sub, proa_call *call);   /* NONE: attached. LIMIT: no room. CLOSED: not connected */
void subchannel_close(subchannel *sub);           /* at once */

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
    subchannel sub;
    list waiting;                 /* calls without an attempt, in order */
    unsigned waiting_count;
    io_timer again;               /* for those that wait for ready */
    io_mail close;
    atomic_bool is_closing;       /* the mail is on its way */
    bool is_gone;                 /* closed; the memory waits for the mail */
};
/* On that home; made when new. CLOSED: the channel is; NOMEM. */
proa_err part_of(proa_channel *channel, proa_loop *home, channel_part **out);
void part_submit(channel_part *part, proa_call *call);
void part_forget(channel_part *part, proa_call *call);
void part_ready(channel_part *part);              /* a call may find room */
void part_failed(channel_part *part, const proa_error *error);
void part_close(channel_part *part);              /* on its home */
#endif
