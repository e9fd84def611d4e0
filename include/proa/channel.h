/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A channel: the way to a server, and its credentials.
 */
#ifndef PROA_CHANNEL_H
#define PROA_CHANNEL_H
#include "proa/call.h"
#include "proa/limits.h"
PROA_BEGIN

/** Credentials of TLS 1.2 and 1.3, for servers and for channels. May be shared by many of them, in any thread. */
typedef struct proa_tls proa_tls;

/** Options of credentials. Only grows, by appending.
 *
 * A server needs a certificate and its key. It asks clients for theirs when it has a CA to check them with. A channel
 * checks the server's certificate always, and its name by the subject alternative names alone (RFC 9525). HTTP/2 must be
 * agreed on (ALPN), a session is never resumed. Files are read in proa_tls_new, and again as proa_tls_reload says.
 */
typedef struct proa_tls_options {
    const char *ca_file;      /**< PEM; who may vouch for the peer; a client without it takes the system's */
    const char *cert_file;    /**< PEM; our certificate, then its chain */
    const char *key_file;     /**< PEM; its private key, without a passphrase */
    proa_bytes ca_pem;        /**< as ca_file, from memory, copied */
    proa_bytes cert_pem;      /**< as cert_file, from memory, copied */
    proa_bytes key_pem;       /**< as key_file, from memory, copied */
    const char *server_name;  /**< client: the name, or IP address, to check and to ask for (SNI); default: the target's host */
    bool require_client_cert; /**< server: refuse a client without a certificate; needs a CA */
    const char *key_log_file; /**< debugging: the secrets of every connection are appended here, for Wireshark; a new file is its
                                   owner's alone, one that is there keeps its permissions; NULL: none */
    int64_t handshake_ns;       /**< ns that a handshake may take; 0: 10 s */
    int64_t reload_interval_ns; /**< ns between looks at the files, which happen when a handshake begins; files that
                                     changed are taken, bad ones are not; 0: proa_tls_reload alone reads them */
} proa_tls_options;

/** The function behind proa_tls_new. */
PROA_API proa_tls *proa_tls_new_(const proa_tls_options *options, size_t options_size);

/** Loads credentials. @p options may be NULL: a client's, with the system's authorities.
 *
 * Never NULL: what is wrong with them (a file that cannot be read, a key that does not fit) is reported by whatever uses
 * them: proa_server_listen and proa_server_run as PROA_ERR_TLS, the calls of a channel as UNAVAILABLE.
 * Ownership: *owned (free with proa_tls_free)*. Thread: any.
 */
static inline proa_tls *proa_tls_new(const proa_tls_options *options)
{
    return proa_tls_new_(options, sizeof *options);
}

/** Reads the files again. Connections keep what they have, handshakes from now on take the new; no call fails for it.
 *
 * Errors: PROA_ERR_TLS, PROA_ERR_NOMEM; then all stays as it was. @p error may be NULL. Thread: any, also while servers
 * and channels use them; it blocks on the files.
 */
PROA_API PROA_CHECK proa_err proa_tls_reload(proa_tls *tls, proa_error *error);

/** Frees credentials; at once, if you like: what uses them holds them. NULL is fine. Thread: any. */
PROA_API void proa_tls_free(proa_tls *tls);

/** How a channel stands with its server (gRPC's connectivity states). Frozen. */
typedef enum proa_channel_state {
    PROA_CHANNEL_IDLE,              /**< not connected, and not about to: no call wants it */
    PROA_CHANNEL_CONNECTING,        /**< looks up, connects, shakes hands; calls wait */
    PROA_CHANNEL_READY,             /**< calls go out */
    PROA_CHANNEL_TRANSIENT_FAILURE, /**< every address failed; it tries again by itself, and is so until READY. Calls fail
                                         at once as UNAVAILABLE, and say why, unless they wait for ready */
    PROA_CHANNEL_SHUTDOWN           /**< closed */
} proa_channel_state;

/** Options of a channel. Only grows, by appending. Zero is the default. */
typedef struct proa_channel_options {
    proa_loop *loop;           /**< callbacks run here; NULL: the threads that wait on calls drive the channel */
    proa_tls *tls;             /**< NULL: plaintext; held, not taken */
    bool plaintext;            /**< allow plaintext to more than loopback and Unix sockets */
    int64_t timeout_ns;        /**< ns, of calls that give none; 0: none */
    size_t receive_bytes_max;  /**< bytes of one reply; 0: 4 MiB; more fails the call as RESOURCE_EXHAUSTED */
    size_t queue_bytes_max;    /**< unsent bytes of one call before a push says false; 0: 64 KiB */
    const proa_limits *limits; /**< copied; NULL: the defaults */
    const proa_trace *trace;   /**< *borrowed (until the channel is closed)*; NULL: the loop's */
    uint32_t pending_calls_max; /**< calls that wait for a connection or a stream; 0: 10000; more fail as UNAVAILABLE */
    int64_t connect_ns;         /**< ns that one attempt to connect may take, with TLS and SETTINGS; 0: 20 s, or until the
                                     next one would begin if that is later; doc/connection-backoff.md */
    int64_t idle_ns;            /**< ns without a call until the connection is closed, IDLE; 0: 30 min; negative: never */
    int64_t initial_backoff_ns; /**< ns between the begins of the first two attempts at an address; 0: 1 s; then times 1.6,
                                     each +-20 %; doc/connection-backoff.md */
    int64_t max_backoff_ns;     /**< ns, where that ends; 0: 120 s, and 1 s for loopback and Unix sockets */
    int64_t attempt_delay_ns;   /**< ns until the next address is tried beside one that does not answer; 0: 250 ms; from
                                     100 ms to 2 s; gRFC A61 */
    int64_t resolve_ns;         /**< ns at least between two lookups of the name; 0: 30 s */
    int64_t keepalive_ns;         /**< ns without a byte from the server until it is pinged; 0 or less: never; gRFC A8 */
    int64_t keepalive_timeout_ns; /**< ns that it may take to answer, and TCP to be heard; 0: 20 s */
    int64_t keepalive_min_ns;     /**< ns; a smaller keepalive_ns is raised to it; 0: 10 s; for tests and networks of one's own */
    bool keepalive_without_calls; /**< ping also while no call runs; most servers forbid it */
    bool shuffle_addresses;       /**< try them in random order; for many clients of servers with many addresses */
    uint64_t seed;                /**< of jitter and shuffling; 0: another one each time */
    /** The state is another one; steps between may be left out. On a loop only, in its thread, never inside a verb. The
     * channel may be closed in it; after that it is not called. */
    void (*on_state)(proa_channel *channel, proa_channel_state state, void *user);
    void *user;                   /**< handed to on_state */
} proa_channel_options;

/** The function behind proa_channel_open. */
PROA_API proa_channel *proa_channel_open_(const char *target, const proa_channel_options *options, size_t options_size);

/** Opens a channel; it connects when the first call needs it. @p options may be NULL.
 *
 * @p target is "host:port" (443 without one), "[2001:db8::1]:port", "dns:host:port", "ipv4:a:port,b:port",
 * "ipv6:[a]:port", "unix:path" or "unix-abstract:name" (gRPC's doc/naming.md); it is copied.
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

/** Tells how a channel stands; with @p connect an IDLE one begins to connect.
 *
 * A channel has connections on each loop where calls of it run (those of parents lie on their parents' loops); this is
 * about its own: that of `options.loop`, or that which waiting threads drive. NULL, which is no channel: SHUTDOWN.
 * Thread: any; with @p connect from other threads than the loop's it takes effect a little later.
 */
PROA_API proa_channel_state proa_channel_get_state(proa_channel *channel, bool connect);

/** Waits until a channel that threads drive is in that state; for READY it connects. False: the time is over, or it was
 * closed. A state that is passed in between may be missed. @p timeout_ns negative: as long as it takes.
 *
 * Thread: any, and not with a loop: there on_state tells.
 */
PROA_API bool proa_channel_wait_state(proa_channel *channel, proa_channel_state state, int64_t timeout_ns);

/** Ends the waits between attempts: a channel in TRANSIENT_FAILURE tries again now, as after its first failure. For a program
 * that knows better than a clock: the network is back, the server was started. Thread: any. */
PROA_API void proa_channel_reset_backoff(proa_channel *channel);

PROA_END
#endif
