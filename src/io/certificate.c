/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: certificates, keys and authorities from files or memory, as one SSL_CTX that handshakes start with. A
 * reload makes another one beside it; connections keep theirs. What is bad is kept as a failure and told to whoever
 * uses it. No session is ever resumed: each connection shows and checks its certificates anew (docs/decisions/). */
#include "io/certificate.h"
#include "io/tls.h"
#include "base/limits.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 16 * 1024 * 1024, SENT_NAMES_MAX = 64, CERTIFICATES_BYTES_MAX = 64 * 1024, READ_BYTES = 8192 };

/* Which version of a file it was. */
typedef struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed, modified;
} stamp;

typedef enum source_kind { SOURCE_CA, SOURCE_CERT, SOURCE_KEY, SOURCES } source_kind;
typedef struct source {
    char *path; /* NULL: the bytes are pem, or there are none */
    buffer pem;
} source;

static const char *const names_of_memory[SOURCES] = { "ca_pem", "cert_pem", "key_pem" };

struct io_tls {
    atomic_uint references;
    source sources[SOURCES];
    char *server_name, *key_log_file;
    bool requires_client_cert;
    int64_t handshake_ns, reload_interval_ns;
    BIO_METHOD *bio;
    pthread_mutex_t lock;
    /* Under the lock: */
    SSL_CTX *context; /* NULL: failure says why */
    proa_error failure;
    stamp stamps[SOURCES];
    int64_t checked_at;
    int key_log; /* a descriptor, or -1 */
    bool has_certificate, has_authorities, has_system_store;
};

/* What loading makes, before it takes the place of what there was. */
typedef struct loading {
    io_tls *tls;
    SSL_CTX *context;
    stamp stamps[SOURCES];
    bool has_certificate, has_authorities;
    proa_error *error;
} loading;

/* ---- Bytes */

static stamp stamp_of(const struct stat *file)
{
    return (stamp){ file->st_dev, file->st_ino, file->st_size, file->st_ctim, file->st_mtim };
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same(const stamp *a, const stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           is_same_time(&a->changed, &b->changed) && is_same_time(&a->modified, &b->modified);
}

static proa_err fail_file(proa_error *error, const char *path, int system_error)
{
    return error_set(error, PROA_ERR_TLS, "%s: %s", path, strerror(system_error));
}

/* A key leaves no copy behind. */
static void wipe(buffer *b)
{
    if (b->data)
        OPENSSL_cleanse(b->data, b->capacity);
    buffer_fini(b);
}

/* A block that was too small may hold a part of a key. */
static proa_err make_room(buffer *b)
{
    buffer larger = { 0 };
    if (b->capacity - b->end >= READ_BYTES)
        return PROA_ERR_NONE;
    if (buffer_reserve(&larger, 2 * buffer_size(b) + READ_BYTES) != PROA_ERR_NONE)
        return PROA_ERR_NOMEM;
    bytes_copy(buffer_tail(&larger), b->data, buffer_size(b));
    larger.end = buffer_size(b);
    wipe(b);
    *b = larger;
    return PROA_ERR_NONE;
}

static proa_err read_all(int fd, const char *path, buffer *out, proa_error *error)
{
    for (;;) {
        if (make_room(out) != PROA_ERR_NONE)
            return error_set(error, PROA_ERR_NOMEM, "out of memory");
        ssize_t size = read(fd, buffer_tail(out), READ_BYTES);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return fail_file(error, path, errno);
        if (size == 0)
            return PROA_ERR_NONE;
        out->end += (size_t)size;
        if (buffer_size(out) > FILE_BYTES_MAX)
            return error_set(error, PROA_ERR_TLS, "%s: over 16 MiB", path);
    }
}

static proa_err read_file(const char *path, buffer *out, stamp *version, proa_error *error)
{
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_file(error, path, errno);
    proa_err err = fstat(fd, &file) ? fail_file(error, path, errno) : read_all(fd, path, out, error);
    if (err == PROA_ERR_NONE)
        *version = stamp_of(&file);
    close(fd);
    return err;
}

static bool has_source(const source *s)
{
    return s->path || buffer_size(&s->pem);
}

static const char *name_of(const loading *l, source_kind kind)
{
    return l->tls->sources[kind].path ? l->tls->sources[kind].path : names_of_memory[kind];
}

/* A BIO over the bytes of a source, which held keeps. NULL: see error. */
static BIO *open_source(loading *l, source_kind kind, buffer *held)
{
    source *s = &l->tls->sources[kind];
    if (s->path && read_file(s->path, held, &l->stamps[kind], l->error) != PROA_ERR_NONE)
        return NULL;
    proa_bytes pem = buffer_bytes(s->path ? held : &s->pem);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    if (!bio)
        error_set(l->error, PROA_ERR_NOMEM, "out of memory");
    return bio;
}

/* ---- Loading */

static proa_err fail(const loading *l, source_kind kind, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
        return error_set(l->error, PROA_ERR_NOMEM, "out of memory");
    return error_set(l->error, PROA_ERR_TLS, "%s: %s", name_of(l, kind), what);
}

/* OpenSSL's own word for it, where it has one that helps. */
static proa_err fail_with_reason(const loading *l, source_kind kind, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    char text[160];
    snprintf(text, sizeof text, "%s (%s)", what, reason ? reason : "no reason given");
    return fail(l, kind, text);
}

/* PEM says "no start line" at the end; anything else is an error in the text. */
static bool is_at_end(void)
{
    unsigned long code = ERR_peek_last_error();
    bool is_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (is_end)
        ERR_clear_error();
    return is_end;
}

/* OpenSSL works out what a certificate's extensions say when somebody first asks, in whatever thread: here nobody shares
 * it yet. */
static X509 *read_certificate(BIO *bio)
{
    X509 *one = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (one)
        (void)X509_check_purpose(one, -1, 0);
    return one;
}

static proa_err read_certificates(loading *l, BIO *bio)
{
    X509 *one = read_certificate(bio);
    if (!one)
        return is_at_end() ? fail(l, SOURCE_CERT, "it holds no certificate")
                           : fail_with_reason(l, SOURCE_CERT, "no readable certificate");
    bool ok = SSL_CTX_use_certificate(l->context, one);
    X509_free(one);
    if (!ok)
        return fail_with_reason(l, SOURCE_CERT, "a certificate that cannot be used");
    while ((one = read_certificate(bio))) {
        if (!SSL_CTX_add0_chain_cert(l->context, one)) {
            X509_free(one);
            return fail_with_reason(l, SOURCE_CERT, "a chain that cannot be used");
        }
    }
    return is_at_end() ? PROA_ERR_NONE : fail_with_reason(l, SOURCE_CERT, "no readable certificate in the chain");
}

/* Without this OpenSSL would ask on the terminal. */
static int no_passphrase(char *out, int size, int is_for_writing, void *was_asked)
{
    (void)out;
    (void)size;
    (void)is_for_writing;
    *(bool *)was_asked = true;
    return -1;
}

static proa_err read_key(loading *l, BIO *bio)
{
    bool was_asked = false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &was_asked);
    if (!key)
        return was_asked ? fail(l, SOURCE_KEY, "the key is encrypted: one without a passphrase is needed")
                         : fail(l, SOURCE_KEY, "it holds no readable private key");
    bool fits = X509_check_private_key(SSL_CTX_get0_certificate(l->context), key);
    bool ok = fits && SSL_CTX_use_PrivateKey(l->context, key);
    EVP_PKEY_free(key);
    if (ok)
        return PROA_ERR_NONE;
    if (fits)
        return fail_with_reason(l, SOURCE_KEY, "a key that cannot be used");
    char text[200];
    snprintf(text, sizeof text, "the key does not fit the certificate of %s", name_of(l, SOURCE_CERT));
    return fail(l, SOURCE_KEY, text);
}

static proa_err read_authorities(loading *l, BIO *bio)
{
    X509_STORE *store = SSL_CTX_get_cert_store(l->context);
    int count = 0;
    for (X509 *one; (one = read_certificate(bio)); count++) {
        /* The list that a server sends helps a client to choose; a whole bundle of the world's would only be long. */
        bool ok =
            X509_STORE_add_cert(store, one) && (count >= SENT_NAMES_MAX || SSL_CTX_add_client_CA(l->context, one));
        X509_free(one);
        if (!ok)
            return fail_with_reason(l, SOURCE_CA, "an authority that cannot be used");
    }
    if (!is_at_end())
        return fail_with_reason(l, SOURCE_CA, "no readable certificate");
    if (count == 0)
        return fail(l, SOURCE_CA, "it holds no certificate");
    if (count > SENT_NAMES_MAX)
        SSL_CTX_set_client_CA_list(l->context, NULL);
    l->has_authorities = true;
    return PROA_ERR_NONE;
}

static proa_err load_source(loading *l, source_kind kind, proa_err (*read)(loading *l, BIO *bio))
{
    buffer held = { 0 };
    BIO *bio = open_source(l, kind, &held);
    proa_err err = bio ? read(l, bio) : l->error->code;
    BIO_free(bio);
    wipe(&held);
    return err;
}

/* ---- The rules of every handshake */

/* ALPN is the one way to HTTP/2 over TLS (RFC 9113 3.3); who does not offer it is told so (RFC 7301 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *offered,
                           unsigned offered_size, void *arg)
{
    (void)ssl;
    (void)arg;
    for (unsigned at = 0; at < offered_size; at += offered[at] + 1u) {
        if (offered[at] == 2 && at + 2 < offered_size && memcmp(offered + at + 1, "h2", 2) == 0) {
            *out = offered + at + 1;
            *out_size = 2;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int need_protocols(SSL *ssl, int *alert, void *arg)
{
    const unsigned char *data;
    size_t size;
    (void)arg;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &size))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return SSL_CLIENT_HELLO_ERROR;
}

/* One write a line: lines of several threads do not mix. What cannot be written is lost. */
static void log_key(const SSL *ssl, const char *line)
{
    const io_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    char text[512];
    int size = snprintf(text, sizeof text, "%s\n", line);
    if (size > 0 && (size_t)size < sizeof text)
        (void)!write(tls->key_log, text, (size_t)size);
}

static bool set_rules(SSL_CTX *c)
{
    static const unsigned char h2[] = { 2, 'h', '2' };
    /* RFC 9113 9.2: no compression, no renegotiation; 9.2.2: ephemeral keys and AEAD alone. No tickets. */
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    /* An idle connection holds no record buffers. What cert_file has is sent; no chain is searched at each handshake. */
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_verify_depth(c, LIMITS_TLS_CHAIN_MAX);
    SSL_CTX_set_max_cert_list(c, CERTIFICATES_BYTES_MAX);
    if (SSL_CTX_get_security_level(c) < 2)
        SSL_CTX_set_security_level(c, 2); /* 112 bits: no RSA below 2048, no SHA-1 */
    SSL_CTX_set_alpn_select_cb(c, choose_protocol, NULL);
    SSL_CTX_set_client_hello_cb(c, need_protocols, NULL);
    /* Who is named in ca_file vouches, be it a root or not. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c), X509_V_FLAG_PARTIAL_CHAIN);
    tls_set_callbacks(c);
    return SSL_CTX_set_num_tickets(c, 0) && SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) && SSL_CTX_set_alpn_protos(c, h2, sizeof h2) == 0 &&
           SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20") &&
           SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
}

static proa_err open_key_log(io_tls *tls, proa_error *error)
{
    if (!tls->key_log_file || tls->key_log >= 0)
        return PROA_ERR_NONE;
    tls->key_log = open(tls->key_log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    return tls->key_log >= 0 ? PROA_ERR_NONE : fail_file(error, tls->key_log_file, errno);
}

static proa_err load(loading *l)
{
    const source *sources = l->tls->sources;
    proa_err err = open_key_log(l->tls, l->error);
    if (err != PROA_ERR_NONE)
        return err;
    if (l->tls->key_log >= 0)
        SSL_CTX_set_keylog_callback(l->context, log_key);
    if (has_source(&sources[SOURCE_CERT]) != has_source(&sources[SOURCE_KEY]))
        return error_set(l->error, PROA_ERR_TLS, "a certificate and its key come together: cert_file and key_file");
    if (has_source(&sources[SOURCE_CERT])) {
        err = load_source(l, SOURCE_CERT, read_certificates);
        if (err == PROA_ERR_NONE)
            err = load_source(l, SOURCE_KEY, read_key);
        l->has_certificate = err == PROA_ERR_NONE;
    }
    if (err == PROA_ERR_NONE && has_source(&sources[SOURCE_CA]))
        err = load_source(l, SOURCE_CA, read_authorities);
    if (err == PROA_ERR_NONE && l->tls->requires_client_cert && !l->has_authorities)
        err = error_set(l->error, PROA_ERR_TLS, "require_client_cert needs those who may vouch: ca_file or ca_pem");
    /* Of servers; a client always checks. Who may vouch for clients is asked for them, and need not get one. */
    int required = l->tls->requires_client_cert ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(l->context, l->has_authorities ? SSL_VERIFY_PEER | required : SSL_VERIFY_NONE, NULL);
    return err;
}

/* Under the lock. What there was stays when it fails. */
static proa_err reload(io_tls *tls, proa_error *error)
{
    loading l = { .tls = tls, .error = error };
    ERR_clear_error();
    l.context = SSL_CTX_new(TLS_method());
    if (!l.context || !set_rules(l.context)) {
        SSL_CTX_free(l.context);
        ERR_clear_error();
        return error_set(error, PROA_ERR_NOMEM, "out of memory");
    }
    SSL_CTX_set_app_data(l.context, tls);
    proa_err err = load(&l);
    ERR_clear_error();
    if (err != PROA_ERR_NONE) {
        SSL_CTX_free(l.context);
        return err;
    }
    SSL_CTX_free(tls->context);
    tls->context = l.context;
    memcpy(tls->stamps, l.stamps, sizeof tls->stamps);
    tls->has_certificate = l.has_certificate;
    tls->has_authorities = l.has_authorities;
    tls->has_system_store = false;
    return PROA_ERR_NONE;
}

/* ---- Watching the files */

static bool has_changed(const io_tls *tls)
{
    for (int i = 0; i < SOURCES; i++) {
        struct stat file;
        if (!tls->sources[i].path)
            continue;
        if (stat(tls->sources[i].path, &file))
            return true; /* reading it says what is wrong */
        stamp now = stamp_of(&file);
        if (!is_same(&now, &tls->stamps[i]))
            return true;
    }
    return false;
}

/* A pair of files is not replaced at once: what does not fit yet is tried again at the next interval. */
static void look(io_tls *tls, int64_t now, const trace *trace)
{
    if (tls->reload_interval_ns <= 0 || (tls->checked_at && now - tls->checked_at < tls->reload_interval_ns))
        return;
    tls->checked_at = now;
    if (!has_changed(tls))
        return;
    proa_error error;
    proa_err err = reload(tls, &error);
    TRACE(trace, TRACE_IO, "io tls: files changed: %s", err == PROA_ERR_NONE ? "taken" : error.text);
    if (!tls->context)
        tls->failure = error;
}

/* ---- The face */

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memory_new(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static bool set_text(char **to, const char *from)
{
    *to = from ? copy_text(from) : NULL;
    return !from || *to;
}

static bool set_source(source *s, const char *path, proa_bytes pem)
{
    if (path)
        return set_text(&s->path, path);
    return !pem.size || buffer_append(&s->pem, pem.data, pem.size) == PROA_ERR_NONE;
}

static void free_tls(io_tls *tls)
{
    SSL_CTX_free(tls->context);
    for (int i = 0; i < SOURCES; i++) {
        memory_free(tls->sources[i].path);
        wipe(&tls->sources[i].pem);
    }
    memory_free(tls->server_name);
    memory_free(tls->key_log_file);
    BIO_meth_free(tls->bio);
    if (tls->key_log >= 0)
        close(tls->key_log);
    pthread_mutex_destroy(&tls->lock);
    memory_free(tls);
}

io_tls *io_tls_new(const io_tls_options *o)
{
    io_tls *tls = memory_new(sizeof *tls);
    if (!tls || pthread_mutex_init(&tls->lock, NULL)) {
        memory_free(tls);
        return NULL;
    }
    atomic_init(&tls->references, 1);
    tls->key_log = -1;
    tls->requires_client_cert = o->requires_client_cert;
    tls->handshake_ns = o->handshake_ns;
    tls->reload_interval_ns = o->reload_interval_ns;
    tls->bio = tls_bio_new();
    if (!tls->bio || !set_source(&tls->sources[SOURCE_CA], o->ca_file, o->ca_pem) ||
        !set_source(&tls->sources[SOURCE_CERT], o->cert_file, o->cert_pem) ||
        !set_source(&tls->sources[SOURCE_KEY], o->key_file, o->key_pem) ||
        !set_text(&tls->server_name, o->server_name) || !set_text(&tls->key_log_file, o->key_log_file)) {
        free_tls(tls);
        return NULL;
    }
    (void)!reload(tls, &tls->failure);
    return tls;
}

io_tls *io_tls_retain(io_tls *tls)
{
    if (tls)
        atomic_fetch_add(&tls->references, 1);
    return tls;
}

void io_tls_drop(io_tls *tls)
{
    if (tls && atomic_fetch_sub(&tls->references, 1) == 1)
        free_tls(tls);
}

/* Under the lock. */
static proa_err check(const io_tls *tls, bool is_server, proa_error *error)
{
    if (!tls->context)
        return error_set(error, tls->failure.code, "%s", tls->failure.text);
    if (is_server && !tls->has_certificate)
        return error_set(error, PROA_ERR_TLS, "a server needs a certificate and its key: cert_file and key_file");
    return PROA_ERR_NONE;
}

proa_err io_tls_check(io_tls *tls, bool is_server, proa_error *error)
{
    if (!tls)
        return error_set(error, PROA_ERR_NOMEM, "out of memory");
    pthread_mutex_lock(&tls->lock);
    proa_err err = check(tls, is_server, error);
    pthread_mutex_unlock(&tls->lock);
    return err;
}

proa_err io_tls_reload(io_tls *tls, proa_error *error)
{
    proa_error mine;
    if (!tls)
        return error_set(error, PROA_ERR_NOMEM, "out of memory");
    pthread_mutex_lock(&tls->lock);
    proa_err err = reload(tls, &mine);
    if (err != PROA_ERR_NONE && !tls->context)
        tls->failure = mine;
    pthread_mutex_unlock(&tls->lock);
    return err == PROA_ERR_NONE ? err : error_set(error, err, "%s", mine.text);
}

/* The system's authorities take milliseconds to read: only for a client that has no others. */
static proa_err use_system_store(io_tls *tls, proa_error *error)
{
    if (tls->has_authorities || tls->has_system_store)
        return PROA_ERR_NONE;
    ERR_clear_error();
    tls->has_system_store = SSL_CTX_set_default_verify_paths(tls->context);
    ERR_clear_error();
    return tls->has_system_store ? PROA_ERR_NONE
                                 : error_set(error, PROA_ERR_TLS, "the system's authorities cannot be read");
}

SSL_CTX *certificate_context(io_tls *tls, bool is_server, int64_t now, const trace *trace, proa_error *error)
{
    if (!tls) {
        error_set(error, PROA_ERR_NOMEM, "out of memory");
        return NULL;
    }
    pthread_mutex_lock(&tls->lock);
    look(tls, now, trace);
    proa_err err = check(tls, is_server, error);
    if (err == PROA_ERR_NONE && !is_server)
        err = use_system_store(tls, error);
    SSL_CTX *context = err == PROA_ERR_NONE ? tls->context : NULL;
    if (context)
        SSL_CTX_up_ref(context);
    pthread_mutex_unlock(&tls->lock);
    return context;
}

const char *certificate_server_name(const io_tls *tls)
{
    return tls->server_name;
}

int64_t certificate_handshake_ns(const io_tls *tls)
{
    return tls->handshake_ns ? tls->handshake_ns : LIMITS_HANDSHAKE_NS;
}

BIO_METHOD *certificate_bio(const io_tls *tls)
{
    return tls->bio;
}
