/* SPDX-License-Identifier: Apache-2.0 */
/* Homes, and with them the public loop. A loop belongs to one thread. A driven home belongs to whoever holds its lock: a
 * thread that waits turns it, one at a time sits in poll with the lock released, and the others sleep until a turn was made. */
#define _GNU_SOURCE /* ppoll */
#include "call/home.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>

#define KEEP_CALLS \
    4096 /* free blocks that a home keeps, each kind: what a turn of a hundred busy connections has at once */

static bool init_shared(proa_loop *home)
{
    if (pthread_mutex_init(&home->shared.lock, NULL))
        return false;
    if (pthread_cond_init(&home->shared.moved, NULL)) {
        pthread_mutex_destroy(&home->shared.lock);
        return false;
    }
    return true;
}

static proa_loop *make(const proa_loop_options *options, const io_network *network, bool is_driven)
{
    proa_loop *home = memory_new(sizeof *home);
    if (!home)
        return NULL;
    if (options->trace)
        home->trace = (trace){ options->trace->line, options->trace->user, options->trace->areas };
    home->is_driven = is_driven;
    home->holders = 1;
    atomic_init(&home->owner, is_driven ? (pthread_t)0 : pthread_self());
    home->io = io_loop_new(
        &(io_loop_options){ .virtual_time = options->virtual_time, .trace = home_trace(home), .network = network });
    if (!home->io || !init_shared(home)) {
        if (home->io)
            io_loop_free(home->io);
        memory_free(home);
        return NULL;
    }
    slab_init(&home->served, call_size(true), KEEP_CALLS);
    slab_init(&home->made, call_size(false), KEEP_CALLS);
    home->served.zeroed = home->made.zeroed = call_zeroed_size();
    slab_init(&home->streams, rpc_exchange_block_size(), KEEP_CALLS);
    list_init(&home->guests);
    list_init(&home->all);
    atomic_init(&home->is_stopped, false);
    atomic_init(&home->is_closing, false);
    atomic_init(&home->posting, 0);
    atomic_init(&home->errands, 0);
    atomic_init(&home->tickets, 0);
    return home;
}

proa_loop *home_new(const proa_loop_options *options, bool is_driven)
{
    return make(options, NULL, is_driven);
}

proa_loop *home_new_on(const io_network *network, const trace *trace)
{
    const proa_trace lines = trace ? (proa_trace){ trace->line, trace->user, trace->areas } : (proa_trace){ 0 };
    return make(&(proa_loop_options){ .trace = &lines }, network, false);
}

proa_loop *proa_loop_new_(const proa_loop_options *options, size_t size)
{
    proa_loop_options o = { 0 };
    if (options)
        memcpy(&o, options, size < sizeof o ? size : sizeof o);
    return home_new(&o, false);
}

static void finish_turns(proa_loop *home)
{
    for (int i = 0; i < 1000 && io_loop_wait_ns(home->io) == 0; i++)
        home_turn(home, 0);
}

/* Calls with callbacks go by themselves, also when their last messages were never popped. */
static void end_calls(proa_loop *home)
{
    for (list_node *n = list_first(&home->all); n; n = list_next(&home->all, n))
        call_abandon(call_of_home_node(n));
    finish_turns(home);
}

void proa_loop_free(proa_loop *home)
{
    if (!home)
        return;
    if (home->holders > 1) {
        home->holders--;
        return;
    }
    home_own(home);
    PROA_ASSERT(!home->is_turning, "a loop is not freed in its own callbacks");
    atomic_store(&home->is_closing, true);
    while (atomic_load(&home->posting))
        sched_yield();
    for (list_node *node; (node = list_pop(&home->guests));) {
        home_guest *guest = CONTAINER_OF(node, home_guest, node);
        guest->on_gone(guest);
    }
    finish_turns(home); /* the last events */
    end_calls(home);
    PROA_ASSERT(list_is_empty(&home->all), "calls are ended before their loop is freed");
    io_loop_free(home->io);
    arena_pool_fini(&home->arenas);
    pb_scratch_fini(&home->scratch);
    slab_fini(&home->served);
    slab_fini(&home->made);
    slab_fini(&home->streams);
    pthread_cond_destroy(&home->shared.moved);
    pthread_mutex_destroy(&home->shared.lock);
    memory_free(home);
}

void home_turn(proa_loop *home, int64_t wait_ns)
{
    PROA_ASSERT(!home->is_turning, "a loop is not turned in its own callbacks");
    home->is_turning = true;
    if (home->is_driven)
        atomic_store_explicit(&home->owner, pthread_self(), memory_order_relaxed);
    io_loop_turn(home->io, wait_ns);
    if (home->is_driven)
        atomic_store_explicit(&home->owner, (pthread_t)0, memory_order_relaxed);
    home->is_turning = false;
}

bool home_is_turning(const proa_loop *home)
{
    return home->is_turning;
}

void proa_loop_run(proa_loop *home)
{
    home_own(home);
    while ((home->busy || atomic_load(&home->errands)) && !atomic_load(&home->is_stopped))
        home_turn(home, -1);
    atomic_store(&home->is_stopped, false);
}

void proa_loop_stop(proa_loop *home)
{
    atomic_store(&home->is_stopped, true);
    io_loop_wake(home->io);
}

int proa_loop_fd(const proa_loop *home)
{
    return io_loop_fd(home->io);
}

int proa_loop_timeout_ms(const proa_loop *home)
{
    int64_t ns = io_loop_wait_ns(home->io);
    if (ns == INT64_MAX)
        return -1;
    int64_t ms = (ns + PROA_MILLISECOND - 1) / PROA_MILLISECOND;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

void proa_loop_turn(proa_loop *home)
{
    home_own(home);
    home_turn(home, 0);
}

typedef struct errand {
    io_mail mail;
    proa_loop *home;
    void (*run)(void *user);
    void *user;
} errand;

static void run_errand(io_mail *mail)
{
    errand *e = CONTAINER_OF(mail, errand, mail);
    proa_loop *home = e->home;
    e->run(e->user);
    memory_free(e);
    atomic_fetch_sub(&home->errands, 1);
}

static proa_err post(proa_loop *home, void (*run)(void *user), void *user)
{
    if (atomic_load(&home->is_closing))
        return PROA_ERR_CLOSED;
    errand *e = memory_new(sizeof *e);
    if (!e)
        return PROA_ERR_NOMEM;
    *e = (errand){ .mail = { .deliver = run_errand }, .home = home, .run = run, .user = user };
    atomic_fetch_add(&home->errands, 1);
    io_loop_post(home->io, &e->mail);
    return PROA_ERR_NONE;
}

/* A loop that is being freed waits for those who found it open. */
proa_err proa_loop_post(proa_loop *home, void (*run)(void *user), void *user)
{
    atomic_fetch_add(&home->posting, 1);
    proa_err err = post(home, run, user);
    atomic_fetch_sub(&home->posting, 1);
    return err;
}

io_loop *home_io(proa_loop *home)
{
    return home->io;
}

slab *home_streams(proa_loop *home)
{
    return &home->streams;
}

const trace *home_trace(const proa_loop *home)
{
    return home->trace.areas ? &home->trace : NULL;
}

int64_t home_now(const proa_loop *home)
{
    return io_loop_clock(home->io);
}

/* Relaxed is enough: no other thread ever writes this thread's name there. */
bool home_is_here(const proa_loop *home)
{
    return pthread_equal(atomic_load_explicit(&home->owner, memory_order_relaxed), pthread_self());
}

bool home_is_driven(const proa_loop *home)
{
    return home->is_driven;
}

void home_own(proa_loop *home)
{
    if (!home->is_driven && !home_is_here(home))
        atomic_store_explicit(&home->owner, pthread_self(), memory_order_relaxed);
}

/* A handler of a server in process runs inside of a turn, whose thread has the lock already. */
void home_enter(proa_loop *home)
{
    if (home_is_here(home))
        return;
    PROA_ASSERT(home->is_driven, "a call on a loop is used in the loop's thread alone");
    pthread_mutex_lock(&home->shared.lock);
}

/* One that is about to be freed is nobody's any more. */
bool home_try_enter(proa_loop *home)
{
    if (!home->is_driven || home_is_here(home) || pthread_mutex_trylock(&home->shared.lock))
        return false;
    if (!home->last)
        return true;
    pthread_mutex_unlock(&home->shared.lock);
    return false;
}

/* When the next turn is due, in the loop's own time. */
static int64_t due_at(const proa_loop *home)
{
    int64_t wait_ns = io_loop_wait_ns(home->io);
    return wait_ns == INT64_MAX ? INT64_MAX : io_clock_now() + wait_ns;
}

void home_note(proa_loop *home)
{
    home->shared.has_moved = true;
}

/* Tells those who sleep that a turn was made, and the one in poll: its messages may have been read, and its call ended, by
 * another's turn, or it polls for too long. That turn may also have taken the wake-up that was meant for the one in poll,
 * so it is sent again until that one has heard it. */
static void tell(proa_loop *home)
{
    if (home->shared.has_moved && home->shared.waiting)
        pthread_cond_broadcast(&home->shared.moved);
    if (home->shared.is_polling) {
        home->shared.must_wake |= home->shared.has_moved || due_at(home) < home->shared.polls_until;
        if (home->shared.must_wake)
            io_loop_wake(home->io);
    }
    home->shared.has_moved = false;
}

static void free_home(void *home)
{
    proa_loop_free(home);
}

void home_let_go(proa_loop *home)
{
    home_enter(home);
    home_end_with(home, free_home, home);
    home_leave(home);
}

/* What is due after so many turns is left to those who wait. */
enum { TURNS_MAX = 64 };

void home_leave(proa_loop *home)
{
    if (home_is_here(home) || !home->is_driven)
        return;
    for (int i = 0; i < TURNS_MAX && io_loop_wait_ns(home->io) == 0; i++)
        home_turn(home, 0);
    tell(home);
    void (*last)(void *user) = home->last;
    void *user = home->last_user;
    pthread_mutex_unlock(&home->shared.lock);
    if (last)
        last(user);
}

void home_hold(proa_loop *home)
{
    home->holders++;
}

void home_let_wait(proa_loop *home)
{
    home->lets_wait = true;
}

void home_end_with(proa_loop *home, void (*run)(void *user), void *user)
{
    if (home->holders > 1) {
        run(user);
        return;
    }
    home->last = run;
    home->last_user = user;
}

static void poll_unlocked(proa_loop *home, int64_t wait_ns)
{
    struct pollfd fd = { .fd = io_loop_fd(home->io), .events = POLLIN };
    struct timespec wait = { .tv_sec = wait_ns / PROA_SECOND, .tv_nsec = wait_ns % PROA_SECOND };
    home->shared.polls_until = due_at(home);
    home->shared.is_polling = true;
    pthread_mutex_unlock(&home->shared.lock);
    ppoll(&fd, 1, wait_ns == INT64_MAX ? NULL : &wait, NULL); /* EINTR: one more turn does no harm */
    pthread_mutex_lock(&home->shared.lock);
    home->shared.is_polling = home->shared.must_wake = false;
}

void home_wait(proa_loop *home)
{
    if (!home->is_driven) {
        home_turn(home, -1);
        return;
    }
    int64_t wait_ns = io_loop_wait_ns(home->io);
    if (wait_ns == 0) {
        home_turn(home, 0);
        tell(home);
        return;
    }
    home->shared.waiting++;
    if (home->shared.is_polling) {
        pthread_cond_wait(&home->shared.moved, &home->shared.lock);
    } else {
        poll_unlocked(home, wait_ns);
        home_turn(home, 0);
        home->shared.has_moved = true; /* somebody else may have to poll now */
        tell(home);
    }
    home->shared.waiting--;
}

bool home_can_wait(const proa_loop *home)
{
    return home->is_driven ? !home_is_here(home) : home->lets_wait && !home->is_turning;
}

/* Also when nothing has to be waited for: who breaks the rule hears of it at once, not under load. */
void home_may_wait(const proa_loop *home)
{
    PROA_ASSERT(home_can_wait(home), "waiting verbs are for threads: on a loop, handlers and callbacks never wait");
}

void home_keep(proa_loop *home)
{
    home->busy++;
}

void home_drop(proa_loop *home)
{
    home->busy--;
}

void home_add_guest(proa_loop *home, home_guest *guest)
{
    list_push(&home->guests, &guest->node);
}

void home_give_slice(proa_loop *home, proa_slice *slice)
{
    hold_release_to(io_loop_pool(home->io), slice->hold);
    *slice = (proa_slice){ 0 };
}
