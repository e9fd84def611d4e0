/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the connection: framed bytes, and the writers of every frame but HEADERS. One trace line a frame.
 *
 * Running out of memory is remembered in is_failed and nothing more is written; the connection looks once a verb. */
#ifndef H2_OUTPUT_H
#define H2_OUTPUT_H
#include "base/trace.h"
#include "h2/frame.h"
#include "h2/queue.h"

typedef struct output {
    queue queue;
    uint64_t sent;              /* bytes that were taken, ever */
    uint32_t controls;          /* answers that a peer provoked, since the queue was empty */
    bool is_failed;
    /* The last frame, when it is DATA that may still grow: small messages of a stream share a frame. */
    uint32_t tail_id;           /* 0: none */
    uint32_t tail_size;
    const trace *trace;
} output;

void output_fini(output *output);
static inline uint64_t output_position(const output *o) { return o->sent + o->queue.size; }   /* behind the last byte */

/* A frame with a payload to be filled in at once; NULL: no memory. */
char *output_frame(output *output, frame f);
void output_settings(output *output, const char *payload, size_t size);
void output_settings_ack(output *output);
void output_ping(output *output, uint64_t payload, bool is_ack);
void output_reset(output *output, uint32_t stream_id, uint32_t code);
void output_window(output *output, uint32_t stream_id, uint32_t increment);
void output_goaway(output *output, uint32_t last_id, uint32_t code, proa_bytes debug);

/* A place in a sequence of parts. */
typedef struct output_cursor { const proa_bytes *parts; size_t count, index, offset; } output_cursor;
/* DATA of the next size bytes; the last frame grows instead where that keeps it within length_max. */
void output_data(output *output, uint32_t stream_id, output_cursor *from, size_t size, bool is_end, uint32_t length_max);
/* DATA of the next size bytes of a stream's queue. */
void output_data_of(output *output, uint32_t stream_id, queue *from, size_t size, bool is_end);
/* END_STREAM on the last frame, when that is DATA of this stream and still there to change. false: it is not. */
bool output_end_tail(output *output, uint32_t stream_id);
void output_tell_tail(output *output, bool is_end);
/* output_data of one part, which nearly all are. */
void output_part(output *output, uint32_t stream_id, proa_bytes part, bool is_end, uint32_t length_max);
static inline void output_seal(output *o)           /* the last frame is finished */
{
    if (o->tail_id)
        output_tell_tail(o, false);
}
void output_drop(output *output, size_t size);      /* they were sent */
void output_clear(output *output);                  /* nothing of it will be sent */
void output_trace(const output *output, char direction, frame f, const char *more);   /* only when tracing */
static inline bool output_is_traced(const output *o) { return o->trace && (o->trace->areas & TRACE_H2); }
#endif
