/* SPDX-License-Identifier: Apache-2.0 */
/* What the certificate of a peer says: who it is, for whom it stands, and why a chain was refused, in one line. All of it
 * is written by the peer: names are printed escaped and cut, and a name with a NUL inside is no name (CVE-2009-2408). */
#include "io/certificate.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { NAME_TEXT = 80, NAMES_TEXT = 120 };

/* ---- In words */

static void show_name(char *out, size_t size, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    long length = 0;
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
        length = BIO_get_mem_data(bio, &data);
    trace_escape((proa_bytes){ data ? data : "", length > 0 ? (size_t)length : 0 }, out, size);
    BIO_free(bio);
}

static void show_time(char *out, size_t size, const ASN1_TIME *time)
{
    struct tm t;
    if (ASN1_TIME_to_tm(time, &t))
        snprintf(out, size, "%04d-%02d-%02d %02d:%02d:%02d UTC", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                 t.tm_min, t.tm_sec);
    else
        snprintf(out, size, "an unreadable time");
}

/* False: of a kind that names no host. */
static bool show_alternative(char *out, size_t size, const GENERAL_NAME *name)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type == GEN_DNS) {
        trace_escape((proa_bytes){ (const char *)ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value) }, out,
                     size);
        return true;
    }
    if (type != GEN_IPADD)
        return false;
    char text[INET6_ADDRSTRLEN] = "a malformed address";
    int length = ASN1_STRING_length(value);
    if (length == 4 || length == 16)
        inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), text, sizeof text);
    snprintf(out, size, "%s", text);
    return true;
}

static void show_alternatives(char *out, size_t size, const X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    size_t end = 0;
    snprintf(out, size, "no host");
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        char one[NAME_TEXT];
        if (!show_alternative(one, sizeof one, sk_GENERAL_NAME_value(names, i)))
            continue;
        size_t length = strlen(one);
        if (end + length + sizeof ", …" >= size) {
            snprintf(out + end, size - end, "%s", end ? ", …" : "…");
            break;
        }
        end += (size_t)snprintf(out + end, size - end, "%s%s", end ? ", " : "", one);
    }
    GENERAL_NAMES_free(names);
}

static void show_wanted(char *out, size_t size, X509_STORE_CTX *chain)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(chain);
    char *address = X509_VERIFY_PARAM_get1_ip_asc(param);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    snprintf(out, size, "%.*s", NAME_TEXT, address ? address : host ? host : "?");
    OPENSSL_free(address);
}

/* Whose certificate the error is about: the peer's own, or one that vouches for it. */
static void show_holder(char *out, size_t size, X509_STORE_CTX *chain, bool is_of_server)
{
    char name[NAME_TEXT];
    const X509 *at = X509_STORE_CTX_get_current_cert(chain);
    if (X509_STORE_CTX_get_error_depth(chain) == 0 || !at) {
        snprintf(out, size, "the %s's certificate", is_of_server ? "server" : "client");
        return;
    }
    show_name(name, sizeof name, X509_get_subject_name(at));
    snprintf(out, size, "the authority %s behind the %s's certificate", name, is_of_server ? "server" : "client");
}

static void show_issuer(char *out, size_t size, X509_STORE_CTX *chain)
{
    const X509 *at = X509_STORE_CTX_get_current_cert(chain);
    if (at)
        show_name(out, size, X509_get_issuer_name(at));
    else
        snprintf(out, size, "?");
}

void certificate_problem(X509_STORE_CTX *chain, bool is_of_server, char *out, size_t size)
{
    char holder[NAME_TEXT + 60], detail[NAMES_TEXT], wanted[NAME_TEXT + 1];
    const X509 *at = X509_STORE_CTX_get_current_cert(chain);
    int error = X509_STORE_CTX_get_error(chain);
    show_holder(holder, sizeof holder, chain, is_of_server);
    show_wanted(wanted, sizeof wanted, chain);
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        show_time(detail, sizeof detail, X509_get0_notAfter(at));
        snprintf(out, size, "%s has expired: it was valid until %s", holder, detail);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        show_time(detail, sizeof detail, X509_get0_notBefore(at));
        snprintf(out, size, "%s is not yet valid: it will be from %s", holder, detail);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        show_alternatives(detail, sizeof detail, at);
        snprintf(out, size, "%s is not for %s: it names %s", holder, wanted, detail);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(out, size, "%s is self-signed, and is not among those that we trust", holder);
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        show_issuer(detail, sizeof detail, chain);
        snprintf(out, size, "unknown authority: nobody that we trust vouches for %s; it was issued by %s", holder,
                 detail);
        break;
    case X509_V_ERR_INVALID_PURPOSE:
        snprintf(out, size, "%s has the wrong purpose: it is not for a %s (key usage)", holder,
                 is_of_server ? "server" : "client");
        break;
    default: snprintf(out, size, "%s: %s", holder, X509_verify_cert_error_string(error));
    }
}

/* ---- Who it is */

typedef struct block {
    io_identity identity;
    char *next;
} block;

static proa_bytes add(block *b, const void *data, size_t size)
{
    bytes_copy(b->next, data, size);
    proa_bytes added = { b->next, size };
    b->next += size;
    return added;
}

static bool is_wanted(const GENERAL_NAME *name, int *type, proa_bytes *value)
{
    const ASN1_STRING *text = GENERAL_NAME_get0_value(name, type);
    if (*type != GEN_DNS && *type != GEN_URI)
        return false;
    *value = (proa_bytes){ (const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text) };
    return true;
}

/* How many names of a kind and how many bytes all of them; false: one of them is no name. */
static bool measure(const GENERAL_NAMES *names, size_t *dns, size_t *uris, size_t *bytes)
{
    int type;
    proa_bytes value;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (!is_wanted(sk_GENERAL_NAME_value(names, i), &type, &value))
            continue;
        if (value.size == 0 || memchr(value.data, '\0', value.size))
            return false;
        *(type == GEN_DNS ? dns : uris) += 1;
        *bytes += value.size;
    }
    return true;
}

static void fill(block *b, const GENERAL_NAMES *names, proa_bytes *dns, proa_bytes *uris)
{
    int type;
    proa_bytes value;
    b->identity.dns_names.data = dns;
    b->identity.uris.data = uris;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (!is_wanted(sk_GENERAL_NAME_value(names, i), &type, &value))
            continue;
        proa_bytes added = add(b, value.data, value.size);
        if (type == GEN_DNS)
            dns[b->identity.dns_names.count++] = added;
        else
            uris[b->identity.uris.count++] = added;
    }
}

static io_identity *make(const GENERAL_NAMES *names, proa_bytes subject, proa_bytes der, proa_error *error)
{
    size_t dns = 0, uris = 0, bytes = subject.size + der.size;
    if (!measure(names, &dns, &uris, &bytes)) {
        error_set(error, PROA_ERR_TLS, "the certificate has a name that is empty or has a NUL inside");
        return NULL;
    }
    size_t head = sizeof(block) + (dns + uris) * sizeof(proa_bytes);
    block *b = memory_new(head + bytes);
    if (!b) {
        error_set(error, PROA_ERR_NOMEM, "out of memory");
        return NULL;
    }
    proa_bytes *lists = (proa_bytes *)(void *)(b + 1);
    b->next = (char *)b + head;
    b->identity.subject = add(b, subject.data, subject.size);
    b->identity.certificate_der = add(b, der.data, der.size);
    fill(b, names, lists, lists + dns);
    return &b->identity;
}

io_identity *certificate_identity(X509 *leaf, proa_error *error)
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    char *subject = NULL;
    int der_size = i2d_X509(leaf, &der);
    io_identity *made = NULL;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    if (bio && der_size > 0 && X509_NAME_print_ex(bio, X509_get_subject_name(leaf), 0, XN_FLAG_RFC2253) >= 0) {
        long size = BIO_get_mem_data(bio, &subject);
        made = make(names, (proa_bytes){ subject, (size_t)size }, (proa_bytes){ (char *)der, (size_t)der_size }, error);
    } else {
        error_set(error, PROA_ERR_NOMEM, "out of memory");
    }
    GENERAL_NAMES_free(names);
    OPENSSL_free(der);
    BIO_free(bio);
    return made;
}

/* ---- For whom it must stand */

proa_err certificate_set_host(SSL *ssl, const char *host, proa_error *error)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    char name[256];
    size_t size = strcspn(host, "%"); /* the zone of fe80::1%eth0 is ours, not the peer's */
    if (size == 0 || size >= sizeof name)
        return error_set(error, PROA_ERR_TLS, "no name to find in the server's certificate: server_name says one");
    snprintf(name, sizeof name, "%.*s", (int)size, host);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name))
        return PROA_ERR_NONE;
    /* "host." is the same host, and certificates have no final dot. */
    if (name[size - 1] == '.')
        name[--size] = '\0';
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* ".example" would be every name below it: to OpenSSL, and to nobody else. */
    if (size == 0 || name[0] == '.' || !X509_VERIFY_PARAM_set1_host(param, name, size) ||
        !SSL_set_tlsext_host_name(ssl, name))
        return error_set(error, PROA_ERR_TLS, "%s: no name for a certificate", host);
    return PROA_ERR_NONE;
}
