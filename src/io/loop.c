/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: waits for the kernel, then runs the phases of a turn in their order. libuv does the polling.
 *
 *     wait ──> sockets ──> input ──> timers ──> mail ──> dispatch ⇄ flush ⇄ input ──> return
 *
 * libuv counts in whole milliseconds. So that nothing fires more than 1 ms late, a wait is cut to whole milliseconds
 * below the deadline, and the rest, if nothing happened, is slept with ppoll. */
#define _GNU_SOURCE /* ppoll */
#include "io/loop.h"
#include "io/dns.h"
#include "io/socket.h"
#include <poll.h>
#include <sched.h>

enum { ROUNDS_MAX = 8 };

static void on_async(uv_async_t *async)
{
    loop_note_event(async->data);
}

/* libuv may find the time over before it polls, and would then poll without end. */
static void on_timeout(uv_timer_t *timeout)
{
    uv_stop(timeout->loop);
}

static int64_t read_now(const io_loop *loop)
{
    return loop->network ? loop->network->now(loop->network->network) : io_clock_now();
}

static proa_err init(io_loop *loop)
{
    loop->pool = hold_pool_new();
    loop->wheel = wheel_new(loop->now);
    loop->read_buffer = memory_new(LOOP_READ_BYTES + HOLD_SLOP);
    if (!loop->pool || !loop->wheel || !loop->read_buffer)
        return PROA_ERR_NOMEM;
    if (uv_loop_init(&loop->uv))
        return PROA_ERR_IO;
    if (uv_async_init(&loop->uv, &loop->async, on_async)) {
        uv_loop_close(&loop->uv);
        return PROA_ERR_IO;
    }
    loop->async.data = loop;
    uv_timer_init(&loop->uv, &loop->timeout);
    return PROA_ERR_NONE;
}

static void free_memory(io_loop *loop)
{
    slab_fini(&loop->sockets);
    hold_pool_free(loop->pool);
    wheel_free(loop->wheel);
    memory_free(loop->read_buffer);
    memory_free(loop->tls_scratch);
    memory_free(loop);
}

io_loop *io_loop_new(const io_loop_options *options)
{
    io_loop *loop = memory_new(sizeof *loop);
    if (!loop)
        return NULL;
    if (options) {
        loop->is_virtual = options->virtual_time;
        loop->trace = options->trace;
        loop->network = options->network;
    }
    /* A virtual clock starts at the same time in every run. */
    loop->now = loop->is_virtual ? PROA_SECOND : read_now(loop);
    for (int phase = IO_INPUT; phase <= IO_FLUSH; phase++)
        list_init(&loop->tasks[phase]);
    socket_prepare(loop);
    if (init(loop)) {
        free_memory(loop);
        return NULL;
    }
    return loop;
}

static void deliver_mail(io_loop *loop)
{
    for (io_mail *mail = mailbox_take(&loop->mailbox), *next; mail; mail = next) {
        next = mail->next; /* the mail may go, or be posted again, in deliver */
        mail->deliver(mail);
    }
}

void io_loop_free(io_loop *loop)
{
    if (!loop)
        return;
    PROA_ASSERT(!loop->is_turning, "a loop is not freed in its own turn");
    while (atomic_load(&loop->senders))
        sched_yield();
    deliver_mail(loop);
    for (int phase = IO_INPUT; phase <= IO_FLUSH; phase++)
        while (list_pop(&loop->tasks[phase]))
            ;
    dns_free(loop->dns);
    uv_close((uv_handle_t *)&loop->async, NULL);
    uv_close((uv_handle_t *)&loop->timeout, NULL);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    PROA_ASSERT(uv_loop_close(&loop->uv) == 0, "sockets, listeners and lookups are closed before their loop is freed");
    free_memory(loop);
}

int64_t io_loop_now(const io_loop *loop)
{
    return loop->now;
}

int64_t io_loop_clock(const io_loop *loop)
{
    return loop->is_virtual ? loop->now : read_now(loop);
}

hold_pool *io_loop_pool(io_loop *loop)
{
    return loop->pool;
}

/* Hard to guess from outside, and not the same twice. */
uint64_t io_loop_seed(io_loop *loop, const void *salt)
{
    if (loop->network)
        return loop->network->seed(loop->network->network);
    return ((uint64_t)io_clock_now() ^ (uintptr_t)salt) + ++loop->seeds * UINT64_C(0x9e3779b97f4a7c15);
}

int io_loop_fd(const io_loop *loop)
{
    return uv_backend_fd(&loop->uv);
}

void io_loop_wake(io_loop *loop)
{
    atomic_fetch_add(&loop->senders, 1);
    uv_async_send(&loop->async);
    atomic_fetch_sub(&loop->senders, 1);
}

/* Mail that was pushed may end the last thing on the loop, and with it the loop, before this returns. */
void io_loop_post(io_loop *loop, io_mail *mail)
{
    atomic_fetch_add(&loop->senders, 1);
    if (mailbox_push(&loop->mailbox, mail))
        uv_async_send(&loop->async);
    atomic_fetch_sub(&loop->senders, 1);
}

void io_loop_defer(io_loop *loop, io_task *task, io_phase phase)
{
    if (!list_has(&task->node))
        list_push(&loop->tasks[phase], &task->node);
}

void io_task_cancel(io_task *task)
{
    list_remove(&task->node);
}

void io_timer_start(io_loop *loop, io_timer *timer, int64_t deadline_ns)
{
    wheel_add(loop->wheel, &timer->timer, deadline_ns);
}

void io_timer_stop(io_loop *loop, io_timer *timer)
{
    wheel_remove(loop->wheel, &timer->timer);
}

static void read_clock(io_loop *loop)
{
    if (loop->is_stale && !loop->is_virtual)
        loop->now = read_now(loop);
    loop->is_stale = false;
}

void loop_note_event(io_loop *loop)
{
    loop->event_count++;
    read_clock(loop);
}

/* Tasks, mail or pending events: the kernel need not be waited for. */
static bool has_work(io_loop *loop)
{
    return !list_is_empty(&loop->tasks[IO_DISPATCH]) || !list_is_empty(&loop->tasks[IO_FLUSH]) ||
           !list_is_empty(&loop->tasks[IO_INPUT]) || !mailbox_is_empty(&loop->mailbox);
}

static int64_t add_saturated(int64_t a, int64_t b)
{
    return b > INT64_MAX - a ? INT64_MAX : a + b;
}

static void poll_now(io_loop *loop)
{
    loop->is_changed = false;
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}

/* Waits; ms < 0: without end. */
static void poll_ms(io_loop *loop, int64_t ms)
{
    loop->is_changed = false;
    if (ms >= 0) {
        uv_update_time(&loop->uv);
        uv_timer_start(&loop->timeout, on_timeout, (uint64_t)ms, 0);
    }
    uv_run(&loop->uv, UV_RUN_ONCE);
    uv_timer_stop(&loop->timeout);
}

static void poll_under_ms(io_loop *loop, int64_t ns)
{
    if (loop->is_changed) {
        poll_now(loop);
        if (loop->event_count)
            return;
    }
    struct pollfd backend = { .fd = uv_backend_fd(&loop->uv), .events = POLLIN };
    struct timespec timeout = { .tv_nsec = (long)ns };
    if (ppoll(&backend, 1, &timeout, NULL) > 0)
        poll_now(loop);
}

static void wait_real(io_loop *loop, int64_t limit_ns)
{
    if (limit_ns == 0) {
        poll_now(loop);
        return;
    }
    int64_t deadline = wheel_deadline(loop->wheel);
    if (deadline == INT64_MAX && limit_ns == INT64_MAX) {
        poll_ms(loop, -1);
        return;
    }
    int64_t now = io_clock_now();
    int64_t until = add_saturated(now, limit_ns);
    until = deadline < until ? deadline : until;
    if (until - now >= PROA_MILLISECOND) {
        poll_ms(loop, (until - now) / PROA_MILLISECOND);
        if (loop->event_count)
            return;
        now = io_clock_now();
    }
    if (until - now >= PROA_MILLISECOND) /* a signal, or a wait beyond what the kernel takes */
        return;
    if (until > now)
        poll_under_ms(loop, until - now);
    else
        poll_now(loop);
}

/* Jumping is not waiting: it happens in a turn of 0 as well. */
static void wait_virtual(io_loop *loop, int64_t limit_ns, bool has_to_hurry)
{
    poll_now(loop);
    if (loop->event_count || has_to_hurry)
        return;
    /* Other threads of the test have a chance to post first. */
    sched_yield();
    poll_now(loop);
    if (loop->event_count || has_work(loop))
        return;
    int64_t until = wheel_deadline(loop->wheel);
    if (limit_ns > 0 && add_saturated(loop->now, limit_ns) < until)
        until = add_saturated(loop->now, limit_ns);
    if (until != INT64_MAX)
        loop->now = until > loop->now ? until : loop->now;
    else if (limit_ns > 0)
        poll_ms(loop, -1);
}

static void fire_timers(io_loop *loop)
{
    /* All that is due is taken first: a timer that starts itself again for now waits for the next turn. While it is on
     * this list, wheel_remove and wheel_add still find it. */
    list due;
    list_init(&due);
    for (wheel_timer *timer; (timer = wheel_pop(loop->wheel, loop->now));)
        list_push(&due, &timer->node);
    for (list_node *node; (node = list_pop(&due));) {
        io_timer *timer = CONTAINER_OF(CONTAINER_OF(node, wheel_timer, node), io_timer, timer);
        timer->fire(timer);
    }
}

static void run_batch(io_loop *loop, io_phase phase)
{
    list batch;
    list_init(&batch);
    for (list_node *node; (node = list_pop(&loop->tasks[phase]));)
        list_push(&batch, node);
    for (list_node *node; (node = list_pop(&batch));) {
        io_task *task = CONTAINER_OF(node, io_task, node);
        task->run(task);
    }
}

/* Flushing waits until dispatch has settled, so that a connection writes once. What is left runs in the next turn. */
static void run_tasks(io_loop *loop)
{
    for (int flush = 0; flush < ROUNDS_MAX; flush++) {
        for (int round = 0; round < ROUNDS_MAX && !list_is_empty(&loop->tasks[IO_DISPATCH]); round++)
            run_batch(loop, IO_DISPATCH);
        if (list_is_empty(&loop->tasks[IO_FLUSH]) && list_is_empty(&loop->tasks[IO_INPUT]))
            break;
        run_batch(loop, IO_FLUSH);
        run_batch(loop, IO_INPUT); /* what pipes were given: a call and its answer take one turn */
    }
}

void io_loop_turn(io_loop *loop, int64_t wait_ns)
{
    PROA_ASSERT(!loop->is_turning, "a loop is not turned in its own turn");
    loop->is_turning = true;
    loop->event_count = 0;
    loop->is_stale = true;
    mailbox_set_awake(&loop->mailbox, false);
    bool is_busy = has_work(loop);
    int64_t limit_ns = is_busy ? 0 : wait_ns < 0 ? INT64_MAX : wait_ns;
    if (loop->is_virtual)
        wait_virtual(loop, limit_ns, is_busy);
    else if (!loop->network)
        wait_real(loop, limit_ns);
    mailbox_set_awake(&loop->mailbox, true);
    read_clock(loop);
    run_batch(loop, IO_INPUT);
    fire_timers(loop);
    deliver_mail(loop);
    run_tasks(loop);
    mailbox_set_awake(&loop->mailbox, false);
    loop->is_turning = false;
}

int64_t io_loop_wait_ns(const io_loop *loop)
{
    /* Looking changes nothing; the mailbox is atomic and so not const. */
    if (has_work((io_loop *)loop) || (!loop->network && (loop->is_changed || uv_backend_timeout(&loop->uv) == 0)))
        return 0;
    int64_t deadline = wheel_deadline(loop->wheel);
    if (deadline == INT64_MAX)
        return INT64_MAX;
    int64_t now = loop->is_virtual ? deadline : read_now(loop);
    return deadline > now ? deadline - now : 0;
}
