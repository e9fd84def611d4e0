/* SPDX-License-Identifier: Apache-2.0 */
/* TLS over a socket of any kind. OpenSSL reads what the socket below was given, in place. Full records leave from where it
 * encrypted them, smaller ones gather in a scratch of the loop and leave with one write. A socket holds ciphertext only
 * while the one below takes none.
 *
 *     HANDSHAKE ──> OPEN ──> ENDED (on_end ran: nothing more is called)
 *         └──────────┴─────────┴──> CLOSED (the owner closed; the memory goes when the last frame of ours is left)
 *
 * What no bytes of the peer will tell (a write that failed, reading that goes on) is a task of the phase IO_INPUT, so
 * that handlers only ever run there and in the I/O phase. The scratch is empty whenever a handler runs. */
#include "io/tls.h"
#include "base/limits.h"
#include "io/certificate.h"
#include "io/loop.h"
#include <openssl/err.h>
#include <stdio.h>

enum {
    RECORD_BYTES = 16 * 1024, /* RFC 8446 5.1 */
    CIPHER_BYTES = 8 * (RECORD_BYTES + 256),
    CIPHER_FULL = CIPHER_BYTES - (RECORD_BYTES + 256)
};

/* Lent by the loop to one verb at a time. */
typedef struct tls_scratch {
    char plain[LOOP_READ_BYTES + HOLD_SLOP]; /* decrypted, for on_bytes */
    char record[RECORD_BYTES];               /* parts of a write, put together */
    char cipher[CIPHER_BYTES];               /* encrypted, for the socket below */
    size_t cipher_size;
    char problem[200]; /* what the check of the peer's certificates found */
} tls_scratch;

typedef enum tls_state { HANDSHAKE, OPEN, ENDED, CLOSED } tls_state;

typedef struct tls_socket {
    io_socket base;
    io_loop *loop;
    io_tls *tls;
    io_socket *under;
    SSL *ssl;
    const io_socket_handler *handler; /* NULL: the handshake is over and nobody owns it yet */
    void *owner;
    io_timer timer;   /* of the handshake */
    io_task soon;     /* what no bytes of the peer will tell */
    proa_bytes input; /* ciphertext that OpenSSL has not read; borrowed */
    buffer held;      /* the same, while the owner pauses */
    buffer out;       /* ciphertext that the socket below did not take */
    io_identity *identity;
    uint64_t received; /* bytes: in the handshake of ciphertext, then of plaintext */
    uint32_t messages; /* of the handshake protocol and alerts, since it stands */
    proa_err fault;    /* on_end is to come with it */
    tls_state state;
    uint8_t depth; /* frames of ours that use this memory */
    bool is_server;
    bool is_paused;
    bool wants_write;  /* on_writable is owed */
    bool is_ended_out; /* io_socket_end */
    bool is_fin_sent;
    bool has_fin; /* the socket below ended behind what is held */
} tls_socket;

static tls_scratch *scratch_of(const tls_socket *t)
{
    return t->loop->tls_scratch;
}

/* ---- The BIO: how OpenSSL reads and writes */

static int bio_read(BIO *bio, char *out, size_t size, size_t *taken)
{
    tls_socket *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (t->input.size == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *taken = size < t->input.size ? size : t->input.size;
    memcpy(out, t->input.data, *taken);
    t->input.data += *taken;
    t->input.size -= *taken;
    return 1;
}

/* To the socket below; what it does not take is held. */
static void hand_down(tls_socket *t, proa_bytes all)
{
    if (all.size == 0 || t->is_fin_sent)
        return;
    size_t taken = buffer_size(&t->out) ? 0 : io_socket_write(t->under, &all, 1);
    if (taken < all.size && buffer_append(&t->out, all.data + taken, all.size - taken) != PROA_ERR_NONE)
        t->fault = PROA_ERR_NOMEM;
}

static void flush(tls_socket *t)
{
    tls_scratch *s = scratch_of(t);
    proa_bytes all = { s->cipher, s->cipher_size };
    s->cipher_size = 0;
    hand_down(t, all);
}

static int bio_write(BIO *bio, const char *data, size_t size, size_t *taken)
{
    tls_socket *t = BIO_get_data(bio);
    tls_scratch *s = scratch_of(t);
    BIO_clear_retry_flags(bio);
    *taken = size;
    if (size >= RECORD_BYTES && s->cipher_size == 0) {
        hand_down(t, (proa_bytes){ data, size }); /* copying a full record costs more than a system call of its own */
        return 1;
    }
    while (size) {
        if (s->cipher_size == CIPHER_BYTES)
            flush(t);
        size_t room = CIPHER_BYTES - s->cipher_size;
        size_t part = size < room ? size : room;
        memcpy(s->cipher + s->cipher_size, data, part);
        s->cipher_size += part;
        data += part;
        size -= part;
    }
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *tls_bio_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "proa");
    if (method) {
        BIO_meth_set_read_ex(method, bio_read);
        BIO_meth_set_write_ex(method, bio_write);
        BIO_meth_set_ctrl(method, bio_control);
        BIO_meth_set_create(method, bio_create);
    }
    return method;
}

/* ---- What OpenSSL tells */

static int check_chain(X509_STORE_CTX *chain, void *arg)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    const tls_socket *t = SSL_get_app_data(ssl);
    tls_scratch *s = scratch_of(t);
    (void)arg;
    if (X509_verify_cert(chain) > 0)
        return 1;
    if (X509_STORE_CTX_get_error(chain) == X509_V_OK)
        X509_STORE_CTX_set_error(chain, X509_V_ERR_UNSPECIFIED);
    certificate_problem(chain, !t->is_server, s->problem, sizeof s->problem);
    return 0;
}

/* KeyUpdate, tickets, requests for a new handshake, warnings: each is legal, a flood of them is not (CVE-2019-9511 was the
 * same one layer above). */
static void on_message(int is_written, int version, int type, const void *data, size_t size, SSL *ssl, void *arg)
{
    tls_socket *t = SSL_get_app_data(ssl);
    (void)version;
    (void)data;
    (void)size;
    (void)arg;
    if (!is_written && t->state == OPEN && (type == SSL3_RT_HANDSHAKE || type == SSL3_RT_ALERT))
        t->messages++;
}

void tls_set_callbacks(SSL_CTX *context)
{
    SSL_CTX_set_cert_verify_callback(context, check_chain, NULL);
    SSL_CTX_set_msg_callback(context, on_message);
}

/* ---- Its life */

static void destroy(tls_socket *t)
{
    io_timer_stop(t->loop, &t->timer);
    io_task_cancel(&t->soon);
    SSL_free(t->ssl);
    ERR_clear_error();
    buffer_fini(&t->held);
    buffer_fini(&t->out);
    memory_free(t->identity);
    io_tls_drop(t->tls);
    memory_free(t);
}

static void enter(tls_socket *t)
{
    t->depth++;
    ERR_clear_error();
}

static void leave(tls_socket *t)
{
    ERR_clear_error(); /* the thread's queue is the program's too */
    if (--t->depth == 0 && t->state == CLOSED)
        destroy(t);
}

static void happen_soon(tls_socket *t)
{
    io_loop_defer(t->loop, &t->soon, IO_INPUT);
}

/* The last event. What still comes is read and dropped: bytes that nobody read would make the close a reset, and take an
 * alert from the peer. */
static void end(tls_socket *t, const proa_error *error)
{
    TRACE(t->loop->trace, TRACE_IO, "io tls: %s", error->code == PROA_ERR_NONE ? "the peer ended" : error->text);
    flush(t); /* an alert */
    t->state = ENDED;
    io_timer_stop(t->loop, &t->timer);
    io_task_cancel(&t->soon);
    io_socket_pause(t->under, false);
    t->handler->on_end(t->owner, error);
}

/* Of a handshake nobody knows yet where it went; of what stands, the owner does. */
static void fail(tls_socket *t, proa_err code, const char *why)
{
    char where[128];
    proa_error error;
    io_address_text(io_socket_peer(t->under), where, sizeof where);
    if (t->state == HANDSHAKE)
        error_set(&error, code, "%s: TLS: %s", where, why);
    else
        error_set(&error, code, "TLS: %s", why);
    end(t, &error);
}

/* Before any handler runs: another socket's verbs empty OpenSSL's queue. */
static void note_reason(tls_socket *t)
{
    tls_scratch *s = scratch_of(t);
    char problem[sizeof s->problem];
    memcpy(problem, s->problem, sizeof problem);
    tls_reason(t->is_server, problem, s->problem, sizeof s->problem);
    ERR_clear_error();
}

static void fail_with_reason(tls_socket *t)
{
    char why[sizeof((tls_scratch *)0)->problem];
    note_reason(t);
    memcpy(why, scratch_of(t)->problem, sizeof why);
    fail(t, PROA_ERR_TLS, why);
}

/* ---- Handshake */

/* SSL_ERROR_NONE, WANT_READ, or what failed. */
static int shake(tls_socket *t)
{
    scratch_of(t)->problem[0] = '\0';
    int done = SSL_do_handshake(t->ssl);
    return done == 1 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, done);
}

static bool has_agreed_on_h2(const SSL *ssl)
{
    const unsigned char *protocol;
    unsigned size;
    SSL_get0_alpn_selected(ssl, &protocol, &size);
    return size == 2 && memcmp(protocol, "h2", 2) == 0;
}

static proa_err take_identity(tls_socket *t, proa_error *error)
{
    X509 *leaf = SSL_get0_peer_certificate(t->ssl);
    if (!leaf)
        return PROA_ERR_NONE;
    t->identity = certificate_identity(leaf, error);
    if (!t->identity)
        return error->code;
    t->identity->is_verified = SSL_get_verify_result(t->ssl) == X509_V_OK;
    return PROA_ERR_NONE;
}

static void stand(tls_socket *t)
{
    proa_error error;
    if (!has_agreed_on_h2(t->ssl)) {
        fail(t, PROA_ERR_TLS,
             t->is_server ? "the client does not offer HTTP/2 (ALPN h2)"
                          : "the server does not offer HTTP/2 (ALPN h2)");
        return;
    }
    if (take_identity(t, &error) != PROA_ERR_NONE) {
        fail(t, error.code, error.text);
        return;
    }
    TRACE(t->loop->trace, TRACE_IO, "io tls: %s, %s", SSL_get_version(t->ssl), SSL_get_cipher_name(t->ssl));
    io_timer_stop(t->loop, &t->timer);
    t->state = OPEN;
    t->received = 0;
    if (t->handler->on_connected)
        t->handler->on_connected(t->owner);
    if (t->state == OPEN && t->wants_write && !buffer_size(&t->out)) {
        t->wants_write = false;
        t->handler->on_writable(t->owner);
    }
}

static void go_on(tls_socket *t)
{
    if (t->received > LIMITS_HANDSHAKE_BYTES_MAX) {
        fail(t, PROA_ERR_LIMIT, "the handshake is too long");
        return;
    }
    int result = shake(t);
    flush(t);
    if (t->fault)
        fail(t, t->fault, error_name(t->fault));
    else if (result == SSL_ERROR_NONE)
        stand(t);
    else if (result != SSL_ERROR_WANT_READ)
        fail_with_reason(t);
}

/* ---- Reading */

/* One for each MiB on top: keys are changed for a reason there (RFC 8446 5.5). */
static bool is_flooded(const tls_socket *t)
{
    return t->messages > LIMITS_TLS_MESSAGES_MAX + t->received / (1024 * 1024);
}

/* Fills the scratch. SSL_ERROR_NONE: it is full. */
static int decrypt(tls_socket *t, size_t *filled)
{
    tls_scratch *s = scratch_of(t);
    while (*filled < LOOP_READ_BYTES) {
        size_t size;
        int got = SSL_read_ex(t->ssl, s->plain + *filled, LOOP_READ_BYTES - *filled, &size);
        if (!got)
            return SSL_get_error(t->ssl, got);
        *filled += size;
        t->received += size;
    }
    return SSL_ERROR_NONE;
}

/* What is wrong now that the owner has the bytes before it. */
static void settle(tls_socket *t, int result, const char *why)
{
    if (t->fault)
        fail(t, t->fault, error_name(t->fault));
    else if (is_flooded(t))
        fail(t, PROA_ERR_LIMIT, "too many messages beside the data");
    else if (result == SSL_ERROR_ZERO_RETURN)
        end(t, &(proa_error){ .code = PROA_ERR_NONE });
    else if (*why)
        fail(t, PROA_ERR_TLS, why);
}

static void read_more(tls_socket *t)
{
    int result = SSL_ERROR_NONE;
    while (t->state == OPEN && !t->is_paused && result == SSL_ERROR_NONE) {
        char why[sizeof((tls_scratch *)0)->problem] = "";
        tls_scratch *s = scratch_of(t);
        size_t filled = 0;
        s->problem[0] = '\0';
        result = decrypt(t, &filled);
        if (result != SSL_ERROR_NONE && result != SSL_ERROR_WANT_READ && result != SSL_ERROR_ZERO_RETURN) {
            note_reason(t);
            memcpy(why, s->problem, sizeof why);
        }
        flush(t); /* answers to what OpenSSL saw itself, an alert */
        if (filled)
            t->handler->on_bytes(t->owner, (proa_bytes){ s->plain, filled });
        if (t->state == OPEN)
            settle(t, result, why);
    }
    /* A message beside the data was in the way of a write. */
    if (t->state == OPEN && t->wants_write && !buffer_size(&t->out)) {
        t->wants_write = false;
        t->handler->on_writable(t->owner);
    }
}

static void run(tls_socket *t)
{
    if (t->state == HANDSHAKE)
        go_on(t);
    if (t->state == OPEN)
        read_more(t);
}

/* RFC 8446 6.1: without close_notify the end may be an attacker's. */
static void be_cut_off(tls_socket *t)
{
    fail(t, PROA_ERR_TLS, "the connection was cut off: its end came without close_notify");
}

static void run_on_held(tls_socket *t)
{
    t->input = buffer_bytes(&t->held);
    run(t);
    buffer_consume(&t->held, buffer_size(&t->held) - t->input.size);
    if (!buffer_size(&t->held))
        buffer_fini(&t->held);
    t->input = (proa_bytes){ NULL, 0 };
    if (t->has_fin && t->state == OPEN && !t->is_paused)
        be_cut_off(t);
}

static void on_bytes(void *owner, proa_bytes bytes)
{
    tls_socket *t = owner;
    if (t->state >= ENDED)
        return;
    enter(t);
    if (t->state == HANDSHAKE)
        t->received += bytes.size;
    if (buffer_size(&t->held)) {
        if (buffer_append(&t->held, bytes.data, bytes.size) != PROA_ERR_NONE)
            fail(t, PROA_ERR_NOMEM, error_name(PROA_ERR_NOMEM));
        else
            run_on_held(t);
    } else {
        t->input = bytes;
        run(t);
        bytes = t->input;
        t->input = (proa_bytes){ NULL, 0 };
        if (bytes.size && t->state == OPEN && buffer_append(&t->held, bytes.data, bytes.size) != PROA_ERR_NONE)
            fail(t, PROA_ERR_NOMEM, error_name(PROA_ERR_NOMEM));
    }
    leave(t);
}

/* ---- Writing */

/* FIN behind the last ciphertext. */
static void end_under(tls_socket *t)
{
    if (t->is_fin_sent || buffer_size(&t->out))
        return;
    t->is_fin_sent = true;
    io_socket_end(t->under);
}

static void on_writable(void *owner)
{
    tls_socket *t = owner;
    proa_bytes waiting = buffer_bytes(&t->out);
    if (t->state == CLOSED || t->is_fin_sent)
        return;
    enter(t);
    size_t taken = waiting.size ? io_socket_write(t->under, &waiting, 1) : 0;
    buffer_consume(&t->out, taken);
    if (!buffer_size(&t->out)) {
        buffer_fini(&t->out);
        if (t->is_ended_out) {
            end_under(t);
        } else if (t->state == OPEN && t->wants_write) {
            t->wants_write = false;
            t->handler->on_writable(t->owner);
        }
    }
    leave(t);
}

typedef struct cursor {
    const proa_bytes *parts;
    size_t count, offset;
} cursor;

/* The next bytes, up to a record: in place when one part has them all, else put together. */
static proa_bytes next_record(tls_scratch *s, cursor *c)
{
    size_t filled = 0;
    while (c->count && filled < RECORD_BYTES) {
        size_t left = c->parts->size - c->offset;
        size_t size = left < RECORD_BYTES - filled ? left : RECORD_BYTES - filled;
        const char *data = size ? c->parts->data + c->offset : NULL;
        bool is_part_done = size == left;
        c->offset += size;
        if (size == RECORD_BYTES || (filled == 0 && is_part_done && c->count == 1 && size)) {
            if (is_part_done)
                *c = (cursor){ c->parts + 1, c->count - 1, 0 };
            return (proa_bytes){ data, size };
        }
        if (size)
            memcpy(s->record + filled, data, size);
        filled += size;
        if (is_part_done)
            *c = (cursor){ c->parts + 1, c->count - 1, 0 };
    }
    return (proa_bytes){ s->record, filled };
}

static bool encrypt(tls_socket *t, proa_bytes record)
{
    size_t size;
    int ok = SSL_write_ex(t->ssl, record.data, record.size, &size);
    if (ok)
        return true;
    if (SSL_get_error(t->ssl, ok) != SSL_ERROR_WANT_READ) /* WANT_READ: the rest of a KeyUpdate comes first */
        t->fault = PROA_ERR_TLS;
    return false;
}

static size_t write_records(tls_socket *t, const proa_bytes *parts, size_t count)
{
    tls_scratch *s = scratch_of(t);
    cursor c = { parts, count, 0 };
    size_t taken = 0;
    for (proa_bytes record; (record = next_record(s, &c)).size;) {
        if (!encrypt(t, record)) {
            t->wants_write = true;
            break;
        }
        taken += record.size;
        if (s->cipher_size < CIPHER_FULL && !buffer_size(&t->out))
            continue;
        flush(t);
        if (buffer_size(&t->out)) {
            t->wants_write = true;
            break;
        }
    }
    flush(t);
    return taken;
}

static size_t write_parts(io_socket *base, const proa_bytes *parts, size_t count)
{
    tls_socket *t = CONTAINER_OF(base, tls_socket, base);
    PROA_ASSERT(!t->is_ended_out, "nothing is written behind io_socket_end");
    size_t size = bytes_sum(parts, count);
    if (t->state == CLOSED || t->fault || t->wants_write || size == 0)
        return 0;
    if (t->state == HANDSHAKE || buffer_size(&t->out)) {
        t->wants_write = t->state <= OPEN;
        return 0;
    }
    enter(t);
    size_t taken = write_records(t, parts, count);
    if (taken < size && !t->fault)
        t->wants_write = true;
    if (t->fault) {
        if (t->state == OPEN)
            happen_soon(t);
        taken = 0;
    }
    leave(t);
    return taken;
}

/* ---- The other verbs */

static void own_socket(io_socket *base, const io_socket_handler *handler, void *owner)
{
    tls_socket *t = CONTAINER_OF(base, tls_socket, base);
    PROA_ASSERT(t->state <= OPEN, "a socket changes hands while it is open");
    t->handler = handler;
    t->owner = owner;
}

static void pause_socket(io_socket *base, bool is_paused)
{
    tls_socket *t = CONTAINER_OF(base, tls_socket, base);
    t->is_paused = is_paused;
    if (t->state != OPEN)
        return;
    io_socket_pause(t->under, is_paused);
    if (!is_paused && (buffer_size(&t->held) || SSL_has_pending(t->ssl)))
        happen_soon(t);
}

static void end_out(io_socket *base)
{
    tls_socket *t = CONTAINER_OF(base, tls_socket, base);
    if (t->is_ended_out || t->state == CLOSED)
        return;
    enter(t);
    t->is_ended_out = true;
    t->wants_write = false;
    if (SSL_is_init_finished(t->ssl) && !t->fault) {
        SSL_shutdown(t->ssl); /* close_notify: the peer knows that nothing was cut off (RFC 8446 6.1) */
        flush(t);
    }
    end_under(t);
    leave(t);
}

static void close_socket(io_socket *base)
{
    tls_socket *t = CONTAINER_OF(base, tls_socket, base);
    if (t->state == CLOSED)
        return;
    t->state = CLOSED;
    io_timer_stop(t->loop, &t->timer);
    io_task_cancel(&t->soon);
    io_socket_close(t->under);
    enter(t);
    leave(t);
}

static const io_address *peer_of(const io_socket *base)
{
    return io_socket_peer(CONTAINER_OF(base, const tls_socket, base)->under);
}

static bool credentials_of(const io_socket *base, int64_t *pid, int64_t *uid, int64_t *gid)
{
    return io_socket_credentials(CONTAINER_OF(base, const tls_socket, base)->under, pid, uid, gid);
}

static const io_identity *identity_of(const io_socket *base)
{
    static const io_identity nobody;
    const tls_socket *t = CONTAINER_OF(base, const tls_socket, base);
    return t->identity ? t->identity : &nobody;
}

static void set_unheard(io_socket *base, int64_t ns)
{
    io_socket_set_unheard(CONTAINER_OF(base, tls_socket, base)->under, ns);
}

static const io_socket_kind tls_kind = { .own = own_socket,
                                         .write = write_parts,
                                         .pause = pause_socket,
                                         .end = end_out,
                                         .close = close_socket,
                                         .peer = peer_of,
                                         .credentials = credentials_of,
                                         .identity = identity_of,
                                         .set_unheard = set_unheard };

/* ---- Events of the socket below, and of time */

static void end_with_under(tls_socket *t, const proa_error *error)
{
    if (error->code != PROA_ERR_NONE) {
        end(t, error);
    } else if (t->state == HANDSHAKE) {
        fail(t, PROA_ERR_TLS,
             t->is_server ? "the client went in the middle of the handshake"
                          : "the server closed the connection in the middle of the handshake");
    } else if (buffer_size(&t->held) || SSL_has_pending(t->ssl)) {
        t->has_fin = true; /* what came before it goes first */
        if (!t->is_paused)
            happen_soon(t);
    } else {
        be_cut_off(t);
    }
}

static void on_under_end(void *owner, const proa_error *error)
{
    tls_socket *t = owner;
    if (t->state >= ENDED)
        return;
    enter(t);
    if (t->state == OPEN && !t->is_paused && buffer_size(&t->held))
        run_on_held(t); /* the pause is over since a moment ago */
    if (t->state < ENDED)
        end_with_under(t, error);
    leave(t);
}

static const io_socket_handler under_handler = { .on_bytes = on_bytes,
                                                 .on_writable = on_writable,
                                                 .on_end = on_under_end };

static void on_late(io_timer *timer)
{
    tls_socket *t = CONTAINER_OF(timer, tls_socket, timer);
    enter(t);
    fail(t, PROA_ERR_LIMIT, "the handshake took too long");
    leave(t);
}

static void run_soon(io_task *task)
{
    tls_socket *t = CONTAINER_OF(task, tls_socket, soon);
    enter(t);
    if (t->fault)
        fail(t, t->fault, t->fault == PROA_ERR_TLS ? "a record could not be written" : error_name(t->fault));
    else if (t->state == OPEN)
        run_on_held(t);
    leave(t);
}

/* ---- Making them */

static proa_err need_scratch(io_loop *loop)
{
    if (!loop->tls_scratch)
        loop->tls_scratch = memory_new(sizeof(tls_scratch));
    return loop->tls_scratch ? PROA_ERR_NONE : PROA_ERR_NOMEM;
}

/* The SSL with its BIO. False: see error; what was made is in t. */
static bool prepare(tls_socket *t, const char *host, proa_error *error)
{
    SSL_CTX *context = certificate_context(t->tls, t->is_server, io_loop_now(t->loop), t->loop->trace, error);
    if (!context)
        return false;
    t->ssl = SSL_new(context);
    SSL_CTX_free(context);
    BIO *bio = t->ssl ? BIO_new(certificate_bio(t->tls)) : NULL;
    if (!bio || !SSL_set_app_data(t->ssl, t)) {
        BIO_free(bio);
        error_set(error, PROA_ERR_NOMEM, "out of memory");
        return false;
    }
    BIO_set_data(bio, t);
    SSL_set_bio(t->ssl, bio, bio);
    if (t->is_server) {
        SSL_set_accept_state(t->ssl);
        return true;
    }
    SSL_set_connect_state(t->ssl);
    SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL);
    const char *name = certificate_server_name(t->tls);
    return certificate_set_host(t->ssl, name ? name : host, error) == PROA_ERR_NONE;
}

/* A client's first flight. What fails is told later. */
static void speak_first(tls_socket *t)
{
    int result = shake(t);
    flush(t);
    if (result != SSL_ERROR_WANT_READ && !t->fault)
        t->fault = PROA_ERR_TLS;
    if (t->fault)
        happen_soon(t);
    ERR_clear_error();
}

io_socket *io_tls_start(io_loop *loop, io_socket *under, io_tls *tls, const char *host,
                        const io_socket_handler *handler, void *owner, proa_error *error)
{
    tls_socket *t = memory_new(sizeof *t);
    if (!t || need_scratch(loop) != PROA_ERR_NONE) {
        error_set(error, PROA_ERR_NOMEM, "out of memory");
        memory_free(t);
        io_socket_close(under);
        return NULL;
    }
    *t = (tls_socket){ .base = { .kind = &tls_kind },
                       .loop = loop,
                       .tls = io_tls_retain(tls),
                       .under = under,
                       .handler = handler,
                       .owner = owner,
                       .timer = { .fire = on_late },
                       .soon = { .run = run_soon },
                       .is_server = !host };
    ERR_clear_error();
    if (!prepare(t, host, error)) {
        io_socket_close(under);
        destroy(t);
        return NULL;
    }
    io_socket_own(under, &under_handler, t);
    io_timer_start(loop, &t->timer, io_loop_now(loop) + certificate_handshake_ns(tls));
    if (!t->is_server)
        speak_first(t);
    return &t->base;
}
