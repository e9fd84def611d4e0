/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of any kind, good and bad, made in a millisecond (P-256). For the tests of io. */
#ifndef IO_CERTS_TESTLIB_H
#define IO_CERTS_TESTLIB_H
#include "base/base.h"
#include <openssl/x509v3.h>

typedef struct cert_recipe {
    const char *cn;                /* common name; NULL: no subject at all */
    const char *san;               /* as OpenSSL's configuration has it: "DNS:a.example,IP:1.2.3.4"; NULL: none */
    proa_bytes san_dns;            /* a DNS name as it is, whatever is in it */
    int from_days, to_days;        /* of validity, from now; both 0: -1 to 30 */
    bool is_ca;
    bool has_pathlen;
    int pathlen;
    const char *key_usage, *ext_key_usage, *name_constraints;   /* as OpenSSL's configuration has them */
    const char *critical_oid;      /* an extension that nobody knows */
    unsigned rsa_bits;             /* 0: P-256 */
    const char *digest;            /* NULL: SHA256 */
} cert_recipe;

typedef struct cert {
    X509 *x509;
    EVP_PKEY *key;
    proa_bytes pem, key_pem;       /* owned; NUL-terminated */
} cert;

void cert_make(cert *out, const cert_recipe *recipe, const cert *issuer);   /* issuer NULL: self-signed */
void cert_free(cert *cert);
proa_bytes cert_chain(const cert *const *certs, size_t count);   /* their PEM, one behind the other; owned: memory_free */
void cert_write(const char *path, proa_bytes pem);   /* replaces the file at once, by a rename */
#endif
