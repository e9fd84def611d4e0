/* SPDX-License-Identifier: Apache-2.0 */
/* The floor: the least that a unary gRPC echo over HTTP/2 can do: bench_floor IPV4:PORT.
 * It walks frames and answers each request with headers, its body and trailers that were written beforehand. It decodes no
 * header, keeps no state of a stream, counts no window but the one that would close, and so conforms to nothing. */
#include "wire.h"

enum { WINDOW_REFILL = 1 << 28 };

static const uint8_t headers[] = "\x88\x0f\x10\x10"
                                 "application/grpc"; /* :status 200; content-type, a literal with a static name */
static const uint8_t trailers[] = "\x00\x0bgrpc-status\x01"
                                  "0";
enum { HEADERS = sizeof headers - 1, TRAILERS = sizeof trailers - 1 };

typedef struct connection {
    int fd;
    bool has_preface;
    size_t size;    /* of what was read and is no whole frame yet */
    uint32_t taken; /* bytes of DATA since the window was opened */
    wire_output out;
    uint8_t in[2 * WIRE_READ];
} connection;

static void accept_one(int epoll, int listener)
{
    int fd = accept(listener, NULL, NULL);
    connection *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return;
    c->fd = fd;
    wire_no_delay(fd);
    wire_watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, c);
    wire_add_head(&c->out, 6, WIRE_SETTINGS, 0, 0);
    memcpy(c->out.data + c->out.size, "\0\3\0\0\3\xe8", 6); /* 1,000 streams */
    c->out.size += 6;
    wire_add_update(&c->out, 0, INT32_MAX - 65535);
    wire_flush(&c->out, epoll, fd, c);
} /* epoll has it now: NOLINT(clang-analyzer-unix.Malloc) */

static void close_one(connection *c)
{
    close(c->fd);
    free(c->out.data);
    free(c);
}

static void answer(connection *c, const uint8_t *frame, uint32_t length)
{
    uint32_t stream = wire_get32(frame + 5);
    uint8_t *to = wire_room(&c->out, 3 * WIRE_HEAD + HEADERS + length + TRAILERS);
    wire_head(to, HEADERS, WIRE_HEADERS, WIRE_END_HEADERS, stream);
    memcpy(to + WIRE_HEAD, headers, HEADERS);
    to += WIRE_HEAD + HEADERS;
    wire_head(to, length, WIRE_DATA, 0, stream);
    memcpy(to + WIRE_HEAD, frame + WIRE_HEAD, length);
    to += WIRE_HEAD + length;
    wire_head(to, TRAILERS, WIRE_HEADERS, WIRE_END_HEADERS | WIRE_END_STREAM, stream);
    memcpy(to + WIRE_HEAD, trailers, TRAILERS);
    c->out.size += 3 * WIRE_HEAD + HEADERS + length + TRAILERS;
    c->taken += length;
    if (c->taken >= WINDOW_REFILL) {
        wire_add_update(&c->out, 0, c->taken);
        c->taken = 0;
    }
}

static void acknowledge(connection *c, const uint8_t *frame, uint32_t length)
{
    uint32_t size = frame[3] == WIRE_PING ? length : 0;
    wire_add_head(&c->out, size, frame[3], WIRE_ACK, 0);
    memcpy(c->out.data + c->out.size, frame + WIRE_HEAD, size);
    c->out.size += size;
}

/* False: a frame that no buffer here holds. */
static bool walk(connection *c)
{
    const uint8_t *at = c->in, *end = c->in + c->size;
    if (!c->has_preface && c->size >= WIRE_PREFACE) {
        at += WIRE_PREFACE;
        c->has_preface = true;
    }
    while (c->has_preface && end - at >= WIRE_HEAD) {
        uint32_t length = wire_length(at);
        if (length > WIRE_READ)
            return false;
        if ((size_t)(end - at) < WIRE_HEAD + (size_t)length)
            break;
        if (at[3] == WIRE_DATA && (at[4] & WIRE_END_STREAM))
            answer(c, at, length);
        else if ((at[3] == WIRE_SETTINGS || at[3] == WIRE_PING) && !(at[4] & WIRE_ACK))
            acknowledge(c, at, length);
        at += WIRE_HEAD + length;
    }
    c->size = (size_t)(end - at);
    memmove(c->in, at, c->size);
    return true;
}

static bool serve(int epoll, connection *c, uint32_t events)
{
    if (events & EPOLLIN) {
        ssize_t n = recv(c->fd, c->in + c->size, WIRE_READ, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        c->size += n > 0 ? (size_t)n : 0;
        if (!walk(c))
            return false;
    } else if (events & (EPOLLERR | EPOLLHUP)) {
        return false;
    }
    return wire_flush(&c->out, epoll, c->fd, c);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("bench_floor IPV4:PORT\n", stderr);
        return 2;
    }
    struct epoll_event events[256];
    int listener = wire_listen(argv[1], 0), epoll = epoll_create1(0);
    wire_watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            connection *c = events[i].data.ptr;
            if (!c)
                accept_one(epoll, listener);
            else if (!serve(epoll, c, events[i].events))
                close_one(c);
        }
    }
}
