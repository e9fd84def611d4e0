/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/rpc_testlib.h"

/* ---- Text */

void text_add(text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text->data + text->size, sizeof text->data - text->size, format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && (size_t)size < sizeof text->data - text->size);
    text->size += (size_t)size;
}

void text_bytes(text *text, proa_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        text_add(text, c > 0x20 && c < 0x7f ? "%c" : c == ' ' ? "_" : "\\%02x", c);
    }
}

static void text_is(text *text, const char *expected)
{
    text->data[text->size] = '\0';
    if (text->size && text->data[text->size - 1] == '\n')
        text->data[text->size - 1] = '\0';
    assert_string_equal(text->data, expected);
    text->size = 0;
    text->data[0] = '\0';
}

size_t cut_next(uint64_t *cut, size_t size)
{
    if (*cut < 2)
        return *cut ? 1 : size;
    *cut = (*cut * UINT64_C(6364136223846793005) + 1442695040888963407u) | 2;
    size_t n = *cut >> 62 ? 1 + (*cut >> 40) % 40 : 1 + (*cut >> 40) % 5000;
    return n < size ? n : size;
}

/* ---- One endpoint */

void side_begin(side *side, rpc_options options)
{
    *side = (struct side){ .now = PROA_SECOND };
    options.authority = options.authority.size ? options.authority : PROA_STR("host");
    options.user_agent = options.user_agent.size ? options.user_agent : PROA_STR("test");
    side->endpoint = rpc_endpoint_new(&options, side->now);
    assert_non_null(side->endpoint);
}

void side_end(side *side)
{
    rpc_endpoint_free(side->endpoint);
}

static bool ends_with(const text *text, const char *word)
{
    size_t size = strlen(word);
    return text->size >= size && memcmp(text->data + text->size - size, word, size) == 0;
}

void side_events(side *side)
{
    static const char *const names[] = { "NONE",       "READY",    "ROOM", "CALL",   "HEADERS", "MESSAGE",
                                         "HALF_CLOSE", "WRITABLE", "END",  "GOAWAY", "CLOSED" };
    rpc_event event;
    while (rpc_endpoint_next_event(side->endpoint, &event)) {
        if (event.type == RPC_EVENT_MESSAGE && ends_with(&side->log, "MESSAGE ")) {
            side->messages++; /* one for many, or one each: that depends on how the bytes were cut */
        } else if (event.type != RPC_EVENT_READY) {
            side->messages += event.type == RPC_EVENT_MESSAGE;
            text_add(&side->log, "%s ", names[event.type]);
        } else {
            assert_false(side->is_ready);
            side->is_ready = true;
        }
        if (event.type == RPC_EVENT_CALL) {
            assert_true(side->count < SIDE_EXCHANGES);
            side->seen[side->count++] = event.exchange;
        }
        if (event.type == RPC_EVENT_END) {
            side->is_unprocessed = event.is_unprocessed;
            side->is_unsent = event.is_unsent;
        }
        if (event.type == RPC_EVENT_GOAWAY || event.type == RPC_EVENT_CLOSED)
            side->fault = event.fault;
        if (side->on_event)
            side->on_event(side, &event, side->user);
    }
}

void side_is(side *side, const char *log)
{
    side_events(side);
    if (side->log.size)
        side->log.size--; /* the last space */
    text_is(&side->log, log);
}

/* ---- A scripted peer */

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

void raw_begin(raw *raw, h2_role role_of_endpoint, rpc_options options, uint64_t cut)
{
    memset(raw, 0, sizeof *raw);
    raw->cut = cut;
    options.role = role_of_endpoint;
    side_begin(&raw->side, options);
    raw->encoder = hpack_encoder_new(&(hpack_encoder_options){ .table_bytes_max = 4096 });
    raw->decoder = hpack_decoder_new(&(limits){ .header_list_bytes_max = 1 << 20, .header_fields_max = 1000 });
    assert_non_null(raw->encoder);
    assert_non_null(raw->decoder);
    if (role_of_endpoint == H2_SERVER)
        assert_int_equal(buffer_append(&raw->out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24), PROA_ERR_NONE);
    raw_frame(raw, SETTINGS, 0, 0, PROA_STR(""));
    raw_frame(raw, SETTINGS, ACK, 0, PROA_STR(""));
    raw->is_greeted = role_of_endpoint == H2_SERVER;
    raw_setting(raw, 3, 100);
    raw_run(raw);
    side_is(&raw->side, "");
    assert_true(raw->side.is_ready);
}

void raw_end(raw *raw)
{
    side_end(&raw->side);
    hpack_encoder_free(raw->encoder);
    hpack_decoder_free(raw->decoder);
    buffer_fini(&raw->out);
    buffer_fini(&raw->in);
}

void raw_abandon(raw *raw, rpc_exchange *exchange)
{
    raw_end(raw);
    assert_true(rpc_exchange_has_ended(exchange));
    assert_false(push_text(exchange, "x"));
    rpc_exchange_release(exchange);
}

void raw_frame(raw *raw, uint8_t type, uint8_t flags, uint32_t stream, proa_bytes payload)
{
    char head[9] = { (char)(payload.size >> 16), (char)(payload.size >> 8), (char)payload.size, (char)type,
                     (char)flags };
    bytes_put_u32_be(head + 5, stream);
    assert_int_equal(buffer_append(&raw->out, head, sizeof head), PROA_ERR_NONE);
    assert_int_equal(buffer_append(&raw->out, payload.data, payload.size), PROA_ERR_NONE);
}

static size_t add_pairs(hpack_field *fields, size_t count, va_list pairs)
{
    for (const char *name; (name = va_arg(pairs, const char *)) != NULL;) {
        proa_bytes text = proa_bytes_of(name), value = proa_bytes_of(va_arg(pairs, const char *));
        assert_true(count < 300);
        fields[count++] = (hpack_field){ text, value, 0, false };
    }
    return count;
}

static void send_fields(raw *raw, uint32_t stream, bool is_end, const hpack_field *fields, size_t count)
{
    buffer block = { 0 };
    assert_int_equal(hpack_encode(raw->encoder, fields, count, &block), PROA_ERR_NONE);
    proa_bytes left = buffer_bytes(&block);
    uint8_t type = HEADERS;
    do {
        proa_bytes part = { left.data, left.size < 16384 ? left.size : 16384 };
        left.data += part.size;
        left.size -= part.size;
        uint8_t flags = (uint8_t)((left.size ? 0 : END_HEADERS) | (is_end && type == HEADERS ? END_STREAM : 0));
        raw_frame(raw, type, flags, stream, part);
        type = CONTINUATION;
    } while (left.size);
    buffer_fini(&block);
}

void raw_headers(raw *raw, uint32_t stream, int is_end, ...)
{
    hpack_field fields[300];
    va_list pairs;
    va_start(pairs, is_end);
    size_t count = add_pairs(fields, 0, pairs);
    va_end(pairs);
    send_fields(raw, stream, is_end, fields, count);
}

void raw_request(raw *raw, uint32_t stream, int is_end, ...)
{
    hpack_field fields[300] = {
        { PROA_STR(":method"), PROA_STR("POST"), 0, false },
        { PROA_STR(":scheme"), PROA_STR("http"), 0, false },
        { PROA_STR(":path"), PROA_STR("/a.B/C"), 0, false },
        { PROA_STR(":authority"), PROA_STR("host"), 0, false },
        { PROA_STR("te"), PROA_STR("trailers"), 0, false },
        { PROA_STR("content-type"), PROA_STR("application/grpc"), 0, false },
    };
    va_list pairs;
    va_start(pairs, is_end);
    size_t count = add_pairs(fields, 6, pairs);
    va_end(pairs);
    send_fields(raw, stream, is_end, fields, count);
}

void raw_reply(raw *raw, uint32_t stream, ...)
{
    hpack_field fields[300] = {
        { PROA_STR(":status"), PROA_STR("200"), 0, false },
        { PROA_STR("content-type"), PROA_STR("application/grpc"), 0, false },
    };
    va_list pairs;
    va_start(pairs, stream);
    size_t count = add_pairs(fields, 2, pairs);
    va_end(pairs);
    send_fields(raw, stream, false, fields, count);
}

void raw_data(raw *raw, uint32_t stream, bool is_end, proa_bytes bytes)
{
    raw_frame(raw, DATA, is_end ? END_STREAM : 0, stream, bytes);
}

void raw_message(raw *raw, uint32_t stream, bool is_end, proa_bytes body)
{
    buffer data = { 0 };
    char head[RPC_ENVELOPE_SIZE] = { 0 };
    bytes_put_u32_be(head + 1, (uint32_t)body.size);
    assert_int_equal(buffer_append(&data, head, sizeof head), PROA_ERR_NONE);
    assert_int_equal(buffer_append(&data, body.data, body.size), PROA_ERR_NONE);
    raw_data(raw, stream, is_end, buffer_bytes(&data));
    buffer_fini(&data);
}

static void send_u32(raw *raw, uint8_t type, uint32_t stream, uint32_t value)
{
    char payload[4];
    bytes_put_u32_be(payload, value);
    raw_frame(raw, type, 0, stream, (proa_bytes){ payload, 4 });
}

void raw_reset(raw *raw, uint32_t stream, h2_code code)
{
    send_u32(raw, RST_STREAM, stream, (uint32_t)code);
}

void raw_window(raw *raw, uint32_t stream, uint32_t increment)
{
    send_u32(raw, WINDOW_UPDATE, stream, increment);
}

void raw_setting(raw *raw, uint16_t id, uint32_t value)
{
    char payload[6] = { (char)(id >> 8), (char)id };
    bytes_put_u32_be(payload + 2, value);
    raw_frame(raw, SETTINGS, 0, 0, (proa_bytes){ payload, 6 });
}

static void show_headers(raw *raw, proa_bytes payload)
{
    hpack_block *block;
    assert_int_equal(hpack_decode(raw->decoder, payload, &block, NULL), HPACK_OK);
    for (uint32_t i = 0; i < block->count; i++) {
        text_add(&raw->frames, " %.*s=", PROA_FMT(block->fields[i].name));
        text_bytes(&raw->frames, block->fields[i].value);
    }
    hpack_block_release(block);
}

static void show_frame(raw *raw, uint8_t type, uint8_t flags, uint32_t stream, proa_bytes payload)
{
    text *t = &raw->frames;
    bool is_noise = type == SETTINGS || type == PING || type == WINDOW_UPDATE;
    if (is_noise && !raw->is_verbose)
        return;
    switch (type) {
    case DATA:
        text_add(t, "%u DATA %zu%s", stream, payload.size, flags & END_STREAM ? " END" : "");
        memcpy(raw->last_body, payload.data, payload.size);
        raw->body = (proa_bytes){ raw->last_body, payload.size };
        break;
    case HEADERS:
        assert_true(flags & END_HEADERS);
        text_add(t, "%u HEADERS%s", stream, flags & END_STREAM ? " END" : "");
        show_headers(raw, payload);
        break;
    case RST_STREAM: text_add(t, "%u RST %s", stream, h2_code_name(bytes_u32_be(payload.data))); break;
    case GOAWAY:
        text_add(t, "GOAWAY %u %s", bytes_u32_be(payload.data), h2_code_name(bytes_u32_be(payload.data + 4)));
        if (raw->is_verbose)
            text_add(t, " %.*s", (int)payload.size - 8, payload.data + 8);
        break;
    case PING: text_add(t, "PING%s", flags & ACK ? " ACK" : ""); break;
    case WINDOW_UPDATE: text_add(t, "%u WINDOW %u", stream, bytes_u32_be(payload.data)); break;
    default: text_add(t, "%u type %u flags %u", stream, type, flags); break;
    }
    text_add(t, "\n");
}

static void read_frames(raw *raw)
{
    if (!raw->is_greeted && buffer_size(&raw->in) >= 24) {
        buffer_consume(&raw->in, 24);
        raw->is_greeted = true;
    }
    while (buffer_size(&raw->in) >= 9) {
        const unsigned char *head = (const unsigned char *)buffer_bytes(&raw->in).data;
        size_t size = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (buffer_size(&raw->in) < 9 + size)
            break;
        show_frame(raw, head[3], head[4], bytes_u32_be((const char *)head + 5),
                   (proa_bytes){ (const char *)head + 9, size });
        buffer_consume(&raw->in, 9 + size);
    }
}

static bool take_output(raw *raw)
{
    h2_output out;
    bool any = false;
    while (rpc_endpoint_emit(raw->side.endpoint, &out, raw->side.now)) {
        for (size_t i = 0; i < out.count; i++)
            assert_int_equal(buffer_append(&raw->in, out.parts[i].data, out.parts[i].size), PROA_ERR_NONE);
        rpc_endpoint_sent(raw->side.endpoint, out.size);
        any = true;
    }
    return any;
}

void raw_run(raw *raw)
{
    do {
        if (buffer_size(&raw->out)) {
            proa_bytes bytes = buffer_bytes(&raw->out);
            bytes.size = cut_next(&raw->cut, bytes.size);
            char *copy = malloc(bytes.size); /* exactly, so that a sanitizer sees a read behind it */
            memcpy(copy, bytes.data, bytes.size);
            rpc_endpoint_feed(raw->side.endpoint, (proa_bytes){ copy, bytes.size }, raw->side.now);
            side_events(&raw->side);
            free(copy);
            buffer_consume(&raw->out, bytes.size);
        }
        side_events(&raw->side);
    } while (take_output(raw) || buffer_size(&raw->out));
    side_events(&raw->side);
    read_frames(raw);
}

void raw_is(raw *raw, const char *frames)
{
    raw_run(raw);
    text_is(&raw->frames, frames);
}

/* ---- A server under test */

rpc_exchange *raw_take(raw *raw, uint32_t stream, bool is_end)
{
    size_t before = raw->side.count;
    raw_request(raw, stream, is_end, NULL);
    raw_is(raw, "");
    side_is(&raw->side, is_end ? "CALL HALF_CLOSE" : "CALL");
    assert_int_equal(raw->side.count, before + 1);
    return raw->side.seen[before];
}

void raw_finish(raw *raw, rpc_exchange *call)
{
    side_is(&raw->side, "END");
    rpc_exchange_release(call);
    raw_end(raw);
}

/* ---- Two of ours */

void pair_begin(pair *pair, rpc_options options, uint64_t cut)
{
    *pair = (struct pair){ .cut = cut };
    options.role = H2_CLIENT;
    side_begin(&pair->client, options);
    options.role = H2_SERVER;
    side_begin(&pair->server, options);
}

void pair_end(pair *pair)
{
    side_end(&pair->client);
    side_end(&pair->server);
}

static bool carry(pair *pair, side *from, side *to)
{
    h2_output out;
    from->now = to->now = from->now > to->now ? from->now : to->now;
    if (!rpc_endpoint_emit(from->endpoint, &out, from->now))
        return false;
    buffer all = { 0 };
    for (size_t i = 0; i < out.count; i++)
        assert_int_equal(buffer_append(&all, out.parts[i].data, out.parts[i].size), PROA_ERR_NONE);
    rpc_endpoint_sent(from->endpoint, out.size);
    pair->carried += out.size;
    while (buffer_size(&all)) {
        proa_bytes bytes = buffer_bytes(&all);
        bytes.size = cut_next(&pair->cut, bytes.size);
        rpc_endpoint_feed(to->endpoint, bytes, to->now);
        side_events(to);
        buffer_consume(&all, bytes.size);
    }
    buffer_fini(&all);
    return true;
}

void pair_run(pair *pair)
{
    bool any;
    do {
        side_events(&pair->client);
        any = carry(pair, &pair->client, &pair->server);
        side_events(&pair->server);
        any |= carry(pair, &pair->server, &pair->client);
    } while (any);
    side_events(&pair->client);
    side_events(&pair->server);
}

rpc_exchange *pair_call(pair *pair, const char *path, proa_headers headers, int64_t deadline_ns)
{
    rpc_exchange *exchange = NULL;
    rpc_request request = { .path = proa_bytes_of(path), .headers = headers, .deadline_ns = deadline_ns };
    assert_int_equal(rpc_exchange_begin(pair->client.endpoint, &request, pair->client.now, &exchange), PROA_ERR_NONE);
    return exchange;
}

bool push_text(rpc_exchange *exchange, const char *body)
{
    char data[256];
    size_t size = strlen(body);
    assert_true(size + RPC_ENVELOPE_SIZE <= sizeof data);
    memcpy(data + RPC_ENVELOPE_SIZE, body, size);
    return rpc_exchange_push(exchange, data + RPC_ENVELOPE_SIZE, size);
}

bool push_size(rpc_exchange *exchange, size_t size)
{
    char *data = malloc(RPC_ENVELOPE_SIZE + size);
    for (size_t i = 0; i < size; i++)
        data[RPC_ENVELOPE_SIZE + i] = (char)(i * 31 + size);
    bool more = rpc_exchange_push(exchange, data + RPC_ENVELOPE_SIZE, size);
    free(data);
    return more;
}

void pop_is_text(rpc_exchange *exchange, const char *body)
{
    proa_slice slice;
    assert_true(rpc_exchange_has_message(exchange));
    assert_true(rpc_exchange_pop(exchange, &slice));
    assert_int_equal(slice.bytes.size, strlen(body));
    assert_memory_equal(slice.bytes.data, body, slice.bytes.size);
    proa_slice_free(&slice);
}

void finish_with(rpc_exchange *exchange, proa_code code, const char *message)
{
    proa_status status = { .code = code, .message = proa_bytes_of(message) };
    assert_int_equal(rpc_exchange_finish(exchange, &status, (proa_headers){ NULL, 0 }), PROA_ERR_NONE);
}

void status_is(rpc_exchange *exchange, proa_code code, const char *message)
{
    proa_arena *arena = proa_arena_new(0);
    proa_status status = rpc_exchange_status(exchange, arena);
    assert_string_equal(proa_code_name(status.code), proa_code_name(code));
    if (message) {
        text shown = { .size = 0 };
        text_add(&shown, "%.*s", PROA_FMT(status.message));
        text_is(&shown, message);
    }
    proa_arena_free(arena);
}
