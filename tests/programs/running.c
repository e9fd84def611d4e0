/* SPDX-License-Identifier: Apache-2.0 */
#include "running.h"

#include <pthread.h>
#include <time.h>
#include "expect.h"

static void *run(void *user)
{
    proa_error error = { 0 };
    if (proa_server_run(user, &error) != PROA_ERR_NONE) {
        fprintf(stderr, "the server failed: %s\n", error.text);
        exit(1);
    }
    return NULL;
}

struct running running_begin(proa_server *server)
{
    struct running running = { .server = server };
    pthread_t thread;
    if (!proa_server_address(server, 0))
        EXPECT(proa_server_listen(server, "127.0.0.1:0", NULL) == PROA_ERR_NONE);
    EXPECT(pthread_create(&thread, NULL, run, server) == 0);
    running.thread = (void *)thread;
    return running;
}

proa_channel *running_channel(const struct running *running, const proa_channel_options *options)
{
    return proa_channel_open(proa_server_address(running->server, 0), options);
}

void running_end(struct running *running)
{
    proa_server_drain(running->server);
    EXPECT(pthread_join((pthread_t)running->thread, NULL) == 0);
    proa_server_free(running->server);
    *running = (struct running){ 0 };
}

bool running_wait(const _Atomic int *flag, int value)
{
    for (int i = 0; i < 5000 && *flag != value; i++)
        nanosleep(&(struct timespec){ .tv_nsec = PROA_MILLISECOND }, NULL);
    return *flag == value;
}
