/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of one-way bytes: blocks of 1 MiB over one TCP connection, plain or by OpenSSL alone.
 * bench_tcp serve IPV4:PORT [CERT KEY], and bench_tcp read IPV4:PORT SECONDS PID [tls]. The reader prints JSON. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include "stat.h"
#include "wire.h"

enum { BLOCK = 1 << 20 };

typedef struct stream {
    int fd;
    SSL *tls; /* NULL: plain */
} stream;

_Noreturn static void fail_tls(const char *what)
{
    fprintf(stderr, "bench_tcp: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static bool write_block(stream *s, const char *block)
{
    if (s->tls)
        return SSL_write(s->tls, block, BLOCK) == BLOCK;
    for (size_t sent = 0; sent < BLOCK;) {
        ssize_t n = send(s->fd, block + sent, BLOCK - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

static SSL_CTX *server_context(const char *cert, const char *key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_use_certificate_chain_file(context, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        fail_tls(cert);
    return context;
}

_Noreturn static void serve(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* SSL_write writes without MSG_NOSIGNAL */
    SSL_CTX *context = argc == 5 ? server_context(argv[3], argv[4]) : NULL;
    char *block = calloc(1, BLOCK);
    int listener = wire_listen(argv[2], 0);
    for (;;) {
        stream s = { .fd = accept(listener, NULL, NULL) };
        if (context) {
            s.tls = SSL_new(context);
            SSL_set_fd(s.tls, s.fd);
        }
        if (!s.tls || SSL_accept(s.tls) == 1)
            while (write_block(&s, block))
                ;
        SSL_free(s.tls);
        close(s.fd);
    }
}

static size_t read_some(stream *s, char *block)
{
    ssize_t n = s->tls ? SSL_read(s->tls, block, BLOCK) : recv(s->fd, block, BLOCK, 0);
    if (n <= 0)
        wire_fail("read");
    return (size_t)n;
}

static int read_for(int argc, char **argv)
{
    stream s = { .fd = wire_connect(argv[2]) };
    int64_t seconds_ns = (int64_t)(atof(argv[3]) * 1e9);
    int pid = atoi(argv[4]);
    char *block = malloc(BLOCK);
    if (argc == 6) {
        SSL_CTX *context = SSL_CTX_new(TLS_client_method()); /* it verifies nobody: the certificate is ours */
        s.tls = context ? SSL_new(context) : NULL;
        if (!s.tls || SSL_set_fd(s.tls, s.fd) != 1 || SSL_connect(s.tls) != 1)
            fail_tls(argv[2]);
    }
    uint64_t bytes = 0;
    for (int i = 0; i < 64; i++)
        read_some(&s, block);
    int64_t from = stat_now(), cpu = stat_cpu(pid), now;
    while ((now = stat_now()) - from < seconds_ns)
        bytes += read_some(&s, block);
    printf("{\"bytes_per_s\": %.0f, \"server_busy\": %.4f}\n", (double)bytes / ((double)(now - from) / 1e9),
           (double)(stat_cpu(pid) - cpu) / (double)(now - from));
    return 0;
}

int main(int argc, char **argv)
{
    if ((argc == 3 || argc == 5) && !strcmp(argv[1], "serve"))
        serve(argc, argv);
    if ((argc == 5 || argc == 6) && !strcmp(argv[1], "read"))
        return read_for(argc, argv);
    fputs("bench_tcp serve IPV4:PORT [CERT KEY]\nbench_tcp read IPV4:PORT SECONDS PID [tls]\n", stderr);
    return 2;
}
