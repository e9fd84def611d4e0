/* SPDX-License-Identifier: Apache-2.0 */
/* Keepalive, idleness and age. Times are compared, never counted down: a late tick changes nothing. */
#include "rpc/upkeep.h"
#include "base/bytes.h"

#define NEVER INT64_MAX

static int64_t later(int64_t from, int64_t ns)
{
    return ns == NEVER || from > NEVER - ns ? NEVER : from + ns;
}

static int64_t or_never(int64_t ns)
{
    return ns > 0 ? ns : NEVER;
}

/* gRFC A9: +-10 %, so that connections of one moment do not all end in one moment. */
static int64_t jitter(int64_t ns, uint64_t seed)
{
    if (ns == NEVER)
        return NEVER;
    uint64_t mixed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    int64_t permille = 900 + (int64_t)((mixed ^ mixed >> 31) % 201);
    return ns > NEVER / 1100 ? NEVER : ns / 1000 * permille + ns % 1000 * permille / 1000;
}

void upkeep_init(upkeep *u, const rpc_options *options, int64_t now)
{
    bool is_server = options->role == H2_SERVER;
    *u = (upkeep){
        .role = options->role,
        .keepalive_ns = or_never(options->keepalive_ns),
        .timeout_ns = options->keepalive_timeout_ns > 0 ? options->keepalive_timeout_ns : UPKEEP_TIMEOUT_NS,
        .idle_max_ns = is_server ? or_never(options->idle_max_ns) : NEVER,
        .grace_ns = or_never(options->age_grace_ns),
        .is_without_calls = is_server || options->keepalive_without_calls,
        .read_at = now,
        .pinged_at = NEVER,
        .idle_since = now,
    };
    int64_t age = is_server ? jitter(or_never(options->age_max_ns), options->seed) : NEVER;
    u->age_at = later(now, age);
}

bool upkeep_begin(upkeep *u, unsigned calls, int64_t now)
{
    if (u->is_without_calls || calls || u->pinged_at != NEVER || now < later(u->read_at, u->keepalive_ns))
        return false; /* where it matters, tick has asked already */
    u->pinged_at = now;
    return true;
}

/* When the PING is to go out, or when the wait for its answer is over. */
static int64_t keepalive_at(const upkeep *u, upkeep_view view)
{
    if (u->pinged_at != NEVER)
        return later(u->pinged_at, u->timeout_ns);
    return view.calls || u->is_without_calls ? later(u->read_at, u->keepalive_ns) : NEVER;
}

static int64_t idle_at(const upkeep *u, upkeep_view view)
{
    return view.calls || u->is_draining ? NEVER : later(u->idle_since, u->idle_max_ns);
}

static int64_t age_at(const upkeep *u)
{
    return u->is_draining ? NEVER : u->age_at;
}

static int64_t grace_at(const upkeep *u, upkeep_view view)
{
    return u->is_aged && view.calls ? later(view.final_at, u->grace_ns) : NEVER;
}

int64_t upkeep_deadline(const upkeep *u, upkeep_view view)
{
    int64_t deadline = keepalive_at(u, view), others[] = { idle_at(u, view), age_at(u), grace_at(u, view) };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        deadline = others[i] < deadline ? others[i] : deadline;
    return deadline;
}

static upkeep_due drain(upkeep *u, upkeep_due why)
{
    u->is_draining = true;
    u->is_aged = why == UPKEEP_DRAIN_AGE;
    return why;
}

static upkeep_due tick_keepalive(upkeep *u, bool is_deaf, int64_t now)
{
    if (is_deaf) { /* output is full, or the peer is slowed down: h2 has its own limits for that */
        upkeep_read(u, now);
        return UPKEEP_NOTHING;
    }
    if (u->pinged_at != NEVER)
        return UPKEEP_LOST;
    u->pinged_at = now;
    return UPKEEP_PING;
}

upkeep_due upkeep_tick(upkeep *u, upkeep_view view, int64_t now)
{
    if (now >= keepalive_at(u, view)) {
        upkeep_due due = tick_keepalive(u, view.is_deaf, now);
        if (due)
            return due;
    }
    if (now >= grace_at(u, view)) {
        u->is_aged = false;
        return UPKEEP_STOP;
    }
    if (now >= age_at(u))
        return drain(u, UPKEEP_DRAIN_AGE);
    return now >= idle_at(u, view) ? drain(u, UPKEEP_DRAIN_IDLE) : UPKEEP_NOTHING;
}
