/* SPDX-License-Identifier: Apache-2.0 */
#include "channels.h"
#include <stdlib.h>
#include <string.h>

static proa_channel *open_channel(const channels *c, const suite_ClientCompatRequest *wanted, proa_arena *arena)
{
    proa_tls *tls = NULL;
    if (wanted->server_tls_cert.size) {
        proa_tls_options options = { .ca_pem = wanted->server_tls_cert };
        if (wanted->client_tls_creds) {
            options.cert_pem = wanted->client_tls_creds->cert;
            options.key_pem = wanted->client_tls_creds->key;
        }
        tls = proa_tls_new(&options);
    }
    proa_bytes target = proa_arena_format(arena, "%.*s:%u", PROA_FMT(wanted->host), (unsigned)wanted->port);
    proa_channel_options options = { .tls = tls,
                                     .receive_bytes_max = wanted->message_receive_limit,
                                     .trace = &c->trace };
    proa_channel *channel = target.data ? proa_channel_open(target.data, &options) : NULL;
    proa_tls_free(tls); /* the channel holds it */
    return channel;
}

/* All that makes a channel what it is, in the bytes of the protocol. */
static proa_bytes key_of(const suite_ClientCompatRequest *wanted, proa_arena *arena)
{
    suite_ClientCompatRequest settings = { .host = wanted->host,
                                           .port = wanted->port,
                                           .server_tls_cert = wanted->server_tls_cert,
                                           .client_tls_creds = wanted->client_tls_creds,
                                           .message_receive_limit = wanted->message_receive_limit };
    proa_bytes key = { NULL, 0 };
    return suite_ClientCompatRequest_encode(&settings, arena, &key) == PROA_ERR_NONE ? key : (proa_bytes){ NULL, 0 };
}

void channels_init(channels *c, bool is_shared)
{
    *c = (channels){ .is_shared = is_shared, .trace = { proa_trace_to_stderr, NULL, 0 } };
    c->trace.areas = proa_trace_areas(getenv("PROA_TRACE"));
    pthread_mutex_init(&c->lock, NULL);
}

void channels_fini(channels *c)
{
    for (size_t i = 0; i < c->count; i++) {
        proa_channel_close(c->entries[i].channel);
        free(c->entries[i].key);
    }
    pthread_mutex_destroy(&c->lock);
}

static proa_channel *share(channels *c, proa_bytes key, const suite_ClientCompatRequest *wanted, proa_arena *arena)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->entries[i].size == key.size && memcmp(c->entries[i].key, key.data, key.size) == 0)
            return c->entries[i].channel;
    char *copy = c->count < CHANNELS_MAX ? malloc(key.size) : NULL;
    proa_channel *channel = copy ? open_channel(c, wanted, arena) : NULL;
    if (!channel) {
        free(copy);
        return NULL;
    }
    memcpy(copy, key.data, key.size);
    c->entries[c->count++] = (struct channels_entry){ key.size, copy, channel };
    return channel;
}

proa_channel *channels_take(channels *c, const suite_ClientCompatRequest *wanted, proa_arena *arena)
{
    if (!c->is_shared)
        return open_channel(c, wanted, arena);
    proa_bytes key = key_of(wanted, arena);
    if (!key.size)
        return NULL;
    pthread_mutex_lock(&c->lock);
    proa_channel *channel = share(c, key, wanted, arena);
    pthread_mutex_unlock(&c->lock);
    return channel;
}

void channels_give(channels *c, proa_channel *channel)
{
    if (!c->is_shared)
        proa_channel_close(channel);
}
