/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROA_CHANNEL_H
#define PROA_CHANNEL_H
#include "proa/call.h"
PROA_BEGIN
typedef struct proa_tls proa_tls;
typedef struct proa_tls_options {
    const char *ca_file, *cert_file, *key_file;   /* PEM; a client without CA takes the system's */
    proa_bytes ca_pem, cert_pem, key_pem;         /* or from memory, copied */
    const char *server_name;                      /* client; default: the target's host */
    bool require_client_cert;                     /* server */
} proa_tls_options;
PROA_API proa_tls *proa_tls_new_(const proa_tls_options *, size_t);
static inline proa_tls *proa_tls_new(const proa_tls_options *options)  /* never NULL; a bad file is reported by its user */
{ return proa_tls_new_(options, sizeof *options); }
PROA_API void proa_tls_free(proa_tls *tls);       /* at once, if you like: users hold it */

typedef struct proa_channel_options {
    proa_loop *loop;              /* callbacks run here; NULL: threads that wait drive the channel */
    proa_tls *tls;
    bool plaintext;               /* allow it beyond loopback and Unix sockets */
    int64_t timeout_ns;           /* of calls that give none; 0: none */
    size_t receive_bytes_max;     /* one message; 0: 4 MiB */
    size_t queue_bytes_max;       /* unsent, per call; 0: 64 KiB */
} proa_channel_options;
PROA_API proa_channel *proa_channel_open_(const char *, const proa_channel_options *, size_t);
static inline proa_channel *proa_channel_open(const char *target, const proa_channel_options *options)
{ return proa_channel_open_(target, options, sizeof *options); }  /* owned: proa_channel_close; lazy, never NULL; any thread */
PROA_API void proa_channel_close(proa_channel *channel);          /* its calls end as CANCELLED */
PROA_END
#endif
