/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A channel: the way to a server, and its credentials.
 */
#ifndef PROA_CHANNEL_H
#define PROA_CHANNEL_H
#include "proa/call.h"
#include "proa/limits.h"
PROA_BEGIN

/** Credentials, for servers and for channels. May be shared by many of them, in any thread. */
typedef struct proa_tls proa_tls;

/** Options of credentials. Only grows, by appending. */
typedef struct proa_tls_options {
    const char *ca_file;      /**< PEM; who may vouch for the peer; a client without it takes the system's */
    const char *cert_file;    /**< PEM; our certificate, then its chain */
    const char *key_file;     /**< PEM; its private key */
    proa_bytes ca_pem;        /**< as ca_file, from memory, copied */
    proa_bytes cert_pem;      /**< as cert_file, from memory, copied */
    proa_bytes key_pem;       /**< as key_file, from memory, copied */
    const char *server_name;  /**< client: the name to check; default: the target's host */
    bool require_client_cert; /**< server: refuse a client without a certificate */
} proa_tls_options;

/** The function behind proa_tls_new. */
PROA_API proa_tls *proa_tls_new_(const proa_tls_options *options, size_t options_size);

/** Loads credentials. @p options may be NULL.
 *
 * Not built yet: a server that uses them fails with PROA_ERR_TLS, calls of a channel end as UNAVAILABLE.
 * Never NULL: a bad file is reported by whatever uses it. Ownership: *owned (free with proa_tls_free)*. Thread: any.
 */
static inline proa_tls *proa_tls_new(const proa_tls_options *options)
{
    return proa_tls_new_(options, sizeof *options);
}

/** Frees credentials; at once, if you like: what uses them holds them. NULL is fine. Thread: any. */
PROA_API void proa_tls_free(proa_tls *tls);

/** Options of a channel. Only grows, by appending. Zero is the default. */
typedef struct proa_channel_options {
    proa_loop *loop;           /**< callbacks run here; NULL: the threads that wait on calls drive the channel */
    proa_tls *tls;             /**< NULL: plaintext; held, not taken */
    bool plaintext;            /**< allow plaintext to more than loopback and Unix sockets */
    int64_t timeout_ns;        /**< of calls that give none; 0: none */
    size_t receive_bytes_max;  /**< bytes of one reply; 0: 4 MiB; more fails the call as RESOURCE_EXHAUSTED */
    size_t queue_bytes_max;    /**< unsent bytes of one call before a push says false; 0: 64 KiB */
    const proa_limits *limits; /**< copied; NULL: the defaults */
    const proa_trace *trace;   /**< *borrowed (until the channel is closed)*; NULL: the loop's */
    uint32_t pending_calls_max; /**< calls that wait for a connection or a stream; 0: 10000; more fail as UNAVAILABLE */
    int64_t connect_ns;         /**< ns that one attempt to connect may take; 0: 20 s; doc/connection-backoff.md */
} proa_channel_options;

/** The function behind proa_channel_open. */
PROA_API proa_channel *proa_channel_open_(const char *target, const proa_channel_options *options, size_t options_size);

/** Opens a channel; it connects when the first call needs it. @p options may be NULL.
 *
 * @p target is "host:port", "[2001:db8::1]:port", "dns:host:port" or "unix:path" (gRPC's doc/naming.md); it is copied.
 * It needs no check: what fails, the status of each call says. Only without memory it is NULL, which every function takes.
 * Ownership: *owned (free with proa_channel_close)*. Thread: any; with a loop, that of the loop.
 */
static inline proa_channel *proa_channel_open(const char *target, const proa_channel_options *options)
{
    return proa_channel_open_(target, options, sizeof *options);
}

/** Closes a channel and frees it. Its calls end as CANCELLED and are to be ended still. NULL is fine. Thread: as
 * proa_channel_open. */
PROA_API void proa_channel_close(proa_channel *channel);

PROA_END
#endif
