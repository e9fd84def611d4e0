/* SPDX-License-Identifier: Apache-2.0 */
/* Draws a world: how many act, what troubles there are, and a plan for each call. */
#include "cast.h"
#include <stdio.h>

static void draw_limits(world *w, proa_limits *l)
{
    if (world_chance(w, 300))
        l->streams_max = (uint32_t)world_between(w, 1, 8);
    if (world_chance(w, 300))
        l->connection_window_bytes = 65535 + (uint32_t)world_below(w, 65536);
    if (world_chance(w, 400))
        l->stream_window_bytes = (uint32_t)world_between(w, 1, 65535);
    if (world_chance(w, 300))
        l->header_table_bytes_max = (uint32_t)world_below(w, 300);
    if (world_chance(w, 400))
        l->frame_bytes_max = 16384;
    if (world_chance(w, 200))
        l->held_bytes_max = (uint32_t)world_between(w, 20000, 200000);
    if (world_chance(w, 150)) { /* most messages are larger than the window, and some than all that may be held */
        l->stream_window_bytes = (uint32_t)world_between(w, 1, 2000);
        l->held_bytes_max = (uint32_t)world_between(w, 8000, 24000);
    }
}

static void draw_troubles(world *w)
{
    troubles *t = &w->troubles;
    w->is_clean = world_chance(w, 250);
    if (w->is_clean)
        return;
    t->reset = world_chance(w, 400) ? 400 : 0;
    t->cut = world_chance(w, 300) ? 300 : 0;
    t->silence = world_chance(w, 250) ? 200 : 0;
    t->stall = world_chance(w, 300) ? 400 : 0;
    t->refuse = world_chance(w, 200) ? 200 : 0;
    t->connect_silent = world_chance(w, 150) ? 150 : 0;
    t->connect_error = world_chance(w, 150) ? 150 : 0;
    t->memory = world_chance(w, 250) ? 1000 : 0;
    t->clock = world_chance(w, 150) ? 1000 : 0;
    t->late = world_chance(w, 200) ? 1000 : 0;
    t->restart = world_chance(w, 350) ? 900 : 0;
    t->close = world_chance(w, 150) ? 500 : 0;
}

static unsigned draw_count(world *w)
{
    return (unsigned)world_between(w, 0, world_chance(w, 150) ? 200 : 12);
}

static void draw_timing(world *w, plan *p)
{
    p->timeout_ns = world_chance(w, 100)   ? world_between(w, 1 * MS, 5 * SECOND)
                    : world_chance(w, 20)  ? -1
                    : world_chance(w, 300) ? 0
                                           : world_between(w, 600 * SECOND, 3600 * SECOND);
    p->think_ns = world_chance(w, 250)  ? world_between(w, 1000, 5 * SECOND)
                  : world_chance(w, 40) ? world_between(w, 30 * SECOND, 300 * SECOND)
                                        : 0;
    p->reply_pause_ns = world_chance(w, 120) ? world_between(w, 1000, 200 * MS) : 0;
    p->read_pause_ns = world_chance(w, 120) ? world_between(w, 1000, 200 * MS) : 0;
    p->client_pause_ns = world_chance(w, 120) ? world_between(w, 1000, 200 * MS) : 0;
    /* In a world that breaks, a call without an end of its own might wait for a silent connection for ever. */
    if (!w->is_clean && !p->timeout_ns)
        p->timeout_ns = 3600 * SECOND;
}

static void draw_plan(cast *cast, plan *p, unsigned id)
{
    static const proa_code answers[] = { PROA_NOT_FOUND,         PROA_INVALID_ARGUMENT, PROA_FAILED_PRECONDITION,
                                         PROA_PERMISSION_DENIED, PROA_ABORTED,          PROA_DATA_LOSS,
                                         PROA_UNAUTHENTICATED,   PROA_OUT_OF_RANGE,     PROA_ALREADY_EXISTS };
    world *w = cast->world;
    p->id = id;
    p->shape = (shape)world_below(w, 4);
    p->client = &cast->clients[world_below(w, cast->client_count)];
    p->server = &cast->servers[world_below(w, cast->server_count)];
    p->token = world_dice(w);
    p->requests = p->shape == IN || p->shape == BOTH ? draw_count(w) : 1;
    p->replies = p->shape == OUT || p->shape == BOTH ? draw_count(w) : 1;
    p->header_count = (unsigned)world_below(w, HEADERS_MAX);
    p->long_header = world_chance(w, 20) ? 100 + (unsigned)world_below(w, 30000) : 0;
    unsigned dice = (unsigned)world_below(w, 100);
    p->size_class = dice < 50 ? 0 : dice < 80 ? 1 : dice < 85 ? 3 : dice < 97 ? 2 : 4;
    if (p->size_class == 4 || p->size_class == 2) {
        p->requests = p->requests > 12 ? 12 : p->requests;
        p->replies = p->replies > 12 ? 12 : p->replies;
    }
    p->answer = world_chance(w, 120) ? answers[world_below(w, sizeof answers / sizeof answers[0])] : PROA_OK;
    p->answer_after = p->answer != PROA_OK && p->requests && world_chance(w, 400)
                          ? (unsigned)world_below(w, p->requests + 1)
                          : UINT_MAX;
    if (p->shape == ONE || p->shape == OUT)
        p->answer_after = UINT_MAX;
    p->is_over_limit = p->answer == PROA_OK && p->replies && world_chance(w, 15);
    p->is_rude = world_chance(w, 20);
    p->is_unknown_method = p->shape == ONE && world_chance(w, 40);
    p->waits_for_ready = world_chance(w, 200);
    p->later_ns = (p->shape == ONE || p->shape == IN) && world_chance(w, 150) ? world_between(w, 0, 3 * SECOND) : 0;
    draw_timing(w, p);
    p->begin.fire = client_begin;
    p->cancel.fire = client_cancel;
    p->read.fire = client_read;
    world_plan(w, &p->begin, w->now + world_between(w, 0, 40 * SECOND));
    if (world_chance(w, 120))
        world_plan(w, &p->cancel, p->begin.at + world_between(w, 0, 8 * SECOND));
}

static void init_actor(actor *a, world *w, unsigned number)
{
    *a = (actor){ .world = w, .number = number, .loop = home_new_on(network_face(w->network), NULL) };
    if (!a->loop)
        world_fail(w, "a loop can be made", "number %u", number);
}

static void on_close(event *event)
{
    client *c = CONTAINER_OF(event, client, close);
    cast *cast = c->actor.world->cast;
    world_tell(c->actor.world, "client %u: closes its channels", c->actor.number);
    cover(c->actor.world, COVER_CHANNEL_CLOSED);
    c->is_closed = true;
    for (unsigned i = 0; i < cast->plan_count; i++)
        if (cast->plans[i].client == c && !cast->plans[i].is_done)
            cast->plans[i].was_closed = true;
    for (unsigned i = 0; i < cast->server_count; i++) {
        proa_channel_close(c->channels[i]);
        c->channels[i] = NULL;
    }
}

static void on_state(proa_channel *channel, proa_channel_state state, void *user)
{
    static const coverage_point points[] = { COVER_CHANNEL_IDLE, COVER_CHANNEL_CONNECTING, COVER_CHANNEL_READY,
                                             COVER_CHANNEL_FAILURE };
    static const char *const names[] = { "IDLE", "CONNECTING", "READY", "TRANSIENT_FAILURE" };
    client *c = user;
    unsigned i = 0;
    while (i < SERVERS_MAX && c->channels[i] != channel)
        i++;
    if (state >= PROA_CHANNEL_SHUTDOWN) {
        world_fail(c->actor.world, "a channel that is open is not SHUTDOWN", "client %u", c->actor.number);
        return;
    }
    cover(c->actor.world, points[state]);
    world_tell(c->actor.world, "client %u: its channel to server %u is %s", c->actor.number, i, names[state]);
}

static proa_channel_options draw_channel(world *w, client *c)
{
    proa_channel_options o = { .loop = c->actor.loop,
                               .plaintext = true,
                               .limits = &c->limits,
                               .receive_bytes_max = 300 * 1024,
                               .on_state = on_state,
                               .user = c };
    o.idle_ns = world_chance(w, 200) ? world_between(w, 1 * SECOND, 60 * SECOND) : 0;
    o.keepalive_ns = world_chance(w, 300) ? world_between(w, 10 * SECOND, 100 * SECOND) : 0;
    o.keepalive_timeout_ns = !w->is_clean && world_chance(w, 300) ? 2 * SECOND : 0;
    o.connect_ns = world_chance(w, 300) ? world_between(w, 2 * SECOND, 20 * SECOND) : 0;
    return o;
}

/* Some know two addresses, and not always does somebody listen at both. */
static proa_channel *open_channel(world *w, const server *s, const proa_channel_options *options)
{
    char target[96];
    bool has_two = world_chance(w, 300), is_second_first = world_chance(w, 500);
    if (has_two) {
        cover(w, COVER_TWO_ADDRESSES);
        snprintf(target, sizeof target, "ipv4:%s,%s", is_second_first ? s->second : s->address,
                 is_second_first ? s->address : s->second);
    } else {
        snprintf(target, sizeof target, "%s", s->address);
    }
    return proa_channel_open(target, options);
}

static void open_client(cast *cast, client *c, unsigned number)
{
    world *w = cast->world;
    init_actor(&c->actor, w, number);
    draw_limits(w, &c->limits);
    c->limits.streams_max = 0;
    proa_channel_options options = draw_channel(w, c);
    if (options.keepalive_timeout_ns) /* on a slow way a PING may stand behind more than that */
        network_note_trouble(w->network, home_io(c->actor.loop));
    for (unsigned i = 0; i < cast->server_count; i++)
        c->channels[i] = open_channel(w, &cast->servers[i], &options);
    c->close.fire = on_close;
    if (world_chance(w, w->troubles.close))
        world_plan(w, &c->close, w->now + world_between(w, 1 * SECOND, 60 * SECOND));
}

void cast_open(cast *cast, world *w)
{
    *cast = (struct cast){ .world = w };
    w->cast = cast;
    w->network = network_new(w);
    draw_troubles(w);
    cast->is_uniform = world_chance(w, 250);
    cast->server_count = (unsigned)world_between(w, 1, SERVERS_MAX);
    cast->client_count = (unsigned)world_between(w, 1, CLIENTS_MAX);
    cast->plan_count = (unsigned)world_between(w, 1, world_chance(w, 200) ? PLANS_MAX : 40);
    for (unsigned i = 0; i < cast->server_count; i++) {
        server *s = &cast->servers[i];
        init_actor(&s->actor, w, i);
        snprintf(s->address, sizeof s->address, "10.0.0.%u:50051", i + 1);
        snprintf(s->second, sizeof s->second, "10.0.1.%u:50051", i + 1);
        s->has_second = world_chance(w, 300);
        draw_limits(w, &s->limits);
        s->limits.ping_interval_min_ns = 5 * SECOND;
        s->limits.header_list_bytes_max = 64 * 1024;
        s->keepalive_ns = world_chance(w, 200) ? world_between(w, 1 * SECOND, 100 * SECOND) : 0;
        s->idle_max_ns = world_chance(w, 200) ? world_between(w, 1 * SECOND, 30 * SECOND) : 0;
        s->age_max_ns = world_chance(w, 200) ? world_between(w, 1 * SECOND, 60 * SECOND) : 0;
        s->age_grace_ns = !w->is_clean && world_chance(w, 300) ? world_between(w, 1 * SECOND, 60 * SECOND) : 0;
        if (!server_open(s))
            world_fail(w, "a server can listen", "%s", s->address);
        server_plan_fate(s);
    }
    for (unsigned i = 0; i < cast->client_count; i++)
        open_client(cast, &cast->clients[i], i);
    for (unsigned i = 0; i < cast->plan_count; i++)
        draw_plan(cast, &cast->plans[i], i);
    world_tell(w, "seed %llu: %u servers, %u clients, %u calls%s", (unsigned long long)w->seed, cast->server_count,
               cast->client_count, cast->plan_count, w->is_clean ? ", no trouble" : "");
}

void cast_close_channels(cast *cast)
{
    for (unsigned i = 0; i < cast->client_count; i++)
        for (unsigned k = 0; k < cast->server_count; k++) {
            proa_channel_close(cast->clients[i].channels[k]);
            cast->clients[i].channels[k] = NULL;
        }
}

void cast_free(cast *cast)
{
    for (unsigned i = 0; i < cast->server_count; i++)
        proa_server_free(cast->servers[i].server);
    for (unsigned i = 0; i < cast->client_count + cast->server_count; i++) {
        actor *a = i < cast->client_count ? &cast->clients[i].actor : &cast->servers[i - cast->client_count].actor;
        if (io_loop_wait_ns(home_io(a->loop)) != INT64_MAX)
            world_fail(cast->world, "nothing is left on a loop", "%s %u", i < cast->client_count ? "client" : "server",
                       a->number);
        proa_loop_free(a->loop);
    }
    if (network_open(cast->world->network))
        world_fail(cast->world, "every socket is closed", "%u are open", network_open(cast->world->network));
    else
        network_free(cast->world->network);
}
