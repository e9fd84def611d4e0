/* SPDX-License-Identifier: Apache-2.0 */
/* The public server: setting up, running, stopping. Setting up keeps its first failure; run reports it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "server/station.h"

#define WORKERS_DEFAULT 8

/* ---- Setting up */

static proa_err keep(proa_server *server, const proa_error *error)
{
    if (server->failure.code == PROA_ERR_NONE)
        server->failure = *error;
    return error->code;
}

/* NULL: no memory; every function takes that, and run reports it. */
proa_server *proa_server_new_(const proa_server_options *options, size_t size)
{
    proa_server *s = memory_new(sizeof *s);
    if (!s)
        return NULL;
    if (options)
        memcpy(&s->options, options, size < sizeof s->options ? size : sizeof s->options);
    if (s->options.limits)
        limits_copy(&s->limits, s->options.limits);
    if (s->options.trace)
        s->trace = (trace){ s->options.trace->line, s->options.trace->user, s->options.trace->areas };
    s->options.limits = NULL;
    list_init(&s->addresses);
    atomic_init(&s->is_running, false);
    atomic_init(&s->is_drain_asked, false);
    atomic_init(&s->drained_count, 0);
    atomic_init(&s->connection_count, 0);
    atomic_init(&s->station_count, 1);
    inside_init(s);
    s->stations[0] = station_new(s, s->options.loop);
    s->seed = s->stations[0] ? io_loop_seed(home_io(s->stations[0]->home), s) : 0;
    methods_init(&s->methods, s->seed);
    proa_error error;
    if (!s->stations[0]) {
        error_set(&error, PROA_ERR_NOMEM, "out of memory, or of file descriptors");
        keep(s, &error);
    }
    if (s->options.loops > STATIONS_MAX) {
        error_set(&error, PROA_ERR_CONFIG, "loops: %u is over %d", s->options.loops, STATIONS_MAX);
        keep(s, &error);
    }
    if (s->options.loops > 1 && s->options.loop) {
        error_set(&error, PROA_ERR_CONFIG, "loops: a server inside a loop has that one alone");
        keep(s, &error);
    }
    return s;
}

static proa_err serve(proa_server *s, const char *path, const call_binding *binding)
{
    proa_error error;
    proa_err err = methods_add(&s->methods, path, binding, &error);
    return err == PROA_ERR_NONE ? err : keep(s, &error);
}

static proa_err refuse_late(proa_server *s, const char *what)
{
    proa_error error;
    error_set(&error, PROA_ERR_CONFIG, "%s: the server runs already", what);
    return atomic_load(&s->is_running) ? keep(s, &error) : PROA_ERR_NONE;
}

static proa_err start_workers(proa_server *s, proa_error *error)
{
    if (!s->worker_count || s->workers)
        return PROA_ERR_NONE;
    unsigned most = s->options.workers_queue_max ? s->options.workers_queue_max : LIMITS_WORKER_QUEUE_MAX;
    s->workers = workers_new(s->worker_count, most, error);
    return s->workers ? PROA_ERR_NONE : error->code;
}

proa_err inside_start_workers(proa_server *s)
{
    proa_error error;
    return start_workers(s, &error) == PROA_ERR_NONE ? PROA_ERR_NONE : keep(s, &error);
}

/* A server inside a loop, or of channels in process, has no run, where its threads could start. */
static proa_err need_workers(proa_server *s, bool on_workers)
{
    if (!on_workers)
        return PROA_ERR_NONE;
    s->worker_count = s->options.workers ? s->options.workers : WORKERS_DEFAULT;
    return s->options.loop || s->inside_home ? inside_start_workers(s) : PROA_ERR_NONE;
}

static call_binding binding_of(const proa_serve_options *options, size_t size)
{
    proa_serve_options o = { 0 };
    if (options)
        memcpy(&o, options, size < sizeof o ? size : sizeof o);
    return (call_binding){ .user = o.user, .on_workers = o.on_workers, .queue_bytes_max = o.queue_bytes_max };
}

proa_err proa_server_serve_bytes_(proa_server *s, const char *path, proa_handler handler,
                                  const proa_serve_options *options, size_t size)
{
    if (!s)
        return PROA_ERR_NOMEM;
    PROA_ASSERT(handler, "a handler is needed");
    if (refuse_late(s, path ? path : "serve") != PROA_ERR_NONE)
        return PROA_ERR_CONFIG;
    call_binding binding = binding_of(options, size);
    binding.handler = handler;
    proa_err err = need_workers(s, binding.on_workers);
    return err == PROA_ERR_NONE ? serve(s, path, &binding) : err;
}

/* A member that is NULL answers UNIMPLEMENTED; all function pointers have the representation of NULL in common. */
static bool has_handler(const void *handlers, size_t offset)
{
    void (*member)(void) = NULL;
    memcpy(&member, (const char *)handlers + offset, sizeof member);
    return member != NULL;
}

proa_err proa_gen_serve(proa_server *s, const proa_service *service, const void *handlers,
                        const proa_serve_options *options, size_t size)
{
    if (!s)
        return PROA_ERR_NOMEM;
    PROA_ASSERT(service->version == PROA_GEN_VERSION, "generated code is of the library's version");
    if (refuse_late(s, service->name.data) != PROA_ERR_NONE)
        return PROA_ERR_CONFIG;
    call_binding binding = binding_of(options, size);
    binding.handlers = handlers;
    proa_err err = need_workers(s, binding.on_workers);
    for (uint32_t i = 0; i < service->method_count && err == PROA_ERR_NONE; i++) {
        binding.method = service->methods[i];
        if (!has_handler(handlers, binding.method->handler_offset))
            continue;
        err = serve(s, binding.method->path.data, &binding);
    }
    return err;
}

/* ---- Listening */

/* "127.0.0.1:80", "[::1]:80", "unix:/run/x": what a channel takes as its target. */
static void name_address(address *a)
{
    char text[128];
    io_address_format(&a->bound, text, sizeof text);
    bool is_unix = strncmp(text, "unix", 4) == 0;
    const char *colon = strchr(text, ':');
    snprintf(a->name, sizeof a->name, "%s", is_unix || !colon ? text : colon + 1);
}

static void free_address(address *a)
{
    io_tls_drop(a->tls);
    memory_free(a);
}

static proa_err listen_on(proa_server *s, const io_address *wanted, const proa_listen_options *options,
                          proa_error *error)
{
    address *a = memory_new(sizeof *a);
    if (!a)
        return error_set(error, PROA_ERR_NOMEM, "out of memory");
    a->bound = *wanted;
    a->unix_mode = options->unix_mode;
    a->tls = options->tls ? io_tls_retain(credentials_of(options->tls)) : NULL;
    proa_err err = station_listen(s->stations[0], a, s->options.loops > 1, error);
    if (err != PROA_ERR_NONE) {
        free_address(a);
        return err;
    }
    name_address(a);
    list_push(&s->addresses, &a->node);
    return PROA_ERR_NONE;
}

/* "localhost" is two addresses; the second has the port of the first, and may be missing on this machine. */
static proa_err listen_all(proa_server *s, io_target *target, const proa_listen_options *options, proa_error *error)
{
    unsigned done = 0;
    for (unsigned i = 0; i < target->addresses.count; i++) {
        proa_error failed = { 0 };
        io_address *wanted = &target->addresses.items[i];
        if (done && target->port == 0)
            io_address_set_port(wanted,
                                io_address_port(&CONTAINER_OF(s->addresses.head.previous, address, node)->bound));
        if (listen_on(s, wanted, options, &failed) == PROA_ERR_NONE)
            done++;
        else if (!error->code || failed.code != PROA_ERR_ADDRESS)
            *error = failed;
    }
    return done ? PROA_ERR_NONE : error->code;
}

proa_err proa_server_listen_(proa_server *s, const char *text, const proa_listen_options *options, size_t size)
{
    proa_listen_options o = { 0 };
    if (options)
        memcpy(&o, options, size < sizeof o ? size : sizeof o);
    if (!s)
        return PROA_ERR_NOMEM;
    if (!s->stations[0])
        return s->failure.code;
    proa_error error = { 0 };
    io_target target = { 0 };
    if (o.tls && io_tls_check(credentials_of(o.tls), true, &error) != PROA_ERR_NONE)
        error_set(&error, error.code, "%s: %s", text, error.text);
    else if (io_target_parse(text, -1, &target, &error) == PROA_ERR_NONE && !target.addresses.count)
        error_set(&error, PROA_ERR_ADDRESS, "%s: a server listens on an address, not on a name", text);
    proa_err err = error.code;
    if (err == PROA_ERR_NONE)
        err = listen_all(s, &target, &o, &error);
    return err == PROA_ERR_NONE ? PROA_ERR_NONE : keep(s, &error);
}

const char *proa_server_address(const proa_server *server, unsigned index)
{
    proa_server *s = (proa_server *)server;
    for (list_node *n = s ? list_first(&s->addresses) : NULL; n; n = list_next(&s->addresses, n))
        if (index-- == 0)
            return CONTAINER_OF(n, address, node)->name;
    return NULL;
}

/* ---- Running */

static void *run_thread(void *user)
{
    station_run(user);
    return NULL;
}

static proa_err start_station(proa_server *s, proa_error *error)
{
    station *t = station_new(s, NULL);
    if (!t)
        return error_set(error, PROA_ERR_NOMEM, "out of memory, or of file descriptors");
    s->stations[s->station_count] = t;
    atomic_fetch_add(&s->station_count, 1); /* behind the pointer: who counts may read now */
    for (list_node *n = list_first(&s->addresses); n; n = list_next(&s->addresses, n)) {
        address *a = CONTAINER_OF(n, address, node);
        if (io_address_port(&a->bound) < 0)
            continue; /* a Unix socket has one listener: the first loop's */
        proa_err err = station_listen(t, a, true, error);
        if (err != PROA_ERR_NONE)
            return err;
    }
    return PROA_ERR_NONE;
}

static proa_err start_threads(proa_server *s, proa_error *error)
{
    sigset_t all, before;
    if (start_workers(s, error) != PROA_ERR_NONE)
        return error->code;
    while (s->station_count < s->options.loops) {
        proa_err err = start_station(s, error);
        if (err != PROA_ERR_NONE)
            return err;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the program's, and its main thread's */
    int rc = 0;
    for (unsigned i = 1; i < s->station_count && !rc; i++) {
        rc = pthread_create(&s->stations[i]->thread, NULL, run_thread, s->stations[i]);
        s->stations[i]->has_thread = rc == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc ? error_set(error, PROA_ERR_IO, "a loop's thread: %s", strerror(rc)) : PROA_ERR_NONE;
}

static void post_drain_to(station *t)
{
    if (t && t->home && !atomic_exchange(&t->is_drain_posted, true))
        io_loop_post(home_io(t->home), &t->drain);
}

static void post_drain(proa_server *s)
{
    for (unsigned i = 0; i < s->station_count; i++)
        post_drain_to(s->stations[i]);
}

static void join(proa_server *s)
{
    for (unsigned i = 1; i < s->station_count; i++)
        if (s->stations[i]->has_thread)
            pthread_join(s->stations[i]->thread, NULL);
}

proa_err proa_server_run(proa_server *s, proa_error *error)
{
    proa_error mine = { 0 };
    if (!s)
        return error_set(error, PROA_ERR_NOMEM, "out of memory");
    PROA_ASSERT(!s->options.loop, "a server inside a loop is run by the loop");
    if (s->failure.code == PROA_ERR_NONE && list_is_empty(&s->addresses)) {
        error_set(&mine, PROA_ERR_CONFIG, "no address to listen on");
        keep(s, &mine);
    }
    if (s->failure.code != PROA_ERR_NONE)
        return error_set(error, s->failure.code, "%s", s->failure.text);
    proa_err err = start_threads(s, &mine);
    atomic_store(&s->is_running, true);
    if (err != PROA_ERR_NONE || atomic_load(&s->is_drain_asked))
        post_drain(s); /* asked for before there was anybody to hear it */
    station_run(s->stations[0]);
    join(s);
    return err == PROA_ERR_NONE ? err : error_set(error, err, "%s", mine.text);
}

void proa_server_drain(proa_server *s)
{
    if (!s || atomic_exchange(&s->is_drain_asked, true))
        return;
    for (station *t = atomic_load(&s->inside); t; t = t->next_inside)
        post_drain_to(t);
    if (atomic_load(&s->is_running) || s->options.loop)
        post_drain(s);
}

void proa_server_free(proa_server *s)
{
    if (!s)
        return;
    inside_free(s);
    for (unsigned i = 0; i < s->station_count; i++)
        station_free(s->stations[i]);
    workers_free(s->workers);
    for (list_node *n; (n = list_pop(&s->addresses));)
        free_address(CONTAINER_OF(n, address, node));
    methods_fini(&s->methods);
    memory_free(s);
}

/* ---- Counting */

void proa_server_get_counters_(const proa_server *s, proa_counters *out, size_t size)
{
    proa_counters all = { 0 };
    unsigned count = s ? atomic_load(&s->station_count) : 0;
    for (unsigned i = 0; i < count; i++)
        if (s->stations[i])
            counting_read(&s->stations[i]->counting, &all);
    for (station *t = s ? atomic_load(&s->inside) : NULL; t; t = t->next_inside)
        counting_read(&t->counting, &all);
    memset(out, 0, size);
    memcpy(out, &all, size < sizeof all ? size : sizeof all);
}
