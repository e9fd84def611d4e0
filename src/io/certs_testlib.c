/* SPDX-License-Identifier: Apache-2.0 */
/* See certs_testlib.h. */
#include "io/certs_testlib.h"
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static long serial = 1000;

static void add_extension(X509 *x, const cert *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer ? issuer->x509 : x, x, NULL, NULL, 0);
    X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!made)
        fail_msg("no extension of \"%s\"", value);
    assert_true(X509_add_ext(x, made, -1));
    X509_EXTENSION_free(made);
}

static void add_raw_name(X509 *x, proa_bytes name)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *one = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    assert_true(ASN1_STRING_set(text, name.data, (int)name.size));
    GENERAL_NAME_set0_value(one, GEN_DNS, text);
    sk_GENERAL_NAME_push(names, one);
    assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
}

static void add_unknown(X509 *x, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    assert_true(ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05\x00", 2));
    X509_EXTENSION *made = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    assert_true(X509_add_ext(x, made, -1));
    X509_EXTENSION_free(made);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

static void add_extensions(X509 *x, const cert_recipe *r, const cert *issuer)
{
    char basic[64] = "critical,CA:FALSE";
    if (r->has_pathlen)
        snprintf(basic, sizeof basic, "critical,CA:TRUE,pathlen:%d", r->pathlen);
    else if (r->is_ca)
        snprintf(basic, sizeof basic, "critical,CA:TRUE");
    add_extension(x, issuer, NID_basic_constraints, basic);
    add_extension(x, issuer, NID_subject_key_identifier, "hash");
    add_extension(x, issuer, NID_authority_key_identifier, "keyid");
    if (r->san)
        add_extension(x, issuer, NID_subject_alt_name, r->san);
    if (r->san_dns.data)
        add_raw_name(x, r->san_dns);
    if (r->key_usage)
        add_extension(x, issuer, NID_key_usage, r->key_usage);
    if (r->ext_key_usage)
        add_extension(x, issuer, NID_ext_key_usage, r->ext_key_usage);
    if (r->name_constraints)
        add_extension(x, issuer, NID_name_constraints, r->name_constraints);
    if (r->critical_oid)
        add_unknown(x, r->critical_oid);
}

/* Owned, by our own heap. */
static proa_bytes take_text(BIO *bio)
{
    char *data;
    size_t size = (size_t)BIO_get_mem_data(bio, &data);
    char *copy = memory_new(size + 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    BIO_free(bio);
    return (proa_bytes){ copy, size };
}

void cert_make(cert *out, const cert_recipe *r, const cert *issuer)
{
    bool is_usual = r->from_days == 0 && r->to_days == 0;
    X509 *x = X509_new();
    EVP_PKEY *key = r->rsa_bits ? EVP_RSA_gen(r->rsa_bits) : EVP_EC_gen("P-256");
    assert_non_null(key);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_time_adj_ex(X509_getm_notBefore(x), is_usual ? -1 : r->from_days, 0, NULL);
    X509_time_adj_ex(X509_getm_notAfter(x), is_usual ? 30 : r->to_days, 0, NULL);
    X509_set_pubkey(x, key);
    if (r->cn)
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)r->cn, -1, -1,
                                   0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer->x509 : x));
    add_extensions(x, r, issuer);
    assert_true(X509_sign(x, issuer ? issuer->key : key, EVP_get_digestbyname(r->digest ? r->digest : "SHA256")));
    BIO *pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_X509(pem, x));
    assert_true(PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL));
    *out = (cert){ .x509 = x, .key = key, .pem = take_text(pem), .key_pem = take_text(key_pem) };
}

void cert_free(cert *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    memory_free((char *)(uintptr_t)c->pem.data);
    memory_free((char *)(uintptr_t)c->key_pem.data);
    *c = (cert){ .x509 = NULL };
}

proa_bytes cert_chain(const cert *const *certs, size_t count)
{
    buffer all = { 0 };
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buffer_append(&all, certs[i]->pem.data, certs[i]->pem.size), PROA_ERR_NONE);
    return buffer_bytes(&all);
}

void cert_write(const char *path, proa_bytes pem)
{
    char beside[256];
    snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(pem.data, 1, pem.size, file), pem.size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(beside, path), 0);
}
