/* SPDX-License-Identifier: Apache-2.0 */
/* The channels of connect_client: one for each call, or one for all calls to the same server, from whatever thread. */
#ifndef CONNECT_CHANNELS_H
#define CONNECT_CHANNELS_H
#include <pthread.h>
#include "suite.h"

enum { CHANNELS_MAX = 256 }; /* each server of a run, with each setting: about 20 */

typedef struct channels {
    bool is_shared;
    proa_trace trace;
    pthread_mutex_t lock;
    size_t count;
    struct channels_entry {
        size_t size; /* of the key */
        char *key;
        proa_channel *channel;
    } entries[CHANNELS_MAX];
} channels;

void channels_init(channels *c, bool is_shared);
void channels_fini(channels *c); /* closes those that were shared */
/* To be given back; NULL: no memory, or too many. */
proa_channel *channels_take(channels *c, const suite_ClientCompatRequest *wanted, proa_arena *arena);
void channels_give(channels *c, proa_channel *channel);
#endif
