/* SPDX-License-Identifier: Apache-2.0 */
/* What the bare programs of the benchmarks share: IPv4 sockets, output that waits for the kernel, HTTP/2 frame heads.
 * Nothing here conforms to anything; it is the floor that others are measured against. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WIRE_HEAD = 9, WIRE_PREFACE = 24, WIRE_READ = 1 << 16 };
enum { WIRE_DATA = 0, WIRE_HEADERS = 1, WIRE_RESET = 3, WIRE_SETTINGS = 4, WIRE_PING = 6, WIRE_GOAWAY = 7, WIRE_UPDATE = 8 };
enum { WIRE_END_STREAM = 1, WIRE_ACK = 1, WIRE_END_HEADERS = 4, WIRE_PADDED = 8, WIRE_PRIORITY = 0x20 };

_Noreturn static inline void wire_fail(const char *what)
{
    perror(what);
    exit(1);
}

/* "127.0.0.1:80" */
static inline struct sockaddr_in wire_address(const char *text)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    char host[64] = "";
    const char *colon = strrchr(text, ':');
    if (colon && (size_t)(colon - text) < sizeof host)
        memcpy(host, text, (size_t)(colon - text));
    if (!colon || inet_pton(AF_INET, host, &a.sin_addr) != 1) {
        fprintf(stderr, "%s: an address is IPV4:PORT\n", text);
        exit(2);
    }
    a.sin_port = htons((uint16_t)atoi(colon + 1));
    return a;
}

static inline void wire_no_delay(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

/* Says where it listens, as every server of the benchmarks does. */
static inline int wire_listen(const char *text, int flags)
{
    struct sockaddr_in a = wire_address(text);
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | flags, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&a, &size))
        wire_fail(text);
    printf("listening on 127.0.0.1:%d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

static inline int wire_connect(const char *text)
{
    struct sockaddr_in a = wire_address(text);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a))
        wire_fail(text);
    wire_no_delay(fd);
    return fd;
}

static inline void wire_watch(int epoll, int operation, int fd, uint32_t events, void *user)
{
    struct epoll_event e = { .events = events, .data = { .ptr = user } };
    if (epoll_ctl(epoll, operation, fd, &e))
        wire_fail("epoll_ctl");
}

/* ---- Bytes that wait to be written. The owner makes room before it adds. */
typedef struct wire_output {
    uint8_t *data;
    size_t size, sent, capacity;
    bool is_blocked; /* the kernel took less than all: wait until it is writable */
} wire_output;

static inline uint8_t *wire_room(wire_output *out, size_t size)
{
    if (out->size + size > out->capacity) {
        out->capacity = 2 * out->capacity + size;
        out->data = realloc(out->data, out->capacity);
        if (!out->data)
            wire_fail("realloc");
    }
    return out->data + out->size;
}

/* False: the peer has gone. */
static inline bool wire_flush(wire_output *out, int epoll, int fd, void *user)
{
    while (out->sent < out->size) {
        ssize_t n = send(fd, out->data + out->sent, out->size - out->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            if (!out->is_blocked)
                wire_watch(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT, user);
            return out->is_blocked = true;
        }
        if (n < 0 && errno != EINTR)
            return false;
        out->sent += n > 0 ? (size_t)n : 0;
    }
    out->size = out->sent = 0;
    if (out->is_blocked)
        wire_watch(epoll, EPOLL_CTL_MOD, fd, EPOLLIN, user);
    out->is_blocked = false;
    return true;
}

/* ---- Frames */
static inline uint32_t wire_get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return ntohl(v);
}

static inline void wire_put32(uint8_t *p, uint32_t v)
{
    v = htonl(v);
    memcpy(p, &v, sizeof v);
}

static inline uint32_t wire_length(const uint8_t *head)
{
    return wire_get32(head) >> 8;
}

static inline void wire_head(uint8_t *to, uint32_t length, uint8_t type, uint8_t flags, uint32_t stream)
{
    wire_put32(to, length << 8 | type);
    to[4] = flags;
    wire_put32(to + 5, stream);
}

static inline void wire_add_head(wire_output *out, uint32_t length, uint8_t type, uint8_t flags, uint32_t stream)
{
    wire_head(wire_room(out, WIRE_HEAD + length), length, type, flags, stream);
    out->size += WIRE_HEAD;
}

static inline void wire_add_update(wire_output *out, uint32_t stream, uint32_t increment)
{
    wire_add_head(out, 4, WIRE_UPDATE, 0, stream);
    wire_put32(out->data + out->size, increment);
    out->size += 4;
}
#endif
