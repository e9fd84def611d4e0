/* SPDX-License-Identifier: Apache-2.0 */
/* Channels in process: the server's end of their pipes. Both ends are on one home: the server's loop, or a driven one that the
 * threads turn that wait on calls. A call with a parent brings the home of that parent: each has a station of its own. */
#include "server/station.h"

static proa_server *server_of(call_acceptor *acceptor)
{
    return CONTAINER_OF(acceptor, proa_server, acceptor);
}

static proa_loop *home_of(call_acceptor *acceptor)
{
    proa_server *s = server_of(acceptor);
    if (!s->stations[0])
        return NULL;
    if (s->options.loop) {
        home_let_wait(s->options.loop);
        return s->options.loop;
    }
    if (!s->inside_home) {
        const proa_trace lines = { s->trace.line, s->trace.user, s->trace.areas };
        s->inside_home = home_new(&(proa_loop_options){ .trace = &lines }, true);
        if (!s->inside_home || inside_start_workers(s) != PROA_ERR_NONE)
            return NULL;
    }
    home_enter(s->inside_home);
    home_hold(s->inside_home);
    home_leave(s->inside_home);
    return s->inside_home;
}

static station *find(proa_server *s, const proa_loop *home)
{
    if (s->stations[0]->home == home)
        return s->stations[0];
    station *t = atomic_load(&s->inside);
    while (t && t->home != home)
        t = t->next_inside;
    return t;
}

/* Two homes may come at once, in two threads. */
static station *make(proa_server *s, proa_loop *home)
{
    station *t = station_new(s, home);
    if (!t)
        return NULL;
    t->is_inside = true;
    home_drop(home); /* it is its channels that keep a loop running */
    t->next_inside = atomic_load(&s->inside);
    while (!atomic_compare_exchange_weak(&s->inside, &t->next_inside, t))
        ;
    return t;
}

static void take(call_acceptor *acceptor, proa_loop *home, io_socket *socket)
{
    proa_server *s = server_of(acceptor);
    station *t = find(s, home);
    if (!t && !atomic_load(&s->is_drain_asked))
        t = make(s, home);
    if (t && atomic_load(&s->is_drain_asked))
        station_drain(t); /* whoever asked may not have found it yet */
    if (t)
        accept_inside(t, socket);
    else
        io_socket_close(socket);
}

void inside_init(proa_server *s)
{
    s->acceptor = (call_acceptor){ .home = home_of, .accept = take };
    atomic_init(&s->inside, NULL);
}

void inside_free(proa_server *s)
{
    for (station *t = atomic_load(&s->inside), *next; t; t = next) {
        next = t->next_inside;
        station_free(t);
    }
    atomic_store(&s->inside, NULL);
    if (s->inside_home)
        home_let_go(s->inside_home);
}
