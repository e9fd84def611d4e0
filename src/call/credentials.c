/* SPDX-License-Identifier: Apache-2.0 */
/* The public face of credentials: options in, io_tls behind. A proa_tls is never NULL: without memory it is `nothing`, and
 * whoever uses that says so. */
#include "call/call.h"
#include <string.h>

struct proa_tls {
    char unused;
};

static const struct proa_tls nothing;

io_tls *credentials_of(const proa_tls *tls)
{
    return tls == &nothing ? NULL : (io_tls *)tls;
}

proa_tls *proa_tls_new_(const proa_tls_options *options, size_t size)
{
    proa_tls_options o = { 0 };
    if (options)
        memcpy(&o, options, size < sizeof o ? size : sizeof o);
    io_tls *made = io_tls_new(&(io_tls_options){ .ca_file = o.ca_file,
                                                 .cert_file = o.cert_file,
                                                 .key_file = o.key_file,
                                                 .ca_pem = o.ca_pem,
                                                 .cert_pem = o.cert_pem,
                                                 .key_pem = o.key_pem,
                                                 .server_name = o.server_name,
                                                 .key_log_file = o.key_log_file,
                                                 .requires_client_cert = o.require_client_cert,
                                                 .handshake_ns = o.handshake_ns,
                                                 .reload_interval_ns = o.reload_interval_ns });
    return made ? (proa_tls *)made : (proa_tls *)&nothing;
}

proa_err proa_tls_reload(proa_tls *tls, proa_error *error)
{
    return io_tls_reload(tls ? credentials_of(tls) : NULL, error);
}

void proa_tls_free(proa_tls *tls)
{
    io_tls_drop(tls ? credentials_of(tls) : NULL);
}
