/* SPDX-License-Identifier: Apache-2.0 */
/* The short way and the general one do the same. A connection that is traced takes the general way for every frame: two of
 * them, one traced, are fed the same frames, right and wrong ones, and must report and answer the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "h2/connection.h"

enum { TRANSCRIPT = 1 << 18, FRAMES = 60, ROUNDS = 3000 };

typedef struct subject {
    h2_connection *c;
    h2_stream *streams[64]; /* that are not released, and how many bytes of each are not consumed */
    size_t held[64], count;
    char *transcript;
    size_t size;
    bool consumes;
} subject;

static void say(subject *s, const char *format, ...) PROA_PRINTF(2, 3);
static void say(subject *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(s->transcript + s->size, TRANSCRIPT - s->size, format, arguments);
    va_end(arguments);
    assert_true(n >= 0 && s->size + (size_t)n < TRANSCRIPT);
    s->size += (size_t)n;
}

static void no_line(void *user, const char *line)
{
    (void)user, (void)line;
}

static void begin(subject *s, const trace *trace, bool consumes)
{
    static const limits small = { .stream_window_bytes = 3000,
                                  .connection_window_bytes = 70000,
                                  .streams_max = 20,
                                  .streams_per_feed_max = 4,
                                  .empty_frames_max = 1 };
    s->c = h2_connection_new(&(h2_options){ .role = H2_SERVER, .limits = small, .trace = trace }, 0);
    assert_non_null(s->c);
    s->count = s->size = 0;
    s->consumes = consumes;
}

static size_t index_of(subject *s, h2_stream *stream)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->streams[i] == stream)
            return i;
    assert_true(s->count < 64);
    s->streams[s->count] = stream;
    s->held[s->count] = 0;
    return s->count++;
}

static void drop(subject *s, size_t i)
{
    h2_stream_release(s->streams[i]);
    s->count--;
    s->streams[i] = s->streams[s->count];
    s->held[i] = s->held[s->count];
}

/* early: before the request is whole, with an end that waits for a window, and a reset behind it (RFC 9113 8.1). */
static void answer(h2_stream *stream, bool is_early)
{
    static const hpack_field ok[] = { { .token = HPACK_NAME_STATUS, .value = PROA_STR_INIT("200") } };
    static const hpack_field trailer[] = { { .token = HPACK_NAME_GRPC_STATUS, .value = PROA_STR_INIT("0") } };
    assert_int_equal(h2_stream_send_headers(stream, ok, 1, false), PROA_ERR_NONE);
    assert_int_equal(h2_stream_send_data(stream, &PROA_STR("hello"), 1, false), PROA_ERR_NONE);
    assert_int_equal(h2_stream_send_headers(stream, trailer, 1, true), PROA_ERR_NONE);
    if (is_early)
        h2_stream_reset(stream, H2_NO_ERROR);
}

static void take_event(subject *s, const h2_event *e)
{
    switch (e->type) {
    case H2_EVENT_HEADERS:
        say(s, "headers %u kind %d end %d fields %u\n", h2_stream_id(e->stream), (int)e->headers_kind, e->is_end,
            e->block ? e->block->count : 0);
        index_of(s, e->stream);
        if (e->is_end || h2_stream_id(e->stream) % 3 == 0)
            answer(e->stream, !e->is_end);
        break;
    case H2_EVENT_DATA:
        say(s, "data %u size %zu end %d %.*s\n", h2_stream_id(e->stream), e->bytes.size, e->is_end,
            e->bytes.size > 4 ? 4 : (int)e->bytes.size, e->bytes.data);
        s->held[index_of(s, e->stream)] += e->bytes.size;
        if (e->is_end)
            answer(e->stream, false);
        break;
    case H2_EVENT_CLOSED:
        say(s, "closed %u %s %s\n", h2_stream_id(e->stream), h2_code_name(e->fault.code),
            e->fault.reason ? e->fault.reason : "well");
        drop(s, index_of(s, e->stream));
        break;
    case H2_EVENT_STOPPED: say(s, "stopped %s %s\n", h2_code_name(e->fault.code), e->fault.reason); break;
    default: say(s, "event %d\n", (int)e->type);
    }
}

static void turn(subject *s)
{
    h2_event e;
    h2_output out;
    do {
        while (h2_connection_next_event(s->c, &e))
            take_event(s, &e);
        for (size_t i = 0; s->consumes && i < s->count; i++) {
            h2_stream_consume(s->streams[i], s->held[i]);
            s->held[i] = 0;
        }
        while (h2_connection_emit(s->c, &out, 0)) {
            for (size_t i = 0; i < out.count; i++)
                for (size_t at = 0; at < out.parts[i].size; at++)
                    say(s, "%02x", (unsigned char)out.parts[i].data[at]);
            say(s, "\n");
            h2_connection_sent(s->c, out.size);
        }
        const char *broken = h2_connection_audit(s->c);
        if (broken)
            fail_msg("%s", broken);
        h2_connection_tick(s->c, 0);
    } while (h2_connection_next_event(s->c, &e) ? (take_event(s, &e), true) : h2_connection_deadline(s->c) <= 0);
}

static uint64_t draw(uint64_t *random, uint64_t below)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random % below;
}

static void put(buffer *to, unsigned type, unsigned flags, uint32_t id, const char *payload, size_t size)
{
    char head[FRAME_HEADER_SIZE];
    frame_encode(head,
                 (frame){ .type = (uint8_t)type, .flags = (uint8_t)flags, .stream_id = id, .length = (uint32_t)size });
    assert_int_equal(buffer_append(to, head, sizeof head), PROA_ERR_NONE);
    assert_int_equal(buffer_append(to, payload, size), PROA_ERR_NONE);
}

typedef struct writer {
    uint64_t random;
    uint32_t last_id, open[FRAMES + 1]; /* those whose END_STREAM was not written */
    size_t count;
    bool is_careful; /* writes nothing that ends the connection */
} writer;

/* One that is open; the careless take any recent one now and then. */
static uint32_t pick(writer *w, bool is_end)
{
    uint32_t recent = w->last_id > 6 ? w->last_id - 2 * (uint32_t)draw(&w->random, 3) : 1;
    if (!w->count || (!w->is_careful && draw(&w->random, 40) == 0))
        return w->is_careful ? 0 : recent;
    size_t i = draw(&w->random, w->count);
    uint32_t id = w->open[i];
    if (is_end)
        w->open[i] = w->open[--w->count];
    return id;
}

static void put_headers(buffer *to, writer *w)
{
    static const char blocks[][8] = { "\203\206\204", "\203\206\204\017\r\0015", "\203\206", "", "\xbe" };
    static const size_t sizes[] = { 3, 7, 2, 0, 1 };
    size_t block = draw(&w->random, 10) ? 0 : draw(&w->random, w->is_careful ? 4 : 5);
    bool is_end = draw(&w->random, 3) == 0, is_cut = !w->is_careful && draw(&w->random, 100) == 0;
    w->last_id = w->last_id ? w->last_id + 2 : 1;
    if (!is_end && block < 2)
        w->open[w->count++] = w->last_id;
    unsigned flags = (is_cut ? 0 : FRAME_END_HEADERS) | (is_end ? FRAME_END_STREAM : 0);
    put(to, FRAME_HEADERS, flags, w->last_id, blocks[block], sizes[block]);
}

static void put_some(buffer *to, writer *w)
{
    static const char text[4000] = "abcdefgh";
    uint64_t what = draw(&w->random, 100);
    bool is_end = draw(&w->random, 5) == 0;
    uint32_t id = what < 40 || what >= 91 ? 1 : pick(w, is_end || (what >= 86 && what < 91));
    if (what < 40 || id == 0)
        put_headers(to, w);
    else if (what < 80)
        put(to, FRAME_DATA, is_end ? FRAME_END_STREAM : 0, id, text,
            draw(&w->random, 8) ? draw(&w->random, draw(&w->random, 20) ? 300 : 4000) : 0);
    else if (what < 86)
        put(to, FRAME_DATA, FRAME_PADDED | (is_end ? FRAME_END_STREAM : 0), id, "\x02hello\0", 8);
    else if (what < 89)
        put(to, FRAME_HEADERS, FRAME_END_HEADERS | FRAME_END_STREAM, id, "", 0); /* trailers */
    else if (what < 91)
        put(to, FRAME_RST_STREAM, 0, id, "\0\0\0\x08", 4);
    else if (what < 95)
        put(to, FRAME_PING, 0, 0, "12345678", 8);
    else if (what < 99 || w->is_careful)
        put(to, FRAME_WINDOW_UPDATE, 0, 0, "\0\0\x01\0", 4);
    else
        put(to, FRAME_DATA, 0, draw(&w->random, 2) ? 0 : w->last_id + 20, text, 5);
}

static void both_ways_do_the_same(void **state)
{
    (void)state;
    const trace all = { .line = no_line, .areas = TRACE_H2 };
    subject plain = { .transcript = malloc(TRANSCRIPT) }, general = { .transcript = malloc(TRANSCRIPT) };
    unsigned ended = 0, lived = 0;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        writer w = { .random = seed * UINT64_C(0x9E3779B97F4A7C15), .is_careful = seed % 2 };
        begin(&plain, NULL, seed % 3);
        begin(&general, &all, seed % 3);
        buffer wire = { 0 };
        assert_int_equal(buffer_append(&wire, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24), PROA_ERR_NONE);
        put(&wire, FRAME_SETTINGS, 0, 0, "\0\x04\0\0\0\x03", seed % 4 ? 6 : 0);
        put(&wire, FRAME_SETTINGS, FRAME_ACK, 0, "", 0);
        for (unsigned i = 0; i < FRAMES; i++)
            put_some(&wire, &w);
        while (buffer_size(&wire)) {
            proa_bytes bytes = buffer_bytes(&wire);
            size_t cut = 1 + draw(&w.random, seed % 5 ? 3000 : 40);
            bytes.size = cut < bytes.size ? cut : bytes.size;
            for (subject *s = &plain; s; s = s == &plain ? &general : NULL) {
                h2_connection_feed(s->c, bytes, 0);
                turn(s);
            }
            buffer_consume(&wire, bytes.size);
            if (plain.size != general.size || memcmp(plain.transcript, general.transcript, plain.size) != 0)
                fail_msg("seed %u\nplain:\n%.*s\ngeneral:\n%.*s", (unsigned)seed, (int)plain.size, plain.transcript,
                         (int)general.size, general.transcript);
        }
        *(plain.c->phase == PHASE_STOPPED ? &ended : &lived) += 1;
        for (subject *s = &plain; s; s = s == &plain ? &general : NULL) {
            h2_connection_free(s->c);
            while (s->count)
                drop(s, 0);
        }
        buffer_fini(&wire);
    }
    assert_true(ended > ROUNDS / 20 && lived > ROUNDS / 20); /* faults and their absence were both seen */
    free(plain.transcript);
    free(general.transcript);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_do_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
