/* SPDX-License-Identifier: Apache-2.0 */
/* The struct behind proa_call, and who may touch what of it.
 *
 * Most members belong to the home. A call whose user works in another thread (a worker, the holder of a ticket, a child
 * call of such a thread) is remote: its user's verbs touch `user` and, under its lock, `remote`; the home touches the rest. */
#ifndef CALL_OBJECT_H
#define CALL_OBJECT_H
#include "call/home.h"
#include "call/slices.h"
#include <stdarg.h>

typedef enum call_state {         /* of the handler of a served call
                                   *   GATHERS -> READY -> (WAITS <-> READY) -> ANSWERED
                                   *              READY -> WORKS | LATER -> ANSWERED */
    CALL_GATHERS,                 /* its single request is not whole yet */
    CALL_READY,                   /* a step is due */
    CALL_WAITS,                   /* for traffic, a time or a wake */
    CALL_SLEEPS,                  /* for a time or a wake */
    CALL_WORKS,                   /* on a worker */
    CALL_LATER,                   /* somebody holds the ticket */
    CALL_ANSWERED                 /* its status is on the way, or it is over */
} call_state;

enum {                            /* commands, from any thread to the home */
    CALL_CMD_SUBMIT = 1, CALL_CMD_CANCEL = 2, CALL_CMD_WAKE = 4, CALL_CMD_TRAFFIC = 8, CALL_CMD_HEADERS = 16,
    CALL_CMD_FINISH = 32, CALL_CMD_END = 64, CALL_CMD_OVERFLOW = 128, CALL_CMD_BROKEN = 256,
    CALL_CMD_TURN = 512,          /* the next turn has begun */
    CALL_CMD_POSTED = 1024        /* the call's mail is on its way */
};

typedef struct header_list { proa_header *data; size_t count, capacity; } header_list;

/* Between a remote user and the home. The lock guards all of it but the block, which is the user's. */
typedef struct call_remote {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    slice_queue in, out;
    slice_queue used;             /* what the user is done with: back to the home's recycled blocks */
    size_t unsent;                /* bytes that the exchange had queued when the home looked last */
    bool ended_requests;          /* ours, made: half-close follows what is in out */
    bool peer_ended;              /* nothing follows what is in in */
    bool has_more;                /* the exchange holds messages for which in had no room */
    bool has_headers;
    bool is_over;
    bool is_woken;
    proa_code finish_code;        /* served: of CALL_CMD_FINISH */
    hold *block;                  /* where the user encodes */
    size_t block_capacity;
} call_remote;

typedef struct replay_item replay_item;
typedef struct replay {           /* made: what was given to its attempt, for another one */
    replay_item *first, *last;
    size_t bytes;
    struct replay_peer *peers;    /* of earlier attempts */
    uint8_t sends;                /* attempts so far */
    bool is_open;                 /* not committed */
    bool was_refused;
} replay;

typedef struct call_made {        /* of a call that we make */
    proa_call *parent;
    list_node sibling;            /* in the parent's children */
    list_node queued;             /* in the owner's queue of those that wait */
    proa_on_call on_ready, on_done;
    void *callback_user;
    size_t receive_bytes_max;
    slice_queue kept;             /* not remote: what waits for the attempt */
    replay replay;
    bool is_begun;                /* its home knows it */
    bool is_let_go;               /* its user has ended it */
    bool is_abandoned;            /* nobody will pop any more */
    bool waits_for_ready;
} call_made;

struct proa_call {
    proa_loop *home;
    const call_hooks *hooks;
    void *owner;
    const proa_method *method;    /* NULL: bytes */
    rpc_exchange *exchange;       /* made: NULL before the attempt; else until the memory goes */
    link_pump *pump;              /* NULL: before the attempt, and once the exchange has ended */
    _Atomic(call_peer *) peer;    /* made: of its last attempt */
    unsigned pins;                /* reasons for the memory to stay; the home counts */
    proa_code refusal_code;       /* PROA_OK: we did not end it ourselves */
    char *refusal;                /* why we did; owned. Remote: guarded by the lock until it is over */
    size_t queue_bytes_max;
    size_t resent;                /* made: bytes pushed for an earlier attempt; remote: the lock guards it */
    int64_t deadline_ns;
    proa_slice first;             /* the single message; what was decoded from it points into it */
    unsigned first_count;         /* how many came where one is due */
    bool is_served, is_remote, is_single_request, is_single_reply;
    bool has_ended_ours;          /* made: half-closed; served: answered */
    bool is_over;                 /* its last event came; the status is known */
    bool is_zombie;               /* the memory goes when the mail that is on its way has come */
    bool is_running;              /* served: its handler runs on the home right now */
    bool is_finished;             /* its last callback ran */
    bool waits_for_turn;          /* for CALL_CMD_TURN */
    bool is_woken;                /* during the step that runs: somebody woke it, */
    bool is_noticed;              /* traffic moved, */
    bool has_popped;              /* it popped; also of on_ready */
    bool has_status;              /* served: user.status says how it was answered */
    bool has_replied_headers;     /* made: they came; served: they went out */
    bool in_on_call;              /* served */
    bool was_checked;             /* served: on_call said go on, and the request was decoded */
    uint8_t state;                /* served: a call_state */
    atomic_bool is_cancelled;
    atomic_uint commands;
    atomic_uint unborn;           /* served: children that another thread made and the home does not know yet */

    io_task task;                 /* a step, or on_ready and on_done */
    io_timer timer;               /* served: of its wait; made: its deadline before the attempt */
    io_mail mail;
    list_node all;                /* in the home's */

    struct {                      /* the user's side: of the home, or of the remote thread */
        proa_bytes path;          /* with a NUL behind it; absent: not asked for yet */
        proa_arena arena;
        proa_arena *message_arena;   /* in arena: of the message popped last; NULL: none was */
        proa_slice message;       /* popped last; what was decoded from it points into it */
        const void *request;
        void *reply;
        proa_status status;
        proa_bytes fail_text;     /* served: of proa_call_fail and set_status */
        proa_bytes details;       /* whole google.rpc.Status, or its anys while they are added */
        header_list headers, trailers;   /* what we add */
        void *state;              /* NULL: not asked for yet */
        bool is_settled;          /* made: the status is final, the single reply was decoded */
        bool has_raw_details;
        bool has_closed_headers;
    } user;

    /* Served. */
    list children;                /* made by its handler */
    proa_on_call on_end;
    void *on_end_user;
    const call_binding *binding;
    proa_handler on_call;
    void *on_call_user;
    uint64_t ticket;              /* 0: none is out */

    /* Up to here a block is zeroed for each call. What follows has its own begin: an idle call on a loop touches none of it. */
    call_remote remote;           /* remote_init */
    union {
        call_made made;           /* zeroed as well */
        union { max_align_t align; char bytes[PROA_CALL_STATE_SIZE]; } small_state;   /* served: proa_call_state */
    };
};

/* ---- object.c */
extern const char call_text_overflow[], call_text_cancelled[];
proa_call *call_new(proa_loop *home, bool is_served, bool is_remote);   /* one pin; NULL: no memory. Served: not remote yet */
void call_unpinned(proa_call *call);              /* home: the last pin went */
static inline void call_pin(proa_call *call) { call->pins++; }
static inline void call_unpin(proa_call *call)    /* home: the last one frees it */
{
    PROA_ASSERT(call->pins, "a call goes once");
    if (--call->pins == 0)
        call_unpinned(call);
}
void call_post(proa_call *call, unsigned commands);   /* any thread */
void call_schedule(proa_call *call);              /* home: its task runs in this turn's dispatch */
void call_touch(proa_call *call);                 /* home: after a command to its exchange */
void call_break(proa_call *call, proa_code code, const char *text);   /* the user's side: what cannot be sent or read; copied */
void call_break_for(proa_call *call, proa_err err, const char *text);   /* the same; NOMEM is RESOURCE_EXHAUSTED, else INTERNAL */
proa_err header_list_add(header_list *list, proa_arena *arena, proa_bytes name, proa_bytes value);

void call_keep_text(proa_call *call, const char *format, va_list args);   /* the user's side, served */
void call_keep_refusal(proa_call *call, proa_code code, const char *text);
void call_stop(proa_call *call, proa_code code, const char *text);   /* home, served: answers now; text lives as long */

/* ---- local.c: on the home */
static inline bool local_may_push(const proa_call *call)   /* it goes on, and our side has not ended */
{
    return !call->is_over && !call->has_ended_ours && !atomic_load_explicit(&call->is_cancelled, memory_order_relaxed);
}
bool local_can_push(const proa_call *call);       /* and there is room */
bool local_push(proa_call *call, proa_slice *slice);              /* takes it */
bool local_give_slice(proa_call *call, proa_slice *slice);        /* the same, to the exchange that is there */
bool local_push_body(proa_call *call, char *body, size_t size);   /* RPC_ENVELOPE_SIZE writable bytes before it */
void local_push_only(proa_call *call, char *body, size_t size);   /* the same for the one request of an attempt; half-closes */
bool local_pop(proa_call *call, proa_slice *out);
bool local_is_at_end(const proa_call *call);
void local_send_headers(proa_call *call);       /* served: once */
void local_end_requests(proa_call *call);
void local_gather(proa_call *call);             /* takes the single message out of the exchange */

/* ---- remote.c: the two sides of a remote call */
bool remote_init(proa_call *call);
void remote_fini(proa_call *call);
void remote_refresh(proa_call *call);             /* home: shows the user what came */
void remote_flush(proa_call *call);               /* home: does what the user queued */
bool remote_may_push(proa_call *call);            /* user: it goes on, and our side has not ended */
bool remote_can_push(proa_call *call);            /* and there is room */
void remote_wait_for_room(proa_call *call);       /* or for the end */
bool remote_push(proa_call *call, proa_slice *slice);
bool remote_pop(proa_call *call, proa_slice *out);
bool remote_is_at_end(proa_call *call);
void remote_give_back(proa_call *call, proa_slice *slice);
typedef bool (*remote_condition)(proa_call *call);   /* called with the lock held */
void remote_wait(proa_call *call, remote_condition is_met);
bool remote_pause(proa_call *call, int64_t ns);
void remote_end_requests(proa_call *call);
void remote_finish(proa_call *call, proa_code code);   /* the call may be gone afterwards */

/* ---- made.c */
void made_begin(proa_call *call);                 /* home: once, before it is handed to its owner */
void made_notice(proa_call *call);                /* home: something moved */
void made_over(proa_call *call);                  /* home: its last event came */
void made_let_go(proa_call *call);                /* user: made_end, on the home or by mail to it */
void made_end(proa_call *call);                   /* home: its user let go; a second time does nothing */
void made_settle(proa_call *call);                /* user: over, so find the final status */

/* ---- replay.c: made, on the home */
void replay_begin(proa_call *call, call_peer *peer);      /* a new attempt is there: gives it what was kept */
void replay_keep(proa_call *call, const proa_slice *slice);              /* before it is pushed */
void replay_keep_body(proa_call *call, const char *body, size_t size);   /* copied */
void replay_commit(proa_call *call);              /* it is not sent again: what was kept goes */
bool replay_again(proa_call *call, const rpc_event *end); /* true: it is in its owner's hands again, and nobody hears of it */
void replay_fini(proa_call *call);

/* ---- typed.c */
proa_arena *call_message_arena(proa_call *call);  /* user: for what is popped; NULL: no memory */

/* ---- wait.c: the user's side */
void home_enter_unless_remote(proa_call *call);
void home_leave_unless_remote(proa_call *call);
bool call_may_push(proa_call *call);              /* it is not over and our side has not ended */
bool call_wait_for_room(proa_call *call);         /* false: call_may_push is */
bool call_is_settled(proa_call *call);            /* made: over, and then its status is final */
void call_drop_unread(proa_call *call);           /* messages that came */

/* ---- step.c: served calls, on the home */
void step_notice(proa_call *call);                /* traffic */
void step_wake(proa_call *call);
void step_child_gone(proa_call *call);            /* a child has had its last event */
void step_over(proa_call *call);
void step_finish(proa_call *call, proa_code code);
void step_answered(proa_call *call);              /* a worker or a ticket answered */
bool step_prepare(proa_call *call, proa_code *answer);   /* user: decodes the request; false: answer with that */
proa_code step_run(proa_call *call);              /* user: the handler, once */
proa_code step_encode_reply(proa_call *call, proa_code code);   /* user */

/* ---- details.c */
void details_append(proa_call *call, const proa_type *type, const void *detail);
proa_bytes details_finish(proa_call *call, proa_code code, proa_bytes text);   /* absent: none */
#endif
