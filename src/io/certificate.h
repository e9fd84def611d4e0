/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials and certificates as the rooms of io see them. OpenSSL's types stay inside of io/tls*.c and io/certificate*.c. */
#ifndef IO_CERTIFICATE_H
#define IO_CERTIFICATE_H
#include "io/io.h"
#include <openssl/ssl.h>

/* What a handshake starts with; files that changed are taken when the interval says so. Owned: SSL_CTX_free. NULL: see error. */
SSL_CTX *certificate_context(io_tls *tls, bool is_server, int64_t now, const trace *trace, proa_error *error);
const char *certificate_server_name(const io_tls *tls);   /* NULL: the host's own */
int64_t certificate_handshake_ns(const io_tls *tls);
BIO_METHOD *certificate_bio(const io_tls *tls);   /* borrowed: that of tls_bio_new */

/* ---- certificate_peer.c: what a peer's certificate says. The peer wrote all of it: what is printed is escaped and cut. */
/* One block, owned: memory_free. NULL: see error. */
io_identity *certificate_identity(X509 *leaf, proa_error *error);
/* Why a chain was refused, one line: X509_STORE_CTX_get_error in words, with names and times. */
void certificate_problem(X509_STORE_CTX *chain, bool is_of_server, char *out, size_t out_size);
/* The name to find in the certificate of a server: its SANs alone (RFC 9525 6.3), an address among the addresses. */
proa_err certificate_set_host(SSL *ssl, const char *host, proa_error *error);
#endif
