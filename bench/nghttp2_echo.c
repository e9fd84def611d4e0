/* SPDX-License-Identifier: Apache-2.0 */
/* A unary gRPC echo on libnghttp2, as lean as the library lets it be: bench_nghttp2_echo IPV4:PORT.
 * It looks at :path, copies the body, answers with it and trailers; no timeouts, no metadata, no Protobuf. */
#include <nghttp2/nghttp2.h>
#include "wire.h"

enum { BODY_MAX = 4096 };

typedef struct stream {
    struct stream *next; /* of those that are free */
    size_t size, sent;
    bool is_echo;
    uint8_t body[BODY_MAX];
} stream;

typedef struct server {
    int epoll;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    stream *free;
    uint8_t in[WIRE_READ];
} server;

typedef struct connection {
    server *server;
    nghttp2_session *session;
    int fd;
    wire_output out;
} connection;

#define FIELD(name, value) \
    { \
        (uint8_t *)name, (uint8_t *)value, sizeof name - 1, sizeof value - 1, \
            NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE \
    }
static const nghttp2_nv headers[] = { FIELD(":status", "200"), FIELD("content-type", "application/grpc") };
static const nghttp2_nv trailers[] = { FIELD("grpc-status", "0") };
static const nghttp2_nv unimplemented[] = { FIELD(":status", "200"), FIELD("content-type", "application/grpc"),
                                            FIELD("grpc-status", "12") };

/* ---- Streams */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    server *server = ((connection *)user)->server;
    stream *s = server->free ? server->free : malloc(sizeof *s);
    if (!s)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    server->free = server->free ? server->free->next : NULL;
    s->size = s->sent = 0;
    s->is_echo = false;
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, s);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
                     const uint8_t *value, size_t value_size, uint8_t flags, void *user)
{
    static const char path[] = "/bench.Echo/Unary";
    (void)flags;
    (void)user;
    if (name_size != 5 || memcmp(name, ":path", 5) != 0)
        return 0;
    stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    s->is_echo = value_size == sizeof path - 1 && memcmp(value, path, value_size) == 0;
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size, void *user)
{
    stream *s = nghttp2_session_get_stream_user_data(session, id);
    (void)flags;
    (void)user;
    if (!s || s->size + size > BODY_MAX)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    memcpy(s->body + s->size, data, size);
    s->size += size;
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    stream *s = source->ptr;
    size_t size = s->size - s->sent < room ? s->size - s->sent : room;
    (void)user;
    memcpy(to, s->body + s->sent, size);
    s->sent += size;
    if (s->sent == s->size) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, id, trailers, 1);
    }
    return (ssize_t)size;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    bool is_message = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    stream *s = is_message ? nghttp2_session_get_stream_user_data(session, frame->hd.stream_id) : NULL;
    (void)user;
    if (!s || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    if (!s->is_echo)
        return nghttp2_submit_response(session, frame->hd.stream_id, unimplemented, 3, NULL);
    nghttp2_data_provider body = { .source = { .ptr = s }, .read_callback = read_body };
    return nghttp2_submit_response(session, frame->hd.stream_id, headers, 2, &body);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    server *server = ((connection *)user)->server;
    stream *s = nghttp2_session_get_stream_user_data(session, id);
    (void)error;
    if (!s)
        return 0;
    s->next = server->free;
    server->free = s;
    return 0;
}

/* ---- Connections */

static bool flush(connection *c)
{
    const uint8_t *data;
    for (ssize_t size; (size = nghttp2_session_mem_send(c->session, &data)) > 0; c->out.size += (size_t)size)
        memcpy(wire_room(&c->out, (size_t)size), data, (size_t)size);
    return wire_flush(&c->out, c->server->epoll, c->fd, c);
}

static void close_one(connection *c)
{
    close(c->fd);
    nghttp2_session_del(c->session);
    free(c->out.data);
    free(c);
}

static void accept_one(server *server, int listener)
{
    static const nghttp2_settings_entry settings[] = { { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000 },
                                                       { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20 } };
    int fd = accept(listener, NULL, NULL);
    connection *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return;
    *c = (connection){ .server = server, .fd = fd };
    if (nghttp2_session_server_new2(&c->session, server->callbacks, c, server->option))
        wire_fail("nghttp2");
    wire_no_delay(fd);
    wire_watch(server->epoll, EPOLL_CTL_ADD, fd, EPOLLIN, c);
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, 2);
    nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, 1 << 24);
    if (!flush(c))
        close_one(c);
}

static bool serve(connection *c, uint32_t events)
{
    uint8_t *in = c->server->in;
    if (events & EPOLLIN) {
        ssize_t n = recv(c->fd, in, WIRE_READ, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (n > 0 && nghttp2_session_mem_recv(c->session, in, (size_t)n) < 0)
            return false;
    } else if (events & (EPOLLERR | EPOLLHUP)) {
        return false;
    }
    return flush(c);
}

static void set_callbacks(server *server)
{
    nghttp2_session_callbacks_new(&server->callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(server->callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(server->callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(server->callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(server->callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(server->callbacks, on_stream_close);
    nghttp2_option_new(&server->option);
    nghttp2_option_set_no_closed_streams(server->option, 1);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("bench_nghttp2_echo IPV4:PORT\n", stderr);
        return 2;
    }
    struct epoll_event events[256];
    server *server = calloc(1, sizeof *server);
    if (!server)
        wire_fail("calloc");
    set_callbacks(server);
    int listener = wire_listen(argv[1], 0);
    server->epoll = epoll_create1(0);
    wire_watch(server->epoll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    for (;;) {
        int count = epoll_wait(server->epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            connection *c = events[i].data.ptr;
            if (!c)
                accept_one(server, listener);
            else if (!serve(c, events[i].events))
                close_one(c);
        }
    }
}
