/* SPDX-License-Identifier: Apache-2.0 */
/* The socket of TLS, and its words for what went wrong, as the rooms of io see them. */
#ifndef IO_TLS_H
#define IO_TLS_H
#include "io/io.h"
#include <openssl/ssl.h>

BIO_METHOD *tls_bio_new(void);                    /* owned: BIO_meth_free; NULL: no memory */
void tls_set_callbacks(SSL_CTX *context);         /* what a socket needs to hear of its handshake */

/* tls_reason.c: what OpenSSL's queue of errors means, one line; problem: what the check of the certificates found, or "". */
void tls_reason(bool is_server, const char *problem, char *out, size_t out_size);
#endif
