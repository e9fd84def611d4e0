/* SPDX-License-Identifier: Apache-2.0 */
/* The short way: what nearly every frame is goes here, and all others the general one of receive.c. In one piece, of a kind
 * that needs no look at the frame itself, and nothing is under way that it could disturb. Whatever could be wrong with it is
 * looked at here, or by the general way when this one says false, having done nothing. */
#include "h2/connection.h"

/* DATA without padding, for a stream that is open and has room for it in both windows. */
static bool receive_plain_data(h2_connection *c, frame f, const char *at, h2_event *out)
{
    h2_stream *s = streams_find(&c->streams, f.stream_id);
    if (!s || f.length == 0 || !s->has_headers || s->has_length || s->is_resetting ||
        stream_table[s->state][STREAM_R_DATA].scope || (int32_t)f.length > s->receive.window ||
        (int32_t)f.length > c->receive.window)
        return false;
    s->receive.window -= (int32_t)f.length;
    c->receive.window -= (int32_t)f.length;
    c->budget.empty_row = 0;
    out->type = H2_EVENT_DATA;
    out->stream = s;
    out->bytes = (proa_bytes){ at + FRAME_HEADER_SIZE, f.length };
    out->is_end = (f.flags & FRAME_END_STREAM) != 0;
    input_skip(&c->input, FRAME_HEADER_SIZE + f.length);
    credit_received(c, s, f.length);
    if (out->is_end)
        receive_end(c, s);
    return true;
}

static bool receive_plain_headers(h2_connection *c, frame f, const char *at, h2_event *out)
{
    if (!(f.flags & FRAME_END_HEADERS) || receive_is_put_off(c, f))
        return false;
    proa_bytes payload = { at + FRAME_HEADER_SIZE, f.length };
    input_skip(&c->input, FRAME_HEADER_SIZE + f.length);
    h2_fault fault = receive_block(c, f.stream_id, f.flags, payload, NULL, out);
    if (fault.scope)
        receive_fault(c, f.stream_id, fault);
    return true;
}

bool receive_plain(h2_connection *c, h2_event *out)
{
    proa_bytes in = input_some(&c->input);
    if (in.size < FRAME_HEADER_SIZE)
        return false;
    frame f = frame_decode(in.data);
    if (!receive_is_plain(c, f) || in.size - FRAME_HEADER_SIZE < f.length || c->data.is_active ||
        (f.flags & (FRAME_PADDED | FRAME_HAS_PRIORITY)) || output_is_traced(&c->output))
        return false;
    return f.type == FRAME_DATA ? receive_plain_data(c, f, in.data, out) : receive_plain_headers(c, f, in.data, out);
}
