/* SPDX-License-Identifier: Apache-2.0 */
/* TLS through the public face: who the peer is, what bad credentials say, certificates that change while calls run, and
 * handshakes that never end. */
#include "stack.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIMIT (20 * PROA_SECOND)

static char folder[] = "/tmp/proa-secured-test-XXXXXX";

static void command(const char *format, const char *a, const char *b)
{
    char text[512];
    snprintf(text, sizeof text, format, a, b);
    if (system(text) != 0)
        fail_msg("failed: %s", text);
}

/* New certificates of the same CA, or those of the first. */
static void make_certificates(void)
{
    command("%s %s", CERTIFICATES, folder);
}

static int begin(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    make_certificates();
    return 0;
}

static int finish(void **state)
{
    (void)state;
    command("rm -r %s%s", folder, "");
    return 0;
}

static const proa_tls_options server_files = {
    .cert_file = "server.pem", .key_file = "server.key", .ca_file = "ca.pem", .require_client_cert = true
};
static const proa_tls_options client_files = { .cert_file = "me.pem", .key_file = "me.key", .ca_file = "ca.pem" };

static void expect_ok(proa_status status)
{
    if (status.code != PROA_OK)
        fail_msg("%s: %.*s", proa_code_name(status.code), PROA_FMT(status.message));
}

static proa_code echo(proa_call *call)
{
    proa_slice message;
    while (proa_call_can_push(call) && proa_call_pop(call, &message))
        proa_call_push(call, &message);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

static void start(running *r, const char *address, proa_tls *tls, const proa_server_options *options)
{
    proa_server *server = proa_server_new(options);
    assert_int_equal(proa_server_serve_bytes(server, "/test.Echo/Say", echo, NULL), PROA_ERR_NONE);
    assert_int_equal(proa_server_listen(server, address, &(proa_listen_options){ .tls = tls }), PROA_ERR_NONE);
    running_run(r, server);
}

static proa_channel *open_channel(const running *r, const proa_tls_options *options)
{
    proa_tls *tls = proa_tls_new(options);
    proa_channel *channel = proa_channel_open(r->target, &(proa_channel_options){ .tls = tls });
    proa_tls_free(tls);
    return channel;
}

/* ---- Who is there */

static proa_code tell(proa_call *call)
{
    const proa_peer *p = proa_call_peer(call);
    char text[600];
    snprintf(text, sizeof text, "%d %d %.*s %zu %.*s %d %lld", p->is_encrypted, p->is_verified,
             PROA_FMT(p->tls_subject), p->tls_dns_names.count, PROA_FMT(p->tls_uris.data[0]),
             p->tls_certificate_der.size > 100, (long long)p->uid);
    proa_slice message;
    if (proa_slice_copy(proa_bytes_of(text), &message) == PROA_ERR_NONE)
        proa_call_push(call, &message);
    return PROA_OK;
}

static void handlers_know_who_calls(void **state)
{
    (void)state;
    char path[80];
    snprintf(path, sizeof path, "unix:%s/socket", folder);
    for (int is_unix = 0; is_unix < 2; is_unix++) {
        running r;
        proa_tls *tls = proa_tls_new(&server_files);
        proa_server *server = proa_server_new(NULL);
        proa_server_serve_bytes(server, "/test.Echo/Say", tell, NULL);
        assert_int_equal(
            proa_server_listen(server, is_unix ? path : "127.0.0.1:0", &(proa_listen_options){ .tls = tls }),
            PROA_ERR_NONE);
        proa_tls_free(tls); /* the server holds them */
        running_run(&r, server);
        proa_channel *channel = open_channel(&r, &client_files);
        proa_call *call = proa_call_begin(channel, "/test.Echo/Say", &(proa_call_options){ .timeout_ns = LIMIT });
        proa_call_end_requests(call);
        proa_slice message;
        assert_true(proa_call_receive(call, &message));
        char expected[200];
        snprintf(expected, sizeof expected, "1 1 CN=me,O=Example 0 spiffe://example/me 1 %lld",
                 is_unix ? (long long)getuid() : -1LL);
        assert_int_equal(message.bytes.size, strlen(expected));
        assert_memory_equal(message.bytes.data, expected, message.bytes.size);
        proa_slice_free(&message);
        expect_ok(proa_call_status(call));
        const proa_peer *peer = proa_call_peer(call);
        assert_true(peer->is_encrypted && peer->is_verified);
        assert_int_equal(peer->tls_dns_names.count, 2);
        proa_call_end(call);
        proa_channel_close(channel);
        running_stop(&r);
    }
}

/* ---- What is wrong */

static void bad_credentials_are_said_by_listen_run_and_calls(void **state)
{
    (void)state;
    proa_error error;
    proa_tls *tls = proa_tls_new(&(proa_tls_options){ .cert_file = "server.pem", .key_file = "me.key" });
    proa_server *server = proa_server_new(NULL);
    assert_int_equal(proa_server_listen(server, "127.0.0.1:0", &(proa_listen_options){ .tls = tls }), PROA_ERR_TLS);
    assert_null(proa_server_address(server, 0));
    assert_int_equal(proa_server_run(server, &error), PROA_ERR_TLS);
    assert_string_equal(error.text, "127.0.0.1:0: me.key: the key does not fit the certificate of server.pem");
    proa_server_free(server);

    proa_channel *channel = proa_channel_open("127.0.0.1:1", &(proa_channel_options){ .tls = tls });
    proa_status status = call_once(channel, "/test.Echo/Say", LIMIT);
    assert_int_equal(status.code, PROA_UNAVAILABLE);
    assert_non_null(strstr(status.message.data, "the key does not fit"));
    proa_channel_close(channel);
    proa_tls_free(tls);
    proa_tls_free(NULL);
    assert_int_equal(proa_tls_reload(NULL, &error), PROA_ERR_NOMEM);
}

static void a_call_says_why_there_is_no_connection(void **state)
{
    (void)state;
    running r;
    proa_tls *tls = proa_tls_new(&server_files);
    start(&r, "127.0.0.1:0", tls, NULL);
    proa_tls_free(tls);
    const struct {
        proa_tls_options options;
        const char *says;
    } rows[] = {
        { { .ca_file = "ca.pem" }, "the server requires a client certificate" },
        { { .ca_file = "me.pem", .cert_file = "me.pem", .key_file = "me.key" }, "unknown authority" },
        { { .ca_file = "ca.pem", .server_name = "other.example" }, "is not for other.example: it names \"localhost\"" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        proa_channel *channel = open_channel(&r, &rows[i].options);
        proa_status status = call_once(channel, "/test.Echo/Say", LIMIT);
        if (status.code != PROA_UNAVAILABLE || !strstr(status.message.data, rows[i].says))
            fail_msg("it says \"%.*s\", not \"%s\"", PROA_FMT(status.message), rows[i].says);
        proa_channel_close(channel);
    }
    proa_channel *plain = proa_channel_open(r.target, NULL);
    proa_status status = call_once(plain, "/test.Echo/Say", LIMIT);
    assert_int_equal(status.code, PROA_UNAVAILABLE);
    assert_non_null(strstr(status.message.data, "does it want TLS?"));
    proa_channel_close(plain);
    running_stop(&r);
}

/* ---- Certificates that change */

typedef struct caller {
    pthread_t thread;
    const running *server;
    proa_tls *tls;
    atomic_bool *is_over;
    unsigned calls, channels;
} caller;

/* Old connections and new ones, all the time. */
static void *call_all_the_time(void *user)
{
    caller *c = user;
    proa_channel *lasting = proa_channel_open(c->server->target, &(proa_channel_options){ .tls = c->tls });
    while (!atomic_load(c->is_over)) {
        proa_channel *fresh = proa_channel_open(c->server->target, &(proa_channel_options){ .tls = c->tls });
        expect_ok(call_once(fresh, "/test.Echo/Say", LIMIT));
        for (int i = 0; i < 5; i++)
            expect_ok(call_once(lasting, "/test.Echo/Say", LIMIT));
        c->calls += 6;
        c->channels++;
        proa_channel_close(fresh);
    }
    proa_channel_close(lasting);
    return NULL;
}

static void no_call_fails_while_certificates_change(void **state)
{
    (void)state;
    enum { CALLERS = 3, RELOADS = 6 };
    running r;
    proa_error error;
    proa_tls *server = proa_tls_new(&server_files), *client = proa_tls_new(&client_files);
    start(&r, "127.0.0.1:0", server, &(proa_server_options){ .loops = 2 });
    atomic_bool is_over;
    atomic_init(&is_over, false);
    caller callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (caller){ .server = &r, .tls = client, .is_over = &is_over };
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_all_the_time, &callers[i]), 0);
    }
    proa_channel *channel = open_channel(&r, &client_files);
    proa_call *lasting = proa_call_begin(channel, "/test.Echo/Say", NULL);
    for (int i = 0; i < RELOADS; i++) {
        make_certificates();
        if (proa_tls_reload(server, &error) != PROA_ERR_NONE || proa_tls_reload(client, &error) != PROA_ERR_NONE)
            fail_msg("reload: %s", error.text);
        proa_slice message = slice_of_size(1000);
        assert_true(proa_call_send(lasting, &message));
        assert_true(proa_call_receive(lasting, &message));
        proa_slice_free(&message);
    }
    /* A file that is bad changes nothing. */
    command("echo nothing >%s/server.pem%s", folder, "");
    assert_int_equal(proa_tls_reload(server, &error), PROA_ERR_TLS);
    assert_string_equal(error.text, "server.pem: it holds no certificate");
    proa_channel *after = open_channel(&r, &client_files);
    expect_ok(call_once(after, "/test.Echo/Say", LIMIT));
    proa_channel_close(after);
    make_certificates();

    atomic_store(&is_over, true);
    unsigned calls = 0, channels = 0;
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        calls += callers[i].calls;
        channels += callers[i].channels;
    }
    proa_call_end_requests(lasting);
    expect_ok(proa_call_status(lasting));
    proa_call_end(lasting);
    proa_channel_close(channel);
    printf("%u calls over %u new connections while certificates changed %d times\n", calls, channels, RELOADS);
    assert_true(channels > RELOADS);
    proa_tls_free(server);
    proa_tls_free(client);
    running_stop(&r);
}

static void files_are_taken_by_themselves(void **state)
{
    (void)state;
    running r;
    proa_tls_options options = server_files;
    options.reload_interval_ns = 1; /* at each handshake */
    proa_tls *tls = proa_tls_new(&options);
    start(&r, "127.0.0.1:0", tls, NULL);
    proa_tls_free(tls);
    size_t sizes = 0;
    proa_bytes last = { NULL, 0 };
    proa_arena *arena = proa_arena_new(0);
    for (int i = 0; i < 3; i++) {
        proa_channel *channel = open_channel(&r, &client_files);
        proa_call *call = proa_call_begin(channel, "/test.Echo/Say", NULL);
        proa_call_end_requests(call);
        expect_ok(proa_call_status(call));
        proa_bytes shown = proa_call_peer(call)->tls_certificate_der;
        assert_false(proa_bytes_is_equal(shown, last));
        last = proa_arena_copy(arena, shown);
        sizes += shown.size;
        proa_call_end(call);
        proa_channel_close(channel);
        make_certificates();
    }
    assert_true(sizes > 0);
    proa_arena_free(arena);
    running_stop(&r);
}

/* ---- Handshakes without end */

static proa_counters counters_of(const running *r)
{
    proa_counters counters;
    proa_server_get_counters(r->server, &counters);
    return counters;
}

static void a_flood_of_handshakes_is_bound_in_number_and_time(void **state)
{
    (void)state;
    enum { FLOOD = 40, MOST = 20 };
    running r;
    proa_tls_options options = server_files;
    options.handshake_ns = PROA_SECOND;
    proa_tls *tls = proa_tls_new(&options);
    start(&r, "127.0.0.1:0", tls, &(proa_server_options){ .connections_max = MOST });
    proa_tls_free(tls);
    int fds[FLOOD];
    for (int i = 0; i < FLOOD; i++) {
        fds[i] = peer_connect(r.target);
        peer_write(fds[i], "\x16\x03\x01\x02\x00\x01\x00", 7); /* a ClientHello that goes no further */
    }
    for (int i = 0; i < FLOOD; i++)
        assert_true(peer_wait_closed(fds[i]));
    proa_counters counters = counters_of(&r);
    assert_true(counters.connections_max >= FLOOD - MOST);
    assert_int_equal(counters.connections_opened + counters.connections_max, FLOOD);
    assert_int_equal(counters.handshakes_failed, counters.connections_opened);
    assert_int_equal(counters.handshake_ns, counters.connections_opened);
    for (int i = 0; i < FLOOD; i++)
        close(fds[i]);
    proa_channel *channel = open_channel(&r, &client_files);
    expect_ok(call_once(channel, "/test.Echo/Say", LIMIT));
    proa_channel_close(channel);
    running_stop(&r);
}

static void draining_does_not_wait_for_handshakes(void **state)
{
    (void)state;
    running r;
    proa_tls *tls = proa_tls_new(&server_files);
    start(&r, "127.0.0.1:0", tls, NULL);
    proa_tls_free(tls);
    int fd = peer_connect(r.target);
    while (counters_of(&r).connections_opened == 0)
        usleep(1000);
    running_stop(&r); /* a handshake has 10 s */
    assert_true(peer_wait_closed(fd));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handlers_know_who_calls),
        cmocka_unit_test(bad_credentials_are_said_by_listen_run_and_calls),
        cmocka_unit_test(a_call_says_why_there_is_no_connection),
        cmocka_unit_test(no_call_fails_while_certificates_change),
        cmocka_unit_test(files_are_taken_by_themselves),
        cmocka_unit_test(a_flood_of_handshakes_is_bound_in_number_and_time),
        cmocka_unit_test(draining_does_not_wait_for_handshakes),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
