/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS must be here: HTTP/2 agreed on, versions and ciphers of RFC 9113 9.2, no renegotiation, no resumption, no flood of
 * messages beside the data. The other end is OpenSSL, told to do what ours must not take. */
#include "io/tls_testlib.h"
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static cert ca, leaf;
static io_tls *server_tls, *client_tls;
static io_loop *loop;

static int begin(void **state)
{
    (void)state;
    loop = io_loop_new(NULL);
    return loop == NULL;
}

static int finish(void **state)
{
    (void)state;
    io_loop_free(loop);
    return 0;
}

static int make_certificates(void **state)
{
    (void)state;
    cert_make(&ca, &(cert_recipe){ .cn = "Test CA", .is_ca = true }, NULL);
    cert_make(&leaf, &(cert_recipe){ .cn = "server", .san = "DNS:greeter.example" }, &ca);
    server_tls = tls_of(&(io_tls_options){ .cert_pem = leaf.pem, .key_pem = leaf.key_pem });
    client_tls = tls_of(&(io_tls_options){ .ca_pem = ca.pem });
    return 0;
}

static int free_certificates(void **state)
{
    (void)state;
    io_tls_drop(server_tls);
    io_tls_drop(client_tls);
    cert_free(&ca);
    cert_free(&leaf);
    return 0;
}

/* Ours at one end of the wire, OpenSSL at the other. */
typedef struct against {
    secured s;
    peer *ours;
    raw_end raw;
    SSL_CTX *context;
} against;

static void meet(against *a, bool is_server_ours, SSL_CTX *context)
{
    proa_error error;
    wire_open(&a->s.wire, loop);
    a->s.client = a->s.server = (peer){ 0 };
    a->ours = is_server_ours ? &a->s.server : &a->s.client;
    a->context = context;
    a->ours->socket = io_tls_start(loop, a->s.wire.ends[is_server_ours], is_server_ours ? server_tls : client_tls,
                                   is_server_ours ? NULL : "greeter.example", &peer_handler, a->ours, &error);
    assert_non_null(a->ours->socket);
    raw_open(&a->raw, a->s.wire.ends[!is_server_ours], context, !is_server_ours);
    secured_settle(&a->s);
}

static void part(against *a)
{
    raw_close(&a->raw);
    peer_close(a->ours);
    wire_close(&a->s.wire);
    SSL_CTX_free(a->context);
}

static SSL_CTX *raw_client(void)
{
    return raw_context(NULL, NULL, 0);
}

static SSL_CTX *raw_server(void)
{
    return raw_context(&leaf, NULL, 0);
}

static void expect_refusal(against *a, const char *says)
{
    assert_int_equal(a->ours->connected, 0);
    assert_int_equal(a->ours->ends, 1);
    if (a->ours->error.code != PROA_ERR_TLS || !strstr(a->ours->error.text, says))
        fail_msg("it says \"%s\", not \"%s\"", a->ours->error.text, says);
}

static void expect_standing(const against *a)
{
    if (a->ours->connected != 1 || !a->raw.is_done)
        fail_msg("no handshake: %s; %s", a->ours->error.text, ERR_reason_error_string(a->raw.reason));
}

static void h2_must_be_agreed_on(void **state)
{
    (void)state;
    static const unsigned char http1[] = "\10http/1.1", both[] = "\10http/1.1\2h2", longer[] = "\3h2c\2h3";
    static const struct {
        const unsigned char *offer;
        unsigned size;
        bool is_good;
    } offers[] = {
        { NULL, 0, false },
        { http1, sizeof http1 - 1, false },
        { longer, sizeof longer - 1, false },
        { both, sizeof both - 1, true },
    };
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            against a;
            SSL_CTX *client = raw_client();
            SSL_CTX_set_max_proto_version(client, version);
            SSL_CTX_set_alpn_protos(client, offers[i].offer, offers[i].size);
            meet(&a, true, client);
            if (offers[i].is_good) {
                expect_standing(&a);
            } else {
                expect_refusal(&a, "the client does not offer HTTP/2 (ALPN h2)");
                assert_int_equal(ERR_GET_REASON(a.raw.reason), SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL);
            }
            part(&a);
        }
    }
    against a;
    SSL_CTX *server = raw_server();
    SSL_CTX_set_alpn_select_cb(server, NULL, NULL);
    meet(&a, false, server);
    expect_refusal(&a, "the server does not offer HTTP/2 (ALPN h2)");
    part(&a);
}

static void versions_before_1_2_are_refused(void **state)
{
    (void)state;
    for (int version = TLS1_VERSION; version <= TLS1_3_VERSION; version++) {
        against a;
        SSL_CTX *client = raw_client();
        SSL_CTX_set_max_proto_version(client, version);
        SSL_CTX_set_min_proto_version(client, version);
        meet(&a, true, client);
        if (version >= TLS1_2_VERSION) {
            expect_standing(&a);
            assert_int_equal(SSL_version(a.raw.ssl), version);
        } else {
            expect_refusal(&a, "the client speaks no TLS 1.2 or 1.3");
        }
        part(&a);
        SSL_CTX *server = raw_server();
        SSL_CTX_set_max_proto_version(server, version);
        SSL_CTX_set_min_proto_version(server, version);
        meet(&a, false, server);
        if (version >= TLS1_2_VERSION)
            expect_standing(&a);
        else
            expect_refusal(&a, "the server speaks no TLS 1.2 or 1.3");
        part(&a);
    }
}

/* RFC 9113 9.2.2 and its appendix A. */
static void ciphers_without_aead_or_fresh_keys_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_good;
    } ciphers[] = {
        { "ECDHE-ECDSA-AES128-GCM-SHA256", true }, { "ECDHE-ECDSA-AES256-GCM-SHA384", true },
        { "ECDHE-ECDSA-CHACHA20-POLY1305", true }, { "ECDHE-ECDSA-AES128-SHA", false },
        { "ECDHE-ECDSA-AES128-SHA256", false },    { "AES128-GCM-SHA256", false },
        { "DHE-RSA-AES128-GCM-SHA256", false },    { "ECDHE-ECDSA-NULL-SHA", false },
    };
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
        for (int is_server_ours = 0; is_server_ours < 2; is_server_ours++) {
            against a;
            SSL_CTX *other = is_server_ours ? raw_client() : raw_server();
            SSL_CTX_set_max_proto_version(other, TLS1_2_VERSION);
            char list[80];
            snprintf(list, sizeof list, "%s:@SECLEVEL=0", ciphers[i].name);
            assert_true(SSL_CTX_set_cipher_list(other, list));
            meet(&a, is_server_ours, other);
            if (ciphers[i].is_good) {
                expect_standing(&a);
                assert_string_equal(SSL_get_cipher_name(a.raw.ssl), ciphers[i].name);
            } else if (is_server_ours) {
                expect_refusal(&a, "no cipher in common with the client");
            } else {
                expect_refusal(&a, "the server ended it with the alert \"handshake failure\" (40)");
            }
            part(&a);
        }
    }
}

static void no_session_is_resumed(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = NULL;
        SSL_CTX *client = raw_client();
        SSL_CTX_set_max_proto_version(client, version);
        for (int i = 0; i < 2; i++) {
            against a;
            SSL_CTX_up_ref(client);
            proa_error error;
            wire_open(&a.s.wire, loop);
            a.s.server = a.s.client = (peer){ 0 };
            a.ours = &a.s.server;
            a.context = client;
            a.ours->socket = io_tls_start(loop, a.s.wire.ends[1], server_tls, NULL, &peer_handler, a.ours, &error);
            a.raw = (raw_end){ .ssl = NULL };
            raw_open(&a.raw, a.s.wire.ends[0], client, false);
            if (session && SSL_SESSION_is_resumable(session))
                (void)!SSL_set_session(a.raw.ssl, session);
            secured_settle(&a.s);
            expect_standing(&a);
            assert_int_equal(peer_write(a.ours, "x", 1), 1);
            secured_settle(&a.s);
            assert_false(SSL_session_reused(a.raw.ssl));
            SSL_SESSION_free(session);
            session = SSL_get1_session(a.raw.ssl);
            assert_false(SSL_SESSION_has_ticket(session));
            assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
            part(&a);
        }
        SSL_SESSION_free(session);
        SSL_CTX_free(client);
    }
}

static void update_keys(against *a, int times)
{
    for (int i = 0; i < times; i++) {
        assert_true(SSL_key_update(a->raw.ssl, SSL_KEY_UPDATE_REQUESTED));
        assert_int_equal(SSL_do_handshake(a->raw.ssl), 1);
        raw_flush(&a->raw);
        secured_settle(&a->s);
    }
}

/* Changing keys is right, changing nothing but keys is not: each costs us a derivation and an answer. */
static void keys_change_now_and_then_but_not_for_ever(void **state)
{
    (void)state;
    for (int is_server_ours = 0; is_server_ours < 2; is_server_ours++) {
        against a;
        meet(&a, is_server_ours, is_server_ours ? raw_client() : raw_server());
        expect_standing(&a);
        update_keys(&a, 5);
        raw_write(&a.raw, "new keys", 8);
        secured_settle(&a.s);
        assert_true(BYTES_IS(buffer_bytes(&a.ours->in), "new keys"));
        assert_int_equal(peer_write(a.ours, "here too", 8), 8);
        secured_settle(&a.s);
        assert_true(BYTES_IS(buffer_bytes(&a.raw.in), "here too"));
        for (int i = 0; i < 60 && !a.ours->ends; i++)
            update_keys(&a, 1);
        assert_int_equal(a.ours->ends, 1);
        assert_int_equal(a.ours->error.code, PROA_ERR_LIMIT);
        assert_non_null(strstr(a.ours->error.text, "too many messages beside the data"));
        part(&a);
    }
}

static void data_earns_new_keys(void **state)
{
    (void)state;
    against a;
    meet(&a, true, raw_client());
    static const char chunk[16 * 1024];
    for (int i = 0; i < 50; i++) {
        for (int k = 0; k < 64; k++) {
            raw_write(&a.raw, chunk, sizeof chunk);
            secured_settle(&a.s);
        }
        buffer_consume(&a.ours->in, buffer_size(&a.ours->in));
        update_keys(&a, 1);
    }
    assert_int_equal(a.ours->ends, 0);
    part(&a);
}

/* What is written while half of a KeyUpdate has come is not lost. */
static void writes_between_the_halves_of_a_message_arrive(void **state)
{
    (void)state;
    against a;
    meet(&a, true, raw_client());
    SSL_set_max_send_fragment(a.raw.ssl, 512);
    assert_true(SSL_key_update(a.raw.ssl, SSL_KEY_UPDATE_REQUESTED));
    a.s.wire.chunk = 1;
    assert_int_equal(SSL_do_handshake(a.raw.ssl), 1);
    raw_flush(&a.raw);
    for (int i = 0; i < 12; i++)
        wire_step(&a.s.wire);
    assert_int_equal(peer_write(a.ours, "between", 7), 7);
    secured_settle(&a.s);
    assert_true(BYTES_IS(buffer_bytes(&a.raw.in), "between"));
    part(&a);
}

static void a_new_handshake_is_refused(void **state)
{
    (void)state;
    against a;
    SSL_CTX *client = raw_client();
    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
    SSL_CTX_set_options(client, SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_LEGACY_SERVER_CONNECT);
    meet(&a, true, client);
    expect_standing(&a);
    assert_true(SSL_renegotiate(a.raw.ssl));
    (void)!SSL_do_handshake(a.raw.ssl);
    raw_flush(&a.raw);
    secured_settle(&a.s);
    assert_true(a.raw.has_failed);
    assert_int_equal(ERR_GET_REASON(a.raw.reason), SSL_R_NO_RENEGOTIATION);
    part(&a);
}

/* A server may send tickets; a client that never asks for them again need not hold many. */
static void a_flood_of_tickets_ends_the_connection(void **state)
{
    (void)state;
    against a;
    meet(&a, false, raw_server());
    expect_standing(&a);
    for (int i = 0; i < 60 && !a.ours->ends; i++) {
        assert_true(SSL_new_session_ticket(a.raw.ssl));
        assert_int_equal(SSL_do_handshake(a.raw.ssl), 1);
        raw_flush(&a.raw);
        secured_settle(&a.s);
        assert_true(i >= 10 || !a.ours->ends);
    }
    assert_int_equal(a.ours->ends, 1);
    assert_int_equal(a.ours->error.code, PROA_ERR_LIMIT);
    part(&a);
}

static int note_name(SSL *ssl, int *alert, void *name)
{
    const char *sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    snprintf(name, 64, "%s", sent ? sent : "");
    return SSL_TLSEXT_ERR_OK;
}

/* A name that the client sends is a DNS name, never an address (RFC 6066 3). */
static void sni_names_hosts_alone(void **state)
{
    (void)state;
    static const char *const hosts[][2] = {
        { "greeter.example", "greeter.example" },
        { "greeter.example.", "greeter.example" },
        { "192.0.2.1", "" },
        { "2001:db8::1", "" },
    };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        against a;
        proa_error error;
        SSL_CTX *server = raw_server();
        char name[64] = "nothing came";
        SSL_CTX_set_tlsext_servername_callback(server, note_name);
        SSL_CTX_set_tlsext_servername_arg(server, name);
        wire_open(&a.s.wire, loop);
        a.s.client = (peer){ 0 };
        a.s.client.socket =
            io_tls_start(loop, a.s.wire.ends[0], client_tls, hosts[i][0], &peer_handler, &a.s.client, &error);
        a.ours = &a.s.client;
        a.context = server;
        raw_open(&a.raw, a.s.wire.ends[1], server, true);
        secured_settle(&a.s);
        assert_string_equal(name, hosts[i][1]);
        part(&a);
    }
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(h2_must_be_agreed_on),
        WITH_LOOP(versions_before_1_2_are_refused),
        WITH_LOOP(ciphers_without_aead_or_fresh_keys_are_refused),
        WITH_LOOP(no_session_is_resumed),
        WITH_LOOP(keys_change_now_and_then_but_not_for_ever),
        WITH_LOOP(data_earns_new_keys),
        WITH_LOOP(writes_between_the_halves_of_a_message_arrive),
        WITH_LOOP(a_new_handshake_is_refused),
        WITH_LOOP(a_flood_of_tickets_ends_the_connection),
        WITH_LOOP(sni_names_hosts_alone),
    };
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
