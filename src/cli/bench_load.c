/* SPDX-License-Identifier: Apache-2.0 */
/* A lane is a stream that has one call after the other; closed loop: the next begins when one ends; open loop: lanes wait
 * in `idle` for arrivals. The run:  probe (one call on each connection) -> warm-up -> measured part -> end. */
#include "cli/bench_load.h"
#include "call/call.h"
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#define REST_NS (10 * PROA_MILLISECOND)  /* of a lane whose server was away */
#define POLL_NS (100 * PROA_MILLISECOND) /* between looks at SIGINT */
#define END_NS  (10 * PROA_SECOND)       /* for the last events of calls that were cut off */

typedef enum phase { PROBE, WARMUP, MEASURED, END } phase;

typedef struct lane {
    list_node node; /* of load.idle, or of load.resting */
    struct load *load;
    proa_channel *channel;
    proa_call *call;     /* NULL: none runs */
    int64_t intended_ns; /* when it should have begun */
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
    proa_loop *loop;
    hold_pool *pool;
    proa_tls *tls;
    proa_channel **channels;
    lane *lanes;
    size_t lane_count;
    int64_t *rings;
    proa_call_options call; /* but its user */
    phase phase;
    list idle, resting;
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

static void pop_all(lane *lane, proa_call *call)
{
    load *l = lane->load;
    uint64_t messages = 0, bytes = 0;
    bool is_single = l->options->shape == BENCH_UNARY; /* a second one would be wrong: it goes with the call */
    for (proa_slice reply; (!is_single || !messages) && proa_call_pop(call, &reply); messages++) {
        bytes += reply.bytes.size;
        hold_release_to(l->pool, reply.hold);
        if (lane->pushed_ns)
            note_return(lane);
    }
    if (messages)
        count_received(l, messages, bytes);
}

static bool push_one(lane *lane, proa_call *call)
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
    return proa_call_push(call, &message);
}

static void push_some(lane *lane, proa_call *call, bool has_room)
{
    const bench_options *o = lane->load->options;
    while (has_room && lane->to_push && (!lane->pushed_ns || lane->on_way < o->pipeline))
        has_room = push_one(lane, call);
    if (!lane->to_push)
        proa_call_end_requests(call); /* a second time does nothing */
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

static void rest(lane *lane, int64_t now)
{
    lane->rests_until_ns = now + REST_NS;
    list_push(&lane->load->resting, &lane->node);
}

static bool may_begin(const load *l)
{
    return l->phase == WARMUP || (is_measured(l) && (!l->options->calls_max || l->begun < l->options->calls_max));
}

/* A server that is away fails calls at once: asking it again at once would only heat the core. */
static void go_on(lane *lane, proa_code code, int64_t now)
{
    load *l = lane->load;
    if (l->phase == PROBE || l->phase == END)
        return;
    if (code == PROA_UNAVAILABLE) {
        rest(lane, now);
    } else if (l->options->rate > 0) {
        list_push(&l->idle, &lane->node);
        begin_arrivals(l, now);
    } else if (may_begin(l)) {
        begin_call(lane, now);
    }
}

static void end_call(lane *lane, proa_status status)
{
    load *l = lane->load;
    int64_t now = io_clock_now();
    l->open--;
    lane->call = NULL;
    count_call(l, lane, status.code, now);
    if (status.code != PROA_OK && l->phase != END) {
        keep_failure(l, status);
        l->has_failed = l->has_failed || (lane->is_probe && !l->options->keeps_going);
    }
    probe_is_good(lane);
    go_on(lane, status.code, now);
}

static void on_ready(proa_call *call, void *user)
{
    lane *lane = user;
    pop_all(lane, call);
    push_some(lane, call, lane->to_push && proa_call_can_push(call));
    if (lane->is_probe && proa_call_reply_headers(call).data)
        probe_is_good(lane);
}

static void on_done(proa_call *call, void *user)
{
    lane *lane = user;
    pop_all(lane, call);
    end_call(lane, proa_call_status(call));
}

static uint64_t messages_of(const lane *lane)
{
    const bench_options *o = lane->load->options;
    if (o->shape == BENCH_UNARY || o->shape == BENCH_SERVER || lane->is_probe)
        return 1;
    return o->messages ? o->messages : UINT64_MAX;
}

static void begin_call(lane *lane, int64_t intended_ns)
{
    load *l = lane->load;
    l->call.user = lane;
    lane->intended_ns = intended_ns;
    lane->to_push = messages_of(lane);
    lane->first = lane->on_way = 0;
    lane->is_counted = is_measured(l);
    l->begun += lane->is_counted;
    l->open++;
    lane->call = proa_call_begin(lane->channel, l->options->path, &l->call);
    if (lane->call) {
        push_some(lane, lane->call, true);
        return;
    }
    l->open--; /* no memory for it */
    count_call(l, lane, PROA_RESOURCE_EXHAUSTED, intended_ns);
    l->has_failed = l->has_failed || lane->is_probe;
    rest(lane, io_clock_now());
}

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
        go_on(lane, PROA_OK, now);
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
        if (lane->call)
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
    for (size_t i = 0; i < l->lane_count; i++)
        proa_call_cancel(l->lanes[i].call);
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

static bool open_channels(load *l)
{
    const bench_options *o = l->options;
    if (o->is_tls)
        l->tls = proa_tls_new(&(proa_tls_options){
            .ca_file = o->ca, .cert_file = o->cert, .key_file = o->key, .server_name = o->server_name });
    l->channels = memory_new(o->connections * sizeof *l->channels);
    for (unsigned i = 0; l->channels && i < o->connections; i++)
        l->channels[i] =
            proa_channel_open(o->target, &(proa_channel_options){ .loop = l->loop,
                                                                  .tls = l->tls,
                                                                  .plaintext = o->is_plaintext,
                                                                  .receive_bytes_max = o->receive_bytes_max,
                                                                  .limits = &o->limits,
                                                                  .pending_calls_max = o->streams + 1 });
    return l->channels != NULL;
}

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
        l->lanes[i].channel = l->channels[i % o->connections]; /* arrivals go round the connections */
        l->lanes[i].pushed_ns = has_rings ? l->rings + i * o->pipeline : NULL;
    }
    return true;
}

static bool set_up(load *l)
{
    const bench_options *o = l->options;
    list_init(&l->idle);
    list_init(&l->resting);
    l->call = (proa_call_options){ .timeout_ns = o->timeout_ns,
                                   .headers = { o->headers, o->header_count },
                                   .on_ready = o->shape == BENCH_UNARY ? NULL : on_ready,
                                   .on_done = on_done };
    l->loop = proa_loop_new(NULL);
    if (o->is_live)
        l->second = memory_new(sizeof *l->second);
    if (!l->loop || (o->is_live && !l->second) || !open_channels(l) || !make_lanes(l)) {
        snprintf(l->result->failure, sizeof l->result->failure, "no memory, or no file descriptor left");
        return false;
    }
    home_own(l->loop);
    l->pool = io_loop_pool(home_io(l->loop));
    return true;
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
    for (unsigned i = 0; l->channels && i < l->options->connections; i++)
        proa_channel_close(l->channels[i]);
    proa_loop_free(l->loop);
    proa_tls_free(l->tls);
    memory_free(l->channels);
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
        home_turn(l->loop, wait > 0 ? wait : 0);
        now = io_clock_now();
    }
    end_measured(l, now);
    for (int64_t until = now + END_NS; l->open && io_clock_now() < until;)
        home_turn(l->loop, POLL_NS);
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
