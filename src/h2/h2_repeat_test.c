/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways that shorten the usual must not be seen: the plain way of frames (receive_plain) and the memo of header blocks.
 * The same bytes go to a connection that may use both and to one that can use neither: byte by byte, with the memo emptied
 * before each frame. Blocks begin alike, have the same size, come again, and refer to a table that changes in between. */
#include "h2/h2_testlib.h"

enum { SEEDS = 25, FRAMES = 90, POOL = 12, OPEN_MAX = 8 };

typedef struct coded {
    char bytes[96];
    size_t size;
    unsigned refers;  /* to entries of the table, back to this one */
    unsigned inserts; /* entries */
    bool empties;     /* the table, first */
} coded;

typedef struct talk {
    stage fast, slow;
    uint64_t random;
    coded pool[POOL];
    unsigned pooled, entries; /* in the peer's table */
    uint32_t next_id, open[OPEN_MAX];
    unsigned open_count;
} talk;

static unsigned below(talk *t, unsigned n)
{
    return (unsigned)(next_random(&t->random) >> 20) % n;
}

/* ---- Blocks */

static void put(coded *b, const char *bytes, size_t size)
{
    assert_true(b->size + size <= sizeof b->bytes);
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

#define PUT(b, literal) put((b), literal, sizeof(literal) - 1)

/* One of the few fields that there are, so that blocks are alike. */
static void put_field(talk *t, coded *b)
{
    unsigned live = (b->empties ? 0 : t->entries) + b->inserts;
    char literal[] = { 0, 1, (char)('a' + below(t, 2)), 1, (char)('x' + below(t, 2)) };
    switch (below(t, 12)) {
    case 0:
    case 1: /* into the table */
        literal[0] = 0x40;
        put(b, literal, sizeof literal);
        b->inserts++;
        break;
    case 2:
    case 3:
    case 4:
        if (live) {
            unsigned age = 1 + below(t, live < 4 ? live : 4);
            b->refers = age > b->inserts && age - b->inserts > b->refers ? age - b->inserts : b->refers;
            put(b, &(char){ (char)(0x80 | (61 + age)) }, 1);
        }
        break;
    case 5: PUT(b, "\x10\1b\1z"); break; /* never indexed */
    case 6:
        PUT(b, "\x0f\x0d\1"
               "0");
        break; /* content-length: 0 */
    case 7: PUT(b, "\0\2te\x08trailers"); break;
    case 8:
        if (below(t, 6) == 0) /* what no list may say */
            PUT(b, "\0\2te\1x");
        break;
    default: put(b, literal, sizeof literal); break;
    }
}

static void put_pseudo(talk *t, coded *b, h2_headers_kind kind)
{
    if (kind == H2_HEADERS_TRAILERS)
        return;
    if (kind == H2_HEADERS_REQUEST) {
        PUT(b, "\x83\x86");
        put(b, below(t, 3) ? "\4\2/p" : "\4\2/q", 4);
    } else if (below(t, 8) == 0) {
        PUT(b, "\x08\3"
               "103");
    } else {
        PUT(b, "\x88");
    }
}

static coded new_block(talk *t, h2_headers_kind kind)
{
    coded b = { .size = 0 };
    switch (below(t, 14)) {
    case 0:
        b.empties = true;
        PUT(&b, "\x20\x3f\xe1\x1f"); /* RFC 7541 6.3: 0, then 4096 again */
        break;
    case 1: PUT(&b, "\x3f\xe1\x1f"); break; /* the size that it has */
    }
    put_pseudo(t, &b, kind);
    for (unsigned i = below(t, 5); i > 0; i--)
        put_field(t, &b);
    return b;
}

/* Mostly one that came before, or differs from that in its last byte alone. */
static coded next_block(talk *t, h2_headers_kind kind)
{
    coded b = t->pooled && below(t, 4) ? t->pool[below(t, t->pooled)] : new_block(t, kind);
    if (b.size > 5 && b.bytes[b.size - 1] == 'x' && below(t, 5) == 0)
        b.bytes[b.size - 1] = 'y';
    if (!b.empties && b.refers > t->entries)
        b = new_block(t, kind);
    t->pool[t->pooled < POOL ? t->pooled++ : below(t, POOL)] = b;
    t->entries = (b.empties ? 0 : t->entries) + b.inserts;
    return b;
}

/* ---- Frames, to both */

static void compare(talk *t, uint64_t seed)
{
    if (t->fast.events_size != t->slow.events_size || memcmp(t->fast.events, t->slow.events, t->fast.events_size) != 0)
        fail_msg("seed %llu: events differ:\n%s\n---\n%s", (unsigned long long)seed, t->fast.events, t->slow.events);
    assert_int_equal(t->fast.frames_size, t->slow.frames_size);
    assert_memory_equal(t->fast.frames, t->slow.frames, t->fast.frames_size);
}

static void feed(talk *t, buffer *frames)
{
    stage_feed(&t->fast, buffer_bytes(frames));
    hpack_decoder_trim(t->slow.c->decoder);
    stage_feed(&t->slow, buffer_bytes(frames));
    buffer_consume(frames, buffer_size(frames));
}

static void send_block(talk *t, uint32_t id, unsigned flags, const coded *b)
{
    buffer out = { 0 };
    char payload[5 + 1 + sizeof b->bytes + 8] = { 0 };
    size_t size = 0, padding = below(t, 6) == 0 ? 1 + below(t, 7) : 0;
    if (padding) {
        flags |= FRAME_PADDED;
        payload[size++] = (char)padding;
    }
    if (below(t, 6) == 0) {
        flags |= FRAME_HAS_PRIORITY;
        size += 5;
    }
    size_t first = below(t, 6) ? b->size : below(t, (unsigned)b->size + 1);
    memcpy(payload + size, b->bytes, first);
    flags |= first == b->size ? FRAME_END_HEADERS : 0;
    frame_put(&out, FRAME_HEADERS, flags, id, payload, size + first + padding);
    if (first < b->size)
        frame_put(&out, FRAME_CONTINUATION, FRAME_END_HEADERS, id, b->bytes + first, b->size - first);
    feed(t, &out);
    buffer_fini(&out);
}

static void send_data(talk *t, uint32_t id, bool is_end)
{
    buffer out = { 0 };
    char payload[64] = { 3, 'd', 'a', 't', 'a' };
    bool is_padded = below(t, 4) == 0;
    size_t size = below(t, 20);
    unsigned flags = (is_end ? FRAME_END_STREAM : 0) | (is_padded ? FRAME_PADDED : 0);
    frame_put(&out, FRAME_DATA, flags, id, payload, is_padded ? size + 4 : size);
    feed(t, &out);
    buffer_fini(&out);
}

/* What comes on a stream that is open, or was. */
static void go_on(talk *t, h2_headers_kind kind)
{
    unsigned i = below(t, t->open_count);
    uint32_t id = t->open[i];
    coded b;
    bool ends = true;
    switch (below(t, 6)) {
    case 0:
        b = next_block(t, H2_HEADERS_TRAILERS);
        send_block(t, id, FRAME_END_STREAM, &b);
        break;
    case 1: send_data(t, id, true); break;
    case 2: /* also where it has no place */
        b = next_block(t, kind);
        send_block(t, id, below(t, 2) ? FRAME_END_STREAM : 0, &b);
        break;
    default: send_data(t, id, false); ends = false;
    }
    if (ends)
        t->open[i] = t->open[--t->open_count];
}

/* The head of a request, or of the reply to one of those that the client made at the start. */
static void begin(talk *t, h2_headers_kind kind)
{
    uint32_t id = t->next_id;
    t->next_id += 2;
    coded b = next_block(t, kind);
    bool is_end = below(t, 3) == 0;
    send_block(t, id, is_end ? FRAME_END_STREAM : 0, &b);
    if (!is_end)
        t->open[t->open_count++] = id;
}

static void open_all(stage *s)
{
    char line[96];
    for (int i = 0; i < FRAMES; i++) {
        snprintf(line, sizeof line, "! open\n! s%d headers END :method=GET :scheme=http :path=/\n", i);
        stage_run(s, line);
    }
}

static void talk_once(h2_role role, uint64_t seed)
{
    static const limits many = { .streams_max = STAGE_STREAMS_MAX };
    talk t = { .random = seed * 2654435761u + 1, .next_id = 1 };
    for (int i = 0; i < 20; i++)
        next_random(&t.random);
    stage_open(&t.fast, role, &many);
    stage_open(&t.slow, role, &many);
    if (role == H2_CLIENT) {
        stage_run(&t.fast, "> SETTINGS 3=200\n");
        stage_run(&t.slow, "> SETTINGS 3=200\n");
        open_all(&t.fast);
        open_all(&t.slow);
    }
    t.slow.cut = 1;
    h2_headers_kind kind = role == H2_CLIENT ? H2_HEADERS_RESPONSE : H2_HEADERS_REQUEST;
    for (int i = 0; i < FRAMES && !t.fast.is_stopped; i++) {
        if (t.open_count == 0 || (t.open_count < OPEN_MAX && below(&t, 2)))
            begin(&t, kind);
        else
            go_on(&t, kind);
    }
    compare(&t, seed);
    stage_fini(&t.fast);
    stage_fini(&t.slow);
}

static void requests_mean_the_same_either_way(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        talk_once(H2_SERVER, seed);
}

static void replies_mean_the_same_either_way(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        talk_once(H2_CLIENT, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(requests_mean_the_same_either_way),
                                        cmocka_unit_test(replies_mean_the_same_either_way) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
