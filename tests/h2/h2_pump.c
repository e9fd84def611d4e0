/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/h2.h"
#include "h2_pump.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (64 * 1024)
#define LINGER_NS  INT64_C(200000000)

int64_t pump_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void pump_trace_line(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "%s\n", line);
}

bool pump_start(pump_connection *p, int fd, const h2_options *options)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    *p = (pump_connection){ .fd = fd, .h2 = h2_connection_new(options, pump_now()), .end_at = INT64_MAX };
    if (p->h2)
        return true;
    close(fd);
    p->fd = -1;
    return false;
}

void pump_close(pump_connection *p)
{
    close(p->fd);
    p->fd = -1;
    h2_connection_free(p->h2);
    p->h2 = NULL;
}

short pump_wishes(const pump_connection *p)
{
    if (p->is_ending)
        return POLLIN;
    return (short)((h2_connection_wants_input(p->h2) ? POLLIN : 0) | (p->is_blocked ? POLLOUT : 0));
}

int64_t pump_deadline(const pump_connection *p)
{
    return p->is_ending ? p->end_at : h2_connection_deadline(p->h2);
}

int pump_timeout_ms(int64_t deadline)
{
    if (deadline == INT64_MAX)
        return -1;
    int64_t left = deadline - pump_now();
    return left <= 0 ? 0 : (int)(left / 1000000 + 1);
}

static void pull(pump_connection *p, pump_event *on_event)
{
    h2_event event;
    while (h2_connection_next_event(p->h2, &event)) {
        on_event(p, &event);
        if (event.type == H2_EVENT_CLOSED)
            h2_stream_release(event.stream);
    }
}

static void take_input(pump_connection *p, pump_event *on_event)
{
    static char bytes[READ_BYTES];
    while (h2_connection_wants_input(p->h2)) {
        ssize_t n = read(p->fd, bytes, sizeof bytes);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n > 0)
            h2_connection_feed(p->h2, (proa_bytes){ bytes, (size_t)n }, pump_now());
        else
            h2_connection_lost(p->h2, "the peer closed the connection");
        pull(p, on_event);
        if (n < (ssize_t)sizeof bytes)
            return;
    }
}

/* false: the kernel takes no more now. */
static bool give_output(pump_connection *p)
{
    static h2_output out;
    struct iovec parts[H2_OUTPUT_PARTS_MAX];
    while (h2_connection_emit(p->h2, &out, pump_now())) {
        for (size_t i = 0; i < out.count; i++)
            parts[i] = (struct iovec){ (void *)(uintptr_t)out.parts[i].data, out.parts[i].size };
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = out.count };
        ssize_t n = sendmsg(p->fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            h2_connection_lost(p->h2, "the connection broke");
        if (n <= 0)
            return false;
        h2_connection_sent(p->h2, (size_t)n);
        if ((size_t)n < out.size)
            return false;
    }
    return true;
}

/* After our FIN: a close at once would be a reset that destroys what the peer did not read yet. */
static void drop_input(pump_connection *p)
{
    char bytes[4096];
    ssize_t n;
    while ((n = read(p->fd, bytes, sizeof bytes)) > 0)
        ;
    if (n == 0 || (errno != EAGAIN && errno != EINTR) || pump_now() >= p->end_at)
        pump_close(p);
}

void pump_turn(pump_connection *p, short ready, pump_event *on_event)
{
    if (p->is_ending) {
        drop_input(p);
        return;
    }
    h2_connection_tick(p->h2, pump_now());
    pull(p, on_event);
    if (ready & (POLLIN | POLLHUP | POLLERR))
        take_input(p, on_event);
    p->is_blocked = !give_output(p);
    pull(p, on_event);
    if (!h2_connection_is_over(p->h2))
        return;
    p->is_ending = true;
    p->end_at = pump_now() + LINGER_NS;
    shutdown(p->fd, SHUT_WR);
}
