/* SPDX-License-Identifier: Apache-2.0 */
/* Connected streams of bytes over readiness: the kernel says what is possible, reads go into the loop's buffer, writes
 * straight from the caller's memory. A socket holds no buffer of its own.
 *
 *     CONNECTING ──> OPEN ──> ENDED (on_end ran: nothing more is called)
 *          └──────────┴─────────┴──> CLOSED (the owner closed; the memory goes with libuv's handle)
 *
 * An event that no descriptor will tell (a write or a connect that failed at once, a connect that succeeded at once)
 * is a task of IO_INPUT: handlers only ever run in the I/O phase. */
#define _GNU_SOURCE /* struct ucred */
#include "io/socket.h"
#include "io/address.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SOCKETS_KEPT = 64, PARTS_MAX = 64, READS_MAX = 4, LAST_READS_MAX = 1024 };

typedef enum socket_state { CONNECTING, OPEN, ENDED, CLOSED } socket_state;

/* A socket of the kernel. */
typedef struct system_socket {
    io_socket base;
    uv_poll_t poll;
    io_loop *loop;
    const io_socket_handler *handler; /* NULL: accepted and not yet owned */
    void *owner;
    io_task pending;
    io_address peer;
    int fd;
    int fault;   /* errno of a write or a connect that failed; on_end is to come */
    int watched; /* events that libuv watches */
    socket_state state;
    bool is_paused;
    bool is_hup;       /* paused, and the kernel has said all it will: watching would spin */
    bool wants_write;  /* a write was short: on_writable is owed */
    bool is_ended_out; /* io_socket_end */
} system_socket;

static void on_poll(uv_poll_t *poll, int status, int events);

static int events_wanted(const system_socket *socket)
{
    if (socket->state == CONNECTING)
        return socket->fault || list_has(&socket->pending.node) ? 0 : UV_WRITABLE;
    if (socket->state != OPEN || !socket->handler || socket->fault)
        return 0;
    int events = socket->wants_write ? UV_WRITABLE : 0;
    if (!socket->is_paused)
        return events | UV_READABLE;
    /* Watching for urgent data costs nothing and lets the kernel report a reset. */
    return socket->is_hup ? events : events | UV_PRIORITIZED;
}

/* A failure to watch is a failure of the socket. */
static void watch(system_socket *socket)
{
    int events = events_wanted(socket);
    if (events == socket->watched)
        return;
    socket->loop->is_changed = true;
    socket->watched = events;
    if (events == 0)
        uv_poll_stop(&socket->poll);
    else
        uv_poll_start(&socket->poll, events, on_poll);
}

static void add_pending(system_socket *socket)
{
    io_loop_defer(socket->loop, &socket->pending, IO_INPUT);
    watch(socket);
}

static void fail_later(system_socket *socket, int fault)
{
    socket->fault = fault;
    add_pending(socket);
}

/* The last event. The owner may close inside. */
static void end(system_socket *socket, int fault)
{
    proa_error error = { .code = PROA_ERR_NONE };
    if (fault)
        address_error(&error, PROA_ERR_IO, &socket->peer, fault);
    TRACE(socket->loop->trace, TRACE_IO, "io fd %d: %s", socket->fd, fault ? error.text : "the peer ended");
    socket->state = ENDED;
    io_task_cancel(&socket->pending);
    watch(socket);
    socket->handler->on_end(socket->owner, &error);
}

/* -1: wait for the kernel; 0: end of stream; else as many bytes as were given to the owner. Errors end the socket. */
static ssize_t read_once(system_socket *socket)
{
    io_loop *loop = socket->loop;
    ssize_t size;
    do
        size = recv(socket->fd, loop->read_buffer, LOOP_READ_BYTES, 0);
    while (size < 0 && errno == EINTR);
    if (size > 0)
        socket->handler->on_bytes(socket->owner, (proa_bytes){ loop->read_buffer, (size_t)size });
    else if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        end(socket, errno);
    return size;
}

static bool can_read(const system_socket *socket)
{
    return socket->state == OPEN && !socket->is_paused;
}

/* A short read emptied the kernel's buffer: asking again would only cost. Other sockets wait as well, so not for ever. */
static void read_some(system_socket *socket)
{
    ssize_t size = LOOP_READ_BYTES;
    for (int reads = 0; size == LOOP_READ_BYTES && reads < READS_MAX && can_read(socket); reads++)
        size = read_once(socket);
    if (size == 0 && socket->state == OPEN)
        end(socket, 0);
}

/* The kernel will not report this socket again. What was received before it failed is still given to the owner: the
 * peer may have answered and gone. */
static void end_after_reading(system_socket *socket, int fault)
{
    socket->fault = 0;
    for (int reads = 0; reads < LAST_READS_MAX && can_read(socket) && read_once(socket) > 0; reads++)
        ;
    if (socket->state == OPEN)
        end(socket, fault);
}

static int take_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size))
        return errno;
    return error;
}

/* Connecting to a free ephemeral port of this machine can meet itself: simultaneous open with one end. */
static bool is_connected_to_itself(const system_socket *socket)
{
    if (!io_address_is_loopback(&socket->peer) || address_sockaddr(&socket->peer)->sa_family == AF_UNIX)
        return false;
    char self[sizeof socket->peer.u.bytes];
    socklen_t size = sizeof self;
    return getsockname(socket->fd, (struct sockaddr *)(void *)self, &size) == 0 && size == socket->peer.size &&
           memcmp(self, socket->peer.u.bytes, size) == 0;
}

static void finish_connect(system_socket *socket)
{
    int error = take_error(socket->fd);
    if (!error && is_connected_to_itself(socket))
        error = ECONNREFUSED;
    if (error) {
        end(socket, error);
        return;
    }
    TRACE(socket->loop->trace, TRACE_IO, "io fd %d: connected", socket->fd);
    socket->state = OPEN;
    if (socket->is_ended_out)
        shutdown(socket->fd, SHUT_WR);
    watch(socket);
    if (socket->handler->on_connected)
        socket->handler->on_connected(socket->owner);
    if (socket->state == OPEN && !socket->fault && socket->wants_write) {
        socket->wants_write = false;
        watch(socket);
        socket->handler->on_writable(socket->owner);
    }
}

static void run_pending(io_task *task)
{
    system_socket *socket = CONTAINER_OF(task, system_socket, pending);
    int fault = socket->fault;
    if (socket->state == CONNECTING && fault)
        end(socket, fault);
    else if (socket->state == CONNECTING)
        finish_connect(socket);
    else if (socket->state == OPEN && fault)
        end_after_reading(socket, fault);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    system_socket *socket = poll->data;
    loop_note_event(socket->loop);
    if (status < 0)
        socket->watched = 0; /* libuv stopped watching */
    if (socket->state == CONNECTING) {
        finish_connect(socket);
        return;
    }
    if (status < 0) {
        end_after_reading(socket, ECONNRESET);
        return;
    }
    if (events & UV_WRITABLE && socket->wants_write) {
        socket->wants_write = false;
        socket->handler->on_writable(socket->owner);
    }
    if (events & UV_READABLE)
        read_some(socket);
    if (events & UV_PRIORITIZED && socket->is_paused)
        socket->is_hup = true;
    if (socket->state == OPEN)
        watch(socket); /* a pause that came to nothing costs no system call: it is told to the kernel here */
}

static void on_closed(uv_handle_t *handle)
{
    system_socket *socket = handle->data;
    slab_give(&socket->loop->sockets, socket);
}

void socket_prepare(io_loop *loop)
{
    slab_init(&loop->sockets, sizeof(system_socket), SOCKETS_KEPT);
}

static void own_socket(io_socket *base, const io_socket_handler *handler, void *owner)
{
    system_socket *socket = CONTAINER_OF(base, system_socket, base);
    PROA_ASSERT(socket->state == OPEN, "a socket changes hands while it is open");
    socket->handler = handler;
    socket->owner = owner;
    watch(socket);
}

/* One system call. -1: failed, see errno. */
static ssize_t send_parts(int fd, const proa_bytes *parts, size_t count)
{
    struct iovec vectors[PARTS_MAX];
    for (size_t i = 0; i < count; i++)
        vectors[i] = (struct iovec){ (void *)(uintptr_t)parts[i].data, parts[i].size };
    const struct msghdr message = { .msg_iov = vectors, .msg_iovlen = count };
    ssize_t size;
    do
        size = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (size < 0 && errno == EINTR);
    return size;
}

static size_t write_parts(io_socket *base, const proa_bytes *parts, size_t count)
{
    system_socket *socket = CONTAINER_OF(base, system_socket, base);
    PROA_ASSERT(!socket->is_ended_out, "nothing is written behind io_socket_end");
    if (socket->state == CLOSED || socket->fault || socket->wants_write)
        return 0;
    if (socket->state == CONNECTING) {
        socket->wants_write = bytes_sum(parts, count) > 0;
        return 0;
    }
    size_t taken = 0;
    for (; count > 0; count -= count < PARTS_MAX ? count : PARTS_MAX, parts += PARTS_MAX) {
        size_t batch = count < PARTS_MAX ? count : PARTS_MAX;
        size_t offered = bytes_sum(parts, batch);
        ssize_t size = offered ? send_parts(socket->fd, parts, batch) : 0;
        if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            if (socket->state == OPEN)
                fail_later(socket, errno);
            return 0;
        }
        taken += size < 0 ? 0 : (size_t)size;
        if (size < 0 || (size_t)size < offered) {
            /* A peer that ended may still read; but no event follows on_end. */
            socket->wants_write = socket->state == OPEN;
            watch(socket);
            break;
        }
    }
    return taken;
}

static void pause_socket(io_socket *base, bool is_paused)
{
    system_socket *socket = CONTAINER_OF(base, system_socket, base);
    socket->is_paused = is_paused;
    if (is_paused)
        return; /* told to the kernel when the next bytes come: see on_poll */
    socket->is_hup = false;
    if (socket->state < ENDED)
        watch(socket);
}

static void end_out(io_socket *base)
{
    system_socket *socket = CONTAINER_OF(base, system_socket, base);
    if (socket->is_ended_out || socket->state == CLOSED)
        return;
    socket->is_ended_out = true;
    socket->wants_write = false;
    if (socket->state != CONNECTING)
        shutdown(socket->fd, SHUT_WR);
}

static void close_socket(io_socket *base)
{
    system_socket *socket = CONTAINER_OF(base, system_socket, base);
    if (socket->state == CLOSED)
        return;
    TRACE(socket->loop->trace, TRACE_IO, "io fd %d: closed", socket->fd);
    socket->state = CLOSED;
    io_task_cancel(&socket->pending);
    socket->loop->is_changed = true;
    /* libuv forgets the descriptor at once; only the handle's memory waits for its next run. */
    uv_close((uv_handle_t *)&socket->poll, on_closed);
    close(socket->fd);
}

static const io_address *peer_of(const io_socket *base)
{
    const system_socket *socket = CONTAINER_OF(base, const system_socket, base);
    return &socket->peer;
}

static bool credentials_of(const io_socket *base, int64_t *pid, int64_t *uid, int64_t *gid)
{
    const system_socket *socket = CONTAINER_OF(base, const system_socket, base);
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (socket->peer.size < sizeof(sa_family_t) || address_sockaddr(&socket->peer)->sa_family != AF_UNIX)
        return false;
    if (getsockopt(socket->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size))
        return false;
    *pid = credentials.pid;
    *uid = credentials.uid;
    *gid = credentials.gid;
    return true;
}

/* Not there on Unix sockets, nor where the system does not know it: then keepalive alone finds out. */
static void set_unheard(io_socket *base, int64_t ns)
{
    system_socket *socket = CONTAINER_OF(base, system_socket, base);
    unsigned ms = ns / PROA_MILLISECOND < INT_MAX ? (unsigned)(ns / PROA_MILLISECOND) : INT_MAX;
    if (socket->state < ENDED && io_address_port(&socket->peer) >= 0)
        setsockopt(socket->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

/* ---- Making them */

static const io_socket_kind system_kind = { .own = own_socket,
                                            .write = write_parts,
                                            .pause = pause_socket,
                                            .end = end_out,
                                            .close = close_socket,
                                            .peer = peer_of,
                                            .credentials = credentials_of,
                                            .set_unheard = set_unheard };

/* Takes the descriptor. */
static system_socket *create(io_loop *loop, int fd, const io_address *peer, int *system_error)
{
    system_socket *socket = slab_take(&loop->sockets);
    if (!socket) {
        *system_error = ENOMEM;
        close(fd);
        return NULL;
    }
    int failed = uv_poll_init(&loop->uv, &socket->poll, fd);
    if (failed) {
        *system_error = -failed;
        close(fd);
        slab_give(&loop->sockets, socket);
        return NULL;
    }
    socket->base.kind = &system_kind;
    socket->pending.run = run_pending;
    socket->poll.data = socket;
    socket->loop = loop;
    socket->fd = fd;
    socket->peer = *peer;
    socket->state = OPEN;
    /* Messages are written whole: waiting for more to send only adds delay. Not there on Unix sockets. */
    int on = 1;
    if (peer->size >= sizeof(sa_family_t) && address_sockaddr(peer)->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

io_socket *socket_from_accepted(io_loop *loop, int fd, const io_address *peer)
{
    int system_error;
    system_socket *socket = create(loop, fd, peer, &system_error);
    return socket ? &socket->base : NULL;
}

io_socket *io_socket_connect(io_loop *loop, const io_address *address, const io_socket_handler *handler, void *owner,
                             proa_error *error)
{
    if (loop->network)
        return loop->network->connect(loop->network->network, loop, address, handler, owner, error);
    const struct sockaddr *to = address_sockaddr(address);
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int system_error = errno;
    system_socket *made = fd < 0 ? NULL : create(loop, fd, address, &system_error);
    if (!made) {
        address_error(error, system_error == ENOMEM ? PROA_ERR_NOMEM : PROA_ERR_IO, address, system_error);
        return NULL;
    }
    made->handler = handler;
    made->owner = owner;
    made->state = CONNECTING;
    TRACE(loop->trace, TRACE_IO, "io fd %d: connecting", fd);
    if (connect(fd, to, address->size) == 0)
        add_pending(made);
    else if (errno == EINPROGRESS || errno == EINTR) /* EINTR: it goes on (POSIX connect) */
        watch(made);
    else
        fail_later(made, errno);
    return &made->base;
}
