/* SPDX-License-Identifier: Apache-2.0 */
/* h2_client_probe [--once] [--trace] URL: one GET over the client engine (prior knowledge, no TLS). It then keeps the
 * connection until the server ends it, at most 3 s, so that h2specd can judge the connection; with --once it leaves after
 * the response. Exit 0: a whole response with status 200. */
#include "h2/h2.h"
#include "h2_pump.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_NS INT64_C(3000000000)

typedef struct target {
    char host[256], port[8], path[1024], authority[272];
} target;

static target where;
static bool is_asked, is_done;
static char status[8];
static size_t received;

static bool read_url(const char *url, target *out)
{
    const char *scheme = "http://";
    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return false;
    url += strlen(scheme);
    size_t size = strcspn(url, "/");
    if (size == 0 || size >= sizeof out->host)
        return false;
    snprintf(out->authority, sizeof out->authority, "%.*s", (int)size, url);
    snprintf(out->path, sizeof out->path, "%s", url[size] ? url + size : "/");
    const char *colon = memchr(url, ':', size);
    snprintf(out->host, sizeof out->host, "%.*s", (int)(colon ? colon - url : (long)size), url);
    snprintf(out->port, sizeof out->port, "%.*s", colon ? (int)(size - (size_t)(colon + 1 - url)) : 2,
             colon ? colon + 1 : "80");
    return true;
}

static int connect_to(const target *t)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
    int error = getaddrinfo(t->host, t->port, &hints, &list);
    int fd = -1;
    for (struct addrinfo *a = list; !error && a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    if (fd < 0)
        fprintf(stderr, "h2_client_probe: %s: %s\n", t->authority, error ? gai_strerror(error) : strerror(errno));
    if (list)
        freeaddrinfo(list);
    return fd;
}

static void ask(h2_connection *connection)
{
    h2_stream *stream = h2_connection_can_open(connection) ? h2_stream_open(connection) : NULL;
    if (!stream)
        return;
    is_asked = true;
    hpack_field fields[] = {
        hpack_field_of(HPACK_NAME_METHOD, PROA_STR("GET")),
        hpack_field_of(HPACK_NAME_SCHEME, PROA_STR("http")),
        hpack_field_of(HPACK_NAME_AUTHORITY, proa_bytes_of(where.authority)),
        hpack_field_of(HPACK_NAME_PATH, proa_bytes_of(where.path)),
        hpack_field_of(HPACK_NAME_USER_AGENT, PROA_STR("h2_client_probe")),
    };
    (void)h2_stream_send_headers(stream, fields, sizeof fields / sizeof fields[0], true);
}

static void on_event(pump_connection *connection, const h2_event *event)
{
    switch (event->type) {
    case H2_EVENT_HEADERS:
        for (uint32_t i = 0; event->block && i < event->block->count; i++)
            if (event->block->fields[i].token == HPACK_NAME_STATUS)
                snprintf(status, sizeof status, "%.*s", PROA_FMT(event->block->fields[i].value));
        break;
    case H2_EVENT_DATA:
        received += event->bytes.size;
        h2_stream_consume(event->stream, event->bytes.size);
        break;
    case H2_EVENT_CLOSED:
        is_done = event->fault.scope == H2_SCOPE_NONE;
        if (!is_done)
            fprintf(stderr, "h2_client_probe: stream: %s, %s\n", h2_code_name(event->fault.code), event->fault.reason);
        break;
    case H2_EVENT_STOPPED:
        if (event->fault.scope)
            fprintf(stderr, "h2_client_probe: connection: %s, %s\n", h2_code_name(event->fault.code),
                    event->fault.reason);
        break;
    default: break;
    }
    if (!is_asked && event->type == H2_EVENT_SETTINGS)
        ask(connection->h2);
}

int main(int argc, char **argv)
{
    bool is_once = false;
    const char *url = NULL;
    trace to_stderr = { .line = pump_trace_line, .areas = TRACE_H2 };
    /* h2specd reads no SETTINGS of a client: it takes 16384 for the largest frame, whatever we say. */
    h2_options options = { .role = H2_CLIENT, .limits = { .frame_bytes_max = 16384 } };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--once") == 0)
            is_once = true;
        else if (strcmp(argv[i], "--trace") == 0)
            options.trace = &to_stderr;
        else
            url = argv[i];
    }
    if (!url || !read_url(url, &where)) {
        fprintf(stderr, "usage: h2_client_probe [--once] [--trace] http://HOST:PORT/PATH\n");
        return 2;
    }
    pump_connection connection;
    int fd = connect_to(&where);
    if (fd < 0 || !pump_start(&connection, fd, &options))
        return 1;
    int64_t end = pump_now() + PATIENCE_NS;
    pump_turn(&connection, 0, on_event); /* the preface: nothing is to be read before it went out */
    while (connection.fd >= 0 && pump_now() < end && !(is_once && is_done)) {
        int64_t deadline = pump_deadline(&connection);
        struct pollfd polled = { .fd = connection.fd, .events = pump_wishes(&connection) };
        poll(&polled, 1, pump_timeout_ms(deadline < end ? deadline : end));
        pump_turn(&connection, polled.revents, on_event);
    }
    if (connection.fd >= 0)
        pump_close(&connection);
    printf("status=%s bytes=%zu%s\n", status, received, is_done ? "" : " unfinished");
    return is_done && strcmp(status, "200") == 0 ? 0 : 1;
}
