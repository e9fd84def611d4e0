/* SPDX-License-Identifier: Apache-2.0 */
/* h2_responder --port=N [--host=ADDRESS] [--size=BYTES] [--trace]: a plain HTTP/2 server (prior knowledge, no TLS) over the
 * engine. It answers every request, once it is whole, with 200 and a body. For h2spec, nghttp, h2load and curl. */
#include "h2/h2.h"
#include "h2_pump.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1000 };

static pump_connection connections[CONNECTIONS_MAX];
static hold *body;
static size_t body_size = 8192;
static char body_length[24];
static volatile sig_atomic_t is_stopping;

static void on_signal(int number)
{
    (void)number;
    is_stopping = 1;
}

/* Beside each stream: what was asked. */
typedef struct request {
    bool is_head;
} request;

static void note_request(h2_stream *stream, const h2_event *event)
{
    request *r = h2_stream_extra(stream);
    for (uint32_t i = 0; event->block && i < event->block->count; i++) {
        const hpack_field *f = &event->block->fields[i];
        if (f->token == HPACK_NAME_METHOD)
            r->is_head = BYTES_IS(f->value, "HEAD");
    }
}

static void answer(h2_stream *stream, bool is_too_large)
{
    const request *r = h2_stream_extra(stream);
    if (is_too_large) {
        hpack_field field = hpack_field_of(HPACK_NAME_STATUS, PROA_STR("431"));
        (void)h2_stream_send_headers(stream, &field, 1, true);
        return;
    }
    hpack_field fields[] = {
        hpack_field_of(HPACK_NAME_STATUS, PROA_STR("200")),
        hpack_field_of(HPACK_NAME_CONTENT_TYPE, PROA_STR("text/plain")),
        hpack_field_of(HPACK_NAME_CONTENT_LENGTH, proa_bytes_of(body_length)),
    };
    bool has_body = !r->is_head && body_size;
    if (h2_stream_send_headers(stream, fields, 3, !has_body) || !has_body)
        return;
    proa_slice slice = slice_of(hold_retain(body), 0, body_size);
    (void)h2_stream_send_slice(stream, (proa_bytes){ 0 }, &slice, true);
}

static void on_event(pump_connection *connection, const h2_event *event)
{
    (void)connection;
    if (event->type == H2_EVENT_HEADERS) {
        note_request(event->stream, event);
        if (event->is_end || event->is_too_large)
            answer(event->stream, event->is_too_large);
    } else if (event->type == H2_EVENT_DATA) {
        h2_stream_consume(event->stream, event->bytes.size);
        if (event->is_end)
            answer(event->stream, false);
    }
}

static int listen_on(const char *host, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fprintf(stderr, "h2_responder: %s is no IPv4 address\n", host);
        return -1;
    }
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    socklen_t size = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 512) ||
        getsockname(fd, (struct sockaddr *)&address, &size)) {
        fprintf(stderr, "h2_responder: %s:%d: %s\n", host, port, strerror(errno));
        close(fd);
        return -1;
    }
    printf("listening on %s:%u\n", host, ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_one(int listener, const h2_options *options)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (connections[i].fd < 0) {
            if (pump_start(&connections[i], fd, options))
                pump_turn(&connections[i], 0, on_event);
            return;
        }
    close(fd);
}

static void turn(int listener, const h2_options *options)
{
    static struct pollfd polled[CONNECTIONS_MAX + 1];
    static int owner[CONNECTIONS_MAX + 1];
    nfds_t count = 1;
    int64_t deadline = INT64_MAX;
    polled[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        if (connections[i].fd < 0)
            continue;
        int64_t due = pump_deadline(&connections[i]);
        deadline = due < deadline ? due : deadline;
        owner[count] = i;
        polled[count++] = (struct pollfd){ .fd = connections[i].fd, .events = pump_wishes(&connections[i]) };
    }
    if (poll(polled, count, pump_timeout_ms(deadline)) < 0)
        return;
    int64_t now = pump_now();
    for (nfds_t i = 1; i < count; i++) {
        pump_connection *c = &connections[owner[i]];
        if (polled[i].revents || pump_deadline(c) <= now)
            pump_turn(c, polled[i].revents, on_event);
    }
    if (polled[0].revents)
        accept_one(listener, options);
}

static bool read_option(const char *argument, const char *name, const char **value)
{
    size_t size = strlen(name);
    if (strncmp(argument, name, size) != 0 || argument[size] != '=')
        return false;
    *value = argument + size + 1;
    return true;
}

int main(int argc, char **argv)
{
    const char *host = "127.0.0.1", *port = NULL, *size = NULL;
    trace to_stderr = { .line = pump_trace_line, .areas = TRACE_H2 };
    h2_options options = { .role = H2_SERVER, .stream_extra = sizeof(request) };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            options.trace = &to_stderr;
        else if (!read_option(argv[i], "--port", &port) && !read_option(argv[i], "--host", &host) &&
                 !read_option(argv[i], "--size", &size)) {
            fprintf(stderr, "h2_responder: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    if (!port) {
        fprintf(stderr, "usage: h2_responder --port=N [--host=ADDRESS] [--size=BYTES] [--trace]\n");
        return 2;
    }
    if (size)
        body_size = strtoul(size, NULL, 10);
    snprintf(body_length, sizeof body_length, "%zu", body_size);
    body = hold_new(body_size + 1);
    if (!body)
        return 1;
    memset(hold_data(body), 'x', body_size);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        connections[i].fd = -1;
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    int listener = listen_on(host, atoi(port));
    if (listener < 0)
        return 1;
    while (!is_stopping)
        turn(listener, &options);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (connections[i].fd >= 0)
            pump_close(&connections[i]);
    close(listener);
    hold_release(body);
    return 0;
}
