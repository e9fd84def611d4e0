/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/h2_testlib.h"
#include "base/memory.h"
#include <ctype.h>

#define MAGIC "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- Text to frames */

void frame_put(buffer *out, unsigned type, unsigned flags, uint32_t id, const void *payload, size_t size)
{
    char header[FRAME_HEADER_SIZE];
    frame_encode(header,
                 (frame){ .length = (uint32_t)size, .type = (uint8_t)type, .flags = (uint8_t)flags, .stream_id = id });
    assert_int_equal(buffer_append(out, header, sizeof header), 0);
    assert_int_equal(buffer_append(out, payload, size), 0);
}

/* The next word of a line, NUL-terminated in place; NULL: none. */
static char *word(char **at)
{
    while (**at == ' ')
        ++*at;
    if (!**at)
        return NULL;
    char *begin = *at;
    while (**at && **at != ' ')
        ++*at;
    if (**at)
        *(*at)++ = '\0';
    return begin;
}

static uint32_t number(char **at)
{
    char *w = word(at);
    assert_non_null(w);
    return (uint32_t)strtoul(w, NULL, 0);
}

static bool takes(char **at, const char *expected)
{
    size_t size = strlen(expected);
    while (**at == ' ')
        ++*at;
    if (strncmp(*at, expected, size) != 0 || ((*at)[size] && (*at)[size] != ' '))
        return false;
    *at += size;
    return true;
}

static void put_string(buffer *out, const char *text, size_t size)
{
    unsigned char length[3] = { (unsigned char)size };
    size_t count = 1;
    if (size >= 127) { /* RFC 7541 5.1 */
        length[0] = 127;
        size_t rest = size - 127;
        while (rest >= 128) {
            length[count++] = (unsigned char)(rest % 128 + 128);
            rest /= 128;
        }
        length[count++] = (unsigned char)rest;
    }
    assert_true(count <= sizeof length);
    assert_int_equal(buffer_append(out, length, count), 0);
    assert_int_equal(buffer_append(out, text, size), 0);
}

/* "REQ a=b +c=d e=*500": literals without indexing, with + they go into the table; *n is a value of n bytes. */
static void put_fields(buffer *out, char *at)
{
    for (char *w; (w = word(&at)) != NULL;) {
        if (strcmp(w, "REQ") == 0) {
            buffer_append(out, "\x82\x86\x84", 3);
            continue;
        }
        if (strcmp(w, "RES") == 0) {
            buffer_append(out, "\x88", 1);
            continue;
        }
        bool is_indexed = *w == '+';
        w += is_indexed;
        char *equals = strchr(w + 1, '=');
        assert_non_null(equals);
        buffer_append(out, is_indexed ? "\x40" : "\0", 1);
        put_string(out, w, (size_t)(equals - w));
        char *value = equals + 1;
        if (*value == '*') {
            size_t size = strtoul(value + 1, NULL, 10);
            char *text = malloc(size + 1);
            memset(text, 'v', size);
            put_string(out, text, size);
            free(text);
        } else {
            put_string(out, value, strlen(value));
        }
    }
}

static buffer text_of(const char *text)
{
    buffer out = { 0 };
    if (*text == '*') {
        size_t size = strtoul(text + 1, NULL, 10);
        assert_int_equal(buffer_reserve(&out, size), 0);
        memset(buffer_tail(&out), 'd', size);
        out.end += size;
    } else {
        assert_int_equal(buffer_append(&out, text, strlen(text)), 0);
    }
    return out;
}

static void line_headers(buffer *out, unsigned type, char *at)
{
    uint32_t id = number(&at);
    unsigned flags = type == FRAME_HEADERS ? FRAME_END_HEADERS : 0;
    buffer payload = { 0 };
    for (;;) {
        if (takes(&at, "END"))
            flags |= FRAME_END_STREAM;
        else if (takes(&at, "OPEN"))
            flags &= ~(unsigned)FRAME_END_HEADERS;
        else if (takes(&at, "LAST"))
            flags |= FRAME_END_HEADERS;
        else
            break;
    }
    while (*at == ' ')
        at++;
    if (strncmp(at, "DEP=", 4) == 0) {
        char priority[5] = { 0 };
        char *w = word(&at);
        bytes_put_u32_be(priority, (uint32_t)strtoul(w + 4, NULL, 10));
        buffer_append(&payload, priority, 5);
        flags |= FRAME_HAS_PRIORITY;
    }
    put_fields(&payload, at);
    frame_put(out, type, flags, id, buffer_bytes(&payload).data, buffer_size(&payload));
    buffer_fini(&payload);
}

static void line_data(buffer *out, char *at)
{
    uint32_t id = number(&at);
    unsigned flags = takes(&at, "END") ? FRAME_END_STREAM : 0;
    size_t padding = 0;
    buffer payload = { 0 };
    while (*at == ' ')
        at++;
    if (strncmp(at, "PAD=", 4) == 0) {
        padding = strtoul(word(&at) + 4, NULL, 10);
        flags |= FRAME_PADDED;
        buffer_append(&payload, &(char){ (char)padding }, 1);
    }
    while (*at == ' ')
        at++;
    buffer text = text_of(at);
    buffer_append(&payload, buffer_bytes(&text).data, buffer_size(&text));
    char zeros[256] = { 0 };
    buffer_append(&payload, zeros, padding);
    frame_put(out, FRAME_DATA, flags, id, buffer_bytes(&payload).data, buffer_size(&payload));
    buffer_fini(&text);
    buffer_fini(&payload);
}

static void line_raw(buffer *out, const char *at)
{
    for (; *at; at++) {
        unsigned byte;
        if (*at == ' ')
            continue;
        assert_int_equal(sscanf(at, "%2x", &byte), 1);
        buffer_append(out, &(char){ (char)byte }, 1);
        at++;
    }
}

static void line_settings(buffer *out, char *at)
{
    char payload[6 * 64];
    size_t size = 0;
    unsigned flags = takes(&at, "ACK") ? FRAME_ACK : 0;
    for (char *w; (w = word(&at)) != NULL; size += 6) {
        char *equals = strchr(w, '=');
        assert_non_null(equals);
        payload[size] = 0;
        payload[size + 1] = (char)strtoul(w, NULL, 0);
        bytes_put_u32_be(payload + size + 2, (uint32_t)strtoul(equals + 1, NULL, 0));
    }
    frame_put(out, FRAME_SETTINGS, flags, 0, payload, size);
}

static void line_numbers(buffer *out, const char *type, char *at)
{
    char payload[256] = { 0 };
    if (strcmp(type, "PING") == 0) {
        unsigned flags = takes(&at, "ACK") ? FRAME_ACK : 0;
        bytes_put_u32_be(payload + 4, number(&at));
        frame_put(out, FRAME_PING, flags, 0, payload, 8);
    } else if (strcmp(type, "GOAWAY") == 0) {
        bytes_put_u32_be(payload, number(&at));
        bytes_put_u32_be(payload + 4, number(&at));
        while (*at == ' ')
            at++;
        snprintf(payload + 8, sizeof payload - 8, "%s", at);
        frame_put(out, FRAME_GOAWAY, 0, 0, payload, 8 + strlen(payload + 8));
    } else {
        uint32_t id = number(&at);
        bytes_put_u32_be(payload, number(&at));
        if (strcmp(type, "RST") == 0)
            frame_put(out, FRAME_RST_STREAM, 0, id, payload, 4);
        else if (strcmp(type, "WINDOW") == 0)
            frame_put(out, FRAME_WINDOW_UPDATE, 0, id, payload, 4);
        else if (strcmp(type, "PRIORITY") == 0)
            frame_put(out, FRAME_PRIORITY, 0, id, payload, 5);
        else if (strcmp(type, "PUSH") == 0)
            frame_put(out, FRAME_PUSH_PROMISE, FRAME_END_HEADERS, id, payload, 4);
        else
            fail_msg("no frame %s", type);
    }
}

void frame_line(buffer *out, const char *line)
{
    char copy[8192];
    assert_true(strlen(line) < sizeof copy);
    strcpy(copy, line);
    char *at = copy, *type = word(&at);
    assert_non_null(type);
    if (strcmp(type, "PREFACE") == 0)
        buffer_append(out, MAGIC, sizeof MAGIC - 1);
    else if (strcmp(type, "SETTINGS") == 0)
        line_settings(out, at);
    else if (strcmp(type, "HEADERS") == 0)
        line_headers(out, FRAME_HEADERS, at);
    else if (strcmp(type, "CONTINUATION") == 0)
        line_headers(out, FRAME_CONTINUATION, at);
    else if (strcmp(type, "DATA") == 0)
        line_data(out, at);
    else if (strcmp(type, "RAW") == 0)
        line_raw(out, at);
    else
        line_numbers(out, type, at);
}

/* ---- Transcripts */

static void say(char *text, size_t *size, const char *format, va_list arguments)
{
    int n = vsnprintf(text + *size, STAGE_TEXT_MAX - *size, format, arguments);
    *size += (size_t)n;
    assert_true(*size < STAGE_TEXT_MAX);
}

PROA_PRINTF(2, 3) static void say_event(stage *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(s->events, &s->events_size, format, arguments);
    va_end(arguments);
    s->data_stream = NULL;
}

PROA_PRINTF(2, 3) static void say_frame(stage *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(s->frames, &s->frames_size, format, arguments);
    va_end(arguments);
}

static bool is_printable(proa_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (!isprint((unsigned char)bytes.data[i]))
            return false;
    return bytes.size <= 32;
}

/* " END hello", or " END *5000" where it is long. */
static const char *shown(proa_bytes bytes, char out[48])
{
    if (is_printable(bytes))
        snprintf(out, 48, "%s%.*s", bytes.size ? " " : "", PROA_FMT(bytes));
    else
        snprintf(out, 48, " *%zu", bytes.size);
    return out;
}

static const char *shown_block(const hpack_block *block, char out[1024])
{
    size_t at = 0;
    out[0] = '\0';
    for (uint32_t i = 0; block && i < block->count && at < 900; i++) {
        proa_bytes value = block->fields[i].value;
        at += (size_t)snprintf(out + at, 1024 - at,
                               value.size > 32 ? " %.*s=*%zu" : " %.*s=", PROA_FMT(block->fields[i].name), value.size);
        if (value.size <= 32)
            at += (size_t)snprintf(out + at, 1024 - at, "%.*s", PROA_FMT(value));
    }
    return out;
}

static void say_data_out(stage *s, frame f, proa_bytes payload)
{
    char text[48];
    say_frame(s, "DATA %u%s%s\n", f.stream_id, f.flags & FRAME_END_STREAM ? " END" : "", shown(payload, text));
}

static void say_headers_out(stage *s, frame f, proa_bytes payload)
{
    hpack_block *block = NULL;
    char text[1024];
    assert_int_equal(hpack_decode(s->reader, payload, &block, NULL), HPACK_OK);
    say_frame(s, "HEADERS %u%s%s\n", f.stream_id, f.flags & FRAME_END_STREAM ? " END" : "", shown_block(block, text));
    hpack_block_release(block);
}

static void say_settings_out(stage *s, frame f, proa_bytes payload)
{
    say_frame(s, "SETTINGS%s", f.flags & FRAME_ACK ? " ACK" : "");
    for (size_t i = 0; i + 6 <= payload.size; i += 6)
        say_frame(s, " %u=%u", (unsigned char)payload.data[i + 1], bytes_u32_be(payload.data + i + 2));
    say_frame(s, "\n");
}

static void say_frame_out(stage *s, frame f, proa_bytes payload)
{
    s->came_out[f.type < FRAME_TYPES ? f.type : FRAME_TYPES]++;
    if (s->is_quiet)
        return;
    switch (f.type) {
    case FRAME_DATA: say_data_out(s, f, payload); break;
    case FRAME_HEADERS:
        if (f.flags & FRAME_END_HEADERS)
            say_headers_out(s, f, payload);
        else
            say_frame(s, "HEADERS %u%s OPEN *%u\n", f.stream_id, f.flags & FRAME_END_STREAM ? " END" : "", f.length);
        break;
    case FRAME_CONTINUATION:
        say_frame(s, "CONTINUATION %u%s *%u\n", f.stream_id, f.flags & FRAME_END_HEADERS ? " LAST" : "", f.length);
        break;
    case FRAME_RST_STREAM: say_frame(s, "RST %u %s\n", f.stream_id, h2_code_name(bytes_u32_be(payload.data))); break;
    case FRAME_SETTINGS: say_settings_out(s, f, payload); break;
    case FRAME_PING:
        say_frame(s, "PING%s %x\n", f.flags & FRAME_ACK ? " ACK" : "", bytes_u32_be(payload.data + 4));
        break;
    case FRAME_GOAWAY:
        say_frame(s, "GOAWAY %u %s%s%.*s\n", bytes_u32_be(payload.data), h2_code_name(bytes_u32_be(payload.data + 4)),
                  payload.size > 8 ? " " : "", (int)payload.size - 8, payload.data + 8);
        break;
    case FRAME_WINDOW_UPDATE: say_frame(s, "WINDOW %u %u\n", f.stream_id, bytes_u32_be(payload.data)); break;
    default: fail_msg("frame of type %u came out", f.type);
    }
}

static void read_output(stage *s)
{
    while (buffer_size(&s->out) >= FRAME_HEADER_SIZE) {
        const char *at = buffer_bytes(&s->out).data;
        if (s->role == H2_CLIENT && buffer_size(&s->out) >= sizeof MAGIC - 1 &&
            memcmp(at, MAGIC, sizeof MAGIC - 1) == 0) {
            buffer_consume(&s->out, sizeof MAGIC - 1);
            continue;
        }
        frame f = frame_decode(at);
        if (buffer_size(&s->out) < FRAME_HEADER_SIZE + f.length)
            return;
        say_frame_out(s, f, (proa_bytes){ at + FRAME_HEADER_SIZE, f.length });
        buffer_consume(&s->out, FRAME_HEADER_SIZE + f.length);
    }
}

/* ---- Events */

static size_t index_of(stage *s, h2_stream *stream)
{
    for (size_t i = s->stream_count; i > 0; i--)
        if (s->streams[i - 1] == stream)
            return i - 1;
    assert_true(s->stream_count < STAGE_STREAMS_MAX || s->is_quiet);
    if (s->stream_count == STAGE_STREAMS_MAX)
        s->stream_count = 0;
    s->streams[s->stream_count] = stream;
    return s->stream_count++;
}

static void say_headers(stage *s, const h2_event *e)
{
    static const char *const kinds[] = { "request", "informational", "response", "trailers" };
    char text[1024];
    say_event(s, "s%zu %s%s%s%s\n", index_of(s, e->stream), kinds[e->headers_kind], e->is_end ? " END" : "",
              e->is_too_large ? " TOO_LARGE" : "", shown_block(e->block, text));
}

/* Pieces of DATA grow together, as the cuts of the input are nobody's business. */
static void say_data(stage *s, const h2_event *e)
{
    if (s->data_stream == e->stream) {
        s->events_size = s->data_open;
    } else {
        say_event(s, "s%zu data ", index_of(s, e->stream));
        s->data_open = s->events_size;
        s->data_stream = e->stream;
        s->gathered_data = 0;
    }
    s->gathered_data += e->bytes.size;
    h2_stream *stream = s->data_stream;
    say_event(s, "*%zu%s\n", s->gathered_data, e->is_end ? " END" : "");
    s->data_stream = stream;
    if (!s->is_holding)
        h2_stream_consume(e->stream, e->bytes.size);
}

static void say_closed(stage *s, const h2_event *e)
{
    size_t i = index_of(s, e->stream);
    if (e->fault.scope == H2_SCOPE_NONE)
        say_event(s, "s%zu closed\n", i);
    else
        say_event(s, "s%zu closed %s%s %s%s\n", i, e->fault.scope == H2_SCOPE_CONNECTION ? "by connection " : "",
                  h2_code_name(e->fault.code), e->fault.is_remote ? "remote" : "local",
                  e->is_unprocessed ? " unprocessed" : "");
    if (!s->is_holding) {
        h2_stream_release(e->stream);
        s->streams[i] = NULL;
    }
}

static void take_event(stage *s, const h2_event *e)
{
    assert_false(s->is_stopped);
    if (s->is_quiet && e->type != H2_EVENT_CLOSED && e->type != H2_EVENT_STOPPED) {
        if (e->type == H2_EVENT_HEADERS)
            index_of(s, e->stream);
        if (e->type == H2_EVENT_DATA && !s->is_holding)
            h2_stream_consume(e->stream, e->bytes.size);
        return;
    }
    switch (e->type) {
    case H2_EVENT_SETTINGS: say_event(s, "settings\n"); break;
    case H2_EVENT_HEADERS: say_headers(s, e); break;
    case H2_EVENT_DATA: say_data(s, e); break;
    case H2_EVENT_WRITABLE: say_event(s, "s%zu writable\n", index_of(s, e->stream)); break;
    case H2_EVENT_CLOSED:
        if (s->is_quiet)
            s->events_size = 0;
        say_closed(s, e);
        break;
    case H2_EVENT_ROOM: say_event(s, "room\n"); break;
    case H2_EVENT_GOAWAY:
        say_event(s, "goaway %u %s %s\n", e->last_stream_id, h2_code_name(e->fault.code),
                  e->fault.is_remote ? "remote" : "local");
        break;
    case H2_EVENT_PING_ACK: say_event(s, "ping ack %x\n", (unsigned)e->payload); break;
    case H2_EVENT_STOPPED:
        s->is_stopped = true;
        say_event(s, "stopped %s%s%s\n", h2_code_name(e->fault.code), e->fault.reason ? ": " : "",
                  e->fault.reason ? e->fault.reason : "");
        break;
    case H2_EVENT_NONE: fail_msg("an event of no type");
    }
}

static void pull(stage *s)
{
    h2_event e;
    while (h2_connection_next_event(s->c, &e))
        take_event(s, &e);
    const char *broken = h2_connection_audit(s->c);
    if (broken)
        fail_msg("%s", broken);
}

static void write_output(stage *s)
{
    static h2_output out;
    while (!s->is_blocked && h2_connection_emit(s->c, &out, s->now)) {
        size_t taken = s->cut == 0 ? out.size : 1 + next_random(&s->random) % out.size;
        size_t left = taken;
        for (size_t i = 0; i < out.count && left; i++) {
            size_t n = out.parts[i].size < left ? out.parts[i].size : left;
            assert_int_equal(buffer_append(&s->out, out.parts[i].data, n), 0);
            left -= n;
        }
        h2_connection_sent(s->c, taken);
        s->bytes_out += taken;
        read_output(s);
    }
}

/* Until nothing moves: what the engine put off for the next turn is a turn of this one. */
void stage_turn(stage *s)
{
    for (int i = 0; i < 1000; i++) {
        pull(s);
        write_output(s);
        pull(s);
        if (s->is_blocked || h2_connection_deadline(s->c) > s->now)
            return;
        h2_connection_tick(s->c, s->now);
    }
    fail_msg("the connection does not come to rest");
}

void stage_feed(stage *s, proa_bytes bytes)
{
    size_t at = 0;
    do {
        size_t n = s->cut == 0 ? bytes.size : s->cut == 1 ? 1 : 1 + next_random(&s->random) % (s->cut % 3 ? 40 : 700);
        if (n > bytes.size - at)
            n = bytes.size - at;
        char *piece = malloc(n ? n : 1); /* of exactly this size, and gone behind its last event */
        bytes_copy(piece, bytes.data + at, n);
        h2_connection_feed(s->c, (proa_bytes){ piece, n }, s->now);
        pull(s);
        free(piece);
        stage_turn(s);
        at += n;
    } while (at < bytes.size);
}

void stage_pass(stage *s, int64_t ns)
{
    s->now += ns;
    h2_connection_tick(s->c, s->now);
    stage_turn(s);
}

/* ---- Scripts */

static void flush_gathered(stage *s)
{
    if (buffer_size(&s->gathered) == 0)
        return;
    stage_feed(s, buffer_bytes(&s->gathered));
    buffer_consume(&s->gathered, buffer_size(&s->gathered));
}

static size_t read_fields(char *at, hpack_field *fields, size_t max)
{
    size_t count = 0;
    for (char *w; (w = word(&at)) != NULL && count < max; count++) {
        char *equals = strchr(w + 1, '=');
        assert_non_null(equals);
        proa_bytes name = { w, (size_t)(equals - w) };
        fields[count] = (hpack_field){ .name = name, .value = proa_bytes_of(equals + 1) };
    }
    return count;
}

static void command_send(h2_stream *stream, const char *verb, char *at)
{
    bool is_end = takes(&at, "END");
    while (*at == ' ')
        at++;
    if (strcmp(verb, "headers") == 0) {
        hpack_field fields[32];
        size_t count = read_fields(at, fields, 32);
        assert_int_equal(h2_stream_send_headers(stream, fields, count, is_end), 0);
        return;
    }
    buffer text = text_of(at);
    proa_bytes bytes = buffer_bytes(&text);
    if (strcmp(verb, "data") == 0) {
        proa_bytes parts[2] = { { bytes.data, bytes.size / 2 },
                                { bytes.data + bytes.size / 2, bytes.size - bytes.size / 2 } };
        assert_int_equal(h2_stream_send_data(stream, parts, 2, is_end), 0);
    } else {
        hold *h = hold_new(bytes.size);
        bytes_copy(hold_data(h), bytes.data, bytes.size);
        proa_slice slice = slice_of(h, 0, bytes.size);
        assert_int_equal(h2_stream_send_slice(stream, PROA_STR("head:"), &slice, is_end), 0);
        assert_null(slice.hold);
    }
    buffer_fini(&text);
}

static int64_t duration(char **at)
{
    char *w = word(at), *unit;
    int64_t n = strtoll(w, &unit, 10);
    return strcmp(unit, "ms") == 0 ? n * 1000000 : n * 1000000000;
}

static void command_stream(stage *s, size_t i, char *at)
{
    assert_true(i < s->stream_count && s->streams[i]);
    h2_stream *stream = s->streams[i];
    char *verb = word(&at);
    if (strcmp(verb, "headers") == 0 || strcmp(verb, "data") == 0 || strcmp(verb, "slice") == 0)
        command_send(stream, verb, at);
    else if (strcmp(verb, "reset") == 0)
        h2_stream_reset(stream, (h2_code)number(&at));
    else if (strcmp(verb, "consume") == 0)
        h2_stream_consume(stream, number(&at));
    else if (strcmp(verb, "want") == 0)
        h2_stream_want(stream, number(&at));
    else if (strcmp(verb, "watch") == 0)
        h2_stream_watch(stream, number(&at));
    else if (strcmp(verb, "forgive") == 0)
        h2_stream_forgive(stream, s->now + duration(&at));
    else if (strcmp(verb, "release") == 0) {
        h2_stream_release(stream);
        s->streams[i] = NULL;
    } else
        fail_msg("no command %s", verb);
}

static void command(stage *s, char *at)
{
    char *verb = word(&at);
    if (verb[0] == 's' && isdigit((unsigned char)verb[1])) {
        command_stream(s, strtoul(verb + 1, NULL, 10), at);
    } else if (strcmp(verb, "open") == 0) {
        h2_stream *stream = h2_stream_open(s->c);
        if (stream)
            index_of(s, stream);
        else
            say_event(s, "no room\n");
    } else if (strcmp(verb, "drain") == 0) {
        h2_connection_drain(s->c, NULL);
    } else if (strcmp(verb, "stop") == 0) {
        uint32_t code = number(&at);
        while (*at == ' ')
            at++;
        h2_connection_stop(s->c, (h2_code)code, proa_bytes_of(at));
    } else if (strcmp(verb, "lost") == 0) {
        h2_connection_lost(s->c, "gone");
    } else if (strcmp(verb, "ping") == 0) {
        (void)h2_connection_ping(s->c, number(&at));
    } else if (strcmp(verb, "hold") == 0) {
        s->is_holding = true;
    } else if (strcmp(verb, "block") == 0) {
        s->is_blocked = true;
    } else if (strcmp(verb, "unblock") == 0) {
        s->is_blocked = false;
    } else {
        fail_msg("no command %s", verb);
    }
}

void stage_run(stage *s, const char *script)
{
    while (*script) {
        size_t size = strcspn(script, "\n");
        char line[8192];
        assert_true(size < sizeof line);
        memcpy(line, script, size);
        line[size] = '\0';
        script += size + (script[size] == '\n');
        char *at = line;
        while (*at == ' ')
            at++;
        if (*at == '>') {
            frame_line(&s->gathered, at + 1);
            continue;
        }
        flush_gathered(s);
        if (*at == '!') {
            at++;
            command(s, at);
            if (strncmp(script + strspn(script, " "), "!", 1) != 0) /* commands in a row are one dispatch */
                stage_turn(s);
        } else if (*at == '@') {
            at++;
            stage_pass(s, duration(&at));
        } else if (*at) {
            fail_msg("no line of a script: %s", line);
        }
    }
    flush_gathered(s);
}

/* ---- Begin, end, comparison */

void stage_init(stage *s, h2_role role, const limits *l, unsigned cut)
{
    *s = (stage){
        .role = role, .now = INT64_C(1000000000000), .cut = cut, .random = cut * UINT64_C(0x9E3779B97F4A7C15) + 1
    };
    h2_options options = { .role = role, .stream_extra = 8, .seed = 1 };
    if (l)
        options.limits = *l;
    s->c = h2_connection_new(&options, s->now);
    limits large = { .header_list_bytes_max = 1u << 20, .header_fields_max = 1000 };
    s->reader = hpack_decoder_new(&large);
    s->events = calloc(1, STAGE_TEXT_MAX);
    s->frames = calloc(1, STAGE_TEXT_MAX);
    assert_true(s->c && s->reader && s->events && s->frames);
}

void stage_fini(stage *s)
{
    h2_connection_free(s->c);
    for (size_t i = 0; i < s->stream_count; i++)
        if (s->streams[i])
            h2_stream_release(s->streams[i]);
    hpack_decoder_free(s->reader);
    buffer_fini(&s->out);
    buffer_fini(&s->gathered);
    free(s->events);
    free(s->frames);
}

void stage_expect(stage *s, const char *events, const char *frames)
{
    if (events)
        assert_string_equal(s->events, events);
    if (frames)
        assert_string_equal(s->frames, frames);
    s->events[0] = s->frames[0] = '\0';
    s->events_size = s->frames_size = 0;
    s->data_stream = NULL;
}

void stage_open(stage *s, h2_role role, const limits *l)
{
    stage_init(s, role, l, 0);
    stage_run(s, role == H2_SERVER ? "> PREFACE\n> SETTINGS\n> SETTINGS ACK\n" : "> SETTINGS\n> SETTINGS ACK\n");
    stage_expect(s, "settings\n", NULL);
}

/* The first frames are the same for all: SETTINGS, and WINDOW_UPDATE of the connection. */
static const char *behind_preface(const stage *s)
{
    const char *at = s->frames;
    assert_int_equal(strncmp(at, "SETTINGS ", 9), 0);
    at = strchr(at, '\n') + 1;
    return strncmp(at, "WINDOW 0 ", 9) == 0 ? strchr(at, '\n') + 1 : at;
}

void play_all(const play *plays, size_t count)
{
    static const unsigned cuts[] = { 0, 1, 2, 3, 4, 5, 77, 1234 };
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++) {
            const play *p = &plays[i];
            stage s;
            stage_init(&s, p->role, p->limits, cuts[k]);
            stage_run(&s, p->script);
            const char *frames = behind_preface(&s);
            if (strcmp(s.events, p->events) != 0 || strcmp(frames, p->frames) != 0)
                fail_msg("%s, cut %u\nevents:\n%s\nexpected:\n%s\nframes:\n%s\nexpected:\n%s", p->name, cuts[k],
                         s.events, p->events, frames, p->frames);
            stage_fini(&s);
        }
}
