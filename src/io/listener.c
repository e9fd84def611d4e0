/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets. Out of descriptors, a listener gives up its reserve to refuse one connection (else the kernel
 * would report it for ever) and pauses; the others are served meanwhile. */
#define _GNU_SOURCE /* accept4 */
#include "io/address.h"
#include "io/loop.h"
#include "io/socket.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG_DEFAULT = 4096, ACCEPTS_MAX = 64, PAUSE_MS = 100 };

/* A listening socket of the kernel. */
typedef struct system_listener {
    io_listener base;
    uv_poll_t poll;
    io_loop *loop;
    io_on_accept on_accept;
    void *owner;
    io_timer pause;
    io_address address;
    int fd;
    int reserve; /* a descriptor kept for bad times, or -1 */
    bool is_closed;
    bool owns_file; /* a Unix socket file that we made: device and inode say whether it is still ours */
    dev_t device;
    ino_t inode;
} system_listener;

/* ---- Accepting */

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(system_listener *listener, bool is_on)
{
    listener->loop->is_changed = true;
    if (is_on)
        uv_poll_start(&listener->poll, UV_READABLE, on_poll);
    else
        uv_poll_stop(&listener->poll);
}

static void on_pause_over(io_timer *timer)
{
    system_listener *listener = CONTAINER_OF(timer, system_listener, pause);
    if (listener->reserve < 0)
        listener->reserve = open_reserve();
    watch(listener, true);
}

static void pause_accepting(system_listener *listener)
{
    watch(listener, false);
    io_timer_start(listener->loop, &listener->pause, io_loop_now(listener->loop) + PAUSE_MS * PROA_MILLISECOND);
}

/* CVE-2023-4785: accept that fails for want of descriptors must not be tried again at once. */
static void refuse_one(system_listener *listener)
{
    TRACE(listener->loop->trace, TRACE_IO, "io fd %d: out of descriptors, refusing one and pausing", listener->fd);
    if (listener->reserve >= 0) {
        close(listener->reserve);
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
        listener->reserve = open_reserve();
    }
    pause_accepting(listener);
}

static void give(system_listener *listener, int fd, const io_address *peer)
{
    io_socket *socket = socket_from_accepted(listener->loop, fd, peer);
    if (!socket)
        return; /* no memory: the connection is closed */
    TRACE(listener->loop->trace, TRACE_IO, "io fd %d: accepted fd %d", listener->fd, fd);
    listener->on_accept(listener->owner, socket);
}

/* False: enough for now. */
static bool accept_one(system_listener *listener)
{
    io_address peer;
    memset(&peer, 0, sizeof peer);
    socklen_t size = sizeof peer.u.bytes;
    int fd = accept4(listener->fd, (struct sockaddr *)(void *)peer.u.bytes, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        peer.size = size < sizeof peer.u.bytes ? size : sizeof peer.u.bytes;
        give(listener, fd, &peer);
        return true;
    }
    switch (errno) {
    case EAGAIN: return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: refuse_one(listener); return false;
    /* One connection went before it was accepted (Linux passes pending network errors on): the next may be fine. */
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM: return true;
    default: pause_accepting(listener); return false;
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    system_listener *listener = poll->data;
    (void)events;
    loop_note_event(listener->loop);
    if (status < 0) {
        pause_accepting(listener);
        return;
    }
    for (int accepts = 0; accepts < ACCEPTS_MAX && !listener->is_closed && accept_one(listener); accepts++)
        ;
}

/* ---- Opening */

/* A socket file is stale when nobody answers there. */
static bool is_stale_file(const io_address *address)
{
    const struct sockaddr_un *un = (const void *)address->u.bytes;
    struct stat file;
    if (un->sun_path[0] == '\0' || lstat(un->sun_path, &file) || !S_ISSOCK(file.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_stale = fd >= 0 && connect(fd, address_sockaddr(address), address->size) && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return is_stale;
}

/* 0 or an errno. */
static int bind_unix(system_listener *listener, int fd, const io_listener_options *options)
{
    const io_address *address = &listener->address;
    const struct sockaddr_un *un = (const void *)address->u.bytes;
    bool has_file = un->sun_path[0] != '\0';
    /* The mode of the descriptor becomes that of the file (less the umask), so that it is never more open than asked. */
    if (options->unix_mode && has_file && fchmod(fd, options->unix_mode))
        return errno;
    if (bind(fd, address_sockaddr(address), address->size)) {
        if (errno != EADDRINUSE)
            return errno;
        if (!is_stale_file(address))
            return EADDRINUSE;
        if (unlink(un->sun_path) || bind(fd, address_sockaddr(address), address->size))
            return errno;
    }
    if (!has_file)
        return 0;
    struct stat file;
    if (lstat(un->sun_path, &file))
        return errno;
    listener->owns_file = true;
    listener->device = file.st_dev;
    listener->inode = file.st_ino;
    return options->unix_mode && chmod(un->sun_path, options->unix_mode) ? errno : 0;
}

static int bind_tcp(system_listener *listener, int fd, const io_listener_options *options)
{
    const int on = 1, off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on))
        return errno;
    if (options->is_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on))
        return errno;
    /* [::] takes IPv4 as well, whatever the system's default. */
    if (address_sockaddr(&listener->address)->sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, address_sockaddr(&listener->address), listener->address.size))
        return errno;
    /* Port 0 has become one. */
    socklen_t size = sizeof listener->address.u.bytes;
    if (getsockname(fd, (struct sockaddr *)(void *)listener->address.u.bytes, &size))
        return errno;
    return 0;
}

static int start(system_listener *listener, const io_listener_options *options)
{
    int family = address_sockaddr(&listener->address)->sa_family;
    listener->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0)
        return errno;
    int failed =
        family == AF_UNIX ? bind_unix(listener, listener->fd, options) : bind_tcp(listener, listener->fd, options);
    if (failed)
        return failed;
    if (listen(listener->fd, options->backlog > 0 ? options->backlog : BACKLOG_DEFAULT))
        return errno;
    listener->reserve = open_reserve();
    return listener->reserve < 0 ? errno : 0;
}

static void close_files(system_listener *listener)
{
    if (listener->owns_file) {
        const struct sockaddr_un *un = (const void *)listener->address.u.bytes;
        struct stat file;
        if (lstat(un->sun_path, &file) == 0 && file.st_dev == listener->device && file.st_ino == listener->inode)
            unlink(un->sun_path);
    }
    if (listener->fd >= 0)
        close(listener->fd);
    if (listener->reserve >= 0)
        close(listener->reserve);
}

static bool is_about_address(int system_error)
{
    return system_error == EADDRINUSE || system_error == EADDRNOTAVAIL || system_error == EACCES ||
           system_error == ENOENT || system_error == ENOTDIR || system_error == EAFNOSUPPORT || system_error == EINVAL;
}

static const io_address *address_of(const io_listener *base)
{
    const system_listener *listener = CONTAINER_OF(base, const system_listener, base);
    return &listener->address;
}

static void on_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

static void close_listener(io_listener *base)
{
    system_listener *listener = CONTAINER_OF(base, system_listener, base);
    if (listener->is_closed)
        return;
    listener->is_closed = true;
    io_timer_stop(listener->loop, &listener->pause);
    listener->loop->is_changed = true;
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    close_files(listener);
}

static const io_listener_kind system_kind = { .address = address_of, .close = close_listener };

io_listener *io_listener_open(io_loop *loop, const io_address *address, const io_listener_options *options,
                              io_on_accept on_accept, void *owner, proa_error *error)
{
    static const io_listener_options none;
    if (loop->network)
        return loop->network->listen(loop->network->network, loop, address, options ? options : &none, on_accept, owner,
                                     error);
    system_listener *listener = memory_new(sizeof *listener);
    if (!listener) {
        address_error(error, PROA_ERR_NOMEM, address, ENOMEM);
        return NULL;
    }
    *listener = (system_listener){ .base.kind = &system_kind,
                                   .loop = loop,
                                   .on_accept = on_accept,
                                   .owner = owner,
                                   .pause = { .fire = on_pause_over },
                                   .address = *address,
                                   .fd = -1,
                                   .reserve = -1 };
    int failed = start(listener, options ? options : &none);
    if (!failed)
        failed = -uv_poll_init(&loop->uv, &listener->poll, listener->fd);
    if (failed) {
        address_error(error, is_about_address(failed) ? PROA_ERR_ADDRESS : PROA_ERR_IO, address, failed);
        close_files(listener);
        memory_free(listener);
        return NULL;
    }
    listener->poll.data = listener;
    watch(listener, true);
    return &listener->base;
}
