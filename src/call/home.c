/* SPDX-License-Identifier: Apache-2.0 */
/* Homes, and with them the public loop. A loop belongs to one thread. A driven home belongs to whoever holds its lock: a
 * thread that waits turns it, one at a time sits in poll with the lock released, and the others sleep until a turn was made. */
#define _GNU_SOURCE /* ppoll */
#include "call/home.h"
#include <errno.h>
#include <poll.h>

#define KEEP_CALLS 256 /* free blocks that a home keeps, each kind */

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

proa_loop *home_new(const proa_loop_options *options, bool is_driven)
{
    proa_loop *home = memory_new(sizeof *home);
    if (!home)
        return NULL;
    if (options->trace)
        home->trace = (trace){ options->trace->line, options->trace->user, options->trace->areas };
    home->is_driven = is_driven;
    home->is_virtual = options->virtual_time;
    home->owner = pthread_self();
    home->io = io_loop_new(&(io_loop_options){ .virtual_time = options->virtual_time, .trace = &home->trace });
    if (!home->io || !init_shared(home)) {
        if (home->io)
            io_loop_free(home->io);
        memory_free(home);
        return NULL;
    }
    slab_init(&home->calls, call_size(), KEEP_CALLS);
    slab_init(&home->streams, rpc_exchange_block_size(), KEEP_CALLS);
    list_init(&home->guests);
    atomic_init(&home->is_stopped, false);
    atomic_init(&home->tickets, 0);
    return home;
}

proa_loop *proa_loop_new_(const proa_loop_options *options, size_t size)
{
    proa_loop_options o = { 0 };
    if (options)
        memcpy(&o, options, size < sizeof o ? size : sizeof o);
    return home_new(&o, false);
}

void proa_loop_free(proa_loop *home)
{
    if (!home)
        return;
    home_own(home);
    home->is_closing = true;
    for (list_node *node; (node = list_pop(&home->guests));) {
        home_guest *guest = CONTAINER_OF(node, home_guest, node);
        guest->on_gone(guest);
    }
    for (int i = 0; i < 1000 && io_loop_wait_ns(home->io) == 0; i++) /* the last events */
        io_loop_turn(home->io, 0);
    io_loop_free(home->io);
    while (home->arena_count)
        proa_arena_free(home->arenas[--home->arena_count]);
    pb_scratch_fini(&home->scratch);
    slab_fini(&home->calls);
    slab_fini(&home->streams);
    pthread_cond_destroy(&home->shared.moved);
    pthread_mutex_destroy(&home->shared.lock);
    memory_free(home);
}

void proa_loop_run(proa_loop *home)
{
    home_own(home);
    while (home->busy && !atomic_load(&home->is_stopped))
        io_loop_turn(home->io, -1);
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
    io_loop_turn(home->io, 0);
}

typedef struct errand {
    io_mail mail;
    void (*run)(void *user);
    void *user;
} errand;

static void run_errand(io_mail *mail)
{
    errand *e = CONTAINER_OF(mail, errand, mail);
    e->run(e->user);
    memory_free(e);
}

proa_err proa_loop_post(proa_loop *home, void (*run)(void *user), void *user)
{
    if (home->is_closing)
        return PROA_ERR_CLOSED;
    errand *e = memory_new(sizeof *e);
    if (!e)
        return PROA_ERR_NOMEM;
    *e = (errand){ .mail = { .deliver = run_errand }, .run = run, .user = user };
    io_loop_post(home->io, &e->mail);
    return PROA_ERR_NONE;
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
    return home->is_virtual ? io_loop_now(home->io) : io_clock_now();
}

bool home_is_here(const proa_loop *home)
{
    return !home->is_driven && pthread_equal(home->owner, pthread_self());
}

bool home_is_driven(const proa_loop *home)
{
    return home->is_driven;
}

void home_own(proa_loop *home)
{
    if (!home->is_driven)
        home->owner = pthread_self();
}

void home_enter(proa_loop *home)
{
    if (home->is_driven)
        pthread_mutex_lock(&home->shared.lock);
    else
        PROA_ASSERT(home_is_here(home), "a call on a loop is used in the loop's thread alone");
}

/* When the next turn is due, in the loop's own time. */
static int64_t due_at(const proa_loop *home)
{
    int64_t wait_ns = io_loop_wait_ns(home->io);
    return wait_ns == INT64_MAX ? INT64_MAX : io_clock_now() + wait_ns;
}

static void turn(proa_loop *home)
{
    io_loop_turn(home->io, 0);
    if (home->shared.waiting)
        pthread_cond_broadcast(&home->shared.moved);
}

void home_leave(proa_loop *home)
{
    if (!home->is_driven)
        return;
    while (io_loop_wait_ns(home->io) == 0)
        turn(home);
    if (home->shared.is_polling && due_at(home) < home->shared.polls_until)
        io_loop_wake(home->io);
    void (*last)(void *user) = home->last;
    void *user = home->last_user;
    pthread_mutex_unlock(&home->shared.lock);
    if (last)
        last(user);
}

void home_end_with(proa_loop *home, void (*run)(void *user), void *user)
{
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
    home->shared.is_polling = false;
}

void home_wait(proa_loop *home)
{
    PROA_ASSERT(home->is_driven, "waiting verbs are for threads: on a loop, handlers and callbacks never wait");
    int64_t wait_ns = io_loop_wait_ns(home->io);
    if (wait_ns == 0) {
        turn(home);
        return;
    }
    home->shared.waiting++;
    if (home->shared.is_polling) {
        pthread_cond_wait(&home->shared.moved, &home->shared.lock);
    } else {
        poll_unlocked(home, wait_ns);
        turn(home);
        pthread_cond_broadcast(&home->shared.moved); /* somebody else may have to poll now */
    }
    home->shared.waiting--;
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

proa_arena *home_take_arena(proa_loop *home)
{
    return home->arena_count ? home->arenas[--home->arena_count] : proa_arena_new(0);
}

/* A call that used much gives its memory back, not to the next call. */
void home_give_arena(proa_loop *home, proa_arena *arena)
{
    if (!arena)
        return;
    if (home->arena_count == HOME_ARENAS_MAX || arena_size(arena) > 64 * 1024) {
        proa_arena_free(arena);
        return;
    }
    proa_arena_reset(arena);
    home->arenas[home->arena_count++] = arena;
}
