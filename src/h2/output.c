/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/output.h"
#include "base/bytes.h"
#include <stdio.h>

void output_fini(output *o)
{
    queue_fini(&o->queue);
}

void output_trace(const output *o, char direction, frame f, const char *more)
{
    char flags[64];
    if (f.type < FRAME_TYPES)
        TRACE(o->trace, TRACE_H2, "h2 %c %s stream=%u len=%u%s%s", direction, frame_type_name(f.type), f.stream_id,
              f.length, frame_flags_text(f, flags), more);
    else
        TRACE(o->trace, TRACE_H2, "h2 %c UNKNOWN(%u) stream=%u len=%u%s", direction, f.type, f.stream_id, f.length,
              more);
}

static char *begin(output *o, frame f)
{
    output_seal(o);
    if (o->is_failed)
        return NULL;
    char *p = queue_reserve(&o->queue, FRAME_HEADER_SIZE + f.length);
    if (!p) {
        o->is_failed = true;
        return NULL;
    }
    frame_encode(p, f);
    queue_commit(&o->queue, FRAME_HEADER_SIZE + f.length);
    return p + FRAME_HEADER_SIZE;
}

char *output_frame(output *o, frame f)
{
    char *p = begin(o, f);
    if (p && output_is_traced(o))
        output_trace(o, '>', f, "");
    return p;
}

void output_settings(output *o, const char *payload, size_t size)
{
    char *p = output_frame(o, (frame){ .type = FRAME_SETTINGS, .length = (uint32_t)size });
    if (p)
        bytes_copy(p, payload, size);
}

void output_settings_ack(output *o)
{
    o->controls++;
    output_frame(o, (frame){ .type = FRAME_SETTINGS, .flags = FRAME_ACK });
}

void output_ping(output *o, uint64_t payload, bool is_ack)
{
    o->controls += is_ack;
    char *p = output_frame(o, (frame){ .type = FRAME_PING, .flags = is_ack ? FRAME_ACK : 0, .length = 8 });
    if (!p)
        return;
    bytes_put_u32_be(p, (uint32_t)(payload >> 32));
    bytes_put_u32_be(p + 4, (uint32_t)payload);
}

void output_reset(output *o, uint32_t stream_id, uint32_t code)
{
    o->controls++;
    frame f = { .type = FRAME_RST_STREAM, .stream_id = stream_id, .length = 4 };
    char *p = begin(o, f);
    if (!p)
        return;
    bytes_put_u32_be(p, code);
    if (output_is_traced(o)) {
        char more[64];
        snprintf(more, sizeof more, " code=%s", h2_code_name(code));
        output_trace(o, '>', f, more);
    }
}

void output_window(output *o, uint32_t stream_id, uint32_t increment)
{
    frame f = { .type = FRAME_WINDOW_UPDATE, .stream_id = stream_id, .length = 4 };
    char *p = begin(o, f);
    if (!p)
        return;
    bytes_put_u32_be(p, increment);
    if (output_is_traced(o)) {
        char more[64];
        snprintf(more, sizeof more, " increment=%u", increment);
        output_trace(o, '>', f, more);
    }
}

void output_goaway(output *o, uint32_t last_id, uint32_t code, proa_bytes debug)
{
    frame f = { .type = FRAME_GOAWAY, .length = 8 + (uint32_t)debug.size };
    char *p = begin(o, f);
    if (!p)
        return;
    bytes_put_u32_be(p, last_id);
    bytes_put_u32_be(p + 4, code);
    bytes_copy(p + 8, debug.data, debug.size);
    if (output_is_traced(o)) {
        char text[128], more[192];
        snprintf(more, sizeof more, " last=%u code=%s %s", last_id, h2_code_name(code),
                 trace_escape(debug, text, sizeof text));
        output_trace(o, '>', f, more);
    }
}

static frame data_frame(uint32_t stream_id, size_t size, bool is_end)
{
    return (frame){
        .type = FRAME_DATA, .stream_id = stream_id, .length = (uint32_t)size, .flags = is_end ? FRAME_END_STREAM : 0
    };
}

void output_tell_tail(output *o, bool is_end)
{
    if (output_is_traced(o))
        output_trace(o, '>', data_frame(o->tail_id, o->tail_size, is_end), "");
    o->tail_id = 0;
}

bool output_end_tail(output *o, uint32_t stream_id)
{
    if (o->tail_id != stream_id || o->is_failed)
        return false;
    char *header = buffer_tail(&o->queue.bytes) - o->tail_size - FRAME_HEADER_SIZE;
    frame_encode(header, data_frame(stream_id, o->tail_size, true));
    output_tell_tail(o, true);
    return true;
}

static void copy_from(output_cursor *from, char *to, size_t size)
{
    while (size) {
        proa_bytes part = from->parts[from->index];
        size_t n = part.size - from->offset < size ? part.size - from->offset : size;
        bytes_copy(to, part.data + from->offset, n);
        to += n;
        size -= n;
        from->offset += n;
        if (from->offset == part.size) {
            from->index++;
            from->offset = 0;
        }
    }
}

/* The last frame grows by size bytes, when it is of this stream and stays within length_max. */
static bool extend(output *o, uint32_t stream_id, output_cursor *from, size_t size, uint32_t length_max)
{
    if (o->tail_id != stream_id || o->tail_size + size > length_max || o->is_failed)
        return false;
    char *p = queue_reserve(&o->queue, size);
    if (!p) {
        o->is_failed = true;
        return true;
    }
    copy_from(from, p, size);
    char *header = p - o->tail_size - FRAME_HEADER_SIZE;
    o->tail_size += (uint32_t)size;
    frame_encode(header, data_frame(stream_id, o->tail_size, false));
    queue_commit(&o->queue, size);
    return true;
}

void output_data(output *o, uint32_t stream_id, output_cursor *from, size_t size, bool is_end, uint32_t length_max)
{
    if (!is_end && extend(o, stream_id, from, size, length_max))
        return;
    frame f = data_frame(stream_id, size, is_end);
    char *p = begin(o, f);
    if (!p)
        return;
    copy_from(from, p, size);
    if (is_end) {
        if (output_is_traced(o))
            output_trace(o, '>', f, "");
    } else {
        o->tail_id = stream_id;
        o->tail_size = f.length;
    }
}

void output_part(output *o, uint32_t stream_id, proa_bytes part, bool is_end, uint32_t length_max)
{
    if (o->tail_id && (o->tail_id != stream_id || o->tail_size + part.size > length_max))
        output_tell_tail(o, false);
    char *p = o->is_failed ? NULL : queue_reserve(&o->queue, FRAME_HEADER_SIZE + part.size);
    if (!p) {
        o->is_failed = true;
        return;
    }
    uint32_t before = o->tail_id ? o->tail_size : 0; /* bytes that the frame has already */
    char *head = o->tail_id ? p - before - FRAME_HEADER_SIZE : p;
    size_t size = o->tail_id ? part.size : FRAME_HEADER_SIZE + part.size;
    memcpy(head + FRAME_HEADER_SIZE + before, part.data, part.size);
    o->tail_id = stream_id;
    o->tail_size = before + (uint32_t)part.size;
    frame_encode(head, data_frame(stream_id, o->tail_size, is_end));
    queue_commit(&o->queue, size);
    if (is_end)
        output_tell_tail(o, true);
}

void output_data_of(output *o, uint32_t stream_id, queue *from, size_t size, bool is_end)
{
    frame f = data_frame(stream_id, size, is_end);
    output_seal(o);
    if (o->is_failed)
        return;
    char *p = queue_reserve(&o->queue, FRAME_HEADER_SIZE);
    if (p) {
        frame_encode(p, f);
        queue_commit(&o->queue, FRAME_HEADER_SIZE);
    }
    if (!p || queue_move(from, &o->queue, size)) {
        o->is_failed = true;
        return;
    }
    if (output_is_traced(o))
        output_trace(o, '>', f, "");
}

void output_drop(output *o, size_t size)
{
    output_seal(o);
    queue_drop(&o->queue, size);
    o->sent += size;
    if (o->queue.size == 0)
        o->controls = 0;
}

void output_clear(output *o)
{
    o->tail_id = 0;
    o->controls = 0;
    queue_fini(&o->queue);
}
