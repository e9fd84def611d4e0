/* SPDX-License-Identifier: Apache-2.0 */
/* io: loop, timers, mailbox, sockets, listeners, names. libuv, c-ares and the system calls live behind this face.
 *
 * Owns: file descriptors, the clock (read once a turn, in clock.c alone), the read buffer that a turn lends.
 * Never does: frames, calls, user code other than through the functions registered here. Knows base only.
 * Thread: everything belongs to the thread that turns the loop, except io_loop_post and io_loop_wake: any thread, and
 * both are safe in a signal handler.
 * A turn: wait for the kernel; read every ready socket; fire due timers; deliver mail; run dispatch tasks; run flush
 * tasks (and what these caused, also reading from pipes, a bounded number of rounds). */
#ifndef IO_IO_H
#define IO_IO_H
#include "base/base.h"

/* ---- Loop */
typedef struct io_loop io_loop;
typedef struct io_network io_network;
typedef struct io_loop_options {
    bool virtual_time;        /* the clock stands still while something is ready and jumps to the next timer when not */
    const trace *trace;       /* borrowed until free; NULL: none */
    const io_network *network;   /* borrowed until free; NULL: the kernel's */
} io_loop_options;

io_loop *io_loop_new(const io_loop_options *options);   /* owned: io_loop_free; NULL: no memory or no descriptor */
void io_loop_free(io_loop *loop);                 /* after every socket, listener and lookup; delivers what mail waits */
int64_t io_loop_now(const io_loop *loop);         /* monotonic ns, as read at the begin of this turn */
int64_t io_clock_now(void);                       /* monotonic ns, read now; for waits outside a loop */
int64_t io_loop_clock(const io_loop *loop);       /* the loop's clock, read now */
void io_loop_turn(io_loop *loop, int64_t wait_ns);/* 0: never waits; negative: until something is ready or a timer is due */
int io_loop_fd(const io_loop *loop);              /* readable when a turn has something to do */
int64_t io_loop_wait_ns(const io_loop *loop);     /* until the next turn is due: 0 while tasks or mail wait, INT64_MAX: never */
void io_loop_wake(io_loop *loop);                 /* any thread: a waiting turn returns */
hold_pool *io_loop_pool(io_loop *loop);           /* borrowed: recycled blocks of this thread */
uint64_t io_loop_seed(io_loop *loop, const void *salt);   /* of hashes and jitter: another each time */

/* ---- Tasks: run once, later in this turn (or in the next, when added outside of one). Added twice: once. */
typedef struct io_task { list_node node; void (*run)(struct io_task *task); } io_task;
typedef enum io_phase { IO_INPUT, IO_DISPATCH, IO_FLUSH } io_phase;   /* INPUT: what happens to sockets, for their kinds alone */
void io_loop_defer(io_loop *loop, io_task *task, io_phase phase);
void io_task_cancel(io_task *task);

/* ---- Timers: fire at their time or at most 1 ms late, never early. */
typedef struct io_timer { wheel_timer timer; void (*fire)(struct io_timer *timer); } io_timer;
void io_timer_start(io_loop *loop, io_timer *timer, int64_t deadline_ns);   /* one that runs is moved */
void io_timer_stop(io_loop *loop, io_timer *timer);
static inline bool io_timer_is_running(const io_timer *t) { return wheel_is_running(&t->timer); }

/* ---- Mail from other threads: delivered in order of posting for one sender. The mail may be freed or posted again in deliver. */
typedef struct io_mail { struct io_mail *next; void (*deliver)(struct io_mail *mail); } io_mail;
void io_loop_post(io_loop *loop, io_mail *mail);  /* any thread; no allocation, no lock */

/* ---- Addresses: "127.0.0.1:80", "[::1]:80", "localhost:80", "host:80", "unix:/path", "unix-abstract:name",
 *      "ipv4:…", "ipv6:…", "dns:[///]host[:port]". Without a port: port_default, or an error when that is negative. */
typedef struct io_address {                        /* a sockaddr */
    unsigned size;
    union { unsigned short family; char bytes[112]; long align; } u;
} io_address;
#define IO_ADDRESSES_MAX 16
typedef struct io_addresses { io_address items[IO_ADDRESSES_MAX]; unsigned count; } io_addresses;
typedef struct io_target { char host[256]; int port; bool is_unix; bool is_numeric; io_addresses addresses; } io_target;
/* Parses; numeric, unix and "localhost" targets already get their addresses (localhost: ::1 and 127.0.0.1).
 * Errors: PROA_ERR_ADDRESS with the text and what is wrong with it. */
proa_err io_target_parse(const char *text, int port_default, io_target *out, proa_error *error);
bool io_address_is_loopback(const io_address *address);      /* loopback or a Unix socket */
int io_address_port(const io_address *address);             /* negative: a Unix socket has none */
void io_address_set_port(io_address *address, int port);     /* of an IP address; another stays as it is */
void io_address_format(const io_address *address, char *out, size_t size);   /* "ipv4:127.0.0.1:80", "unix:/path" */
void io_address_text(const io_address *address, char *out, size_t size);     /* for messages: "127.0.0.1:80", "unix:/path" */
bool io_address_is_equal(const io_address *a, const io_address *b);
bool io_address_is_v6(const io_address *address);            /* and no IPv4 in disguise */

/* Names (c-ares). on_done runs in a later dispatch phase, once, also for a target that has its addresses already. */
typedef struct io_lookup io_lookup;
io_lookup *io_lookup_start(io_loop *loop, const io_target *target,
                           void (*on_done)(void *owner, const io_addresses *addresses, const proa_error *error), void *owner);
proa_err io_lookup_servers(io_loop *loop, const char *servers);   /* for tests: asks "127.0.0.1:53,…", not the system's */
void io_lookup_cancel(io_lookup *lookup);         /* on_done will not run; after on_done the lookup is gone by itself */

/* ---- Sockets: connected streams of bytes: TCP (no delay) or Unix from here, or any other kind that keeps this contract. */
typedef struct io_socket io_socket;
typedef struct io_socket_handler {                /* called in the I/O phase, never inside a verb of io */
    void (*on_connected)(void *owner);            /* client: the connection stands; may be NULL */
    void (*on_bytes)(void *owner, proa_bytes bytes);   /* borrowed until it returns; the socket may be closed inside */
    void (*on_writable)(void *owner);             /* after write took less than all */
    /* Once, the last: a FIN has code PROA_ERR_NONE (writing may go on, unheard), all else an error and a text. */
    void (*on_end)(void *owner, const proa_error *error);
} io_socket_handler;
/* NULL: see error. The result of connecting comes through on_connected or on_end, also when it fails at once. */
io_socket *io_socket_connect(io_loop *loop, const io_address *address, const io_socket_handler *handler, void *owner,
                             proa_error *error);
typedef struct io_identity io_identity;           /* who the peer showed itself to be: TLS */
/* A kind is these functions; the struct of each of its sockets begins with an io_socket. The verbs below say what each owes. */
typedef struct io_socket_kind {
    void (*own)(io_socket *socket, const io_socket_handler *handler, void *owner);
    size_t (*write)(io_socket *socket, const proa_bytes *parts, size_t count);
    void (*pause)(io_socket *socket, bool is_paused);
    void (*end)(io_socket *socket);
    void (*close)(io_socket *socket);
    const io_address *(*peer)(const io_socket *socket);
    bool (*credentials)(const io_socket *socket, int64_t *pid, int64_t *uid, int64_t *gid);   /* NULL: never */
    const io_identity *(*identity)(const io_socket *socket);                                  /* NULL: never */
    void (*set_unheard)(io_socket *socket, int64_t ns);                                       /* NULL: not there */
} io_socket_kind;
struct io_socket { const io_socket_kind *kind; };

/* An accepted one gets its owner and reading starts; a connected one may change hands. */
static inline void io_socket_own(io_socket *socket, const io_socket_handler *handler, void *owner)
{
    socket->kind->own(socket, handler, owner);
}
/* How many bytes were taken; less than all: on_writable follows. A failure takes nothing and comes through on_end. */
static inline size_t io_socket_write(io_socket *socket, const proa_bytes *parts, size_t count)
{
    return socket->kind->write(socket, parts, count);
}
/* No on_bytes while paused (a reset may still be noticed). */
static inline void io_socket_pause(io_socket *socket, bool is_paused) { socket->kind->pause(socket, is_paused); }
/* FIN after what was written (shutdown); reading goes on. */
static inline void io_socket_end(io_socket *socket) { socket->kind->end(socket); }
/* At once; no handler runs any more; the memory goes by itself. NULL is fine. */
static inline void io_socket_close(io_socket *socket)
{
    if (socket)
        socket->kind->close(socket);
}
static inline const io_address *io_socket_peer(const io_socket *socket) { return socket->kind->peer(socket); }   /* borrowed */
/* Unix sockets; else false. */
static inline bool io_socket_credentials(const io_socket *socket, int64_t *pid, int64_t *uid, int64_t *gid)
{
    return socket->kind->credentials && socket->kind->credentials(socket, pid, uid, gid);
}
/* Borrowed until close; NULL: the bytes are not encrypted. */
static inline const io_identity *io_socket_identity(const io_socket *socket)
{
    return socket->kind->identity ? socket->kind->identity(socket) : NULL;
}

/* The connection breaks when what was sent stays unacknowledged that long: TCP_USER_TIMEOUT (gRFC A18). Nothing on others. */
static inline void io_socket_set_unheard(io_socket *socket, int64_t ns)
{
    if (socket->kind->set_unheard)
        socket->kind->set_unheard(socket, ns);
}

/* ---- Pipes: two sockets of one loop, joined in memory. Each end has the address "inproc:" and room for 64 KiB that the other
 *      wrote; what one writes the other reads in the same turn's next round. A close with bytes unread is a reset. */
proa_err io_pipe_open(io_loop *loop, io_socket *ends[2]);   /* both closed by the caller; first owners hear on_connected. NOMEM */
void io_pipe_address(io_address *out);            /* a family that is none */

/* ---- TLS over a socket of any kind (OpenSSL 3). Credentials may be shared by many sockets, in any thread. */
typedef struct io_tls io_tls;
typedef struct io_tls_options {                    /* all is copied; a file goes before the bytes of the same name */
    const char *ca_file, *cert_file, *key_file;    /* PEM; cert: ours, then its chain */
    proa_bytes ca_pem, cert_pem, key_pem;
    const char *server_name;                       /* client: the name to check, in the place of the host */
    const char *key_log_file;                      /* secrets of every session, appended; NULL: none */
    bool requires_client_cert;
    int64_t handshake_ns;                          /* 0: LIMITS_HANDSHAKE_NS */
    int64_t reload_interval_ns;                    /* files are looked at that often, when a handshake begins; 0: never */
} io_tls_options;
io_tls *io_tls_new(const io_tls_options *options); /* owned: io_tls_drop; NULL: no memory. What is bad, io_tls_check says */
io_tls *io_tls_retain(io_tls *tls);                /* gives it back; NULL stays NULL */
void io_tls_drop(io_tls *tls);                     /* any thread; NULL is fine */
/* Can a server or a client use them? Any thread. NULL is one for which there was no memory. */
proa_err io_tls_check(io_tls *tls, bool is_server, proa_error *error);
/* Reads the files anew, for handshakes to come. When it fails, all stays as it was. Any thread. */
proa_err io_tls_reload(io_tls *tls, proa_error *error);
struct io_identity {
    bool is_verified;         /* its certificate was checked against a CA */
    proa_bytes subject;       /* RFC 2253; empty without a certificate, as all below */
    proa_bytes certificate_der;
    proa_list_bytes dns_names, uris;
};
/* Handshakes over a socket that stands, and takes it: on_connected when the peer was checked and h2 agreed (ALPN), else on_end
 * with PROA_ERR_TLS and why. Before that write takes nothing. host: the name that the server must have (SAN; SNI unless it is an
 * address); NULL: this is the server's end. NULL: see error, and the socket is closed. */
io_socket *io_tls_start(io_loop *loop, io_socket *under, io_tls *tls, const char *host, const io_socket_handler *handler,
                        void *owner, proa_error *error);

/* ---- Listeners. Out of descriptors, a listener frees its reserve, refuses one, and pauses 100 ms: it never spins
 *      (CVE-2023-4785). */
typedef struct io_listener io_listener;
typedef struct io_listener_kind {
    const io_address *(*address)(const io_listener *listener);
    void (*close)(io_listener *listener);
} io_listener_kind;
struct io_listener { const io_listener_kind *kind; };
typedef struct io_listener_options {
    bool is_shared;           /* SO_REUSEPORT: one listener a loop */
    unsigned unix_mode;       /* of the socket file; 0: what the umask leaves */
    int backlog;              /* 0: 4096, or what the system allows */
} io_listener_options;
typedef void (*io_on_accept)(void *owner, io_socket *socket);   /* owned by the callee; reading starts with io_socket_own */
/* NULL: see error (PROA_ERR_ADDRESS or PROA_ERR_IO, with the address: "127.0.0.1:80: address already in use"). A stale
 * Unix socket file that nobody listens on is replaced; another file is not. */
io_listener *io_listener_open(io_loop *loop, const io_address *address, const io_listener_options *options,
                              io_on_accept on_accept, void *owner, proa_error *error);
/* Borrowed; with the port that 0 became. */
static inline const io_address *io_listener_address(const io_listener *listener) { return listener->kind->address(listener); }
/* At once; a Unix socket file of ours is removed. NULL is fine. */
static inline void io_listener_close(io_listener *listener)
{
    if (listener)
        listener->kind->close(listener);
}

/* ---- A network in the place of the kernel's, for simulation: it connects and listens for the loop, whose clock is its own. A
 *      turn of such a loop never waits, whatever it is told: who moves the clock also turns. connect and listen are as
 *      io_socket_connect and io_listener_open; its sockets tell what happens to them in tasks of IO_INPUT. */
struct io_network {
    io_socket *(*connect)(void *network, io_loop *loop, const io_address *address, const io_socket_handler *handler,
                          void *owner, proa_error *error);
    io_listener *(*listen)(void *network, io_loop *loop, const io_address *address, const io_listener_options *options,
                           io_on_accept on_accept, void *owner, proa_error *error);
    int64_t (*now)(void *network);      /* monotonic ns; the same until the loop has turned */
    uint64_t (*seed)(void *network);    /* of hashes and jitter, so that a run can be repeated */
    void *network;
};
#endif
