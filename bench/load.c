/* SPDX-License-Identifier: Apache-2.0 */
/* A unary gRPC load that costs next to nothing, so that a server is the limit and not its client:
 * bench_load [-c CONNECTIONS] [-s STREAMS] [-t SECONDS] [-w WARMUP] [-n CALLS] [-p PID] IPV4:PORT
 *
 * Requests to /bench.Echo/Unary are written beforehand and get their stream ids alone. It is no HTTP/2 client: of the
 * peer's rules it keeps the connection's window, of answers it knows frames. But each answer's header blocks are checked
 * (one that came before, and changes no table, is compared with that), and each 64th body. -p: the server, whose CPU time
 * is read. Prints JSON. */
#include <getopt.h>
#include <nghttp2/nghttp2.h>
#include <sys/resource.h>
#include "stat.h"
#include "wire.h"

enum { BODY = 107, BLOCK_MAX = 256, CHECK_EVERY = 64, WINDOW_STEP = 1 << 19, TABLE_SIZE = 4096 };

/* A header block that was good, and would be again. */
typedef struct known {
    size_t size; /* 0: none */
    uint8_t bytes[BLOCK_MAX];
} known;

typedef struct connection {
    struct load *load;
    int fd;
    bool is_ready;  /* SETTINGS came */
    bool has_begun; /* the first request, which fills the peer's table, was written */
    uint32_t next_id;
    int64_t window; /* what we may send */
    unsigned owed;  /* requests that are due */
    uint32_t taken; /* bytes of DATA since the last update */
    size_t size;
    nghttp2_hd_inflater *inflater;
    known known[2]; /* headers, trailers */
    wire_output out;
    uint8_t in[2 * WIRE_READ];
} connection;

typedef struct load {
    const char *address;
    unsigned connections, streams;
    int64_t duration_ns, warmup_ns;
    uint64_t calls_max; /* 0: by time alone */
    int pid;
    int epoll;
    uint64_t calls, bodies;
    size_t first_size, next_size; /* of a whole request: the first of a connection, each other */
    uint8_t first[512], next[512];
} load;

_Noreturn static void fail(const char *why)
{
    fprintf(stderr, "bench_load: %s\n", why);
    exit(1);
}

/* ---- Requests: HEADERS and DATA */

static uint8_t *add_text(uint8_t *to, const char *text)
{
    size_t size = strlen(text);
    *to = (uint8_t)size;
    memcpy(to + 1, text, size);
    return to + 1 + size;
}

/* Literals with indexing (RFC 7541 6.2.1), which later requests refer to. */
static size_t first_block(uint8_t *to, const char *authority)
{
    uint8_t *at = to;
    *at++ = 0x83; /* :method POST */
    *at++ = 0x86; /* :scheme http */
    *at++ = 0x44; /* :path */
    at = add_text(at, "/bench.Echo/Unary");
    *at++ = 0x41; /* :authority */
    at = add_text(at, authority);
    *at++ = 0x40;
    at = add_text(add_text(at, "te"), "trailers");
    *at++ = 0x5f; /* content-type */
    at = add_text(at, "application/grpc");
    *at++ = 0x7a; /* user-agent */
    at = add_text(at, "bench-load/1");
    return (size_t)(at - to);
}

static size_t write_request(uint8_t *to, const uint8_t *block, size_t block_size)
{
    uint8_t *at = to;
    wire_head(at, (uint32_t)block_size, WIRE_HEADERS, WIRE_END_HEADERS, 0);
    memcpy(at + WIRE_HEAD, block, block_size);
    at += WIRE_HEAD + block_size;
    wire_head(at, BODY, WIRE_DATA, WIRE_END_STREAM, 0);
    at += WIRE_HEAD;
    static const uint8_t start[] = { 0, 0, 0, 0, BODY - 5, 0x0a, BODY - 7 }; /* gRPC's prefix; field 1, 100 bytes */
    memcpy(at, start, sizeof start);
    for (unsigned i = sizeof start; i < BODY; i++)
        at[i] = (uint8_t)(i * 37);
    return (size_t)(at + BODY - to);
}

static void make_requests(load *l)
{
    static const uint8_t next[] = { 0x83, 0x86, 0x80 | 66, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62 };
    uint8_t block[BLOCK_MAX];
    l->first_size = write_request(l->first, block, first_block(block, l->address));
    l->next_size = write_request(l->next, next, sizeof next);
}

static inline void add_request(connection *c)
{
    const load *l = c->load;
    const uint8_t *request = c->has_begun ? l->next : l->first;
    size_t size = c->has_begun ? l->next_size : l->first_size;
    uint8_t *to = wire_room(&c->out, size);
    memcpy(to, request, size);
    wire_put32(to + 5, c->next_id);
    wire_put32(to + size - BODY - WIRE_HEAD + 5, c->next_id);
    c->out.size += size;
    c->next_id += 2;
    c->window -= BODY;
    c->has_begun = true;
}

static void send_owed(connection *c)
{
    for (; c->is_ready && c->owed && c->window >= BODY; c->owed--)
        add_request(c);
    if (!wire_flush(&c->out, c->load->epoll, c->fd, c))
        fail("the server has gone");
}

/* ---- Answers */

/* RFC 7541 5.1. Where it ends; *value: what it says. What is broken was refused by the inflater before. */
static size_t read_integer(const uint8_t *at, size_t left, unsigned bits, size_t *value)
{
    size_t max = (1u << bits) - 1, n = 1;
    *value = *at & max;
    for (unsigned shift = 0; *value >= max && n < left && shift < 28; shift += 7) {
        *value += (size_t)(at[n] & 0x7f) << shift;
        if (!(at[n++] & 0x80))
            break;
    }
    return n;
}

static size_t skip_string(const uint8_t *at, size_t left)
{
    size_t size, head = read_integer(at, left, 7, &size);
    return head + size;
}

/* Does it change no table? Then the same bytes mean the same again. RFC 7541 6 */
static bool is_pure(const uint8_t *at, size_t size)
{
    for (size_t i = 0, index; i < size;) {
        if (at[i] & 0x80) {
            i += read_integer(at + i, size - i, 7, &index);
            continue;
        }
        if (at[i] & 0x60)
            return false; /* 01: it inserts; 001: it sets the table's size */
        i += read_integer(at + i, size - i, 4, &index);
        if (index == 0 && i < size)
            i += skip_string(at + i, size - i);
        if (i < size)
            i += skip_string(at + i, size - i);
    }
    return true;
}

static bool is_field(const nghttp2_nv *field, const char *name, const char *value)
{
    return field->namelen == strlen(name) && !memcmp(field->name, name, field->namelen) &&
           field->valuelen == strlen(value) && !memcmp(field->value, value, field->valuelen);
}

/* Headers must say 200, trailers that the status is OK. */
static void inflate(connection *c, const uint8_t *at, size_t size, bool is_last)
{
    bool is_good = false;
    for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
        nghttp2_nv field;
        flags = 0;
        ssize_t n = nghttp2_hd_inflate_hd2(c->inflater, &field, &flags, at, size, 1);
        if (n < 0)
            fail("a header block that is no HPACK");
        at += n;
        size -= (size_t)n;
        if (flags & NGHTTP2_HD_INFLATE_EMIT)
            is_good = is_good || (is_last ? is_field(&field, "grpc-status", "0") : is_field(&field, ":status", "200"));
    }
    nghttp2_hd_inflate_end_headers(c->inflater);
    if (!is_good)
        fail(is_last ? "an answer with another status than OK" : "an answer without :status 200");
}

static void take_headers(connection *c, const uint8_t *frame, uint32_t size)
{
    bool is_last = frame[4] & WIRE_END_STREAM;
    known *known = &c->known[is_last];
    c->load->calls += is_last;
    c->owed += is_last;
    if (size == known->size && !memcmp(frame + WIRE_HEAD, known->bytes, size))
        return;
    if (!(frame[4] & WIRE_END_HEADERS) || frame[4] & (WIRE_PADDED | WIRE_PRIORITY))
        fail("a HEADERS frame that is not whole or not plain");
    inflate(c, frame + WIRE_HEAD, size, is_last);
    if (!is_pure(frame + WIRE_HEAD, size)) {
        c->known[0].size = c->known[1].size = 0;
    } else if (size <= BLOCK_MAX) {
        known->size = size;
        memcpy(known->bytes, frame + WIRE_HEAD, size);
    }
}

static void take_data(connection *c, const uint8_t *frame, uint32_t size)
{
    load *l = c->load;
    if (size && l->bodies++ % CHECK_EVERY == 0 &&
        (size != BODY || memcmp(frame + WIRE_HEAD, l->next + l->next_size - BODY, BODY) != 0))
        fail("an answer whose body is not that of the request");
    c->taken += size;
    if (c->taken >= WINDOW_STEP) {
        wire_add_update(&c->out, 0, c->taken);
        c->taken = 0;
    }
}

static void take_settings(connection *c, const uint8_t *frame, uint32_t size)
{
    if (frame[4] & WIRE_ACK)
        return;
    for (const uint8_t *at = frame + WIRE_HEAD; at + 6 <= frame + WIRE_HEAD + size; at += 6) {
        unsigned id = (unsigned)at[0] << 8 | at[1];
        uint32_t value = wire_get32(at + 2);
        if (id == 1 && value < TABLE_SIZE)
            fail("the server's HPACK table is under 4,096 bytes");
        if (id == 3 && value < c->load->streams)
            fail("the server takes fewer streams");
    }
    wire_add_head(&c->out, 0, WIRE_SETTINGS, WIRE_ACK, 0);
    if (!c->is_ready)
        c->owed = c->load->streams;
    c->is_ready = true;
}

static void take_frame(connection *c, const uint8_t *frame, uint32_t size)
{
    switch (frame[3]) {
    case WIRE_DATA: take_data(c, frame, size); break;
    case WIRE_HEADERS: take_headers(c, frame, size); break;
    case WIRE_SETTINGS: take_settings(c, frame, size); break;
    case WIRE_UPDATE: c->window += wire_get32(frame + 5) ? 0 : wire_get32(frame + WIRE_HEAD); break;
    case WIRE_PING:
        if (frame[4] & WIRE_ACK)
            break;
        wire_add_head(&c->out, size, WIRE_PING, WIRE_ACK, 0);
        memcpy(c->out.data + c->out.size, frame + WIRE_HEAD, size);
        c->out.size += size;
        break;
    case WIRE_RESET: fail("a stream was reset");
    case WIRE_GOAWAY: fail("GOAWAY");
    default: break;
    }
}

static void receive(connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->size, WIRE_READ, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        fail("the server has gone");
    c->size += n > 0 ? (size_t)n : 0;
    const uint8_t *at = c->in, *end = c->in + c->size;
    while (end - at >= WIRE_HEAD) {
        uint32_t size = wire_length(at);
        if (size > WIRE_READ)
            fail("a frame over 64 KiB");
        if ((size_t)(end - at) < WIRE_HEAD + (size_t)size)
            break;
        take_frame(c, at, size);
        at += WIRE_HEAD + size;
    }
    c->size = (size_t)(end - at);
    memmove(c->in, at, c->size);
}

/* ---- The run */

static void open_one(load *l)
{
    static const char start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                "\0\0\6\4\0\0\0\0\0"
                                "\0\4\0\x10\0\0"; /* SETTINGS: windows of 1 MiB */
    connection *c = calloc(1, sizeof *c);
    if (!c || nghttp2_hd_inflate_new(&c->inflater))
        wire_fail("a connection");
    c->load = l;
    c->fd = wire_connect(l->address);
    c->next_id = 1;
    c->window = 65535;
    wire_watch(l->epoll, EPOLL_CTL_ADD, c->fd, EPOLLIN, c);
    memcpy(wire_room(&c->out, sizeof start), start, sizeof start - 1);
    c->out.size += sizeof start - 1;
    wire_add_update(&c->out, 0, 1 << 24);
    send_owed(c);
}

/* True: so many calls, or so much time. */
static bool run_until(load *l, uint64_t calls, int64_t until)
{
    struct epoll_event events[256];
    while (l->calls < calls && stat_now() < until) {
        int count = epoll_wait(l->epoll, events, 256, 1000);
        for (int i = 0; i < count; i++) {
            connection *c = events[i].data.ptr;
            if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
                receive(c);
            send_owed(c);
        }
    }
    return l->calls > 0;
}

static int64_t cpu_now(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000000) +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * INT64_C(1000);
}

static void run(load *l)
{
    for (unsigned i = 0; i < l->connections; i++)
        open_one(l);
    run_until(l, UINT64_MAX, stat_now() + l->warmup_ns);
    uint64_t calls = l->calls;
    int64_t from = stat_now(), server = stat_cpu(l->pid), client = cpu_now();
    run_until(l, l->calls_max ? calls + l->calls_max : UINT64_MAX, from + l->duration_ns);
    int64_t elapsed = stat_now() - from;
    server = stat_cpu(l->pid) - server;
    client = cpu_now() - client;
    calls = l->calls - calls;
    if (!calls)
        fail("no call ended");
    printf(
        "{\"calls\": %llu, \"calls_per_s\": %.0f, \"server_us\": %.4f, \"server_busy\": %.4f, \"client_busy\": %.4f}\n",
        (unsigned long long)calls, (double)calls / ((double)elapsed / 1e9), (double)server / 1e3 / (double)calls,
        (double)server / (double)elapsed, (double)client / (double)elapsed);
}

int main(int argc, char **argv)
{
    load l = { .connections = 1, .streams = 1, .duration_ns = INT64_C(3000000000), .warmup_ns = 300000000 };
    for (int option; (option = getopt(argc, argv, "c:s:t:w:n:p:")) != -1;) {
        switch (option) {
        case 'c': l.connections = (unsigned)atoi(optarg); break;
        case 's': l.streams = (unsigned)atoi(optarg); break;
        case 't': l.duration_ns = (int64_t)(atof(optarg) * 1e9); break;
        case 'w': l.warmup_ns = (int64_t)(atof(optarg) * 1e9); break;
        case 'n': l.calls_max = strtoull(optarg, NULL, 10); break;
        case 'p': l.pid = atoi(optarg); break;
        default: return 2;
        }
    }
    if (optind != argc - 1 || !l.connections || !l.streams) {
        fputs("bench_load [-c CONNECTIONS] [-s STREAMS] [-t SECONDS] [-w WARMUP] [-n CALLS] [-p PID] IPV4:PORT\n",
              stderr);
        return 2;
    }
    l.address = argv[optind];
    l.epoll = epoll_create1(0);
    make_requests(&l);
    run(&l);
    return 0;
}
