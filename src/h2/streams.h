/* SPDX-License-Identifier: Apache-2.0 */
/* The streams of a connection: numbers, concurrency, and how the last of them were closed (RFC 9113 5.1.1, 5.1.2).
 *
 * Never writes a frame and never reports an event. */
#ifndef H2_STREAMS_H
#define H2_STREAMS_H
#include "h2/stream.h"

#define STREAMS_CLOSED_MAX 64          /* remembered; a late frame of an older stream is ignored */
#define STREAMS_KEPT_MAX 64            /* free blocks in a slab of our own */
#define STREAMS_FEW 8                  /* a power of two */

/* Open streams by number. Numbers are odd and rise, so their low bits spread them; those that share a slot are chained through
 * the streams, and putting one in cannot fail. */
typedef struct streams_table {
    h2_stream **slots;
    uint32_t mask, count;
    h2_stream *few[STREAMS_FEW];       /* the slots of a connection with few */
} streams_table;

/* How a stream that is not open came to be so. */
typedef enum streams_past {
    STREAMS_IDLE,                      /* not yet */
    STREAMS_ENDED,                     /* both sides ended it */
    STREAMS_RESET_HERE,                /* we reset it: whatever comes was in flight */
    STREAMS_RESET_THERE,               /* the peer reset it: nothing may come */
    STREAMS_SKIPPED,                   /* never used, closed by a higher number (RFC 9113 5.1.1) */
    STREAMS_FORGOTTEN
} streams_past;

typedef struct streams {
    h2_role role;
    streams_table table;               /* open and numbered */
    list all;                          /* not yet released */
    uint32_t open, zombies;
    uint32_t last_id;                  /* highest number used, by the client of the two */
    uint32_t closed[STREAMS_CLOSED_MAX];   /* ring of id / 2 * 4 + past */
    uint32_t closed_next;
    uint32_t forgotten_id;             /* highest number that fell out of the ring */
    slab *slab, own;
} streams;

void streams_init(streams *streams, h2_role role, slab *slab, size_t extra);
void streams_fini(streams *streams);   /* detaches what was not released */
h2_stream *streams_add(streams *streams);                              /* open and unnumbered; NULL: no memory */
void streams_number(streams *streams, h2_stream *stream, uint32_t id);   /* id is above last_id, which it becomes */
static inline h2_stream *streams_find(const streams *s, uint32_t id)   /* open; NULL: none */
{
    h2_stream *stream = s->table.slots[id >> 1 & s->table.mask];
    while (stream && stream->id != id)
        stream = stream->chain;
    return stream;
}
void streams_close(streams *streams, h2_stream *stream, streams_past past);
void streams_note(streams *streams, uint32_t id, streams_past past);   /* one that was never made: refused, malformed */
streams_past streams_recall(const streams *streams, uint32_t id);      /* of one that is not open */
void streams_release(streams *streams, h2_stream *stream);
void streams_trim(streams *streams);                                   /* idle: gives memory back */
#endif
