/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that die under load and come back: each failed call is UNAVAILABLE, calls succeed again within two seconds of the
 * return, with the defaults, and nothing leaks. In virtual time with a server in the loop, and with a process that is killed. */
#include "stack.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static proa_code echo(proa_call *call)
{
    proa_slice message;
    while (proa_call_can_push(call) && proa_call_pop(call, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

/* ---- Inside a loop whose time is virtual. A timer is a call that nobody answers, with a deadline. */

enum { LOAD = 20 };

typedef struct clinic {
    proa_loop *loop;
    proa_server *server;
    proa_channel *channel;
    char address[64];
    bool is_loaded; /* each call that ends begins another */
    unsigned running, ok, unavailable, others;
    bool is_over; /* the pause */
} clinic;

static proa_code never(proa_call *call)
{
    (void)call;
    return PROA_WAIT;
}

static void open_server(clinic *c)
{
    c->server = proa_server_new(&(proa_server_options){ .loop = c->loop });
    proa_server_serve_bytes(c->server, "/test.Heal/Echo", echo, NULL);
    proa_server_serve_bytes(c->server, "/test.Heal/Never", never, NULL);
    proa_server_listen(c->server, c->address[0] ? c->address : "127.0.0.1:0", NULL);
    assert_non_null(proa_server_address(c->server, 0));
    snprintf(c->address, sizeof c->address, "%s", proa_server_address(c->server, 0));
}

static void begin_one(clinic *c);

static void one_done(proa_call *call, void *user)
{
    clinic *c = user;
    proa_code code = proa_call_status(call).code;
    c->running--;
    c->ok += code == PROA_OK;
    c->unavailable += code == PROA_UNAVAILABLE;
    c->others += code != PROA_OK && code != PROA_UNAVAILABLE;
    if (c->is_loaded && code == PROA_OK)
        begin_one(c);
}

static void begin_one(clinic *c)
{
    c->running++;
    proa_call *call =
        proa_call_begin(c->channel, "/test.Heal/Echo", &(proa_call_options){ .on_done = one_done, .user = c });
    proa_slice message = slice_of_size(100);
    proa_call_push(call, &message);
    proa_call_end_requests(call);
}

static void pause_done(proa_call *call, void *user)
{
    (void)call;
    ((clinic *)user)->is_over = true;
}

/* That much virtual time, by the deadline of a call on a channel to a server that never answers. */
static void pause_for(clinic *c, proa_channel *clock, int64_t ns)
{
    c->is_over = false;
    proa_call_begin(clock, "/test.Heal/Never",
                    &(proa_call_options){ .timeout_ns = ns, .on_done = pause_done, .user = c });
    while (!c->is_over)
        proa_loop_turn(c->loop);
}

static void turns(clinic *c, int count)
{
    for (int i = 0; i < count; i++)
        proa_loop_turn(c->loop);
}

/* How many tenths of a second until a call succeeds. Each call is one that does not wait for ready. */
static int tenths_until_ok(clinic *c, proa_channel *clock)
{
    c->is_loaded = false;
    for (int tenths = 0;; tenths++) {
        unsigned ok = c->ok;
        begin_one(c);
        pause_for(c, clock, PROA_SECOND / 10);
        if (c->ok > ok)
            return tenths;
        assert_true(tenths < 300);
    }
}

static void outage_of(int64_t ns)
{
    clinic c = { .loop = proa_loop_new(&(proa_loop_options){ .virtual_time = true }) };
    open_server(&c);
    proa_server *second = proa_server_new(&(proa_server_options){ .loop = c.loop });
    proa_server_serve_bytes(second, "/test.Heal/Never", never, NULL);
    proa_server_listen(second, "127.0.0.1:0", NULL);
    proa_channel *clock = proa_channel_open(proa_server_address(second, 0), &(proa_channel_options){ .loop = c.loop });
    c.channel = proa_channel_open(c.address, &(proa_channel_options){ .loop = c.loop });
    c.is_loaded = true;
    for (int i = 0; i < LOAD; i++)
        begin_one(&c);
    while (c.ok < 10 * LOAD)
        proa_loop_turn(c.loop);
    proa_server_free(c.server); /* under load */
    turns(&c, 20);
    assert_int_equal(c.others, 0);
    for (int64_t left = ns; left > 0; left -= PROA_SECOND / 5) { /* somebody goes on asking */
        begin_one(&c);
        pause_for(&c, clock, left < PROA_SECOND / 5 ? left : PROA_SECOND / 5);
    }
    assert_true(ns == 0 || c.unavailable > 0);
    open_server(&c);
    int tenths = tenths_until_ok(&c, clock);
    if (tenths > 20)
        fail_msg("%d tenths of a second after an outage of %lld ms", tenths, (long long)(ns / 1000000));
    assert_int_equal(c.others, 0);
    while (c.running)
        proa_loop_turn(c.loop);
    proa_channel_close(c.channel);
    proa_channel_close(clock);
    proa_server_free(c.server);
    proa_server_free(second);
    proa_loop_free(c.loop);
}

static void calls_succeed_within_two_seconds_of_the_return_whatever_the_outage(void **state)
{
    (void)state;
    static const int outages_ms[] = { 0, 100, 900, 1100, 2000, 3700, 10000, 60000, 600000 };
    for (size_t i = 0; i < sizeof outages_ms / sizeof *outages_ms; i++)
        outage_of(outages_ms[i] * PROA_MILLISECOND);
}

/* ---- A process that is killed, threads that go on */

typedef struct process {
    pid_t id;
    char address[64];
} process;

/* The child is this program again: threads that run here do not come along. */
static int serve(const char *address)
{
    proa_server *server = proa_server_new(NULL);
    proa_server_serve_bytes(server, "/test.Heal/Echo", echo, NULL);
    if (proa_server_listen(server, address, NULL) == PROA_ERR_NONE) {
        printf("%s\n", proa_server_address(server, 0));
        fflush(stdout);
    }
    return proa_server_main(server);
}

static void start(process *p)
{
    int out[2];
    char address[64];
    snprintf(address, sizeof address, "%s", p->address[0] ? p->address : "127.0.0.1:0");
    assert_int_equal(pipe(out), 0);
    p->id = fork();
    if (p->id == 0) {
        dup2(out[1], 1);
        close(out[0]);
        close(out[1]);
        execl("/proc/self/exe", "heal_test", "serve", address, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *said = fdopen(out[0], "r");
    assert_non_null(fgets(p->address, sizeof p->address, said));
    p->address[strcspn(p->address, "\n")] = '\0';
    fclose(said);
}

static void kill_it(process *p)
{
    kill(p->id, SIGKILL);
    waitpid(p->id, NULL, 0);
}

typedef struct ward {
    proa_channel *channel;
    atomic_uint ok, unavailable, others;
    atomic_bool is_over;
} ward;

static void *call_on(void *user)
{
    ward *w = user;
    while (!atomic_load(&w->is_over)) {
        proa_code code = call_once(w->channel, "/test.Heal/Echo", 20 * PROA_SECOND).code;
        atomic_fetch_add(code == PROA_OK ? &w->ok : code == PROA_UNAVAILABLE ? &w->unavailable : &w->others, 1);
        if (code == PROA_UNAVAILABLE)
            usleep(1000);
    }
    return NULL;
}

static void wait_for_more(atomic_uint *count, unsigned more)
{
    unsigned from = atomic_load(count);
    for (int64_t give_up = now_ns() + 60 * PROA_SECOND; atomic_load(count) - from < more; usleep(1000))
        if (now_ns() > give_up)
            fail_msg("no more than %u", atomic_load(count) - from);
}

static void killed_process_comes_back_under_the_load_of_threads(void **state)
{
    (void)state;
    process p = { .id = 0 };
    pthread_t threads[3];
    start(&p);
    ward w = { .channel = proa_channel_open(p.address, NULL) };
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_on, &w), 0);
    for (int times = 0; times < 3; times++) {
        wait_for_more(&w.ok, 100);
        kill_it(&p);
        wait_for_more(&w.unavailable, 10);
        start(&p);
        wait_for_more(&w.ok, 100);
    }
    atomic_store(&w.is_over, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(w.others, 0);
    assert_int_equal(proa_channel_get_state(w.channel, false), PROA_CHANNEL_READY);
    proa_channel_close(w.channel);
    kill_it(&p);
}

/* A driven channel that nobody looked at does not know that its server has gone: the call finds out before it is sent. */
static void server_that_went_while_nobody_looked_costs_no_call(void **state)
{
    (void)state;
    process p = { .id = 0 };
    start(&p);
    proa_channel *channel = proa_channel_open(p.address, NULL);
    assert_int_equal(call_once(channel, "/test.Heal/Echo", 20 * PROA_SECOND).code, PROA_OK);
    kill_it(&p);
    start(&p);
    usleep(150 * 1000); /* longer than what was heard counts as fresh */
    assert_int_equal(call_once(channel, "/test.Heal/Echo", 20 * PROA_SECOND).code, PROA_OK);
    proa_channel_close(channel);
    kill_it(&p);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_succeed_within_two_seconds_of_the_return_whatever_the_outage),
        cmocka_unit_test(killed_process_comes_back_under_the_load_of_threads),
        cmocka_unit_test(server_that_went_while_nobody_looked_costs_no_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
