/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of TLS. This build has no TLS: the object holds nothing, and whatever is given one says so. */
#include "call/call.h"

struct proa_tls {
    char unused;
};

static const struct proa_tls nothing;

proa_tls *proa_tls_new_(const proa_tls_options *options, size_t size)
{
    (void)options;
    (void)size;
    return (proa_tls *)&nothing;
}

void proa_tls_free(proa_tls *tls)
{
    (void)tls;
}
