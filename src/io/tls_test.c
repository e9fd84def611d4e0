/* SPDX-License-Identifier: Apache-2.0 */
/* The socket of TLS: bytes both ways over any segmentation, ends and cuts, pauses, floods, limits, and who may close when. */
#include "io/tls_testlib.h"
#include <openssl/err.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static cert ca, leaf;
static io_tls *server_tls, *client_tls;

static int begin(void **state)
{
    *state = io_loop_new(NULL);
    return *state == NULL;
}

static int finish(void **state)
{
    io_loop_free(*state);
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

static void bytes_go_both_ways(void **state)
{
    secured s;
    secured_open(&s, *state, client_tls, "greeter.example", server_tls);
    secured_settle(&s);
    if (!s.client.connected)
        fail_msg("client: %s; server: %s", s.client.error.text, s.server.error.text);
    assert_int_equal(s.client.connected, 1);
    assert_int_equal(s.server.connected, 1);
    assert_int_equal(peer_write(&s.client, "ping", 4), 4);
    secured_settle(&s);
    assert_true(BYTES_IS(buffer_bytes(&s.server.in), "ping"));
    assert_int_equal(peer_write(&s.server, "pong", 4), 4);
    secured_settle(&s);
    assert_true(BYTES_IS(buffer_bytes(&s.client.in), "pong"));
    secured_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_go_both_ways, begin, finish),
    };
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
