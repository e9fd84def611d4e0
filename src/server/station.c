/* SPDX-License-Identifier: Apache-2.0 */
/* One loop of a server.
 *
 *     serving -- drain --> draining -- nothing is left --> drained
 *                             | grace is over                 ^
 *                             +--> stopped: calls end as UNAVAILABLE, connections close */
#include "server/station.h"

#define LAST_NS (1 * PROA_SECOND) /* after the grace: for statuses to go out, before the connections are cut */

typedef struct open_listener {
    list_node node;
    station *station;
    io_listener *listener;
    io_tls *tls; /* retained; NULL: plaintext */
} open_listener;

static void on_accept(void *owner, io_socket *socket)
{
    open_listener *l = owner;
    accept_socket(l->station, socket, l->tls);
}

static void on_drain_mail(io_mail *mail)
{
    station *s = CONTAINER_OF(mail, station, drain);
    s->is_drain_heard = true;
    station_drain(s);
}

static void on_grace(io_timer *timer)
{
    station *s = CONTAINER_OF(timer, station, grace);
    if (s->is_stopped)
        accept_close(s);
    else
        station_stop(s);
}

/* The server, and this station with it, may be freed in the callback. */
static void tell_drained(station *s)
{
    proa_server *server = s->server;
    if (s->is_told)
        return;
    s->is_told = true;
    if (s->is_inside)
        return;
    if (s->home)
        home_drop(s->home);
    if (atomic_fetch_add(&server->drained_count, 1) + 1 == atomic_load(&server->station_count) &&
        server->options.on_drained)
        server->options.on_drained(server, server->options.user);
}

static void run_drained(io_task *task)
{
    tell_drained(CONTAINER_OF(task, station, drained));
}

static void close_listeners(station *s)
{
    for (list_node *n; (n = list_pop(&s->listeners));) {
        open_listener *l = CONTAINER_OF(n, open_listener, node);
        io_listener_close(l->listener);
        io_tls_drop(l->tls);
        memory_free(l);
    }
}

/* Nothing of it is left on the loop behind this: statuses go out, then the connections go down; calls that other threads
 * hold end when these let go. */
static void end(station *s)
{
    s->is_ending = true;
    close_listeners(s);
    bool is_awaited = atomic_load(&s->is_drain_posted) && !s->is_drain_heard;
    if (s->connection_count || s->call_count || is_awaited) {
        PROA_ASSERT(!home_is_turning(s->home),
                    "in a callback, a server that still serves is drained, and freed in on_drained or outside");
        accept_stop(s);
        home_turn(s->home, 0);
        accept_close(s);
        home_turn(s->home, 0);
        while (s->call_count || s->connection_count)
            home_turn(s->home, 10 * PROA_MILLISECOND);
    }
    io_timer_stop(home_io(s->home), &s->grace);
    io_task_cancel(&s->drained);
    list_remove(&s->guest.node);
}

/* The loop goes before the server. */
static void on_gone(home_guest *guest)
{
    station *s = CONTAINER_OF(guest, station, guest);
    end(s);
    s->home = NULL;
    tell_drained(s);
}

station *station_new(proa_server *server, proa_loop *home)
{
    station *s = memory_new(sizeof *s);
    if (!s)
        return NULL;
    s->server = server;
    s->home = home;
    if (!home) {
        const proa_trace lines = { server->trace.line, server->trace.user, server->trace.areas };
        s->owns_home = true;
        s->home = home_new(&(proa_loop_options){ .trace = &lines }, false);
    }
    if (!s->home) {
        memory_free(s);
        return NULL;
    }
    list_init(&s->listeners);
    list_init(&s->handshakes);
    list_init(&s->connections);
    s->drain.deliver = on_drain_mail;
    atomic_init(&s->is_drain_posted, false);
    s->grace.fire = on_grace;
    s->drained.run = run_drained;
    s->guest.on_gone = on_gone;
    home_add_guest(s->home, &s->guest);
    home_keep(s->home);
    return s;
}

void station_free(station *s)
{
    if (!s)
        return;
    if (s->home) {
        proa_loop *home = s->home;
        home_own(home);
        home_enter(home);
        end(s);
        if (!s->is_told && !s->is_inside)
            home_drop(home);
        home_leave(home);
        if (s->owns_home)
            proa_loop_free(home);
    }
    memory_free(s);
}

proa_err station_listen(station *s, address *address, bool is_shared, proa_error *error)
{
    open_listener *l = memory_new(sizeof *l);
    if (!l)
        return error_set(error, PROA_ERR_NOMEM, "out of memory");
    l->station = s;
    l->listener = io_listener_open(home_io(s->home), &address->bound,
                                   &(io_listener_options){ .is_shared = is_shared, .unix_mode = address->unix_mode },
                                   on_accept, l, error);
    if (!l->listener) {
        memory_free(l);
        return error ? error->code : PROA_ERR_IO;
    }
    l->tls = io_tls_retain(address->tls);
    address->bound = *io_listener_address(l->listener);
    list_push(&s->listeners, &l->node);
    return PROA_ERR_NONE;
}

void station_run(station *s)
{
    home_own(s->home);
    while (!s->is_drained)
        home_turn(s->home, -1);
    home_turn(s->home, 0); /* the task of run_drained */
}

void station_drain(station *s)
{
    if (s->is_draining)
        return;
    handshake_close_all(s); /* nothing was promised to them */
    s->is_draining = true;
    int64_t grace = s->server->options.grace_ns ? s->server->options.grace_ns : LIMITS_GRACE_NS;
    close_listeners(s);
    accept_drain(s);
    io_timer_start(home_io(s->home), &s->grace, home_now(s->home) + grace);
    station_check(s);
}

void station_stop(station *s)
{
    if (s->is_stopped)
        return;
    s->is_stopped = true;
    accept_stop(s);
    io_timer_start(home_io(s->home), &s->grace, home_now(s->home) + LAST_NS);
}

void station_check(station *s)
{
    if (!s->is_draining || s->is_drained || s->is_ending || s->connection_count || s->call_count)
        return;
    s->is_drained = true;
    io_timer_stop(home_io(s->home), &s->grace);
    io_loop_defer(home_io(s->home), &s->drained, IO_DISPATCH);
}
