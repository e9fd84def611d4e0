/* SPDX-License-Identifier: Apache-2.0 */
#include "stack.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * PROA_SECOND + t.tv_nsec;
}

/* ---- Servers */

static void *run(void *user)
{
    running *r = user;
    proa_error error;
    r->result = proa_server_run(r->server, &error);
    return NULL;
}

void running_start(running *r, proa_server *server)
{
    assert_int_equal(proa_server_listen(server, "127.0.0.1:0", NULL), PROA_ERR_NONE);
    running_run(r, server);
}

void running_run(running *r, proa_server *server)
{
    r->server = server;
    snprintf(r->target, sizeof r->target, "%s", proa_server_address(server, 0));
    assert_int_equal(pthread_create(&r->thread, NULL, run, r), 0);
}

void running_join(running *r)
{
    pthread_join(r->thread, NULL);
    assert_int_equal(r->result, PROA_ERR_NONE);
    proa_counters counters;
    proa_server_get_counters(r->server, &counters);
    assert_int_equal(counters.calls_begun, counters.calls_ended);
    assert_int_equal(counters.connections_opened, counters.connections_closed);
    proa_server_free(r->server);
}

void running_stop(running *r)
{
    proa_server_drain(r->server);
    running_join(r);
}

/* ---- Peers */

static void *serve_script(void *user)
{
    peer *p = user;
    struct pollfd waiting = { .fd = p->listener, .events = POLLIN };
    if (poll(&waiting, 1, 5000) == 1) {
        int fd = accept(p->listener, NULL, NULL);
        p->script(fd);
        close(fd);
    }
    return NULL;
}

void peer_start(peer *p, void (*script)(int fd))
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    p->script = script;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(p->listener, 8), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(p->target, sizeof p->target, "127.0.0.1:%d", ntohs(address.sin_port));
    if (script)
        assert_int_equal(pthread_create(&p->thread, NULL, serve_script, p), 0);
}

void peer_join(peer *p)
{
    if (p->script)
        pthread_join(p->thread, NULL);
    close(p->listener);
}

void peer_write(int fd, const void *bytes, size_t size)
{
    const char *p = bytes;
    while (size) {
        ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        p += n;
        size -= (size_t)n;
    }
}

void peer_frame(int fd, unsigned char type, unsigned char flags, unsigned char stream, const void *payload, size_t size)
{
    unsigned char head[9] = {
        (unsigned char)(size >> 16), (unsigned char)(size >> 8), (unsigned char)size, type, flags, 0, 0, 0, stream
    };
    peer_write(fd, head, sizeof head);
    peer_write(fd, payload, size);
}

static bool read_exactly(int fd, void *out, size_t size)
{
    char *p = out;
    while (size) {
        struct pollfd waiting = { .fd = fd, .events = POLLIN };
        if (poll(&waiting, 1, 5000) != 1)
            return false;
        ssize_t n = read(fd, p, size);
        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

void peer_settings(int fd)
{
    peer_frame(fd, 4, 0, 0, NULL, 0);
}

void peer_read_request(int fd)
{
    char preface[24];
    if (!read_exactly(fd, preface, sizeof preface))
        return;
    for (;;) {
        unsigned char head[9];
        if (!read_exactly(fd, head, sizeof head))
            return;
        size_t size = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        char *payload = malloc(size + 1);
        bool ok = read_exactly(fd, payload, size);
        free(payload);
        if (!ok)
            return;
        if (head[3] == 4 && !(head[4] & 1))
            peer_frame(fd, 4, 1, 0, NULL, 0);
        if (head[3] == 1)
            return;
    }
}

void peer_reply_headers(int fd)
{
    static const char block[] = "\x88\x0f\x10\x10"
                                "application/grpc";
    peer_frame(fd, 1, 4, 1, block, sizeof block - 1);
}

void peer_data(int fd, const void *bytes, size_t size)
{
    peer_frame(fd, 0, 0, 1, bytes, size);
}

void peer_reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

int peer_connect(const char *target)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    address.sin_port = htons((uint16_t)atoi(strrchr(target, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void peer_preface(int fd)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    peer_write(fd, preface, sizeof preface - 1);
    peer_settings(fd);
}

void peer_request(int fd, unsigned char stream, const char *path)
{
    char block[256];
    int size = snprintf(block, sizeof block, "\x83\x86\x04%c%s\x01\x01x\x0f\x10\x10%s%c\x02te\x08trailers",
                        (char)strlen(path), path, "application/grpc", 0);
    peer_frame(fd, 1, 4, stream, block, (size_t)size);
}

bool peer_wait_closed(int fd)
{
    char bytes[4096];
    for (;;) {
        struct pollfd waiting = { .fd = fd, .events = POLLIN };
        if (poll(&waiting, 1, 5000) != 1)
            return false;
        if (read(fd, bytes, sizeof bytes) <= 0)
            return true;
    }
}

/* ---- Calls */

proa_slice slice_of_size(size_t size)
{
    char *zeros = calloc(1, size + 1);
    proa_slice slice;
    assert_int_equal(proa_slice_copy((proa_bytes){ zeros, size }, &slice), PROA_ERR_NONE);
    free(zeros);
    return slice;
}

proa_status call_once(proa_channel *channel, const char *path, int64_t timeout_ns)
{
    static _Thread_local char text[256];
    proa_call *call = proa_call_begin(channel, path, &(proa_call_options){ .timeout_ns = timeout_ns });
    proa_slice message = slice_of_size(0);
    proa_call_send(call, &message);
    proa_status status = proa_call_status(call);
    snprintf(text, sizeof text, "%.*s", PROA_FMT(status.message));
    proa_call_end(call);
    return (proa_status){ .code = status.code, .message = proa_bytes_of(text) };
}
