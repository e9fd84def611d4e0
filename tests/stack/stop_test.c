/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping: no call that was accepted is lost; streams end at the end of the grace time; who comes later is refused. */
#include "stack.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT (10 * PROA_SECOND)

static atomic_int began;

static proa_code answer_slowly(proa_call *call)
{
    atomic_fetch_add(&began, 1);
    proa_call_pause_ns(call, 200 * PROA_MILLISECOND);
    proa_slice message = slice_of_size(10);
    proa_call_send(call, &message);
    return PROA_OK;
}

static proa_code stream_for_ever(proa_call *call)
{
    bool *has_begun = proa_call_state(call, sizeof *has_begun);
    if (!*has_begun)
        atomic_fetch_add(&began, 1);
    *has_begun = true;
    proa_slice message = slice_of_size(10);
    if (!proa_call_push(call, &message))
        return PROA_WAIT;
    return proa_call_sleep_ns(call, 10 * PROA_MILLISECOND);
}

static proa_server *make(int64_t grace_ns)
{
    proa_server *server = proa_server_new(&(proa_server_options){ .grace_ns = grace_ns });
    proa_server_serve_bytes(server, "/test.Slow/Answer", answer_slowly, &(proa_serve_options){ .on_workers = true });
    proa_server_serve_bytes(server, "/test.Stream/ForEver", stream_for_ever, NULL);
    atomic_store(&began, 0);
    return server;
}

static void wait_begun(int count)
{
    for (int i = 0; i < 500 && atomic_load(&began) < count; i++)
        usleep(10000);
    assert_int_equal(atomic_load(&began), count);
}

typedef struct caller {
    proa_channel *channel;
    const char *path;
    pthread_t thread;
    proa_code code;
} caller;

static void *call_in_thread(void *user)
{
    caller *c = user;
    c->code = call_once(c->channel, c->path, LIMIT).code;
    return NULL;
}

static void calls_in_flight_are_answered_while_draining(void **state)
{
    (void)state;
    running r;
    running_start(&r, make(0));
    caller callers[4];
    for (int i = 0; i < 4; i++) {
        callers[i] = (caller){ .channel = proa_channel_open(r.target, NULL), .path = "/test.Slow/Answer" };
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_in_thread, &callers[i]), 0);
    }
    wait_begun(4);
    proa_server_drain(r.server);
    proa_channel *late = proa_channel_open(r.target, NULL);
    usleep(50000);
    assert_int_equal(call_once(late, "/test.Slow/Answer", LIMIT).code, PROA_UNAVAILABLE);
    proa_channel_close(late);
    for (int i = 0; i < 4; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].code, PROA_OK);
        proa_channel_close(callers[i].channel);
    }
    running_join(&r);
}

static void streams_end_as_unavailable_when_the_grace_is_over(void **state)
{
    (void)state;
    running r;
    running_start(&r, make(200 * PROA_MILLISECOND));
    proa_channel *channel = proa_channel_open(r.target, NULL);
    proa_call *call = proa_call_begin(channel, "/test.Stream/ForEver", &(proa_call_options){ .timeout_ns = LIMIT });
    proa_slice message;
    assert_true(proa_call_receive(call, &message));
    proa_slice_free(&message);
    int64_t begin = now_ns();
    proa_server_drain(r.server);
    while (proa_call_receive(call, &message))
        proa_slice_free(&message);
    proa_status status = proa_call_status(call);
    if (status.code != PROA_UNAVAILABLE)
        fail_msg("%s \"%.*s\"", proa_code_name(status.code), PROA_FMT(status.message));
    assert_true(now_ns() - begin >= 150 * PROA_MILLISECOND);
    proa_call_end(call);
    proa_channel_close(channel);
    running_join(&r);
}

static void idle_clients_do_not_hold_up_the_drain(void **state)
{
    (void)state;
    running r;
    running_start(&r, make(0));
    proa_channel *channel = proa_channel_open(r.target, NULL);
    assert_int_equal(call_once(channel, "/test.Slow/Answer", LIMIT).code, PROA_OK);
    int64_t begin = now_ns();
    running_stop(&r);
    assert_true(now_ns() - begin < 10 * PROA_SECOND);
    proa_channel_close(channel);
}

/* ---- The same by SIGTERM, in proa_server_main of a child: this program once more, told to serve */

static int serve(void)
{
    proa_server *server = make(0);
    proa_server_listen(server, "127.0.0.1:0", NULL);
    printf("%s", proa_server_address(server, 0));
    fflush(stdout);
    return proa_server_main(server);
}

static void sigterm_drains(void **state)
{
    (void)state;
    if (access("/proc/self/exe", X_OK))
        skip(); /* no /proc: this program cannot be started again */
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ready[1], STDOUT_FILENO);
        execl("/proc/self/exe", "stop_test", "serve", (char *)NULL);
        _exit(9);
    }
    close(ready[1]); /* so that a child which does not start ends the read below */
    char target[160] = "";
    assert_true(read(ready[0], target, sizeof target - 1) > 0);
    caller c = { .channel = proa_channel_open(target, NULL), .path = "/test.Slow/Answer" };
    assert_int_equal(pthread_create(&c.thread, NULL, call_in_thread, &c), 0);
    usleep(100000);
    kill(child, SIGTERM);
    kill(child, SIGTERM);
    pthread_join(c.thread, NULL);
    assert_int_equal(c.code, PROA_OK);
    proa_channel_close(c.channel);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(ready[0]);
}

static void setting_up_keeps_its_first_failure(void **state)
{
    (void)state;
    proa_error error;
    proa_server *server = make(0);
    assert_int_not_equal(proa_server_listen(server, "127.0.0.1:port", NULL), PROA_ERR_NONE);
    assert_int_equal(proa_server_run(server, &error), PROA_ERR_ADDRESS);
    assert_non_null(strstr(error.text, "127.0.0.1:port"));
    proa_server_free(server);

    server = make(0);
    assert_int_equal(proa_server_run(server, &error), PROA_ERR_CONFIG);
    proa_server_free(server);

    running r;
    running_start(&r, make(0));
    server = make(0);
    assert_int_not_equal(proa_server_listen(server, r.target, NULL), PROA_ERR_NONE);
    assert_int_not_equal(proa_server_run(server, &error), PROA_ERR_NONE);
    assert_non_null(strstr(error.text, r.target));
    assert_non_null(strstr(error.text, "in use"));
    proa_server_free(server);
    running_stop(&r);

    server = make(0);
    assert_int_equal(proa_server_serve_bytes(server, "/test.Slow/Answer", stream_for_ever, NULL), PROA_ERR_CONFIG);
    assert_int_equal(proa_server_run(server, &error), PROA_ERR_CONFIG);
    proa_server_free(server);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "serve"))
        return serve();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_in_flight_are_answered_while_draining),
        cmocka_unit_test(streams_end_as_unavailable_when_the_grace_is_over),
        cmocka_unit_test(idle_clients_do_not_hold_up_the_drain),
        cmocka_unit_test(sigterm_drains),
        cmocka_unit_test(setting_up_keeps_its_first_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
