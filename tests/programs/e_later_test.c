/* SPDX-License-Identifier: Apache-2.0 */
/* (e) runs: an answer from another thread, a pool that is full, a client that does not wait for the answer. */
#include "e_later.h"

#include <pthread.h>
#include <time.h>
#include "expect.h"
#include "running.h"

/* A pool of one thread and one place: enough to be full. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static void (*job)(void *user);
static void *job_user;
static bool is_full, is_over;
static int64_t delay_ns;
static _Atomic int jobs_done;

bool pool_add(void (*run)(void *user), void *user)
{
    pthread_mutex_lock(&lock);
    bool taken = !job && !is_full;
    if (taken) {
        job = run;
        job_user = user;
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

static void *pool_thread(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    while (!is_over || job) {
        if (!job) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        void (*run)(void *user) = job;
        void *user = job_user;
        struct timespec delay = { .tv_nsec = (long)delay_ns };
        pthread_mutex_unlock(&lock);
        nanosleep(&delay, NULL);
        run(user);
        jobs_done++;
        pthread_mutex_lock(&lock);
        job = NULL;
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void set(bool full, bool over, int64_t ns)
{
    pthread_mutex_lock(&lock);
    is_full = full;
    is_over = over;
    delay_ns = ns;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static proa_status greet(proa_channel *channel, helloworld_HelloReply *reply, proa_arena *arena, int64_t timeout_ns)
{
    return helloworld_Greeter_SayHello(channel, &(helloworld_HelloRequest){ .name = PROA_STR("Ada") }, reply, arena,
                                       &(proa_call_options){ .timeout_ns = timeout_ns });
}

int main(void)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, pool_thread, NULL) == 0);
    proa_server *server = proa_server_new(NULL);
    helloworld_Greeter_serve(server, &e_greeter, NULL);
    struct running running = running_begin(server);
    proa_channel *channel = running_channel(&running, NULL);
    proa_arena *arena = proa_arena_new(0);
    helloworld_HelloReply reply;

    proa_status status = greet(channel, &reply, arena, 0);
    EXPECT(status.code == PROA_OK);
    EXPECT(proa_bytes_is_equal(reply.message, PROA_STR("Hello at last, Ada")));

    set(true, false, 0);
    status = greet(channel, &reply, arena, 0);
    EXPECT(status.code == PROA_RESOURCE_EXHAUSTED);
    EXPECT(proa_bytes_is_equal(status.message, PROA_STR("too many jobs")));

    EXPECT(running_wait(&jobs_done, 1));
    set(false, false, 200 * PROA_MILLISECOND); /* the client is gone before the answer: call and request must stay */
    status = greet(channel, &reply, arena, 50 * PROA_MILLISECOND);
    EXPECT(status.code == PROA_DEADLINE_EXCEEDED);
    EXPECT(running_wait(&jobs_done, 2));

    set(false, true, 0);
    pthread_join(thread, NULL);
    proa_arena_free(arena);
    proa_channel_close(channel);
    running_end(&running);
    return 0;
}
