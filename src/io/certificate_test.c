/* SPDX-License-Identifier: Apache-2.0 */
/* A table of certificates, good and bad, each shown in a real handshake: who refuses it and in which words. And credentials:
 * files, memory, what does not fit, reloading. */
#include "io/tls_testlib.h"
#include "base/limits.h"
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

/* ---- The authorities that the rows are issued by */

enum issuer {
    ROOT,
    OTHER_ROOT,
    MIDDLE,
    EXPIRED_MIDDLE,
    NOT_A_CA,
    PATHLEN_0,
    BELOW_PATHLEN_0,
    CONSTRAINED,
    NO_SIGN,
    RSA_MIDDLE,
    SELF
};

static cert authorities[SELF];

static const struct {
    cert_recipe recipe;
    int issuer;
} recipes[SELF] = {
    [ROOT] = { { .cn = "Root", .is_ca = true, .key_usage = "critical,keyCertSign,cRLSign" }, SELF },
    [OTHER_ROOT] = { { .cn = "Other Root", .is_ca = true }, SELF },
    [MIDDLE] = { { .cn = "Middle", .is_ca = true }, ROOT },
    [EXPIRED_MIDDLE] = { { .cn = "Old Middle", .is_ca = true, .from_days = -30, .to_days = -2 }, ROOT },
    [NOT_A_CA] = { { .cn = "No CA", .san = "DNS:greeter.example" }, ROOT },
    [PATHLEN_0] = { { .cn = "Short", .is_ca = true, .has_pathlen = true, .pathlen = 0 }, ROOT },
    [BELOW_PATHLEN_0] = { { .cn = "Too Deep", .is_ca = true }, PATHLEN_0 },
    [CONSTRAINED] = { { .cn = "Only Example", .is_ca = true, .name_constraints = "critical,permitted;DNS:.example" },
                      ROOT },
    [NO_SIGN] = { { .cn = "Signs Lists", .is_ca = true, .key_usage = "critical,cRLSign" }, ROOT },
    [RSA_MIDDLE] = { { .cn = "RSA Middle", .is_ca = true, .rsa_bits = 2048 }, ROOT },
};

static int make_authorities(void **state)
{
    (void)state;
    for (int i = 0; i < SELF; i++)
        cert_make(&authorities[i], &recipes[i].recipe,
                  recipes[i].issuer == SELF ? NULL : &authorities[recipes[i].issuer]);
    return 0;
}

static int free_authorities(void **state)
{
    (void)state;
    for (int i = 0; i < SELF; i++)
        cert_free(&authorities[i]);
    return 0;
}

/* ---- The table. In `server` rows the server shows the certificate, in `client` rows the client. */

enum side { SERVER, CLIENT };
enum verdict { TAKEN, REFUSED };

typedef struct row {
    const char *what;
    enum side shown_by;
    cert_recipe recipe;
    int issuer;
    enum issuer chain[3]; /* sent behind it; ROOT ends */
    const char *host;     /* that the client asks for; NULL: greeter.example */
    enum verdict verdict;
    const char *says;      /* in the error of who checks */
    bool is_not_for_tls12; /* OpenSSL itself would not send it there */
} row;

#define GOOD_SAN .cn = "leaf", .san = "DNS:greeter.example"

static const row rows[] = {
#include "io/certificate_rows.inc"
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void make_leaf(const row *r, cert *leaf)
{
    cert_make(leaf, &r->recipe, r->issuer == SELF ? NULL : &authorities[r->issuer]);
}

static size_t chain_of(const row *r, const cert *out[3])
{
    size_t count = 0;
    for (; count < 3 && r->chain[count] != ROOT; count++)
        out[count] = &authorities[r->chain[count]];
    return count;
}

/* Who shows the certificate is plain OpenSSL, which shows anything; who checks it is ours. */
static proa_error judge(const row *r, const cert *leaf, bool is_tls12, bool *is_taken)
{
    const cert *chain[3];
    size_t count = chain_of(r, chain);
    cert own;
    cert_make(&own, &(cert_recipe){ .cn = "own", .san = "DNS:greeter.example" }, &authorities[ROOT]);
    io_tls *tls = tls_of(&(io_tls_options){ .ca_pem = authorities[ROOT].pem,
                                            .cert_pem = r->shown_by == CLIENT ? own.pem : (proa_bytes){ NULL, 0 },
                                            .key_pem = r->shown_by == CLIENT ? own.key_pem : (proa_bytes){ NULL, 0 },
                                            .requires_client_cert = r->shown_by == CLIENT });
    SSL_CTX *context = raw_context(leaf, chain, count);
    if (is_tls12)
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    secured s;
    raw_end raw;
    bool is_server_ours = r->shown_by == CLIENT;
    wire_open(&s.wire, loop);
    peer *ours = is_server_ours ? &s.server : &s.client;
    proa_error error = { 0 };
    *ours = (peer){ 0 };
    ours->socket = io_tls_start(loop, s.wire.ends[is_server_ours], tls,
                                is_server_ours ? NULL
                                : r->host      ? r->host
                                               : "greeter.example",
                                &peer_handler, ours, &error);
    assert_non_null(ours->socket);
    raw_open(&raw, s.wire.ends[!is_server_ours], context, !is_server_ours);
    secured_settle(&s);
    *is_taken = ours->connected == 1;
    error = ours->error;
    assert_true(*is_taken ? ours->ends == 0 && raw.is_done : ours->ends == 1);
    raw_close(&raw);
    peer_close(ours);
    wire_close(&s.wire);
    SSL_CTX_free(context);
    io_tls_drop(tls);
    cert_free(&own);
    return error;
}

static void each_certificate_gets_its_verdict_and_its_words(void **state)
{
    (void)state;
    assert_true(ROWS >= 40);
    for (int i = 0; i < ROWS; i++) {
        const row *r = &rows[i];
        cert leaf;
        make_leaf(r, &leaf);
        for (int is_tls12 = 0; is_tls12 < 2 - r->is_not_for_tls12; is_tls12++) {
            bool is_taken;
            proa_error error = judge(r, &leaf, is_tls12, &is_taken);
            const char *version = is_tls12 ? "TLS 1.2" : "TLS 1.3";
            if (is_taken != (r->verdict == TAKEN))
                fail_msg("%s (%s): %s: %s", r->what, version, is_taken ? "taken" : "refused", error.text);
            if (!is_taken && (error.code != PROA_ERR_TLS || !strstr(error.text, r->says)))
                fail_msg("%s (%s): it says \"%s\", not \"%s\"", r->what, version, error.text, r->says);
        }
        cert_free(&leaf);
    }
    printf("%d certificates, each in TLS 1.2 and 1.3\n", ROWS);
}

/* ---- Credentials */

static cert good, other_key;

static int make_pair(void **state)
{
    begin(state);
    cert_make(&good, &(cert_recipe){ .cn = "server", .san = "DNS:greeter.example" }, &authorities[ROOT]);
    cert_make(&other_key, &(cert_recipe){ .cn = "server", .san = "DNS:greeter.example" }, &authorities[ROOT]);
    return 0;
}

static int free_pair(void **state)
{
    cert_free(&good);
    cert_free(&other_key);
    return finish(state);
}

static void expect_failure(const io_tls_options *options, bool is_server, const char *says)
{
    proa_error error = { 0 };
    io_tls *tls = tls_of(options);
    assert_int_equal(io_tls_check(tls, is_server, &error), PROA_ERR_TLS);
    if (!strstr(error.text, says))
        fail_msg("it says \"%s\", not \"%s\"", error.text, says);
    /* Whoever tries in spite of it hears the same. */
    io_socket *ends[2];
    assert_int_equal(io_pipe_open(loop, ends), PROA_ERR_NONE);
    proa_error again = { 0 };
    peer p = { 0 };
    assert_null(io_tls_start(loop, ends[0], tls, is_server ? NULL : "greeter.example", &peer_handler, &p, &again));
    assert_string_equal(again.text, error.text);
    io_socket_close(ends[1]);
    io_tls_drop(tls);
}

static const char *path_of(const char *name)
{
    static char paths[4][96];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "/tmp/proa-certificate-test-%ld-%s", (long)getpid(), name);
    return path;
}

static void bad_credentials_say_what_is_wrong(void **state)
{
    (void)state;
    const proa_bytes garbage = PROA_STR("this is no PEM");
    const proa_bytes broken = PROA_STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expect_failure(&(io_tls_options){ 0 }, true, "a server needs a certificate and its key");
    expect_failure(&(io_tls_options){ .ca_pem = authorities[ROOT].pem }, true,
                   "a server needs a certificate and its key");
    expect_failure(&(io_tls_options){ .cert_pem = good.pem }, true, "a certificate and its key come together");
    expect_failure(&(io_tls_options){ .key_pem = good.key_pem }, false, "a certificate and its key come together");
    expect_failure(&(io_tls_options){ .cert_pem = good.pem, .key_pem = other_key.key_pem }, true,
                   "key_pem: the key does not fit the certificate of cert_pem");
    expect_failure(&(io_tls_options){ .cert_pem = garbage, .key_pem = good.key_pem }, true,
                   "cert_pem: it holds no certificate");
    expect_failure(&(io_tls_options){ .cert_pem = broken, .key_pem = good.key_pem }, true,
                   "cert_pem: no readable certificate (");
    expect_failure(&(io_tls_options){ .cert_pem = good.key_pem, .key_pem = good.key_pem }, true,
                   "cert_pem: it holds no certificate");
    expect_failure(&(io_tls_options){ .cert_pem = good.pem, .key_pem = good.pem }, true,
                   "key_pem: it holds no readable private key");
    expect_failure(&(io_tls_options){ .ca_pem = garbage }, false, "ca_pem: it holds no certificate");
    expect_failure(&(io_tls_options){ .ca_pem = broken }, false, "ca_pem: no readable certificate (");
    expect_failure(&(io_tls_options){ .ca_file = "/no/such/ca.pem" }, false,
                   "/no/such/ca.pem: No such file or directory");
    expect_failure(&(io_tls_options){ .cert_file = "/no/such/me.pem", .key_pem = good.key_pem }, true,
                   "/no/such/me.pem: No such file or directory");
    expect_failure(&(io_tls_options){ .cert_pem = good.pem, .key_file = "/tmp" }, true, "/tmp: Is a directory");
    expect_failure(&(io_tls_options){ .cert_pem = good.pem, .key_pem = good.key_pem, .requires_client_cert = true },
                   true, "require_client_cert needs those who may vouch");
    expect_failure(&(io_tls_options){ .ca_pem = authorities[ROOT].pem, .key_log_file = "/no/such/log" }, false,
                   "/no/such/log: No such file or directory");
}

/* OpenSSL would ask on the terminal. */
static void an_encrypted_key_is_refused_in_words(void **state)
{
    (void)state;
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    assert_true(PEM_write_bio_PKCS8PrivateKey(bio, good.key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL));
    long size = BIO_get_mem_data(bio, &data);
    expect_failure(&(io_tls_options){ .cert_pem = good.pem, .key_pem = { data, (size_t)size } }, true,
                   "key_pem: the key is encrypted: one without a passphrase is needed");
    BIO_free(bio);
}

static void weak_credentials_of_our_own_are_refused(void **state)
{
    (void)state;
    cert weak;
    cert_make(&weak, &(cert_recipe){ .cn = "weak", .rsa_bits = 1024 }, &authorities[ROOT]);
    expect_failure(&(io_tls_options){ .cert_pem = weak.pem, .key_pem = weak.key_pem }, true, "ee key too small");
    cert_free(&weak);
}

/* The serial of the certificate that a new handshake shows; -1: it failed. */
static long shown_serial(io_tls *server, io_tls *client)
{
    secured s;
    secured_open(&s, loop, client, "greeter.example", server);
    if (!s.client.socket || !s.server.socket) {
        if (s.client.socket)
            peer_close(&s.client);
        if (s.server.socket)
            peer_close(&s.server);
        wire_close(&s.wire);
        return -1;
    }
    secured_settle(&s);
    long serial = -1;
    if (s.client.connected) {
        proa_bytes der = io_socket_identity(s.client.socket)->certificate_der;
        const unsigned char *at = (const unsigned char *)der.data;
        X509 *leaf = d2i_X509(NULL, &at, (long)der.size);
        serial = ASN1_INTEGER_get(X509_get0_serialNumber(leaf));
        X509_free(leaf);
    }
    secured_close(&s);
    return serial;
}

static long serial_of(const cert *c)
{
    return ASN1_INTEGER_get(X509_get0_serialNumber(c->x509));
}

static void a_reload_is_for_new_handshakes_and_a_bad_one_changes_nothing(void **state)
{
    (void)state;
    const char *cert_path = path_of("cert"), *key_path = path_of("key");
    cert_write(cert_path, good.pem);
    cert_write(key_path, good.key_pem);
    io_tls *server = tls_of(&(io_tls_options){ .cert_file = cert_path, .key_file = key_path });
    io_tls *client = tls_of(&(io_tls_options){ .ca_pem = authorities[ROOT].pem });
    secured old;
    secured_open(&old, loop, client, "greeter.example", server);
    secured_settle(&old);
    assert_int_equal(old.client.connected, 1);
    assert_int_equal(shown_serial(server, client), serial_of(&good));

    proa_error error = { 0 };
    cert_write(cert_path, other_key.pem); /* half of a pair */
    assert_int_equal(io_tls_reload(server, &error), PROA_ERR_TLS);
    assert_non_null(strstr(error.text, "the key does not fit the certificate of /tmp"));
    assert_int_equal(io_tls_check(server, true, &error), PROA_ERR_NONE);
    assert_int_equal(shown_serial(server, client), serial_of(&good));
    unlink(key_path);
    assert_int_equal(io_tls_reload(server, &error), PROA_ERR_TLS);
    assert_non_null(strstr(error.text, "No such file"));

    cert_write(key_path, other_key.key_pem);
    assert_int_equal(io_tls_reload(server, NULL), PROA_ERR_NONE);
    assert_int_equal(shown_serial(server, client), serial_of(&other_key));
    /* What stood goes on with what it had. */
    assert_int_equal(peer_write(&old.client, "still", 5), 5);
    secured_settle(&old);
    assert_true(BYTES_IS(buffer_bytes(&old.server.in), "still"));
    secured_close(&old);
    io_tls_drop(server);
    io_tls_drop(client);
    unlink(cert_path);
    unlink(key_path);
}

static void credentials_that_were_bad_are_good_after_a_reload(void **state)
{
    (void)state;
    const char *cert_path = path_of("late-cert");
    io_tls *server = tls_of(&(io_tls_options){ .cert_file = cert_path, .key_pem = good.key_pem });
    assert_int_equal(io_tls_check(server, true, NULL), PROA_ERR_TLS);
    cert_write(cert_path, good.pem);
    assert_int_equal(io_tls_reload(server, NULL), PROA_ERR_NONE);
    assert_int_equal(io_tls_check(server, true, NULL), PROA_ERR_NONE);
    io_tls_drop(server);
    unlink(cert_path);
}

/* The turns of an idle loop with virtual time jump to the next timer: this one, not to a handshake's end. */
static void tick(io_timer *timer)
{
    io_timer_start(loop, timer, io_loop_now(loop) + 100 * PROA_MILLISECOND);
}

static void pass_time(int64_t ns)
{
    for (int64_t until = io_loop_now(loop) + ns; io_loop_now(loop) < until;)
        io_loop_turn(loop, 0);
}

/* Only when a handshake begins, once an interval; a pair that is replaced file by file is taken when both are there. */
static void files_that_changed_are_taken_by_themselves(void **state)
{
    (void)state;
    const char *cert_path = path_of("auto-cert"), *key_path = path_of("auto-key");
    cert_write(cert_path, good.pem);
    cert_write(key_path, good.key_pem);
    io_loop_free(loop);
    loop = io_loop_new(&(io_loop_options){ .virtual_time = true });
    io_tls *server = tls_of(&(io_tls_options){ .cert_file = cert_path,
                                               .key_file = key_path,
                                               .handshake_ns = 1000 * PROA_SECOND,
                                               .reload_interval_ns = 100 * PROA_SECOND });
    io_tls *client = tls_of(&(io_tls_options){ .ca_pem = authorities[ROOT].pem, .handshake_ns = 1000 * PROA_SECOND });
    io_timer ticking = { .fire = tick };
    tick(&ticking);
    assert_int_equal(shown_serial(server, client), serial_of(&good));
    cert_write(cert_path, other_key.pem);
    assert_int_equal(shown_serial(server, client), serial_of(&good)); /* the interval is not over */
    pass_time(101 * PROA_SECOND);
    assert_int_equal(shown_serial(server, client), serial_of(&good)); /* the key does not fit yet */
    cert_write(key_path, other_key.key_pem);
    assert_int_equal(shown_serial(server, client), serial_of(&good));
    pass_time(101 * PROA_SECOND);
    assert_int_equal(shown_serial(server, client), serial_of(&other_key));
    io_timer_stop(loop, &ticking);
    io_tls_drop(server);
    io_tls_drop(client);
    unlink(cert_path);
    unlink(key_path);
}

static void a_key_log_has_what_wireshark_wants(void **state)
{
    (void)state;
    const char *path = path_of("keys");
    io_tls *server = tls_of(&(io_tls_options){ .cert_pem = good.pem, .key_pem = good.key_pem, .key_log_file = path });
    io_tls *client = tls_of(&(io_tls_options){ .ca_pem = authorities[ROOT].pem });
    assert_true(shown_serial(server, client) > 0);
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    FILE *in = fopen(path, "r");
    char text[4096];
    size_t size = fread(text, 1, sizeof text - 1, in);
    text[size] = '\0';
    fclose(in);
    assert_non_null(strstr(text, "CLIENT_TRAFFIC_SECRET_0 "));
    assert_non_null(strstr(text, "SERVER_HANDSHAKE_TRAFFIC_SECRET "));
    assert_int_equal(text[size - 1], '\n');
    io_tls_drop(server);
    io_tls_drop(client);
    unlink(path);
}

/* ---- Identity */

static void an_identity_has_subject_names_and_certificate(void **state)
{
    (void)state;
    cert me;
    cert_make(
        &me, &(cert_recipe){ .cn = "me, \"quoted\"", .san = "DNS:me.example,URI:spiffe://example/me,DNS:*.me.example" },
        &authorities[ROOT]);
    io_tls *server =
        tls_of(&(io_tls_options){ .cert_pem = good.pem, .key_pem = good.key_pem, .ca_pem = authorities[ROOT].pem });
    io_tls *client =
        tls_of(&(io_tls_options){ .cert_pem = me.pem, .key_pem = me.key_pem, .ca_pem = authorities[ROOT].pem });
    secured s;
    secured_open(&s, loop, client, "greeter.example", server);
    secured_settle(&s);
    assert_int_equal(s.server.connected, 1);
    const io_identity *id = io_socket_identity(s.server.socket);
    assert_true(id->is_verified);
    assert_true(BYTES_IS(id->subject, "CN=me\\, \\\"quoted\\\""));
    assert_int_equal(id->dns_names.count, 2);
    assert_true(BYTES_IS(id->dns_names.data[0], "me.example"));
    assert_true(BYTES_IS(id->dns_names.data[1], "*.me.example"));
    assert_int_equal(id->uris.count, 1);
    assert_true(BYTES_IS(id->uris.data[0], "spiffe://example/me"));
    unsigned char *der = NULL;
    int size = i2d_X509(me.x509, &der);
    assert_int_equal(id->certificate_der.size, size);
    assert_memory_equal(id->certificate_der.data, der, (size_t)size);
    OPENSSL_free(der);
    secured_close(&s);
    io_tls_drop(client);

    /* One that shows none is nobody, and is let in when none is required. */
    client = tls_of(&(io_tls_options){ .ca_pem = authorities[ROOT].pem });
    secured_open(&s, loop, client, "greeter.example", server);
    secured_settle(&s);
    id = io_socket_identity(s.server.socket);
    assert_int_equal(s.server.connected, 1);
    assert_false(id->is_verified);
    assert_int_equal(id->subject.size + id->certificate_der.size + id->dns_names.count + id->uris.count, 0);
    assert_true(io_socket_identity(s.client.socket)->is_verified);
    secured_close(&s);
    io_tls_drop(client);
    io_tls_drop(server);
    cert_free(&me);
}

static void server_name_goes_before_the_host(void **state)
{
    (void)state;
    io_tls *server = tls_of(&(io_tls_options){ .cert_pem = good.pem, .key_pem = good.key_pem });
    io_tls *client = tls_of(&(io_tls_options){ .ca_pem = authorities[ROOT].pem, .server_name = "greeter.example" });
    secured s;
    secured_open(&s, loop, client, "127.0.0.1", server);
    secured_settle(&s);
    assert_int_equal(s.client.connected, 1);
    secured_close(&s);
    io_tls_drop(client);
    client = tls_of(&(io_tls_options){ .ca_pem = authorities[ROOT].pem, .server_name = "other.example" });
    secured_open(&s, loop, client, "greeter.example", server);
    secured_settle(&s);
    assert_non_null(strstr(s.client.error.text, "is not for other.example: it names \"greeter.example\""));
    assert_non_null(strstr(s.server.error.text, "the client refused our certificate"));
    secured_close(&s);
    io_tls_drop(client);
    client = tls_of(&(io_tls_options){ .ca_pem = authorities[ROOT].pem });
    io_socket *ends[2];
    peer p = { 0 };
    proa_error error = { 0 };
    assert_int_equal(io_pipe_open(loop, ends), PROA_ERR_NONE);
    assert_null(io_tls_start(loop, ends[0], client, "", &peer_handler, &p, &error));
    assert_non_null(strstr(error.text, "no name to find in the server's certificate"));
    io_socket_close(ends[1]);
    io_tls_drop(client);
    /* To OpenSSL this is every name below. */
    client = tls_of(&(io_tls_options){ .ca_pem = authorities[ROOT].pem, .server_name = ".example" });
    assert_int_equal(io_pipe_open(loop, ends), PROA_ERR_NONE);
    assert_null(io_tls_start(loop, ends[0], client, "greeter.example", &peer_handler, &p, &error));
    assert_non_null(strstr(error.text, ".example: no name for a certificate"));
    io_socket_close(ends[1]);
    io_tls_drop(client);
    io_tls_drop(server);
}

static void a_client_without_a_ca_takes_the_systems(void **state)
{
    (void)state;
    const char *path = path_of("bundle");
    cert_write(path, authorities[ROOT].pem);
    setenv("SSL_CERT_FILE", path, 1);
    io_tls *server = tls_of(&(io_tls_options){ .cert_pem = good.pem, .key_pem = good.key_pem });
    io_tls *client = tls_of(&(io_tls_options){ .server_name = NULL });
    assert_int_equal(shown_serial(server, client), serial_of(&good));
    io_tls_drop(client);
    unsetenv("SSL_CERT_FILE");
    client = tls_of(&(io_tls_options){ .server_name = NULL });
    assert_int_equal(shown_serial(server, client), -1);
    io_tls_drop(client);
    io_tls_drop(server);
    unlink(path);
}

/* Any one that is named in ca_file vouches, root or not. */
static void an_authority_in_between_may_be_trusted_alone(void **state)
{
    (void)state;
    cert leaf;
    cert_make(&leaf, &(cert_recipe){ GOOD_SAN }, &authorities[MIDDLE]);
    io_tls *server = tls_of(&(io_tls_options){ .cert_pem = leaf.pem, .key_pem = leaf.key_pem });
    io_tls *client = tls_of(&(io_tls_options){ .ca_pem = authorities[MIDDLE].pem });
    assert_int_equal(shown_serial(server, client), serial_of(&leaf));
    io_tls_drop(client);
    client = tls_of(&(io_tls_options){ .ca_pem = leaf.pem });
    assert_int_equal(shown_serial(server, client), serial_of(&leaf));
    io_tls_drop(client);
    io_tls_drop(server);
    cert_free(&leaf);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, make_pair, free_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_certificate_gets_its_verdict_and_its_words, begin, finish),
        WITH_PAIR(bad_credentials_say_what_is_wrong),
        WITH_PAIR(an_encrypted_key_is_refused_in_words),
        WITH_PAIR(weak_credentials_of_our_own_are_refused),
        WITH_PAIR(a_reload_is_for_new_handshakes_and_a_bad_one_changes_nothing),
        WITH_PAIR(credentials_that_were_bad_are_good_after_a_reload),
        WITH_PAIR(files_that_changed_are_taken_by_themselves),
        WITH_PAIR(a_key_log_has_what_wireshark_wants),
        WITH_PAIR(an_identity_has_subject_names_and_certificate),
        WITH_PAIR(server_name_goes_before_the_host),
        WITH_PAIR(a_client_without_a_ca_takes_the_systems),
        WITH_PAIR(an_authority_in_between_may_be_trusted_alone),
    };
    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
