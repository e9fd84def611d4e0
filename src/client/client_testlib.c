/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client_testlib.h"
#include <stdio.h>

/* ---- Frames out */

void raw_frame(raw_line *l, unsigned type, unsigned flags, uint32_t stream, const void *payload, size_t size)
{
    unsigned char head[9] = { (unsigned char)(size >> 16),   (unsigned char)(size >> 8),
                              (unsigned char)size,           (unsigned char)type,
                              (unsigned char)flags,          (unsigned char)(stream >> 24),
                              (unsigned char)(stream >> 16), (unsigned char)(stream >> 8),
                              (unsigned char)stream };
    const proa_bytes parts[] = { { (const char *)head, sizeof head }, { payload, size } };
    if (l->socket)
        io_socket_write(l->socket, parts, 2);
}

static void put_u32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> (24 - 8 * i));
}

void raw_settings(raw_line *l, unsigned streams_max)
{
    unsigned char payload[12] = { 0, 4, 0, 16, 0, 0, 0, 3 }, window[4];
    put_u32(payload + 8, streams_max);
    raw_frame(l, 4, 0, 0, payload, streams_max ? 12 : 6);
    put_u32(window, 1 << 20);
    raw_frame(l, 8, 0, 0, window, 4);
}

void raw_reset(raw_line *l, uint32_t stream, uint32_t code)
{
    unsigned char payload[4];
    put_u32(payload, code);
    raw_frame(l, 3, 0, stream, payload, 4);
}

void raw_goaway(raw_line *l, uint32_t last_stream, uint32_t code, const char *debug)
{
    unsigned char payload[64];
    put_u32(payload, last_stream);
    put_u32(payload + 4, code);
    memcpy(payload + 8, debug, strlen(debug));
    raw_frame(l, 7, 0, 0, payload, 8 + strlen(debug));
}

/* :status 200 is indexed; the rest are literals without indexing. */
#define STATUS_AND_TYPE \
    "\x88\x00\x0c" \
    "content-type\x10" \
    "application/grpc"

void raw_headers(raw_line *l, uint32_t stream)
{
    raw_frame(l, 1, 4, stream, STATUS_AND_TYPE, sizeof STATUS_AND_TYPE - 1);
}

void raw_ok(raw_line *l, uint32_t stream)
{
    static const char block[] = STATUS_AND_TYPE "\x00\x0b"
                                                "grpc-status\x01"
                                                "0";
    raw_frame(l, 1, 5, stream, block, sizeof block - 1);
}

/* ---- Frames in */

static void take_frame(raw_line *l, unsigned type, unsigned flags, uint32_t stream, proa_bytes payload)
{
    bool is_end = (type == 0 || type == 1) && flags & 1;
    if (type == 0)
        (void)!buffer_append(&l->data, payload.data, payload.size);
    if (type == 1) {
        l->calls++;
        l->stream = stream;
        l->headers_size = payload.size < sizeof l->headers ? payload.size : sizeof l->headers;
        memcpy(l->headers, payload.data, l->headers_size);
    }
    l->half_closes += is_end;
    l->resets += type == 3;
    l->goaways += type == 7;
    if (type == 4 && !(flags & 1) && !l->server->is_mute)
        raw_frame(l, 4, 1, 0, NULL, 0);
    if (type == 6 && !(flags & 1))
        l->pings++;
    if (type == 1 && l->server->on_call)
        l->server->on_call(l);
    if (is_end && l->server->answers)
        raw_ok(l, stream);
}

static uint32_t get_u32(const char *from)
{
    const unsigned char *u = (const unsigned char *)from;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static void on_bytes(void *owner, proa_bytes bytes)
{
    raw_line *l = owner;
    (void)!buffer_append(&l->in, bytes.data, bytes.size);
    for (proa_bytes all; l->socket;) {
        all = buffer_bytes(&l->in);
        if (!l->has_preface) {
            if (all.size < 24)
                return;
            l->has_preface = true;
            buffer_consume(&l->in, 24);
            continue;
        }
        size_t size = all.size < 9 ? 0 : get_u32(all.data) >> 8;
        if (all.size < 9 + size || all.size < 9)
            return;
        take_frame(l, (unsigned char)all.data[3], (unsigned char)all.data[4], get_u32(all.data + 5),
                   (proa_bytes){ all.data + 9, size });
        buffer_consume(&l->in, 9 + size);
    }
}

static void on_writable(void *owner)
{
    (void)owner;
}

static void on_end(void *owner, const proa_error *error)
{
    raw_line *l = owner;
    (void)error;
    l->saw_end = true;
    raw_hang_up(l);
}

static const io_socket_handler handler = { .on_bytes = on_bytes, .on_writable = on_writable, .on_end = on_end };

static void on_accept(void *owner, io_socket *socket)
{
    raw_server *s = owner;
    assert_true(s->count < sizeof s->lines / sizeof *s->lines);
    raw_line *l = &s->lines[s->count++];
    *l = (raw_line){ .server = s, .socket = socket, .begun_at = home_now(s->home) };
    io_socket_own(socket, &handler, l);
    if (s->hangs_up)
        raw_hang_up(l);
    else if (!s->is_mute)
        raw_settings(l, 0);
}

/* ---- Servers */

void raw_open_at(raw_server *s, proa_loop *home, const char *address)
{
    io_target target;
    proa_error error;
    *s = (raw_server){ .home = home };
    assert_int_equal(io_target_parse(address, -1, &target, &error), PROA_ERR_NONE);
    s->listener = io_listener_open(home_io(home), &target.addresses.items[0], NULL, on_accept, s, &error);
    if (!s->listener)
        fail_msg("%s", error.text);
    io_address_text(io_listener_address(s->listener), s->address, sizeof s->address);
}

void raw_open(raw_server *s, proa_loop *home)
{
    raw_open_at(s, home, "127.0.0.1:0");
}

void raw_hang_up(raw_line *l)
{
    io_socket_close(l->socket);
    l->socket = NULL;
}

void raw_shut(raw_server *s)
{
    if (s->listener)
        io_listener_close(s->listener);
    s->listener = NULL;
    for (unsigned i = 0; i < s->count; i++) {
        raw_hang_up(&s->lines[i]);
        buffer_fini(&s->lines[i].in);
        buffer_fini(&s->lines[i].data);
    }
}

bool raw_line_is_open(const raw_line *l)
{
    return l->socket != NULL;
}

/* ---- Time */

proa_loop *virtual_home(void)
{
    proa_loop *home = home_new(&(proa_loop_options){ .virtual_time = true }, false);
    assert_non_null(home);
    return home;
}

void rest(proa_loop *home, int64_t ns)
{
    for (int64_t until = home_now(home) + ns; home_now(home) < until;)
        home_turn(home, until - home_now(home));
    for (int i = 0; i < 4; i++) /* what that caused */
        home_turn(home, 1);
}

/* ---- Calls */

proa_call *begin_call(proa_channel *channel, const proa_call_options *options)
{
    proa_call *c = proa_call_begin(channel, "/a.B/C", options);
    proa_call_end_requests(c);
    return c;
}

/* The text of a status has no NUL behind it. */
bool says(proa_call *c, const char *word)
{
    char text[600];
    TURN_UNTIL(call_home(c), proa_call_is_at_end(c));
    snprintf(text, sizeof text, "%.*s", PROA_FMT(proa_call_status(c).message));
    if (!strstr(text, word))
        print_message("it says: %s\n", text);
    return strstr(text, word) != NULL;
}

proa_code code_of(proa_call *c)
{
    TURN_UNTIL(call_home(c), proa_call_is_at_end(c));
    proa_code code = proa_call_status(c).code;
    proa_call_end(c);
    return code;
}
