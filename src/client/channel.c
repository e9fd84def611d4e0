/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: opening, closing, and the begin of calls. A call lives on its parent's home, else on the channel's. */
#include "client/channel.h"
#include "proa/codec.h"
#include <stdio.h>

#define STALE_NS (100 * PROA_MILLISECOND) /* since a driven home was turned last */

/* ---- Opening and closing */

static void set_authority(proa_channel *c)
{
    const io_target *t = &c->target;
    if (t->is_unix)
        snprintf(c->authority, sizeof c->authority, "localhost");
    else if (strchr(t->host, ':'))
        snprintf(c->authority, sizeof c->authority, "[%s]:%d", t->host, t->port);
    else
        snprintf(c->authority, sizeof c->authority, "%s:%d", t->host, t->port);
}

/* A negative time would be a wait that is over before it begins: attempts without end. */
static void set_default(int64_t *ns, int64_t value)
{
    if (*ns <= 0)
        *ns = value;
}

static void fill_in_defaults(proa_channel *c)
{
    proa_channel_options *o = &c->options;
    c->local_backoff_ns = o->max_backoff_ns > 0 ? o->max_backoff_ns : LIMITS_BACKOFF_LOCAL_MAX_NS;
    if (!o->idle_ns) /* negative: never */
        o->idle_ns = LIMITS_IDLE_NS;
    set_default(&o->initial_backoff_ns, LIMITS_BACKOFF_INITIAL_NS);
    set_default(&o->max_backoff_ns, LIMITS_BACKOFF_MAX_NS);
    set_default(&o->attempt_delay_ns, LIMITS_ATTEMPT_DELAY_NS);
    set_default(&o->resolve_ns, LIMITS_LOOKUP_INTERVAL_NS);
    set_default(&o->keepalive_timeout_ns, LIMITS_KEEPALIVE_TIMEOUT_NS);
    set_default(&o->keepalive_min_ns, LIMITS_KEEPALIVE_MIN_NS);
    if (o->attempt_delay_ns < LIMITS_ATTEMPT_DELAY_MIN_NS)
        o->attempt_delay_ns = LIMITS_ATTEMPT_DELAY_MIN_NS;
    if (o->attempt_delay_ns > LIMITS_ATTEMPT_DELAY_MAX_NS)
        o->attempt_delay_ns = LIMITS_ATTEMPT_DELAY_MAX_NS;
    if (o->keepalive_ns < 0)
        o->keepalive_ns = 0;
    if (o->keepalive_ns && o->keepalive_ns < o->keepalive_min_ns)
        o->keepalive_ns = o->keepalive_min_ns;
    if (!o->pending_calls_max)
        o->pending_calls_max = LIMITS_PENDING_CALLS_MAX;
}

static void copy_settings(proa_channel *c, const proa_channel_options *options, size_t size)
{
    if (options)
        memcpy(&c->options, options, size < sizeof c->options ? size : sizeof c->options);
    if (c->options.limits)
        limits_copy(&c->limits, c->options.limits);
    if (c->options.trace)
        c->trace = (trace){ c->options.trace->line, c->options.trace->user, c->options.trace->areas };
    c->options.limits = NULL;
    c->seed = c->options.seed;
    fill_in_defaults(c);
}

static void set_target(proa_channel *c, const char *target)
{
    if (c->acceptor)
        inprocess_target(&c->target);
    if (c->acceptor || io_target_parse(target ? target : "", 443, &c->target, &c->failure) == PROA_ERR_NONE)
        set_authority(c);
}

/* What is wrong with them is known now, and stays so: files that are read again only replace what was good. */
static void set_credentials(proa_channel *c)
{
    if (!c->options.tls)
        return;
    c->tls = io_tls_retain(credentials_of(c->options.tls));
    if (c->failure.code == PROA_ERR_NONE)
        (void)!io_tls_check(c->tls, false, &c->failure);
}

proa_channel *channel_open(const char *target, proa_loop *home, call_acceptor *acceptor,
                           const proa_channel_options *options, size_t size)
{
    proa_channel *c = memory_new(sizeof *c);
    if (!c)
        return NULL;
    if (pthread_mutex_init(&c->shared.lock, NULL)) {
        memory_free(c);
        return NULL;
    }
    copy_settings(c, options, size);
    list_init(&c->shared.parts);
    atomic_init(&c->references, 1);
    PROA_ASSERT(!c->options.on_state || c->options.loop, "callbacks need a channel with a loop");
    c->acceptor = acceptor;
    c->home = home ? home : c->options.loop;
    c->owns_home = !c->home || home_is_driven(c->home);
    if (!c->home) {
        c->home = home_new(&(proa_loop_options){ .trace = c->options.trace }, true);
    }
    if (!c->home) {
        pthread_mutex_destroy(&c->shared.lock);
        memory_free(c);
        return NULL;
    }
    if (!c->options.seed)
        c->seed = io_loop_seed(home_io(c->home), c);
    set_target(c, target);
    set_credentials(c);
    state_init(c);
    return c;
}

/* NULL for want of memory: then every call of it fails as RESOURCE_EXHAUSTED. */
proa_channel *proa_channel_open_(const char *target, const proa_channel_options *options, size_t size)
{
    return channel_open(target, NULL, NULL, options, size);
}

void channel_retain(proa_channel *c)
{
    atomic_fetch_add(&c->references, 1);
}

static void free_channel(void *channel)
{
    proa_channel *c = channel;
    if (c->owns_home)
        proa_loop_free(c->home);
    io_tls_drop(c->tls);
    pthread_mutex_destroy(&c->shared.lock);
    memory_free(c);
}

/* A driven home goes with the channel, behind the last leave: somebody may be on his way out of it. */
void channel_release(proa_channel *c, const proa_loop *entered)
{
    if (atomic_fetch_sub(&c->references, 1) != 1)
        return;
    if (!c->owns_home) {
        free_channel(c);
        return;
    }
    proa_loop *home = c->home;
    if (home != entered)
        home_enter(home);
    home_end_with(home, free_channel, c);
    if (home != entered)
        home_leave(home);
}

/* Parts on this thread, and on the channel's own driven home, close now; others close in the threads that turn their homes. */
static bool is_mine(const proa_channel *c, const channel_part *part)
{
    return home_is_here(part->home) || (c->owns_home && part->home == c->home);
}

/* Its part is told to close; gives a home that somebody else could drive and nobody does, entered; NULL: none is left. It is
 * tried alone: whoever is in there may be on his way to this lock. */
static proa_loop *close_elsewhere(proa_channel *c)
{
    proa_loop *rests = NULL;
    pthread_mutex_lock(&c->shared.lock);
    c->shared.is_closed = true;
    for (list_node *n = list_first(&c->shared.parts); n && !rests; n = list_next(&c->shared.parts, n)) {
        channel_part *part = CONTAINER_OF(n, channel_part, node);
        if (is_mine(c, part))
            continue;
        part_post(part, PART_CLOSE);
        if (home_try_enter(part->home))
            rests = part->home;
    }
    pthread_mutex_unlock(&c->shared.lock);
    return rests;
}

static channel_part *part_here(proa_channel *c)
{
    channel_part *found = NULL;
    pthread_mutex_lock(&c->shared.lock);
    for (list_node *n = list_first(&c->shared.parts); n && !found; n = list_next(&c->shared.parts, n)) {
        channel_part *part = CONTAINER_OF(n, channel_part, node);
        if (is_mine(c, part))
            found = part;
    }
    pthread_mutex_unlock(&c->shared.lock);
    return found;
}

void proa_channel_close(proa_channel *c)
{
    if (!c)
        return;
    proa_loop *home = c->owns_home ? c->home : NULL;
    for (proa_loop *other; (other = close_elsewhere(c));)
        home_leave(other); /* which turns it: the part hears of it */
    if (home)
        home_enter(home);
    state_close(c);
    for (channel_part *part; (part = part_here(c));)
        part_close(part);
    channel_release(c, home);
    if (home)
        home_leave(home);
}

/* Its part here now, others in their own threads. */
static void reset_here(proa_channel *c)
{
    home_enter(c->home);
    if (c->own)
        part_reset(c->own);
    home_leave(c->home);
}

void proa_channel_reset_backoff(proa_channel *c)
{
    if (!c)
        return;
    bool is_here = home_is_driven(c->home) || home_is_here(c->home);
    pthread_mutex_lock(&c->shared.lock);
    for (list_node *n = list_first(&c->shared.parts); n; n = list_next(&c->shared.parts, n)) {
        channel_part *part = CONTAINER_OF(n, channel_part, node);
        if (!is_here || part->home != c->home)
            part_post(part, PART_RESET);
    }
    pthread_mutex_unlock(&c->shared.lock);
    if (is_here)
        reset_here(c);
}

/* ---- Calls */

static void submit(void *owner, proa_call *call)
{
    proa_channel *c = owner;
    channel_part *part;
    if (call_is_over(call))
        return;
    if (c->failure.code != PROA_ERR_NONE) {
        call_refuse(call, PROA_UNAVAILABLE, "%s", c->failure.text);
        return;
    }
    switch (part_of(c, call_home(call), &part)) {
    case PROA_ERR_NONE: part_submit(part, call); break;
    case PROA_ERR_CLOSED: call_refuse(call, PROA_CANCELLED, "the channel was closed"); break;
    default: call_refuse(call, PROA_RESOURCE_EXHAUSTED, "no memory for a connection");
    }
}

/* It waits in a part, so there is one; closing takes those that wait out before the part goes. */
static void forget(void *owner, proa_call *call)
{
    channel_part *part;
    if (part_of(owner, call_home(call), &part) == PROA_ERR_NONE)
        part_forget(part, call);
}

static void gone(void *owner, proa_loop *home)
{
    channel_release(owner, home);
}

static const call_hooks hooks = { .submit = submit, .forget = forget, .gone = gone };

/* A home that nobody drove for a while does not know what has become of its connections: a server that went meanwhile would
 * take a call with it, and the idle ones are due. */
static void catch_up(proa_loop *home)
{
    if (home_is_driven(home) && !home_is_here(home) && home_now(home) - io_loop_now(home_io(home)) > STALE_NS)
        home_turn(home, 0);
}

/* NULL: no memory; every verb takes that for a call that ended as RESOURCE_EXHAUSTED. */
static proa_call *begin(proa_channel *c, const proa_method *method, const char *path, const void *request,
                        const proa_call_options *given, size_t size)
{
    static const proa_call_options defaults;
    proa_call_options options;
    if (!given)
        options = defaults;
    else if (size >= sizeof options)
        options = *given;
    else
        memcpy(memset(&options, 0, sizeof options), given, size); /* of a program that knows fewer of them */
    if (!c)
        return NULL;
    PROA_ASSERT(!method || method->version == PROA_GEN_VERSION, "generated code is of the library's version");
    proa_loop *home = options.parent ? call_home(options.parent) : c->home;
    bool is_remote = options.parent && !home_is_here(home);
    if (!is_remote) {
        home_enter(home);
        catch_up(home);
    }
    channel_retain(c);
    proa_call *call = call_make(home, &(call_making){ .method = method,
                                                      .path = path,
                                                      .options = &options,
                                                      .timeout_ns = c->options.timeout_ns,
                                                      .receive_bytes_max = c->options.receive_bytes_max,
                                                      .queue_bytes_max = c->options.queue_bytes_max,
                                                      .hooks = &hooks,
                                                      .owner = c,
                                                      .is_remote = is_remote });
    if (!call)
        channel_release(c, is_remote ? NULL : home);
    else if (!is_remote)
        submit(c, call);
    if (call && request)
        call_request(call, request);
    if (call && is_remote)
        call_submit(call);
    if (!is_remote)
        home_leave(home);
    return call;
}

proa_call *proa_call_begin_(proa_channel *channel, const char *path, const proa_call_options *options, size_t size)
{
    return begin(channel, NULL, path, NULL, options, size);
}

proa_call *proa_gen_begin(proa_channel *channel, const proa_method *method, const void *request,
                          const proa_call_options *options, size_t size)
{
    return begin(channel, method, NULL, request, options, size);
}

proa_status proa_gen_call(proa_channel *channel, const proa_method *method, const void *request, void *reply,
                          proa_arena *arena, const proa_call_options *options, size_t size)
{
    proa_call *call = begin(channel, method, NULL, request, options, size);
    if (call)
        return call_await(call, reply, arena);
    memset(reply, 0, method->reply->size);
    return proa_call_status(NULL);
}
