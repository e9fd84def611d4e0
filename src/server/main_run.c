/* SPDX-License-Identifier: Apache-2.0 */
/* The rest of main. A signal handler gets no argument, so here, and nowhere else, stand variables of the process. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include "base/base.h"
#include "server/server.h"

static _Atomic(proa_server *) main_server;
static atomic_uint signals; /* whose handlers run right now, in whatever thread */

static void on_signal(int signal)
{
    int kept = errno;
    (void)signal;
    atomic_fetch_add(&signals, 1);
    proa_server *server = atomic_load(&main_server);
    if (server)
        proa_server_drain(server);
    atomic_fetch_sub(&signals, 1);
    errno = kept;
}

int proa_server_main(proa_server *server)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, old_term, old_int;
    proa_error error;
    atomic_store(&main_server, server);
    sigaction(SIGTERM, &action, &old_term);
    sigaction(SIGINT, &action, &old_int);
    proa_err failed = proa_server_run(server, &error);
    if (failed != PROA_ERR_NONE)
        fprintf(stderr, "%s\n", error.text);
    sigaction(SIGTERM, &old_term, NULL);
    sigaction(SIGINT, &old_int, NULL);
    atomic_store(&main_server, NULL);
    while (atomic_load(&signals))
        sched_yield();
    proa_server_free(server);
    return failed != PROA_ERR_NONE;
}
