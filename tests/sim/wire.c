/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"
#include "base/bytes.h"
#include <stdlib.h>
#include <string.h>

#define RULE(wire, condition, rule, ...) \
    do { \
        if (!(condition)) \
            world_fail((wire)->world, "the wire: " rule, __VA_ARGS__); \
    } while (0)

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { ACK = 1, END_STREAM = 1, END_HEADERS = 4 };
enum { REFUSED_STREAM = 7 };
enum { MAX_CONCURRENT = 3, INITIAL_WINDOW = 4, MAX_FRAME = 5 };
#define WINDOW_MAX INT64_C(0x7fffffff)
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static const char *const sides[] = { "client", "server" };

/* What a stream looks like from one side. */
typedef struct view {
    int64_t sendable; /* beside the initial window: what was granted less what was sent */
    bool has_headers; /* that side sent them */
    bool has_ended;   /* it sent END_STREAM */
    bool has_reset;   /* it sent RST_STREAM */
    bool heard_end, heard_reset;
} view;

typedef struct wire_stream {
    view views[2];
    bool is_counted;
} wire_stream;

typedef struct parser {
    char head[24 + 64];  /* the preface, or a frame's header and the begin of its payload */
    size_t have, prefix; /* prefix: of the preface, still to come */
    size_t left;         /* of a payload that is passed by */
    unsigned number;     /* of frames */
    uint32_t continues;  /* the stream of a header block that is not over */
    bool ends;           /* that block's END_STREAM */
} parser;

typedef struct side {
    parser wrote, read;              /* what it wrote; what it read of the other */
    int64_t window;                  /* of the connection: what it may send */
    int64_t initial;                 /* of streams: what it may send on a new one */
    uint32_t frame_max, streams_max; /* what the other allows, as it knows */
    int64_t pending[8];              /* initial windows that it read and has not acknowledged */
    unsigned settings_read, settings_acked, settings_sent, acks_read;
    uint64_t pings[8]; /* read, to be answered */
    unsigned ping_count;
    uint32_t last_stream; /* the highest that it opened */
    uint32_t goaway_sent, goaway_read;
    int64_t goaway_at; /* read */
    bool is_blocked;   /* a write was short since, or before */
    uint64_t wrote_bytes, read_bytes;
} side;

struct wire {
    world *world;
    unsigned number;
    side sides[2];
    wire_stream *streams;
    size_t stream_capacity;
    unsigned open; /* streams that the client holds open */
};

wire *wire_new(world *w, unsigned number)
{
    wire *x = calloc(1, sizeof *x);
    x->world = w;
    x->number = number;
    for (unsigned i = 0; i < 2; i++) {
        side *s = &x->sides[i];
        s->window = s->initial = 65535;
        s->frame_max = 16384;
        s->streams_max = UINT32_MAX;
        s->goaway_sent = s->goaway_read = UINT32_MAX;
    }
    x->sides[WIRE_CLIENT].wrote.prefix = x->sides[WIRE_SERVER].read.prefix = sizeof preface - 1;
    return x;
}

void wire_free(wire *x)
{
    free(x->streams);
    free(x);
}

static wire_stream *stream_of(wire *x, uint32_t id)
{
    size_t i = id / 2;
    if (i >= x->stream_capacity) {
        size_t capacity = 2 * i + 64;
        x->streams = realloc(x->streams, capacity * sizeof(wire_stream));
        memset(x->streams + x->stream_capacity, 0, (capacity - x->stream_capacity) * sizeof(wire_stream));
        x->stream_capacity = capacity;
    }
    return &x->streams[i];
}

static void settle(wire *x, wire_stream *s)
{
    const view *v = &s->views[WIRE_CLIENT];
    bool is_over = v->has_reset || v->heard_reset || (v->has_ended && v->heard_end);
    if (s->is_counted && is_over) {
        s->is_counted = false;
        x->open--;
    }
}

/* ---- What a side writes */

typedef struct frame {
    uint32_t length, id;
    unsigned type, flags;
    const char *payload; /* 64 bytes at most */
} frame;

static void wrote_headers(wire *x, unsigned from, const frame *f)
{
    side *me = &x->sides[from];
    wire_stream *s = stream_of(x, f->id);
    view *v = &s->views[from];
    RULE(x, f->id & 1, "streams are the client's", "net %u: stream %u", x->number, f->id);
    RULE(x, !v->has_ended && !v->has_reset, "no HEADERS behind the end", "net %u: the %s, stream %u", x->number,
         sides[from], f->id);
    if (from == WIRE_CLIENT && !v->has_headers) {
        RULE(x, f->id > me->last_stream, "stream numbers grow", "net %u: stream %u", x->number, f->id);
        RULE(x, me->goaway_read == UINT32_MAX || me->is_blocked || x->world->now == me->goaway_at,
             "no new stream behind a GOAWAY that came", "net %u: stream %u", x->number, f->id);
        RULE(x, x->open < me->streams_max, "no more streams than the server allows", "net %u: stream %u is one over %u",
             x->number, f->id, me->streams_max);
        cover(x->world, COVER_STREAM_OPENED);
        me->last_stream = f->id;
        s->is_counted = true;
        if (++x->open == me->streams_max)
            cover(x->world, COVER_STREAMS_MAX_REACHED);
    }
    if (from == WIRE_SERVER)
        RULE(x, f->id <= x->sides[WIRE_CLIENT].last_stream, "a server answers what was asked", "net %u: stream %u",
             x->number, f->id);
    v->has_headers = true;
    me->wrote.ends = f->flags & END_STREAM;
    me->wrote.continues = f->flags & END_HEADERS ? 0 : f->id;
}

static void wrote_end(wire *x, unsigned from, uint32_t id)
{
    wire_stream *s = stream_of(x, id);
    bool is_second = s->views[!from].has_ended;
    s->views[from].has_ended = true;
    cover(x->world, is_second             ? COVER_STREAM_CLOSED_WELL
                    : from == WIRE_CLIENT ? COVER_STREAM_HALF_CLOSED_CLIENT
                                          : COVER_STREAM_HALF_CLOSED_SERVER);
    settle(x, s);
}

static void wrote_data(wire *x, unsigned from, const frame *f)
{
    side *me = &x->sides[from];
    view *v = &stream_of(x, f->id)->views[from];
    RULE(x, v->has_headers, "HEADERS come before DATA", "net %u: the %s, stream %u", x->number, sides[from], f->id);
    RULE(x, !v->has_ended && !v->has_reset, "no DATA behind the end", "net %u: the %s, stream %u", x->number,
         sides[from], f->id);
    me->window -= f->length;
    v->sendable -= f->length;
    RULE(x, me->window >= 0, "no DATA beyond the connection's window", "net %u: the %s, stream %u, %lld bytes over",
         x->number, sides[from], f->id, (long long)-me->window);
    RULE(x, f->length == 0 || me->initial + v->sendable >= 0, "no DATA beyond the stream's window",
         "net %u: the %s, stream %u, %lld bytes over", x->number, sides[from], f->id,
         (long long)-(me->initial + v->sendable));
    if (me->window == 0)
        cover(x->world, COVER_WINDOW_EMPTY_CONNECTION);
    if (me->initial + v->sendable == 0)
        cover(x->world, COVER_WINDOW_EMPTY_STREAM);
}

static void wrote_settings(wire *x, unsigned from, const frame *f)
{
    side *me = &x->sides[from];
    if (!(f->flags & ACK)) {
        me->settings_sent++;
        return;
    }
    RULE(x, me->settings_acked < me->settings_read, "SETTINGS are acknowledged once", "net %u: the %s", x->number,
         sides[from]);
    int64_t promised = me->pending[me->settings_acked++ % 8];
    if (promised >= 0)
        me->initial = promised; /* a smaller one counts from here on: RFC 9113 6.9.2 */
}

static void wrote_ping(wire *x, unsigned from, const frame *f)
{
    side *me = &x->sides[from];
    uint64_t payload;
    if (!(f->flags & ACK))
        return;
    memcpy(&payload, f->payload, 8);
    unsigned i = 0;
    while (i < me->ping_count && me->pings[i] != payload)
        i++;
    RULE(x, i < me->ping_count || me->ping_count >= 8, "a PING is answered with its own payload", "net %u: the %s",
         x->number, sides[from]);
    if (i < me->ping_count)
        me->pings[i] = me->pings[--me->ping_count];
}

static void wrote_window_update(wire *x, unsigned from, const frame *f)
{
    uint32_t by = bytes_u32_be(f->payload) & 0x7fffffff;
    RULE(x, by > 0, "a WINDOW_UPDATE grants something", "net %u: the %s", x->number, sides[from]);
    if (f->id)
        RULE(x, stream_of(x, f->id)->views[WIRE_CLIENT].has_headers, "no WINDOW_UPDATE on an idle stream",
             "net %u: the %s, stream %u", x->number, sides[from], f->id);
}

static void wrote_goaway(wire *x, unsigned from, const frame *f)
{
    side *me = &x->sides[from];
    uint32_t last = bytes_u32_be(f->payload) & 0x7fffffff;
    RULE(x, last <= me->goaway_sent, "the last id of GOAWAY does not grow", "net %u: the %s, %u", x->number,
         sides[from], last);
    me->goaway_sent = last;
}

static void wrote_reset(wire *x, unsigned from, const frame *f)
{
    wire_stream *s = stream_of(x, f->id);
    RULE(x, s->views[WIRE_CLIENT].has_headers, "no RST_STREAM on an idle stream", "net %u: the %s, stream %u",
         x->number, sides[from], f->id);
    RULE(x, !s->views[from].has_reset, "one RST_STREAM a stream", "net %u: the %s, stream %u", x->number, sides[from],
         f->id);
    s->views[from].has_reset = true;
    if (from == WIRE_SERVER && bytes_u32_be(f->payload) == REFUSED_STREAM) {
        x->world->refusals++;
        cover(x->world, COVER_STREAM_REFUSED);
    }
    cover(x->world, from == WIRE_CLIENT ? COVER_STREAM_RESET_BY_CLIENT : COVER_STREAM_RESET_BY_SERVER);
    settle(x, s);
}

static const coverage_point points[] = { COVER_FRAME_DATA,        COVER_FRAME_HEADERS,  COVERAGE_COUNT,
                                         COVER_FRAME_RST_STREAM,  COVER_FRAME_SETTINGS, COVERAGE_COUNT,
                                         COVER_FRAME_PING,        COVER_FRAME_GOAWAY,   COVER_FRAME_WINDOW_UPDATE,
                                         COVER_FRAME_CONTINUATION };

static void wrote(wire *x, unsigned from, const frame *f)
{
    static const char *const names[] = { "DATA", "HEADERS", "PRIORITY", "RST_STREAM",    "SETTINGS",
                                         "PUSH", "PING",    "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION" };
    side *me = &x->sides[from];
    parser *p = &me->wrote;
    RULE(x, f->type <= CONTINUATION && f->type != PUSH_PROMISE && f->type != PRIORITY, "frames that we know",
         "net %u: the %s, type %u", x->number, sides[from], f->type);
    RULE(x, f->length <= me->frame_max, "no frame over the other's maximum", "net %u: the %s, %u bytes", x->number,
         sides[from], f->length);
    RULE(x, p->number || (f->type == SETTINGS && !(f->flags & ACK)), "SETTINGS come first", "net %u: the %s", x->number,
         sides[from]);
    RULE(x, (p->continues != 0) == (f->type == CONTINUATION) && (!p->continues || p->continues == f->id),
         "nothing between the parts of a header block", "net %u: the %s, stream %u", x->number, sides[from], f->id);
    p->number++;
    if (f->type > CONTINUATION)
        return;
    world_tell(x->world, "wire %u: %s > %s stream %u flags %x length %u", x->number, sides[from], names[f->type], f->id,
               f->flags, f->length);
    if (points[f->type] != COVERAGE_COUNT)
        cover(x->world, points[f->type]);
    switch (f->type) {
    case DATA: wrote_data(x, from, f); break;
    case HEADERS: wrote_headers(x, from, f); break;
    case CONTINUATION: p->continues = f->flags & END_HEADERS ? 0 : f->id; break;
    case RST_STREAM: wrote_reset(x, from, f); break;
    case SETTINGS: wrote_settings(x, from, f); break;
    case PING: wrote_ping(x, from, f); break;
    case GOAWAY: wrote_goaway(x, from, f); break;
    case WINDOW_UPDATE: wrote_window_update(x, from, f); break;
    default: break;
    }
    if (f->type == DATA && f->flags & END_STREAM)
        wrote_end(x, from, f->id);
    else if ((f->type == HEADERS || f->type == CONTINUATION) && !p->continues && p->ends)
        wrote_end(x, from, f->id);
}

/* ---- What has reached a side */

static void read_settings(wire *x, unsigned to, const frame *f)
{
    side *me = &x->sides[to];
    if (f->flags & ACK) {
        me->acks_read++;
        RULE(x, me->acks_read <= me->settings_sent, "SETTINGS are acknowledged when they were sent", "net %u: the %s",
             x->number, sides[to]);
        return;
    }
    int64_t initial = -1;
    for (uint32_t i = 0; i + 6 <= f->length && i + 6 <= 64; i += 6) {
        unsigned id = (unsigned char)f->payload[i] << 8 | (unsigned char)f->payload[i + 1];
        uint32_t value = bytes_u32_be(f->payload + i + 2);
        if (id == INITIAL_WINDOW)
            initial = value;
        else if (id == MAX_FRAME)
            me->frame_max = value;
        else if (id == MAX_CONCURRENT)
            me->streams_max = value;
    }
    me->pending[me->settings_read++ % 8] = initial;
    if (initial > me->initial)
        me->initial = initial; /* a larger one at once */
}

static void read_window_update(wire *x, unsigned to, const frame *f)
{
    side *me = &x->sides[to];
    uint32_t by = bytes_u32_be(f->payload) & 0x7fffffff;
    if (f->id == 0) {
        me->window += by;
        RULE(x, me->window <= WINDOW_MAX, "no window over 2^31-1", "net %u: to the %s", x->number, sides[to]);
        return;
    }
    view *v = &stream_of(x, f->id)->views[to];
    v->sendable += by;
    RULE(x, me->initial + v->sendable <= WINDOW_MAX, "no window over 2^31-1", "net %u: to the %s, stream %u", x->number,
         sides[to], f->id);
}

static void read_ping(wire *x, unsigned to, const frame *f)
{
    side *me = &x->sides[to];
    if (f->flags & ACK)
        return;
    if (me->ping_count < 8)
        memcpy(&me->pings[me->ping_count++], f->payload, 8);
}

static void read_end(wire *x, unsigned to, uint32_t id)
{
    wire_stream *s = stream_of(x, id);
    s->views[to].heard_end = true;
    settle(x, s);
}

static void read_frame(wire *x, unsigned to, const frame *f)
{
    side *me = &x->sides[to];
    parser *p = &me->read;
    p->number++;
    switch (f->type) {
    case SETTINGS: read_settings(x, to, f); break;
    case WINDOW_UPDATE: read_window_update(x, to, f); break;
    case PING: read_ping(x, to, f); break;
    case GOAWAY:
        me->goaway_read = bytes_u32_be(f->payload) & 0x7fffffff;
        me->goaway_at = x->world->now;
        break;
    case HEADERS:
        p->ends = f->flags & END_STREAM;
        p->continues = f->flags & END_HEADERS ? 0 : f->id;
        break;
    case CONTINUATION: p->continues = f->flags & END_HEADERS ? 0 : f->id; break;
    case RST_STREAM:
        stream_of(x, f->id)->views[to].heard_reset = true;
        settle(x, stream_of(x, f->id));
        break;
    default: break;
    }
    if (f->type == DATA && f->flags & END_STREAM)
        read_end(x, to, f->id);
    else if ((f->type == HEADERS || f->type == CONTINUATION) && !p->continues && p->ends)
        read_end(x, to, f->id);
}

/* ---- Bytes to frames */

static size_t wanted(const parser *p)
{
    if (p->have < 9)
        return 9;
    const unsigned char *u = (const unsigned char *)p->head;
    size_t length = (size_t)u[0] << 16 | (size_t)u[1] << 8 | u[2];
    bool is_kept = u[3] != DATA && u[3] != HEADERS && u[3] != CONTINUATION;
    return 9 + (is_kept ? length < 64 ? length : 64 : 0);
}

typedef void (*on_frame)(wire *x, unsigned side, const frame *f);

static size_t take_prefix(wire *x, parser *p, const char *bytes, size_t size)
{
    size_t taken = size < p->prefix ? size : p->prefix;
    RULE(x, memcmp(bytes, preface + (sizeof preface - 1 - p->prefix), taken) == 0, "the client's preface", "net %u",
         x->number);
    p->prefix -= taken;
    return taken;
}

static void parse(wire *x, unsigned side, parser *p, const char *bytes, size_t size, on_frame tell)
{
    while (size > 0) {
        size_t taken;
        if (p->prefix) {
            taken = take_prefix(x, p, bytes, size);
        } else if (p->left) {
            taken = size < p->left ? size : p->left;
            p->left -= taken;
        } else {
            size_t want = wanted(p) - p->have;
            taken = size < want ? size : want;
            memcpy(p->head + p->have, bytes, taken);
            p->have += taken;
        }
        bytes += taken;
        size -= taken;
        if (p->have < 9 || p->have < wanted(p) || p->prefix || p->left)
            continue;
        const unsigned char *u = (const unsigned char *)p->head;
        frame f = { .length = (uint32_t)u[0] << 16 | (uint32_t)u[1] << 8 | u[2],
                    .type = u[3],
                    .flags = u[4],
                    .id = bytes_u32_be(p->head + 5) & 0x7fffffff,
                    .payload = p->head + 9 };
        p->left = f.length - (p->have - 9);
        p->have = 0;
        tell(x, side, &f);
    }
}

void wire_wrote(wire *x, unsigned side, const char *bytes, size_t size)
{
    x->sides[side].wrote_bytes += size;
    parse(x, side, &x->sides[side].wrote, bytes, size, wrote);
}

void wire_read(wire *x, unsigned side, const char *bytes, size_t size)
{
    x->sides[side].read_bytes += size;
    parse(x, side, &x->sides[side].read, bytes, size, read_frame);
}

void wire_blocked(wire *x, unsigned side)
{
    x->sides[side].is_blocked = true;
}

/* ---- At rest */

int64_t wire_window(const wire *x, unsigned side)
{
    return x->sides[side].window;
}

unsigned wire_open_streams(const wire *x)
{
    return x->open;
}

bool wire_is_whole(const wire *x)
{
    return x->sides[0].wrote_bytes == x->sides[1].read_bytes && x->sides[1].wrote_bytes == x->sides[0].read_bytes;
}
