/* SPDX-License-Identifier: Apache-2.0 */
/* A lane is a stream that has one call after the other; closed loop: the next begins when one ends; open loop: lanes wait
 * in `idle` for arrivals. The run:  probe (one call on each connection) -> warm-up -> measured part -> end.
 *
 * Calls are exchanges of rpc, and all is done when an event says so: nothing here is user code that would have to wait for
 * the dispatch phase. */
#include "cli/bench_load.h"
#include "cli/bench_link.h"
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#define REST_NS (10 * PROA_MILLISECOND)  /* of a lane whose server was away */
#define POLL_NS (100 * PROA_MILLISECOND) /* between looks at SIGINT */
#define END_NS  (10 * PROA_SECOND)       /* for the last events of calls that were cut off */

typedef enum phase { PROBE, WARMUP, MEASURED, END } phase;

typedef struct lane {
    list_node node; /* of load.idle, of load.resting, or of load.waiting */
    struct load *load;
    unsigned link;
    rpc_exchange *exchange; /* NULL: no call runs, or it waits for its connection */
    int64_t intended_ns;    /* when it should have begun */
    int64_t rests_until_ns;
    uint64_t to_push;   /* messages */
    int64_t *pushed_ns; /* bidi with a pipeline: a ring, when each message on its way was pushed */
    unsigned first, on_way;
    bool is_probe, is_counted;
} lane;

typedef struct load {
    const bench_options *options;
    bench_result *result, *second; /* all of the measured part; the second that runs, NULL: nobody looks */
    bench_on_second on_second;
    void *user;
    io_loop *loop;
    hold_pool *pool;
    bench_links *links;
    proa_arena *arena; /* for the text of a failure */
    lane *lanes;
    size_t lane_count;
    int64_t *rings;
    rpc_request request; /* but its user and its deadline */
    phase phase;
    list idle, resting;
    list *waiting;          /* of each link: lanes that have begun, and have no connection or no stream yet */
    unsigned open, probing; /* calls; probes that nothing is known of */
    uint64_t begun;         /* calls of the measured part */
    int64_t arrivals_from_ns, phase_ends_ns, measured_from_ns, second_from_ns, next_poll_ns;
    uint64_t arrivals;
    int64_t cpu_from_ns, second_cpu_from_ns;
    bool has_failed;
} load;

static int64_t cpu_now(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * PROA_SECOND + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static bool is_measured(const load *l)
{
    return l->phase == MEASURED;
}

/* ---- Counting */

static void count_call(load *l, const lane *lane, proa_code code, int64_t now)
{
    if (l->phase == END)
        l->result->cut++;
    if (!is_measured(l) || (l->options->calls_max && !lane->is_counted))
        return;
    for (bench_result *r = l->result; r; r = r == l->second ? NULL : l->second) {
        r->calls++;
        r->statuses[(unsigned)code < BENCH_CODES ? code : PROA_UNKNOWN]++;
        if (code == PROA_OK)
            histogram_add(&r->calls_took, now - lane->intended_ns);
    }
}

static void count_sent(load *l)
{
    if (!is_measured(l))
        return;
    l->result->messages_sent++;
    if (l->second)
        l->second->messages_sent++;
}

static void count_received(load *l, uint64_t messages, uint64_t bytes)
{
    if (!is_measured(l))
        return;
    l->result->messages_received += messages;
    l->result->bytes_received += bytes;
    if (l->second)
        l->second->messages_received += messages;
}

static void keep_failure(load *l, proa_status status)
{
    if (!l->result->failure[0])
        snprintf(l->result->failure, sizeof l->result->failure, "%s%s%.*s", proa_code_name(status.code),
                 status.message.size ? ": " : "", PROA_FMT(status.message));
}

/* ---- Messages */

/* A message came back: the oldest on its way. */
static void note_return(lane *lane)
{
    unsigned size = lane->load->options->pipeline;
    if (!lane->on_way)
        return;
    if (is_measured(lane->load))
        histogram_add(&lane->load->result->messages_took, io_clock_now() - lane->pushed_ns[lane->first]);
    lane->first = lane->first + 1 == size ? 0 : lane->first + 1;
    lane->on_way--;
}

static void pop_all(lane *lane)
{
    load *l = lane->load;
    uint64_t messages = 0, bytes = 0;
    bool is_single = l->options->shape == BENCH_UNARY; /* a second one would be wrong: it goes with the exchange */
    for (proa_slice reply; !(is_single && messages) && rpc_exchange_pop(lane->exchange, &reply); messages++) {
        bytes += reply.bytes.size;
        hold_release_to(l->pool, reply.hold);
        if (lane->pushed_ns)
            note_return(lane);
    }
    if (messages)
        count_received(l, messages, bytes);
}

static bool push_one(lane *lane)
{
    load *l = lane->load;
    const bench_options *o = l->options;
    if (lane->pushed_ns) {
        unsigned at = lane->first + lane->on_way++;
        lane->pushed_ns[at < o->pipeline ? at : at - o->pipeline] = io_clock_now();
    }
    lane->to_push--;
    count_sent(l);
    proa_slice message = slice_share(&o->message);
    return rpc_exchange_push_slice(lane->exchange, &message);
}

static void push_some(lane *lane, bool has_room)
{
    const bench_options *o = lane->load->options;
    if (!lane->to_push)
        return;
    while (has_room && lane->to_push && (!lane->pushed_ns || lane->on_way < o->pipeline))
        has_room = push_one(lane);
    if (!lane->to_push)
        rpc_exchange_end_requests(lane->exchange);
}

/* ---- Calls */

static void begin_call(lane *lane, int64_t intended_ns);
static void begin_arrivals(load *l, int64_t now);

static void probe_is_good(lane *lane)
{
    if (lane->is_probe)
        lane->load->probing--;
    lane->is_probe = false;
}

static bool may_begin(const load *l)
{
    return l->phase == WARMUP || (is_measured(l) && (!l->options->calls_max || l->begun < l->options->calls_max));
}

/* What fails at once, without a server, would fail for ever at once and heat the core: then it rests. */
static void go_on(lane *lane, bool must_rest, int64_t now)
{
    load *l = lane->load;
    if (l->phase == PROBE || l->phase == END)
        return;
    if (must_rest) {
        lane->rests_until_ns = now + REST_NS;
        list_push(&l->resting, &lane->node);
    } else if (l->options->rate > 0) {
        list_push(&l->idle, &lane->node);
        begin_arrivals(l, now);
    } else if (may_begin(l)) {
        begin_call(lane, now);
    }
}

static void end_call(lane *lane, proa_status status, bool must_rest)
{
    load *l = lane->load;
    int64_t now = io_clock_now();
    l->open--;
    count_call(l, lane, status.code, now);
    if (status.code != PROA_OK && l->phase != END) {
        keep_failure(l, status);
        l->has_failed = l->has_failed || (lane->is_probe && !l->options->keeps_going);
    }
    probe_is_good(lane);
    go_on(lane, must_rest, now);
}

static void end_exchange(lane *lane)
{
    load *l = lane->load;
    pop_all(lane);
    proa_status status = rpc_exchange_status(lane->exchange, l->arena);
    rpc_exchange_release(lane->exchange);
    lane->exchange = NULL;
    end_call(lane, status, status.code == PROA_UNAVAILABLE);
    if (status.code != PROA_OK)
        proa_arena_reset(l->arena);
}

static void fail_call(lane *lane, proa_code code, const char *text)
{
    end_call(lane, (proa_status){ .code = code, .message = proa_bytes_of(text) }, true);
}

static uint64_t messages_of(const lane *lane)
{
    const bench_options *o = lane->load->options;
    if (o->shape == BENCH_UNARY || o->shape == BENCH_SERVER || lane->is_probe)
        return 1;
    return o->messages ? o->messages : UINT64_MAX;
}

/* False: there is no connection, or no stream on it; the lane waits. */
static bool begin_exchange(lane *lane)
{
    load *l = lane->load;
    rpc_endpoint *endpoint = bench_links_endpoint(l->links, lane->link);
    proa_err err = PROA_ERR_CLOSED;
    l->request.user = lane;
    l->request.deadline_ns = l->options->timeout_ns ? lane->intended_ns + l->options->timeout_ns : INT64_MAX;
    if (endpoint)
        err = rpc_exchange_begin(endpoint, &l->request, io_loop_now(l->loop), &lane->exchange);
    if (err == PROA_ERR_LIMIT || err == PROA_ERR_CLOSED) {
        list_push(l->waiting + lane->link, &lane->node);
        return false;
    }
    if (err != PROA_ERR_NONE) {
        fail_call(lane, err == PROA_ERR_MALFORMED ? PROA_INTERNAL : rpc_code_of_err(err),
                  err == PROA_ERR_MALFORMED ? "a header or the path holds what HTTP forbids" : error_name(err));
        return true;
    }
    push_some(lane, true);
    bench_links_touch(l->links, lane->link);
    return true;
}

static void begin_call(lane *lane, int64_t intended_ns)
{
    load *l = lane->load;
    lane->intended_ns = intended_ns;
    lane->to_push = messages_of(lane);
    lane->first = lane->on_way = 0;
    lane->is_counted = is_measured(l);
    l->begun += lane->is_counted;
    l->open++;
    begin_exchange(lane);
}

/* ---- What links say */

/* Those that wait, as far as there is room. */
static void on_room(void *owner, unsigned index)
{
    load *l = owner;
    for (list_node *node; (node = list_pop(l->waiting + index));) {
        lane *lane = CONTAINER_OF(node, struct lane, node);
        if (!begin_exchange(lane)) {
            list_remove(node); /* it keeps its place */
            list_push_first(l->waiting + index, node);
            return;
        }
    }
}

static void on_down(void *owner, unsigned index, const proa_error *error)
{
    load *l = owner;
    list gone;
    list_init(&gone);
    for (list_node *node; (node = list_pop(l->waiting + index));)
        list_push(&gone, node);
    for (list_node *node; (node = list_pop(&gone));)
        fail_call(CONTAINER_OF(node, lane, node), PROA_UNAVAILABLE, error->text);
}

/* The one message of a unary call is popped at its end. */
static void on_event(void *owner, const rpc_event *event)
{
    lane *lane = rpc_exchange_user(event->exchange);
    if (event->type == RPC_EVENT_END) {
        end_exchange(lane);
        return;
    }
    if (((load *)owner)->options->shape == BENCH_UNARY)
        return;
    if (event->type == RPC_EVENT_HEADERS)
        probe_is_good(lane);
    else if (event->type == RPC_EVENT_MESSAGE)
        pop_all(lane);
    push_some(lane, lane->to_push && rpc_exchange_can_push(lane->exchange));
}

static const bench_links_handler links_handler = { .on_event = on_event, .on_room = on_room, .on_down = on_down };

/* ---- Time: arrivals, lanes that rest, seconds, phases */

static int64_t arrival_ns(const load *l)
{
    return l->arrivals_from_ns + (int64_t)((double)l->arrivals / l->options->rate * 1e9);
}

static void begin_arrivals(load *l, int64_t now)
{
    for (int64_t due; may_begin(l) && (due = arrival_ns(l)) <= now; l->arrivals++) {
        list_node *node = list_pop(&l->idle);
        if (node)
            begin_call(CONTAINER_OF(node, lane, node), due);
        else if (now - due <= l->options->late_ns)
            return; /* it may still find a lane */
        else if (is_measured(l))
            l->result->skipped++;
    }
}

static void end_rests(load *l, int64_t now)
{
    for (list_node *node; (node = list_first(&l->resting));) {
        lane *lane = CONTAINER_OF(node, struct lane, node);
        if (lane->rests_until_ns > now)
            return;
        list_remove(node);
        go_on(lane, false, now);
    }
}

static void tell_second(load *l, int64_t now)
{
    int64_t cpu = cpu_now();
    l->second->elapsed_ns = now - l->second_from_ns;
    l->second->cpu_ns = cpu - l->second_cpu_from_ns;
    l->on_second((double)(now - l->measured_from_ns) / 1e9, l->second, l->user);
    memset(l->second, 0, sizeof *l->second);
    l->second_from_ns = now;
    l->second_cpu_from_ns = cpu;
}

static void begin_lanes(load *l, int64_t now)
{
    l->arrivals_from_ns = now;
    for (size_t i = 0; i < l->lane_count; i++) {
        lane *lane = l->lanes + i;
        if (lane->exchange || list_has(&lane->node))
            continue;
        if (l->options->rate > 0)
            list_push(&l->idle, &lane->node);
        else if (may_begin(l))
            begin_call(lane, now);
    }
}

static void begin_measured(load *l, int64_t now)
{
    l->phase = MEASURED;
    l->measured_from_ns = l->second_from_ns = now;
    l->phase_ends_ns = now + l->options->duration_ns;
    l->cpu_from_ns = l->second_cpu_from_ns = cpu_now();
}

static void end_probe(load *l, int64_t now)
{
    if (l->options->warmup_ns) {
        l->phase = WARMUP;
        l->phase_ends_ns = now + l->options->warmup_ns;
    } else {
        begin_measured(l, now);
    }
    begin_lanes(l, now);
}

static void end_measured(load *l, int64_t now)
{
    l->result->elapsed_ns = now - l->measured_from_ns;
    l->result->cpu_ns = cpu_now() - l->cpu_from_ns;
    l->phase = END;
    for (size_t i = 0; i < l->lane_count; i++) {
        lane *lane = l->lanes + i;
        if (lane->exchange) {
            rpc_exchange_cancel(lane->exchange, PROA_CANCELLED, "the run is over");
            bench_links_touch(l->links, lane->link);
        }
    }
    for (unsigned i = 0; i < l->options->connections; i++)
        for (list_node *node; (node = list_pop(l->waiting + i));)
            fail_call(CONTAINER_OF(node, lane, node), PROA_CANCELLED, "the run is over");
}

/* SIGINT is blocked, and asked for now and then: a signal handler would want a global. */
static bool is_interrupted(load *l, int64_t now)
{
    if (now < l->next_poll_ns)
        return false;
    l->next_poll_ns = now + POLL_NS;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    return sigtimedwait(&set, NULL, &(struct timespec){ 0 }) == SIGINT;
}

/* What is due. False: the run is over, or could not begin. */
static bool step(load *l, int64_t now)
{
    bool is_stopped = is_interrupted(l, now);
    bool is_over = is_stopped || (l->phase > PROBE && now >= l->phase_ends_ns);
    bool has_all = l->options->calls_max && l->result->calls >= l->options->calls_max;
    if (l->has_failed)
        return false;
    if (is_stopped && !is_measured(l)) {
        snprintf(l->result->failure, sizeof l->result->failure, "interrupted before anything was measured");
        l->has_failed = true;
        return false;
    }
    if (l->phase == PROBE && !l->probing)
        end_probe(l, now);
    else if (l->phase == WARMUP && is_over)
        begin_measured(l, now);
    else if (is_measured(l) && (is_over || has_all))
        return false;
    if (l->second && is_measured(l) && now - l->second_from_ns >= PROA_SECOND)
        tell_second(l, now);
    end_rests(l, now);
    if (l->options->rate > 0)
        begin_arrivals(l, now);
    return true;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_ns(load *l)
{
    int64_t next = l->next_poll_ns;
    if (l->phase > PROBE)
        next = earlier(next, l->phase_ends_ns);
    if (l->second && is_measured(l))
        next = earlier(next, l->second_from_ns + PROA_SECOND);
    if (!list_is_empty(&l->resting))
        next = earlier(next, CONTAINER_OF(list_first(&l->resting), lane, node)->rests_until_ns);
    if (l->options->rate > 0 && may_begin(l) && !list_is_empty(&l->idle))
        next = earlier(next, arrival_ns(l));
    return next;
}

/* ---- Setting up */

static bool make_lanes(load *l)
{
    const bench_options *o = l->options;
    bool has_rings = o->shape == BENCH_BIDI && o->pipeline;
    l->lane_count = (size_t)o->connections * o->streams;
    l->lanes = memory_new(l->lane_count * sizeof *l->lanes);
    if (has_rings)
        l->rings = memory_new(l->lane_count * o->pipeline * sizeof *l->rings);
    if (!l->lanes || (has_rings && !l->rings))
        return false;
    for (size_t i = 0; i < l->lane_count; i++) {
        l->lanes[i].load = l;
        l->lanes[i].link = (unsigned)(i % o->connections); /* arrivals go round the connections */
        l->lanes[i].pushed_ns = has_rings ? l->rings + i * o->pipeline : NULL;
    }
    return true;
}

static bool make_waiting(load *l)
{
    l->waiting = memory_new(l->options->connections * sizeof *l->waiting);
    for (unsigned i = 0; l->waiting && i < l->options->connections; i++)
        list_init(l->waiting + i);
    return l->waiting != NULL;
}

static bool set_up(load *l)
{
    const bench_options *o = l->options;
    proa_error error = { .text = "no memory, or no file descriptor left" };
    list_init(&l->idle);
    list_init(&l->resting);
    l->request = (rpc_request){ .path = proa_bytes_of(o->path), .headers = { o->headers.list, o->headers.count } };
    l->loop = io_loop_new(NULL);
    l->arena = proa_arena_new(0);
    if (o->is_live)
        l->second = memory_new(sizeof *l->second);
    if (l->loop && l->arena && (!o->is_live || l->second) && make_lanes(l) && make_waiting(l)) {
        l->pool = io_loop_pool(l->loop);
        l->links = bench_links_open(l->loop, o, &links_handler, l, &error);
    }
    if (!l->links)
        snprintf(l->result->failure, sizeof l->result->failure, "%s", error.text);
    return l->links != NULL;
}

static void begin_probe(load *l)
{
    int64_t now = io_clock_now();
    for (unsigned i = 0; i < l->options->connections; i++) {
        l->lanes[i].is_probe = true;
        l->probing++;
        begin_call(l->lanes + i, now);
    }
}

static void tear_down(load *l)
{
    bench_links_close(l->links);
    io_loop_free(l->loop);
    proa_arena_free(l->arena);
    memory_free(l->waiting);
    memory_free(l->rings);
    memory_free(l->lanes);
    memory_free(l->second);
}

static void run(load *l)
{
    int64_t now = io_clock_now();
    begin_probe(l);
    while (step(l, now)) {
        int64_t wait = next_ns(l) - now;
        io_loop_turn(l->loop, wait > 0 ? wait : 0);
        now = io_clock_now();
    }
    end_measured(l, now);
    for (int64_t until = now + END_NS; l->open && io_clock_now() < until;)
        io_loop_turn(l->loop, POLL_NS);
}

bool bench_load_run(const bench_options *options, bench_result *result, bench_on_second on_second, void *user)
{
    load l = { .options = options, .result = result, .on_second = on_second, .user = user };
    memset(result, 0, sizeof *result);
    sigset_t interrupt, before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, &before);
    l.has_failed = !set_up(&l);
    if (!l.has_failed)
        run(&l);
    tear_down(&l);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return !l.has_failed;
}
