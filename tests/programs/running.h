/* SPDX-License-Identifier: Apache-2.0 */
/* A server that runs in a thread of its own while a test calls it. */
#ifndef PROGRAMS_RUNNING_H
#define PROGRAMS_RUNNING_H
#include "proa/proa.h"

struct running { proa_server *server; void *thread; };

/* Listens on a free port of 127.0.0.1, unless it listens already, and runs. */
struct running running_begin(proa_server *server);
/* A channel to it; owned: proa_channel_close. */
proa_channel *running_channel(const struct running *running, const proa_channel_options *options);
/* Drains, waits for the end of run, which must be a good one, frees. */
void running_end(struct running *running);
/* Waits up to five seconds for a flag that another thread sets; false: it did not. */
bool running_wait(const _Atomic int *flag, int value);
#endif
